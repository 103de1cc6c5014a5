"""Columns and rows of a linear model, gathered block by block as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.solver.choices import I64
from router.solver.mathopt import Model

EMPTY: I64 = np.zeros(0, np.int64)


def expand(first: I64, stop: I64) -> tuple[I64, I64]:
    """The ranges ``first[i]:stop[i]`` laid end to end: (i, position) of each entry."""
    counts = stop - first
    owner = np.repeat(np.arange(len(first)), counts)
    offset = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, first[owner] + offset


class Builder:
    """Integer columns from 0 on, and rows of the form lower <= terms <= upper."""

    def __init__(self) -> None:
        self.column_count = 0
        self.row_count = 0
        self._columns: list[tuple[NDArray[Any], NDArray[Any]]] = []
        self._rows: list[tuple[NDArray[Any], NDArray[Any]]] = []
        self._terms: list[tuple[I64, I64, NDArray[Any]]] = []

    def columns(self, upper: I64, cost: I64) -> I64:
        """New columns between 0 and ``upper``; returns their numbers."""
        first = self.column_count
        self.column_count += len(upper)
        self._columns.append((upper, cost))
        return np.arange(first, self.column_count)

    def rows(self, lower: NDArray[Any], upper: NDArray[Any]) -> I64:
        """New rows without terms; returns their numbers."""
        first = self.row_count
        self.row_count += len(lower)
        self._rows.append((lower, upper))
        return np.arange(first, self.row_count)

    def at_most(self, upper: NDArray[Any]) -> I64:
        """New rows: terms <= upper."""
        return self.rows(np.full(len(upper), -np.inf), upper)

    def terms(self, rows: I64, columns: I64, values: NDArray[Any] | int) -> None:
        """Entries of the matrix; each (row, column) at most once."""
        self._terms.append((rows, columns, np.broadcast_to(values, rows.shape)))

    def model(self, offset: int) -> Model:
        """The arrays."""
        upper, cost = _joined(self._columns, 2)
        row_lower, row_upper = _joined(self._rows, 2)
        entry_row, entry_column, entry_value = _joined(self._terms, 3)
        return Model(
            lower=np.zeros(len(upper)),
            upper=upper,
            integer=np.ones(len(upper), bool),
            cost=cost,
            offset=float(offset),
            row_lower=row_lower,
            row_upper=row_upper,
            entry_row=entry_row.astype(np.int64),
            entry_column=entry_column.astype(np.int64),
            entry_value=entry_value,
        )


def _joined(blocks: list[Any], width: int) -> list[NDArray[np.float64]]:
    if not blocks:
        return [np.zeros(0)] * width
    return [np.concatenate(parts).astype(np.float64) for parts in zip(*blocks, strict=True)]
