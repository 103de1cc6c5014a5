"""What nodes have of a SKU at each instant, looked up again every time, and the units of a plan told apart
one by one. Shares no code with the engine nor with ``router.verify``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from router.domain import FromReceipt, Pick, Plan
from router.network import Network, Node
from router.rules.model import Strategy
from tests.oracle_dates import SlowCalendar, local_minute, passed
from tests.oracle_facts import covers_node, covers_sku, unit_depth_cents, weighted
from tests.oracle_parts import Taken

Receipts = Mapping[tuple[str, str], Sequence[tuple[int, int]]]
"""(SKU id, node id) -> (epoch seconds, units)."""


class Shelves:
    """What there is of every SKU at every node under one strategy."""

    def __init__(
        self,
        strategy: Strategy,
        network: Network,
        *,
        skus: Mapping[str, Any],
        stock: Mapping[tuple[str, str], int],
        receipts: Receipts,
        now_seconds: int,
    ) -> None:
        self.strategy = strategy
        self.nodes = {node.node_id: node for node in network.nodes}
        self.skus = skus
        self.stock = stock
        self.receipts = receipts
        self.now_seconds = now_seconds
        self.calendar = SlowCalendar(network, now_seconds)
        self.keeps_time = network.keeps_time
        self._coming: dict[tuple[str, str], list[tuple[int, int, int]]] = {}

    def coming(self, sku_id: str, node_id: str) -> list[tuple[int, int, int]]:
        """All that counts, by time: (there from, units, time of the receipt or 0)."""
        key = (sku_id, node_id)
        if key not in self._coming:
            found = [*self._received(sku_id, node_id), *self._promised(sku_id, node_id)]
            last = self.calendar.last_seconds
            self._coming[key] = sorted(step for step in found if step[0] <= last)
        return self._coming[key]

    def _rules(self, sku_id: str, node_id: str) -> list[Any]:
        return [
            rule
            for rule in self.strategy.supply
            if covers_sku(rule.skus, self.skus[sku_id]) and covers_node(rule.nodes, self.nodes[node_id])
        ]

    def _received(self, sku_id: str, node_id: str) -> list[tuple[int, int, int]]:
        waits = [rule.max_days * 86_400 for rule in self._rules(sku_id, node_id) if rule.kind == "receipts"]
        return [
            (self._minute(expected), units, expected)
            for expected, units in self.receipts.get((sku_id, node_id), ())
            if expected > self.now_seconds
            and any(expected - self.calendar.origin_seconds <= wait for wait in waits)
        ]

    def _promised(self, sku_id: str, node_id: str) -> list[tuple[int, int, int]]:
        origin, found = self.calendar.origin_seconds, []
        for rule in self._rules(sku_id, node_id):
            if rule.kind == "backorder":
                found.append((self._minute(origin + rule.lead_days * 86_400), rule.max_units, 0))
            if rule.kind == "preorder":
                zone = self.nodes[node_id].time_zone
                begins = passed(zone, local_minute(rule.available_on, 0)) * 60
                if begins > origin:
                    found.append((self._minute(begins), rule.max_units, 0))
        return found

    def _minute(self, at: int) -> int:
        while self.keeps_time and at % 60:
            at += 1
        return at

    def there(self, sku_id: str, node_id: str, at: int) -> int:
        """Units by an instant."""
        now = self.stock.get((sku_id, node_id), 0)
        return now + sum(units for since, units, _ in self.coming(sku_id, node_id) if since <= at)

    def dates(self, node: Node, sku_ids: set[str]) -> list[int]:
        """The origin, and when there is more of one of the SKUs than a second before."""
        origin = self.calendar.origin_seconds
        steps = {since for sku_id in sku_ids for since, _, _ in self.coming(sku_id, node.node_id)}
        more = [
            at
            for at in sorted(steps)
            if at > origin
            and any(
                self.there(sku_id, node.node_id, at) > self.there(sku_id, node.node_id, at - 1)
                for sku_id in sku_ids
            )
        ]
        return [origin, *more]

    def left(self, sku_id: str, node_id: str, at: int, taken: Taken) -> list[int]:
        """At an instant, and at each later one at which something comes or is taken: what is there less what
        was taken by then."""
        own = {date: n for (sku, node, date), n in taken.items() if (sku, node) == (sku_id, node_id) and n}
        changes = {since for since, _, _ in self.coming(sku_id, node_id)} | set(own)
        return [
            self.there(sku_id, node_id, then) - sum(n for date, n in own.items() if date <= then)
            for then in [at, *sorted(change for change in changes if change > at)]
        ]

    def found(self, sku_id: str, node_id: str, at: int, before: Taken) -> int:
        """Units that a part finds which comes after others."""
        return min(self.left(sku_id, node_id, at, before))

    def hold(self, taken: Taken) -> bool:
        """Is there so much, and is left what rules want left, from each date on at which any is taken?"""
        for sku_id, node_id, at in taken:
            sku, node = self.skus[sku_id], self.nodes[node_id]
            keeps = [
                rule.units
                for rule in self.strategy.eligibility
                if rule.kind == "min_remaining"
                and covers_sku(rule.skus, sku)
                and covers_node(rule.nodes, node)
            ]
            if min(self.left(sku_id, node_id, at, taken)) < max(keeps, default=0):
                return False
        return True

    def depth_cents(self, taken: Taken, before: Taken | None = None) -> int:
        """Stock depth of these units, date by date, after others that are taken before."""
        gone: Taken = Counter(before)
        cents = 0
        for row in sorted(taken, key=lambda row: row[2]):
            finds = self.found(*row, gone)
            for i in range(1, taken[row] + 1):
                cents += unit_depth_cents(self.strategy, self.nodes[row[1]], finds - i)
            gone[row] += taken[row]
        return cents

    def waiting_cents(self, at: int, units: int) -> int:
        """Of units whose date is at an instant: every day that has begun by then costs."""
        days = 0
        while self.calendar.origin_seconds + days * 86_400 < at:
            days += 1
        goals = [goal for goal in self.strategy.objectives if goal.kind == "waiting"]
        return sum(days * units * weighted(goal.cents_per_day, goal.weight) for goal in goals)

    def made_of(self, plan: Plan) -> Plan:
        """The plan with what each pick is made of, unit by unit."""
        places = [(s, p) for s, shipment in enumerate(plan.shipments) for p in range(len(shipment.picks))]
        places.sort(key=lambda place: plan.shipments[place[0]].supply_seconds)
        queues: dict[tuple[str, str], list[tuple[int, int]]] = {}
        made: dict[tuple[int, int], Pick] = {}
        for s, p in places:
            shipment = plan.shipments[s]
            pick = shipment.picks[p]
            row = (pick.sku_id, shipment.node_id)
            queue = queues.setdefault(row, self._units(*row))
            at = shipment.supply_seconds or self.calendar.origin_seconds
            sources: list[int | None] = []
            for _ in range(pick.quantity):
                sources.append(queue.pop(0)[1] if queue and queue[0][0] <= at else None)
            counts = Counter(source for source in sources if source)
            receipts = tuple(FromReceipt(expected_seconds=t, quantity=counts[t]) for t in sorted(counts))
            made[s, p] = replace(pick, receipts=receipts, backordered_quantity=sources.count(None))
        shipments = [
            replace(shipment, picks=tuple(made[s, p] for p in range(len(shipment.picks))))
            for s, shipment in enumerate(plan.shipments)
        ]
        return replace(plan, shipments=tuple(shipments))

    def _units(self, sku_id: str, node_id: str) -> list[tuple[int, int]]:
        """Every unit that is known of: (there from, time of its receipt or 0)."""
        now = self.stock.get((sku_id, node_id), 0)
        expected = [(since, at) for since, n, at in self.coming(sku_id, node_id) if at for _ in range(n)]
        expected.sort(key=lambda unit: unit[1])
        return [(0, 0)] * now + expected[max(0, -now) :]
