"""Writing a decision down: services, arrivals, and the cost recomputed part by part in integers."""

from __future__ import annotations

from router.cost import Part
from router.kernels.geo import metres_of
from router.kernels.jit import inline
from router.kernels.prices import days_of, delay_sum, distance_sum, step_tariff, unit_stock_price
from router.kernels.types import Candidates, OrderArrays, PlanArrays, Subsets, World

SHIPPING, HANDLING, DELAY, SPLIT = int(Part.SHIPPING), int(Part.HANDLING), int(Part.DELAY), int(Part.SPLIT)
DEPTH, DISTANCE, PRIORITY = int(Part.STOCK_DEPTH), int(Part.DISTANCE), int(Part.NODE_PRIORITY)
PRICE = int(Part.STOCK_PRICE)


@inline
def write_shipments(
    world: World,
    orders: OrderArrays,
    b: int,
    allowed: int,
    count: int,
    alone: int,
    c: Candidates,
    w: Subsets,
    out: PlanArrays,
) -> None:
    """Nodes, groups and services of the parts in ``w`` as shipments, from row ``out.ship_start[b]`` on: by
    node, then by first group. The service is the cheapest within the delay allowed; then the earlier, then
    the first."""
    part_row, part_mask, node = w.part_row, w.part_mask, c.node
    lanes, seconds, delays = c.lane, c.seconds, c.delay_cents
    lane_groups, lane_cents = w.lane_groups, w.lane_cents
    ship_row, ship_groups, ship_service = out.ship_row, out.ship_groups, out.ship_service
    for i in range(1, count):
        for j in range(i, 0, -1):
            if node[part_row[j]] >= node[part_row[j - 1]]:
                break
            part_row[j], part_row[j - 1] = part_row[j - 1], part_row[j]
            part_mask[j], part_mask[j - 1] = part_mask[j - 1], part_mask[j]
    at = out.ship_start[b]
    for p in range(count):
        row, left = part_row[p], part_mask[p]
        while left:
            lowest = left & -left
            load = lowest if lowest & alone else left & ~alone
            best = -1
            for v in range(lanes.shape[1]):
                lane = lanes[row, v]
                if lane < 0 or delays[row, v] > allowed or load & ~lane_groups[lane]:
                    continue
                if best >= 0:
                    rival = lanes[row, best]
                    cents, least = lane_cents[load, lane], lane_cents[load, rival]
                    if cents > least or (cents == least and seconds[row, v] >= seconds[row, best]):
                        continue
                best = v
            ship_row[at] = row
            ship_groups[at] = load
            ship_service[at] = best
            left ^= load
            at += 1
    out.ship_start[b + 1] = at


@inline
def price_shipments(
    world: World, orders: OrderArrays, b: int, t: int, origin: int, c: Candidates, out: PlanArrays
) -> int:
    """Weights, arrivals and costs of the shipments of order b; returns the longest time in seconds. Units of
    a SKU that leave a node in several shipments are counted in their order."""
    net, rules = world.network, world.rules
    weights, sku_ix, quantity, group = (
        world.catalogue.weight_grams,
        orders.sku_ix,
        orders.quantity,
        orders.group,
    )
    bracket_start, grams, cents = net.bracket_start, net.bracket_grams, rules.bracket_cents[t]
    line_cents, unit_cents, unit_rank = rules.line_cents[t], rules.unit_cents[t], rules.unit_priority_cents[t]
    sku_class = world.catalogue.sku_class
    ship_cents, ship_rank = rules.ship_handling_cents[t], rules.ship_priority_cents[t]
    dist_first, dist_stop = rules.distance_start[t], rules.distance_start[t + 1]
    rate, which = rules.distance_rate, rules.distance_per_unit
    profile, below = rules.depth_profile[t], rules.depth_below
    deepest = below.shape[1] - 1
    sku_start, stock_node, price_cents = world.stock.sku_start, world.stock.node_ix, world.stock.price_cents
    price_weight = rules.price_weight[t]
    first, stop = orders.line_start[b], orders.line_start[b + 1]
    ship_start, ship_row, ship_groups, all_parts = (
        out.ship_start[b],
        out.ship_row,
        out.ship_groups,
        out.ship_parts,
    )
    lanes, node, chord2, available = c.lane, c.node, c.chord2, c.available
    longest = 0
    for at in range(ship_start, out.ship_start[b + 1]):
        row, mask = ship_row[at], ship_groups[at]
        n, lane = node[row], lanes[row, out.ship_service[at]]
        metres = metres_of(chord2[row])
        per_unit = distance_sum(rate, which, dist_first, dist_stop, metres, 1)
        weight, handling, depth, worth, count = 0, ship_cents[n], 0, 0, 0
        for i in range(first, stop):
            if (mask >> group[i]) & 1 == 0:
                continue
            units, have = quantity[i], available[row, i - first]
            weight += units * weights[sku_ix[i]]
            cls = sku_class[sku_ix[i]]
            handling += line_cents[cls, n] + units * (unit_cents[cls, n] - unit_rank[n])
            count += units
            for other in range(first, stop):
                if sku_ix[other] == sku_ix[i] and other != i:
                    gone = other < i and (mask >> group[other]) & 1 != 0
                    for before in range(ship_start, at):
                        gone = gone or (
                            ship_row[before] == row and (ship_groups[before] >> group[other]) & 1 != 0
                        )
                    if gone:
                        have -= quantity[other]
            p = profile[n]
            depth += below[p, min(have, deepest)] - below[p, min(have - units, deepest)]
            worth += units * unit_stock_price(sku_start, stock_node, price_cents, price_weight, sku_ix[i], n)
        seconds = c.seconds[row, out.ship_service[at]]
        longest = max(longest, seconds)
        greatest = grams[bracket_start[lane + 1] - 1]
        parts = all_parts[at]
        parts[:] = 0
        parts[SHIPPING] = step_tariff(grams, cents, bracket_start[lane], bracket_start[lane + 1], weight)
        parts[HANDLING] = handling
        parts[DEPTH] = depth
        parts[DISTANCE] = distance_sum(rate, which, dist_first, dist_stop, metres, 0) + count * per_unit
        parts[PRICE] = worth
        parts[PRIORITY] = ship_rank[n] + count * unit_rank[n]
        out.ship_node[at] = n
        out.ship_parcels[at] = max(1, (weight + greatest - 1) // greatest)
        out.ship_weight_grams[at] = weight
        out.ship_distance_m[at] = metres
        out.ship_arrival_seconds[at] = origin + seconds
    return longest


@inline
def write_plan(
    world: World,
    orders: OrderArrays,
    b: int,
    t: int,
    origin: int,
    alone: int,
    allowed: int,
    count: int,
    c: Candidates,
    w: Subsets,
    out: PlanArrays,
) -> int:
    """Shipments of the parts in ``w``, and the plan's parts of the cost. Returns the total in cents."""
    write_shipments(world, orders, b, allowed, count, alone, c, w, out)
    longest = price_shipments(world, orders, b, t, origin, c, out)
    parts, ship_parts = out.parts, out.ship_parts
    total = 0
    for part in range(parts.shape[1]):
        cents = 0
        for at in range(out.ship_start[b], out.ship_start[b + 1]):
            cents += ship_parts[at, part]
        if part == SPLIT:
            cents = world.rules.split_cents[t] * (out.ship_start[b + 1] - out.ship_start[b] - 1)
        elif part == DELAY:
            cents = delay_sum(world.rules.delay_cents, world.rules.delay_slope_cents, t, days_of(longest))
        parts[b, part] = cents
        total += cents
    return total
