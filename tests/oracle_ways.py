"""Every way from a node to the place of a delivery, tried one after the other: the store's own stock,
services, paths over hubs. Shares no code with the engine nor with ``router.verify``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from router.domain import Delivery, DeliveryMethod, Destination, Order
from router.network import Lane, Network, Node, Path, Service
from router.rules.model import Strategy
from tests.oracle_dates import (
    Sign,
    SlowCalendar,
    date_of,
    furthest,
    local_minute,
    passed,
)
from tests.oracle_facts import bracket_cents, metres_between, weighted, zone_id

LATER_MORNINGS = 60


@dataclass(frozen=True)
class Way:
    """One way from one node. legs: (service, lane) of each part of it, none where goods are collected."""

    way_id: str
    legs: tuple[tuple[Service, Lane], ...]
    arrival_seconds: int
    path: Path | None = None

    def parcels(self, grams: int) -> list[int]:
        """The weights of the parcels: full ones, then the rest; a weightless shipment is one parcel."""
        if not self.legs:
            return [grams]
        found: list[int] = []
        while grams > self.heaviest:
            found.append(self.heaviest)
            grams -= self.heaviest
        return [*found, grams]

    @property
    def heaviest(self) -> int:
        """The greatest weight that every leg takes; of goods that are collected, any."""
        return min((max(b.up_to_grams for b in lane.brackets) for _, lane in self.legs), default=10**15)

    def cents(self, strategy: Strategy, grams: int, kind: str) -> int:
        """By the objectives "shipping" or "transfer"."""
        total = 0
        for goal in strategy.objectives:
            if goal.kind != kind:
                continue
            for parcel in self.parcels(grams):
                for service, lane in self.legs:
                    if service.is_transfer == (kind == "transfer"):
                        total += weighted(bracket_cents(lane, parcel), goal.weight)
                if self.path is not None and kind == "transfer":
                    total += sum(weighted(self.path.hub_cents, goal.weight) for _ in self.path.hubs)
        return total


class Target:
    """Where a delivery goes; None for an order that states none."""

    def __init__(self, network: Network, order: Order, delivery: Delivery | None) -> None:
        self.network = network
        self.delivery = delivery
        self.store: Node | None = None
        self.point: Any = None
        where: Any = order.destination
        if delivery is not None:
            for node in network.nodes:
                if node.node_id == delivery.node_id:
                    self.store = node
            for point in network.pickup_points:
                if point.point_id == delivery.pickup_point_id:
                    self.point = point
            where = self.store or self.point or delivery.destination
        self.where = Destination(
            country=where.country,
            postal_code=where.postal_code,
            latitude=where.latitude,
            longitude=where.longitude,
        )
        self.zone = zone_id(network, where.country, where.postal_code)

    @property
    def serves(self) -> str:
        """What a service must say that it serves."""
        if self.store is not None:
            return "STORE"
        return "HOME" if self.point is None else "PICKUP_POINT"

    @property
    def asked(self) -> DeliveryMethod | None:
        return None if self.delivery is None else self.delivery.method

    def method(self, node: Node) -> DeliveryMethod:
        """By which method the node serves it."""
        if self.store is None:
            return DeliveryMethod.SHIP if self.point is None else DeliveryMethod.PICKUP_POINT
        if node.node_id != self.store.node_id:
            return DeliveryMethod.SHIP_TO_STORE
        at_once = (DeliveryMethod.CARRY_OUT, DeliveryMethod.RESERVE_AND_COLLECT)
        return self.asked if self.asked in at_once and self.asked else DeliveryMethod.PICKUP

    def counts_as(self) -> DeliveryMethod:
        """The method that conditions see."""
        if self.asked is not None:
            return self.asked
        kinds = {"STORE": "PICKUP", "HOME": "SHIP", "PICKUP_POINT": "PICKUP_POINT"}
        return DeliveryMethod[kinds[self.serves]]


class Ways:
    """All ways to one target for an order placed at one moment."""

    def __init__(self, target: Target, calendar: SlowCalendar) -> None:
        self.target = target
        self.network = target.network
        self.calendar = calendar
        self._known: dict[tuple[str, int], list[Way]] = {}

    def of(self, node: Node, at: int | None = None) -> list[Way]:
        """Those from a node that may begin at an instant, or else at the origin: services as stated, then
        paths."""
        begin = self.calendar.origin_seconds if at is None else at
        key = (node.node_id, begin)
        if key not in self._known:
            last = self.calendar.last_seconds
            self._known[key] = [w for w in self._all(node, begin) if w.arrival_seconds <= last]
        return self._known[key]

    def _all(self, node: Node, begin: int) -> Iterator[Way]:
        asked, store = self.target.asked, self.target.store
        if asked is not None and asked != self.target.method(node):
            return
        if store is not None and store.node_id == node.node_id:
            yield from self._own_stock(store, begin)
            return
        for service in self.network.services:
            lane = self._lane(node, service, self.target.where)
            if self.target.serves in service.serves and lane is not None:
                arrival = self._in_window(node, service, lane, begin)
                if arrival is not None:
                    yield Way(service.service_id, ((service, lane),), arrival)
        if store is not None:
            for path in self.network.paths:
                yield from self._over_hubs(node, path, store, begin)

    def _own_stock(self, store: Node, begin: int) -> Iterator[Way]:
        """What lies in the store is collected there."""
        if self.target.asked == DeliveryMethod.CARRY_OUT:
            yield Way("", (), begin)
            return
        assert store.pickup_lead_seconds is not None
        wait = store.processing_seconds + store.pickup_lead_seconds
        end = self.calendar.last_seconds // 60
        ready = self.calendar.of_node(store).waited(begin, wait, end)
        if ready is not None:
            yield Way("", (), ready)

    def _lane(self, node: Node, service: Service, where: Destination) -> Lane | None:
        """The first lane that leads from a node to somewhere."""
        if service.service_id not in node.services:
            return None
        here = zone_id(self.network, node.country, node.postal_code)
        there = zone_id(self.network, where.country, where.postal_code)
        for lane in service.lanes:
            if lane.from_zones and here not in lane.from_zones:
                continue
            if lane.to_zones and there not in lane.to_zones:
                continue
            if lane.max_distance_m is not None and metres_between(node, where) > lane.max_distance_m:
                continue
            return lane
        return None

    def _in_window(self, node: Node, service: Service, lane: Lane, first: int) -> int | None:
        """The first arrival that is not before the window begins. What is sent later is not there earlier."""
        earliest = None if self.target.delivery is None else self.target.delivery.earliest_seconds
        for begin in self._begins(node, first, later=earliest is not None):
            arrival = self._arrival(node, service, lane, begin)
            if arrival is None or earliest is None or arrival >= earliest:
                return arrival
        return None

    def _begins(self, node: Node, first: int, *, later: bool) -> Iterator[int]:
        """An instant, and the mornings after it at the node."""
        yield first
        today = date_of(furthest(node.time_zone, first // 60))
        for i in range(1, LATER_MORNINGS + 1 if later else 1):
            yield passed(node.time_zone, local_minute(today + timedelta(days=i), 0)) * 60

    def _arrival(self, node: Node, service: Service, lane: Lane, begin: int) -> int | None:
        """At the target, by a single service."""
        if self.target.store is not None:
            return self._at_stop(node, service, lane, begin, self.target.store, self._lead, first=True)
        if self.target.point is not None:
            point = self.target.point
            door = self.calendar.sign(point.time_zone, point.calendar, point.country, point.region)
        else:
            door = self.calendar.door(self.target.zone, node)
        return self._sent(node, service, lane, door, begin, node.processing_seconds)

    def _sent(
        self, node: Node, service: Service, lane: Lane, door: Sign, begin: int, wait: int
    ) -> int | None:
        found = self.calendar.sent(node, service, lane, door, begin, wait)
        return None if found is None else found[2]

    @property
    def _lead(self) -> int:
        assert self.target.store is not None
        return self.target.store.pickup_lead_seconds or 0

    def _at_stop(
        self, node: Node, service: Service, lane: Lane, begin: int, stop: Node, lead: int, *, first: bool
    ) -> int | None:
        """When goods that come to a store or hub have lain there for its lead. first: the node still has to
        get them ready."""
        door = self.calendar.of_node(stop)
        wait = node.processing_seconds if first else 0
        there = self._sent(node, service, lane, door, begin, wait)
        if there is None:
            return None
        return door.waited(there, lead, self.calendar.last_seconds // 60)

    def _over_hubs(self, node: Node, path: Path, store: Node, begin: int) -> Iterator[Way]:
        """Along a path, stop by stop."""
        by_id = {n.node_id: n for n in self.network.nodes}
        hubs = [by_id[name] for name in path.hubs]
        if node in hubs or store in hubs:
            return
        at = node
        legs: list[tuple[Service, Lane]] = []
        for name, stop in zip(path.services, [*hubs, store], strict=True):
            (service,) = [s for s in self.network.services if s.service_id == name]
            where = Destination(
                country=stop.country,
                postal_code=stop.postal_code,
                latitude=stop.latitude,
                longitude=stop.longitude,
            )
            lane = self._lane(at, service, where)
            if lane is None:
                return
            lead = self._lead if stop is store else path.hub_seconds
            ready = self._at_stop(at, service, lane, begin, stop, lead, first=not legs)
            if ready is None:
                return
            legs.append((service, lane))
            begin, at = ready, stop
        yield Way(path.path_id, tuple(legs), begin, path)
