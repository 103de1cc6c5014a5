"""The part of ``tests.worlds`` that draws how much nodes get ready a day, and what of it is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from router.domain import Order
from router.network import LoadKind, Network, Node
from tests.oracle_capacity import States
from tests.world_supply import SupplyRecipe

ZONES_OF_NODES = ("UTC", "Europe/Paris", "Pacific/Auckland", "America/New_York")
MOST = {
    LoadKind.ORDERS: (4, 2, 3, 1, 10),
    LoadKind.LINES: (4, 2, 3, 1, 7),
    LoadKind.UNITS: (6, 4, 3, 5, 2, 1, 20),
}
DAYS_KNOWN = range(-1, 9)
"""Around the day of the order."""
DATES_OF_FULL_DAY = 8


class CapacityRecipe(SupplyRecipe):
    """Draws capacity."""

    def with_capacity(self, network: Network, now: int) -> tuple[Network, States]:
        """The network with limits on the days of most nodes, and how full these are."""
        today = datetime.fromtimestamp(now, UTC).toordinal()
        nodes = tuple(self.limited(node, today) for node in network.nodes)
        free: dict[tuple[str, LoadKind, int], int] = {}
        backlog: dict[tuple[str, LoadKind], int] = {}
        for node in nodes:
            taken = self.pick((95, 70, 40, 0))
            for kind, most in node.capacity:
                for day in DAYS_KNOWN:
                    if self.chance(taken):
                        left = self.pick((most - 1, most // 2, most - 1, 0, most, 1, most - 2, -1, -2 * most))
                        free[node.node_id, kind, today + day] = left
                if self.chance(30):
                    backlog[node.node_id, kind] = self.pick(
                        (1, most, most // 2, 2 * most, most + 1, 0, 9 * most)
                    )
        off = {n.node_id: now + self.pick((60, 0, 1, 86_400, -60)) for n in nodes if self.chance(10)}
        return replace(network, nodes=nodes), States(free, backlog, off)

    def limited(self, node: Node, today: int) -> Node:
        """The node with limits of one to three kinds, now and then with none; closed on some days."""
        kinds = self.some_of(tuple(LoadKind)) if self.chance(85) else []
        capacity = tuple((kind, self.pick(MOST[kind])) for kind in sorted(kinds))
        if self.features.calendars:
            return replace(node, capacity=capacity)
        closed = frozenset(today + day for day in self.some(tuple(DAYS_KNOWN), self.pick((0, 25, 0))))
        return replace(node, capacity=capacity, closed=closed, time_zone=self.pick(ZONES_OF_NODES))


def most_sources(nodes: Sequence[Node], order: Order) -> int:
    """How many dates nodes may have, at most, for one delivery of the order."""
    least = len(order.lines)
    tight = [any(most < 10 * least for _, most in node.capacity) for node in nodes]
    return sum(DATES_OF_FULL_DAY if full else 1 for full in tight)
