"""One reservation in the place of another, in one step: what every ledger does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.errors import InvalidInput
from router.ledger import Correction, DayHold, Hold, Ledger, ReservationState, ReserveCode, ReserveRequest
from router.node_rows import day_place
from tests.contract.ledger_tools import VirtualClock, all_changes, audit, held_id, hold, request, stock_of

TODAY = day_place("N1", 739_785)


@pytest.fixture
def first(ledger: Ledger) -> str:
    """4 of the 5 of A at N1 and 1 of the 2 of B at N1 are held; N2 has 3 of A."""
    ledger.update_stock("", [stock_of("A", "N1", 5), stock_of("B", "N1", 2), stock_of("A", "N2", 3)])
    return held_id(ledger.reserve(request(hold("A", "N1", 4), hold("B", "N1", 1))))


def instead(first: str, *holds: Hold, corrections: tuple[Correction, ...] = ()) -> ReserveRequest:
    return replace(request(*holds, request_id="again"), replaces=first, corrections=corrections)


def gone(sku_id: str, units: int | None, node_id: str = "N1") -> Correction:
    return Correction(sku_id=sku_id, node_id=node_id, gone_units=units)


def stock(ledger: Ledger, sku_id: str) -> dict[str, tuple[int, int]]:
    """On hand and reserved by place."""
    return {row.node_id: (row.on_hand, row.reserved) for row in ledger.stock(sku_id)}


def test_what_both_hold_is_not_touched(ledger: Ledger, first: str) -> None:
    version = ledger.version()
    outcome = ledger.reserve(instead(first, hold("A", "N1", 1), hold("B", "N1", 1), hold("A", "N2", 3)))
    assert outcome.code is ReserveCode.HELD
    assert (stock(ledger, "A"), stock(ledger, "B")) == ({"N1": (5, 1), "N2": (3, 3)}, {"N1": (2, 1)})
    told = [(c.sku_id, c.node_id, c.delta, c.cause) for c in all_changes(ledger)[version:]]
    assert told == [("A", "N1", 3, "release"), ("A", "N2", -3, "reserve")]
    old = ledger.find(first)
    assert old is not None
    assert old.state is ReservationState.RELEASED
    audit(ledger, ["A", "B"])


def test_what_is_kept_survives_a_correction(ledger: Ledger, first: str) -> None:
    """One of four is there, and the shelf is empty otherwise."""
    corrections = (gone("A", None),)
    outcome = ledger.reserve(instead(first, hold("A", "N1", 1), hold("A", "N2", 3), corrections=corrections))
    assert outcome.code is ReserveCode.HELD
    assert stock(ledger, "A") == {"N1": (1, 1), "N2": (3, 3)}
    assert ledger.reserve(request(hold("A", "N1", 1))).code is ReserveCode.SOLD_OUT


@pytest.mark.parametrize(("units", "left"), [(3, 2), (0, 5), (9, 0)])
def test_units_may_be_gone(ledger: Ledger, first: str, units: int, left: int) -> None:
    ledger.reserve(instead(first, hold("A", "N2", 1), corrections=(gone("A", units),)))
    assert stock(ledger, "A") == {"N1": (left, 0), "N2": (3, 1)}
    audit(ledger, ["A", "B"])


def test_nothing_is_done_when_there_is_too_little(ledger: Ledger, first: str) -> None:
    version = ledger.version()
    outcome = ledger.reserve(
        instead(first, hold("A", "N1", 2), hold("A", "N2", 4), corrections=(gone("A", 1),))
    )
    assert (outcome.code, outcome.shortages) == (ReserveCode.SOLD_OUT, (hold("A", "N2", 3),))
    assert ledger.version() == version
    kept = ledger.find(first)
    assert kept is not None
    assert kept.state is ReservationState.HELD


def test_what_is_corrected_cannot_be_held_again(ledger: Ledger, first: str) -> None:
    outcome = ledger.reserve(instead(first, hold("A", "N1", 5), corrections=(gone("A", 2),)))
    assert (outcome.code, outcome.shortages) == (ReserveCode.SOLD_OUT, (hold("A", "N1", 0),))


def test_nothing_may_be_left_to_hold(ledger: Ledger, first: str) -> None:
    asked = instead(first)
    outcome = ledger.reserve(asked)
    assert outcome.reservation is not None
    assert (outcome.code, outcome.reservation.state) == (ReserveCode.HELD, ReservationState.RELEASED)
    assert stock(ledger, "A")["N1"] == (5, 0)
    again = ledger.reserve(asked)
    assert (again.replayed, again.reservation) == (True, outcome.reservation)


def test_a_retry_gets_the_first_answer(ledger: Ledger, first: str, clock: VirtualClock) -> None:
    asked = instead(first, hold("A", "N2", 1))
    outcome = ledger.reserve(asked)
    clock.now += 1
    again = ledger.reserve(asked)
    assert (again.replayed, again.reservation) == (True, outcome.reservation)
    assert stock(ledger, "A") == {"N1": (5, 0), "N2": (3, 1)}
    other = ledger.reserve(replace(asked, fingerprint="other"))
    assert other.code is ReserveCode.ID_REUSED


@pytest.mark.parametrize("end", ["confirm", "release", "expire", "replace", "never was"])
def test_what_is_not_held_cannot_be_replaced(
    ledger: Ledger, first: str, clock: VirtualClock, end: str
) -> None:
    if end == "expire":
        clock.now += 60
    elif end == "replace":
        ledger.reserve(replace(instead(first, hold("A", "N1", 1)), request_id="before"))
    elif end == "never was":
        first = "r-000000000099"
    else:
        getattr(ledger, end)(first)
    version = ledger.version()
    outcome = ledger.reserve(instead(first, hold("A", "N2", 1), corrections=(gone("A", None),)))
    assert outcome.code is ReserveCode.NOT_HELD
    assert outcome.reservation == ledger.find(first)
    assert ledger.version() >= version
    assert stock(ledger, "A")["N2"] == (3, 0)


def test_days_are_replaced_too(ledger: Ledger) -> None:
    ledger.update_stock("", [stock_of("A", "N1", 5)])
    day = DayHold(hold=hold("#units", TODAY, 4), capacity=5)
    first = held_id(ledger.reserve(replace(request(hold("A", "N1", 4)), days=(day,))))
    more = replace(day, hold=hold("#units", TODAY, 5), waiting=1)
    full = ledger.reserve(replace(instead(first, hold("A", "N1", 5)), days=(more,)))
    assert (full.code, full.shortages) == (ReserveCode.SOLD_OUT, (hold("#units", TODAY, 0),))
    outcome = ledger.reserve(replace(instead(first, hold("A", "N1", 5)), days=(replace(more, waiting=0),)))
    assert outcome.code is ReserveCode.HELD
    assert stock(ledger, "#units") == {TODAY: (5, 5)}


@pytest.mark.parametrize(
    ("correction", "message"),
    [
        (gone("#units", None, TODAY), "requests[0].corrections[0]: is not of a node's own stock"),
        (gone("A", 1, "N1@2026-12-01T08:00:00Z"), "requests[0].corrections[0]: is not of a node's own stock"),
        (gone("A", -1), "requests[0].corrections[0].gone_units: -1 is negative"),
    ],
)
def test_corrections_must_make_sense(
    ledger: Ledger, first: str, correction: Correction, message: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        ledger.reserve(instead(first, corrections=(correction,)))
    assert [str(violation) for violation in raised.value.violations] == [message]
