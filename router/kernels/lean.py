"""The subset programme for the plain order, in one pass over its stock rows.

Most orders have no line to divide, no SKU that two groups share and no group that travels alone. For these
the cost of a part splits into what depends on the node (handling, priority, distance, stock depth) and what
depends only on the node's lanes (tariff, delay). Nodes with equal lanes and delays form a class; the cheapest
node of a class for a subset needs no tariff, and a class needs each subset priced once, however many nodes it
has. Reasons are not written down: an order that fails here is decided, and explained, by the full kernels.
"""

from __future__ import annotations

import numpy as np

from router.kernels.fill import open_lanes
from router.kernels.geo import metres_of
from router.kernels.jit import kernel
from router.kernels.prices import days_of, delay_sum, distance_sum
from router.kernels.subset_dp import choose, cover
from router.kernels.types import (
    ANYWHERE,
    CLASSES,
    FAR,
    LEVELS,
    MAX_GROUPS,
    Candidates,
    Carriers,
    OrderArrays,
    Subsets,
    World,
)

GIVE_UP = -2
"""Count returned when the full kernels must decide."""


@kernel
def open_carriers(
    world: World, orders: OrderArrays, b: int, t: int, now: int, rows: int, c: Candidates, k: Carriers
) -> int:
    """Write the distance bands of the candidates' carriers for this destination, and the class of every
    candidate; returns the number of classes, -1 when there is no room."""
    net = world.network
    carrier_node, node_service, zone_class = net.carrier_node, net.node_service, net.node_zone_class
    lane_start, lane_list, lane_chord2 = net.lane_start, net.lane_list, net.lane_max_chord2
    processing, transit, carrier = net.node_processing_seconds, net.lane_transit_seconds, net.node_carrier
    delay_cents, slope_cents = world.rules.delay_cents, world.rules.delay_slope_cents
    band_chord2, band_class, band_first = k.band_chord2, k.band_class, k.band_first
    lanes, delays, row_class, node, chord2 = k.lane, k.delay_cents, k.row_class, c.node, c.chord2
    services, zones = node_service.shape[1], net.zone_class_count
    target = net.zone_class[orders.zone[b]]
    deadline = orders.deliver_by_seconds[b] - now
    band_first[:] = -1
    bands, classes = 0, 0
    for row in range(rows):
        q = carrier[node[row]]
        if band_first[q] >= 0:
            band = band_first[q]
            while chord2[row] >= band_chord2[band]:
                band += 1
            row_class[row] = band_class[band]
            continue
        here = carrier_node[q]
        first = bands
        for v in range(services):
            if node_service[here, v] == 0:
                continue
            at = (v * zones + zone_class[here]) * zones + target
            for i in range(lane_start[at], lane_start[at + 1]):
                end = lane_chord2[lane_list[i]]
                place = bands
                while place > first and band_chord2[place - 1] > end:
                    place -= 1
                if end >= ANYWHERE or (place > first and band_chord2[place - 1] == end):
                    continue
                if bands >= len(band_chord2) - 1:
                    return -1
                for other in range(bands, place, -1):
                    band_chord2[other] = band_chord2[other - 1]
                band_chord2[place] = end
                bands += 1
        if bands >= len(band_chord2):
            return -1
        band_chord2[bands] = ANYWHERE
        bands += 1
        for band in range(first, bands):
            if classes >= CLASSES:
                return -1
            for v in range(services):
                lanes[classes, v] = -1
                delays[classes, v] = 0
                if node_service[here, v] == 0:
                    continue
                at = (v * zones + zone_class[here]) * zones + target
                for i in range(lane_start[at], lane_start[at + 1]):
                    lane = lane_list[i]
                    if lane_chord2[lane] >= band_chord2[band]:
                        seconds = processing[here] + transit[lane]
                        if seconds <= deadline:
                            lanes[classes, v] = lane
                            delays[classes, v] = delay_sum(delay_cents, slope_cents, t, days_of(seconds))
                        break
            same = classes
            for other in range(classes):
                equal = True
                for v in range(services):
                    equal = (
                        equal
                        and lanes[other, v] == lanes[classes, v]
                        and delays[other, v] == delays[classes, v]
                    )
                if equal:
                    same = other
                    break
            band_class[band] = same
            if same == classes:
                classes += 1
        band_first[q] = first
        band = first
        while chord2[row] >= band_chord2[band]:
            band += 1
        row_class[row] = band_class[band]
    return classes


@kernel
def scan_stock(world: World, orders: OrderArrays, b: int, t: int, c: Candidates, k: Carriers) -> int:
    """One pass over the order's stock rows: candidates that can supply some line whole, with the cost of
    their goods by group. Returns how many."""
    rules = world.rules
    static, near, keep, home = (
        rules.static_bits[t],
        rules.near_chord2[t],
        rules.keep_units[t],
        rules.home_only[t],
    )
    start, stock_node, stock_units = world.stock.sku_start, world.stock.node_ix, world.stock.available
    xyz, node_country = world.network.node_xyz, world.network.node_country
    line_cents, unit_handling = rules.line_handling_cents[t], rules.unit_handling_cents[t]
    unit_rank, ship_handling, ship_rank = (
        rules.unit_priority_cents[t],
        rules.ship_handling_cents[t],
        rules.ship_priority_cents[t],
    )
    profile, below = rules.depth_profile[t], rules.depth_below
    deepest = below.shape[1] - 1
    dist_first, dist_stop = rules.distance_start[t], rules.distance_start[t + 1]
    rate, per_unit = rules.distance_rate, rules.distance_per_unit
    row_of, node, chord2, available = c.row_of_node, c.node, c.chord2, c.available
    group_cents, ship_cents, leads, item_units = c.group_cents, c.ship_cents, c.line_leads, c.line_item_units
    row_lines = k.row_lines
    sku_ix, quantity, group = orders.sku_ix, orders.quantity, orders.group
    sku_class = world.catalogue.sku_class
    first, stop = orders.line_start[b], orders.line_start[b + 1]
    x, y, z = orders.xyz[b, 0], orders.xyz[b, 1], orders.xyz[b, 2]
    country = orders.country[b]
    groups = np.int64(group[first:stop].max()) + 1
    rows = 0
    for i in range(first, stop):
        line, g, s, units = i - first, group[i], sku_ix[i], quantity[i]
        cls, need, lead = sku_class[s], item_units[i - first], leads[i - first]
        for r in range(start[s], start[s + 1]):
            have = np.int64(stock_units[r])
            if have < need:
                continue
            n = stock_node[r]
            if static[cls, n] != 0 or have - need < keep[cls, n]:
                continue
            if home[cls, n] != 0 and node_country[n] != country:
                continue
            row = row_of[n]
            if row < 0:
                row = rows
                rows += 1
                row_of[n] = row
                node[row] = n
                row_lines[row] = 0
                dx, dy, dz = x - xyz[n, 0], y - xyz[n, 1], z - xyz[n, 2]
                chord2[row] = dx * dx + dy * dy + dz * dz
                ship_cents[row] = ship_handling[n] + ship_rank[n]
                if dist_first < dist_stop:
                    ship_cents[row] += distance_sum(
                        rate, per_unit, dist_first, dist_stop, metres_of(chord2[row]), 0
                    )
                for other in range(groups):
                    group_cents[row, other] = 0
            if not chord2[row] < near[cls, n]:
                continue
            row_lines[row] |= 1 << line
            available[row, line] = have
            unit = unit_handling[n] + unit_rank[n]
            if dist_first < dist_stop:
                unit += distance_sum(rate, per_unit, dist_first, dist_stop, metres_of(chord2[row]), 1)
            cents = line_cents[n] + units * unit
            if lead:
                p = profile[n]
                cents += below[p, min(have, deepest)] - below[p, min(have - need, deepest)]
            group_cents[row, g] += cents
    for row in range(rows):
        row_of[node[row]] = -1
    return rows


@kernel
def find_supply(
    world: World,
    orders: OrderArrays,
    b: int,
    t: int,
    groups: int,
    rows: int,
    classes: int,
    c: Candidates,
    w: Subsets,
    k: Carriers,
) -> int:
    """Open the lanes of every class and write the groups each candidate supplies; returns their union."""
    used, lanes, lane_groups, class_groups = c.lane_used, k.lane, w.lane_groups, k.groups
    used[:] = 0
    for m in range(classes):
        class_groups[m] = 0
        for v in range(lanes.shape[1]):
            lane = lanes[m, v]
            if lane >= 0:
                used[lane] = 1
    open_lanes(world, orders, b, t, groups, used, w)
    for m in range(classes):
        for v in range(lanes.shape[1]):
            if lanes[m, v] >= 0:
                class_groups[m] |= lane_groups[lanes[m, v]]
    first, stop = orders.line_start[b], orders.line_start[b + 1]
    line_mask, supplies, row_lines, row_class = k.line_mask, c.supply, k.row_lines, k.row_class
    plain = stop - first == groups
    if not plain:
        for g in range(groups):
            line_mask[g] = 0
        for i in range(first, stop):
            line_mask[orders.group[i]] |= 1 << (i - first)
    union = 0
    for row in range(rows):
        supply = row_lines[row]
        if not plain:
            lines = supply
            supply = 0
            for g in range(groups):
                if line_mask[g] & ~lines == 0:
                    supply |= 1 << g
        supply &= class_groups[row_class[row]]
        supplies[row] = supply
        union |= supply
    return union


@kernel
def best_of_classes(groups: int, rows: int, classes: int, c: Candidates, w: Subsets, k: Carriers) -> None:
    """The cheapest candidate of each class for every subset of groups, tariff aside; of equal ones the
    first node."""
    supplies, group_cents, ship_cents, low, node_sum = (
        c.supply,
        c.group_cents,
        c.ship_cents,
        w.low,
        w.node_sum,
    )
    row_class, best, best_row, node = k.row_class, k.best, k.best_row, c.node
    size = 1 << groups
    for m in range(classes):
        for mask in range(size):
            best[m, mask] = FAR
    for row in range(rows):
        supply = supplies[row]
        if supply == 0:
            continue
        m = row_class[row]
        node_sum[0] = ship_cents[row]
        sub = (0 - supply) & supply
        while sub != 0:
            cents = node_sum[sub & (sub - 1)] + group_cents[row, low[sub]]
            node_sum[sub] = cents
            if cents < best[m, sub] or (cents == best[m, sub] and node[row] < node[best_row[m, sub]]):
                best[m, sub] = cents
                best_row[m, sub] = row
            sub = (sub - supply) & supply


@kernel
def class_levels(classes: int, w: Subsets, k: Carriers) -> int:
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


@kernel
def take_classes(groups: int, classes: int, delay: int, c: Candidates, w: Subsets, k: Carriers) -> None:
    """Lower ``w.best`` by the classes that have a lane at exactly this delay cost."""
    lanes, delays, goods, goods_row = k.lane, k.delay_cents, k.best, k.best_row
    lane_groups, lane_cents, best, best_row, node = w.lane_groups, w.lane_cents, w.best, w.best_row, c.node
    for m in range(classes):
        for v in range(lanes.shape[1]):
            lane = lanes[m, v]
            if lane < 0 or delays[m, v] != delay:
                continue
            takes = lane_groups[lane]
            for sub in range(1, 1 << groups):
                if sub & ~takes or goods[m, sub] >= FAR:
                    continue
                cents = goods[m, sub] + lane_cents[lane, sub]
                row = goods_row[m, sub]
                if cents < best[sub] or (cents == best[sub] and node[row] < node[best_row[sub]]):
                    best[sub] = cents
                    best_row[sub] = row


@kernel
def solve_lean(
    world: World,
    orders: OrderArrays,
    b: int,
    t: int,
    now: int,
    groups: int,
    c: Candidates,
    w: Subsets,
    k: Carriers,
) -> tuple[int, int, int, int]:
    """As ``subset_dp.solve``, for an order without shared SKUs and lone groups. A count of GIVE_UP: some
    group has no node that supplies it whole, or there is no room; the full kernels must decide."""
    if orders.line_start[b + 1] - orders.line_start[b] > 62 or groups > MAX_GROUPS:
        return 0, FAR, 0, GIVE_UP
    rows = scan_stock(world, orders, b, t, c, k)
    classes = open_carriers(world, orders, b, t, now, rows, c, k)
    if classes < 0:
        return 0, FAR, 0, GIVE_UP
    full = (1 << groups) - 1
    if find_supply(world, orders, b, t, groups, rows, classes, c, w, k) != full:
        return 0, FAR, 0, GIVE_UP
    levels = class_levels(classes, w, k)
    if levels > LEVELS:
        return 0, FAR, 0, GIVE_UP
    best_of_classes(groups, rows, classes, c, w, k)
    for mask in range(full + 1):
        w.best[mask] = FAR
        w.best_row[mask] = 0
    won, cost, allowed, count = 0, FAR, 0, 0
    for i in range(levels):
        delay = w.level[i]
        if won == full and delay >= cost:
            break
        take_classes(groups, classes, delay, c, w, k)
        layer = cover(world.rules, t, groups, w)
        won, cost, allowed, count = choose(world.rules, t, groups, layer, delay, won, cost, allowed, count, w)
    for p in range(count):
        row = w.part_row[p]
        m = k.row_class[row]
        for v in range(k.lane.shape[1]):
            c.lane[row, v] = k.lane[m, v]
            c.delay_cents[row, v] = k.delay_cents[m, v]
    return won, cost, allowed, count
