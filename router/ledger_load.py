"""A whole stock at once: what must hold of its rows, and which updates they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from router.errors import InvalidInput, Violation
from router.ledger import StockLoad, StockUpdate
from router.ledger_places import split_place
from router.ledger_rows import MAX_UNITS, wrong_with_id

LEDGER_NOT_EMPTY = "LEDGER_NOT_EMPTY"
"""Reason of a load that was refused because there is stock already."""
MAX_NAMED = 100
"""Most mistakes named of one column: millions of rows may share one."""


def ledger_not_empty() -> InvalidInput:
    """What a load is refused with when there is stock already."""
    return InvalidInput.at("ledger", "has stock already, only an empty one loads", reason=LEDGER_NOT_EMPTY)


def check_load(load: StockLoad) -> None:
    """Raises InvalidInput naming what is wrong, the first MAX_NAMED of each column."""
    columns = {
        "sku_ix": load.sku_ix,
        "node_ix": load.node_ix,
        "on_hand": load.on_hand,
        "safety_stock": load.safety_stock,
    }
    found = [
        Violation(name, f"has {len(column)} rows, sku_ix has {len(load)}")
        for name, column in columns.items()
        if len(column) != len(load)
    ]
    if found:
        raise InvalidInput(found)
    most = {
        "sku_ix": len(load.sku_ids) - 1,
        "node_ix": len(load.node_ids) - 1,
        "on_hand": MAX_UNITS,
        "safety_stock": MAX_UNITS,
    }
    found += _id_violations("sku_ids", load.sku_ids)
    found += _id_violations("node_ids", load.node_ids, lambda place: split_place(place)[0])
    for name, column in columns.items():
        for row in _first(np.flatnonzero((column < 0) | (column > most[name]))):
            found.append(Violation(f"{name}[{row}]", f"{column[row]} is not within 0..{most[name]}"))
    found += _order_violations(load)
    found += [] if found else _receipt_violations(load)
    if found:
        raise InvalidInput(found)


def updates_of(
    load: StockLoad, size: int, stated: NDArray[np.bool_] | None = None
) -> Iterator[tuple[int, list[StockUpdate]]]:
    """The rows as updates, at most ``size`` at a time, each time with how many rows there were up to then.

    stated: bool[R], where a row's safety stock is to be set; elsewhere only a row that is new takes it. None:
    everywhere.
    """
    for start in range(0, len(load), size):
        rows = slice(start, start + size)
        columns = (load.sku_ix[rows], load.node_ix[rows], load.on_hand[rows], load.safety_stock[rows])
        is_stated = np.ones(len(columns[0]), bool) if stated is None else stated[rows]
        updates = [
            StockUpdate(
                sku_id=load.sku_ids[sku],
                node_id=load.node_ids[node],
                on_hand=on_hand,
                safety_stock=safety_stock if known else None,
                new_row_safety_stock=0 if known else safety_stock,
            )
            for sku, node, on_hand, safety_stock, known in zip(
                *(c.tolist() for c in (*columns, is_stated)), strict=True
            )
        ]
        yield start + len(updates), updates


def _first(rows: NDArray[np.intp]) -> list[int]:
    found: list[int] = rows[:MAX_NAMED].tolist()
    return found


def _id_violations(column: str, ids: Sequence[str], id_in: Callable[[str], str] = str) -> list[Violation]:
    found: list[Violation] = []
    seen: set[str] = set()
    for i, text in enumerate(ids):
        wrong = f"{text!r} appears twice" if text in seen else wrong_with_id(id_in(text))
        if wrong:
            found.append(Violation(f"{column}[{i}]", wrong))
            if len(found) == MAX_NAMED:
                break
        seen.add(text)
    return found


def _order_violations(load: StockLoad) -> Iterator[Violation]:
    sku_ix, node_ix = load.sku_ix, load.node_ix
    ascending = sku_ix[1:] > sku_ix[:-1]
    ascending |= (sku_ix[1:] == sku_ix[:-1]) & (node_ix[1:] > node_ix[:-1])
    for row in _first(np.flatnonzero(~ascending) + 1):
        yield Violation(f"rows[{row}]", "does not come after the row before it, by SKU, then node")


def _receipt_violations(load: StockLoad) -> Iterator[Violation]:
    is_receipt = np.array([split_place(place)[1] is not None for place in load.node_ids], bool)
    if is_receipt.any():
        for row in _first(np.flatnonzero(is_receipt[load.node_ix] & (load.safety_stock > 0))):
            yield Violation(f"safety_stock[{row}]", "a receipt has none")
