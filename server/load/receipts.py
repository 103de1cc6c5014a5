"""Receipts, what nodes expect, from CSV or Parquet; every mistake of every row is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from router.catalogue import Catalogue
from router.errors import InvalidConfig, Violation
from router.ledger import StockUpdate
from router.ledger_places import EARLIEST_SECONDS, LATEST_SECONDS, receipt_place
from router.network import Node
from router.rules.validate import bounded, did_you_mean
from server.load.fields import Row, shown
from server.load.nodes import MAX_UNITS
from server.load.rows import Layout, read_rows
from server.load.times import instant_of

REQUIRED = ("sku_id", "node_id", "expected_at", "units")
LAYOUT = Layout("receipts", REQUIRED, REQUIRED)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Units of a SKU that a node expects at an instant."""

    sku_id: str
    node_id: str
    expected_seconds: int
    units: int


def read_receipts(path: Path, catalogue: Catalogue, nodes: Sequence[Node]) -> tuple[Receipt, ...]:
    """In the order of the file. Raises InvalidConfig with violations such as ``receipts.csv:7 units``."""
    found: list[Violation] = []
    receipts: list[Receipt] = []
    lines: dict[tuple[str, str, int], str] = {}
    node_ids = {node.node_id for node in nodes}
    for where, values in read_rows(path, LAYOUT, found):
        row = Row("receipt", where, values, found)
        receipt = _receipt(row, catalogue, node_ids)
        if receipt is None:
            continue
        key = (receipt.sku_id, receipt.node_id, receipt.expected_seconds)
        first = lines.setdefault(key, where)
        if first != where:
            row.wrong("expected_at", f"is the same receipt as in {first}")
        receipts.append(receipt)
    if found:
        raise InvalidConfig(bounded(found, str(path)))
    return tuple(receipts)


def _receipt(row: Row, catalogue: Catalogue, node_ids: set[str]) -> Receipt | None:
    """None when something is wrong with it."""
    sku_id, node_id = row.values["sku_id"], row.values["node_id"]
    if catalogue.ids.find(sku_id) < 0:
        row.wrong("sku_id", f"no SKU {shown(sku_id)}" if sku_id else "is empty")
    if node_id not in node_ids:
        hint = did_you_mean(node_id, node_ids)
        row.wrong("node_id", f"no node {shown(node_id)}{hint}" if node_id else "is empty")
    expected_seconds = _instant(row)
    units = row.number("units", 0, MAX_UNITS)
    if units is None and not row.values["units"]:
        row.wrong("units", "is empty")
    if row.is_wrong or units is None:
        return None
    return Receipt(sku_id, node_id, expected_seconds, units)


def _instant(row: Row) -> int:
    text = row.values["expected_at"]
    if not text:
        row.wrong("expected_at", "is empty")
        return 0
    try:
        seconds = instant_of(text)
    except ValueError as error:
        row.wrong("expected_at", str(error))
        return 0
    if not EARLIEST_SECONDS <= seconds <= LATEST_SECONDS:
        row.wrong("expected_at", f"{text} is not within 2000-01-01..2100-01-01")
    return seconds


def receipt_updates(
    receipts: Sequence[Receipt], nodes: Sequence[Node], size: int
) -> Iterator[tuple[int, list[StockUpdate]]]:
    """Updates of at most ``size`` receipts, each time with how many there were up to then."""
    safety_stock = {node.node_id: node.safety_stock_units for node in nodes}
    for start in range(0, len(receipts), size):
        updates = [
            StockUpdate(
                sku_id=r.sku_id,
                node_id=receipt_place(r.node_id, r.expected_seconds),
                on_hand=r.units,
                new_row_safety_stock=safety_stock[r.node_id],
            )
            for r in receipts[start : start + size]
        ]
        yield start + len(updates), updates
