"""What each row can supply of a small order, told out: every combination of amounts, priced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.kernels.types import FAR
from router.solver.choices import I64, Choices
from router.solver.costing import Tariff

MOST_STATES = 1 << 16
CHUNK = 400_000
"""Offers priced at a time."""


@dataclass(frozen=True, slots=True)
class States:
    """S states of an order with I items; state = the digits in mixed radix, the first item's the lowest."""

    digits: I64
    """int64[S, I]"""
    units: I64
    value_cents: I64
    weight_grams: I64
    """Of what leaves jointly."""

    @classmethod
    def of(cls, choices: Choices) -> States | None:
        """None when there are too many."""
        sizes = (choices.need + 1).tolist()
        radix = [1]
        for size in sizes:
            radix.append(radix[-1] * size)
        if radix[-1] > MOST_STATES:
            return None
        state = np.arange(radix[-1])
        digits = state[:, None] // np.array(radix[:-1]) % np.array(sizes)
        return cls(
            digits,
            digits @ choices.units,
            digits @ choices.value_cents,
            digits @ np.where(choices.joint, choices.weight_grams, 0),
        )


@dataclass(frozen=True, slots=True)
class Offers:
    """What rows can supply: row and state, int64[offers] by row and state, and cents int64[levels, offers]
    with every shipment's split in them; FAR where no service is fast enough."""

    row: I64
    state: I64
    cents: I64


def feasible_states(choices: Choices, states: States) -> NDArray[np.bool_]:
    """bool[R, S]: the row has every amount of the state, each looked at alone; never the empty state."""
    mask = np.ones((len(choices.rows), len(states.digits)), bool)
    for item, most in enumerate(choices.most.T):
        mask &= states.digits[:, item] <= most[:, None]
    mask[:, 0] = False
    return mask


def offers_of(
    choices: Choices, tariffs: dict[int, Tariff], states: States, levels: I64, mask: NDArray[np.bool_]
) -> Iterator[Offers]:
    """The offers in ``mask`` (bool[R, S]) that stock allows, some rows at a time. ``levels``: delay costs; at
    each, services of at most that delay cost are open."""
    fares = _fares(choices, tariffs, states)
    alone = _alone_fares(choices, tariffs, levels)
    ends = np.cumsum(mask.sum(axis=1))
    start = 0
    while start < len(mask):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + CHUNK, side="right")))
        row, state = np.nonzero(mask[start:stop])
        yield _price(choices, states, levels, row + start, state, fares, alone)
        start = stop


def _fares(choices: Choices, tariffs: dict[int, Tariff], states: States) -> I64:
    """int64[Λ + 1, S]: tariff of the joint shipment of a state by each lane; FAR where it takes not all."""
    table = np.full((len(choices.takes) + 1, len(states.digits)), FAR)
    for lane, tariff in tariffs.items():
        refused = choices.joint & ~choices.takes[lane]
        open_to = ~(states.digits[:, refused] > 0).any(axis=1)
        table[lane, open_to] = tariff.prices(states.weight_grams[open_to])
    return table


def _alone_fares(choices: Choices, tariffs: dict[int, Tariff], levels: I64) -> I64:
    """int64[levels, R, I]: cheapest tariff of an item that travels alone; 0 for others."""
    table = np.zeros((len(levels), *choices.most.shape), np.int64)
    for item in np.flatnonzero(choices.alone).tolist():
        weight = int(choices.weight_grams[item])
        cents = np.full(len(choices.takes) + 1, FAR)
        for lane, tariff in tariffs.items():
            if choices.takes[lane, item]:
                cents[lane] = tariff.price(weight)
        for at, level in enumerate(levels.tolist()):
            fares = np.where(choices.delay_cents <= level, cents[choices.lane], FAR)
            table[at, :, item] = fares.min(axis=1, initial=FAR)
    return table


def _price(
    choices: Choices, states: States, levels: I64, row: I64, state: I64, fares: I64, alone_fares: I64
) -> Offers:
    digits = states.digits[state]
    taken = digits @ choices.use
    stocked = (taken <= choices.cap[row]).all(axis=1)
    row, state, digits, taken = row[stocked], state[stocked], digits[stocked], taken[stocked]
    base: I64 = (digits * choices.cents[row]).sum(axis=1)
    base += ((digits > 0) * choices.line_cents[row]).sum(axis=1)
    if choices.depth.rules:
        base += choices.depth.cents(row, choices.available[row], taken).sum(axis=1)
    jointly = (digits[:, choices.joint] > 0).any(axis=1)
    shipments = jointly + digits[:, choices.alone].sum(axis=1)
    base += shipments * (choices.ship_cents[row] + choices.split_cents)
    cents = np.empty((len(levels), len(row)), np.int64)
    for at, level in enumerate(levels.tolist()):
        lane = np.where(choices.delay_cents <= level, choices.lane, -1)[row]
        joint = fares[lane, state[:, None]].min(axis=1, initial=FAR)
        slowest = np.where(jointly, joint, 0)
        total = base + slowest
        late = slowest >= FAR
        if choices.alone.any():
            apart = np.where(digits[:, choices.alone] > 0, alone_fares[at, row][:, choices.alone], 0)
            late |= (apart >= FAR).any(axis=1)
            total += np.where(late, 0, np.where(apart < FAR, apart, 0).sum(axis=1))
        cents[at] = np.where(late, FAR, total)
    return Offers(row, state, cents)
