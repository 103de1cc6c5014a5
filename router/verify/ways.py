"""The ways in which goods get from a node to the place of a delivery: docs/cost-model.md, "Deliveries"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from router.domain import Delivery, DeliveryMethod, Destination
from router.network import HOME, PICKUP_POINT, STORE, Lane, Network, Node, Path, PickupPoint, Service
from router.verify.dates import (
    HORIZON_SECONDS,
    Hours,
    instant,
    local_day,
    node_hours,
    point_hours,
    sent,
    zone_hours,
)
from router.verify.facts import great_circle_m, zone_of

LATER_DAYS = 60
"""So many days goods may wait at the node for the beginning of a window."""


@dataclass(frozen=True)
class Place:
    """Where goods go. kind: HOME, STORE or PICKUP_POINT. stop: the store or hub, point: the pick-up point.
    lead_seconds: open time of the stop from arrival there to being of use, None elsewhere."""

    kind: str
    country: str
    postal_code: str
    latitude: float
    longitude: float
    zone_id: str | None
    stop: Node | None = None
    point: PickupPoint | None = None
    lead_seconds: int | None = None


@dataclass(frozen=True)
class Way:
    """A way from a node to a place. legs: service and lane of each; none for goods collected from the store's
    own stock. hub_cents: price of each hub in between."""

    way_id: str
    legs: tuple[tuple[Service, Lane], ...]
    arrival_seconds: int
    hub_cents: tuple[int, ...] = ()

    @property
    def greatest_grams(self) -> int | None:
        """Weight of the greatest parcel, None for any."""
        return min((lane.brackets[-1].up_to_grams for _, lane in self.legs), default=None)


def place_of(network: Network, delivery: Delivery | None, destination: Destination) -> Place:
    """The place of a delivery; None: the order goes to its ``destination``. Raises StopIteration for one that
    the network does not know."""
    if delivery is not None and delivery.node_id:
        store = next(n for n in network.nodes if n.node_id == delivery.node_id)
        return at_stop(network, store, store.pickup_lead_seconds or 0)
    if delivery is not None and delivery.pickup_point_id:
        point = next(p for p in network.pickup_points if p.point_id == delivery.pickup_point_id)
        zone_id = zone_of(network, point.country, point.postal_code)
        where = (point.country, point.postal_code, point.latitude, point.longitude)
        return Place(PICKUP_POINT, *where, zone_id, point=point)
    address = destination if delivery is None or delivery.destination is None else delivery.destination
    zone_id = zone_of(network, address.country, address.postal_code)
    return Place(HOME, address.country, address.postal_code, address.latitude, address.longitude, zone_id)


def at_stop(network: Network, node: Node, lead_seconds: int) -> Place:
    """A store or a hub."""
    zone_id = zone_of(network, node.country, node.postal_code)
    where = (node.country, node.postal_code, node.latitude, node.longitude)
    return Place(STORE, *where, zone_id, stop=node, lead_seconds=lead_seconds)


def method_of(place: Place, asked: DeliveryMethod | None, node: Node) -> DeliveryMethod:
    """By which method goods of the node reach the place."""
    if place.kind == HOME:
        return DeliveryMethod.SHIP
    if place.kind == PICKUP_POINT:
        return DeliveryMethod.PICKUP_POINT
    if node != place.stop:
        return DeliveryMethod.SHIP_TO_STORE
    if asked in (DeliveryMethod.CARRY_OUT, DeliveryMethod.RESERVE_AND_COLLECT):
        return asked
    return DeliveryMethod.PICKUP


def usual_method(place: Place) -> DeliveryMethod:
    """What a delivery to the place counts as that states no method."""
    at_store = DeliveryMethod.PICKUP
    return {HOME: DeliveryMethod.SHIP, PICKUP_POINT: DeliveryMethod.PICKUP_POINT}.get(place.kind, at_store)


def lane_of(network: Network, node: Node, service: Service, place: Place, distance_m: int) -> Lane | None:
    """The first lane of the service that leads from the node to the place. None, too, where it does not
    collect at the node."""
    if service.service_id not in node.services:
        return None
    zone_id = zone_of(network, node.country, node.postal_code)
    for lane in service.lanes:
        if (
            (not lane.from_zones or zone_id in lane.from_zones)
            and (not lane.to_zones or place.zone_id in lane.to_zones)
            and (lane.max_distance_m is None or distance_m <= lane.max_distance_m)
        ):
            return lane
    return None


@dataclass(frozen=True)
class Finder:
    """Finds the ways to one place. asked: the method that the delivery states. earliest_seconds: when the
    window of an address begins."""

    network: Network
    place: Place
    origin_seconds: int
    asked: DeliveryMethod | None = None
    earliest_seconds: int | None = None

    def find(self, node: Node, distance_m: int, start_seconds: int) -> dict[str, Way]:
        """All ways from a node ``distance_m`` away that may begin with the goods at ``start_seconds``, by id:
        services as stated, then paths."""
        if self.asked not in (None, method_of(self.place, self.asked, node)):
            return {}
        if self.place.kind == STORE and node == self.place.stop:
            found = [self._collected(node, start_seconds)]
        else:
            found = [
                self._direct(node, service, distance_m, start_seconds)
                for service in self.network.services
                if self.place.kind in service.serves
            ]
            if self.place.kind == STORE:
                found += [self._along(node, path, start_seconds) for path in self.network.paths]
        until = self.origin_seconds + HORIZON_SECONDS
        return {way.way_id: way for way in found if way is not None and way.arrival_seconds <= until}

    def _collected(self, store: Node, start_seconds: int) -> Way | None:
        """From the store's own stock."""
        if self.asked is DeliveryMethod.CARRY_OUT:
            return Way("", (), self.origin_seconds)
        work = store.processing_seconds + (self.place.lead_seconds or 0)
        ready = node_hours(self.network, store).after(start_seconds, work, self._until)
        return None if ready is None else Way("", (), ready)

    def _direct(self, node: Node, service: Service, distance_m: int, start_seconds: int) -> Way | None:
        """By one service, within the window."""
        lane = lane_of(self.network, node, service, self.place, distance_m)
        if lane is None:
            return None
        for release in self._releases(node, start_seconds):
            arrival = self._leg(node, service, lane, self.place, release, node.processing_seconds)
            if arrival is None:
                return None
            if self.earliest_seconds is None or arrival >= self.earliest_seconds:
                return Way(service.service_id, ((service, lane),), arrival)
        return None

    def _releases(self, node: Node, start_seconds: int) -> Iterator[int]:
        """When goods may be sent, ascending: what is sent later never arrives earlier."""
        yield start_seconds
        if self.earliest_seconds is not None:
            clock = node_hours(self.network, node).clock
            today = local_day(clock, start_seconds)
            for later in range(1, LATER_DAYS + 1):
                yield instant(clock, today + later, 0)

    def _along(self, node: Node, path: Path, start_seconds: int) -> Way | None:
        """Along a path."""
        nodes = {n.node_id: n for n in self.network.nodes}
        hubs = [nodes[hub_id] for hub_id in path.hubs]
        services = {s.service_id: s for s in self.network.services}
        if node in hubs or self.place.stop in hubs:
            return None
        stops = [at_stop(self.network, hub, path.hub_seconds) for hub in hubs] + [self.place]
        legs: list[tuple[Service, Lane]] = []
        at, start, work = start_seconds, node, node.processing_seconds
        for service_id, stop in zip(path.services, stops, strict=True):
            service = services[service_id]
            lane = lane_of(self.network, start, service, stop, great_circle_m(start, stop))
            if lane is None:
                return None
            there = self._leg(start, service, lane, stop, at, work)
            if there is None:
                return None
            legs.append((service, lane))
            at, start, work = there, stop.stop or start, 0
        return Way(path.path_id, tuple(legs), at, (path.hub_cents,) * len(hubs))

    def _leg(
        self, start: Node, service: Service, lane: Lane, stop: Place, release: int, processing_seconds: int
    ) -> int | None:
        """When goods are there that may be processed from ``release`` on; None: not within the horizon."""
        there = self._hours(stop, start)
        times = sent(self.network, start, service, lane, there, release, processing_seconds, self._until)
        if times is None or stop.lead_seconds is None:
            return None if times is None else times.arrival_seconds
        return there.after(times.arrival_seconds, stop.lead_seconds, self._until)

    def _hours(self, place: Place, start: Node) -> Hours:
        """The hours of arriving at a place, for goods from a node."""
        if place.stop is not None:
            return node_hours(self.network, place.stop)
        if place.point is not None:
            return point_hours(self.network, place.point)
        zone = next((z for z in self.network.zones if z.zone_id == place.zone_id), None)
        return zone_hours(self.network, zone, start)

    @property
    def _until(self) -> int:
        return self.origin_seconds + HORIZON_SECONDS
