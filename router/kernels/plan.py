"""Writing a decision down: services, arrivals, and the cost recomputed part by part in integers."""

from __future__ import annotations

from router.domain import Part
from router.kernels.geo import metres_of
from router.kernels.jit import kernel
from router.kernels.prices import (
    days_of,
    delay_price,
    depth_price,
    distance_price,
    parcel_count,
    tariff_cents,
)
from router.kernels.types import Candidates, OrderArrays, PlanArrays, Subsets, World

SHIPPING, HANDLING, DELAY, SPLIT = int(Part.SHIPPING), int(Part.HANDLING), int(Part.DELAY), int(Part.SPLIT)
DEPTH, DISTANCE, PRIORITY = int(Part.STOCK_DEPTH), int(Part.DISTANCE), int(Part.NODE_PRIORITY)


@kernel
def sort_parts(count: int, c: Candidates, w: Subsets) -> None:
    """Parts by node."""
    for i in range(1, count):
        for k in range(i, 0, -1):
            if c.node[w.part_row[k]] >= c.node[w.part_row[k - 1]]:
                break
            w.part_row[k], w.part_row[k - 1] = w.part_row[k - 1], w.part_row[k]
            w.part_mask[k], w.part_mask[k - 1] = w.part_mask[k - 1], w.part_mask[k]


@kernel
def choose_service(world: World, row: int, mask: int, allowed: int, c: Candidates, w: Subsets) -> int:
    """The cheapest service for a shipment within the delay allowed; then the earlier, then the first."""
    best = -1
    for v in range(c.lane.shape[1]):
        lane = c.lane[row, v]
        if lane < 0 or c.delay_cents[row, v] > allowed or mask & ~w.lane_groups[lane]:
            continue
        if best >= 0:
            rival = c.lane[row, best]
            cents, least = w.lane_cents[lane, mask], w.lane_cents[rival, mask]
            transit = world.network.lane_transit_seconds
            if cents > least or (cents == least and transit[lane] >= transit[rival]):
                continue
        best = v
    return best


@kernel
def write_shipment(
    world: World,
    orders: OrderArrays,
    b: int,
    t: int,
    now: int,
    row: int,
    mask: int,
    taken_mask: int,
    at: int,
    service: int,
    c: Candidates,
    out: PlanArrays,
) -> int:
    """Row ``at`` of the answer: one shipment of the groups in ``mask``, after those in ``taken_mask`` left
    the same node. Returns its transit and processing time in seconds."""
    net, rules = world.network, world.rules
    k, lane = c.node[row], c.lane[row, service]
    parts = out.ship_parts[at]
    parts[:] = 0
    weight = 0
    first = orders.line_start[b]
    per_unit = distance_price(rules, t, c.chord2[row], 1)
    for i in range(first, orders.line_start[b + 1]):
        if (mask >> orders.group[i]) & 1 == 0:
            continue
        line, units = i - first, orders.quantity[i]
        weight += units * world.catalogue.weight_grams[orders.sku_ix[i]]
        parts[HANDLING] += rules.line_handling_cents[t, k] + units * rules.unit_handling_cents[t, k]
        parts[DISTANCE] += units * per_unit
        parts[PRIORITY] += units * rules.unit_priority_cents[t, k]
        taken = 0
        for other in range(first, orders.line_start[b + 1]):
            left = (taken_mask >> orders.group[other]) & 1 or (
                (mask >> orders.group[other]) & 1 and other < i
            )
            if left and orders.sku_ix[other] == orders.sku_ix[i]:
                taken += orders.quantity[other]
        parts[DEPTH] += depth_price(rules, t, k, c.available[row, line], taken, units)
    parts[SHIPPING] = tariff_cents(net, rules.bracket_cents[t], lane, weight)
    parts[HANDLING] += rules.ship_handling_cents[t, k]
    parts[DISTANCE] += distance_price(rules, t, c.chord2[row], 0)
    parts[PRIORITY] += rules.ship_priority_cents[t, k]
    seconds = net.node_processing_seconds[k] + net.lane_transit_seconds[lane]
    out.ship_node[at] = k
    out.ship_service[at] = service
    out.ship_groups[at] = mask
    out.ship_parcels[at] = parcel_count(net, lane, weight)
    out.ship_weight_grams[at] = weight
    out.ship_distance_m[at] = metres_of(c.chord2[row])
    out.ship_arrival_seconds[at] = now + seconds
    return int(seconds)


@kernel
def write_plan(
    world: World,
    orders: OrderArrays,
    b: int,
    t: int,
    now: int,
    groups: int,
    allowed: int,
    count: int,
    c: Candidates,
    w: Subsets,
    out: PlanArrays,
) -> int:
    """Shipments of the parts in ``w`` from row ``out.ship_start[b]`` on, and the plan's parts of the cost.
    Returns the total in cents."""
    sort_parts(count, c, w)
    at = out.ship_start[b]
    alone = 0
    for g in range(groups):
        if c.group_alone[g]:
            alone |= 1 << g
    longest = 0
    for p in range(count):
        row, mask = w.part_row[p], w.part_mask[p]
        left = mask
        while left:
            single = left & alone & -(left & alone)
            load = left & ~alone if left & ~alone else single
            service = choose_service(world, row, load, allowed, c, w)
            seconds = write_shipment(world, orders, b, t, now, row, load, mask ^ left, at, service, c, out)
            longest = max(longest, seconds)
            left ^= load
            at += 1
    out.ship_start[b + 1] = at
    parts = out.parts[b]
    parts[:] = 0
    for s in range(out.ship_start[b], at):
        parts += out.ship_parts[s]
    shipments = at - out.ship_start[b]
    parts[SPLIT] = world.rules.split_cents[t] * (shipments - 1)
    parts[DELAY] = delay_price(world.rules, t, days_of(longest))
    return int(parts.sum())
