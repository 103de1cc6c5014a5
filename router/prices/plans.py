"""The cheapest whole plan of an order at given stock prices, where a shipment costs a fixed amount and each
line an amount by node: exact, by subsets of lines.

The cost model of the planning programmes. The service's own orders, whose shipments are priced by tariffs,
are decided by ``router.kernels``; what both share is that stock prices are added to the cost of a line.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.kernels.jit import kernel

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

UNLIMITED = -1
"""Cell of a line at a node that has as much as anyone asks for."""
NO_NODE = -1
MAX_LINES = 16
"""Work doubles with each line of an order."""


class Menu(NamedTuple):
    """What the plans of each order type are made of.

    line_start: int64[types + 1], lines of a type; a line is one unit of one SKU, and no SKU comes twice.
    line_cost: float64[lines, nodes], cost of a line from a node, inf where it cannot come from there.
    line_cell: int64[lines, nodes], row of stock_price[sku, node] that a line takes a unit of, or UNLIMITED.
    fixed_cost: float64[nodes], for each node that ships anything of an order.
    Costs and prices are in one unit of money.
    """

    line_start: I64
    line_cost: F64
    line_cell: I64
    fixed_cost: F64


class CheapestPlans(NamedTuple):
    """value: float64[types], cost with stock prices; cost: float64[types], without; node: int64[lines]."""

    value: F64
    cost: F64
    node: I64


class Workspace(NamedTuple):
    """Room for one order at a time: see ``workspace``. priced: float64[lines, nodes]; before, within:
    float64[nodes + 1, 2 ** lines]; node: int64[lines]; price: float64[lines, nodes], prices as they stand."""

    priced: F64
    before: F64
    within: F64
    node: I64
    price: F64


def workspace(menu: Menu) -> Workspace:
    """Room for the longest order of a menu. Raises ValueError beyond MAX_LINES lines."""
    lines, nodes = int(np.diff(menu.line_start).max(initial=0)), len(menu.fixed_cost)
    if lines > MAX_LINES:
        raise ValueError(f"orders of at most {MAX_LINES} lines, not {lines}")
    return Workspace(
        np.empty((lines, nodes)),
        np.empty((nodes + 1, 1 << lines)),
        np.empty((nodes + 1, 1 << lines)),
        np.empty(lines, dtype=np.int64),
        np.empty((lines, nodes)),
    )


@kernel
def cheapest_of(line_count: int, fixed_cost: Any, room: Any) -> float:
    """Fills ``room.node`` with the cheapest plan at the costs in ``room.priced`` and returns what it costs;
    inf where there is none. Of equal plans the one that needs the earlier nodes wins.

    before[k, mask] is the least cost of the lines in mask from nodes below k, within[k, mask] the least where
    node k ships at least the fixed cost's worth. A node's lines are added one by one, so that all subsets of
    its lines are seen with 2 ** lines times lines steps.
    """
    before, within, priced = room.before, room.within, room.priced
    full = (1 << line_count) - 1
    before[0, 0] = 0.0
    for mask in range(1, full + 1):
        before[0, mask] = np.inf
    for k in range(len(fixed_cost)):
        fixed = fixed_cost[k]
        for mask in range(full + 1):
            best = before[k, mask] + fixed
            for line in range(line_count):
                if mask >> line & 1:
                    cost = within[k, mask ^ (1 << line)] + priced[line, k]
                    best = min(best, cost)
            within[k, mask] = best
            before[k + 1, mask] = min(before[k, mask], best)
    value: float = before[len(fixed_cost), full]
    if value < np.inf:
        _trace(line_count, len(fixed_cost), room)
    return value


@kernel
def _trace(line_count: int, node_count: int, room: Any) -> None:
    """Follows the least costs back from the last node."""
    before, within, priced = room.before, room.within, room.priced
    mask = (1 << line_count) - 1
    for k in range(node_count - 1, -1, -1):
        if before[k + 1, mask] == before[k, mask]:
            continue
        found = True
        while found:
            found = False
            for line in range(line_count):
                if mask >> line & 1 and within[k, mask] == within[k, mask ^ (1 << line)] + priced[line, k]:
                    room.node[line] = k
                    mask ^= 1 << line
                    found = True
                    break


@kernel
def _price_all(menu: Any, stock_price: Any, room: Any, value: Any, cost: Any, node: Any) -> None:
    for kind in range(len(value)):
        first = menu.line_start[kind]
        line_count = menu.line_start[kind + 1] - first
        for line in range(line_count):
            for k in range(len(menu.fixed_cost)):
                cell = menu.line_cell[first + line, k]
                price = stock_price[cell] if cell >= 0 else 0.0
                room.priced[line, k] = menu.line_cost[first + line, k] + price
        value[kind] = cheapest_of(line_count, menu.fixed_cost, room)
        cost[kind] = value[kind]
        for line in range(line_count):
            k = room.node[line] if value[kind] < np.inf else NO_NODE
            node[first + line] = k
            if k >= 0 and menu.line_cell[first + line, k] >= 0:
                cost[kind] -= stock_price[menu.line_cell[first + line, k]]


def cheapest_plans(menu: Menu, stock_price: F64) -> CheapestPlans:
    """The cheapest plan of every order type, whatever is in stock. stock_price: float64[cells]."""
    kinds = len(menu.line_start) - 1
    found = CheapestPlans(np.empty(kinds), np.empty(kinds), np.empty(len(menu.line_cost), dtype=np.int64))
    _price_all(menu, stock_price, workspace(menu), *found)
    return found
