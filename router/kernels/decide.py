"""The batch: every order of a call decided in one kernel, with no Python in between."""

from __future__ import annotations

from typing import Any

import numpy as np

from router.domain import LineSplits, Status
from router.kernels.fill import (
    carry,
    find_candidates,
    first_strategy,
    price_candidates,
    read_groups,
    sum_subsets,
)
from router.kernels.jit import allocating, borrow, inline, kernel
from router.kernels.lean import solve_lean
from router.kernels.plan import write_plan
from router.kernels.strict import repeats, solve_strict
from router.kernels.subset_dp import alone_mask, find_levels, solve
from router.kernels.types import (
    FAR,
    MAX_GROUPS,
    MISCOUNTED,
    NEEDS_SOLVER,
    Candidates,
    OrderArrays,
    PlanArrays,
    RowClasses,
    Subsets,
    World,
)

NEVER, FREE = int(LineSplits.NEVER), int(LineSplits.FREE)
SOURCED, PARTIAL, UNSOURCEABLE = int(Status.SOURCED), int(Status.PARTIAL), int(Status.UNSOURCEABLE)


@kernel
def most_units(rows: int, line: int, need: int, soft: int, nodes: int, c: Candidates) -> int:
    """Units of a line that so many nodes can supply together, at most what it needs."""
    bits, cap = c.bits, c.cap
    units, last, last_row = 0, FAR, -1
    for _ in range(nodes):
        best, best_row = 0, -1
        for row in range(rows):
            own = cap[row, line]
            if (
                own > best
                and (own < last or (own == last and row > last_row))
                and bits[row, line] & ~soft == 0
            ):
                best, best_row = own, row
        if best == 0 or units >= need:
            break
        units += best
        last, last_row = best, best_row
    return min(units, need)


@kernel
def divisible(world: World, orders: OrderArrays, b: int, t: int, rows: int, c: Candidates) -> int:
    """1 when a line may and must (or, under FREE, could) be divided; -1 when the order cannot be whole and
    need not be tried; 0 otherwise."""
    splits, partial = world.rules.line_splits[t], world.rules.allow_partial[t]
    soft = world.rules.soft_bits[t]
    first = orders.line_start[b]
    found = 0
    for i in range(first, orders.line_start[b + 1]):
        line, g, need = i - first, orders.group[i], orders.quantity[i]
        whole, places, units = 0, 0, 0
        for row in range(rows):
            whole += (c.supply[row] >> g) & 1
            if c.cap[row, line] > 0 and (c.bits[row, line] & ~soft) == 0:
                places += 1
                units += min(need, c.cap[row, line])
        if units >= need and whole == 0 and partial == 0 and world.rules.max_nodes[t] < places:
            units = most_units(rows, line, need, soft, world.rules.max_nodes[t], c)
        may = splits != NEVER and need > 1 and c.group_lines[g] == 1 and c.group_alone[g] == 0
        enough = units >= need or (partial != 0 and units > 0)
        # stock that two lines share may fill a part of one of them
        scarce = partial != 0 and c.line_shared[line] >= 0
        if may and enough and ((whole == 0 and places > 0) or (splits == FREE and (places > 1 or scarce))):
            found = 1
        elif whole == 0 and partial == 0:
            return -1
    return found


@inline
def finish(
    world: World,
    orders: OrderArrays,
    b: int,
    t: int,
    origin: int,
    groups: int,
    mask: int,
    cost: int,
    allowed: int,
    count: int,
    c: Candidates,
    w: Subsets,
    out: PlanArrays,
) -> int:
    """Write the plan of a solved order; returns its status."""
    if mask == 0:
        return UNSOURCEABLE
    total = write_plan(world, orders, b, t, origin, alone_mask(groups, c), allowed, count, c, w, out)
    out.filled[b] = mask
    out.total_cents[b] = total
    if total != cost:
        return MISCOUNTED
    return SOURCED if mask == (1 << groups) - 1 else PARTIAL


@inline
def attempt(
    world: World,
    orders: OrderArrays,
    b: int,
    t: int,
    origin: int,
    c: Candidates,
    w: Subsets,
    k: RowClasses,
    out: PlanArrays,
) -> int:
    """Decide order b under strategy t; writes its plan and returns its status."""
    groups, shared = read_groups(world, orders, b, c)
    out.ship_start[b + 1] = out.ship_start[b]
    out.filled[b] = 0
    out.parts[b, :] = 0
    out.total_cents[b] = 0
    if groups > MAX_GROUPS:
        return NEEDS_SOLVER
    rules = world.rules
    sum_subsets(c, groups, w)
    if shared == 0 and rules.line_splits[t] != FREE:
        alone = alone_mask(groups, c)
        mask, cost, allowed, count = solve_lean(world, orders, b, t, origin, groups, alone, c, w, k)
        if count >= 0 and not repeats(count, w):
            return finish(world, orders, b, t, origin, groups, mask, cost, allowed, count, c, w, out)
    rows = find_candidates(world, orders, b, t, c)
    carry(world, orders, b, t, origin, groups, rows, c, w)
    split = divisible(world, orders, b, t, rows, c)
    if split:
        return NEEDS_SOLVER if split > 0 else UNSOURCEABLE
    price_candidates(world, orders, b, t, groups, rows, c)
    mask, cost, allowed, count = solve(rules, t, rows, groups, shared, c, w)
    if count >= 0 and repeats(count, w):
        levels = find_levels(rules, t, rows, c, w)
        mask, cost, allowed, count = solve_strict(rules, t, rows, groups, shared, levels, c, w)
    if count < 0:
        return NEEDS_SOLVER
    return finish(world, orders, b, t, origin, groups, mask, cost, allowed, count, c, w, out)


@kernel
def decide_each(
    world: World,
    orders: OrderArrays,
    origin: int,
    start_at: int,
    c: Candidates,
    w: Subsets,
    k: RowClasses,
    out: PlanArrays,
) -> None:
    """``decide_all`` over borrowed columns."""
    out.ship_start[0] = 0
    for b in range(len(orders.line_start) - 1):
        t = first_strategy(world, orders, b) if start_at < 0 else start_at
        out.first_strategy[b] = t
        out.strategy[b] = t
        out.status[b] = UNSOURCEABLE
        out.ship_start[b + 1] = out.ship_start[b]
        out.filled[b] = 0
        out.total_cents[b] = 0
        out.parts[b, :] = 0
        while t >= 0:
            status = attempt(world, orders, b, t, origin, c, w, k, out)
            out.status[b] = np.int16(status)
            out.strategy[b] = t
            if status != UNSOURCEABLE:
                break
            t = world.rules.fallback[t]


@allocating
def decide_all(held: Any, orders: OrderArrays, origin: int, start_at: int, out: PlanArrays) -> None:
    """Fill ``out`` for every order of a call. ``held``: a handle on (World, Candidates, Subsets, RowClasses),
    the latter three with room for the largest order. ``start_at`` >= 0 overrides the first strategy."""
    columns = borrow(held.columns)
    decide_each(columns[0], borrow(orders), origin, start_at, columns[1], columns[2], columns[3], borrow(out))
