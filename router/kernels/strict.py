"""The subset programme with every node used at most once, node by node: O(nodes * parts * 3^G).

The fast programme lets two parts come from the same node. That only pays under tariffs that charge one
joint shipment more than two; then, and only then, this one decides.
"""

from __future__ import annotations

import numpy as np

from router.kernels.jit import allocating, inline
from router.kernels.subset_dp import alone_mask, price_node, shared_price
from router.kernels.types import FAR, I64, Candidates, RuleArrays, Subsets

WORK_LIMIT = 40_000_000
"""Most steps (nodes * parts * 3^G, per delay cost) before the order is left to the solver."""


@inline
def repeats(count: int, w: Subsets) -> bool:
    """Do two of the parts come from one node?"""
    for i in range(count):
        for k in range(i):
            if w.part_row[i] == w.part_row[k]:
                return True
    return False


@allocating
def solve_strict(
    rules: RuleArrays, t: int, rows: int, groups: int, shared: int, levels: int, c: Candidates, w: Subsets
) -> tuple[int, int, int, int]:
    """As ``subset_dp.solve`` (whose delay levels are in ``w.level``), but exact where it repeats a node.
    The count is -1 when the work exceeds WORK_LIMIT."""
    full = (1 << groups) - 1
    most = min(groups, rules.max_nodes[t])
    steps = rows * most
    for _ in range(groups):
        steps *= 3
    if steps * levels > WORK_LIMIT:
        return 0, FAR, 0, -1
    least, split = rules.min_part_value_cents[t], rules.split_cents[t]
    lowest, must = 1 if rules.allow_partial[t] else full, rules.must_fill[t]
    alone = alone_mask(groups, c)
    node_cents, total = np.zeros(full + 1, np.int64), np.zeros(full + 1, np.int64)
    won, cost, allowed, count = 0, FAR, 0, 0
    chosen = np.zeros((rows, most + 1, full + 1), np.int64)
    best = np.zeros((most + 1, full + 1), np.int64)
    whole = np.zeros(full + 1, np.int64)
    whole_row = np.zeros(full + 1, np.int64)
    for i in range(levels):
        delay = w.level[i]
        chosen[:] = 0
        best[:] = FAR
        best[:, 0] = 0
        whole[:] = FAR
        for row in range(rows):
            supply = c.supply[row]
            if supply == 0:
                continue
            price_node(
                row,
                supply,
                delay,
                alone,
                split,
                c.ship_cents[row],
                c.lane,
                c.delay_cents,
                c.group_cents,
                w.lane_groups,
                w.lane_cents,
                w.low,
                w.node_sum,
                node_cents,
            )
            for mask in range(1, full + 1):
                if mask & ~supply:
                    continue
                if shared and node_cents[mask] < FAR:
                    more = shared_price(rules, t, row, mask, groups, shared, c)
                    total[mask] = FAR if more >= FAR else node_cents[mask] + more
                else:
                    total[mask] = node_cents[mask]
                if total[mask] < whole[mask]:
                    whole[mask] = total[mask]
                    whole_row[mask] = row
            for m in range(most, 0, -1):
                for mask in range(full, 0, -1):
                    part = mask & supply
                    while part > 0:
                        before = best[m - 1, mask ^ part]
                        if before < FAR and total[part] < FAR and w.value[part] >= least:
                            cents = before + total[part] + (split if mask ^ part else 0)
                            if cents < best[m, mask]:
                                best[m, mask] = cents
                                chosen[row, m, mask] = part
                        part = (part - 1) & supply & mask
        for mask in range(full, lowest - 1, -1):
            cents = min(whole[mask], best[most, mask])
            for m in range(1, most):
                cents = min(cents, best[m, mask])
            if cents >= FAR or mask & must != must:
                continue
            units, highest = w.units[mask], w.units[won]
            if units > highest or (units == highest and cents + delay < cost):
                won, cost, allowed = mask, cents + delay, delay
                count = _read(mask, cents, rows, most, best, chosen, whole, whole_row, w)
    return won, cost, allowed, count


@allocating
def _read(
    mask: int,
    cents: int,
    rows: int,
    most: int,
    best: I64,
    chosen: I64,
    whole: I64,
    whole_row: I64,
    w: Subsets,
) -> int:
    """Walk back from the last node that improved ``mask``; writes the parts, returns how many."""
    if whole[mask] == cents:
        w.part_mask[0] = mask
        w.part_row[0] = whole_row[mask]
        return 1
    m = most
    for k in range(1, most + 1):
        if best[k, mask] == cents:
            m = k
            break
    count = 0
    row = rows
    while mask:
        row -= 1
        while chosen[row, m, mask] == 0:
            row -= 1
        part = int(chosen[row, m, mask])
        w.part_mask[count] = part
        w.part_row[count] = row
        count += 1
        mask ^= part
        m -= 1
    return count
