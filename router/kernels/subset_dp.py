"""The exact programme over subsets of an order's groups.

For every node and every subset of groups that it can supply whole, the cost of that part may be any
function (weight brackets, parcels, services); the best node per subset is kept, O(nodes * 2^G). The order is
then covered by parts, O(3^G): h[mask] = min over parts that hold the lowest group of mask. A delay that
depends on the last shipment is exact because the programme runs once per distinct delay cost, with the
options that cost at most that much, as a deadline.

Held and Karp's (1962) recursion over subsets, applied to set partitioning.
"""

from __future__ import annotations

from router.kernels.jit import inline, kernel
from router.kernels.prices import depth_price
from router.kernels.types import FAR, I32, I64, LEVELS, Candidates, RuleArrays, Subsets


@kernel
def find_levels(rules: RuleArrays, t: int, rows: int, c: Candidates, w: Subsets) -> int:
    """Distinct delay costs of the options, ascending; returns how many, LEVELS + 1 if too many."""
    level, lanes, delay, supply = w.level, c.lane, c.delay_cents, c.supply
    if rules.delay_slope_cents[t] == 0 and rules.delay_cents[t, -1] == 0:
        level[0] = 0
        return 1
    count = 0
    for row in range(rows):
        if supply[row] == 0:
            continue
        for v in range(lanes.shape[1]):
            if lanes[row, v] < 0:
                continue
            cents = delay[row, v]
            at = count
            while at > 0 and level[at - 1] > cents:
                at -= 1
            if at > 0 and level[at - 1] == cents:
                continue
            if count == LEVELS:
                return LEVELS + 1
            for k in range(count, at, -1):
                level[k] = level[k - 1]
            level[at] = cents
            count += 1
    return count


@inline
def alone_mask(groups: int, c: Candidates) -> int:
    """Mask of the groups that travel alone."""
    mask = 0
    for g in range(groups):
        if c.group_alone[g]:
            mask |= 1 << g
    return mask


@inline
def price_node(
    row: int,
    supply: int,
    delay: int,
    alone: int,
    split: int,
    ship: int,
    lanes: I32,
    delays: I64,
    group_cents: I64,
    lane_groups: I64,
    lane_cents: I64,
    low: I64,
    node_sum: I64,
    base: I64,
) -> None:
    """``base[sub]`` for every subset of what a candidate can supply, with the options whose delay costs at
    most ``delay``: its shipments' cost, FAR where none can carry it. Stock of shared SKUs aside."""
    node_sum[0] = 0
    sub = (0 - supply) & supply
    while sub != 0:
        node_sum[sub] = node_sum[sub & (sub - 1)] + group_cents[row, low[sub]]
        single = sub & alone
        single &= -single
        cents = FAR
        if single != 0 and (single ^ sub) != 0:
            if base[sub ^ single] < FAR and base[single] < FAR:
                cents = base[sub ^ single] + base[single] + split
        else:
            for v in range(lanes.shape[1]):
                lane = lanes[row, v]
                if lane >= 0 and delays[row, v] <= delay and sub & ~lane_groups[lane] == 0:
                    cents = min(cents, lane_cents[sub, lane])
            if cents < FAR:
                cents += ship + node_sum[sub]
        base[sub] = cents
        sub = (sub - supply) & supply


@kernel
def shared_price(
    rules: RuleArrays, t: int, row: int, sub: int, groups: int, shared: int, c: Candidates
) -> int:
    """Stock depth of the SKUs that several groups share; FAR when one node's stock does not suffice."""
    total = 0
    for j in range(shared):
        units = 0
        for g in range(groups):
            if (sub >> g) & 1:
                units += c.shared_units[j, g]
        line = c.shared_line[j]
        if units > c.cap[row, line]:
            return FAR
        total += depth_price(rules, t, c.node[row], c.available[row, line], 0, units)
    return total


@kernel
def take_best(
    rules: RuleArrays, t: int, rows: int, delay: int, groups: int, shared: int, c: Candidates, w: Subsets
) -> None:
    """Lower ``w.best`` by the candidates that have an option at exactly this delay cost."""
    lanes, delays, group_cents, supplies, ships = c.lane, c.delay_cents, c.group_cents, c.supply, c.ship_cents
    lane_groups, lane_cents, low, node_sum, base = w.lane_groups, w.lane_cents, w.low, w.node_sum, w.node_base
    best, best_row, node = w.best, w.best_row, c.node
    split, alone = rules.split_cents[t], alone_mask(groups, c)
    for row in range(rows):
        supply = supplies[row]
        if supply == 0:
            continue
        fresh = False
        for v in range(lanes.shape[1]):
            fresh = fresh or (lanes[row, v] >= 0 and delays[row, v] == delay)
        if not fresh:
            continue
        price_node(
            row,
            supply,
            delay,
            alone,
            split,
            ships[row],
            lanes,
            delays,
            group_cents,
            lane_groups,
            lane_cents,
            low,
            node_sum,
            base,
        )
        sub = (0 - supply) & supply
        while sub != 0:
            cents = base[sub]
            if cents <= best[sub] and cents < FAR:
                if shared:
                    cents += shared_price(rules, t, row, sub, groups, shared, c)
                if cents < best[sub] or (cents == best[sub] and node[row] < node[best_row[sub]]):
                    best[sub] = cents
                    best_row[sub] = row
            sub = (sub - supply) & supply


@inline
def cover(rules: RuleArrays, t: int, groups: int, w: Subsets) -> int:
    """``w.cover[m, mask]``: least cost of mask in at most m parts, each worth enough. Returns the layer
    to read: the last one, or the only one where the number of parts is no limit."""
    full = (1 << groups) - 1
    best, value, layers, pick = w.best, w.value, w.cover, w.pick
    split, least = rules.split_cents[t], rules.min_part_value_cents[t]
    most = min(groups, rules.max_nodes[t])
    unlimited = most == groups
    for m in range(1, 2 if unlimited else most + 1):
        source = m if unlimited else m - 1
        for mask in range(1, full + 1):
            cents, part = best[mask] if value[mask] >= least else FAR, mask
            if m > 1 and layers[m - 1, mask] < cents:
                cents, part = layers[m - 1, mask], pick[m - 1, mask]
            low = mask & -mask
            rest = mask ^ low
            more = rest if m > 1 or unlimited else 0
            while more > 0:
                more = (more - 1) & rest
                here = low | more
                other = layers[source, mask ^ here]
                if best[here] < FAR and other < FAR and value[here] >= least:
                    both = best[here] + split + other
                    if both < cents:
                        cents, part = both, here
            layers[m, mask] = cents
            pick[m, mask] = part
    return 1 if unlimited else most


@inline
def read_parts(mask: int, layer: int, groups: int, max_nodes: int, w: Subsets) -> int:
    """Write the parts of the best cover of ``mask``; returns how many."""
    if w.best[mask] <= w.cover[layer, mask]:
        w.part_mask[0] = mask
        w.part_row[0] = w.best_row[mask]
        return 1
    count, m = 0, layer
    while mask:
        part = w.pick[m, mask]
        w.part_mask[count] = part
        w.part_row[count] = w.best_row[part]
        count += 1
        mask ^= part
        if max_nodes < groups:
            m -= 1
    return count


@inline
def choose(
    rules: RuleArrays,
    t: int,
    groups: int,
    layer: int,
    delay: int,
    won: int,
    cost: int,
    allowed: int,
    count: int,
    w: Subsets,
) -> tuple[int, int, int, int]:
    """The better of the incumbent (groups won, cost, delay allowed, parts) and the best cover at ``delay``:
    more units first, then less cost. Writes the parts when the cover is better."""
    full = (1 << groups) - 1
    lowest, must = 1 if rules.allow_partial[t] else full, rules.must_fill[t]
    for mask in range(full, lowest - 1, -1):
        cents = min(w.best[mask], w.cover[layer, mask])
        if cents >= FAR or mask & must != must:
            continue
        units, most = w.units[mask], w.units[won]
        if units > most or (units == most and cents + delay < cost):
            won, cost, allowed = mask, cents + delay, delay
            count = read_parts(mask, layer, groups, rules.max_nodes[t], w)
    return won, cost, allowed, count


@kernel
def solve(
    rules: RuleArrays, t: int, rows: int, groups: int, shared: int, c: Candidates, w: Subsets
) -> tuple[int, int, int, int]:
    """The best plan: most units first, then least cost. Returns (groups filled as a mask, cost, delay cost
    allowed, number of parts); the parts are in ``w.part_mask`` and ``w.part_row``. A mask of 0 means
    that nothing can be sourced, a count of -1 that there are too many delay costs."""
    full = (1 << groups) - 1
    levels = find_levels(rules, t, rows, c, w)
    if levels > LEVELS:
        return 0, FAR, 0, -1
    for mask in range(full + 1):
        w.best[mask] = FAR
        w.best_row[mask] = 0
    won, cost, allowed, count = 0, FAR, 0, 0
    for i in range(levels):
        delay = w.level[i]
        if won == full and delay >= cost:
            break
        take_best(rules, t, rows, delay, groups, shared, c, w)
        layer = cover(rules, t, groups, w)
        won, cost, allowed, count = choose(rules, t, groups, layer, delay, won, cost, allowed, count, w)
    return won, cost, allowed, count
