"""Rows of the ledger: what they are, what updates make of them, and where held units are.

A receipt is a row whose place says when its units are expected. What it no longer covers, because it has
arrived, was cut or comes at another time, falls on the node's own row, so that nothing is sold twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from router.domain import MAX_ID_LENGTH
from router.errors import InvalidInput, Violation
from router.ledger import StockUpdate
from router.ledger_places import split_place
from router.node_rows import is_node_row, split_day

MAX_UNITS = 1_000_000_000
"""Most units on hand or of safety stock in one row. Keeps ``available`` within 32 bits:
it lies between -2 * MAX_UNITS and MAX_UNITS."""

RowKey = tuple[str, str]
"""SKU id and place."""


class Row(NamedTuple):
    """Units of one SKU at one place. Replaced, never changed: ``is`` tells whether a row was touched."""

    on_hand: int = 0
    reserved: int = 0
    safety_stock: int = 0

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved - self.safety_stock


NO_STOCK = Row()
"""A row nobody ever set."""
Rows = Callable[[str, str], Row]
"""The row of a SKU at a place, NO_STOCK for none."""


class _Receipt(NamedTuple):
    """Of a receipt that is updated: its node, the last update, and the safety stock of a new row there."""

    node_id: str
    update_ix: int
    safety_stock: int


def updated(
    rows: Rows, updates: Sequence[StockUpdate], positions: Sequence[int] | None = None
) -> dict[RowKey, Row]:
    """The rows after all updates, in order of first appearance, then nodes that receipts fall on. Updates of
    one row build on each other. Raises InvalidInput naming ``updates[i].on_hand`` and the like, where i is
    the update's place among those given, or what ``positions`` has there."""
    found: list[Violation] = []
    staged: dict[RowKey, Row] = {}
    receipts: dict[RowKey, _Receipt] = {}
    good_skus: set[str] = set()
    split: dict[str, tuple[str, int | None]] = {}
    for i, update in zip(positions or range(len(updates)), updates, strict=True):
        sku_id, place, safety_stock = update.sku_id, update.node_id, update.safety_stock
        found_count = len(found)
        if sku_id not in good_skus or place not in split:
            found += _id_violations(i, update, good_skus, split)
        node_id, expected = split.get(place, (place, None))
        row = staged.get((sku_id, place)) or rows(sku_id, place)
        on_hand = row.on_hand + update.on_hand if update.relative else update.on_hand
        if expected is not None:
            receipts[sku_id, place] = _Receipt(node_id, i, update.new_row_safety_stock)
            if safety_stock:
                found.append(Violation(f"updates[{i}].safety_stock", "a receipt has none"))
            safety_stock = 0
        elif safety_stock is None:
            safety_stock = update.new_row_safety_stock if row is NO_STOCK else row.safety_stock
        if not 0 <= on_hand <= MAX_UNITS:
            message = f"would make {on_hand} units on hand, not within 0..{MAX_UNITS}"
            found.append(Violation(f"updates[{i}].on_hand", message))
        if not 0 <= safety_stock <= MAX_UNITS:
            message = f"{safety_stock} is not within 0..{MAX_UNITS}"
            found.append(Violation(f"updates[{i}].safety_stock", message))
        if len(found) == found_count:
            staged[sku_id, place] = Row(on_hand, row.reserved, safety_stock)
    if not found:
        found += _fall_on_nodes(rows, staged, receipts)
    if found:
        raise InvalidInput(found)
    return staged


def _fall_on_nodes(
    rows: Rows, staged: dict[RowKey, Row], receipts: Mapping[RowKey, _Receipt]
) -> Iterator[Violation]:
    """Moves what receipts have reserved beyond their units to the rows of their nodes."""
    for (sku_id, place), receipt in receipts.items():
        row = staged[sku_id, place]
        units = row.reserved - row.on_hand
        if units <= 0:
            continue
        own = staged.get((sku_id, receipt.node_id)) or rows(sku_id, receipt.node_id)
        safety_stock = receipt.safety_stock if own is NO_STOCK else own.safety_stock
        if own.reserved + units > MAX_UNITS:
            message = f"would leave more than {MAX_UNITS} units reserved at the node"
            yield Violation(f"updates[{receipt.update_ix}].on_hand", message)
        staged[sku_id, place] = row._replace(reserved=row.on_hand)
        staged[sku_id, receipt.node_id] = Row(own.on_hand, own.reserved + units, safety_stock)


def lying(rows: Rows, held: Mapping[RowKey, int]) -> dict[RowKey, int]:
    """Units of holds by the rows at which they are reserved now: what is left at a receipt, the rest at its
    node."""
    found: dict[RowKey, int] = {}
    for (sku_id, place), units in held.items():
        node_id, expected = split_place(place)
        rest = 0 if expected is None else max(0, units - rows(sku_id, place).reserved)
        for key, here in (((sku_id, place), units - rest), ((sku_id, node_id), rest)):
            if here:
                found[key] = found.get(key, 0) + here
    return found


def wrong_with_id(text: str) -> str:
    """What is wrong with an id, empty when nothing is."""
    if not text:
        return "must not be empty"
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        return f"{text!r} is not valid Unicode text"
    return f"is longer than {MAX_ID_LENGTH} bytes" if length > MAX_ID_LENGTH else ""


def _id_violations(
    i: int, update: StockUpdate, good_skus: set[str], split: dict[str, tuple[str, int | None]]
) -> Iterator[Violation]:
    """Remembers good ids, places taken apart."""
    wrong = wrong_with_id(update.sku_id)
    if wrong:
        yield Violation(f"updates[{i}].sku_id", wrong)
    else:
        good_skus.add(update.sku_id)
    parts = split_place(update.node_id)
    wrong = wrong_with_id(split_day(parts[0])[0] if is_node_row(update.sku_id) else parts[0])
    if wrong:
        yield Violation(f"updates[{i}].node_id", wrong)
    else:
        split[update.node_id] = parts
