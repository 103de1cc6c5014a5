"""Prices of an order's items: a lower bound on its cost, and the rows that no better plan can use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.kernels.duals import Market, level_bound, raise_bound
from router.solver.choices import I64, Choices
from router.solver.costing import Priced
from router.solver.options import Takes, read_steps, read_takes
from router.solver.tariffs import Carriage

F64 = NDArray[np.float64]

STEPS = 400
ERROR = 1e-6
"""Relative error allowed for in floating point."""


@dataclass(frozen=True, slots=True)
class Bound:
    """cents: no plan costs less; forced float64[R]: nor one that uses the row costs less than this."""

    cents: int
    forced: F64

    def rows_below(self, cents: int) -> I64:
        """The rows that a plan cheaper than ``cents`` may use."""
        return np.flatnonzero(self.forced <= cents - 1)


def bound_by_prices(choices: Choices, carriage: Carriage, plan: Priced) -> Bound:
    """For an order to be filled whole; ``plan`` does."""
    takes, steps = read_takes(choices, carriage), read_steps(choices, carriage)
    apart = takes.delay >= 0
    least = np.zeros(len(choices.need), np.int64)
    for item in np.unique(takes.item[apart]):
        least[item] = takes.cents[apart & (takes.item == item)].min()
    joint = np.flatnonzero(~apart)
    row, item = takes.row[joint], takes.item[joint]
    rows = np.arange(len(choices.rows) + 1)
    market = Market(
        need=np.where(choices.alone, 0, choices.need),
        weight=choices.weight_grams // carriage.quantum_grams,
        take_first=np.searchsorted(row, rows),
        item=item,
        most=takes.most[joint],
        cents=takes.cents[joint] + _least_depth(choices, row, item),
        line_cents=choices.line_cents[row, item],
        step_first=np.searchsorted(steps.row, rows),
        high=steps.high,
        step_cents=steps.cents,
        delay=steps.delay,
        endless=(steps.parcel > 0).astype(np.uint8),
        willing=steps.willing.astype(np.uint8),
        levels=np.unique(np.concatenate([steps.delay, takes.delay[apart]])),
        max_nodes=choices.max_nodes,
    )
    base = int(least.sum()) - choices.split_cents
    prices = np.where(choices.alone, 0.0, (plan.cents - base) / max(1, plan.units) * choices.units)
    net = np.zeros((len(market.levels), len(choices.rows)))
    best = raise_bound(market, float(plan.cents - base), STEPS, prices, net)
    margin = ERROR * (1 + abs(best))
    forced = np.full(len(choices.rows), np.inf)
    extra = _apart_cents(choices, takes, least)
    for d in range(len(market.levels)):
        level = level_bound(market, prices, net[d], d) + base - margin
        forced = np.minimum(forced, level + np.minimum(np.maximum(net[d], 0), extra))
    return Bound(max(0, int(np.ceil(best + base - margin))), forced)


def _apart_cents(choices: Choices, takes: Takes, least: I64) -> F64:
    """float64[R]: what the cheapest shipment of a row with an item that travels alone costs more than the
    cheapest of all; inf where there is none."""
    extra = np.full(len(choices.rows), np.inf)
    apart = np.flatnonzero(takes.delay >= 0)
    np.minimum.at(extra, takes.row[apart], takes.cents[apart] - least[takes.item[apart]])
    return extra


def _least_depth(choices: Choices, row: I64, item: I64) -> F64:
    """Stock depth per amount that a take causes at least: all of it for whole items, the first unit's price
    for divided ones."""
    total = np.zeros(len(row))
    for j in range(choices.use.shape[1] if choices.depth.rules else 0):
        own = np.flatnonzero(choices.use[item, j])
        use = choices.use[item[own], j]
        total[own] += choices.depth.cents(row[own], choices.available[row[own], j], use)
    return total
