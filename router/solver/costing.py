"""The exact cost of given amounts, in integers: what the search's own figures are checked against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from router.solver.choices import I64, Bools, Choices


@dataclass(frozen=True, slots=True)
class Tariff:
    """One lane's prices under the strategy: ascending brackets, the last being the greatest parcel."""

    grams: list[int]
    cents: list[int]

    def price(self, weight_grams: int) -> int:
        """Of one shipment."""
        full, rest = divmod(weight_grams, self.grams[-1])
        total = full * self.cents[-1]
        if rest or not weight_grams:
            total += next(c for g, c in zip(self.grams, self.cents, strict=True) if rest <= g)
        return total

    def prices(self, weight_grams: I64) -> I64:
        """Elementwise."""
        grams, cents = np.array(self.grams), np.array(self.cents)
        full, rest = np.divmod(weight_grams, grams[-1])
        some = (rest > 0) | (weight_grams == 0)
        found: I64 = full * cents[-1] + np.where(some, cents[np.searchsorted(grams, rest)], 0)
        return found


def read_tariffs(choices: Choices) -> dict[int, Tariff]:
    """Of the lanes that a row uses."""
    network, rules = choices.problem.world.network, choices.problem.world.rules
    cents = rules.bracket_cents[choices.problem.strategy_ix]
    found = {}
    for lane in np.unique(choices.lane[choices.lane >= 0]).tolist():
        own = slice(int(network.bracket_start[lane]), int(network.bracket_start[lane + 1]))
        found[lane] = Tariff(network.bracket_grams[own].tolist(), cents[own].tolist())
    return found


@dataclass(frozen=True, slots=True)
class Priced:
    """A plan: ``amounts`` int64[R, I], the delay cost that its services may cause, its cost and size."""

    amounts: I64
    allowed_delay_cents: int
    cents: int
    units: int
    shipments: int

    @property
    def used(self) -> Bools:
        """bool[R]: the rows of the plan."""
        found: Bools = self.amounts.sum(axis=1) > 0
        return found


def price(choices: Choices, tariffs: dict[int, Tariff], amounts: I64) -> Priced | None:
    """The cheapest services for the amounts; None when the plan is not allowed, nothing left out aside."""
    used = np.flatnonzero(amounts.any(axis=1))
    if not _allowed(choices, amounts, used):
        return None
    loads = [load for row in used.tolist() for load in _loads(choices, row, amounts[row])]
    options = [_options(choices, tariffs, row, items, grams) for row, items, grams in loads]
    if not all(options):
        return None
    fixed = sum(int(choices.ship_cents[row]) for row, _, _ in loads)
    fixed += int((amounts[used] * choices.cents[used]).sum())
    fixed += int(((amounts[used] > 0) * choices.line_cents[used]).sum())
    taken = amounts[used] @ choices.use
    fixed += int(choices.depth.cents(used, choices.available[used], taken).sum())
    fixed += choices.split_cents * max(0, len(loads) - 1)
    units = int((amounts @ choices.units).sum())
    best: tuple[int, int] | None = None
    for delay in sorted({d for option in options for d, _ in option}):
        fares = [min((fare for d, fare in option if d <= delay), default=None) for option in options]
        total = fixed + delay + sum(fare for fare in fares if fare is not None)
        if None not in fares and (best is None or total < best[0]):
            best = (total, delay)
    cents, delay = best or (0, 0)
    return Priced(amounts, delay, cents, units, len(loads))


def _allowed(choices: Choices, amounts: I64, used: I64) -> bool:
    """Stock, quantities, number of nodes, worth of the parts."""
    if (amounts < 0).any() or (amounts > choices.most).any() or len(used) > choices.max_nodes:
        return False
    filled = amounts.sum(axis=0)
    if (filled > choices.need).any() or not choices.filled_as_asked(filled):
        return False
    if (amounts[used] @ choices.use > choices.cap[used]).any():
        return False
    worth = amounts[used] @ choices.value_cents
    return len(used) < 2 or bool((worth >= choices.min_part_value_cents).all())


def _loads(choices: Choices, row: int, amounts: I64) -> list[tuple[int, I64, int]]:
    """(row, items, grams) of each shipment of a row."""
    joint = np.flatnonzero((amounts > 0) & choices.joint)
    alone = np.flatnonzero((amounts > 0) & choices.alone)
    parcels = ([joint] if len(joint) else []) + [np.array([item]) for item in alone]
    return [(row, items, int((amounts[items] * choices.weight_grams[items]).sum())) for items in parcels]


def _options(
    choices: Choices, tariffs: dict[int, Tariff], row: int, items: I64, grams: int
) -> list[tuple[int, int]]:
    """(delay cost, tariff) of each service that takes the load."""
    return [
        (int(delay), tariffs[lane].price(grams))
        for lane, delay in zip(choices.lane[row].tolist(), choices.delay_cents[row].tolist(), strict=True)
        if lane >= 0 and choices.takes[lane, items].all()
    ]


def better(one: Priced | None, other: Priced | None) -> Priced | None:
    """More units, then less cost; the first of equals."""
    if one is None or other is None:
        return one or other
    return other if (-other.units, other.cents) < (-one.units, one.cents) else one
