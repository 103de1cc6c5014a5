"""Local search over the set of nodes that a plan uses: one more, one less, one for another.

For a set of nodes, each item goes to the cheapest one that has it; what is cheap is judged with the tariff
as a price per weight, then the plan is priced exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from router.solver.choices import I64, Choices
from router.solver.costing import Priced, Tariff, better, price

MOST_TRIES = 12
"""Nodes that are tried in one round, those that promise most."""
MOST_ROUNDS = 20
UNFILLED_CENTS = 1e9
"""More than any unit costs: filling it comes first."""


def improve(choices: Choices, tariffs: dict[int, Tariff], best: Priced) -> Priced:
    """A plan at least as good."""
    judged = _judged(choices, tariffs)
    for _ in range(MOST_ROUNDS):
        found = best
        used = np.flatnonzero(best.used)
        fresh = _promising(choices, judged, best)
        sets = [used, *(np.setdiff1d(used, [row]) for row in used)]
        sets += [np.union1d(used, [row]) for row in fresh]
        sets += [np.union1d(np.setdiff1d(used, [old]), [row]) for old in used for row in fresh]
        for rows in sets:
            if 0 < len(rows) <= choices.max_nodes:
                plan = price(choices, tariffs, choices.without_broken(assigned(choices, judged, rows)))
                found = better(found, plan) or found
        if found is best:
            return best
        best = found
    return best


def _judged(choices: Choices, tariffs: dict[int, Tariff]) -> NDArray[np.float64]:
    """float64[R, I]: cost per amount with the tariff as a price per weight; inf where there is none."""
    slope = np.array([tariffs[lane].cents[-1] / tariffs[lane].grams[-1] if lane in tariffs else np.inf
                      for lane in range(-1, len(choices.takes))])  # fmt: skip
    cheapest = np.where(choices.lane >= 0, slope[choices.lane + 1], np.inf).min(axis=1)
    with np.errstate(invalid="ignore"):
        cents = choices.cents + np.nan_to_num(cheapest)[:, None] * choices.weight_grams
    shipped = np.where(choices.alone, choices.ship_cents[:, None] + choices.split_cents, 0)
    return np.where(choices.most > 0, cents + shipped, np.inf)


def assigned(choices: Choices, judged: NDArray[np.float64], rows: I64) -> I64:
    """int64[R, I]: each item from the cheapest of some rows, as long as their stock lasts."""
    amounts = np.zeros_like(choices.most)
    room = choices.cap[rows].copy()
    order = np.argsort(judged[rows], axis=0, kind="stable")
    for item, need in enumerate(choices.need.tolist()):
        left, use = need, choices.use[item]
        wanted = np.flatnonzero(use)
        for at in order[:, item].tolist():
            most = min(left, int(choices.most[rows[at], item]), *(room[at, wanted] // use[wanted]).tolist())
            if most > 0:
                amounts[rows[at], item] = most
                room[at] -= most * use
                left -= most
            if left == 0:
                break
    return amounts


def _promising(choices: Choices, judged: NDArray[np.float64], best: Priced) -> list[int]:
    """Unused rows by what they would save if opening them were free."""
    used = best.used
    current = np.where(used[:, None], judged, np.inf).min(axis=0)
    current = np.where(best.amounts.sum(axis=0) < choices.need, UNFILLED_CENTS, current)
    share = np.minimum(choices.most, choices.need)
    saved = np.where(choices.most > 0, np.maximum(0, np.minimum(current, UNFILLED_CENTS) - judged), 0) * share
    gain = np.where(used, -1.0, saved.sum(axis=1) - choices.ship_cents - choices.split_cents)
    order: list[int] = np.argsort(-gain, kind="stable")[:MOST_TRIES].tolist()
    return [row for row in order if not used[row]]
