"""The policies of Amil, Makhdoumi and Wei: a whole plan is drawn from the package programme, and gates keep
units for later orders."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.ma2023.instance import Instance
from bench.ma2023.online import carry_out
from bench.ma2023.rounding import pick
from router.kernels.jit import allocating, kernel
from router.prices.dual_step import stock_prices
from router.prices.package_lp import PackageLp

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class Mix(NamedTuple):
    """Plans by class: start: int64[classes + 1]; weight: float64[plans]; node: int64[plans, longest
    order]."""

    start: I64
    weight: F64
    node: I64


class Gates(NamedTuple):
    """A gate of a cell opens in a period while fewer units than ``most`` have passed, and at exactly ``most``
    with chance ``tie``. most: int64[periods, cells]; tie: float64[periods, cells]."""

    most: I64
    tie: F64


def mix_of(instance: Instance, package: PackageLp) -> Mix:
    """The plans that the programme uses."""
    plans, used = package.plans, np.flatnonzero(package.amount > 1e-9)
    order = used[np.argsort(plans.kind[used], kind="stable")]
    longest = int(np.diff(instance.menu.line_start).max())
    node = np.full((len(order), longest), len(instance.menu.fixed_cost) - 1)
    centres = len(instance.menu.fixed_cost) - 1
    for row, plan in enumerate(order):
        first, last = instance.menu.line_start[plans.kind[plan] : plans.kind[plan] + 2]
        cells = plans.cell[plans.start[plan] : plans.start[plan + 1]]
        by_item = dict(zip((cells // centres).tolist(), (cells % centres).tolist(), strict=True))
        node[row, : last - first] = [by_item.get(item, centres) for item in instance.line_item[first:last]]
    start = np.searchsorted(plans.kind[order], np.arange(len(instance.rate) + 1))
    return Mix(start, package.amount[order], node)


def gates_of(instance: Instance, package: PackageLp, keep: float) -> Gates:
    """Gates that open with a chance of 1 - keep / sqrt(stock + 3) in every period, whatever passed before."""
    plans = package.plans
    asked = np.zeros(len(instance.stock))
    np.add.at(asked, plans.cell, package.amount[plans.plan_of_pick])
    chance = 1 - keep / np.sqrt(instance.stock + 3.0)
    shape = (instance.periods, len(instance.stock))
    gates = Gates(np.zeros(shape, dtype=np.int64), np.zeros(shape))
    _open_gates(asked / instance.periods, chance, gates.most, gates.tie)
    return gates


@allocating
def _open_gates(asked: Any, chance: Any, most: Any, tie: Any) -> None:
    """Follows the distribution of the units that passed each gate."""
    periods, cells = most.shape
    for cell in range(cells):
        passed = np.zeros(periods + 1)
        passed[0] = 1.0
        for period in range(periods):
            below, at = 0.0, 0
            while at < period and below + passed[at] < chance[cell]:
                below += passed[at]
                at += 1
            most[period, cell] = at
            tie[period, cell] = min(1.0, (chance[cell] - below) / passed[at]) if passed[at] > 0 else 1.0
            for units in range(at, -1, -1):
                opens = asked[cell] * (tie[period, cell] if units == at else 1.0)
                passed[units + 1] += passed[units] * opens
                passed[units] *= 1.0 - opens


@kernel
def _run(
    menu: Any,
    sequence: Any,
    mix: Any,
    gates: Any,
    uniform: Any,
    gated: bool,
    prices: Any,
    passed: Any,
    node: Any,
) -> float:
    total, refused = 0.0, len(menu.fixed_cost) - 1
    for period in range(len(sequence)):
        kind = sequence[period]
        if kind < 0:
            continue
        first, last = menu.line_start[kind], menu.line_start[kind + 1]
        plan = mix.start[kind] + pick(mix.weight[mix.start[kind] : mix.start[kind + 1]], uniform[period, 0])
        for line in range(last - first):
            k = mix.node[plan, line]
            cell = menu.line_cell[first + line, k]
            if cell >= 0 and gated:
                spare = gates.most[period, cell] - passed[cell]
                if spare < 0 or (spare == 0 and uniform[period, 1 + line] >= gates.tie[period, cell]):
                    k = refused
                else:
                    passed[cell] += 1
            if cell >= 0 and prices.stock[cell] == 0:
                k = refused
            node[line] = k
        total += carry_out(menu, kind, prices, period, node)
    return total


def run_drawn_plans(
    instance: Instance, sequence: I64, mix: Mix, uniform: F64, gates: Gates | None = None
) -> tuple[float, I64]:
    """Cost of a sequence in dollars, and the units left. A line whose gate is shut, or whose cell is empty,
    is not served."""
    cells = len(instance.stock)
    prices = stock_prices(np.zeros(cells), instance.stock, step=0.0, horizon=instance.periods)
    shut = gates if gates is not None else Gates(np.zeros((1, 1), dtype=np.int64), np.zeros((1, 1)))
    room = np.empty(mix.node.shape[1], dtype=np.int64)
    total = _run(
        instance.menu,
        sequence,
        mix,
        shut,
        uniform,
        gates is not None,
        prices,
        np.zeros(cells, dtype=np.int64),
        room,
    )
    return total, prices.stock
