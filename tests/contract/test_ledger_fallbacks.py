"""What is held where what comes first is not there: decided by the ledger, in one step."""

from __future__ import annotations

from typing import Any

import pytest

from router.errors import InvalidInput
from router.ledger import DayHold, Fallback, Hold, Ledger, ReserveCode, ReserveRequest
from router.node_rows import LOAD_SKUS, day_place
from tests.contract.ledger_tools import audit, hold, stock_of

DAY = day_place("N1", 739_000)


def asked(*choices: tuple[Hold, ...], request_id: str = "", **more: Any) -> ReserveRequest:
    first, *others = choices
    return ReserveRequest(
        request_id=request_id,
        fingerprint="f",
        order_id="o",
        holds=first,
        ttl_seconds=60,
        payload=b"0",
        fallbacks=tuple(Fallback(holds=o, payload=str(i).encode()) for i, o in enumerate(others, 1)),
        **more,
    )


@pytest.fixture
def stocked(ledger: Ledger) -> Ledger:
    ledger.update_stock("", [stock_of("A", "N1", 1), stock_of("A", "N2", 2), stock_of("B", "N2", 5)])
    return ledger


ONE, TWO, BOTH = (hold("A", "N1", 2),), (hold("A", "N2", 2),), (hold("A", "N1", 1), hold("B", "N2", 5))


@pytest.mark.parametrize(
    ("choices", "taken"),
    [
        ((TWO, BOTH), 0),
        ((ONE, TWO, BOTH), 1),
        ((ONE, ONE, BOTH, TWO), 2),
        # one hold of it is not there: none of it is held
        (((hold("A", "N1", 1), hold("B", "N2", 6)), TWO), 1),
    ],
)
def test_the_first_that_is_all_there_is_held(
    stocked: Ledger, choices: tuple[tuple[Hold, ...], ...], taken: int
) -> None:
    outcome = stocked.reserve(asked(*choices))
    assert outcome.code is ReserveCode.HELD
    assert outcome.reservation is not None
    assert outcome.reservation.holds == choices[taken]
    assert outcome.payload == str(taken).encode()
    audit(stocked, ["A", "B"])


def test_where_none_is_there_the_first_says_what_is_left(stocked: Ledger) -> None:
    outcome = stocked.reserve(asked(ONE, (hold("B", "N2", 6),)))
    assert (outcome.code, outcome.shortages) == (ReserveCode.SOLD_OUT, (hold("A", "N1", 1),))
    assert outcome.reservation is None
    audit(stocked, ["A", "B"])


def test_a_retry_gets_what_was_held_the_first_time(stocked: Ledger) -> None:
    first = stocked.reserve(asked(ONE, TWO, request_id="r"))
    stocked.update_stock("", [stock_of("A", "N1", 9)])
    again = stocked.reserve(asked(ONE, TWO, request_id="r"))
    assert (again.replayed, again.payload) == (True, b"1")
    assert again.reservation == first.reservation


def test_requests_of_one_call_see_what_earlier_ones_took(stocked: Ledger) -> None:
    found = stocked.reserve_many([asked(TWO, BOTH), asked(TWO, BOTH), asked(TWO, BOTH)])
    assert [outcome.payload for outcome in found[:2]] == [b"0", b"1"]
    assert found[2].code is ReserveCode.SOLD_OUT
    audit(stocked, ["A", "B"])


def test_days_belong_to_their_choice(stocked: Ledger) -> None:
    full = DayHold(hold=hold(LOAD_SKUS[0], DAY, 1), capacity=0)
    other = Fallback(holds=TWO, payload=b"1")
    request = ReserveRequest(
        request_id="",
        fingerprint="",
        order_id="o",
        holds=(hold("A", "N1", 1),),
        days=(full,),
        ttl_seconds=60,
        fallbacks=(other,),
    )
    outcome = stocked.reserve(request)
    assert (outcome.code, outcome.payload) == (ReserveCode.HELD, b"1")


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ((), "requests[0].fallbacks[0].holds"),
        ((hold("A", "N1", 0),), "requests[0].fallbacks[0].holds[0].quantity"),
    ],
)
def test_a_fallback_that_is_none_is_refused(stocked: Ledger, other: tuple[Hold, ...], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        stocked.reserve(asked(TWO, other))
    assert [v.field for v in caught.value.violations] == [field]
