"""The candidates of a plain order, for the lean programme: who has the goods, what they cost there, and the
classes of candidates with equal lanes and delays.

What the scan finds is indexed by node; the candidates are then listed, and what follows is indexed by their
place in the list.
"""

from __future__ import annotations

import numpy as np

from router.kernels.geo import NEAR_CHORD2, far_metres, near_metres
from router.kernels.jit import inline
from router.kernels.prices import days_of, delay_sum, part_of_price
from router.kernels.types import (
    CLASSES,
    F64,
    FAR,
    I16,
    I32,
    I64,
    U8,
    Candidates,
    OrderArrays,
    RowClasses,
    World,
)

DENSE = 4
"""Up to so many nodes per stock row, going through all nodes with vector instructions is faster than going
from row to row."""
EXACT_RATE = 2**26
"""Cents per 1,000 km up to which distance times rate has less than 51 bits: the division in floating point,
for which there are vector instructions, then rounds down as that of integers does."""


@inline
def scan(world: World, orders: OrderArrays, b: int, t: int, groups: int, c: Candidates, k: RowClasses) -> int:
    """Lists the nodes that can supply some line whole (``k.listed``), with the lines (``k.lines``) and the
    cost of the goods by group (``k.goods``), distance aside. Returns how many there are."""
    start, rows = world.stock.sku_start, 0
    for i in range(orders.line_start[b], orders.line_start[b + 1]):
        rows += start[orders.sku_ix[i] + 1] - start[orders.sku_ix[i]]
    if len(k.lines) <= DENSE * rows:
        return scan_nodes(world, orders, b, t, groups, c, k)
    return scan_rows(world, orders, b, t, groups, c, k)


@inline
def scan_rows(
    world: World, orders: OrderArrays, b: int, t: int, groups: int, c: Candidates, k: RowClasses
) -> int:
    """``scan`` from stock row to stock row."""
    rules = world.rules
    start, stock_node, stock_units = world.stock.sku_start, world.stock.node_ix, world.stock.available
    xyz, node_country = world.network.node_xyz, world.network.node_country
    profile, below = rules.depth_profile[t], rules.depth_below
    deepest = below.shape[1] - 1
    price_cents, price_weight = world.stock.price_cents, rules.price_weight[t]
    priced = price_weight != 0 and len(price_cents) != 0
    listed, lines, goods, have, chord2, last = k.listed, k.lines, k.goods, k.have, c.chord2, k.last_order
    first, stop = orders.line_start[b], orders.line_start[b + 1]
    x, y, z = orders.xyz[b, 0], orders.xyz[b, 1], orders.xyz[b, 2]
    country = orders.country[b]
    last[len(lines)] += 1
    order, count = last[len(lines)], 0
    for i in range(first, stop):
        line, g, s, units = i - first, orders.group[i], orders.sku_ix[i], orders.quantity[i]
        need, lead = c.line_item_units[line], c.line_leads[line]
        cls = world.catalogue.sku_class[s]
        near, keep, home = rules.near_chord2[t, cls], rules.keep_units[t, cls], rules.home_only[t, cls]
        line_cents, unit_cents = rules.line_cents[t, cls], rules.unit_cents[t, cls]
        for r in range(start[s], start[s + 1]):
            n, own = stock_node[r], np.int64(stock_units[r])
            if own - need < keep[n] or (home[n] != 0 and node_country[n] != country):
                continue
            if last[n] != order:
                last[n] = order
                dx, dy, dz = x - xyz[0, n], y - xyz[1, n], z - xyz[2, n]
                chord2[n] = dx * dx + dy * dy + dz * dz
                lines[n] = 0
                for other in range(groups):
                    goods[other, n] = 0
            if not chord2[n] < near[n]:
                continue
            if lines[n] == 0:
                listed[count] = n
                count += 1
            lines[n] |= 1 << line
            have[line, n] = own
            cents = line_cents[n] + units * unit_cents[n]
            if priced:
                cents += units * part_of_price(price_cents[r], price_weight)
            if lead:
                cents += below[profile[n], min(own, deepest)] - below[profile[n], min(own - need, deepest)]
            goods[g, n] += cents
    return count


@inline
def scan_nodes(
    world: World, orders: OrderArrays, b: int, t: int, groups: int, c: Candidates, k: RowClasses
) -> int:
    """``scan`` through all nodes, column by column."""
    rules, stock = world.rules, world.stock
    profile = rules.depth_profile[t]
    lines, have, chord2, nodes = k.lines, k.have, c.chord2, len(k.lines)
    first, stop = orders.line_start[b], orders.line_start[b + 1]
    lines[:] = 0
    for g in range(groups):
        k.goods[g, :] = 0
    fill_chords(world.network.node_xyz, orders.xyz[b], chord2)
    for i in range(first, stop):
        line, s, units = i - first, orders.sku_ix[i], orders.quantity[i]
        own, goods, need = have[line], k.goods[orders.group[i]], c.line_item_units[line]
        cls, low, high = world.catalogue.sku_class[s], stock.sku_start[s], stock.sku_start[s + 1]
        own[:] = -1
        if c.line_leads[line]:
            lay_out_priced(
                stock.node_ix, stock.available, low, high, need, profile, rules.depth_below, own, goods
            )
        else:
            lay_out(stock.node_ix, stock.available, low, high, own)
        if rules.price_weight[t] != 0 and len(stock.price_cents) != 0:
            add_prices(stock.node_ix, stock.price_cents, low, high, units, rules.price_weight[t], goods)
        mark(need, 1 << line, own, rules.keep_units[t, cls], chord2, rules.near_chord2[t, cls], lines)
        if rules.same_country[t] != 0:
            country, home = orders.country[b], rules.home_only[t, cls]
            send_home(1 << line, country, world.network.node_country, home, lines)
        line_cents, unit_cents = rules.line_cents[t, cls], rules.unit_cents[t, cls]
        for n in range(nodes):
            goods[n] += line_cents[n] + units * unit_cents[n]
    count, listed = 0, k.listed
    for n in range(nodes):
        listed[count] = n
        count += lines[n] != 0
    return count


@inline
def fill_chords(xyz: F64, place: F64, chord2: F64) -> None:
    """Squared chords from every node to a place."""
    x, y, z = place[0], place[1], place[2]
    xs, ys, zs = xyz[0], xyz[1], xyz[2]
    for n in range(len(chord2)):
        chord2[n] = (x - xs[n]) * (x - xs[n]) + (y - ys[n]) * (y - ys[n]) + (z - zs[n]) * (z - zs[n])


@inline
def lay_out(stock_node: I32, stock_units: I32, low: int, high: int, own: I64) -> None:
    """Stock rows of a SKU by node."""
    for r in range(low, high):
        own[stock_node[r]] = stock_units[r]


@inline
def lay_out_priced(
    stock_node: I32,
    stock_units: I32,
    low: int,
    high: int,
    need: int,
    profile: I32,
    below: I64,
    own: I64,
    goods: I64,
) -> None:
    """``lay_out``, and to the goods the price of what ``need`` units leave behind. (Unsigned: the compiler
    then knows that no index counts from the end.)"""
    deepest = below.shape[1] - 1
    for r in range(low, high):
        n = np.uint64(stock_node[r])
        units = max(int(stock_units[r]), 0)
        own[n] = units
        prices = np.uint64(profile[n])
        left = np.uint64(min(max(units - need, 0), deepest))
        goods[n] += below[prices, np.uint64(min(units, deepest))] - below[prices, left]


@inline
def add_prices(
    stock_node: I32, price_cents: I32, low: int, high: int, units: int, weight: int, goods: I64
) -> None:
    """To the goods what ``units`` of a SKU are worth to orders to come."""
    for r in range(low, high):
        goods[np.uint64(stock_node[r])] += units * part_of_price(price_cents[r], weight)


@inline
def mark(need: int, bit: int, own: I64, keep: I64, chord2: F64, near: F64, lines: I64) -> None:
    """Set a line's bit for the nodes that have enough, near enough."""
    for n in range(len(lines)):
        enough = bit if own[n] - need >= keep[n] else 0
        lines[n] |= enough if chord2[n] < near[n] else 0


@inline
def send_home(bit: int, country: int, node_country: I16, home: U8, lines: I64) -> None:
    """Clear a line's bit for the nodes that may not supply it abroad."""
    for n in range(len(lines)):
        if home[n] != 0 and node_country[n] != country:
            lines[n] &= ~bit


@inline
def measure(count: int, chord2: F64, metres: I64) -> None:
    """Distances of all candidates. In a loop without branches where they are near, which the compiler turns
    into vector instructions."""
    far = 0
    for i in range(count):
        far += chord2[i] > NEAR_CHORD2
    if far == 0:
        for i in range(count):
            metres[i] = near_metres(chord2[i])
    else:
        for i in range(count):
            metres[i] = far_metres(chord2[i]) if chord2[i] > NEAR_CHORD2 else near_metres(chord2[i])


@inline
def price_listed(
    world: World, orders: OrderArrays, b: int, t: int, count: int, c: Candidates, k: RowClasses
) -> None:
    """Cost per shipment of every candidate (``k.ship_cents``), and what distance adds to the goods."""
    rules = world.rules
    handling, rank = rules.ship_handling_cents[t], rules.ship_priority_cents[t]
    rate, per_unit = rules.distance_rate, rules.distance_per_unit
    listed, ship_cents, metres, goods, lines, away = (
        k.listed,
        k.ship_cents,
        k.metres,
        k.goods,
        k.lines,
        k.away,
    )
    chord2, quantity, group = c.chord2, orders.quantity, orders.group
    for i in range(count):
        n = listed[i]
        ship_cents[i] = handling[n] + rank[n]
        away[i] = chord2[n]
    first, stop = rules.distance_start[t], rules.distance_start[t + 1]
    if first == stop:
        return
    measure(count, away, metres)
    start, end = orders.line_start[b], orders.line_start[b + 1]
    for d in range(first, stop):
        if per_unit[d] == 0 and rate[d] <= EXACT_RATE:
            cents = float(rate[d])
            for i in range(count):
                ship_cents[i] += int(float(metres[i]) * cents / 1e6)
            continue
        for i in range(count):
            price = metres[i] * rate[d] // 1_000_000
            if per_unit[d] == 0:
                ship_cents[i] += price
                continue
            n = listed[i]
            for j in range(start, end):
                if (lines[n] >> (j - start)) & 1:
                    goods[group[j], n] += quantity[j] * price


@inline
def classify(
    world: World, orders: OrderArrays, b: int, t: int, origin: int, count: int, k: RowClasses
) -> int:
    """Write the class of every candidate; returns the number of classes, -1 when there is no room."""
    net = world.network
    carrier, route_start, route_chord2 = net.node_carrier, net.route_start, net.route_chord2
    route_offer, offer_lane, offer_seconds = net.route_offer, net.offer_lane, net.offer_seconds
    offer_kind = net.offer_kind
    delay_cents, slope_cents = world.rules.delay_cents, world.rules.delay_slope_cents
    of_offer, of_kind, seen = k.class_of_offer, k.class_of_kind, k.seen
    lanes, delays = k.lane, k.delay_cents
    listed, listed_class, away = k.listed, k.listed_class, k.away
    services = offer_lane.shape[1]
    offset = int(net.zone_class[orders.zone[b]]) * net.carrier_count
    deadline = orders.deliver_by_seconds[b] - origin
    no_hurry = orders.deliver_by_seconds[b] >= FAR
    classes, met, complete = 0, 0, True
    for i in range(count):
        route = np.int64(route_start[offset + carrier[listed[i]]])
        route += away[i] >= route_chord2[route]  # most often one step is enough: no branch to guess wrong
        while away[i] >= route_chord2[route]:
            route += 1
        offer = route_offer[route]
        m = of_offer[offer]
        if m >= 0:
            listed_class[i] = m
            continue
        if no_hurry:
            m = of_kind[offer_kind[offer]]
        if m < 0:
            if classes == CLASSES:
                complete = False
                break
            m = classes
            for v in range(services):
                lane = offer_lane[offer, v]
                lanes[m, v] = -1
                delays[m, v] = 0
                seconds = offer_seconds[offer, v]
                if lane >= 0 and seconds <= deadline:
                    lanes[m, v] = lane
                    delays[m, v] = delay_sum(delay_cents, slope_cents, t, days_of(seconds))
            m = same_class(m, services, lanes, delays)
            classes = max(classes, m + 1)
        listed_class[i] = m
        of_offer[offer] = m
        of_kind[offer_kind[offer]] = m
        seen[met] = offer
        met += 1
    for i in range(met):
        of_offer[seen[i]] = -1
        of_kind[offer_kind[seen[i]]] = -1
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
