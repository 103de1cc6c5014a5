"""Ranking the nodes for one line that is shipped whole and by itself.

Pricing and choosing the service is one pass over flat columns. A short list is kept by insertion; a whole
ranking is a radix sort of the totals (they span few bits), after which only runs of equal totals are compared
in full. Each array costs a call as much as ranking ten candidates, hence few of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from router.cost import PART_COUNT, Part
from router.kernels.fill import carry, find_candidates, fits_lane, read_groups, sum_subsets
from router.kernels.jit import allocating
from router.kernels.prices import distance_price, tariff_cents, unit_stock_price
from router.kernels.types import FAR, I32, I64, U8, U64, Candidates, OrderArrays, Subsets, World

SHIPPING, HANDLING, DELAY, SPLIT = int(Part.SHIPPING), int(Part.HANDLING), int(Part.DELAY), int(Part.SPLIT)
DEPTH, DISTANCE, PRIORITY = int(Part.STOCK_DEPTH), int(Part.DISTANCE), int(Part.NODE_PRIORITY)
PRICE = int(Part.STOCK_PRICE)

ROW, SERVICE, ARRIVAL, TOTAL, FIRST_PART = 0, 1, 2, 3, 4
"""Rows of the answer: candidate, service, arrival in epoch seconds, cents; then the parts of the cost."""
ANSWER_ROWS = FIRST_PART + PART_COUNT

OWN_HANDLING, OWN_DISTANCE, OWN_PRIORITY, OWN_PRICE = 0, 1, 2, 3
"""Rows of ``own_cents``."""

SHORT_LIST = 32
"""Up to so many are kept in order while looking, instead of sorting all."""
SHORT_RUN = 16
"""Up to so many are sorted by insertion."""


class LineColumns(NamedTuple):
    """One line and its C candidates in node order, with V services, Λ lanes and D stock depth objectives.
    Every row without reasons against has a service that takes the line, and stock for all of it."""

    bits: U64  # [C] reasons against; 0: eligible
    available: I64  # [C] units
    own_cents: I64  # [4, C] handling, distance, node priority and stock price of the whole line
    lane: I32  # [C, V] -1 for none in time
    delay_cents: I64  # [C, V] what the arrival by the service costs
    seconds: I64  # [C, V] from the origin to the arrival
    lane_cents: I64  # [Λ] tariff for the weight of the line; FAR: does not take it
    depth_applies: U8  # [D, C]
    depth_cents: I64  # [D]
    depth_target: I64  # [D]


class Scratch(NamedTuple):
    """Work space for C candidates."""

    total: I64  # [C]
    arrival: I64  # [C]
    depth: I64  # [C]
    key: I64  # [C] what ``item`` is being sorted by, less the least
    other_key: I64  # [C] its copy between two passes
    service: I32  # [C]
    item: I32  # [C] the eligible rows, put in order
    other: I32  # [C] their copy between two passes
    bucket: I32  # [2,048] of a pass


@allocating
def rank_candidates(
    bits: U64,
    available: I64,
    own_cents: I64,
    lane: I32,
    delay_cents: I64,
    seconds: I64,
    lane_cents: I64,
    depth_applies: U8,
    depth_cents: I64,
    depth_target: I64,
    origin: int,
    quantity: int,
    most: int,
    out: I64,
) -> int:
    """Write the best ``most`` candidates (all, when there are fewer) for ``quantity`` units and an order that
    counts from ``origin`` into the columns of ``out``, int64[ANSWER_ROWS, >= min(most, C)]; returns how many
    are eligible. The arrays are those of ``LineColumns``, one by one because that halves the cost of a call.

    Order: least total, then earliest arrival, then deepest stock, then node. O(C V) and the sort.
    """
    line = LineColumns(
        bits,
        available,
        own_cents,
        lane,
        delay_cents,
        seconds,
        lane_cents,
        depth_applies,
        depth_cents,
        depth_target,
    )
    wide, narrow = np.empty((5, len(bits)), np.int64), np.empty((3, len(bits)), np.int32)
    s = Scratch(
        wide[0],
        wide[1],
        wide[2],
        wide[3],
        wide[4],
        narrow[0],
        narrow[1],
        narrow[2],
        np.empty(2048, np.int32),
    )
    price_depth(line, quantity, s.depth)
    eligible = price_rows(line, s)
    kept = min(most, eligible)
    if kept < eligible and kept <= SHORT_LIST:
        shortlist(eligible, kept, available, s)
    else:
        sort_all(eligible, available, s)
    for i in range(kept):
        write_answer(line, s.item[i], i, origin, s, out)
    return eligible


@allocating
def write_answer(line: LineColumns, row: int, at: int, origin: int, s: Scratch, out: I64) -> None:
    """Column ``at`` of the answer."""
    service = s.service[row]
    out[ROW, at] = row
    out[SERVICE, at] = service
    out[ARRIVAL, at] = origin + s.arrival[row]
    out[TOTAL, at] = s.total[row]
    out[FIRST_PART + SHIPPING, at] = line.lane_cents[line.lane[row, service]]
    out[FIRST_PART + HANDLING, at] = line.own_cents[OWN_HANDLING, row]
    out[FIRST_PART + DELAY, at] = line.delay_cents[row, service]
    out[FIRST_PART + SPLIT, at] = 0
    out[FIRST_PART + DEPTH, at] = s.depth[row]
    out[FIRST_PART + DISTANCE, at] = line.own_cents[OWN_DISTANCE, row]
    out[FIRST_PART + PRIORITY, at] = line.own_cents[OWN_PRIORITY, row]
    out[FIRST_PART + PRICE, at] = line.own_cents[OWN_PRICE, row]


@allocating
def price_depth(line: LineColumns, quantity: int, depth: I64) -> None:
    """Stock depth of the eligible rows, each the difference of two running sums over the units left."""
    depth[:] = 0
    for d in range(len(line.depth_cents)):
        target, cents = line.depth_target[d], line.depth_cents[d]
        sums = np.empty(target + 1, np.int64)
        sums[0] = 0
        for left in range(target):
            sums[left + 1] = sums[left] + cents * (target - left) // target
        for row in range(len(depth)):
            if line.depth_applies[d, row] and line.bits[row] == 0:
                have = line.available[row]
                depth[row] += sums[min(have, target)] - sums[min(have - quantity, target)]


@allocating
def price_rows(line: LineColumns, s: Scratch) -> int:
    """Best service, arrival and total of every eligible row; lists those rows in ``s.item``. How many."""
    services = line.lane.shape[1]
    eligible = 0
    for row in range(len(line.bits)):
        if line.bits[row]:
            continue
        least, soonest, best = FAR, FAR, 0
        for v in range(services):
            lane = line.lane[row, v]
            if lane < 0 or line.lane_cents[lane] >= FAR:
                continue
            cents = line.lane_cents[lane] + line.delay_cents[row, v]
            seconds = line.seconds[row, v]
            if cents < least or (cents == least and seconds < soonest):
                least, soonest, best = cents, seconds, v
        own = line.own_cents
        own_cents = own[OWN_HANDLING, row] + own[OWN_DISTANCE, row] + own[OWN_PRIORITY, row]
        own_cents += own[OWN_PRICE, row]
        s.total[row] = least + own_cents + s.depth[row]
        s.arrival[row] = soonest
        s.service[row] = best
        s.item[eligible] = row
        eligible += 1
    return eligible


@allocating
def before(a: int, b: int, available: I64, s: Scratch) -> bool:
    """Does row a rank before row b?"""
    if s.total[a] != s.total[b]:
        return bool(s.total[a] < s.total[b])
    if s.arrival[a] != s.arrival[b]:
        return bool(s.arrival[a] < s.arrival[b])
    if available[a] != available[b]:
        return bool(available[a] > available[b])
    return a < b


@allocating
def shortlist(eligible: int, kept: int, available: I64, s: Scratch) -> None:
    """The best ``kept`` of the listed rows, in order, at the start of ``s.item``."""
    insertion_sort(0, kept, available, s)
    for i in range(kept, eligible):
        row = s.item[i]
        if s.total[row] > s.total[s.item[kept - 1]] or not before(row, s.item[kept - 1], available, s):
            continue
        at = kept - 1
        while at > 0 and before(row, s.item[at - 1], available, s):
            s.item[at] = s.item[at - 1]
            at -= 1
        s.item[at] = row


@allocating
def insertion_sort(start: int, stop: int, available: I64, s: Scratch) -> None:
    """Sort ``s.item[start:stop]``; for short runs."""
    for i in range(start + 1, stop):
        row = s.item[i]
        at = i
        while at > start and before(row, s.item[at - 1], available, s):
            s.item[at] = s.item[at - 1]
            at -= 1
        s.item[at] = row


@allocating
def sort_all(eligible: int, available: I64, s: Scratch) -> None:
    """Sort the listed rows, which come in node order."""
    if eligible <= SHORT_RUN:
        insertion_sort(0, eligible, available, s)
        return
    radix_sort(s.total, 1, 0, eligible, s)
    start = 0
    while start < eligible:
        stop = start + 1
        while stop < eligible and s.key[stop] == s.key[start]:
            stop += 1
        if stop - start > SHORT_RUN:
            radix_sort(available, -1, start, stop, s)
            radix_sort(s.arrival, 1, start, stop, s)
        elif stop - start > 1:
            insertion_sort(start, stop, available, s)
        start = stop


@allocating
def radix_sort(by: I64, sign: int, start: int, stop: int, s: Scratch) -> None:
    """Stable sort of ``s.item[start:stop]`` by ``sign * by[item]``, in as few passes as the range needs.
    Leaves what it sorted by, less the least, in ``s.key[start:stop]``."""
    least = greatest = sign * by[s.item[start]]
    for i in range(start, stop):
        value = sign * by[s.item[i]]
        s.key[i] = value
        least = min(least, value)
        greatest = max(greatest, value)
    bits = 0
    while (greatest - least) >> bits:
        bits += 1
    for i in range(start, stop):
        s.key[i] -= least
    widest = 8 if stop - start < 2048 else 11
    passes = (bits + widest - 1) // widest
    for p in range(passes):
        width = (bits + passes - 1) // passes
        shift, digits = p * width, (1 << width) - 1
        s.bucket[: digits + 1] = 0
        for i in range(start, stop):
            s.bucket[(s.key[i] >> shift) & digits] += 1
        at = start
        for d in range(digits + 1):
            here = s.bucket[d]
            s.bucket[d] = at
            at += here
        for i in range(start, stop):
            d = (s.key[i] >> shift) & digits
            to = s.bucket[d]
            s.bucket[d] = to + 1
            s.other[to] = s.item[i]
            s.other_key[to] = s.key[i]
        s.item[start:stop] = s.other[start:stop]
        s.key[start:stop] = s.other_key[start:stop]


@allocating
def rank_line(
    world: World,
    orders: OrderArrays,
    b: int,
    t: int,
    origin: int,
    most: int,
    c: Candidates,
    w: Subsets,
    out: I64,
) -> tuple[int, int]:
    """Rank the candidates of order b, which has a single line, under strategy t. Leaves every candidate, with
    the reasons against it, in ``c``; returns how many there are and how many of them are eligible."""
    net, rules = world.network, world.rules
    groups, _ = read_groups(world, orders, b, c)
    sum_subsets(c, groups, w)
    rows = find_candidates(world, orders, b, t, c)
    carry(world, orders, b, t, origin, groups, rows, c, w)
    line = orders.line_start[b]
    quantity, sku, stock = orders.quantity[line], orders.sku_ix[line], world.stock
    cls, unit_grams = world.catalogue.sku_class[sku], world.catalogue.weight_grams[sku]
    first, stop = rules.depth_start[t], rules.depth_start[t + 1]
    applies, own = np.empty((stop - first, rows), np.uint8), np.empty((4, rows), np.int64)
    for row in range(rows):
        k, chord2 = c.node[row], c.chord2[row]
        own[OWN_HANDLING, row] = (
            rules.ship_handling_cents[t, k]
            + rules.line_cents[t, cls, k]
            + quantity * (rules.unit_cents[t, cls, k] - rules.unit_priority_cents[t, k])
        )
        own[OWN_DISTANCE, row] = distance_price(rules, t, chord2, 0) + quantity * distance_price(
            rules, t, chord2, 1
        )
        own[OWN_PRIORITY, row] = rules.ship_priority_cents[t, k] + quantity * rules.unit_priority_cents[t, k]
        own[OWN_PRICE, row] = quantity * unit_stock_price(
            stock.sku_start, stock.node_ix, stock.price_cents, rules.price_weight[t], sku, k
        )
        for d in range(first, stop):
            applies[d - first, row] = rules.depth_applies[d, k]
    lane_cents = np.full(len(net.lane_service), FAR)
    for lane in range(len(lane_cents)):
        if fits_lane(world, orders, line, t, lane):
            lane_cents[lane] = tariff_cents(net, rules.bracket_cents[t], lane, quantity * unit_grams)
    eligible = rank_candidates(
        c.bits[:rows, 0].copy(),
        c.available[:rows, 0].copy(),
        own,
        c.lane[:rows],
        c.delay_cents[:rows],
        c.seconds[:rows],
        lane_cents,
        applies,
        rules.depth_cents[first:stop],
        rules.depth_target[first:stop],
        origin,
        quantity,
        most,
        out,
    )
    return rows, eligible
