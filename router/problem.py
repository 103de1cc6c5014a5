"""The waist: one order under one strategy, as a few small arrays. What the solver solves, what an
explanation reads, what is dumped with a bug report."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from router.domain import LineFill, LineSplits, Order
from router.kernels.fill import carry, find_candidates, lanes_that_take, read_groups, sum_subsets
from router.kernels.prices import distance_prices, stock_price
from router.kernels.types import MAX_GROUPS, OrderArrays, StockArrays, World
from router.workspace import workspace_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """L lines: int64[L] each but ``alone``, ``divisible``, ``must_fill`` and ``unbroken`` (bool[L])."""

    sku_ix: NDArray[np.int64]
    quantity: NDArray[np.int64]
    group: NDArray[np.int64]
    alone: NDArray[np.bool_]
    """The line's group travels alone."""
    divisible: NDArray[np.bool_]
    """May be divided over nodes under the strategy's ``line_splits``."""
    must_fill: NDArray[np.bool_]
    """Every answer fills the line."""
    unbroken: NDArray[np.bool_]
    """No answer fills a part of the line only."""
    unit_weight_grams: NDArray[np.int64]
    unit_value_cents: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An order with C candidate nodes (rows, by ascending node), L lines, V services, Λ lanes.

    | array | dtype, shape | meaning |
    |---|---|---|
    | node_ix | int64[C] | node of a row |
    | distance_chord2 | float64[C] | squared chord to the destination |
    | bits | uint64[C, L] | reasons against taking the line whole; 0: eligible |
    | available | int64[C, L] | units that can be promised |
    | cap | int64[C, L] | most units of the SKU that may be taken here, 0 where not for a reason of quantity |
    | ship_cents | int64[C] | cost per shipment before the tariff |
    | line_cents | int64[C, L] | per order line with units there |
    | unit_cents | int64[C, L] | handling, priority, distance and stock price per unit |
    | lane | int64[C, V] | lane of a service in time, -1 for none |
    | late | bool[C, V] | there is a lane, but it is too slow |
    | seconds | int64[C, V] | from the origin to the arrival |
    | delay_cents | int64[C, V] | order-level delay cost if this option is the last to arrive |
    | lane_takes | bool[Λ, L] | a unit of the line may travel by the lane |
    """

    order_ix: int
    strategy_ix: int
    origin_seconds: int
    world: World
    lines: Lines
    node_ix: NDArray[np.int64]
    chord2: NDArray[np.float64]
    bits: NDArray[np.uint64]
    available: NDArray[np.int64]
    cap: NDArray[np.int64]
    ship_cents: NDArray[np.int64]
    line_cents: NDArray[np.int64]
    unit_cents: NDArray[np.int64]
    lane: NDArray[np.int64]
    late: NDArray[np.bool_]
    seconds: NDArray[np.int64]
    delay_cents: NDArray[np.int64]
    lane_takes: NDArray[np.bool_]

    @property
    def whole(self) -> NDArray[np.bool_]:
        """bool[C, L]: the row can supply the line whole, looked at alone."""
        return np.equal(self.bits, 0)


def build_problem(world: World, orders: OrderArrays, b: int, t: int, origin_seconds: int) -> Problem:
    """Order b of ``orders`` under strategy t, with the stock as it is now."""
    first, stop = int(orders.line_start[b]), int(orders.line_start[b + 1])
    count = stop - first
    space = workspace_for(world, count)
    c = space.candidates
    groups, _ = read_groups(world, orders, b, c)
    if groups <= MAX_GROUPS:
        sum_subsets(c, groups, space.subsets)
    rows = find_candidates(world, orders, b, t, c)
    carry(world, orders, b, t, origin_seconds, groups, rows, c, space.subsets)
    by_node = np.argsort(c.node[:rows], kind="stable")
    node = c.node[by_node].astype(np.int64)
    bits = c.bits[by_node, :count]
    soft = ~world.rules.soft_bits[t]
    chord2 = c.chord2[by_node]
    rules = world.rules
    lines = _lines(world, orders, b, t, bits, c.group_lines, c.group_alone)
    sku_class = world.catalogue.sku_class[lines.sku_ix]
    return Problem(
        order_ix=b,
        strategy_ix=t,
        origin_seconds=origin_seconds,
        world=world,
        lines=lines,
        node_ix=node,
        chord2=chord2,
        bits=bits,
        available=c.available[by_node, :count],
        cap=np.where(bits & soft == 0, c.cap[by_node, :count], 0),
        ship_cents=rules.ship_handling_cents[t, node]
        + rules.ship_priority_cents[t, node]
        + distance_prices(rules, t, chord2, 0),
        line_cents=rules.line_cents[t][np.ix_(sku_class, node)].T,
        unit_cents=rules.unit_cents[t][np.ix_(sku_class, node)].T
        + distance_prices(rules, t, chord2, 1)[:, None]
        + _stock_prices(world.stock, int(rules.price_weight[t]), lines.sku_ix, node),
        lane=c.lane[by_node].astype(np.int64),
        late=c.late[by_node].astype(bool),
        seconds=c.seconds[by_node],
        delay_cents=c.delay_cents[by_node],
        lane_takes=lanes_that_take(world, orders, b, t).astype(bool),
    )


def filled_as_asked(problem: Problem, order: Order) -> Problem:
    """The problem with what its order says of how lines are to be filled."""
    fill = [line.fill for line in order.lines]
    must_fill = np.array([one is LineFill.FILL_OR_KILL for one in fill])
    unbroken = np.array([one is not None for one in fill])
    return replace(problem, lines=replace(problem.lines, must_fill=must_fill, unbroken=unbroken))


def _stock_prices(
    stock: StockArrays, weight: int, skus: NDArray[np.int64], nodes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """int64[C, L]."""
    found = np.zeros((len(nodes), len(skus)), np.int64)
    if weight and len(stock.price_cents):
        for line, sku in enumerate(skus.tolist()):
            found[:, line] = [stock_price(stock, weight, sku, node) for node in nodes.tolist()]
    return found


def _lines(
    world: World,
    orders: OrderArrays,
    b: int,
    t: int,
    bits: NDArray[np.uint64],
    group_lines: NDArray[np.int64],
    group_alone: NDArray[np.uint8],
) -> Lines:
    own = slice(int(orders.line_start[b]), int(orders.line_start[b + 1]))
    sku_ix = orders.sku_ix[own].astype(np.int64)
    group = orders.group[own].astype(np.int64)
    alone = group_alone[group].astype(bool)
    splits = int(world.rules.line_splits[t])
    free_standing = (group_lines[group] == 1) & ~alone & (orders.quantity[own] > 1)
    if splits == LineSplits.NEVER:
        divisible = np.zeros(len(sku_ix), bool)
    elif splits == LineSplits.FREE:
        divisible = free_standing
    else:
        divisible = free_standing & ~(bits == 0).any(axis=0)
    return Lines(
        sku_ix=sku_ix,
        quantity=orders.quantity[own].astype(np.int64),
        group=group,
        alone=alone,
        divisible=divisible,
        must_fill=np.zeros(len(sku_ix), bool),
        unbroken=np.zeros(len(sku_ix), bool),
        unit_weight_grams=world.catalogue.weight_grams[sku_ix].astype(np.int64),
        unit_value_cents=orders.unit_value_cents[own].astype(np.int64),
    )
