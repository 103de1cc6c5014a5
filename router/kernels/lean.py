"""The subset programme for the plain order, in one pass over its stock rows.

Most orders have no SKU that two groups share and no line to divide. For these the cost of a part splits into
what depends on the node (handling, priority, distance, stock depth) and what depends only on its lanes
(tariff, delay). Nodes with equal lanes and delays form a class; the cheapest node of a class for a subset
needs no tariff, and a class needs each subset priced once, however many nodes it has. Reasons are not written
down: an order that fails here is decided, and explained, by the full kernels.
"""

from __future__ import annotations

from router.domain import LineSplits
from router.kernels.fill import open_lanes
from router.kernels.jit import inline
from router.kernels.lean_rows import classify, price_listed, scan
from router.kernels.routes import offer_of
from router.kernels.subset_dp import choose, cover
from router.kernels.types import (
    FAR,
    LEVELS,
    MAX_GROUPS,
    Candidates,
    OrderArrays,
    RowClasses,
    Subsets,
    World,
)

NEVER = int(LineSplits.NEVER)

GIVE_UP = -2
"""Count returned when the full kernels must decide."""


@inline
def open_classes(
    world: World,
    orders: OrderArrays,
    b: int,
    t: int,
    groups: int,
    classes: int,
    c: Candidates,
    w: Subsets,
    k: RowClasses,
) -> None:
    """Open the lanes of every class, and write the groups that it takes and the lines of each group."""
    used, lanes, lane_groups, class_groups = c.lane_used, k.lane, w.lane_groups, k.groups
    services = lanes.shape[1]
    for m in range(classes):
        for v in range(services):
            if lanes[m, v] >= 0:
                used[lanes[m, v]] = 1
    open_lanes(world, orders, b, t, groups, used, w)
    for m in range(classes):
        class_groups[m] = 0
        for v in range(services):
            if lanes[m, v] >= 0:
                class_groups[m] |= lane_groups[lanes[m, v]]
    first, line_mask = orders.line_start[b], k.line_mask
    for g in range(groups):
        line_mask[g] = 0
    for i in range(first, orders.line_start[b + 1]):
        line_mask[orders.group[i]] |= 1 << (i - first)


@inline
def may_divide(world: World, orders: OrderArrays, b: int, t: int, missing: int, c: Candidates) -> int:
    """Of an order with ``missing`` groups that no node supplies whole: 1 when dividing a line might help, -1
    when the order cannot be whole and need not be tried, 0 otherwise. Carriage is not looked at, so that 1
    leaves the question to ``decide.divisible``."""
    rules, stock = world.rules, world.stock
    near, keep, home = rules.near_chord2[t], rules.keep_units[t], rules.home_only[t]
    xyz, node_country, sku_class = (
        world.network.node_xyz,
        world.network.node_country,
        world.catalogue.sku_class,
    )
    start, stock_node, stock_units = stock.sku_start, stock.node_ix, stock.available
    x, y, z = orders.xyz[b, 0], orders.xyz[b, 1], orders.xyz[b, 2]
    partial = rules.allow_partial[t] != 0
    found, first = 0, orders.line_start[b]
    for i in range(first, orders.line_start[b + 1]):
        g, need, s = orders.group[i], orders.quantity[i], orders.sku_ix[i]
        if (missing >> g) & 1 == 0:
            continue
        units = 0
        if rules.line_splits[t] != NEVER and need > 1 and c.group_lines[g] == 1 and c.group_alone[g] == 0:
            cls = sku_class[s]
            for r in range(start[s], start[s + 1]):
                n = stock_node[r]
                cap = stock_units[r] - keep[cls, n]
                if cap <= 0 or (home[cls, n] != 0 and node_country[n] != orders.country[b]):
                    continue
                dx, dy, dz = x - xyz[0, n], y - xyz[1, n], z - xyz[2, n]
                if dx * dx + dy * dy + dz * dz < near[cls, n]:
                    units += min(need, cap)
        if units >= need or (partial and units > 0):
            found = 1
        elif not partial:
            return -1
    return found


@inline
def best_of_classes(
    lines: int, groups: int, count: int, classes: int, alone: int, w: Subsets, k: RowClasses
) -> int:
    """The cheapest candidate of each class for every subset of groups, tariff aside; of equal ones the first
    node. Returns the union of the groups that candidates supply."""
    class_groups, goods, ship_cents, low, node_sum = k.groups, k.goods, k.ship_cents, w.low, w.node_sum
    listed, listed_class, line_mask, node_lines = k.listed, k.listed_class, k.line_mask, k.lines
    best, best_node, shipments = k.best, k.best_node, k.shipments
    size, union = 1 << groups, 0
    for at in range(classes * size):
        best[at] = FAR
    for sub in range(size):
        single = sub & alone
        shipments[sub] = 1 if sub & ~alone else 0
        while single:
            shipments[sub] += 1
            single &= single - 1
    node_sum[0] = 0
    for i in range(count):
        n, m, ship = listed[i], listed_class[i], ship_cents[i]
        supply = node_lines[n]
        if lines != groups:
            supply = 0
            for g in range(groups):
                if line_mask[g] & ~node_lines[n] == 0:
                    supply |= 1 << g
        supply &= class_groups[m]
        union |= supply
        at = m * size
        sub = (0 - supply) & supply
        while sub != 0:
            total = node_sum[sub & (sub - 1)] + goods[low[sub], n]
            node_sum[sub] = total
            cents = total + shipments[sub] * ship
            if cents <= best[at + sub] and (cents < best[at + sub] or n < best_node[at + sub]):
                best[at + sub] = cents
                best_node[at + sub] = n
            sub = (sub - supply) & supply
    return union


@inline
def class_levels(classes: int, w: Subsets, k: RowClasses) -> int:
    """Distinct delay costs of the classes' lanes, ascending; returns how many, LEVELS + 1 if too many."""
    level, lanes, delays = w.level, k.lane, k.delay_cents
    count = 0
    for m in range(classes):
        for v in range(lanes.shape[1]):
            if lanes[m, v] < 0:
                continue
            cents = delays[m, v]
            at = count
            while at > 0 and level[at - 1] > cents:
                at -= 1
            if at > 0 and level[at - 1] == cents:
                continue
            if count == LEVELS:
                return LEVELS + 1
            for other in range(count, at, -1):
                level[other] = level[other - 1]
            level[at] = cents
            count += 1
    return count


@inline
def take_classes(
    groups: int, classes: int, delay: int, alone: int, split: int, w: Subsets, k: RowClasses
) -> None:
    """Lower ``w.best`` by the classes that have a lane at exactly this delay cost. ``k.carriage``: least
    tariff of a class for a subset over its lanes so far, FAR before the first."""
    lanes, delays, goods, goods_node, carriage = k.lane, k.delay_cents, k.best, k.best_node, k.carriage
    lane_groups, lane_cents, best, best_row = w.lane_groups, w.lane_cents, w.best, w.best_row
    size = 1 << groups
    for m in range(classes):
        at, fresh = m * size, False
        for v in range(lanes.shape[1]):
            lane = lanes[m, v]
            if lane < 0 or delays[m, v] != delay:
                continue
            fresh = True
            takes = lane_groups[lane]
            for sub in range(1, size):
                if sub & ~takes == 0:
                    carriage[at + sub] = min(carriage[at + sub], lane_cents[sub, lane])
        if not fresh:
            continue
        for sub in range(1, size):
            if goods[at + sub] >= FAR:
                continue
            cents = carriage[at + sub]
            single = sub & alone
            if single and sub & (sub - 1):
                rest = sub & ~alone
                cents = carriage[at + rest] if rest else -split
                while single and cents < FAR:
                    one = single & -single
                    cents = cents + split + carriage[at + one] if carriage[at + one] < FAR else FAR
                    single ^= one
            if cents >= FAR:
                continue
            cents += goods[at + sub]
            n = goods_node[at + sub]
            if cents < best[sub] or (cents == best[sub] and n < best_row[sub]):
                best[sub] = cents
                best_row[sub] = n


@inline
def tell(
    world: World,
    orders: OrderArrays,
    b: int,
    parts: int,
    lines: int,
    count: int,
    c: Candidates,
    w: Subsets,
    k: RowClasses,
) -> None:
    """Write the candidates of the answer down as the full kernels would, for ``write_plan``: here the row of
    a node is its own number."""
    target = world.network.zone_class[orders.zone[b]]
    for p in range(parts):
        n = w.part_row[p]
        c.node[n] = n
        for line in range(lines):
            c.available[n, line] = k.have[line, n]
        m = 0
        for i in range(count):
            if k.listed[i] == n:
                m = k.listed_class[i]
        offer = offer_of(world.network, target, n, c.chord2[n])
        for v in range(k.lane.shape[1]):
            c.lane[n, v] = k.lane[m, v]
            c.seconds[n, v] = world.network.offer_seconds[offer, v]
            c.delay_cents[n, v] = k.delay_cents[m, v]


@inline
def solve_lean(
    world: World,
    orders: OrderArrays,
    b: int,
    t: int,
    origin: int,
    groups: int,
    alone: int,
    c: Candidates,
    w: Subsets,
    k: RowClasses,
) -> tuple[int, int, int, int]:
    """As ``subset_dp.solve``, for an order without shared SKUs under rules that divide no line at will. A
    count of GIVE_UP: a line may have to be divided, or there is no room; the full kernels must decide."""
    lines, full = orders.line_start[b + 1] - orders.line_start[b], (1 << groups) - 1
    if lines > 62 or groups > MAX_GROUPS:
        return 0, FAR, 0, GIVE_UP
    count = scan(world, orders, b, t, groups, c, k)
    price_listed(world, orders, b, t, count, c, k)
    classes = classify(world, orders, b, t, origin, count, k)
    if classes < 0:
        return 0, FAR, 0, GIVE_UP
    open_classes(world, orders, b, t, groups, classes, c, w, k)
    missing = full & ~best_of_classes(lines, groups, count, classes, alone, w, k)
    if missing:
        divide = may_divide(world, orders, b, t, missing, c)
        if divide != 0 or missing == full:
            return 0, FAR, 0, GIVE_UP if divide > 0 else 0
    levels = class_levels(classes, w, k)
    if levels > LEVELS:
        return 0, FAR, 0, GIVE_UP
    for mask in range(full + 1):
        w.best[mask] = FAR
        w.best_row[mask] = 0
    for at in range(classes << groups):
        k.carriage[at] = FAR
    split = world.rules.split_cents[t]
    won, cost, allowed, parts = 0, FAR, 0, 0
    for i in range(levels):
        delay = w.level[i]
        if won == full and delay >= cost:
            break
        take_classes(groups, classes, delay, alone, split, w, k)
        layer = cover(world.rules, t, groups, w)
        won, cost, allowed, parts = choose(world.rules, t, groups, layer, delay, won, cost, allowed, parts, w)
    tell(world, orders, b, parts, lines, count, c, w, k)
    return won, cost, allowed, parts
