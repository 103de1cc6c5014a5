"""Days of nodes, of which reservations take: what every ledger does with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.errors import InvalidInput
from router.ledger import DayHold, Ledger, ReserveCode, ReserveRequest, ResolveCode
from router.node_rows import day_place
from tests.contract.ledger_tools import (
    VirtualClock,
    all_changes,
    at_once,
    held_id,
    hold,
    request,
    stock_of,
    successes,
)

TODAY, TOMORROW = (day_place("N1", day) for day in (739_785, 739_786))


def day(
    units: int, place: str = TODAY, capacity: int = 3, waiting: int = 0, kind: str = "#orders"
) -> DayHold:
    return DayHold(hold=hold(kind, place, units), capacity=capacity, waiting=waiting)


def asking(*days: DayHold, units: int = 0, request_id: str = "") -> ReserveRequest:
    """For some of A at N1, if any, and for days."""
    holds = (hold("A", "N1", units),) if units else ()
    return replace(request(*holds, request_id=request_id), days=days)


def rows(ledger: Ledger, kind: str = "#orders") -> dict[str, tuple[int, int]]:
    """On hand and reserved by place."""
    return {row.node_id: (row.on_hand, row.reserved) for row in ledger.stock(kind)}


def test_a_day_is_taken_with_the_stock_or_neither_is(ledger: Ledger) -> None:
    ledger.update_stock("", [stock_of("A", "N1", 5)])
    first = ledger.reserve(asking(day(2), day(9, capacity=10, kind="#units"), units=1))
    assert first.code is ReserveCode.HELD
    assert first.reservation == ledger.find(held_id(first))
    assert first.reservation is not None
    assert first.reservation.holds == (
        hold("A", "N1", 1),
        hold("#orders", TODAY, 2),
        hold("#units", TODAY, 9),
    )
    version = ledger.version()
    full = ledger.reserve(asking(day(2), day(1, capacity=10, kind="#units"), units=1))
    assert (full.code, full.shortages) == (ReserveCode.SOLD_OUT, (hold("#orders", TODAY, 1),))
    sold_out = ledger.reserve(asking(day(1, TOMORROW), units=9))
    assert (sold_out.code, sold_out.shortages) == (ReserveCode.SOLD_OUT, (hold("A", "N1", 4),))
    assert ledger.version() == version
    assert rows(ledger) == {TODAY: (3, 2)}
    assert rows(ledger, "#units") == {TODAY: (10, 9)}


def test_a_day_alone_may_be_taken(ledger: Ledger) -> None:
    """Of an order whose goods are all backordered."""
    assert ledger.reserve(asking(day(3))).code is ReserveCode.HELD
    assert ledger.reserve(asking(day(1))).code is ReserveCode.SOLD_OUT
    assert ledger.reserve(asking(day(1, TOMORROW))).code is ReserveCode.HELD
    assert ledger.columns().available.tolist() == [0, 2]


def test_what_is_released_or_expires_comes_back_and_what_is_confirmed_does_not(
    ledger: Ledger, clock: VirtualClock
) -> None:
    ledger.update_stock("", [stock_of("A", "N1", 5)])
    first, second, third = (held_id(ledger.reserve(asking(day(1), units=1))) for _ in range(3))
    assert ledger.reserve(asking(day(1))).code is ReserveCode.SOLD_OUT
    assert ledger.confirm(first).code is ResolveCode.DONE
    assert rows(ledger) == {TODAY: (3, 3)}
    assert [(r.on_hand, r.reserved) for r in ledger.stock("A")] == [(4, 2)]
    assert ledger.release(second).code is ResolveCode.DONE
    assert rows(ledger) == {TODAY: (3, 2)}
    clock.now += 60
    assert ledger.expire() == 1
    assert rows(ledger) == {TODAY: (3, 1)}
    assert ledger.release(third).code is ResolveCode.ALREADY_EXPIRED
    assert ledger.confirm(first).code is ResolveCode.ALREADY_CONFIRMED
    assert rows(ledger) == {TODAY: (3, 1)}


def test_what_waits_is_left_alone(ledger: Ledger) -> None:
    assert ledger.reserve(asking(day(2, waiting=2))).shortages == (hold("#orders", TODAY, 1),)
    assert ledger.reserve(asking(day(1, waiting=2))).code is ReserveCode.HELD
    assert ledger.reserve(asking(day(1, waiting=2))).shortages == (hold("#orders", TODAY, 0),)
    assert ledger.reserve(asking(day(1, waiting=9))).shortages == (hold("#orders", TODAY, 0),)
    assert ledger.reserve(asking(day(2))).code is ReserveCode.HELD


def test_a_day_that_is_known_has_the_capacity_it_was_set_to(ledger: Ledger) -> None:
    first = held_id(ledger.reserve(asking(day(3))))
    ledger.update_stock("", [stock_of("#orders", TODAY, 2)])
    assert rows(ledger) == {TODAY: (2, 3)}
    assert ledger.reserve(asking(day(1))).code is ReserveCode.SOLD_OUT
    ledger.update_stock("", [stock_of("#orders", TODAY, 5)])
    assert ledger.reserve(asking(day(2))).code is ReserveCode.HELD
    ledger.release(first)
    assert rows(ledger) == {TODAY: (5, 2)}


def test_the_log_tells_what_is_left_of_a_day(ledger: Ledger) -> None:
    """A day nobody took anything of had its capacity before."""
    ledger.release(held_id(ledger.reserve(asking(day(2)))))
    assert [(c.sku_id, c.node_id, c.available, c.delta, c.cause) for c in all_changes(ledger)] == [
        ("#orders", TODAY, 1, -2, "reserve"),
        ("#orders", TODAY, 3, 2, "release"),
    ]


def test_a_retry_takes_nothing_again(ledger: Ledger) -> None:
    first = ledger.reserve(asking(day(2), request_id="once"))
    again = ledger.reserve(asking(day(2), request_id="once"))
    assert (again.replayed, again.reservation) == (True, first.reservation)
    assert rows(ledger) == {TODAY: (3, 2)}


def test_requests_of_a_call_take_in_turn(ledger: Ledger) -> None:
    outcomes = ledger.reserve_many([asking(day(2)), asking(day(2)), asking(day(1))])
    assert [o.code for o in outcomes] == [ReserveCode.HELD, ReserveCode.SOLD_OUT, ReserveCode.HELD]


def test_threads_cannot_overbook_a_day(ledger: Ledger) -> None:
    outcomes = successes(at_once(8, lambda _: ledger.reserve(asking(day(1, waiting=1)))))
    assert sum(o.code is ReserveCode.HELD for o in outcomes) == 2
    assert rows(ledger) == {TODAY: (3, 2)}


def test_only_rows_about_nodes_are_days(ledger: Ledger) -> None:
    wrong = [
        DayHold(hold=hold("A", "N1", 1), capacity=1),
        day(0),
        day(1, capacity=-1),
        day(1, waiting=10**9 + 1),
    ]
    with pytest.raises(InvalidInput) as raised:
        ledger.reserve(asking(*wrong))
    assert [v.field for v in raised.value.violations] == [
        "requests[0].days[0].hold.sku_id",
        "requests[0].days[1].hold.quantity",
        "requests[0].days[2].capacity",
        "requests[0].days[3].waiting",
    ]
    with pytest.raises(InvalidInput) as raised:
        ledger.reserve(asking())
    assert [v.field for v in raised.value.violations] == ["requests[0].holds"]


def test_the_name_of_a_day_may_be_longer_than_an_id(ledger: Ledger) -> None:
    long, too_long = (day_place("é" * half, 739_785) for half in (64, 65))
    ledger.update_stock("", [stock_of("#orders", long, 1)])
    with pytest.raises(InvalidInput):
        ledger.update_stock("", [stock_of("#orders", too_long, 1)])
