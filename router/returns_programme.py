"""The best ways to divide groups over nodes, each group whole and each node once.

The subset programme of ``router.kernels`` divides them: a candidate's only lane has the cost of every subset
as its tariff. It may use a node twice; then, and only then, the strict programme decides. Costs may
be negative: both compare them and add them up, nothing else. The next best divisions are found as Lawler
(1972) does: the rest of the choices is cut into pieces, each without the best of it, and each is solved.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from router.columns import frozen
from router.kernels.strict import solve_strict
from router.kernels.subset_dp import solve
from router.kernels.types import DAYS_TABLE, FAR, Candidates, RuleArrays, Subsets, World
from router.workspace import workspace_for

I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]
NOWHERE = -1
_REQUIRED = 1 << 40
"""Counts for more units than a return can have."""


@dataclass(frozen=True, slots=True)
class Division:
    """places: row of the node of each group, or NOWHERE. units: of the groups that have one."""

    places: tuple[int, ...]
    units: int
    cents: int


@dataclass(frozen=True, order=True)
class _Piece:
    """A set of choices and the best of them. allowed: bool[N, G]. required: groups that must have a place;
    fixed: groups whose place is settled."""

    cents: int
    number: int
    best: Division = field(compare=False)
    allowed: Flags = field(compare=False)
    required: frozenset[int] = field(compare=False)
    fixed: int = field(compare=False)


class Programme:
    """cents: int64[N, E] of every subset of groups at every node, FAR where it cannot go. units: of each
    group. split_cents: for every node beyond the first; max_places: most nodes. Belongs to one thread, whose
    scratch the kernel uses."""

    def __init__(self, world: World, cents: I64, units: I64, split_cents: int, max_places: int) -> None:
        self._cents = cents
        self._units = units
        self._split = split_cents
        self._nodes, self._entries = cents.shape
        self._groups = len(units)
        self._most = min(self._groups, max_places)
        space = workspace_for(world, self._groups)
        self._rules = _only_split(world.rules, split_cents, self._most)
        self._candidates = _plain(space.candidates, self._nodes, self._groups)
        self._subsets = _priced(space.subsets, cents)

    def ranked(self, count: int) -> list[Division]:
        """The best ``count`` divisions: most units, then least cost. Those with fewer units than the best are
        left out, and so is one without any."""
        allowed = np.ones((self._nodes, self._groups), bool)
        best = self._best(allowed, frozenset())
        if best is None or best.units == 0:
            return []
        heap = [_Piece(best.cents, 0, best, allowed, frozenset(), 0)]
        found: list[Division] = []
        number = 0
        while heap and len(found) < count:
            piece = heapq.heappop(heap)
            found.append(piece.best)
            for allowed, required, fixed in self._cut(piece):
                other = self._best(allowed, required)
                if other is not None and other.units == best.units:
                    number += 1
                    heapq.heappush(heap, _Piece(other.cents, number, other, allowed, required, fixed))
        return found

    def _cut(self, piece: _Piece) -> Iterator[tuple[Flags, frozenset[int], int]]:
        """All choices of a piece but its best: the first group differs; or it is the same, and the second
        differs; and so on."""
        allowed, required = piece.allowed.copy(), piece.required
        for g in range(piece.fixed, self._groups):
            place = piece.best.places[g]
            other = allowed.copy()
            if place != NOWHERE:
                other[place, g] = False
            yield other, required if place != NOWHERE else required | {g}, g
            allowed[np.arange(self._nodes) != place, g] = False
            if place != NOWHERE:
                required = required | {g}

    def _best(self, allowed: Flags, required: frozenset[int]) -> Division | None:
        """The best division in which groups go where they may and the required ones go somewhere."""
        supply = allowed @ (1 << np.arange(self._groups))
        worth = self._units + np.array([_REQUIRED * (g in required) for g in range(self._groups)])
        self._subsets.units[:] = self._members @ worth
        self._candidates.supply[:] = supply
        filled, cents, _, count = solve(
            self._rules, 0, self._nodes, self._groups, 0, self._candidates, self._subsets
        )
        parts = [(int(self._subsets.part_row[i]), int(self._subsets.part_mask[i])) for i in range(count)]
        if repeats(parts):
            cents, parts = self._each_node_once(supply)
            filled = sum(mask for _, mask in parts)
        if any(not int(filled) >> g & 1 for g in required):
            return None
        places = [NOWHERE] * self._groups
        for row, mask in parts:
            for g in range(self._groups):
                if mask >> g & 1:
                    places[g] = row
        units = sum(int(u) for u, place in zip(self._units, places, strict=True) if place != NOWHERE)
        return Division(tuple(places), units, int(cents) if parts else 0)

    # Every node once

    def _each_node_once(self, supply: I64) -> tuple[int, list[tuple[int, int]]]:
        """Cost and parts (row, mask) of the best division: by the strict kernel over the nodes that can
        matter, or, where that is more work than it takes, by the same recursion over whole columns."""
        subsets = np.arange(self._entries)
        total = np.where(subsets[None, :] & ~supply[:, None], FAR, self._cents)
        rows = self._rows_that_matter(total)
        few = self._candidates._replace(
            node=self._candidates.node[rows],
            supply=supply[rows],
            group_cents=self._candidates.group_cents[rows],
            ship_cents=self._candidates.ship_cents[rows],
            lane=self._candidates.lane[rows],
            delay_cents=self._candidates.delay_cents[rows],
        )
        _, cents, _, count = solve_strict(self._rules, 0, len(rows), self._groups, 0, 1, few, self._subsets)
        if count < 0:
            return self._by_columns(total, rows)
        part_row, part_mask = self._subsets.part_row, self._subsets.part_mask
        return int(cents), [(rows[int(part_row[i])], int(part_mask[i])) for i in range(count)]

    def _by_columns(self, total: I64, rows: list[int]) -> tuple[int, list[tuple[int, int]]]:
        """Node by node, over all subsets that are settled so far and the number of nodes they took."""
        masks, parts, start = self._pairs
        best = np.full((self._most + 1, self._entries), FAR, np.int64)
        best[0, 0] = 0
        history = [best]
        for row in rows:
            joined = np.minimum.reduceat(self._joined(best, total[row]), start, axis=1)
            best = best.copy()
            best[1:, 1:] = np.minimum(best[1:, 1:], joined)
            history.append(best)
        least = best.min(axis=0)
        mask = max(np.flatnonzero(least < FAR).tolist(), key=lambda e: (self._subsets.units[e], -least[e]))
        cents, m = int(least[mask]), int(best[:, mask].argmin())
        chosen: list[tuple[int, int]] = []
        for i in reversed(range(len(rows))):
            if history[i + 1][m, mask] == history[i][m, mask]:
                continue
            here = np.flatnonzero(masks == mask)
            costs = self._joined(history[i], total[rows[i]])[m - 1, here]
            part = int(parts[here[costs.argmin()]])
            chosen.append((rows[i], part))
            mask, m = mask ^ part, m - 1
        return cents, chosen

    def _joined(self, best: I64, own: I64) -> I64:
        """int64[m, pairs]: cost of a mask whose part is given to a node with these costs, from m nodes on."""
        masks, parts, _ = self._pairs
        rest = masks ^ parts
        before, added = best[:-1, rest], own[parts] + np.where(rest > 0, self._split, 0)
        possible = (before < FAR) & (own[parts] < FAR)
        return np.where(possible, np.where(possible, before, 0) + added, FAR)

    def _rows_that_matter(self, total: I64) -> list[int]:
        """Of a subset of s groups a plan needs only the cheapest nodes, as many as can be parts beside it:
        were all of these used for other parts, there would be more parts than groups."""
        rows: set[int] = set()
        ranked = np.argsort(total, axis=0, kind="stable")[: self._most]
        for subset in range(1, self._entries):
            many = min(self._most, self._groups - subset.bit_count() + 1)
            cheapest = ranked[:many, subset]
            rows.update(cheapest[total[cheapest, subset] < FAR].tolist())
        return sorted(rows)

    @cached_property
    def _members(self) -> I64:
        """int64[E, G]: 1 where a subset has the group."""
        return np.arange(self._entries)[:, None] >> np.arange(self._groups) & 1

    @cached_property
    def _pairs(self) -> tuple[I64, I64, I64]:
        """Every mask with every part of it that is not empty, by mask; and where each mask begins."""
        masks: list[int] = []
        parts: list[int] = []
        start: list[int] = []
        for mask in range(1, self._entries):
            start.append(len(masks))
            part = mask
            while part:
                masks.append(mask)
                parts.append(part)
                part = (part - 1) & mask
        return np.array(masks, np.int64), np.array(parts, np.int64), np.array(start, np.int64)


def repeats(parts: list[tuple[int, int]]) -> bool:
    """Do two of the parts (row, mask) go to one node?"""
    return len({row for row, _ in parts}) < len(parts)


def _only_split(rules: RuleArrays, split_cents: int, max_places: int) -> RuleArrays:
    """One strategy without delays, that leaves out what cannot be had."""

    def column(value: int) -> I64:
        return frozen(np.array([value], np.int64))

    return rules._replace(
        delay_cents=frozen(np.zeros((1, DAYS_TABLE), np.int64)),
        delay_slope_cents=column(0),
        split_cents=column(split_cents),
        max_nodes=column(max_places),
        min_part_value_cents=column(0),
        allow_partial=frozen(np.ones(1, np.uint8)),
    )


def _plain(scratch: Candidates, nodes: int, groups: int) -> Candidates:
    """A candidate for each node, each with one lane of its own and no cost but that lane's tariff."""
    return scratch._replace(
        node=np.arange(nodes, dtype=np.int32),
        supply=np.zeros(nodes, np.int64),
        group_cents=np.zeros((nodes, groups), np.int64),
        ship_cents=np.zeros(nodes, np.int64),
        lane=np.arange(nodes, dtype=np.int32)[:, None].copy(),
        delay_cents=np.zeros((nodes, 1), np.int64),
        group_alone=np.zeros(groups, np.uint8),
    )


def _priced(scratch: Subsets, cents: I64) -> Subsets:
    """Lane k has the costs of node k as its tariff."""
    nodes, entries = cents.shape
    return scratch._replace(
        value=np.zeros(entries, np.int64),
        units=np.zeros(entries, np.int64),
        lane_groups=np.full(nodes, entries - 1, np.int64),
        lane_cents=np.ascontiguousarray(cents.T),
    )
