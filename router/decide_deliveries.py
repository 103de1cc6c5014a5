"""``decide`` for orders whose deliveries are solved one by one: those that state deliveries, how they are
to be filled or what nodes are not asked, and those that may wait for goods. Which strategy, in which order,
with which result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np

from router.beyond import beyond_kernels
from router.deliveries import solve_order_of_deliveries
from router.domain import DeliveryMethod, Order
from router.kits import told_in_kits
from router.ladder import Answered, Solved, Unsolved, best_of
from router.network import HOME, PICKUP_POINT
from router.places import Place, deliveries_of, place_of
from router.question import Question
from router.rules.choose import Facts, first_matching, is_for_all
from router.scenarios import scenarios
from router.snapshot import Snapshot
from router.solver.limits import SearchLimits

TIME = "time_limit"
"""What stopped a decision whose searches took too long together."""


def by_deliveries(order: Order, snapshot: Snapshot) -> bool:
    """Is the order to be answered here? Unknown SKUs make no difference."""
    if order.deliveries or order.states_fill or order.exclusions or any(x.substitutes for x in order.lines):
        return True
    rows = snapshot.catalogue.ids.find_many([line.sku_id for line in order.lines])
    known = rows[rows >= 0]
    country = snapshot.compiled.countries.find(order.destination.country)
    beyond = beyond_kernels(snapshot, known, np.full(len(known), country, np.int16))
    return beyond is not None and bool(beyond.any())


def answer_deliveries(
    order: Order,
    snapshot: Snapshot,
    now_seconds: int,
    limits: SearchLimits,
    forbidden_nodes: frozenset[str],
) -> Answered:
    """The order under the first strategy that matches, and its fallbacks. The order must be right."""
    compiled = snapshot.compiled
    places = places_of(order, snapshot)
    forbidden = frozenset(row for row in (compiled.nodes.find(n) for n in forbidden_nodes) if row >= 0)
    t = strategy_of(order, places, snapshot)
    tried: list[int] = []
    undecided: list[tuple[int, str]] = []
    found: Solved | Unsolved = Unsolved()
    while t >= 0:
        tried.append(t)
        partial = compiled.strategies[t].limits.allow_partial and order.fill is None
        served = list(scenarios(order, snapshot.catalogue.kits, partial=partial))
        answers: list[Solved | Unsolved] = []
        for x in served:
            if answers and not limits.goes_on():
                break
            question = Question(x, snapshot, t, now_seconds, limits, forbidden)
            answers.append(_in_kits(solve_order_of_deliveries(question), x, order))
        answers += [Unsolved(TIME)] * (len(served) - len(answers))
        found = best_of(answers)
        following = int(compiled.rules.fallback[t])
        if isinstance(found, Solved) or following < 0:
            break
        if found.stopped_by:
            undecided.append((t, found.stopped_by))
        t = following
    return Answered(tried, found, tuple(undecided))


def _in_kits(found: Solved | Unsolved, served: Order, order: Order) -> Solved | Unsolved:
    """With the lines of kits in the place of their components'."""
    if isinstance(found, Unsolved) or not any(line.kit_line_id for line in served.lines):
        return found
    return replace(found, plan=told_in_kits(found.plan, served, order))


def places_of(order: Order, snapshot: Snapshot) -> tuple[Place, ...]:
    """Of its deliveries."""
    return tuple(place_of(d, snapshot.network, snapshot.compiled) for d in deliveries_of(order))


def strategy_of(order: Order, places: Sequence[Place], snapshot: Snapshot) -> int:
    """Row of the first strategy of the order's profile whose conditions match, -1 for none."""
    compiled = snapshot.compiled
    name = order.sourcing_profile
    profile = compiled.profiles.find(name) if name else compiled.default_profile
    first, stop = map(int, compiled.rules.profile_start[profile : profile + 2])
    if first < stop and is_for_all(compiled.strategies[first]):
        return first
    return first_matching(compiled.strategies, range(first, stop), facts_of(order, places, snapshot))


def facts_of(order: Order, places: Sequence[Place], snapshot: Snapshot) -> Facts:
    """What conditions look at."""
    known = snapshot.network.zones
    countries, zones, methods = set(), set(), set()
    for delivery, place in zip(deliveries_of(order), places, strict=True):
        countries.add(place.destination.country)
        zones.add(known[place.zone_ix].zone_id if place.zone_ix < len(known) else None)
        methods.add(delivery.method or _usual(place))
    rows = snapshot.catalogue.ids.find_many([line.sku_id for line in order.lines])
    value = 0
    for line, each in zip(order.lines, snapshot.catalogue.unit_value_cents[rows].tolist(), strict=True):
        value += line.quantity * (each if line.unit_value_cents is None else line.unit_value_cents)
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
