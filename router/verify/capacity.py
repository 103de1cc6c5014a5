"""What nodes get ready a day: docs/cost-model.md, "Capacity", day by day.

Days are proleptic ordinals of local dates; dates of parts are epoch seconds, 0 for the origin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice, takewhile

from router.network import LoadKind, Network, Node
from router.verify.dates import HORIZON_SECONDS, instant, local_day, node_hours
from router.verify.states import States

FURTHER_DAYS = 7
"""So many open days after a full one a node has for dates as well."""

Load = Mapping[LoadKind, int]
Slot = tuple[str, int, LoadKind]
"""A node id, a day and a kind of load."""


def load_of(units_by_sku: Mapping[str, int]) -> Load:
    """What one part brings, whatever its node can do."""
    counts = {LoadKind.ORDERS: 1, LoadKind.LINES: len(units_by_sku)}
    return {**counts, LoadKind.UNITS: sum(units_by_sku.values())}


@dataclass(frozen=True)
class Rooms:
    """The days of nodes, for orders that count from one origin."""

    network: Network
    states: States
    origin_seconds: int

    @cached_property
    def _known(self) -> dict[Slot, int]:
        return {}

    def day_of(self, node: Node, date: int = 0) -> int | None:
        """The day on which a part of a date is worked on; None: the node does not open within 400 days."""
        hours = node_hours(self.network, node)
        opens = hours.after(date or self.origin_seconds, 0, self._until)
        return None if opens is None else local_day(hours.clock, opens)

    def room(self, node: Node, kind: LoadKind, day: int) -> int:
        """What an order may still bring, of a kind that the node states, on the day of a date; negative where
        the day falls short."""
        slot = (node.node_id, day, kind)
        if slot not in self._known:
            first = self.day_of(node)
            days = () if first is None else chain((first,), self._open_days(node, first))
            waiting = self.states.backlog.get((node.node_id, kind), 0)
            for earlier in takewhile(lambda d: d < day, days):
                waiting = max(0, waiting - self._free(node, kind, earlier))
            self._known[slot] = self._free(node, kind, day) - waiting
        return self._known[slot]

    def further_dates(self, node: Node, date: int, deliveries: Sequence[Load]) -> list[int]:
        """Dates that the node has besides one of its own, because its day has no room for all that it could
        be asked for: of each delivery one part."""
        day = self.day_of(node, date)
        if day is None or all(
            self.room(node, kind, day) >= sum(min(most, load[kind]) for load in deliveries)
            for kind, most in node.capacity
        ):
            return []
        clock = node_hours(self.network, node).clock
        return [instant(clock, later, 0) for later in islice(self._open_days(node, day), FURTHER_DAYS)]

    def loads(self, node: Node, date: int, units_by_sku: Mapping[str, int]) -> Counter[Slot]:
        """What a part takes of the node's day: of each kind no more than a whole one."""
        day, brought = self.day_of(node, date), load_of(units_by_sku)
        if day is None:
            return Counter()
        return Counter({(node.node_id, day, kind): min(most, brought[kind]) for kind, most in node.capacity})

    def complaints(self, nodes: Mapping[str, Node], loads: Mapping[Slot, int]) -> list[str]:
        """Days that take more than they have room for. nodes: by id."""
        found: list[str] = []
        for (node_id, day, kind), load in loads.items():
            room = self.room(nodes[node_id], kind, day)
            if load > room:
                found.append(f"node {node_id!r}: {load} {kind.name.lower()} on day {day}, room for {room}")
        return found

    def _free(self, node: Node, kind: LoadKind, day: int) -> int:
        return self.states.free.get((node.node_id, kind, day), dict(node.capacity)[kind])

    def _open_days(self, node: Node, day: int) -> Iterator[int]:
        """Those after a day."""
        hours = node_hours(self.network, node)
        return (later for later in hours.days_from(day + 1, self._until) if hours.is_open_day(later))

    @property
    def _until(self) -> int:
        return self.origin_seconds + HORIZON_SECONDS
