"""A good plan at once: where the exact search starts, and the answer when it must stop early.

Nodes are taken one after the other, each with everything it can still supply by one of its services: once
by least cost per unit, once by most units. ``router.solver.improve`` goes on from there.
Last, a lower bound so simple that it sometimes closes the case without a search.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from router.solver.choices import I64, Bools, Choices
from router.solver.costing import Priced, Tariff, better, price
from router.solver.improve import improve

FAR = np.iinfo(np.int64).max // 4
SHARE = 1 << 20
"""A whole item, when shares of items are added up."""


@dataclass(frozen=True, slots=True)
class Offers:
    """The fixed part of what rows offer. ``takes`` bool[R, V + 1, I]: the last service carries only what
    travels alone; ``alone_cents`` int64[R, I]: cheapest shipment of its own."""

    choices: Choices
    tariffs: dict[int, Tariff]
    takes: Bools
    alone_cents: I64

    @classmethod
    def of(cls, choices: Choices, tariffs: dict[int, Tariff]) -> Offers:
        lane = np.concatenate([choices.lane, np.full((len(choices.rows), 1), -1)], axis=1)
        takes = (lane >= 0)[:, :, None] & choices.takes[lane] & choices.joint
        takes |= choices.alone & (choices.most > 0)[:, None, :]
        fares = np.full(choices.most.shape, FAR)
        for item in np.flatnonzero(choices.alone):
            weight = np.array([choices.weight_grams[item]])
            for found, tariff in tariffs.items():
                open_to = (choices.lane == found).any(axis=1) & choices.takes[found, item]
                cents = np.where(open_to, tariff.prices(weight)[0] + choices.ship_cents, FAR)
                fares[:, item] = np.minimum(fares[:, item], cents)
        return cls(choices, tariffs, takes, fares)

    def amounts(self, left: I64) -> I64:
        """int64[R, V + 1, I]: everything that each (row, service) can take of what is left, in item order."""
        choices = self.choices
        most = np.minimum(choices.most, left)
        taken = np.where(self.takes, most[:, None, :], 0)
        for j in np.flatnonzero((choices.use > 0).sum(axis=0) > 1):
            room = np.repeat(choices.cap[:, j, None], taken.shape[1], axis=1)
            for item in np.flatnonzero(choices.use[:, j]):
                taken[:, :, item] = np.minimum(taken[:, :, item], room // choices.use[item, j])
                room -= taken[:, :, item] * choices.use[item, j]
        return taken

    def cents(self, taken: I64) -> I64:
        """int64[R, V + 1]: cost of the offers, delay and the first split aside; FAR where empty."""
        choices = self.choices
        some = taken > 0
        alone = some & choices.alone
        joint = some & choices.joint
        total: I64 = (taken * choices.cents[:, None, :]).sum(axis=2)
        total += (some * choices.line_cents[:, None, :]).sum(axis=2)
        total += np.where(alone, self.alone_cents[:, None, :] + choices.split_cents, 0).sum(axis=2)
        weight = (np.where(joint, taken, 0) * choices.weight_grams).sum(axis=2)
        shipped = joint.sum(axis=2) > 0
        fare = np.zeros_like(total)
        for lane, tariff in self.tariffs.items():
            at = shipped[:, :-1] & (choices.lane == lane)
            fare[:, :-1][at] = tariff.prices(weight[:, :-1][at])
        total += np.where(shipped, fare + choices.ship_cents[:, None] + choices.split_cents, 0)
        rows = np.arange(len(choices.rows))
        if choices.depth.rules:
            available = np.broadcast_to(
                choices.available[:, None, :], (*taken.shape[:2], choices.use.shape[1])
            )
            total += choices.depth.cents(rows, available, taken @ choices.use).sum(axis=2)
        return np.where(some.any(axis=2), total, FAR)


def greedy(choices: Choices, tariffs: dict[int, Tariff]) -> Priced | None:
    """The best plan found; None when none was (which proves nothing)."""
    every = np.arange(len(choices.rows))
    best: Priced | None = None
    for by_units in (False, True):
        best = better(best, _run(choices, tariffs, every, by_units))
    if best is None:
        return None
    return improve(choices, tariffs, best)


def _run(choices: Choices, tariffs: dict[int, Tariff], rows: I64, by_units: bool) -> Priced | None:
    """Rows one after the other, out of some."""
    part = choices.only(rows)
    offers = Offers.of(part, tariffs)
    delays = np.concatenate([part.delay_cents, np.zeros((len(rows), 1), np.int64)], axis=1)
    plan = np.zeros_like(choices.most)
    left, free, delay = choices.need.copy(), np.ones(len(rows), bool), 0
    for _ in range(min(choices.max_nodes, len(rows))):
        taken = offers.amounts(left) * free[:, None, None]
        units = taken @ choices.units
        if not units.any():
            break
        cents = offers.cents(taken) + np.maximum(0, delays - delay)
        each = np.where(units > 0, cents / np.maximum(1, units), np.inf)
        order = (cents, -units) if by_units else (-units, each)
        row, service = divmod(int(np.lexsort([key.ravel() for key in order])[0]), units.shape[1])
        plan[rows[row]] = taken[row, service]
        left -= taken[row, service]
        free[row] = False
        delay = max(delay, int(delays[row, service]))
    plan = choices.without_broken(plan)
    return price(choices, tariffs, plan) if plan.any() else None


def most_units(choices: Choices) -> int:
    """Upper bound on the units that any plan fills."""
    total = int(fillable(choices) @ choices.units)
    for_sku = choices.cap.sum(axis=0)
    alone = (choices.use > 0).sum(axis=1) == 1
    for j in np.flatnonzero((choices.use > 0).sum(axis=0) > 1):
        own = alone & (choices.use[:, j] > 0)
        wanted = int((fillable(choices) * choices.units)[own].sum())
        total -= max(0, wanted - int(for_sku[j]))
    return total


def fillable(choices: Choices) -> I64:
    """int64[I]: the most of each item, looked at alone."""
    amounts: I64 = np.minimum(choices.most.sum(axis=0), choices.need)
    return amounts


def may_be_filled(choices: Choices) -> bool:
    """False where simple sums prove that no ``max_nodes`` rows fill what has to be filled: an item, or a SKU,
    by the rows that offer most of it; all items by the rows that fill the greatest shares of them (rounded
    up)."""

    def best_rows(of_rows: I64) -> I64:
        total: I64 = np.sort(of_rows, axis=0)[::-1][: choices.max_nodes].sum(axis=0)
        return total

    enough = best_rows(choices.most) >= choices.need
    if choices.allow_partial:
        return bool(enough[choices.must_fill].all())
    shares = -(-choices.most * SHARE // choices.need)
    return bool(
        enough.all()
        and (best_rows(choices.cap) >= choices.need @ choices.use).all()
        and best_rows(shares.sum(axis=1)) >= SHARE * len(choices.need)
    )


def least_cents(choices: Choices, tariffs: dict[int, Tariff]) -> int:
    """Lower bound on the cost of every plan that fills all that is fillable of each item.

    Each item at the cheapest nodes that can supply it, stock depth aside; as many shipments as the item with
    the scarcest stock needs, and one for each item that travels alone; the cheapest of all delays.
    """
    fares = {lane: min(tariff.cents) for lane, tariff in tariffs.items()}
    table = np.array([fares.get(lane, FAR) for lane in range(len(choices.takes))] + [FAR])
    start = choices.ship_cents + table[choices.lane].min(axis=1)
    total, parts = 0, 0
    for item, need in enumerate(fillable(choices).tolist()):
        if need == 0:
            continue
        most, cents = choices.most[:, item], choices.cents[:, item]
        nodes = int(np.searchsorted(np.cumsum(np.sort(most)[::-1]), need)) + 1
        order = np.argsort(cents, kind="stable")
        filled = np.minimum(np.cumsum(most[order]), need)
        total += int((np.diff(filled, prepend=0) * cents[order]).sum())
        if choices.joint[item]:
            parts = max(parts, nodes)
        else:
            total += int(start.min())
        if not choices.whole[item]:
            total += int(np.sort(choices.line_cents[most > 0, item])[:nodes].sum())
    shipments = parts + int((choices.alone & (fillable(choices) > 0)).sum())
    total += int(np.sort(start)[:parts].sum()) + choices.split_cents * (shipments - 1)
    return total + int(choices.delay_cents[choices.lane >= 0].min())
