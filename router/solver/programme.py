"""Small orders exactly, by dynamic programming over the amounts taken: what the subset programme does not
take because a line must be divided, or because there are a few groups more.

One programme per distinct delay cost, with the services that cost at most that much, as a deadline. Work is
estimated before it is done; what would be too much is left to the integer programme.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.kernels.divide import cover_groups, fill_by_node
from router.kernels.types import FAR
from router.solver.choices import I64, Choices
from router.solver.costing import Priced, Tariff, price
from router.solver.offers import Offers, States, feasible_states, offers_of

MOST_OFFERS = 4_000_000
MOST_STEPS = 600_000_000
"""Inner steps of a programme; about a second."""
MOST_ENTRIES = 40_000_000
"""Pairs of a row and a state."""
MOST_PICKS = 25_000_000


@dataclass(frozen=True, slots=True)
class Closed:
    """A proof: the best plan, or None that there is none (or, while the number of nodes is no limit, that the
    best one uses more ``nodes`` than it may)."""

    best: Priced | None
    nodes: int


def solve_exactly(choices: Choices, tariffs: dict[int, Tariff]) -> Closed | None:
    """The proven answer, None where that would be too much work."""
    states = States.of(choices)
    if states is None:
        return None
    if len(choices.rows) * len(states.digits) > MOST_ENTRIES:
        return None
    mask = feasible_states(choices, states)
    if mask.sum() > MOST_OFFERS:
        return None
    levels = np.unique(choices.delay_cents[choices.lane >= 0])
    everything = min(len(choices.rows), int(choices.need.sum()))
    for limit in (everything, choices.max_nodes):  # a limit that binds multiplies the work
        search = _Search(choices, tariffs, states, levels, limit, limited=limit < everything)
        found = search.cover(mask) if choices.whole.all() else None
        found = found or search.fill(mask)
        if found is None or found.nodes <= choices.max_nodes:
            return found
    return None


class _Search:
    """The programmes of one order. ``most``: nodes that a plan may use; ``limited``: fewer than it might."""

    def __init__(
        self,
        choices: Choices,
        tariffs: dict[int, Tariff],
        states: States,
        levels: I64,
        most: int,
        *,
        limited: bool,
    ) -> None:
        self.choices = choices
        self.tariffs = tariffs
        self.states = states
        self.levels = levels
        self.most = most
        self.limited = limited
        self.layers = most if limited else 1
        self.asked = choices.filled_as_asked(states.digits)

    def _offers(self, mask: NDArray[np.bool_]) -> Iterator[Offers]:
        return offers_of(self.choices, self.tariffs, self.states, self.levels, mask)

    def cover(self, mask: NDArray[np.bool_]) -> Closed | None:
        """Whole items: the best row of each set, then the best cover. None where the work is too much, or
        where two parts come from one row, which the rules forbid."""
        items, count = len(self.choices.need), len(self.levels)
        if 3**items * self.layers * count > MOST_STEPS:
            return None
        part = np.full((count, len(self.states.digits)), FAR)
        row_of = np.zeros(part.shape, np.int64)
        for offers in self._offers(mask):
            for first, stop in _runs(offers.row):
                state, cents = offers.state[first:stop], offers.cents[:, first:stop]
                cheaper = cents < part[:, state]
                part[:, state] = np.where(cheaper, cents, part[:, state])
                row_of[:, state] = np.where(cheaper, offers.row[first], row_of[:, state])
        worthy = self.states.value_cents >= self.choices.min_part_value_cents
        best = np.zeros((self.layers + 1, part.shape[1]), np.int64)
        pick = np.zeros_like(best)
        choice = _Choice(self)
        for at, level in enumerate(self.levels.tolist()):
            if choice.full and level >= choice.cents:
                break
            cover_groups(np.where(worthy, part[at], FAR), int(self.limited), best, pick)
            goal = choice.better(np.minimum(part[at], best[-1]), level)
            if goal < 0:
                continue
            parts: list[tuple[int, int]] = []
            n, left = self.layers, goal
            if part[at, goal] <= best[-1, goal]:
                parts, left = [(int(row_of[at, goal]), goal)], 0
            while left:
                taken = int(pick[n, left])
                if taken:
                    parts.append((int(row_of[at, taken]), taken))
                    left ^= taken
                n -= int(self.limited)
            choice.parts = parts
        rows = [row for row, _ in choice.parts]
        return None if len(set(rows)) < len(rows) else choice.closed()

    def fill(self, mask: NDArray[np.bool_]) -> Closed | None:
        """Any items: row after row. None where the work is too much."""
        count, size = len(self.levels), len(self.states.digits)
        blocks = list(self._offers(mask))
        row = np.concatenate([b.row for b in blocks])
        state = np.concatenate([b.state for b in blocks])
        cents = np.concatenate([b.cents for b in blocks], axis=1)
        kept = [self._worthwhile(state, cents[at]) for at in range(count)]
        rows = [np.unique(row[own]) for own in kept]
        steps = sum(len(own) for own in kept) * size * self.layers
        if steps > MOST_STEPS or max(map(len, rows)) * size * (self.layers + 1) > MOST_PICKS:
            return None
        digits, guard = self._bit_fields()
        best = np.zeros((self.layers + 1, size), np.int64)
        choice = _Choice(self)
        for at, level in enumerate(self.levels.tolist()):
            if choice.full and level >= choice.cents:
                break
            own, own_state = kept[at], state[kept[at]]
            first = np.append(np.searchsorted(row[own], rows[at]), len(own)).astype(np.int64)
            picks = np.zeros((len(rows[at]), self.layers + 1, size), np.int32)
            fill_by_node(
                first,
                own_state,
                digits[own_state],
                cents[at, own],
                digits,
                guard,
                int(self.limited),
                best,
                picks,
            )
            alone = np.full(size, FAR)
            np.minimum.at(alone, state, cents[at])
            goal = choice.better(np.minimum(alone, best[-1]), level)
            if goal < 0:
                continue
            if alone[goal] <= best[-1, goal]:
                offer = np.flatnonzero((state == goal) & (cents[at] == alone[goal]))[0]
                choice.parts = [(int(row[offer]), goal)]
            else:
                choice.parts = _read(picks, own_state, rows[at], self.layers, goal, self.limited)
        return choice.closed()

    def _worthwhile(self, state: I64, cents: I64) -> I64:
        """The offers that a best plan of at most ``max_nodes`` rows may need, ascending: of those with equal
        amounts the ``max_nodes`` cheapest. A plan with any other could take that part from one of these that
        it does not use, for no more. So the best plan from these is never dearer than the best one within
        the limit, and where it keeps to the limit it is that one."""
        order = np.lexsort((cents, state))
        starts = np.flatnonzero(np.diff(state[order], prepend=-1))
        rank = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
        worth = self.states.value_cents[state] >= self.choices.min_part_value_cents
        return np.sort(order[(rank < self.choices.max_nodes) & (cents < FAR)[order] & worth[order]])

    def _bit_fields(self) -> tuple[I64, int]:
        """The digits of each state with a free bit above each, and those bits."""
        packed = np.zeros(len(self.states.digits), np.int64)
        guard, shift = 0, 0
        for item, need in enumerate(self.choices.need.tolist()):
            packed |= self.states.digits[:, item] << shift
            shift += int(need).bit_length()
            guard |= 1 << shift
            shift += 1
        return packed, guard


class _Choice:
    """The best plan over the delay levels so far."""

    def __init__(self, search: _Search) -> None:
        self.search = search
        self.units = 0
        self.cents = FAR
        self.level = 0
        self.parts: list[tuple[int, int]] = []

    @property
    def full(self) -> bool:
        return self.units == int(self.search.states.units[-1])

    def better(self, cents: I64, level: int) -> int:
        """The state to go for where it beats the best so far, else -1. ``cents`` int64[S]."""
        units = self.search.states.units
        reached = np.flatnonzero(cents[1:] < FAR) + 1
        reached = reached[self.search.asked[reached]]
        if len(reached) == 0:
            return -1
        goal = int(reached[np.lexsort((cents[reached], -units[reached]))[0]])
        if (-int(units[goal]), int(cents[goal]) + level) >= (-self.units, self.cents):
            return -1
        self.units, self.cents, self.level = int(units[goal]), int(cents[goal]) + level, level
        return goal

    def closed(self) -> Closed | None:
        """What is proven; None if pricing the plan disagrees."""
        search = self.search
        if not self.parts or len(self.parts) > search.choices.max_nodes:
            return Closed(None, len(self.parts))
        amounts = np.zeros_like(search.choices.most)
        for row, state in self.parts:
            amounts[row] = search.states.digits[state]
        found = price(search.choices, search.tariffs, amounts)
        agrees = found is not None and found.cents == self.cents - search.choices.split_cents
        return Closed(found, len(self.parts)) if agrees else None


def _runs(values: I64) -> Iterator[tuple[int, int]]:
    """(first, stop) of each run of equal values."""
    starts = np.flatnonzero(np.diff(values, prepend=-1))
    yield from zip(starts.tolist(), [*starts[1:].tolist(), len(values)], strict=True)


def _read(
    picks: NDArray[np.int32], state: I64, rows: I64, layer: int, goal: int, limited: bool
) -> list[tuple[int, int]]:
    """The parts (row, state) that make up ``goal``."""
    parts = []
    for at in range(len(rows) - 1, -1, -1):
        offer = int(picks[at, layer, goal])
        if offer >= 0:
            parts.append((int(rows[at]), int(state[offer])))
            goal -= int(state[offer])
            layer -= int(limited)
    return parts
