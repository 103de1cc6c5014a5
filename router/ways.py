"""The ways in which goods can reach a place: services, the store's own stock, paths over hubs.

A *way* is a column of a scene: for every source at most one tariff (a list of weight brackets) and one
arrival.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from router.calendar import NEVER
from router.compile import Compiled
from router.domain import Delivery, DeliveryMethod
from router.kernels.geo import unit_vectors
from router.network import HOME, STORE, Network, Node, Path
from router.places import Place, address_of
from router.rules.compile import weighted
from router.rules.model import Transfer
from router.timetable import NO_SLACK, Arrival, Departure, Slack

I64 = NDArray[np.int64]
WAIT_DAYS = 60
"""How many dates goods may be held back for a delivery's window."""
NO_LIMIT_GRAMS = 2**40
"""Greatest parcel of goods that nobody carries."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """Brackets: up_to_grams ascending, and the weighted cents of each, those for the retailer's own transport
    apart."""

    up_to_grams: tuple[int, ...]
    shipping_cents: tuple[int, ...]
    transfer_cents: tuple[int, ...]

    def price(self, cents: Sequence[int], weight_grams: int) -> int:
        """Of a shipment: full parcels of the greatest weight, and one for the rest."""
        full, rest = divmod(weight_grams, self.up_to_grams[-1])
        total = full * cents[-1]
        if rest or not weight_grams:
            total += next(c for limit, c in zip(self.up_to_grams, cents, strict=True) if rest <= limit)
        return total


@dataclass(slots=True)
class Ways:
    """What n sources can do for a place. ids: names of the columns (a service, a path, or empty for
    collecting). services: the services that each uses. tariff: int64[n, V], index into ``tariffs``, -1 where
    the way does not lead there. arrival: int64[n, V], epoch seconds, NEVER beyond the horizon."""

    ids: list[str]
    services: list[tuple[int, ...]]
    tariff: I64
    arrival: I64
    tariffs: list[Tariff] = field(default_factory=list)


class Finder:
    """Finds the ways for one strategy, place and release."""

    def __init__(
        self,
        network: Network,
        compiled: Compiled,
        strategy_ix: int,
        place: Place,
        nodes: I64,
        dates: I64 | None = None,
        slack: Slack = NO_SLACK,
    ) -> None:
        """dates: int64[n], from when on each source has its goods; None: from the origin on."""
        self.slack = slack
        self.network = network
        self.compiled = compiled
        self.strategy_ix = strategy_ix
        self.place = place
        self.nodes = nodes
        self.dates = dates
        self._tariffs: dict[tuple[str, tuple[int, ...]], int] = {}
        self._list: list[Tariff] = []

    def find(self, delivery: Delivery, origin_seconds: int) -> Ways:
        """All ways for a delivery. What would arrive before its window is sent on a later day."""
        release = np.full(len(self.nodes), origin_seconds, np.int64) if self.dates is None else self.dates
        found = self.find_at(delivery.method, origin_seconds, release)
        earliest = delivery.earliest_seconds
        if earliest is None or self.place.kind != HOME:
            return found
        zones = [self.network.nodes[k].time_zone for k in self.nodes.tolist()]
        since = list(zip(zones, release.tolist(), strict=True))
        later = {key: self.compiled.timetable.dates_after(*key, WAIT_DAYS) for key in set(since)}
        for day in range(WAIT_DAYS):
            if (found.arrival >= earliest).all():
                break
            release = np.array([later[key][day] for key in since], np.int64)
            next_day = self.find_at(delivery.method, origin_seconds, release)
            found.arrival = np.where(found.arrival < earliest, next_day.arrival, found.arrival)
        found.tariff = np.where(found.arrival < earliest, -1, found.tariff)
        return found

    def find_at(self, method: DeliveryMethod | None, origin_seconds: int, release: I64) -> Ways:
        """All ways of a method (None: any). release: int64[n], when goods may leave each source."""
        ids: list[str] = []
        services: list[tuple[int, ...]] = []
        tariffs: list[I64] = []
        arrivals: list[I64] = []
        own = self.place.node_ix
        if self.place.kind == STORE and method is not DeliveryMethod.SHIP_TO_STORE:
            here = self.nodes == own
            ids.append("")
            services.append(())
            tariffs.append(np.where(here, self._tariff(()), -1))
            arrivals.append(np.where(here, self._collected(method, origin_seconds, release), NEVER))
        carried = method in (None, DeliveryMethod.SHIP, DeliveryMethod.SHIP_TO_STORE)
        if carried or method is DeliveryMethod.PICKUP_POINT:
            lanes = self._lanes(self.place, self.nodes)
            lanes[self.nodes == own] = -1
            for v, service in enumerate(self.network.services):
                if self.place.kind not in service.serves:
                    continue
                ids.append(service.service_id)
                services.append((v,))
                tariffs.append(self._by_lane(lanes[:, v]))
                arrivals.append(self._legs(v, lanes[:, v], self.nodes, self.place.hours, release))
        if self.place.kind == STORE and carried:
            for path in self.network.paths:
                tariff, arrival = self._path(path, release)
                ids.append(path.path_id)
                services.append(tuple(self.compiled.service_ids.index(s) for s in path.services))
                tariffs.append(tariff)
                arrivals.append(arrival)
        shape = (len(self.nodes), 0)
        return Ways(
            ids,
            services,
            np.stack(tariffs, axis=1) if ids else np.zeros(shape, np.int64),
            np.stack(arrivals, axis=1) if ids else np.zeros(shape, np.int64),
            self._list,
        )

    def _collected(self, method: DeliveryMethod | None, origin_seconds: int, release: I64) -> I64:
        """When goods of the store itself can be collected."""
        if method is DeliveryMethod.CARRY_OUT:
            return np.where(release == origin_seconds, release, NEVER)
        node = self.network.nodes[self.place.node_ix]
        lead = node.pickup_lead_seconds or 0
        return self.compiled.timetable.ready(
            Departure.of(node), release, lead + self.slack.processing_seconds
        )

    def chord2(self, place: Place, nodes: I64) -> NDArray[np.float64]:
        """float64[n]: squared chords, summed up as the kernels do, so that bands end at the same places."""
        where = place.destination
        xyz = unit_vectors(np.array([where.latitude]), np.array([where.longitude]))[0]
        away = xyz[:, None] - self.compiled.network.node_xyz[:, nodes]
        total: NDArray[np.float64] = away[0] * away[0] + away[1] * away[1] + away[2] * away[2]
        return total

    def leaving(self) -> Iterator[tuple[int, int, Tariff]]:
        """Of the first node: each service that leads to the place, its lane and its tariff."""
        for v, lane in enumerate(self._lanes(self.place, self.nodes)[0].tolist()):
            if lane >= 0:
                yield v, lane, self._list[self._tariff((lane,))]

    def onward(self, hub: Node, v: int, lane: int, there: I64) -> I64:
        """Arrival at the place by service v of goods that are ready at a hub at instants ``there``."""
        return self._onward(hub, v, lane, self.place.hours, there)

    def _lanes(self, place: Place, nodes: I64) -> NDArray[np.int32]:
        target = int(self.compiled.network.zone_class[place.zone_ix])
        return self.compiled.routes.lanes(target, nodes, self.chord2(place, nodes))

    def _legs(self, v: int, lanes: NDArray[np.int32], nodes: I64, hours: Arrival, release: I64) -> I64:
        """Arrival by service v from nodes; NEVER where there is no lane."""
        routes = self.compiled.routes
        out = np.full(len(nodes), NEVER, np.int64)
        rows = np.flatnonzero(lanes >= 0)
        keys = np.stack(
            [routes.departure[nodes[rows]], np.full(len(rows), v), lanes[rows], 0 * rows, release[rows]],
            axis=1,
        )
        legs, which = np.unique(keys, axis=0, return_inverse=True)
        times = self.compiled.timetable.leg_times(
            routes.departures, [hours], legs[:, :4], legs[:, 4], self.slack
        )
        out[rows] = times[which.reshape(-1)]
        return out

    def _path(self, path: Path, release: I64) -> tuple[I64, I64]:
        """Tariff and arrival of a path from every source; a hub is no source of its own path."""
        network, compiled = self.network, self.compiled
        hubs = [network.nodes[compiled.node_rows[name]] for name in path.hubs]
        stops = [self._at_hub(hub, path.hub_seconds) for hub in hubs] + [self.place]
        services = [compiled.service_ids.index(name) for name in path.services]
        lanes = self._lanes(stops[0], self.nodes)[:, services[0]].astype(np.int64)
        arrival = self._legs(services[0], lanes.astype(np.int32), self.nodes, stops[0].hours, release)
        by_way_of_store = any(compiled.node_rows[hub.node_id] == self.place.node_ix for hub in hubs)
        goes = (lanes >= 0) & (self.nodes != self.place.node_ix) & (not by_way_of_store)
        used = [lanes]
        for hub, v, stop in zip(hubs, services[1:], stops[1:], strict=True):
            at = np.array([compiled.node_rows[hub.node_id]], np.int64)
            lane = int(self._lanes(stop, at)[0, v])
            goes &= (self.nodes != at[0]) & (lane >= 0)
            used.append(np.full(len(self.nodes), lane, np.int64))
            if lane >= 0:
                arrival = self._onward(hub, v, lane, stop.hours, arrival)
        tariff = np.full(len(self.nodes), -1, np.int64)
        rows = np.flatnonzero(goes)
        combinations, which = np.unique(np.stack(used, axis=1)[rows], axis=0, return_inverse=True)
        priced = np.array([self._tariff(tuple(lanes), path) for lanes in combinations.tolist()], np.int64)
        tariff[rows] = priced[which.reshape(-1)]
        return tariff, np.where(goes, arrival, NEVER)

    def _at_hub(self, hub: Node, seconds: int) -> Place:
        """A hub as a place where goods arrive and are made ready again."""
        zone = self.compiled.zones.find(hub.country, hub.postal_code)
        return Place(HOME, address_of(hub), zone, -1, Arrival.at_node(hub, seconds))

    def _onward(self, hub: Node, v: int, lane: int, hours: Arrival, there: I64) -> I64:
        """Arrival of goods that are ready at a hub at ``there``."""
        of_hub = Departure.of(hub)
        departure = Departure(of_hub.calendar, of_hub.closed, of_hub.spot, 0, of_hub.schedules)
        out = np.full(len(there), NEVER, np.int64)
        rows = np.flatnonzero(there < NEVER)
        times, which = np.unique(there[rows], return_inverse=True)
        legs = np.tile(np.array([0, v, lane, 0], np.int64), (len(times), 1))
        found = self.compiled.timetable.leg_times(
            [departure], [hours], legs, times, Slack(0, self.slack.transit_days)
        )
        out[rows] = found[which.reshape(-1)] if len(rows) else 0
        return out

    def _by_lane(self, lanes: NDArray[np.int32]) -> I64:
        out = np.full(len(lanes), -1, np.int64)
        for lane in np.unique(lanes[lanes >= 0]).tolist():
            out[lanes == lane] = self._tariff((lane,))
        return out

    def _tariff(self, lanes: tuple[int, ...], path: Path | None = None) -> int:
        """Index of the brackets of lanes used one after the other."""
        key = ("" if path is None else path.path_id, lanes)
        if key not in self._tariffs:
            self._tariffs[key] = len(self._list)
            self._list.append(self._merge(lanes, path))
        return self._tariffs[key]

    def _merge(self, lanes: tuple[int, ...], path: Path | None) -> Tariff:
        """A path bills parcels of at most the least of its legs' greatest weights, each leg by its own
        bracket, and each hub once a parcel."""
        net, cents = self.compiled.network, self.compiled.rules.bracket_cents[self.strategy_ix]
        spans = [slice(int(net.bracket_start[a]), int(net.bracket_start[a + 1])) for a in lanes]
        grams = [net.bracket_grams[span] for span in spans]
        if not lanes:
            return Tariff((NO_LIMIT_GRAMS,), (0,), (0,))
        greatest = min(int(g[-1]) for g in grams)
        up_to = sorted({int(x) for g in grams for x in g.tolist() if x < greatest} | {greatest})
        shipping, transfer = [0] * len(up_to), [0] * len(up_to)
        for lane, span, own in zip(lanes, spans, grams, strict=True):
            service = self.network.services[int(net.lane_service[lane])]
            into = transfer if service.is_transfer else shipping
            for i, limit in enumerate(up_to):
                into[i] += int(cents[span][np.searchsorted(own, limit)])
        if path is not None:
            goals = self.compiled.strategies[self.strategy_ix].objectives
            each = sum(weighted(path.hub_cents, g.weight) for g in goals if isinstance(g, Transfer))
            transfer = [cents + each * len(path.hubs) for cents in transfer]
        return Tariff(tuple(up_to), tuple(shipping), tuple(transfer))
