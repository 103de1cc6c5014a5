"""``decide`` for orders that state deliveries: which strategy, in which order, with which result."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from router.deliveries import Question, solve_order_of_deliveries
from router.domain import DeliveryMethod, Order
from router.ladder import Solved, Unsolved
from router.network import HOME, PICKUP_POINT
from router.places import Place, deliveries_of, place_of
from router.rules.choose import Facts, first_matching
from router.snapshot import Snapshot
from router.solver.limits import SearchLimits


@dataclass(frozen=True, slots=True)
class Answered:
    """tried: strategies in turn; the last one answered."""

    tried: list[int]
    found: Solved | Unsolved


def answer_deliveries(
    order: Order,
    snapshot: Snapshot,
    now_seconds: int,
    limits: SearchLimits,
    forbidden_nodes: frozenset[str],
) -> Answered:
    """The order under the first strategy that matches, and its fallbacks. The order must be right."""
    compiled = snapshot.compiled
    deliveries = deliveries_of(order)
    places = tuple(place_of(delivery, snapshot.network, compiled) for delivery in deliveries)
    forbidden = frozenset(row for row in (compiled.nodes.find(n) for n in forbidden_nodes) if row >= 0)
    t = strategy_of(order, snapshot)
    tried: list[int] = []
    stopped = ""
    while t >= 0:
        tried.append(t)
        question = Question(order, deliveries, places, snapshot, t, now_seconds, limits, forbidden)
        found = solve_order_of_deliveries(question)
        if isinstance(found, Solved):
            return Answered(tried, found)
        stopped = stopped or found.stopped_by
        t = int(compiled.rules.fallback[t])
    return Answered(tried, Unsolved(stopped))


def strategy_of(order: Order, snapshot: Snapshot) -> int:
    """Row of the first strategy of the order's profile whose conditions match, -1 for none."""
    compiled = snapshot.compiled
    name = order.sourcing_profile
    profile = compiled.profiles.find(name) if name else compiled.default_profile
    first, stop = compiled.rules.profile_start[profile : profile + 2].tolist()
    return first_matching(compiled.strategies, range(first, stop), facts_of(order, snapshot))


def facts_of(order: Order, snapshot: Snapshot) -> Facts:
    """What conditions look at."""
    network, compiled = snapshot.network, snapshot.compiled
    countries, zones, methods = set(), set(), set()
    for delivery in deliveries_of(order):
        place = place_of(delivery, network, compiled)
        where = place.destination
        zone = compiled.zones.find(where.country, where.postal_code)
        countries.add(where.country)
        zones.add(network.zones[zone].zone_id if zone < len(network.zones) else None)
        methods.add(delivery.method or _usual(place))
    value = 0
    for line in order.lines:
        own = line.unit_value_cents
        each = snapshot.catalogue.sku(line.sku_id).unit_value_cents if own is None else own
        value += line.quantity * each
    return Facts(
        order.sales_channel,
        value,
        order.customer_segment,
        frozenset(countries),
        frozenset(zones),
        frozenset(methods),
    )


def _usual(place: Place) -> DeliveryMethod:
    """The method that a delivery stands for which states none."""
    if place.kind == HOME:
        return DeliveryMethod.SHIP
    return DeliveryMethod.PICKUP_POINT if place.kind == PICKUP_POINT else DeliveryMethod.PICKUP


def key_of(order: Order, now_seconds: int, stock_version: int, rules_hash: str) -> str:
    """The decision id: equal inputs, equal ids."""
    facts = repr((order, now_seconds, stock_version, rules_hash)).encode()
    return blake2b(facts, digest_size=16).hexdigest()
