"""Stock feeds, from CSV or Parquet: ten million rows in seconds, as four columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from router.catalogue import Catalogue
from router.columns import IdIndex, frozen
from router.errors import InvalidConfig
from router.network import Node
from server.load.nodes import MAX_UNITS
from server.load.problems import Problems
from server.load.table import Columns, NotNumbers, Progress, Table, buffers, number_column, text_column

COLUMNS = Columns(
    text=("sku_id", "node_id"), numbers=("on_hand", "safety_stock"), optional=frozenset({"safety_stock"})
)
I32 = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class StockFeed:
    """R rows, in the order of the file; no (SKU, node) pair twice.

    | column | dtype, shape | meaning |
    |---|---|---|
    | sku_ix | int32[R] | row of the catalogue |
    | node_ix | int32[R] | position in the nodes given |
    | on_hand | int32[R] | units in the building, 0..10^9 |
    | safety_stock | int32[R] | units never offered; the node's where the feed has none |
    | is_stated | bool[R] | does the feed have the safety stock? |
    """

    sku_ix: I32
    node_ix: I32
    on_hand: I32
    safety_stock: I32
    is_stated: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.sku_ix)


def read_stock(
    path: Path, catalogue: Catalogue, nodes: Sequence[Node], progress: Progress | None = None
) -> StockFeed:
    """All rows or, when anything is wrong, none: InvalidConfig, with fields as ``stock.csv:7 on_hand``."""
    try:
        return _Reader(Table(path, COLUMNS), catalogue, nodes).read(progress)
    except NotNumbers:
        return _Reader(Table(path, COLUMNS, careful=True), catalogue, nodes).read(progress)


class _Reader:
    """Collects columns, and everything wrong with them."""

    def __init__(self, table: Table, catalogue: Catalogue, nodes: Sequence[Node]) -> None:
        self._table = table
        self._ids = {"sku_id": catalogue.ids, "node_id": IdIndex.of([node.node_id for node in nodes])}
        self._node_safety = np.array([node.safety_stock_units for node in nodes] or [0], np.int32)
        self._problems = Problems(COLUMNS.all)
        self._rows = 0
        self._columns: dict[str, list[I32]] = {name: [] for name in COLUMNS.all}
        self._stated: list[NDArray[np.bool_]] = []

    def read(self, progress: Progress | None) -> StockFeed:
        for batch in self._table.batches(progress):
            self._find(batch, "sku_id", "SKU")
            nodes = self._find(batch, "node_id", "node")
            self._count(batch, "on_hand", np.zeros(batch.num_rows, np.int32))
            self._count(batch, "safety_stock", self._node_safety[np.maximum(nodes, 0)])
            self._rows += batch.num_rows
        columns = {name: self._joined(name) for name in COLUMNS.all}
        self._find_repeats(columns["sku_id"], columns["node_id"])
        if self._problems.count or self._table.bad_lines:
            raise InvalidConfig(self._table.violations(self._problems))
        stated = frozen(np.concatenate([np.empty(0, bool), *self._stated]))
        return StockFeed(
            columns["sku_id"], columns["node_id"], columns["on_hand"], columns["safety_stock"], stated
        )

    def _find(self, batch: pa.RecordBatch, name: str, what: str) -> I32:
        strings = text_column(batch, name)
        found = self._ids[name].find_buffers(*buffers(strings))

        def message(i: int) -> str:
            given = strings[i].as_py()
            return f"no {what} {given[:128]!r}" if given else "is empty"

        self._problems.where(self._rows, name, found < 0, message)
        self._columns[name].append(found)
        return found

    def _count(self, batch: pa.RecordBatch, name: str, default: I32) -> None:
        """Units of one column; ``default`` (int32[rows]) where an optional value is empty."""
        if name not in self._table.present:
            self._columns[name].append(default)
            self._stated.append(np.zeros(batch.num_rows, bool))
            return
        numbers = number_column(batch, name)
        values, column = numbers.values, batch.column(name)
        if name in COLUMNS.optional:
            values = np.where(numbers.missing, default, values)
            self._stated.append(~numbers.missing)
        else:
            self._problems.where(self._rows, name, numbers.missing, lambda _: "is empty")
        self._problems.where(
            self._rows, name, numbers.wrong, lambda i: f"{column[i].as_py()!r} is not a whole number"
        )
        outside = (values < 0) | (values > MAX_UNITS)
        self._problems.where(self._rows, name, outside, lambda i: f"{values[i]} is not within 0..{MAX_UNITS}")
        self._columns[name].append(values.astype(np.int32))

    def _joined(self, name: str) -> I32:
        parts = self._columns.pop(name)
        return frozen(np.concatenate([np.empty(0, np.int32), *parts]))

    def _find_repeats(self, sku_ix: I32, node_ix: I32) -> None:
        nodes = len(self._node_safety)
        key = sku_ix.astype(np.int64)
        key *= nodes
        key += node_ix
        if bool(np.all(key[1:] > key[:-1])) and self._problems.count == 0:
            return
        known = np.flatnonzero((sku_ix >= 0) & (node_ix >= 0))
        key = key[known] if len(known) < len(key) else key
        ordered = np.sort(key)
        if not bool(np.any(ordered[1:] == ordered[:-1])):
            return
        del ordered
        order = np.argsort(key, kind="stable")
        again = np.zeros(len(sku_ix), bool)
        again[known[order[1:][key[order[1:]] == key[order[:-1]]]]] = True

        def message(row: int) -> str:
            sku, node = (
                self._ids["sku_id"].name(int(sku_ix[row])),
                self._ids["node_id"].name(int(node_ix[row])),
            )
            return f"{sku!r} at node {node!r} is given twice"

        self._problems.where(0, "node_id", again, message)
