"""Stock depth in the order's model: prices of the next unit only rise, so runs of equal prices fill up in
order by themselves and need no binaries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from router.solver.choices import I64, Choices
from router.solver.columns import Builder
from router.solver.options import Takes

DEPTH_RUNS = 128
"""Runs of stock-depth prices of a SKU at a row. Where there would be more, prices are rounded down to the
least of each run: the model then is a lower bound, no more."""


@dataclass(frozen=True, slots=True)
class DepthRuns:
    """folded int64[takes]: depth cost per amount where it is linear. For each other (row, SKU), P of them:
    the row, the SKU and the units at no cost, int64[P]; and runs: pair, length and price, int64[runs], by
    pair and rising price. ``terms``: (pair, take, units per amount), int64[.] each. ``exact``: no price
    was rounded down."""

    folded: I64
    row: I64
    sku: I64
    free: I64
    pair: I64
    length: I64
    cents: I64
    terms: tuple[I64, I64, I64]
    exact: bool


def depth_runs(choices: Choices, takes: Takes) -> DepthRuns:
    """What taking units of each SKU at each row costs."""
    folded = np.zeros(len(takes.row), np.int64)
    pairs: list[tuple[int, int, int]] = []
    runs: list[tuple[int, int, int]] = []
    terms: list[tuple[int, int, int]] = []
    exact = True
    for j in range(choices.use.shape[1] if choices.depth.rules else 0):
        users = (choices.most > 0) & (choices.use[:, j] > 0)
        units = np.minimum(choices.cap[:, j], choices.most @ choices.use[:, j])
        having = np.flatnonzero(users.any(axis=1))
        priced = choices.depth.cents(having, choices.available[having, j], units[having]) > 0
        for row in having[priced].tolist():
            own = np.flatnonzero((takes.row == row) & (choices.use[takes.item, j] > 0))
            use = choices.use[takes.item[own], j]
            if users[row].sum() == 1 and choices.whole[takes.item[own[0]]]:
                folded[own] += _cents(choices, row, j, use)
                continue
            free, lengths, cents, sharp = _runs(choices, row, j, int(units[row]))
            exact &= sharp
            if free == 0 and len(cents) == 1:
                folded[own] += cents[0] * use
                continue
            pair = len(pairs)
            pairs.append((row, j, free))
            runs += [(pair, n, c) for n, c in zip(lengths.tolist(), cents.tolist(), strict=True)]
            terms += [(pair, t, u) for t, u in zip(own.tolist(), use.tolist(), strict=True)]
    rows, skus, free_units = np.array(pairs, np.int64).reshape(-1, 3).T
    run_pairs, run_lengths, run_cents = np.array(runs, np.int64).reshape(-1, 3).T
    term_pairs, term_takes, term_use = np.array(terms, np.int64).reshape(-1, 3).T
    return DepthRuns(
        folded=folded,
        row=rows,
        sku=skus,
        free=free_units,
        pair=run_pairs,
        length=run_lengths,
        cents=run_cents,
        terms=(term_pairs, term_takes, term_use),
        exact=exact,
    )


def add_depth(b: Builder, runs: DepthRuns, take_columns: I64) -> I64:
    """Columns of the runs, and the rows that make them hold the units taken."""
    columns = b.columns(runs.length, runs.cents)
    rows = b.at_most(runs.free)
    pair, take, use = runs.terms
    b.terms(rows[pair], take_columns[take], use)
    b.terms(rows[runs.pair], columns, -1)
    return columns


def _cents(choices: Choices, row: int, j: int, units: I64) -> I64:
    rows = np.full(len(units), row)
    return choices.depth.cents(rows, choices.available[rows, j], units)


def _runs(choices: Choices, row: int, j: int, units: int) -> tuple[int, I64, I64, bool]:
    """(units at no cost, lengths, prices, whether the prices are exact) of the first ``units`` units."""
    start = max(0, min(units, int(choices.available[row, j]) - choices.depth.greatest_target))
    count = min(DEPTH_RUNS, units - start)
    grid = start + (units - start) * np.arange(count + 1) // count
    at = grid[:-1]
    prices = _cents(choices, row, j, at + 1) - _cents(choices, row, j, at)
    new = np.flatnonzero(np.diff(prices, prepend=-1))
    ends = np.append(at[new[1:]], units)
    lengths, prices = np.diff(ends, prepend=start), prices[new]
    if prices[0] == 0:
        return int(ends[0]), lengths[1:], prices[1:], count == units - start
    return start, lengths, prices, count == units - start
