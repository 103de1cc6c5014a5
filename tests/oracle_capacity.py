"""What nodes can get ready on each day, reckoned date by date from the sign on their door. Shares no code
with the engine nor with ``router.verify``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from router.domain import Order
from router.network import LoadKind, Network, Node
from router.rules.model import Strategy
from tests.oracle_dates import SlowCalendar, date_of, furthest, local_minute, passed
from tests.oracle_facts import covers_node, weighted

Loads = Counter[tuple[str, date, LoadKind]]
"""What parts bring, by node id, date and kind."""
FURTHER_DATES = 7


@dataclass(frozen=True)
class States:
    """Of nodes, by id: what is free of a kind on a day (an ordinal), what waits, until when it is off."""

    free: Mapping[tuple[str, LoadKind, int], int] = field(default_factory=dict)
    backlog: Mapping[tuple[str, LoadKind], int] = field(default_factory=dict)
    off: Mapping[str, int] = field(default_factory=dict)


class Workshop:
    """The days of every node, as they are before an order."""

    def __init__(self, network: Network, now_seconds: int, states: States) -> None:
        self.calendar = SlowCalendar(network, now_seconds)
        self.now_seconds = now_seconds
        self.states = states
        self._days: dict[tuple[str, int], date | None] = {}
        self._rooms: dict[tuple[str, LoadKind, date], int] = {}

    def is_on(self, node: Node) -> bool:
        """Does it supply anything?"""
        until = self.states.off.get(node.node_id)
        return until is None or self.now_seconds >= until

    def day(self, node: Node, at: int) -> date | None:
        """The date on the wall when the node is open for the first time from an instant on."""
        key = (node.node_id, at)
        if key not in self._days:
            door = self.calendar.of_node(node)
            opens = door.waited(at, 0, self.calendar.last_seconds // 60)
            self._days[key] = None if opens is None else date_of(furthest(node.time_zone, opens // 60))
        return self._days[key]

    def free(self, node: Node, kind: LoadKind, day: date) -> int:
        """What plans have left of a day."""
        for known, most in node.capacity:
            if known == kind:
                return self.states.free.get((node.node_id, kind, day.toordinal()), most)
        raise AssertionError(kind)

    def room(self, node: Node, kind: LoadKind, day: date) -> int:
        """What is free, less what the days before could not do."""
        key = (node.node_id, kind, day)
        if key not in self._rooms:
            first = self.day(node, self.calendar.origin_seconds)
            undone = self.states.backlog.get((node.node_id, kind), 0)
            today = first or day
            while today < day:
                if today == first or self.calendar.of_node(node).open_on(today):
                    undone = max(0, undone - self.free(node, kind, today))
                today += timedelta(days=1)
            self._rooms[key] = self.free(node, kind, day) - undone
        return self._rooms[key]

    def brought(self, node: Node, at: int, units: Mapping[str, int]) -> Loads:
        """By a part of so many units of each SKU."""
        day = self.day(node, at) if node.capacity else None
        found: Loads = Counter()
        if day is not None:
            for kind, most in node.capacity:
                found[node.node_id, day, kind] = min(most, _count(kind, units))
        return found

    def hold(self, loads: Loads, nodes: Mapping[str, Node]) -> bool:
        """Is there room for all of them?"""
        return all(n <= self.room(nodes[name], kind, day) for (name, day, kind), n in loads.items())

    def further(self, node: Node, at: int, order: Order) -> Iterator[int]:
        """When the next open dates begin, if that of an instant might be too full for all of the order."""
        day = self.day(node, at) if node.capacity else None
        if day is None or not any(
            self.room(node, kind, day) < whole_order(kind, most, order) for kind, most in node.capacity
        ):
            return
        found = 0
        while found < FURTHER_DATES and local_minute(day, 0) < self.calendar.last_seconds // 60:
            day += timedelta(days=1)
            if self.calendar.of_node(node).open_on(day):
                found += 1
                yield passed(node.time_zone, local_minute(day, 0)) * 60

    def price(self, strategy: Strategy, node: Node, at: int, line_count: int, unit_count: int) -> int:
        """Of a shipment, for how busy the node is that day."""
        total = 0
        day = self.day(node, at) if node.capacity else None
        for goal in strategy.objectives:
            if goal.kind != "node_load" or not covers_node(goal.nodes, node) or day is None:
                continue
            for kind, most in node.capacity:
                cents = weighted(goal.cents, goal.weight)
                busy = 100 * (most - self.room(node, kind, day)) - goal.from_percent * most
                each = cents * busy // ((100 - goal.from_percent) * most) if busy > 0 else 0
                times = {LoadKind.ORDERS: 1, LoadKind.LINES: line_count, LoadKind.UNITS: unit_count}
                total += min(cents, each) * times[kind]
        return total


def _count(kind: LoadKind, units: Mapping[str, int]) -> int:
    """One order, its different SKUs, or its units."""
    if kind == LoadKind.ORDERS:
        return 1
    return sum(1 if kind == LoadKind.LINES else n for n in units.values() if n)


def whole_order(kind: LoadKind, most: int, order: Order) -> int:
    """All that the order could bring to a day whose capacity is ``most``."""
    names = [delivery.delivery_id for delivery in order.deliveries] or [""]
    total = 0
    for name in names:
        units: Counter[str] = Counter()
        for line in order.lines:
            if line.delivery_id == name or len(names) == 1:
                units[line.sku_id] += line.quantity
        total += min(most, _count(kind, units))
    return total
