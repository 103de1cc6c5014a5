"""Rules that speak of delivery methods, transfers and lateness, one by one, each worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.catalogue import Sku
from router.domain import (
    Decision,
    Delivery,
    DeliveryMethod,
    Destination,
    NodeType,
    Order,
    OrderLine,
    Status,
)
from router.network import PICKUP_POINT, STORE, Bracket, Lane, Network, Node, Path, PickupPoint, Service
from router.rank import rank
from router.sourcer import decide
from tests.engine import snapshot_of
from tests.small_shop import LYON, PARIS, rules_of
from tests.worlds import NOW_SECONDS, World

HOUR, DAY = 3_600, 86_400
ADDRESS = Destination(country="FR", postal_code="75002", latitude=48.87, longitude=2.34)
HOME = Delivery(delivery_id="home", destination=ADDRESS)
SHOP = Delivery(delivery_id="shop", node_id="S")
KIOSK = Delivery(delivery_id="kiosk", pickup_point_id="kiosk")
COSTS = ({"kind": "shipping"}, {"kind": "handling"})


def lane(cents: int, hours: int) -> Lane:
    return Lane(transit_seconds=hours * HOUR, brackets=(Bracket(up_to_grams=10_000, cents=cents),))


def world(*strategies: dict[str, Any], **stock: int) -> World:
    """A store in Paris and a warehouse in Lyon, whose handling costs 50. ``stock``: units of K by node."""
    nodes = (
        Node(
            node_id="S",
            node_type=NodeType.STORE,
            country="FR",
            services=frozenset({"post", "truck"}),
            pickup_lead_seconds=0,
            **PARIS,
        ),
        Node(
            node_id="W",
            node_type=NodeType.WAREHOUSE,
            country="FR",
            services=frozenset({"express", "post", "relay", "truck"}),
            shipment_cents=50,
            **LYON,
        ),
    )
    services = (
        Service(service_id="express", serves=frozenset({STORE}), lanes=(lane(900, 6),)),
        Service(service_id="post", lanes=(lane(700, 24),)),
        Service(service_id="relay", serves=frozenset({PICKUP_POINT}), lanes=(lane(300, 48),)),
        Service(service_id="truck", serves=frozenset({STORE}), is_transfer=True, lanes=(lane(200, 30),)),
    )
    return World(
        network=Network(
            nodes=nodes,
            services=services,
            pickup_points=(PickupPoint(point_id="kiosk", country="FR", **PARIS),),
        ),
        skus={
            "K": Sku(sku_id="K", weight_grams=500, unit_value_cents=1_000, labels=frozenset({"glass"})),
            "L": Sku(sku_id="L", weight_grams=500, unit_value_cents=1_000),
        },
        stock={(sku_id, node_id): units for sku_id in "KL" for node_id, units in stock.items()},
        rules=rules_of(*strategies),
        order=Order(
            order_id="O", lines=(OrderLine(line_id="a", sku_id="K", quantity=1),), destination=ADDRESS
        ),
        now_seconds=NOW_SECONDS,
    )


def strategy(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "main", "eligibility": rules, "objectives": COSTS, **more}


def order_for(world: World, *deliveries: Delivery, sku_id: str = "K") -> Order:
    """One unit for each delivery; without any, for the address."""
    lines = tuple(
        OrderLine(line_id=d.delivery_id, sku_id=sku_id, quantity=1, delivery_id=d.delivery_id)
        for d in deliveries
    )
    plain = (OrderLine(line_id="a", sku_id=sku_id, quantity=1),)
    return replace(world.order, lines=lines or plain, deliveries=deliveries)


def ask(world: World, *deliveries: Delivery, sku_id: str = "K") -> Decision:
    return decide(order_for(world, *deliveries, sku_id=sku_id), snapshot_of(world), NOW_SECONDS)


def senders(decision: Decision) -> list[tuple[str, str]]:
    """Node and method of each shipment; none for what cannot be sourced."""
    assert (decision.status is Status.SOURCED) == bool(decision.plan.shipments)
    return [(s.node_id, s.method.name) for s in decision.plan.shipments]


def refused(world: World, *deliveries: Delivery) -> list[tuple[str, str, str, str, str]]:
    """Node, reason, rule, value and what was needed of every rejection."""
    ranking = rank(order_for(world, *deliveries), snapshot_of(world), NOW_SECONDS, include_rejected=True)
    return [
        (candidate.node_id, r.reason, r.rule_name, r.value, r.threshold)
        for line in ranking.lines
        for candidate in line.candidates
        for r in candidate.rejections
    ]


def test_allow_methods() -> None:
    """The store would be cheaper by the handling of 50, but its goods are for customers who come."""
    rule = {
        "kind": "allow_methods",
        "name": "collect only",
        "nodes": {"types": ["STORE"]},
        "skus": {"labels": ["glass"]},
        "methods": ["PICKUP", "CARRY_OUT"],
    }
    shop = world(strategy(rule), S=9, W=9)
    for deliveries in ((), (HOME,)):
        assert senders(ask(shop, *deliveries)) == [("W", "SHIP")]
        assert senders(ask(shop, *deliveries, sku_id="L")) == [("S", "SHIP")]
        told = ("S", "ALLOW_METHODS", "collect only", "SHIP", "in PICKUP, CARRY_OUT")
        assert refused(shop, *deliveries) == [told]
    assert senders(ask(shop, SHOP)) == [("S", "PICKUP")]
    assert senders(ask(shop, HOME, SHOP)) == [("W", "SHIP"), ("S", "PICKUP")]
    assert senders(ask(world(strategy(rule), S=9))) == []
    assert senders(ask(shop, replace(SHOP, method=DeliveryMethod.RESERVE_AND_COLLECT))) == []


@pytest.mark.parametrize(
    ("methods", "by_method"),
    [
        (["SHIP"], {"SHIP": [], "PICKUP": [("S", "PICKUP")], "POINT": [("W", "PICKUP_POINT")]}),
        (["PICKUP"], {"SHIP": [("S", "SHIP")], "PICKUP": [("W", "SHIP_TO_STORE")],
                      "POINT": [("W", "PICKUP_POINT")]}),
        (["PICKUP", "SHIP_TO_STORE"], {"SHIP": [("S", "SHIP")], "PICKUP": [],
                                       "POINT": [("W", "PICKUP_POINT")]}),
        (["PICKUP_POINT"], {"SHIP": [("S", "SHIP")], "PICKUP": [("S", "PICKUP")], "POINT": []}),
    ],
)  # fmt: skip
def test_exclude_methods(methods: list[str], by_method: dict[str, list[tuple[str, str]]]) -> None:
    """Of all nodes: goods cannot be had by these methods, and by others as before."""
    shop = world(strategy({"kind": "exclude_methods", "name": "no", "methods": methods}), S=9, W=9)
    assert senders(ask(shop)) == senders(ask(shop, HOME)) == by_method["SHIP"]
    assert senders(ask(shop, SHOP)) == by_method["PICKUP"]
    assert senders(ask(shop, KIOSK)) == by_method["POINT"]


def test_exclude_methods_of_some_nodes_and_skus() -> None:
    rule = {
        "kind": "exclude_methods",
        "name": "fragile",
        "nodes": {"types": ["WAREHOUSE"]},
        "skus": {"labels": ["glass"]},
        "methods": ["SHIP_TO_STORE"],
    }
    shop = world(strategy(rule), W=9)
    assert senders(ask(shop, SHOP)) == []
    assert refused(shop, SHOP) == [
        ("W", "EXCLUDE_METHODS", "fragile", "SHIP_TO_STORE", "not in SHIP_TO_STORE")
    ]
    assert senders(ask(shop, SHOP, sku_id="L")) == [("W", "SHIP_TO_STORE")]
    assert senders(ask(shop)) == [("W", "SHIP")]


@pytest.mark.parametrize(("weight", "cents"), [("0.25", 50), ("1", 200), ("1.5025", 301)])
def test_transfer(weight: str, cents: int) -> None:
    """The truck's 200 times the weight, rounded half up, apart from what carriers get."""
    goal = {"kind": "transfer", "weight": weight}
    cost = ask(world(strategy(objectives=(*COSTS, goal)), W=9), SHOP).plan.cost
    assert (cost.transfer_cents, cost.shipping_cents, cost.handling_cents) == (cents, 0, 50)


def test_transfer_that_no_objective_prices_costs_nothing_and_shipping_does_not_price_it() -> None:
    found = ask(world(strategy(), W=9), SHOP)
    assert [s.service_id for s in found.plan.shipments] == ["truck"]
    assert found.plan.total_cents == 50


def test_transfer_prices_the_hubs_of_a_path() -> None:
    """Half of 200 to the hub, half of 7 (4, rounded half up) there, half of 200 on."""
    shop = world(strategy(objectives=(*COSTS, {"kind": "transfer", "weight": "0.5"})), W=9)
    hub = Node(
        node_id="H",
        node_type=NodeType.DISTRIBUTION_CENTER,
        country="FR",
        latitude=47.0,
        longitude=3.5,
        services=frozenset({"truck"}),
    )
    short = replace(lane(200, 30), max_distance_m=300_000)  # not the 392 km from Lyon to Paris
    services = tuple(
        replace(s, lanes=(short,)) if s.service_id == "truck" else s
        for s in shop.network.services
        if s.service_id != "express"
    )
    path = Path(path_id="over", services=("truck", "truck"), hubs=("H",), hub_cents=7)
    network = replace(shop.network, nodes=(hub, *shop.network.nodes), services=services, paths=(path,))
    found = ask(replace(shop, network=network), SHOP)
    assert [s.service_id for s in found.plan.shipments] == ["over"]
    assert found.plan.cost.transfer_cents == 100 + 4 + 100


LATENESS = {"kind": "lateness", "cents_per_day": 100, "steps": [{"from_days": 2, "cents": 30}]}


@pytest.mark.parametrize(
    ("requested_hours", "cents"),
    [(31, 0), (30, 0), (29, 100), (6, 100), (5, 230), (-18, 230), (-19, 330)],
)
def test_lateness(requested_hours: int, cents: int) -> None:
    """The truck arrives after 30 hours. Started days count, and from the second one on the step."""
    shop = world(strategy(objectives=(*COSTS, LATENESS)), W=9)
    asked = replace(SHOP, requested_seconds=NOW_SECONDS + requested_hours * HOUR)
    cost = ask(shop, asked).plan.cost
    assert (cost.lateness_cents, cost.delay_cents, cost.total_cents) == (cents, 0, 50 + cents)
    assert ask(shop, SHOP).plan.cost.lateness_cents == 0


@pytest.mark.parametrize(("weight", "service", "cents"), [("4.4", "truck", 440), ("4.5", "express", 450)])
def test_lateness_is_weighed_against_the_price_of_being_in_time(
    weight: str, service: str, cents: int
) -> None:
    """A day late costs 100 times the weight; express is in time and costs 450 (half of 900) more. Of equal
    costs the earlier arrival counts."""
    goals = ({"kind": "shipping", "weight": "0.5"}, {**LATENESS, "weight": weight})
    shop = world(strategy(objectives=goals), W=9)
    found = ask(shop, replace(SHOP, requested_seconds=NOW_SECONDS + 12 * HOUR))
    assert [s.service_id for s in found.plan.shipments] == [service]
    assert found.plan.total_cents == cents


def test_lateness_counts_for_each_delivery_by_itself() -> None:
    goals = ({"kind": "lateness", "cents_per_day": 100},)
    late = replace(HOME, requested_seconds=NOW_SECONDS)
    later = replace(KIOSK, requested_seconds=NOW_SECONDS)
    plan = ask(world(strategy(objectives=goals), W=9), late, later).plan
    assert [p.cost.lateness_cents for p in plan.deliveries] == [100, 200]
    assert plan.total_cents == 300


@pytest.mark.parametrize(
    ("methods", "deliveries", "matches"),
    [
        (["SHIP"], (), True),
        (["PICKUP"], (), False),
        (["SHIP"], (HOME,), True),
        (["PICKUP"], (SHOP,), True),
        (["SHIP_TO_STORE"], (SHOP,), False),
        (["PICKUP"], (replace(SHOP, method=DeliveryMethod.SHIP_TO_STORE),), False),
        (["SHIP_TO_STORE"], (replace(SHOP, method=DeliveryMethod.SHIP_TO_STORE),), True),
        (["RESERVE_AND_COLLECT"], (replace(SHOP, method=DeliveryMethod.RESERVE_AND_COLLECT),), True),
        (["PICKUP_POINT"], (KIOSK,), True),
        (["SHIP", "PICKUP"], (HOME, SHOP), True),
        (["SHIP"], (HOME, SHOP), False),
        ([], (HOME, SHOP, KIOSK), True),
    ],
)
def test_delivery_methods(methods: list[str], deliveries: tuple[Delivery, ...], matches: bool) -> None:
    """A condition on every delivery; one that asks for no method counts as the usual one of its place."""
    first = {**strategy(), "id": "first", "when": {"delivery_methods": methods}}
    rest = {**strategy(), "id": "rest"}
    found = ask(world(first, rest, S=9, W=9), *deliveries)
    assert found.status is Status.SOURCED
    assert found.strategy_ids == (("first",) if matches else ("rest",))


@pytest.mark.parametrize(
    ("max_late_days", "late_seconds", "allowed"),
    [
        (None, 300 * DAY, True),
        (0, 0, True),
        (0, 1, False),
        (1, DAY, True),
        (1, DAY + 1, False),
        (365, 365 * DAY, True),
    ],
)
def test_max_late_days(max_late_days: int | None, late_seconds: int, allowed: bool) -> None:
    """Days of 24 hours after the requested time; nothing requested, nothing late."""
    limits = {} if max_late_days is None else {"max_late_days": max_late_days}
    shop = world(strategy(limits=limits), W=9)
    asked = replace(KIOSK, requested_seconds=NOW_SECONDS + 48 * HOUR - late_seconds)
    assert senders(ask(shop, asked)) == ([("W", "PICKUP_POINT")] if allowed else [])
    assert senders(ask(shop, KIOSK)) == [("W", "PICKUP_POINT")]
    reasons = [] if allowed else ["TOO_LATE"]
    assert [reason for _, reason, *_ in refused(shop, asked)] == reasons
