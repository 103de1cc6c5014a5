"""Receipts, units that nodes expect: what every ledger does with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.errors import InvalidInput
from router.ledger import Ledger, ReserveCode, ResolveCode
from router.ledger_places import receipt_place
from tests.contract.ledger_tools import (
    START,
    VirtualClock,
    adjusted,
    audit,
    held_id,
    hold,
    load_of,
    request,
    stock_of,
)

LATER, LAST = (receipt_place("N1", START + days * 86_400) for days in (7, 30))


def rows_of(ledger: Ledger) -> dict[str, tuple[int, int, int]]:
    """On hand, reserved and available of SKU A by place."""
    audit(ledger, ["A"])
    return {row.node_id: (row.on_hand, row.reserved, row.available) for row in ledger.stock("A")}


def reserved(ledger: Ledger, *units: int, place: str = LATER) -> list[str]:
    """Reservations of A, one for each figure."""
    return [held_id(ledger.reserve(request(hold("A", place, n)))) for n in units]


def test_a_receipt_is_held_like_any_other_row(ledger: Ledger) -> None:
    ledger.update_stock("", [stock_of("A", "N1", 2), stock_of("A", LATER, 10)])
    outcome = ledger.reserve(request(hold("A", "N1", 2), hold("A", LATER, 4)))
    assert outcome.code is ReserveCode.HELD
    assert outcome.reservation == ledger.find(held_id(outcome))
    assert ledger.reserve(request(hold("A", LATER, 7))).shortages == (hold("A", LATER, 6),)
    assert rows_of(ledger) == {"N1": (2, 2, 0), LATER: (10, 4, 6)}
    ledger.release(held_id(outcome))
    assert rows_of(ledger) == {"N1": (2, 0, 2), LATER: (10, 0, 10)}


def test_what_has_arrived_is_the_nodes(ledger: Ledger) -> None:
    """The feed tells it in one call; nothing that was promised is offered again."""
    ledger.update_stock("", [stock_of("A", "N1", 0), stock_of("A", LATER, 10)])
    [first] = reserved(ledger, 6)
    ledger.update_stock("", [stock_of("A", LATER, 0), adjusted("A", "N1", 10)])
    assert rows_of(ledger) == {"N1": (10, 6, 4), LATER: (0, 0, 0)}
    assert ledger.reserve(request(hold("A", "N1", 5))).code is ReserveCode.SOLD_OUT
    assert ledger.confirm(first).code is ResolveCode.DONE
    assert rows_of(ledger) == {"N1": (4, 0, 4), LATER: (0, 0, 0)}


@pytest.mark.parametrize("node_first", [True, False])
def test_the_order_of_the_updates_makes_no_difference(ledger: Ledger, node_first: bool) -> None:
    ledger.update_stock("", [stock_of("A", LATER, 10)])
    reserved(ledger, 6)
    updates = [stock_of("A", "N1", 10, 1), stock_of("A", LATER, 0)]
    ledger.update_stock("", updates if node_first else updates[::-1])
    assert rows_of(ledger) == {"N1": (10, 6, 3), LATER: (0, 0, 0)}


def test_the_units_of_a_receipt_that_was_cut_are_owed(ledger: Ledger) -> None:
    ledger.update_stock("", [stock_of("A", LATER, 10)])
    first, second, third = reserved(ledger, 4, 3, 2)
    ledger.update_stock("", [adjusted("A", LATER, -5)])
    assert rows_of(ledger) == {"N1": (0, 4, -4), LATER: (5, 5, 0)}
    assert ledger.reserve(request(hold("A", "N1", 1))).code is ReserveCode.SOLD_OUT
    # What is left at the receipt goes first, whoever it was held for.
    assert ledger.release(first).code is ResolveCode.DONE
    assert rows_of(ledger) == {"N1": (0, 4, -4), LATER: (5, 1, 4)}
    assert ledger.confirm(second).code is ResolveCode.DONE
    assert rows_of(ledger) == {"N1": (0, 2, -2), LATER: (4, 0, 4)}
    assert ledger.confirm(third).code is ResolveCode.DONE
    assert rows_of(ledger) == {"N1": (0, 0, 0), LATER: (4, 0, 4)}


def test_a_receipt_may_come_at_another_time(ledger: Ledger) -> None:
    """What there will be in all, by then, is what nobody was promised."""
    ledger.update_stock("", [stock_of("A", "N1", 1), stock_of("A", LATER, 10)])
    [first] = reserved(ledger, 6)
    ledger.update_stock("", [stock_of("A", LATER, 0), stock_of("A", LAST, 10)])
    assert rows_of(ledger) == {"N1": (1, 6, -5), LATER: (0, 0, 0), LAST: (10, 0, 10)}
    ledger.release(first)
    assert rows_of(ledger) == {"N1": (1, 0, 1), LATER: (0, 0, 0), LAST: (10, 0, 10)}


def test_what_expires_is_taken_where_it_is(ledger: Ledger, clock: VirtualClock) -> None:
    ledger.update_stock("", [stock_of("A", LATER, 5), stock_of("A", LAST, 5)])
    ledger.reserve(request(hold("A", LATER, 4), hold("A", LAST, 3), hold("A", LATER, 1)))
    ledger.update_stock("", [stock_of("A", LATER, 2), stock_of("A", LAST, 0), stock_of("A", "N1", 8)])
    assert rows_of(ledger) == {"N1": (8, 6, 2), LATER: (2, 2, 0), LAST: (0, 0, 0)}
    clock.now += 60
    assert ledger.expire() == 1
    assert rows_of(ledger) == {"N1": (8, 0, 8), LATER: (2, 0, 2), LAST: (0, 0, 0)}
    assert [c.cause for c in ledger.changes(ledger.version() - 2)] == ["expire"] * 2


def test_a_row_that_comes_into_being_by_a_receipt_has_its_nodes_safety_stock(ledger: Ledger) -> None:
    ledger.update_stock("", [stock_of("A", LATER, 5)])
    reserved(ledger, 5)
    ledger.update_stock("", [replace(stock_of("A", LATER, 3), new_row_safety_stock=2)])
    assert [(row.reserved, row.safety_stock) for row in ledger.stock("A")] == [(2, 2), (3, 0)]


def test_a_receipt_has_no_safety_stock(ledger: Ledger) -> None:
    with pytest.raises(InvalidInput) as raised:
        ledger.update_stock("", [stock_of("A", "N1", 1, 1), stock_of("A", LATER, 1, 1)])
    assert [v.field for v in raised.value.violations] == ["updates[1].safety_stock"]
    with pytest.raises(InvalidInput) as raised:
        ledger.load(load_of({("A", "N1"): (1, 1), ("A", LATER): (1, 1)}))
    assert [v.field for v in raised.value.violations] == ["safety_stock[1]"]


def test_receipts_may_be_loaded(ledger: Ledger) -> None:
    ledger.load(load_of({("A", "N1"): (2, 1), ("A", LATER): (5, 0)}))
    assert rows_of(ledger) == {"N1": (2, 0, 1), LATER: (5, 0, 5)}


def test_the_name_of_a_place_may_be_longer_than_an_id(ledger: Ledger) -> None:
    long, too_long = (receipt_place("é" * half, START) for half in (64, 65))
    ledger.update_stock("", [stock_of("A", long, 1)])
    with pytest.raises(InvalidInput):
        ledger.update_stock("", [stock_of("A", too_long, 1)])
    with pytest.raises(InvalidInput):
        ledger.update_stock("", [stock_of(receipt_place("é" * 64, START), "N1", 1)])


def test_rows_come_by_node_and_time(ledger: Ledger) -> None:
    """Plain text order would put N10 between N1 and its receipts."""
    places = ["N1", LATER, LAST, "N10", receipt_place("N10", START), "N2"]
    ledger.update_stock("", [stock_of("A", place, 1) for place in reversed(places)])
    assert [row.node_id for row in ledger.stock("A")] == places
    assert [row.node_id for row in ledger.stock_of(["A"], ["N1", "N2"])[1]] == [*places[:3], "N2"]


def test_a_node_cannot_owe_more_than_a_row_can_tell(ledger: Ledger) -> None:
    most = 10**9
    ledger.update_stock("", [stock_of("A", place, most) for place in (LATER, LAST)])
    reserved(ledger, most)
    reserved(ledger, 1, place=LAST)
    with pytest.raises(InvalidInput) as raised:
        ledger.update_stock("", [stock_of("A", LATER, 0), stock_of("A", LAST, 0)])
    assert [v.field for v in raised.value.violations] == ["updates[1].on_hand"]
    ledger.update_stock("", [stock_of("A", LATER, 0)])
    assert ledger.columns().available.min() == -most
