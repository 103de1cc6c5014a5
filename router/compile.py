"""From network, catalogue and rules to columns. Runs once per change of any of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.catalogue import Catalogue
from router.columns import IdIndex, frozen
from router.compile_network import Routes, network_arrays
from router.countries import COUNTRY_CODES
from router.kernels.types import CatalogueArrays, NetworkArrays, RuleArrays
from router.network import LoadKind, Network
from router.offers import Offers, compile_offers
from router.returns_compile import CompiledReturns
from router.rules.compile import compile_strategies
from router.rules.compile_abroad import Abroad, compile_abroad
from router.rules.compile_eligibility import ClassTable, MethodRules, Universe
from router.rules.compile_supply import SupplyRules, compile_supply
from router.rules.model import Mistrust, RuleSet, Strategy
from router.rules.parse import rules_hash
from router.timetable import Timetable
from router.zones import ZoneIndex


@dataclass(frozen=True, slots=True)
class Compiled:
    """Columns and the ids of their rows. ``segments`` holds those that rules name; any other segment
    is row len(segments). Zone row len(zones) means "no zone". The times in ``network`` are those of origin 0:
    see ``Snapshot.at``. points, node_rows: positions of pick-up points and nodes by id, for Python what
    ``nodes`` is for kernels. capacity: int64[N, kinds of load], 0 for no limit; without rows where no node
    states any. has_mistrust: some strategy prices it, and what kernels say of handling is told apart
    afterwards. consolidates: some strategy names hubs. is_kit: bool[S]; without
    rows where there are no kits."""

    network: NetworkArrays
    routes: Routes
    timetable: Timetable
    catalogue: CatalogueArrays
    rules: RuleArrays
    by_method: MethodRules | None
    supply: SupplyRules
    abroad: Abroad
    offers: Offers
    points: dict[str, int]
    node_rows: dict[str, int]
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
    capacity: NDArray[np.int64]
    has_mistrust: bool
    consolidates: bool
    is_kit: NDArray[np.bool_]


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
    arrays, routes, timetable = network_arrays(network, zones, countries)
    lanes = [(service, lane) for service in network.services for lane in service.lanes]
    rule_arrays, by_method = compile_strategies(strategies, profile_start, universe, classes, lanes)
    return Compiled(
        network=arrays,
        routes=routes,
        timetable=timetable,
        catalogue=CatalogueArrays(
            catalogue.weight_grams, catalogue.unit_value_cents, frozen(classes.class_of_sku)
        ),
        rules=rule_arrays,
        by_method=by_method,
        supply=compile_supply(strategies, universe, classes),
        abroad=compile_abroad(strategies, universe, classes),
        offers=compile_offers(strategies, network, catalogue.ids),
        points={p.point_id: i for i, p in enumerate(network.pickup_points)},
        node_rows={n.node_id: i for i, n in enumerate(network.nodes)},
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
        capacity=_capacity(network),
        is_kit=frozen(_kits(catalogue)),
        consolidates=any(t.consolidation is not None for t in strategies),
        has_mistrust=any(isinstance(goal, Mistrust) for t in strategies for goal in t.objectives),
    )


def _kits(catalogue: Catalogue) -> NDArray[np.bool_]:
    found = np.zeros(len(catalogue) if catalogue.kits else 0, bool)
    found[[catalogue.ids.find(sku_id) for sku_id in catalogue.kits]] = True
    return found


def _capacity(network: Network) -> NDArray[np.int64]:
    if not any(node.capacity for node in network.nodes):
        return frozen(np.zeros((0, len(LoadKind)), np.int64))
    stated = [dict(node.capacity) for node in network.nodes]
    return frozen(np.array([[own.get(kind, 0) for kind in LoadKind] for own in stated], np.int64))


def _ordered(rules: RuleSet) -> tuple[tuple[Strategy, ...], list[int]]:
    """Strategies of all profiles, each profile's in the order in which they are tried."""
    strategies: list[Strategy] = []
    start = [0]
    for profile in rules.profiles:
        strategies += sorted(profile.strategies, key=lambda t: t.priority)
        start.append(len(strategies))
    return tuple(strategies), start
