"""The item programme of the literature: how often each line of a class ought to come from each node, with a
shipment's fixed cost for the largest share of its lines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.ma2023.instance import Instance
from router.prices.package_lp import NotSolved
from router.solver.linear import LinearSolver, solve_linear
from router.solver.mathopt import Model

F64 = NDArray[np.float64]


class ItemLp(NamedTuple):
    """objective: dollars over all periods; share: float64[lines, nodes], sums to 1 over the nodes;
    stock_price: float64[cells]."""

    objective: float
    share: F64
    stock_price: F64


def solve_item_lp(instance: Instance, solver: LinearSolver = LinearSolver.GLOP) -> ItemLp:
    """Raises NotSolved when the solver gives up."""
    menu, cells = instance.menu, len(instance.stock)
    length = np.diff(menu.line_start)
    line_class = np.repeat(np.arange(len(length)), length)
    line, node = np.nonzero(np.isfinite(menu.line_cost))
    owner = line_class[line]
    # A used node of a class: one column for its shipment.
    used, shipment = np.unique(owner * len(menu.fixed_cost) + node, return_inverse=True)
    demand, picks, lines = instance.demand, len(line), len(menu.line_cost)
    cell = menu.line_cell[line, node]
    stocked = np.flatnonzero(cell >= 0)
    pick = np.arange(picks)
    link, limit = lines + pick, lines + picks
    columns = picks + len(used)
    model = Model(
        lower=np.zeros(columns),
        upper=np.full(columns, np.inf),
        integer=np.zeros(columns, dtype=bool),
        cost=np.concatenate(
            [
                demand[owner] * menu.line_cost[line, node],
                demand[used // len(menu.fixed_cost)] * menu.fixed_cost[used % len(menu.fixed_cost)],
            ]
        ),
        offset=0.0,
        row_lower=np.concatenate([np.ones(lines), np.full(picks + cells, -np.inf)]),
        row_upper=np.concatenate([np.ones(lines), np.zeros(picks), instance.stock]).astype(np.float64),
        entry_row=np.concatenate([line, link, link, limit + cell[stocked]]),
        entry_column=np.concatenate([pick, pick, picks + shipment, stocked]),
        entry_value=np.concatenate([np.ones(2 * picks), -np.ones(picks), demand[owner[stocked]]]),
    )
    answer = solve_linear(model, solver=solver)
    if answer is None:
        raise NotSolved(f"no optimum of an item programme with {columns} columns")
    share = np.zeros(menu.line_cost.shape)
    share[line, node] = np.clip(answer.values[:picks], 0.0, 1.0)
    return ItemLp(answer.objective, share, np.maximum(0.0, -answer.duals[limit:]))
