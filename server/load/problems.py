"""Mistakes in rows: counted all, kept up to a limit, told in file order."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.rules.validate import MAX_VIOLATIONS


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """``row`` counts data rows from 0; ``rank`` orders the columns of a row."""

    row: int
    rank: int
    column: str
    message: str


@dataclass(slots=True)
class Problems:
    """``count`` is of all, ``kept`` at least the first MAX_VIOLATIONS of them by row."""

    columns: tuple[str, ...]
    count: int = 0
    kept: list[Problem] = field(default_factory=list)

    def add(self, row: int, column: str, message: str) -> None:
        """One mistake."""
        self.count += 1
        self.kept.append(Problem(row, self.columns.index(column), column, message))
        if len(self.kept) > 4 * MAX_VIOLATIONS:
            self.kept = heapq.nsmallest(MAX_VIOLATIONS, self.kept)

    def where(self, first_row: int, column: str, wrong: NDArray[Any], message: Callable[[int], str]) -> None:
        """``wrong``: bool[rows of this batch]; ``message`` is asked with positions in the batch."""
        if not wrong.any():
            return
        at = np.flatnonzero(wrong)
        for i in at[:MAX_VIOLATIONS]:
            self.add(first_row + int(i), column, message(int(i)))
        self.count += max(0, len(at) - MAX_VIOLATIONS)

    def first(self) -> list[Problem]:
        """By row and column."""
        return heapq.nsmallest(MAX_VIOLATIONS, self.kept)
