"""From an order and the columns to its candidates: who may supply what, and the additive costs."""

from __future__ import annotations

import numpy as np

from router.kernels.geo import metres_of
from router.kernels.jit import allocating, inline, kernel
from router.kernels.prices import days_of, delay_sum, depth_sum, distance_sum, unit_stock_price
from router.kernels.routes import offer_of
from router.kernels.types import (
    BIT_INSUFFICIENT,
    BIT_NO_SERVICE,
    BIT_NOT_STOCKED,
    BIT_TOO_LATE,
    DYN_MAX_DISTANCE,
    DYN_SAME_COUNTRY,
    MAX_GROUPS,
    U8,
    Candidates,
    OrderArrays,
    Subsets,
    World,
)

ONE = np.uint64(1)


@inline
def order_value(orders: OrderArrays, b: int) -> int:
    """Sales value of an order in cents."""
    total = 0
    for i in range(orders.line_start[b], orders.line_start[b + 1]):
        total += orders.quantity[i] * orders.unit_value_cents[i]
    return int(total)


@inline
def first_strategy(world: World, orders: OrderArrays, b: int) -> int:
    """The first strategy of the order's profile whose conditions match, -1 for none."""
    rules = world.rules
    value = order_value(orders, b)
    p = orders.profile[b]
    for t in range(rules.profile_start[p], rules.profile_start[p + 1]):
        if (
            (rules.channel_mask[t] >> orders.channel[b]) & 1
            and rules.value_min_cents[t] <= value <= rules.value_max_cents[t]
            and rules.country_ok[t, orders.country[b]]
            and rules.zone_ok[t, orders.zone[b]]
            and rules.segment_ok[t, orders.segment[b]]
        ):
            return t
    return -1


@inline
def read_groups(world: World, orders: OrderArrays, b: int, c: Candidates) -> tuple[int, int]:
    """Sum the order's lines up by group and by shared SKU; returns (groups, shared SKUs)."""
    first, stop = orders.line_start[b], orders.line_start[b + 1]
    groups = 0
    for i in range(first, stop):
        g, units = orders.group[i], orders.quantity[i]
        if g >= groups:
            groups = g + 1
            c.group_units[g] = c.group_lines[g] = c.group_weight[g] = c.group_value[g] = 0
            c.group_alone[g] = 0
        c.group_units[g] += units
        c.group_lines[g] += 1
        c.group_weight[g] += units * world.catalogue.weight_grams[orders.sku_ix[i]]
        c.group_value[g] += units * orders.unit_value_cents[i]
        c.group_alone[g] |= orders.alone[i]
    shared = 0
    for i in range(first, stop):
        line, g = i - first, orders.group[i]
        earliest, item_units, leads, crosses = i, 0, True, False
        for k in range(first, stop):
            if orders.sku_ix[k] != orders.sku_ix[i]:
                continue
            earliest = min(earliest, k)
            if orders.group[k] != g:
                crosses = True
            else:
                item_units += orders.quantity[k]
                leads = leads and k >= i
        c.line_item_units[line] = item_units
        c.line_leads[line] = leads
        j = -1
        if crosses and earliest == i:
            j = shared
            shared += 1
            c.shared_line[j] = line
            c.shared_units[j, :groups] = 0
        elif crosses:
            j = c.line_shared[earliest - first]
        c.line_shared[line] = j
        if j >= 0:
            c.shared_units[j, g] += orders.quantity[i]
    return groups, shared


@inline
def sum_subsets(c: Candidates, groups: int, w: Subsets) -> None:
    """Weight, value and units of every subset of groups."""
    w.weight[0] = 0
    w.value[0] = 0
    w.units[0] = 0
    for mask in range(1, 1 << groups):
        g, rest = w.low[mask], mask & (mask - 1)
        w.weight[mask] = w.weight[rest] + c.group_weight[g]
        w.value[mask] = w.value[rest] + c.group_value[g]
        w.units[mask] = w.units[rest] + c.group_units[g]


@kernel
def fits_lane(world: World, orders: OrderArrays, i: int, t: int, lane: int) -> bool:
    """May a unit of line i travel by a lane: service allowed, weight within the greatest bracket?"""
    s = orders.sku_ix[i]
    net = world.network
    greatest = net.bracket_grams[net.bracket_start[lane + 1] - 1]
    cls = world.catalogue.sku_class[s]
    return bool(
        world.rules.service_ok[t, cls, net.lane_service[lane]] and world.catalogue.weight_grams[s] <= greatest
    )


@allocating
def lanes_that_take(world: World, orders: OrderArrays, b: int, t: int) -> U8:
    """uint8[lanes, lines of order b]: ``fits_lane``."""
    first, stop = orders.line_start[b], orders.line_start[b + 1]
    out = np.zeros((len(world.network.lane_service), stop - first), np.uint8)
    for lane in range(len(out)):
        for i in range(first, stop):
            out[lane, i - first] = fits_lane(world, orders, i, t, lane)
    return out


@inline
def open_lanes(world: World, orders: OrderArrays, b: int, t: int, groups: int, used: U8, w: Subsets) -> None:
    """Fill the rows of every used lane for this order: the groups it may carry, and its tariff for every
    subset of them. One call for all lanes: handing the columns over costs more than a lane does."""
    net = world.network
    bracket_start, grams, lane_service = net.bracket_start, net.bracket_grams, net.lane_service
    cents, service_ok = world.rules.bracket_cents, world.rules.service_ok
    sku_class, unit_weight = world.catalogue.sku_class, world.catalogue.weight_grams
    sku_ix, group = orders.sku_ix, orders.group
    weight, lane_groups, lane_cents = w.weight, w.lane_groups, w.lane_cents
    start, end = orders.line_start[b], orders.line_start[b + 1]
    for lane in range(len(used)):
        if used[lane] == 0:
            continue
        used[lane] = 0
        first, stop = bracket_start[lane], bracket_start[lane + 1]
        greatest, service = grams[stop - 1], lane_service[lane]
        mask = (1 << groups) - 1
        for i in range(start, end):
            s = sku_ix[i]
            if service_ok[t, sku_class[s], service] == 0 or unit_weight[s] > greatest:
                mask &= ~(1 << group[i])
        lane_groups[lane] = mask
        sub = mask
        while sub > 0:
            grams_left, total, at = weight[sub], np.int64(0), first
            if grams_left > greatest:
                full = grams_left // greatest
                total = full * cents[t, stop - 1]
                grams_left -= full * greatest
            if grams_left > 0 or weight[sub] == 0:
                for i in range(first, stop - 1):  # without a branch to guess wrong
                    at += grams_left > grams[i]
                total += cents[t, at]
            lane_cents[sub, lane] = total
            sub = (sub - 1) & mask


@kernel
def find_candidates(world: World, orders: OrderArrays, b: int, t: int, c: Candidates) -> int:
    """A row for every node with stock of one of the SKUs: reasons by line, units, caps. Returns how many."""
    static, start = world.rules.static_bits[t], world.stock.sku_start
    stock_node, stock_units = world.stock.node_ix, world.stock.available
    xyz, node_country = world.network.node_xyz, world.network.node_country
    kinds, applies, rule_bit = world.rules.dynamic_kind, world.rules.dynamic_applies, world.rules.dynamic_bit
    rule_units, rule_chord2 = world.rules.dynamic_units, world.rules.dynamic_chord2
    dyn_first, dyn_stop = world.rules.dynamic_start[t], world.rules.dynamic_start[t + 1]
    row_of, node, chord2 = c.row_of_node, c.node, c.chord2
    bits, available, cap = c.bits, c.available, c.cap
    first, stop = orders.line_start[b], orders.line_start[b + 1]
    lines = stop - first
    x, y, z = orders.xyz[b, 0], orders.xyz[b, 1], orders.xyz[b, 2]
    country = orders.country[b]
    not_stocked, insufficient = ONE << np.uint64(BIT_NOT_STOCKED), ONE << np.uint64(BIT_INSUFFICIENT)
    rows = 0
    for line in range(lines):
        s = orders.sku_ix[first + line]
        cls = world.catalogue.sku_class[s]
        need = c.line_item_units[line]
        for r in range(start[s], start[s + 1]):
            k = stock_node[r]
            row = row_of[k]
            if row < 0:
                row = rows
                rows += 1
                row_of[k] = row
                node[row] = k
                dx, dy, dz = x - xyz[0, k], y - xyz[1, k], z - xyz[2, k]
                chord2[row] = dx * dx + dy * dy + dz * dz
                for other in range(lines):
                    bits[row, other] = not_stocked
                    available[row, other] = 0
                    cap[row, other] = 0
            have = np.int64(stock_units[r])
            found = static[cls, k]
            floor = np.int64(0)
            for d in range(dyn_first, dyn_stop):
                if applies[d, cls, k] == 0:
                    continue
                if kinds[d] == DYN_MAX_DISTANCE:
                    broken = not chord2[row] < rule_chord2[d]
                elif kinds[d] == DYN_SAME_COUNTRY:
                    broken = node_country[k] != country
                else:
                    floor = max(floor, rule_units[d])
                    broken = have - need < rule_units[d]
                if broken:
                    found |= ONE << np.uint64(rule_bit[d])
            if have < need:
                found |= insufficient
            bits[row, line] = found
            available[row, line] = have
            cap[row, line] = max(np.int64(0), have - floor)
    for row in range(rows):
        row_of[node[row]] = -1
    return rows


@kernel
def carry(
    world: World,
    orders: OrderArrays,
    b: int,
    t: int,
    origin: int,
    groups: int,
    rows: int,
    c: Candidates,
    w: Subsets,
) -> None:
    """Services, lateness and delay cost of every candidate; the reasons NO_SERVICE and TOO_LATE; the masks
    of groups it can supply whole (for at most MAX_GROUPS groups)."""
    find_lanes(world, orders, b, t, origin, rows, c)
    masks = groups <= MAX_GROUPS
    if masks:
        open_lanes(world, orders, b, t, groups, c.lane_used, w)
    else:
        c.lane_used[:] = 0
    lanes, bits, group, lane_groups = c.lane, c.bits, orders.group, w.lane_groups
    supplies = c.supply
    first, stop = orders.line_start[b], orders.line_start[b + 1]
    all_groups = (1 << groups) - 1 if masks else 0
    missed = not masks
    for row in range(rows):
        may = 0
        for v in range(lanes.shape[1]):
            if masks and lanes[row, v] >= 0:
                may |= lane_groups[lanes[row, v]]
        supply = all_groups & may
        for line in range(stop - first):
            if bits[row, line] != 0:
                supply &= ~(1 << group[first + line])
        supplies[row] = supply
        missed = missed or may != all_groups
    if missed:
        mark_carriage(world, orders, b, t, rows, c)


@kernel
def find_lanes(
    world: World, orders: OrderArrays, b: int, t: int, origin: int, rows: int, c: Candidates
) -> None:
    """The lane of every candidate and service, when it arrives, whether in time, and what its delay costs."""
    net = world.network
    offer_lane, offer_seconds = net.offer_lane, net.offer_seconds
    delay_cents, slope = world.rules.delay_cents, world.rules.delay_slope_cents
    node, chord2 = c.node, c.chord2
    out_lane, out_late, out_seconds, out_delay, used = c.lane, c.late, c.seconds, c.delay_cents, c.lane_used
    target = net.zone_class[orders.zone[b]]
    deadline = orders.deliver_by_seconds[b] - origin
    for row in range(rows):
        offer = offer_of(net, target, node[row], chord2[row])
        for v in range(out_lane.shape[1]):
            lane, seconds = offer_lane[offer, v], offer_seconds[offer, v]
            out_lane[row, v] = -1
            out_late[row, v] = lane >= 0 and seconds > deadline
            out_seconds[row, v] = seconds
            if lane < 0 or seconds > deadline:
                continue
            used[lane] = 1
            out_lane[row, v] = lane
            out_delay[row, v] = delay_sum(delay_cents, slope, t, days_of(seconds))


@kernel
def mark_carriage(world: World, orders: OrderArrays, b: int, t: int, rows: int, c: Candidates) -> None:
    """Set NO_SERVICE or TOO_LATE (and the exclude_services rules) where no service takes a line. One call
    for all candidates: handing the columns over costs more than a candidate does."""
    net = world.network
    service_ok, service_bits = world.rules.service_ok, world.rules.service_bits
    sku_class, weights, sku_ix = world.catalogue.sku_class, world.catalogue.weight_grams, orders.sku_ix
    bracket_start, grams, collects = net.bracket_start, net.bracket_grams, net.node_service
    lanes, late, bits, node = c.lane, c.late, c.bits, c.node
    first, stop = orders.line_start[b], orders.line_start[b + 1]
    no_service, too_late = ONE << np.uint64(BIT_NO_SERVICE), ONE << np.uint64(BIT_TOO_LATE)
    for i in range(first, stop):
        line, s = i - first, sku_ix[i]
        cls = sku_class[s]
        for row in range(rows):
            in_time = late_only = any_service = False
            for v in range(lanes.shape[1]):
                any_service = any_service or collects[node[row], v] != 0
                if service_ok[t, cls, v] == 0:
                    continue
                lane = lanes[row, v]
                if lane >= 0:
                    in_time = in_time or weights[s] <= grams[bracket_start[lane + 1] - 1]
                elif late[row, v]:
                    late_only = True
            if in_time:
                continue
            bits[row, line] |= too_late if late_only else no_service
            if any_service and not late_only:
                bits[row, line] |= service_bits[t, cls]


@kernel
def price_candidates(
    world: World, orders: OrderArrays, b: int, t: int, groups: int, rows: int, c: Candidates
) -> None:
    """Costs per shipment, and per group a candidate can supply."""
    rules = world.rules
    ship, ship_rank = rules.ship_handling_cents[t], rules.ship_priority_cents[t]
    line_cents, unit_cents = rules.line_cents[t], rules.unit_cents[t]
    sku_ix, sku_class = orders.sku_ix, world.catalogue.sku_class
    dist_first, dist_stop = rules.distance_start[t], rules.distance_start[t + 1]
    rate, per_unit = rules.distance_rate, rules.distance_per_unit
    depth_first, depth_stop = rules.depth_start[t], rules.depth_start[t + 1]
    depth_cents, target, applies = rules.depth_cents, rules.depth_target, rules.depth_applies
    sku_start, stock_node, price_cents = world.stock.sku_start, world.stock.node_ix, world.stock.price_cents
    price_weight = rules.price_weight[t]
    supplies, node, chord2, group_cents, ship_cents = c.supply, c.node, c.chord2, c.group_cents, c.ship_cents
    leads, shared, item_units, available = c.line_leads, c.line_shared, c.line_item_units, c.available
    quantity, group = orders.quantity, orders.group
    first, stop = orders.line_start[b], orders.line_start[b + 1]
    for row in range(rows):
        supply = supplies[row]
        if supply == 0:
            continue
        k = node[row]
        ship_cents[row] = ship[k] + ship_rank[k]
        away = 0
        if dist_first < dist_stop:
            metres = metres_of(chord2[row])
            ship_cents[row] += distance_sum(rate, per_unit, dist_first, dist_stop, metres, 0)
            away = distance_sum(rate, per_unit, dist_first, dist_stop, metres, 1)
        for g in range(groups):
            group_cents[row, g] = 0
        for i in range(first, stop):
            line, g = i - first, group[i]
            if (supply >> g) & 1 == 0:
                continue
            cls = sku_class[sku_ix[i]]
            cents = line_cents[cls, k] + quantity[i] * (unit_cents[cls, k] + away)
            cents += quantity[i] * unit_stock_price(
                sku_start, stock_node, price_cents, price_weight, sku_ix[i], k
            )
            if leads[line] and shared[line] < 0:
                have, units = available[row, line], item_units[line]
                cents += depth_sum(depth_cents, target, applies, depth_first, depth_stop, k, have, 0, units)
            group_cents[row, g] += cents
