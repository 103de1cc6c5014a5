"""A plan written as values of the model's columns, so that the search starts from it."""

from __future__ import annotations

import numpy as np

from router.solver.costing import Priced
from router.solver.mathopt import F64
from router.solver.order_model import OrderModel


def values_of(model: OrderModel, plan: Priced) -> F64:
    """float64[columns]. Columns without a cost may differ from what a solver would choose."""
    values = np.zeros(len(model.model.cost))
    takes, allowed = model.takes, plan.allowed_delay_cents
    amounts = plan.amounts[takes.row, takes.item]
    joint = takes.delay < 0
    values[model.take_columns[joint]] = amounts[joint]
    latest: dict[tuple[int, int], int] = {}
    for take in np.flatnonzero(~joint & (amounts > 0) & (takes.delay <= allowed)).tolist():
        latest[int(takes.row[take]), int(takes.item[take])] = (
            take  # the slowest is the cheapest, and comes last
        )
    values[model.take_columns[list(latest.values())]] = 1
    flagged = np.flatnonzero((model.flag_of_take >= 0) & (amounts > 0))
    values[model.flag_of_take[flagged]] = 1
    used = np.flatnonzero(plan.amounts.any(axis=1))
    for row in used.tolist():
        _ship(model, values, row, plan.amounts[row], allowed)
    opened = model.open_of_row[used]
    values[opened[opened >= 0]] = 1
    if model.several_column >= 0:
        values[model.several_column] = len(used) > 1
    values[model.omission_columns] = (plan.amounts == 0).all(axis=0)[model.omissible]
    values[model.delay_columns[model.levels[1:] <= allowed]] = 1
    _fill_depth(model, values, plan)
    return values


def _ship(model: OrderModel, values: F64, row: int, amounts: np.ndarray, allowed: int) -> None:
    """The cheapest step of a row that carries its load in time."""
    steps, items = model.steps, np.flatnonzero((amounts > 0) & model.choices.joint)
    if not len(items):
        return
    weight = int((amounts * model.choices.weight_grams)[items].sum()) // model.quantum_grams
    best: tuple[int, int, int] | None = None
    for step in np.flatnonzero((steps.row == row) & (steps.delay <= allowed)).tolist():
        if not steps.willing[step, items].all():
            continue
        parcel = int(steps.parcel[step])
        count = max(0, -((int(steps.high[step]) - weight) // parcel)) if parcel else 0
        rest = weight - count * parcel
        if steps.low[step] <= rest <= steps.high[step]:
            cents = int(steps.cents[step]) + count * int(steps.parcel_cents[step])
            best = min(best or (cents, step, count), (cents, step, count))
    if best is not None:
        _, step, count = best
        values[model.step_columns[step]] = 1
        if count:
            values[model.parcels_of_step[step]] = count


def _fill_depth(model: OrderModel, values: F64, plan: Priced) -> None:
    runs = model.runs
    taken = (plan.amounts @ model.choices.use)[runs.row, runs.sku] - runs.free
    for run, pair in enumerate(runs.pair.tolist()):
        filled = min(max(0, int(taken[pair])), int(runs.length[run]))
        values[model.run_columns[run]] = filled
        taken[pair] -= filled
