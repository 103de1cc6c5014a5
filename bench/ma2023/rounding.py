"""The literature's policies: they draw a node for every line from the item programme's shares, once, and a
line whose node has nothing left is not served.

CORRELATED is that of Jasin and Sinha (2015), DILATED and FORCED_OPEN those of Ma (2023); each keeps the
chance of every pair of line and node and differs in how often lines meet at a node.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.ma2023.instance import Instance
from bench.ma2023.online import carry_out, decide
from router.kernels.jit import allocating, kernel
from router.prices.dual_step import StockPrices, stock_prices
from router.prices.plans import Workspace, workspace

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

NEGLIGIBLE = 1e-9
"""Shares below are rounding errors of the solver."""


class Draw(IntEnum):
    """How nodes are drawn."""

    NEAREST = 0
    INDEPENDENT = 1
    CORRELATED = 2
    DILATED = 3
    FORCED_OPEN = 4


def uniforms_per_order(instance: Instance) -> int:
    """Width of the random numbers of an order."""
    return int(np.diff(instance.menu.line_start).max()) + len(instance.menu.fixed_cost)


def draw_uniforms(instance: Instance, seed: int, sequence: int) -> F64:
    """float64[periods, uniforms_per_order]: common to all policies that draw."""
    rng = np.random.default_rng((seed, sequence, 1))
    return rng.random((instance.periods, uniforms_per_order(instance)))


def run_rounding(
    instance: Instance, sequence: I64, share: F64, uniform: F64, draw: Draw, fallback_price: F64 | None = None
) -> tuple[float, StockPrices]:
    """Cost of a sequence in dollars, and how stock ends. fallback_price: with these prices, an order that
    finds a node empty is planned anew."""
    price = np.zeros(len(instance.stock)) if fallback_price is None else fallback_price
    prices = stock_prices(price, instance.stock, step=0.0, horizon=instance.periods)
    return _run(
        instance.menu,
        sequence,
        share,
        instance.attached,
        uniform,
        int(draw),
        fallback_price is not None,
        prices,
        workspace(instance.menu),
    ), prices


@allocating
def _run(
    menu: Any,
    sequence: Any,
    share: Any,
    attached: Any,
    uniform: Any,
    draw: int,
    falls_back: bool,
    prices: StockPrices,
    room: Workspace,
) -> float:
    nodes = len(menu.fixed_cost)
    height = np.zeros((nodes, len(room.node) + 1))
    member = np.zeros((nodes, len(room.node) + 1), dtype=np.int64)
    rest = np.zeros(max(nodes, len(room.node)))
    total = 0.0
    for period in range(len(sequence)):
        kind = sequence[period]
        if kind < 0:
            continue
        first, last = menu.line_start[kind], menu.line_start[kind + 1]
        shares, chance = share[first:last], uniform[period]
        if draw == Draw.NEAREST:
            for line in range(last - first):
                room.node[line] = attached[first + line]
        elif draw == Draw.INDEPENDENT:
            for line in range(last - first):
                room.node[line] = pick(shares[line], chance[line])
        elif draw == Draw.CORRELATED:
            draw_correlated(shares, chance, height, member, rest, room.node)
        else:
            draw_by_clocks(shares, chance, draw != Draw.DILATED, room.node)
        is_short = False
        for line in range(last - first):
            cell = menu.line_cell[first + line, room.node[line]]
            if cell >= 0 and prices.stock[cell] == 0:
                room.node[line] = nodes - 1
                is_short = True
        if is_short and falls_back:
            decide(menu, kind, prices, period, room)
        total += carry_out(menu, kind, prices, period, room.node)
    return total


@kernel
def pick(weight: Any, chance: float) -> int:
    """A row with chance in proportion to its weight."""
    total = 0.0
    for k in range(len(weight)):
        total += max(0.0, weight[k])
    left, last = chance * total, 0
    for k in range(len(weight)):
        if weight[k] > 0:
            last = k
            left -= weight[k]
            if left < 0:
                return k
    return last


@kernel
def draw_correlated(shares: Any, chance: Any, height: Any, member: Any, rest: Any, node: Any) -> None:
    """Peels each node's shares into blocks of m lines, from all lines down to one; draws one block, whose
    lines go there together, and the other lines from what their blocks leave."""
    lines, nodes = shares.shape
    total = 0.0
    for k in range(nodes):
        for line in range(lines):
            rest[line] = shares[line, k]
        for m in range(lines, 0, -1):
            height[k, m] = 0.0
            least, who, found = np.inf, 0, 0
            for line in range(lines):
                if rest[line] > NEGLIGIBLE:
                    least, who, found = min(least, rest[line]), who | 1 << line, found + 1
            if found == m:
                height[k, m], member[k, m] = least, who
                for line in range(lines):
                    if who >> line & 1:
                        rest[line] -= least
                total += least * m / lines
    left, together, at = chance[0] * total, 0, nodes - 1
    for k in range(nodes):
        for m in range(1, lines + 1):
            mass = height[k, m] * m / lines
            if mass > 0 and left >= 0:
                together, at = member[k, m], k
            left -= mass
    for line in range(lines):
        node[line] = at
        if not together >> line & 1:
            for k in range(nodes):
                rest_of_node = 0.0
                for m in range(1, lines + 1):
                    if height[k, m] > 0 and member[k, m] >> line & 1:
                        rest_of_node += height[k, m] * (1.0 - m / lines)
                rest[k] = rest_of_node
            node[line] = pick(rest[:nodes], chance[1 + line])


@kernel
def draw_by_clocks(shares: Any, chance: Any, is_forced: bool, node: Any) -> None:
    """Every node opens at an exponential time, the same for all lines of the order; each line goes where that
    time over its share is least. Forced: the node of a line's largest share opens for it by 1 / share."""
    lines, nodes = shares.shape
    for line in range(lines):
        top = 0
        for k in range(nodes):
            if shares[line, k] > shares[line, top]:
                top = k
        best, best_time = top, np.inf
        for k in range(nodes):
            x = shares[line, k]
            if x > NEGLIGIBLE:
                opens = -math.log1p(-chance[k])
                if is_forced and k == top:
                    opens = _forced(x, opens, chance[nodes + line])
                if opens / x < best_time:
                    best, best_time = k, opens / x
        node[line] = best


@kernel
def _forced(x: float, opens: float, chance: float) -> float:
    late = 1.0 - x + x * math.exp(1.0 / x) - math.e
    if x < 1.0 and late > 0 and chance < (1.0 - x) / late:
        return 1.0
    return min(opens, 1.0)
