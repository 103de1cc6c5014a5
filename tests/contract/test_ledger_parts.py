"""Parts of reservations that are confirmed, and holds that are kept for longer."""

from __future__ import annotations

import pytest

from router.errors import InvalidInput
from router.ledger import DayHold, Hold, Ledger, ReservationState, ReserveRequest, ResolveCode
from router.ledger_places import receipt_place
from router.node_rows import LOAD_SKUS, day_place
from tests.contract.ledger_tools import START, VirtualClock, audit, hold, request, stock_of

LATER = receipt_place("N1", START + 10**7)
DAY = day_place("N1", 739_000)
OTHER_DAY = day_place("N2", 739_000)


def taken(ledger: Ledger, *holds: Hold, days: tuple[DayHold, ...] = ()) -> str:
    asked = ReserveRequest(
        request_id="", fingerprint="", order_id="o", holds=holds, ttl_seconds=60, days=days
    )
    found = ledger.reserve(asked).reservation
    assert found is not None
    return found.reservation_id


def units(ledger: Ledger, sku_id: str) -> dict[str, tuple[int, int]]:
    return {row.node_id: (row.on_hand, row.reserved) for row in ledger.stock(sku_id)}


@pytest.fixture
def stocked(ledger: Ledger) -> Ledger:
    ledger.update_stock(
        "", [stock_of("A", "N1", 9), stock_of("A", "N2", 9), stock_of("B", "N1", 9), stock_of("A", LATER, 5)]
    )
    return ledger


def test_what_is_not_confirmed_is_free_again(stocked: Ledger) -> None:
    asked = (hold("A", "N1", 4), hold("A", "N2", 2), hold("A", "N1", 1), hold("B", "N1", 3))
    name = taken(stocked, *asked)
    part = (hold("A", "N1", 3), hold("B", "N1", 3), hold("A", "N1", 1))
    done = stocked.confirm(name, part)
    assert done.code is ResolveCode.DONE
    assert done.reservation is not None
    assert done.reservation.state is ReservationState.CONFIRMED
    assert done.reservation.holds == (hold("A", "N1", 4), hold("B", "N1", 3))
    assert units(stocked, "A") == {"N1": (5, 0), "N2": (9, 0), LATER: (5, 0)}
    assert units(stocked, "B") == {"N1": (6, 0)}
    assert stocked.find(name) == done.reservation
    again = stocked.confirm(name, part)
    assert (again.code, again.reservation) == (ResolveCode.ALREADY_CONFIRMED, done.reservation)
    assert [(c.cause, c.reference) for c in stocked.changes(4)] == [
        ("reserve", name), ("reserve", name), ("reserve", name), ("release", name), ("release", name),
    ]  # fmt: skip
    audit(stocked, ["A", "B"])


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ((hold("A", "N1", 5),), "part[0].quantity"),
        ((hold("A", "N1", 4), hold("A", "N1", 1)), "part[1].quantity"),
        ((hold("A", "N2", 1),), "part[0].quantity"),
        ((hold("A", "N1", 0),), "part[0].quantity"),
        ((hold(LOAD_SKUS[0], DAY, 1),), "part[0].quantity"),
    ],
)
def test_only_what_is_held_can_be_confirmed(stocked: Ledger, part: tuple[Hold, ...], field: str) -> None:
    name = taken(stocked, hold("A", "N1", 4), days=(DayHold(hold=hold(LOAD_SKUS[0], DAY, 1), capacity=9),))
    with pytest.raises(InvalidInput) as refused:
        stocked.confirm(name, part)
    assert [violation.field for violation in refused.value.violations] == [field]
    found = stocked.find(name)
    assert found is not None
    assert found.state is ReservationState.HELD
    assert units(stocked, "A")["N1"] == (9, 4)


def test_the_day_of_a_node_that_keeps_nothing_is_free_again(stocked: Ledger) -> None:
    days = tuple(DayHold(hold=hold(LOAD_SKUS[0], day, 1), capacity=9) for day in (DAY, OTHER_DAY))
    name = taken(stocked, hold("A", "N1", 2), hold("A", "N2", 2), days=days)
    stocked.confirm(name, [hold("A", "N2", 1)])
    assert units(stocked, LOAD_SKUS[0]) == {DAY: (9, 0), OTHER_DAY: (9, 1)}
    audit(stocked, ["A", "B", *LOAD_SKUS])


def test_units_of_a_receipt_that_was_cut_are_confirmed_at_the_node(stocked: Ledger) -> None:
    name = taken(stocked, hold("A", LATER, 5))
    stocked.update_stock("", [stock_of("A", LATER, 2)])
    stocked.confirm(name, [hold("A", LATER, 4)])
    rows = units(stocked, "A")
    assert rows["N1"][0] + rows[LATER][0] == 9 + 2 - 4
    assert rows["N1"][1] == rows[LATER][1] == 0
    audit(stocked, ["A", "B"])


def test_a_hold_is_kept_for_longer_never_for_less(stocked: Ledger, clock: VirtualClock) -> None:
    name = taken(stocked, hold("A", "N1", 4))
    clock.now += 50
    for ttl, until in ((5, START + 60), (100, START + 150), (30, START + 150)):
        kept = stocked.extend(name, ttl)
        assert kept.code is ResolveCode.DONE
        assert kept.reservation is not None
        assert kept.reservation.expires_at_seconds == until
    clock.now = START + 149
    assert stocked.expire() == 0
    assert units(stocked, "A")["N1"] == (9, 4)
    clock.now += 1
    assert stocked.expire() == 1
    assert units(stocked, "A")["N1"] == (9, 0)
    assert stocked.extend(name, 100).code is ResolveCode.ALREADY_EXPIRED


def test_nothing_else_is_kept(stocked: Ledger) -> None:
    name = taken(stocked, hold("A", "N1", 4))
    assert stocked.extend("r-000000000099", 60).code is ResolveCode.NOT_FOUND
    for ttl in (0, -1, 10**10):
        with pytest.raises(InvalidInput, match="ttl_seconds"):
            stocked.extend(name, ttl)
    stocked.release(name)
    assert stocked.extend(name, 60).code is ResolveCode.ALREADY_RELEASED


def test_a_retry_gets_the_first_answer_whatever_was_extended(stocked: Ledger) -> None:
    asked = request(hold("A", "N1", 4), request_id="once")
    first = stocked.reserve(asked)
    assert first.reservation is not None
    stocked.extend(first.reservation.reservation_id, 500)
    again = stocked.reserve(asked)
    assert again.replayed
    assert again.reservation is not None
    assert again.reservation.holds == first.reservation.holds
