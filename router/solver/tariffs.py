"""Services of a node as steps of weight: what a shipment may cost, each step one binary of the model.

A service's tariff is a step function of the weight. Services of a node that carry the same items with the
same delay are merged into their lower envelope; a step that a more willing and no slower service offers as
cheaply is dropped. Prices need not rise with weight: a step then has a least weight, too, unless using it
below would only be a waste.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from router.solver.choices import I64, Bools, Choices
from router.solver.costing import Tariff

MOST_STEPS = 300
"""Steps of one service up to which they are told out; beyond, its full parcels are counted."""


@dataclass(frozen=True, slots=True)
class Step:
    """A way to ship loads of ``low`` to ``high`` weight quanta made of the items in ``takes`` (bool[I]).

    start: the lightest load that it was kept for. With ``parcel`` > 0, any number of full parcels of that
    weight may be added at ``parcel_cents`` each; steps of equal ``service`` share that number.
    """

    takes: Bools
    delay_cents: int
    start: int
    low: int
    high: int
    cents: int
    service: int = 0
    parcel: int = 0
    parcel_cents: int = 0


@dataclass(frozen=True, slots=True)
class Carriage:
    """The tariffs of an order. ``heaviest_grams``: all joint items; ``quantum_grams`` divides their weights,
    and the greatest parcels where those are counted."""

    tariffs: dict[int, Tariff]
    heaviest_grams: int
    quantum_grams: int
    counted: bool

    @classmethod
    def of(cls, choices: Choices, tariffs: dict[int, Tariff]) -> Carriage:
        heaviest = int((choices.weight_grams * choices.need)[choices.joint].sum())
        quantum = int(np.gcd.reduce(choices.weight_grams[choices.joint])) if choices.joint.any() else 0
        counted = any((heaviest // t.grams[-1] + 1) * len(t.grams) > MOST_STEPS for t in tariffs.values())
        if counted:
            quantum = int(np.gcd.reduce([quantum, *(t.grams[-1] for t in tariffs.values())]))
        return cls(tariffs, heaviest, max(1, quantum), counted)


def joint_steps(choices: Choices, carriage: Carriage, row: int) -> list[Step]:
    """For the common shipment of a row, whatever of the order it holds."""
    services = [
        (lane, delay)
        for lane, delay in zip(choices.lane[row].tolist(), choices.delay_cents[row].tolist(), strict=True)
        if lane >= 0 and (choices.takes[lane] & choices.joint).any()
    ]
    if not services:
        return []
    if carriage.counted:
        return [
            step
            for v, (lane, delay) in enumerate(services)
            for step in _counted(carriage, lane, choices.takes[lane] & choices.joint, delay, v)
        ]
    return _told_out(choices, carriage, services)


def _counted(carriage: Carriage, lane: int, takes: Bools, delay: int, service: int) -> list[Step]:
    """One bracket for what full parcels leave over. (n parcels and an empty rest are dearer with a bracket
    than without, so the lightest bracket needs no least weight.)"""
    tariff, quantum = carriage.tariffs[lane], carriage.quantum_grams
    rising = tariff.cents == sorted(tariff.cents)
    steps = []
    below = 0
    for b, (grams, cents) in enumerate(zip(tariff.grams, tariff.cents, strict=True)):
        low = 0 if rising or b == 0 else below + 1
        parcel, parcel_cents = tariff.grams[-1] // quantum, tariff.cents[-1]
        high = grams // quantum
        steps.append(Step(takes, delay, 0, low, high, cents, service, parcel, parcel_cents))
        below = high
    return steps


def _told_out(choices: Choices, carriage: Carriage, services: list[tuple[int, int]]) -> list[Step]:
    quantum, heaviest = carriage.quantum_grams, carriage.heaviest_grams // carriage.quantum_grams
    ends = {lane: _ends(carriage.tariffs[lane], quantum, heaviest) for lane, _ in services}
    grid = np.unique(np.concatenate([highs for highs, _ in ends.values()]))
    classes: dict[tuple[int, bytes], I64] = {}
    for lane, delay in services:
        highs, cents = ends[lane]
        key = (delay, (choices.takes[lane] & choices.joint).tobytes())
        found = cents[np.searchsorted(highs, grid)]
        classes[key] = np.minimum(classes[key], found) if key in classes else found
    steps = []
    for (delay, packed), cents in classes.items():
        takes = np.frombuffer(packed, bool)
        rivals = np.full(len(grid), np.iinfo(np.int64).max)
        for (other_delay, other_packed), other in classes.items():
            own = (other_delay, other_packed) == (delay, packed)
            if not own and other_delay <= delay and (np.frombuffer(other_packed, bool) >= takes).all():
                rivals = np.minimum(rivals, other)
        steps += _kept(takes, delay, grid, cents, rivals)
    return steps


def _ends(tariff: Tariff, quantum: int, heaviest: int) -> tuple[I64, I64]:
    """Where the steps of a tariff end, and what each costs; the last one holds ``heaviest``."""
    parcels = np.arange(heaviest * quantum // tariff.grams[-1] + 1)
    highs = (parcels[:, None] * tariff.grams[-1] + np.array(tariff.grams)).ravel() // quantum
    cents = (parcels[:, None] * tariff.cents[-1] + np.array(tariff.cents)).ravel()
    real = np.diff(highs, prepend=-1) > 0
    real[1:] &= highs[:-1] < heaviest
    return np.minimum(highs[real], heaviest), cents[real]


def _kept(takes: Bools, delay: int, grid: I64, cents: I64, rivals: I64) -> list[Step]:
    """The steps at which a class of services beats its rivals, without those that a longer one covers."""
    envelope = np.minimum(cents, rivals)
    kept: list[Step] = []
    for at in np.flatnonzero(cents < rivals)[::-1].tolist():
        dearer = np.flatnonzero(envelope[:at] > cents[at])
        low = int(grid[dearer[-1]]) + 1 if len(dearer) else 0
        start = int(grid[at - 1]) + 1 if at else 0
        cover = next((i for i, s in enumerate(kept) if s.cents <= cents[at] and s.low <= low), None)
        if cover is None:
            kept.append(Step(takes, delay, start, low, int(grid[at]), int(cents[at])))
        else:
            longer = kept[cover]
            kept[cover] = Step(takes, delay, min(start, longer.start), longer.low, longer.high, longer.cents)
    return kept[::-1]


def alone_fares(choices: Choices, carriage: Carriage, row: int, item: int) -> list[tuple[int, int]]:
    """(delay cost, tariff) of a shipment of one item that travels alone: slower only where cheaper."""
    fares: list[tuple[int, int]] = []
    options = sorted(
        (delay, carriage.tariffs[lane].price(int(choices.weight_grams[item])))
        for lane, delay in zip(choices.lane[row].tolist(), choices.delay_cents[row].tolist(), strict=True)
        if lane >= 0 and choices.takes[lane, item]
    )
    for delay, cents in options:
        if not fares or cents < fares[-1][1]:
            fares.append((delay, cents))
    return fares
