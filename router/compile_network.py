"""The network's columns: who is where, and what carriers offer to which places."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from router.columns import IdIndex, frozen
from router.kernels.geo import chord2_within, unit_vectors
from router.kernels.routes import routes_of
from router.kernels.types import ANYWHERE, NetworkArrays
from router.network import HOME, Lane, Network, Node
from router.timetable import Arrival, Departure, Offers, Timetable
from router.zones import ZoneIndex

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Routes:
    """The lanes from every node to every zone class by every service, whatever it serves; columns as the
    routes of NetworkArrays, with lane int32[routes, V]. departure: int64[N], index into ``departures``."""

    start: NDArray[np.int32]
    chord2: NDArray[np.float64]
    lane: NDArray[np.int32]
    node_carrier: NDArray[np.int64]
    carrier_count: int
    departures: tuple[Departure, ...]
    departure: NDArray[np.int64]

    def lanes(self, target: int, nodes: NDArray[np.int64], chord2: NDArray[np.float64]) -> NDArray[np.int32]:
        """int32[n, V]: the lanes from nodes to a place of zone class ``target`` at squared chords ``chord2``,
        -1 for none."""
        route = self.start[target * self.carrier_count + self.node_carrier[nodes]].astype(np.int64)
        while (beyond := chord2 >= self.chord2[route]).any():
            route += beyond
        return self.lane[route]


def network_arrays(
    network: Network, zones: ZoneIndex, countries: IdIndex
) -> tuple[NetworkArrays, Routes, Timetable]:
    """Columns for orders that are shipped to an address, with the times of the origin 0; the routes of every
    service; and the timetable for the times of another origin."""
    nodes = network.nodes
    lanes = [(v, lane) for v, service in enumerate(network.services) for lane in service.lanes]
    zone_class, class_zones = _zone_classes(network, [lane for _, lane in lanes])
    node_class = zone_class[np.array([zones.find(n.country, n.postal_code) for n in nodes], int)]
    node_service = np.array(
        [[s.service_id in n.services for s in network.services] for n in nodes], np.uint8
    ).reshape(len(nodes), len(network.services))
    departures, node_departure = _numbered([Departure.of(n) for n in nodes])
    keys = zip(node_class.tolist(), node_departure.tolist(), node_service, strict=True)
    _, node_carrier = _numbered([(zone, departure, own.tobytes()) for zone, departure, own in keys])
    carrier_node = np.unique(node_carrier, return_index=True)[1].astype(np.int32)
    start, listed = _lane_lists(network, lanes, class_zones)
    lane_chord2 = np.array([_reach(lane) for _, lane in lanes], np.float64)
    route_start, route_chord2, route_lane = routes_of(
        carrier_node, node_service, node_class.astype(np.int16), start, listed, lane_chord2, len(class_zones)
    )
    routes = Routes(
        route_start, route_chord2, route_lane, node_carrier, len(carrier_node), departures, node_departure
    )
    homes = np.array([HOME in service.serves for service in network.services], bool)
    route_lane = np.where(homes, route_lane, np.int32(-1))
    by_id = {zone.zone_id: zone for zone in network.zones}
    arrivals, class_arrival = _numbered([Arrival.of(by_id.get(zone_id or "")) for zone_id in class_zones])
    pair = np.repeat(np.arange(len(route_start) - 1), np.diff(route_start))
    target, carrier = np.divmod(pair, max(1, len(carrier_node)))
    times = np.stack([node_departure[carrier_node][carrier], class_arrival[target]], axis=1)
    offer, route_offer = np.unique(np.concatenate([times, route_lane], 1), axis=0, return_inverse=True)
    offer = offer.astype(np.int32)
    offers = Offers(departures, arrivals, offer[:, 0], offer[:, 1], np.ascontiguousarray(offer[:, 2:]))
    timetable = Timetable(network, offers)
    at_zero = timetable.at(0)
    bracket_start = np.cumsum([0, *(len(lane.brackets) for _, lane in lanes)])
    arrays = NetworkArrays(
        node_xyz=frozen(np.ascontiguousarray(_places(nodes).T)),
        node_country=frozen(countries.find_many([n.country for n in nodes]).astype(np.int16)),
        node_service=frozen(node_service * homes.astype(np.uint8)),
        node_carrier=frozen(node_carrier.astype(np.int32)),
        carrier_count=len(carrier_node),
        route_start=frozen(route_start),
        route_chord2=frozen(route_chord2),
        route_offer=frozen(route_offer.reshape(-1).astype(np.int32)),
        offer_lane=at_zero.lane,
        offer_seconds=at_zero.seconds,
        offer_kind=at_zero.kind,
        zone_class=frozen(zone_class.astype(np.int16)),
        lane_service=frozen(np.array([v for v, _ in lanes], np.int32)),
        bracket_start=frozen(bracket_start.astype(np.int32)),
        bracket_grams=frozen(np.array([b.up_to_grams for _, lane in lanes for b in lane.brackets], np.int64)),
    )
    return arrays, routes, timetable


def _numbered(keys: Sequence[K]) -> tuple[tuple[K, ...], NDArray[np.int64]]:
    """The distinct keys by first appearance, and which of them each is."""
    number: dict[K, int] = {}
    found = [number.setdefault(key, len(number)) for key in keys]
    return tuple(number), np.array(found, np.int64)


def _places(nodes: Sequence[Node]) -> NDArray[np.float64]:
    """float64[N, 3]."""
    return unit_vectors(
        np.array([n.latitude for n in nodes], float), np.array([n.longitude for n in nodes], float)
    )


def _reach(lane: Lane) -> float:
    """Squared chord below which a place is near enough for a lane."""
    return ANYWHERE if lane.max_distance_m is None else chord2_within(lane.max_distance_m)


def _zone_classes(network: Network, lanes: Sequence[Lane]) -> tuple[NDArray[np.int64], list[str | None]]:
    """Zones that every lane treats alike, and where goods arrive at the same hours, share a class: class of
    each zone (the last entry is "no zone"), and one zone id of each class."""
    ids: list[str | None] = [*(z.zone_id for z in network.zones), None]
    arrivals = [*(Arrival.of(z) for z in network.zones), Arrival.of(None)]
    class_of: dict[tuple[Any, ...], int] = {}
    classes, representatives = [], []
    for zone_id, arrival in zip(ids, arrivals, strict=True):
        leaves = tuple(zone_id in lane.from_zones for lane in lanes)
        key = (arrival, leaves, tuple(zone_id in lane.to_zones for lane in lanes))
        if key not in class_of:
            class_of[key] = len(class_of)
            representatives.append(zone_id)
        classes.append(class_of[key])
    return np.array(classes, np.int64), representatives


def _lane_lists(
    network: Network, lanes: Sequence[tuple[int, Lane]], class_zones: Sequence[str | None]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Lanes by (service, origin class, destination class), in the service's order."""
    start, listed = [0], []
    for v in range(len(network.services)):
        own = [(ix, lane) for ix, (service, lane) in enumerate(lanes) if service == v]
        for origin in class_zones:
            from_here = [(ix, lane) for ix, lane in own if not lane.from_zones or origin in lane.from_zones]
            for target in class_zones:
                listed += [ix for ix, lane in from_here if not lane.to_zones or target in lane.to_zones]
                start.append(len(listed))
    return np.array(start, np.int32), np.array(listed, np.int32)
