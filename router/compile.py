"""From network, catalogue and rules to columns. Runs once per change of any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.catalogue import Catalogue
from router.columns import IdIndex, frozen
from router.countries import COUNTRY_CODES
from router.kernels.geo import chord2_within, unit_vectors
from router.kernels.routes import routes_of
from router.kernels.types import ANYWHERE, CatalogueArrays, NetworkArrays, RuleArrays
from router.network import Lane, Network, Node
from router.returns_compile import CompiledReturns
from router.rules.compile import ClassTable, Universe, compile_strategies
from router.rules.model import RuleSet, Strategy
from router.rules.parse import rules_hash


@dataclass(frozen=True, slots=True)
class Compiled:
    """Columns and the ids of their rows. ``segments`` holds those that rules name; any other segment
    is row len(segments). Zone row len(zones) means "no zone"."""

    network: NetworkArrays
    catalogue: CatalogueArrays
    rules: RuleArrays
    nodes: IdIndex
    node_ids: tuple[str, ...]
    service_ids: tuple[str, ...]
    countries: IdIndex
    segments: IdIndex
    profiles: IdIndex
    zones: ZoneIndex
    strategies: tuple[Strategy, ...]
    default_profile: int
    rules_hash: str
    returns: CompiledReturns


@dataclass(frozen=True, slots=True)
class ZoneIndex:
    """Zones by country and postal prefix. ``keys`` holds texts such as ``FR:75``; ``zone_of_key`` int16 the
    zone of each; ``longest`` the most characters of a prefix."""

    keys: IdIndex
    zone_of_key: NDArray[np.int16]
    longest: int
    count: int

    @classmethod
    def of(cls, network: Network) -> ZoneIndex:
        """The first zone that states a prefix has it."""
        key_of: dict[str, int] = {}
        for ix, zone in enumerate(network.zones):
            for prefix in zone.postal_prefixes or ("",):
                key_of.setdefault(f"{zone.country}:{normal_postal(prefix)}", ix)
        longest = max((len(key.encode()) - 3 for key in key_of), default=0)
        zones = frozen(np.array(list(key_of.values()), np.int16))
        return cls(IdIndex.of(list(key_of)), zones, longest, len(network.zones))

    def find(self, country: str, postal_code: str) -> int:
        """The zone of a place; ``count`` for none."""
        code = normal_postal(postal_code).encode()[: self.longest]
        for length in range(len(code), -1, -1):
            row = self.keys.find(f"{country}:{code[:length].decode(errors='replace')}")
            if row >= 0:
                return int(self.zone_of_key[row])
        return self.count


def normal_postal(code: str) -> str:
    """Postal codes are compared without spaces."""
    return code.replace(" ", "")


def compile_all(network: Network, catalogue: Catalogue, rules: RuleSet) -> Compiled:
    """Everything the kernels need but stock. The models must have been checked against each other."""
    zones = ZoneIndex.of(network)
    countries = IdIndex.of(COUNTRY_CODES)
    segments = IdIndex.of(
        sorted({s for p in rules.profiles for t in p.strategies for s in t.when.customer_segments})
    )
    strategies, profile_start = _ordered(rules)
    universe = Universe(network, countries, segments)
    classes = ClassTable.of(catalogue, network, strategies)
    lanes = [(v, lane) for v, service in enumerate(network.services) for lane in service.lanes]
    return Compiled(
        network=_network_arrays(network, zones, countries, lanes),
        catalogue=CatalogueArrays(
            catalogue.weight_grams, catalogue.unit_value_cents, frozen(classes.class_of_sku)
        ),
        rules=compile_strategies(strategies, profile_start, universe, classes, [lane for _, lane in lanes]),
        nodes=IdIndex.of([n.node_id for n in network.nodes]),
        node_ids=tuple(n.node_id for n in network.nodes),
        service_ids=tuple(s.service_id for s in network.services),
        countries=countries,
        segments=segments,
        profiles=IdIndex.of([p.id for p in rules.profiles]),
        zones=zones,
        strategies=strategies,
        default_profile=[p.id for p in rules.profiles].index(rules.default_profile),
        rules_hash=rules_hash(rules),
        returns=CompiledReturns.of(
            network, rules, [zones.find(n.country, n.postal_code) for n in network.nodes]
        ),
    )


def _ordered(rules: RuleSet) -> tuple[tuple[Strategy, ...], list[int]]:
    """Strategies of all profiles, each profile's in the order in which they are tried."""
    strategies: list[Strategy] = []
    start = [0]
    for profile in rules.profiles:
        strategies += sorted(profile.strategies, key=lambda t: t.priority)
        start.append(len(strategies))
    return tuple(strategies), start


def _network_arrays(
    network: Network, zones: ZoneIndex, countries: IdIndex, lanes: Sequence[tuple[int, Lane]]
) -> NetworkArrays:
    nodes = network.nodes
    node_zone = [zones.find(n.country, n.postal_code) for n in nodes]
    zone_class, class_zones = _zone_classes(network, [lane for _, lane in lanes])
    start, listed = _lane_lists(network, lanes, class_zones)
    node_service = np.array(
        [[s.service_id in n.services for s in network.services] for n in nodes], np.uint8
    ).reshape(len(nodes), len(network.services))
    carriers: dict[tuple[int, int, bytes], int] = {}
    node_carrier = [
        carriers.setdefault((int(zone_class[z]), n.processing_seconds, own.tobytes()), len(carriers))
        for z, n, own in zip(node_zone, nodes, node_service, strict=True)
    ]
    node_zone_class = zone_class[np.array(node_zone, int)].astype(np.int16)
    processing_seconds = np.array([n.processing_seconds for n in nodes], np.int64)
    carrier_node = np.unique(node_carrier, return_index=True)[1].astype(np.int32)
    lane_chord2 = np.array([_reach(lane) for _, lane in lanes], np.float64)
    transit_seconds = np.array([lane.transit_seconds for _, lane in lanes], np.int64)
    route_start, route_chord2, route_lane, route_kind = routes_of(
        carrier_node,
        node_service,
        node_zone_class,
        processing_seconds,
        start,
        listed,
        lane_chord2,
        transit_seconds,
        len(class_zones),
    )
    bracket_start = np.cumsum([0, *(len(lane.brackets) for _, lane in lanes)])
    return NetworkArrays(
        node_xyz=frozen(np.ascontiguousarray(_places(nodes).T)),
        node_country=frozen(countries.find_many([n.country for n in nodes]).astype(np.int16)),
        node_zone_class=frozen(node_zone_class),
        node_processing_seconds=frozen(processing_seconds),
        node_service=frozen(node_service),
        node_carrier=frozen(np.array(node_carrier, np.int32)),
        carrier_node=frozen(carrier_node),
        route_start=frozen(route_start),
        route_chord2=frozen(route_chord2),
        route_lane=frozen(route_lane),
        route_kind=frozen(route_kind),
        zone_class=frozen(zone_class.astype(np.int16)),
        zone_class_count=len(class_zones),
        lane_start=frozen(start),
        lane_list=frozen(listed),
        lane_max_chord2=frozen(lane_chord2),
        lane_service=frozen(np.array([v for v, _ in lanes], np.int32)),
        lane_transit_seconds=frozen(transit_seconds),
        bracket_start=frozen(bracket_start.astype(np.int32)),
        bracket_grams=frozen(np.array([b.up_to_grams for _, lane in lanes for b in lane.brackets], np.int64)),
    )


def _places(nodes: Sequence[Node]) -> NDArray[np.float64]:
    """float64[N, 3]."""
    return unit_vectors(
        np.array([n.latitude for n in nodes], float), np.array([n.longitude for n in nodes], float)
    )


def _reach(lane: Lane) -> float:
    """Squared chord below which a place is near enough for a lane."""
    return ANYWHERE if lane.max_distance_m is None else chord2_within(lane.max_distance_m)


def _zone_classes(network: Network, lanes: Sequence[Lane]) -> tuple[NDArray[np.int64], list[str | None]]:
    """Zones that every lane treats alike share a class: class of each zone (the last entry is "no zone"),
    and one zone id of each class."""
    ids: list[str | None] = [*(z.zone_id for z in network.zones), None]
    class_of: dict[tuple[bool, ...], int] = {}
    classes, representatives = [], []
    for zone_id in ids:
        key = tuple(zone_id in lane.from_zones for lane in lanes) + tuple(
            zone_id in lane.to_zones for lane in lanes
        )
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
