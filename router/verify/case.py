"""What the verifier knows about one delivery of an order: the vocabulary looked up by id."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from router.domain import Delivery, DeliveryMethod, Order, OrderLine
from router.network import HOME, Network, Node, Service
from router.rules.model import Strategy
from router.verify.capacity import Load, Rooms, load_of
from router.verify.dates import DAY_SECONDS, origin_seconds
from router.verify.facts import SkuFacts, great_circle_m
from router.verify.states import States
from router.verify.ways import Finder, Place, Way, method_of, place_of


def nothing_expected(sku_id: str, node_id: str) -> Sequence[tuple[int, int]]:
    """No receipts anywhere."""
    return ()


def no_price(sku_id: str, node_id: str) -> int:
    """No prices of stock."""
    return 0


NOTHING_KNOWN = States()
"""Every node is on, and its days are free."""


@dataclass(frozen=True)
class Case:
    """One delivery, and everything its answer depends on besides the rules. delivery: None for an order that
    states none, which is one delivery to its destination.

    sku_of: the SKU of an id; raises for an unknown one. available: units of (sku_id, node_id) net of
    reservations and safety stock, None without a row, possibly negative. receipts: (expected epoch seconds,
    units that are not promised yet) of (sku_id, node_id). states: of nodes. stock_price: cents of a unit
    of (sku_id, node_id).
    """

    order: Order
    network: Network
    sku_of: Callable[[str], SkuFacts]
    available: Callable[[str, str], int | None]
    now_seconds: int
    delivery: Delivery | None = None
    receipts: Callable[[str, str], Sequence[tuple[int, int]]] = nothing_expected
    states: States = NOTHING_KNOWN
    stock_price: Callable[[str, str], int] = no_price

    @cached_property
    def nodes(self) -> dict[str, Node]:
        return {n.node_id: n for n in self.network.nodes}

    @cached_property
    def services(self) -> dict[str, Service]:
        return {s.service_id: s for s in self.network.services}

    @cached_property
    def lines(self) -> dict[str, OrderLine]:
        """Those of the delivery; a line that names none belongs to the only one."""
        one = self.delivery is None or len(self.order.deliveries) == 1
        return {
            line.line_id: line
            for line in self.order.lines
            if one or (self.delivery and line.delivery_id == self.delivery.delivery_id)
        }

    @cached_property
    def line_position(self) -> dict[str, int]:
        return {line_id: i for i, line_id in enumerate(self.lines)}

    @cached_property
    def groups(self) -> tuple[tuple[OrderLine, ...], ...]:
        """Lines that share a ``together`` text, every other line by itself; by first line."""
        by_key: dict[tuple[str, str], list[OrderLine]] = {}
        for line in self.lines.values():
            key = ("together", line.together) if line.together else ("line", line.line_id)
            by_key.setdefault(key, []).append(line)
        return tuple(tuple(lines) for lines in by_key.values())

    @cached_property
    def group_of(self) -> dict[str, int]:
        """Line id -> position in ``groups``."""
        return {line.line_id: g for g, lines in enumerate(self.groups) for line in lines}

    @cached_property
    def alone(self) -> tuple[bool, ...]:
        """For each group: it never shares a parcel."""
        return tuple(any(line.ship_alone for line in lines) for lines in self.groups)

    @cached_property
    def place(self) -> Place:
        return place_of(self.network, self.delivery, self.order.destination)

    @cached_property
    def distances_m(self) -> dict[str, int]:
        """Node id -> metres to the place."""
        return {n.node_id: great_circle_m(n, self.place) for n in self.network.nodes}

    @cached_property
    def origin_seconds(self) -> int:
        """The instant that times are reckoned from."""
        return origin_seconds(self.network, self.now_seconds)

    @cached_property
    def rooms(self) -> Rooms:
        """What nodes can get ready, and when."""
        return Rooms(self.network, self.states, self.origin_seconds)

    @cached_property
    def whole_loads(self) -> list[Load]:
        """What each delivery of the order would bring to a node as one part, whatever the node can do."""
        by_delivery: dict[str, Counter[str]] = {}
        for line in self.order.lines:
            delivery_id = line.delivery_id if len(self.order.deliveries) > 1 else ""
            by_delivery.setdefault(delivery_id, Counter())[line.sku_id] += line.quantity
        return [load_of(units) for units in by_delivery.values()]

    def is_off(self, node: Node) -> bool:
        """It supplies nothing to the order."""
        return self.states.off_until.get(node.node_id, self.now_seconds) > self.now_seconds

    @cached_property
    def _finder(self) -> Finder:
        asked = self.delivery.method if self.delivery else None
        earliest = self.delivery.earliest_seconds if self.delivery and self.place.kind == HOME else None
        return Finder(self.network, self.place, self.origin_seconds, asked, earliest)

    @cached_property
    def _known_ways(self) -> dict[tuple[str, int, int], dict[str, Way]]:
        return {}

    def ways(self, node: Node, distance_m: int, date: int = 0) -> dict[str, Way]:
        """The ways from a node to the place, by id, as stated, of what the node supplies at a date (epoch
        seconds, 0 for the origin). Whether goods may take them is not asked."""
        key = (node.node_id, distance_m, date)
        if key not in self._known_ways:
            self._known_ways[key] = self._finder.find(node, distance_m, date or self.origin_seconds)
        return self._known_ways[key]

    def method(self, node: Node) -> DeliveryMethod:
        """By which method goods of the node reach the place."""
        return method_of(self.place, self.delivery.method if self.delivery else None, node)

    def unit_value_cents(self, line: OrderLine) -> int:
        """The order's own value, or else the catalogue's."""
        if line.unit_value_cents is not None:
            return line.unit_value_cents
        return self.sku_of(line.sku_id).unit_value_cents

    def days(self, arrival_seconds: int) -> int:
        """Started days from the origin."""
        return math.ceil(Fraction(arrival_seconds - self.origin_seconds, DAY_SECONDS))

    def late_days(self, arrival_seconds: int) -> int:
        """Started days from the requested time, 0 for none."""
        requested = self.delivery.requested_seconds if self.delivery else None
        if requested is None:
            return 0
        return max(0, math.ceil(Fraction(arrival_seconds - requested, DAY_SECONDS)))

    def latest_seconds(self, strategy: Strategy) -> int | None:
        """The last arrival that is allowed, None for any."""
        bounds = [self.order.deliver_by_seconds]
        if self.delivery is not None:
            requested, days = self.delivery.requested_seconds, strategy.limits.max_late_days
            bounds.append(self.delivery.latest_seconds)
            if requested is not None and days is not None:
                bounds.append(requested + days * DAY_SECONDS)
        return min((bound for bound in bounds if bound is not None), default=None)


def cases_of(whole: Case) -> list[Case]:
    """The deliveries of an order, as stated; of one that states none, itself."""
    return [replace(whole, delivery=delivery) for delivery in whole.order.deliveries] or [whole]
