"""SKUs, from CSV or Parquet, as columns: a million rows in about a second."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from router.catalogue import MAX_WEIGHT_GRAMS, Catalogue
from router.columns import IdIndex
from router.domain import MAX_ID_LENGTH, MAX_UNIT_VALUE_CENTS
from router.errors import InvalidConfig, InvalidInput
from router.node_rows import MARK, is_node_row
from server.load.header import id_mistake
from server.load.problems import Problems
from server.load.rows import SEPARATOR
from server.load.table import Columns, NotNumbers, Progress, Table, buffers, number_column, text_column

COLUMNS = Columns(
    text=("sku_id", "labels"),
    numbers=("weight_grams", "unit_value_cents"),
    optional=frozenset({"labels", "unit_value_cents"}),
)
MAX_LABEL_SETS = 32_000
"""Most different combinations of labels."""
LIMITS = {"weight_grams": MAX_WEIGHT_GRAMS, "unit_value_cents": MAX_UNIT_VALUE_CENTS}
_UNUSUAL_ID = r"^[\s#]|\s$|[^\x20-\x7e]"


def read_catalogue(path: Path, progress: Progress | None = None) -> Catalogue:
    """SKUs in the order of the file. Raises InvalidConfig: violations such as ``skus.csv:7 weight_grams``."""
    try:
        return _Reader(Table(path, COLUMNS)).read(progress)
    except NotNumbers:
        return _Reader(Table(path, COLUMNS, careful=True)).read(progress)


class _Reader:
    """Collects columns, and everything wrong with them."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._problems = Problems(COLUMNS.all)
        self._rows = 0
        self._data: list[NDArray[np.uint8]] = []
        self._ends: list[NDArray[np.int64]] = []
        self._bytes = 0
        self._numbers: dict[str, list[NDArray[np.int64]]] = {name: [] for name in COLUMNS.numbers}
        self._label_sets: dict[frozenset[str], int] = {frozenset(): 0}
        self._label_ix: list[NDArray[np.int32]] = []

    def read(self, progress: Progress | None) -> Catalogue:
        for batch in self._table.batches(progress):
            self._take_ids(text_column(batch, "sku_id"))
            for name in COLUMNS.numbers:
                self._take_numbers(batch, name)
            if "labels" in self._table.present:
                self._take_labels(text_column(batch, "labels"))
            else:
                self._label_ix.append(np.zeros(batch.num_rows, np.int32))
            self._rows += batch.num_rows
        ids = self._ids()
        if self._problems.count or self._table.bad_lines or ids is None:
            raise InvalidConfig(self._table.violations(self._problems))
        return self._catalogue(ids)

    def _take_ids(self, strings: pa.Array) -> None:
        unusual = pc.match_substring_regex(strings, _UNUSUAL_ID).to_numpy(zero_copy_only=False)
        data, offsets = buffers(strings)
        lengths = np.diff(offsets)
        suspect = unusual | (lengths == 0) | (lengths > MAX_ID_LENGTH)
        if suspect.any():
            for i in np.flatnonzero(suspect):
                sku_id = strings[int(i)].as_py()
                message = id_mistake(sku_id)
                if not message and is_node_row(sku_id):
                    message = f"must not begin with {MARK!r}: rows about nodes do in the ledger"
                if message:
                    self._problems.add(self._rows + int(i), "sku_id", message)
        self._data.append(data[offsets[0] : offsets[-1]].copy())
        self._ends.append(offsets[1:] - offsets[0] + self._bytes)
        self._bytes += int(offsets[-1] - offsets[0])

    def _take_numbers(self, batch: pa.RecordBatch, name: str) -> None:
        if name not in self._table.present:
            self._numbers[name].append(np.zeros(batch.num_rows, np.int64))
            return
        numbers, greatest = number_column(batch, name), LIMITS[name]
        values, column = numbers.values, batch.column(name)
        outside = (values < 0) | (values > greatest)
        if name not in COLUMNS.optional:
            self._problems.where(self._rows, name, numbers.missing, lambda _: "is empty")
        self._problems.where(
            self._rows, name, numbers.wrong, lambda i: f"{column[i].as_py()!r} is not a whole number"
        )
        self._problems.where(self._rows, name, outside, lambda i: f"{values[i]} is not within 0..{greatest}")
        self._numbers[name].append(values)

    def _take_labels(self, strings: pa.Array) -> None:
        encoded = pc.dictionary_encode(strings)
        rows = encoded.indices.to_numpy(zero_copy_only=False)
        sets = np.zeros(len(encoded.dictionary), np.int32)
        for at, text in enumerate(encoded.dictionary.to_pylist()):
            labels = frozenset(label.strip() for label in text.split(SEPARATOR)) - {""}
            wrong = ((label, id_mistake(label)) for label in sorted(labels))
            message = next((f"{label[:128]!r} {mistake}" for label, mistake in wrong if mistake), "")
            if not message and len(self._label_sets) >= MAX_LABEL_SETS and labels not in self._label_sets:
                message = f"more than {MAX_LABEL_SETS} different combinations of labels"
            if message:
                self._problems.where(self._rows, "labels", rows == at, partial(_same, message))
            else:
                sets[at] = self._label_sets.setdefault(labels, len(self._label_sets))
        self._label_ix.append(sets[rows])

    def _ids(self) -> IdIndex | None:
        """None when an id is given twice, which is then noted."""
        data = np.concatenate([np.empty(0, np.uint8), *self._data])
        offsets = np.concatenate([np.zeros(1, np.int64), *self._ends])
        try:
            return IdIndex.from_buffers(data, offsets)
        except InvalidInput:
            seen: set[bytes] = set()
            raw = data.tobytes()
            for row in range(len(offsets) - 1):
                sku_id = raw[offsets[row] : offsets[row + 1]]
                if sku_id and sku_id in seen:
                    self._problems.add(row, "sku_id", f"{sku_id.decode()!r} is given twice")
                seen.add(sku_id)
            return None

    def _catalogue(self, ids: IdIndex) -> Catalogue:
        # The order of the sets is that of their labels, whatever the order of the rows.
        label_sets = sorted(self._label_sets, key=sorted)
        place = np.empty(len(label_sets), np.int16)
        for new, labels in enumerate(label_sets):
            place[self._label_sets[labels]] = new
        numbers = {
            name: np.concatenate([np.empty(0, np.int64), *parts]) for name, parts in self._numbers.items()
        }
        return Catalogue.of(
            ids,
            numbers["weight_grams"].astype(np.int32),
            numbers["unit_value_cents"],
            place[np.concatenate([np.empty(0, np.int32), *self._label_ix])],
            tuple(label_sets),
        )


def _same(message: str, _: int) -> str:
    return message
