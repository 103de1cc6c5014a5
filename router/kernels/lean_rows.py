"""The candidates of a plain order, for the lean programme: who has the goods, what they cost there, and the
classes of candidates with equal lanes and delays."""

from __future__ import annotations

from router.kernels.geo import NEAR_CHORD2, far_metres, near_metres
from router.kernels.jit import inline, kernel
from router.kernels.prices import days_of, delay_sum
from router.kernels.types import CLASSES, F64, FAR, I32, I64, Candidates, OrderArrays, RowClasses, World


@kernel
def scan_stock(
    world: World, orders: OrderArrays, b: int, t: int, groups: int, c: Candidates, k: RowClasses
) -> int:
    """One pass over the order's stock rows: the nodes that can supply some line whole, with the cost of their
    goods by group, distance aside. Returns how many."""
    rules = world.rules
    near, keep, home = rules.near_chord2[t], rules.keep_units[t], rules.home_only[t]
    start, stock_node, stock_units = world.stock.sku_start, world.stock.node_ix, world.stock.available
    xyz, node_country = world.network.node_xyz, world.network.node_country
    line_cents, unit_cents = rules.line_handling_cents[t], rules.unit_handling_cents[t]
    unit_rank, profile, below = rules.unit_priority_cents[t], rules.depth_profile[t], rules.depth_below
    deepest = below.shape[1] - 1
    row_of, node, chord2, available = c.row_of_node, c.node, c.chord2, c.available
    leads, item_units, row_lines, goods = c.line_leads, c.line_item_units, k.row_lines, k.goods
    sku_ix, quantity, group = orders.sku_ix, orders.quantity, orders.group
    sku_class = world.catalogue.sku_class
    first, stop = orders.line_start[b], orders.line_start[b + 1]
    x, y, z = orders.xyz[b, 0], orders.xyz[b, 1], orders.xyz[b, 2]
    country = orders.country[b]
    rows = 0
    for i in range(first, stop):
        line, g, s, units = i - first, group[i], sku_ix[i], quantity[i]
        cls, need, lead = sku_class[s], item_units[i - first], leads[i - first]
        for r in range(start[s], start[s + 1]):
            n, have = stock_node[r], int(stock_units[r])
            left = have - need
            if left < keep[cls, n] or (home[cls, n] != 0 and node_country[n] != country):
                continue
            row = row_of[n]
            if row < 0:
                dx, dy, dz = x - xyz[n, 0], y - xyz[n, 1], z - xyz[n, 2]
                away = dx * dx + dy * dy + dz * dz
                if not away < near[cls, n]:
                    continue
                row = rows
                rows += 1
                row_of[n] = row
                node[row] = n
                chord2[row] = away
                row_lines[row] = 0
                for other in range(groups):
                    goods[row * groups + other] = 0
            elif not chord2[row] < near[cls, n]:
                continue
            row_lines[row] |= 1 << line
            available[row, line] = have
            cents = line_cents[n] + units * (unit_cents[n] + unit_rank[n])
            if lead:
                p = profile[n]
                cents += below[p, min(have, deepest)] - below[p, min(left, deepest)]
            goods[row * groups + g] += cents
    for row in range(rows):
        row_of[node[row]] = -1
    return rows


@inline
def measure(rows: int, chord2: F64, metres: I64) -> None:
    """Distances of all candidates. In a loop without branches where they are near, which the compiler turns
    into vector instructions."""
    farthest = 0.0
    for row in range(rows):
        farthest = max(farthest, chord2[row])
    if farthest <= NEAR_CHORD2:
        for row in range(rows):
            metres[row] = near_metres(chord2[row])
    else:
        for row in range(rows):
            metres[row] = far_metres(chord2[row]) if chord2[row] > NEAR_CHORD2 else near_metres(chord2[row])


@kernel
def price_rows(
    world: World, orders: OrderArrays, b: int, t: int, groups: int, rows: int, c: Candidates, k: RowClasses
) -> None:
    """Cost per shipment of every candidate, and what distance adds to the goods."""
    rules = world.rules
    handling, rank = rules.ship_handling_cents[t], rules.ship_priority_cents[t]
    rate, per_unit = rules.distance_rate, rules.distance_per_unit
    node, ship_cents, metres, goods, row_lines = c.node, c.ship_cents, k.metres, k.goods, k.row_lines
    quantity, group = orders.quantity, orders.group
    for row in range(rows):
        ship_cents[row] = handling[node[row]] + rank[node[row]]
    first, stop = rules.distance_start[t], rules.distance_start[t + 1]
    if first == stop:
        return
    measure(rows, c.chord2, metres)
    start, end = orders.line_start[b], orders.line_start[b + 1]
    for d in range(first, stop):
        for row in range(rows):
            cents = metres[row] * rate[d] // 1_000_000
            if per_unit[d] == 0:
                ship_cents[row] += cents
                continue
            for i in range(start, end):
                if (row_lines[row] >> (i - start)) & 1:
                    goods[row * groups + group[i]] += quantity[i] * cents


@kernel
def classify(
    world: World, orders: OrderArrays, b: int, t: int, now: int, rows: int, c: Candidates, k: RowClasses
) -> int:
    """Write the class of every candidate; returns the number of classes, -1 when there is no room."""
    net = world.network
    carrier, carrier_node, processing = net.node_carrier, net.carrier_node, net.node_processing_seconds
    route_start, route_chord2, route_lane = net.route_start, net.route_chord2, net.route_lane
    route_kind, transit = net.route_kind, net.lane_transit_seconds
    delay_cents, slope_cents = world.rules.delay_cents, world.rules.delay_slope_cents
    of_route, of_kind, seen = k.class_of_route, k.class_of_kind, k.seen
    lanes, delays, row_class, node, chord2 = k.lane, k.delay_cents, k.row_class, c.node, c.chord2
    services = route_lane.shape[1]
    offset = int(net.zone_class[orders.zone[b]]) * len(carrier_node)
    deadline = orders.deliver_by_seconds[b] - now
    no_hurry = orders.deliver_by_seconds[b] >= FAR
    classes, count, complete = 0, 0, True
    for row in range(rows):
        q = carrier[node[row]]
        route = route_start[offset + q]
        while chord2[row] >= route_chord2[route]:
            route += 1
        m = of_route[route]
        if m < 0 and no_hurry:
            m = of_kind[route_kind[route]]
        if m < 0:
            if classes == CLASSES:
                complete = False
                break
            m = classes
            ready = processing[carrier_node[q]]
            for v in range(services):
                lane = route_lane[route, v]
                lanes[m, v] = -1
                delays[m, v] = 0
                if lane >= 0 and ready + transit[lane] <= deadline:
                    lanes[m, v] = lane
                    delays[m, v] = delay_sum(delay_cents, slope_cents, t, days_of(ready + transit[lane]))
            m = same_class(m, services, lanes, delays)
            classes = max(classes, m + 1)
        row_class[row] = m
        if of_route[route] < 0:
            of_route[route] = m
            of_kind[route_kind[route]] = m
            seen[count] = route
            count += 1
    for i in range(count):
        of_route[seen[i]] = -1
        of_kind[route_kind[seen[i]]] = -1
    return classes if complete else -1


@inline
def same_class(m: int, services: int, lanes: I32, delays: I64) -> int:
    """The first class equal to class ``m``."""
    found = m
    for other in range(m):
        equal = True
        for v in range(services):
            equal = equal and lanes[other, v] == lanes[m, v] and delays[other, v] == delays[m, v]
        if equal:
            found = other
            break
    return found
