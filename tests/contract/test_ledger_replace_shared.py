"""One reservation in the place of another where days, receipts and several callers meet."""

from __future__ import annotations

from dataclasses import replace

from router.ledger import Correction, DayHold, Hold, Ledger, ReserveCode, ReserveRequest, StockUpdate
from router.ledger_places import receipt_place
from router.node_rows import day_place
from tests.contract.ledger_tools import START, at_once, audit, held_id, hold, request, stock_of, successes

TODAY = day_place("N1", 739_785)


def gone(node_id: str, units: int | None, sku_id: str = "A") -> Correction:
    return Correction(sku_id=sku_id, node_id=node_id, gone_units=units)


def replacing(
    reservation_id: str,
    *holds: Hold,
    corrections: tuple[Correction, ...] = (),
    days: tuple[DayHold, ...] = (),
) -> ReserveRequest:
    return replace(request(*holds), replaces=reservation_id, corrections=corrections, days=days)


def rows(ledger: Ledger, sku_id: str = "A") -> dict[str, tuple[int, int]]:
    """On hand and reserved by place."""
    return {row.node_id: (row.on_hand, row.reserved) for row in ledger.stock(sku_id)}


def test_a_correction_makes_no_row_where_there_is_none(ledger: Ledger) -> None:
    """Else the first update of that row would not give it the safety stock of new rows."""
    ledger.update_stock("", [stock_of("A", "N1", 2)])
    first = held_id(ledger.reserve(request(hold("A", "N1", 2))))
    version = ledger.version()
    keeping = replacing(first, hold("A", "N1", 2), corrections=(gone("N1", None), gone("N9", 4, "Z")))
    assert ledger.reserve(keeping).code is ReserveCode.HELD
    assert (ledger.version(), rows(ledger), rows(ledger, "Z")) == (version, {"N1": (2, 2)}, {})
    ledger.update_stock("", [StockUpdate(sku_id="Z", node_id="N9", on_hand=5, new_row_safety_stock=3)])
    assert [row.safety_stock for row in ledger.stock("Z")] == [3]


def test_a_day_is_kept_freed_and_taken_with_the_stock(ledger: Ledger) -> None:
    def day(units: int, place: str = TODAY, capacity: int = 3, waiting: int = 0) -> DayHold:
        return DayHold(hold=hold("#orders", place, units), capacity=capacity, waiting=waiting)

    ledger.update_stock("", [stock_of("A", "N1", 5)])
    first = held_id(ledger.reserve(replace(request(hold("A", "N1", 2)), days=(day(2),))))
    other = day_place("N2", 739_785)
    full = ledger.reserve(replacing(first, days=(day(1), day(3, other, waiting=1))))
    assert (full.code, full.shortages) == (ReserveCode.SOLD_OUT, (hold("#orders", other, 2),))
    moved = ledger.reserve(replacing(first, hold("A", "N1", 1), days=(day(1), day(2, other, waiting=1))))
    assert moved.code is ReserveCode.HELD
    assert rows(ledger, "#orders") == {TODAY: (3, 1), other: (3, 2)}
    kept = ledger.reserve(replacing(held_id(moved), days=(day(1, waiting=3),)))
    assert kept.code is ReserveCode.HELD, "what is kept stays taken, whatever waits"
    assert rows(ledger, "#orders") == {TODAY: (3, 1), other: (3, 0)}
    audit(ledger, ["A", "#orders"])


def test_units_of_a_receipt_are_let_go_where_they_lie(ledger: Ledger) -> None:
    """Two of them fell on the node when the receipt was cut."""
    receipt = receipt_place("N1", START + 86_400)
    ledger.update_stock("", [stock_of("A", "N1", 0), stock_of("A", receipt, 5)])
    first = held_id(ledger.reserve(request(hold("A", receipt, 5))))
    ledger.update_stock("", [stock_of("A", receipt, 3)])
    assert rows(ledger) == {"N1": (0, 2), receipt: (3, 3)}
    assert ledger.reserve(replacing(first, hold("A", receipt, 1))).code is ReserveCode.HELD
    audit(ledger, ["A"])
    assert sum(reserved for _, reserved in rows(ledger).values()) == 1


def test_of_many_that_replace_the_same_one_does(ledger: Ledger) -> None:
    ledger.update_stock("", [stock_of("A", "N1", 5), stock_of("A", "N2", 50)])
    first = held_id(ledger.reserve(request(hold("A", "N1", 3))))
    answers = successes(at_once(8, lambda ix: ledger.reserve(replacing(first, hold("A", "N2", 3)))))
    codes = sorted(answer.code for answer in answers)
    assert codes == [ReserveCode.HELD] + [ReserveCode.NOT_HELD] * 7
    assert rows(ledger) == {"N1": (5, 0), "N2": (50, 3)}
