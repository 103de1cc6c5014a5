"""Policies that decide every order by the cheapest whole plan: greedy, fixed prices, prices that move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.ma2023.instance import Instance
from router.kernels.jit import kernel
from router.prices.dual_step import StockPrices, price_at, prices_now, reprice, stock_prices, take
from router.prices.plans import cheapest_of, workspace

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

Resolve = Callable[[F64, I64, int], F64]
"""From prices, units left and the period to the prices of a new programme."""


@kernel
def decide(menu: Any, kind: int, prices: Any, period: int, room: Any) -> None:
    """Leaves the cheapest plan of an order over live stock in ``room.node``."""
    first = menu.line_start[kind]
    line_count = menu.line_start[kind + 1] - first
    for line in range(line_count):
        for k in range(len(menu.fixed_cost)):
            cell = menu.line_cell[first + line, k]
            cost = menu.line_cost[first + line, k]
            if cell >= 0 and cost < np.inf:
                cost = cost + price_at(prices, cell, period) if prices.stock[cell] > 0 else np.inf
            room.priced[line, k] = cost
    cheapest_of(line_count, menu.fixed_cost, room)


@kernel
def carry_out(menu: Any, kind: int, prices: Any, period: int, node: Any) -> float:
    """Takes the units of a plan; returns what it costs, without prices."""
    first = menu.line_start[kind]
    used, cost = 0, 0.0
    for line in range(menu.line_start[kind + 1] - first):
        k = node[line]
        if not used >> k & 1:
            used |= 1 << k
            cost += menu.fixed_cost[k]
        cost += menu.line_cost[first + line, k]
        cell = menu.line_cell[first + line, k]
        if cell >= 0:
            take(prices, cell, 1, period)
    return cost


@kernel
def _run(menu: Any, sequence: Any, first: int, last: int, prices: Any, room: Any) -> float:
    total = 0.0
    for period in range(first, last):
        if sequence[period] >= 0:
            decide(menu, sequence[period], prices, period, room)
            total += carry_out(menu, sequence[period], prices, period, room.node)
    return total


def run_priced(
    instance: Instance,
    sequence: I64,
    price: F64,
    *,
    step: float = 0.0,
    resolve: Resolve | None = None,
    resolves: int = 0,
    learned_share: float = 0.0,
) -> tuple[float, StockPrices]:
    """Cost of a sequence in dollars, and how prices and stock end. ``resolve`` is called ``resolves``
    times, at equal distances, and blended with the prices learned until then."""
    room = workspace(instance.menu)
    prices = stock_prices(price, instance.stock, step=step, horizon=instance.periods)
    edges = np.linspace(0, instance.periods, resolves + 2).astype(np.int64)
    total = 0.0
    for part in range(resolves + 1):
        first, last = int(edges[part]), int(edges[part + 1])
        if part and resolve is not None:
            fresh = resolve(prices_now(prices, first), prices.stock, first)
            reprice(prices, fresh, first, learned_share=learned_share)
        total += _run(instance.menu, sequence, first, last, prices, room)
    return total, prices
