"""How sure a date is, and until when an order can be placed to keep it: docs/cost-model.md, "Odds"."""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from router.calendar import NEVER
from router.domain import Delivery, DeliveryMethod
from router.network import Odds
from router.places import Place
from router.snapshot import Snapshot
from router.timetable import MINUTE_SECONDS, Slack
from router.ways import Finder

I64 = NDArray[np.int64]
SURE: Odds = ((0, 100),)
LIKELY = (50, 90)
"""Percents of certainty that are told."""
ORDER_BY_MINUTES = 2**14
"""How far ahead the last moment for an order is looked for: a good eleven days."""


class Trips:
    """n trips of goods, each from a node at a date by one way, to the place of a delivery."""

    def __init__(
        self,
        snapshot: Snapshot,
        strategy_ix: int,
        delivery: Delivery,
        place: Place,
        origin_seconds: int,
        nodes: I64,
        dates: I64,
        ways: list[str],
    ) -> None:
        """nodes, dates: int64[n]; dates in epoch seconds. ways: the id of each."""
        self._snapshot, self._t = snapshot, strategy_ix
        self._delivery, self._place, self._origin = delivery, place, origin_seconds
        self._nodes, self._dates, self._ways = nodes, dates, ways

    def order_by(self) -> I64:
        """int64[n], epoch seconds of the last full minute at which goods may be ordered to arrive as soon as
        if they were ordered now; 0 where that does not depend on clocks."""
        steady = self._delivery.method is DeliveryMethod.CARRY_OUT
        if steady or not len(self._nodes) or not self._snapshot.compiled.timetable.keeps_time:
            return np.zeros(len(self._nodes), np.int64)
        rows = np.arange(len(self._nodes))
        target = self._arrivals(rows, self._dates)
        low, step = self._dates.copy(), ORDER_BY_MINUTES * MINUTE_SECONDS
        while step >= MINUTE_SECONDS:
            later = low + step
            low = np.where(self._arrivals(rows, later) <= target, later, low)
            step //= 2
        return low

    def likely(self, percents: tuple[int, ...]) -> I64:
        """int64[n, len(percents)], epoch seconds by which goods arrive with so many percent of certainty at
        least; 0 where nothing is left to chance."""
        found = np.zeros((len(self._nodes), len(percents)), np.int64)
        groups = defaultdict(list)
        for row, (node, way) in enumerate(zip(self._nodes.tolist(), self._ways, strict=True)):
            groups[self._snapshot.network.nodes[node].processing_odds, self._services(way)].append(row)
        for (processing, services), rows in groups.items():
            odds = {v: self._snapshot.network.services[v].transit_odds for v in services}
            chances = [processing or SURE, *(own or SURE for own in odds.values())]
            if all(own == SURE for own in chances):
                continue
            at, weight = [], []
            for outcome in product(*chances):
                late = dict(zip(odds, (days for days, _ in outcome[1:]), strict=True))
                own = np.array(rows)
                at.append(self._arrivals(own, self._dates[own], Slack(outcome[0][0], late)))
                weight.append(prod(percent for _, percent in outcome))
            times, weights = np.stack(at), np.array(weight, np.int64)
            order = np.argsort(times, axis=0, kind="stable")
            times, sums = np.take_along_axis(times, order, axis=0), weights[order].cumsum(axis=0)
            for p, percent in enumerate(percents):
                first = (sums * 100 >= percent * sums[-1]).argmax(axis=0)
                found[rows, p] = np.take_along_axis(times, first[None], axis=0)[0]
        return np.where(found >= NEVER, 0, found)

    def _services(self, way: str) -> tuple[int, ...]:
        """That a way uses, each once."""
        network, rows = self._snapshot.network, self._snapshot.compiled.service_ids
        path = next((path for path in network.paths if path.path_id == way), None)
        names = path.services if path else (way,) if way else ()
        return tuple(dict.fromkeys(rows.index(name) for name in names))

    def _arrivals(self, rows: I64, release: I64, slack: Slack | None = None) -> I64:
        """int64[len(rows)]: when goods ordered then arrive; release: when each may leave."""
        nodes = self._nodes[rows]
        place = self._place
        finder = Finder(
            self._snapshot.network, self._snapshot.compiled, self._t, place, nodes, slack=slack or Slack()
        )
        ways = finder.find_at(self._delivery.method, self._origin, release)
        column = [ways.ids.index(self._ways[row]) for row in rows.tolist()]
        found: I64 = ways.arrival[np.arange(len(rows)), column]
        return found
