"""Orders decided together: those of a wave wait for its end and share one programme."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.ma2023.instance import Instance, counts
from router.prices.columns import Plans, chosen, priced_at, pricing_of
from router.prices.package_lp import NotSolved, solve_package_lp
from router.solver.limits import SearchLimits
from router.solver.mathopt import Model, solve

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

CENTS = 100
WAVE_GAP = 1e-7
LIMITS = SearchLimits(node_limit=2_000, time_limit_seconds=20.0)


def run_waves(instance: Instance, sequence: I64, *, wave_periods: int, start: Plans) -> tuple[float, I64]:
    """Cost of a sequence in dollars, and the units left. The prices of a wave see its own orders and those
    expected after it. start: plans to begin with."""
    stock = instance.stock.copy()
    pricing = pricing_of(instance.menu)
    total = 0.0
    for first in range(0, instance.periods, wave_periods):
        wave = sequence[first : first + wave_periods]
        orders = counts(instance, wave)
        later = instance.periods - first - len(wave)
        solution = solve_package_lp(
            orders + later * instance.rate,
            stock.astype(np.float64),
            pricing,
            price_ceiling=instance.price_ceiling,
            start=start,
            gap=WAVE_GAP,
        )
        start = solution.plans if len(solution.plans.kind) < 4 * len(orders) else start
        plans = _distinct(chosen(solution.plans, np.flatnonzero(orders[solution.plans.kind] > 0)))
        used = _best_mix(orders, stock, plans, solution.stock_price)
        total += float(plans.cost @ used)
        np.subtract.at(stock, plans.cell, used[plans.plan_of_pick])
    return total, stock


def _distinct(plans: Plans) -> Plans:
    """Each plan once."""
    seen: dict[tuple[int, ...], int] = {}
    for plan, kind in enumerate(plans.kind.tolist()):
        seen.setdefault((kind, *plans.cell[plans.start[plan] : plans.start[plan + 1]].tolist()), plan)
    return chosen(plans, list(seen.values()))


def _best_mix(orders: F64, stock: I64, plans: Plans, stock_price: F64) -> I64:
    """int64[plans]: how many orders get each plan, cheapest with prices, within the stock. Raises NotSolved
    when the solver finds none."""
    count = len(plans.kind)
    model = Model(
        lower=np.zeros(count),
        upper=orders[plans.kind],
        integer=np.ones(count, dtype=bool),
        cost=CENTS * priced_at(plans, stock_price),
        offset=0.0,
        row_lower=np.concatenate([orders, np.full(len(stock), -np.inf)]),
        row_upper=np.concatenate([orders, stock]),
        entry_row=np.concatenate([plans.kind, len(orders) + plans.cell]),
        entry_column=np.concatenate([np.arange(count), plans.plan_of_pick]),
        entry_value=np.ones(count + len(plans.cell)),
    )
    answer = solve(model, LIMITS)
    if answer.values is None:
        raise NotSolved(f"no mix of {count} plans for a wave")
    return np.round(answer.values).astype(np.int64)
