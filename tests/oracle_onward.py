"""The way on from a hub to an address, service by service. Shares no code with the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from router.domain import Delivery, DeliveryMethod, Order
from router.network import Network
from router.rules.model import Strategy
from tests.oracle_facts import covers_node, weighted
from tests.oracle_ways import Target, Way, Ways


def over_hubs(
    strategy: Strategy, order: Order, network: Network, delivery: Delivery | None = None
) -> Iterator[Delivery]:
    """The delivery sent to each hub that it may go over; what it goes on to is ``onward``."""
    own = delivery or Delivery(delivery_id="", destination=order.destination)
    asked = own.method in (None, DeliveryMethod.SHIP) and own.earliest_seconds is None
    if strategy.consolidation is None or own.destination is None or not asked:
        return
    for node in network.nodes:
        near = node.pickup_lead_seconds is not None and node.country == own.destination.country
        if (
            near
            and covers_node(strategy.consolidation.hubs, node)
            and own.method in (None, DeliveryMethod.SHIP)
        ):
            yield replace(own, destination=None, node_id=node.node_id, method=None, onward=own.destination)


@dataclass
class Leg:
    """From the hub of an oracle's delivery on. may: does a way take a line, and is an arrival in time?"""

    oracle: Any
    refuses: Callable[[Way, int], bool]
    too_late: Callable[[int], bool]

    @cached_property
    def grams(self) -> int:
        return sum(
            x.quantity * sku.weight_grams for x, sku in zip(self.oracle.lines, self.oracle.skus, strict=True)
        )

    @cached_property
    def ways(self) -> Ways:
        address = Delivery(delivery_id="", destination=self.oracle.delivery.onward)
        return Ways(Target(self.oracle.network, self.oracle.order, address), self.oracle.calendar)

    def parts(self, ready: int) -> tuple[int, int, int, int, int] | None:
        """What goods that are ready then cost from there on: (all of it, arrival, shipping, transfer,
        handling); None where nothing takes them in time."""
        oracle = self.oracle
        hub = replace(oracle.target.store, processing_seconds=0)
        handling = sum(
            weighted(hub.shipment_cents, g.weight) for g in oracle.strategy.objectives if g.kind == "handling"
        )
        found = []
        for way in self.ways.of(hub, ready):
            if self.too_late(way.arrival_seconds) or any(
                self.refuses(way, i) for i in range(len(oracle.lines))
            ):
                continue
            cents = [way.cents(oracle.strategy, self.grams, kind) for kind in ("shipping", "transfer")]
            total = sum(cents) + handling + sum(oracle.time_cents(way.arrival_seconds))
            found.append((total, way.arrival_seconds, *cents, handling))
        return min(found, key=lambda f: f[:2], default=None)
