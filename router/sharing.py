"""What the deliveries of an order, and the parts that a node supplies to one of them at several dates, take
from each other: units of stock, and room of a node's day. Where they take too much the search branches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from router.domain import Shipment
from router.ladder import Solved, Unsolved
from router.network import LoadKind
from router.one_delivery import divisible_of, solve_delivery
from router.places import lines_of
from router.question import Question
from router.rooms import load_of
from router.shared import ANY_SKU, Pair, Shared, Taker

MAX_AMOUNTS = 32
"""Most amounts of a SKU that a delivery may take of a node for each to be looked at; else a few are."""

Drawn = Mapping[Pair, Mapping[Taker, int]]
"""Units that the takers of a plan take."""
Answers = Sequence[Solved | Unsolved]
"""By delivery."""


@dataclass(slots=True)
class Sharing:
    """Answers of single deliveries are kept by what they were left with."""

    question: Question
    answers: dict[tuple[int, Shared], Solved | Unsolved] = field(default_factory=dict)
    whole: dict[int, NDArray[np.bool_]] = field(default_factory=dict)

    def solve(self, ix: int, shared: Shared) -> Solved | Unsolved:
        """Delivery ``ix`` by itself, with its share."""
        own = shared.up_to(ix)
        key = (ix, own)
        if key not in self.answers:
            divisible = self.divisible(ix) if own.allotted or own.caps else None
            self.answers[key] = solve_delivery(self.question, ix, own, divisible)
        return self.answers[key]

    def divisible(self, ix: int) -> NDArray[np.bool_]:
        """As ``divisible_of``."""
        if ix not in self.whole:
            self.whole[ix] = divisible_of(self.question, ix)
        return self.whole[ix]

    def children(self, shared: Shared, answers: Answers) -> tuple[list[Shared], bool] | None:
        """None where the answers go together. Else ways to share of which every plan keeps to one, and
        whether these are all."""
        drawn = self.drawn(answers)
        conflict = self._conflict(shared, drawn)
        if conflict is None:
            caps = next(self._overfull(answers), None)
            return None if caps is None else ([shared.capped(*cap) for cap in caps], True)
        pair, first, second = conflict
        amounts = self.amounts(first, pair)
        complete = len(amounts) <= MAX_AMOUNTS
        if not complete:
            have = self.supply_of(pair, second.date_seconds)
            amounts = sorted({0, drawn[pair][first], max(0, have - drawn[pair][second])})
        return [shared.allotting(pair, first, units) for units in amounts], complete

    def yielding(self, shared: Shared, answers: Answers) -> Shared | None:
        """One way on: the first taker keeps what it takes, or an overfull day is cut somewhere; None where
        the answers go together."""
        drawn = self.drawn(answers)
        conflict = self._conflict(shared, drawn)
        if conflict is not None:
            pair, first, _ = conflict
            return shared.allotting(pair, first, drawn[pair][first])
        caps = next(self._overfull(answers), None)
        return None if caps is None else shared.capped(*caps[-1])

    def keeping(self, shared: Shared, answers: Answers, ix: int) -> Shared:
        """With all that delivery ``ix`` takes allotted to it."""
        for pair, takers in self.drawn(answers).items():
            for taker, units in takers.items():
                if taker.delivery_ix == ix:
                    shared = shared.allotting(pair, taker, units)
        return shared

    def drawn(self, answers: Answers) -> dict[Pair, dict[Taker, int]]:
        """Units of the plans by SKU and node, and who takes them."""
        found: dict[Pair, dict[Taker, int]] = {}
        compiled, skus = self.question.snapshot.compiled, self.question.snapshot.catalogue.ids
        for ix, answer in enumerate(answers):
            for shipment in answer.plan.shipments if isinstance(answer, Solved) else ():
                taker, node = self._taker(ix, shipment), compiled.node_rows[shipment.node_id]
                for pick in shipment.picks:
                    takers = found.setdefault((skus.find(pick.sku_id), node), {})
                    takers[taker] = takers.get(taker, 0) + pick.quantity
        return found

    def _taker(self, ix: int, shipment: Shipment) -> Taker:
        return Taker(ix, shipment.supply_seconds or self.question.origin_seconds)

    def supply_of(self, pair: Pair, date_seconds: int) -> int:
        """Units of a pair by a date."""
        sku, node = pair
        growth = self.question.supply.growth(sku).get(node, ())
        grown = sum(units for date, units in growth if date <= date_seconds)
        return (self.question.snapshot.stock.get(*pair) or 0) + grown

    def amounts(self, taker: Taker, pair: Pair) -> list[int]:
        """Units that a part may take of a pair: sums of lines of its delivery, or of parts of those that may
        be divided. When they are more than MAX_AMOUNTS, some of them."""
        snapshot = self.question.snapshot
        have = self.supply_of(pair, taker.date_seconds)
        sums = {0}
        ix = taker.delivery_ix
        lines = lines_of(self.question.order, self.question.deliveries[ix])
        for line, divisible in zip(lines, self.divisible(ix).tolist(), strict=True):
            if snapshot.catalogue.ids.find(line.sku_id) == pair[0]:
                most = min(line.quantity, MAX_AMOUNTS)
                parts = range(most + 1) if divisible else (0, line.quantity)
                sums = {total + part for total in sums for part in parts if total + part <= have}
            if len(sums) > MAX_AMOUNTS:
                break
        return sorted(sums)

    def _conflict(self, shared: Shared, drawn: Drawn) -> tuple[Pair, Taker, Taker] | None:
        """A pair that a taker whose amount is still open shares with a later one, where that matters."""
        for pair in sorted(drawn):
            takers = sorted(drawn[pair])
            if len(takers) < 2 or not (self.question.shared_costs or self._overdrawn(pair, drawn[pair])):
                continue
            for taker, following in pairwise(takers):
                if not shared.is_allotted(pair, taker):
                    return pair, taker, following
        return None

    def _overdrawn(self, pair: Pair, takers: Mapping[Taker, int]) -> bool:
        dates = {taker.date_seconds for taker in takers}
        return any(
            sum(units for taker, units in takers.items() if taker.date_seconds <= date)
            > self.supply_of(pair, date)
            for date in dates
        )

    def _overfull(self, answers: Answers) -> Iterator[list[tuple[int, Taker, int, int]]]:
        """For each node's day with more load than room: caps (node, taker, SKU or ANY_SKU, most units), of
        which every plan that fits keeps to one."""
        rooms, compiled = self.question.rooms, self.question.snapshot.compiled
        days: dict[tuple[int, int], dict[Taker, list[Shipment]]] = {}
        for ix, answer in enumerate(answers):
            for shipment in answer.plan.shipments if isinstance(answer, Solved) else ():
                node = compiled.node_rows[shipment.node_id]
                if self.question.snapshot.network.nodes[node].capacity:
                    taker = self._taker(ix, shipment)
                    day = rooms.day_of(node, taker.date_seconds)
                    days.setdefault((node, day), {}).setdefault(taker, []).append(shipment)
        for (node, day), takers in sorted(days.items()):
            for kind, capacity in self.question.snapshot.network.nodes[node].capacity:
                room = rooms.room(node, kind, day)
                loads = {taker: min(load_of(own)[kind], capacity) for taker, own in takers.items()}
                if sum(loads.values()) > room:
                    yield list(self._caps(node, kind, room, takers))

    def _caps(
        self, node: int, kind: LoadKind, room: int, takers: Mapping[Taker, Sequence[Shipment]]
    ) -> Iterator[tuple[int, Taker, int, int]]:
        if kind is LoadKind.ORDERS:
            yield from ((node, taker, ANY_SKU, 0) for taker in sorted(takers))
            return
        units: dict[tuple[Taker, int], int] = {}
        for taker, shipments in sorted(takers.items()):
            for pick in (pick for shipment in shipments for pick in shipment.picks):
                key = (taker, self.question.snapshot.catalogue.ids.find(pick.sku_id))
                units[key] = units.get(key, 0) + pick.quantity
        total = sum(units.values())
        for (taker, sku), own in units.items():
            # If each took more than its proportion of the room, all would take more than the room.
            most = 0 if kind is LoadKind.LINES else max(0, room) * own // total
            yield node, taker, sku, most
