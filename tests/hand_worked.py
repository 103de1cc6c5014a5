"""A small order and its best plan, worked out by hand, and ways to change one thing about either.

The order, at now = 1,750,000,000:  L1 = 2 x K1 (300 g, 1000 cents), L2 = 1 x K2 (1500 g, ships alone),
L3 = 1 x K3 (800 g, 900 cents), to latitude 48, longitude 2.
Node A stands there (0 m); node B one degree north: 6,371,000 m x pi / 180 = 111,194.9, so 111,195 m.
A has 4 K1 and 3 K2, B has 1 K3: three shipments from two nodes, all by "eco", are the only cheap way.

| part        | A: L1                  | A: L2               | B: L3                             |
|-------------|------------------------|---------------------|-----------------------------------|
| SHIPPING    | 600 g: 400 x 1.5 = 600 | 1500 g: 700 x 1.5   | 800 g: 400 x 1.5 = 600            |
|             |                        | = 1050              |                                   |
| HANDLING    | 100 + 10 + 2 x 5 = 120 | 100 + 10 + 5 = 115  | 50 + 20 + 2 = 72                  |
| STOCK_DEPTH | 4 -> 3 -> 2 of target  | 3 -> 2: 60 x 2 / 4  | not a warehouse: 0                |
|             | 4: 15 + 30 = 45        | = 30                |                                   |
| DISTANCE    | 0                      | 0                   | 111,195 x 1500 / 10^6 = 166       |
| PRIORITY    | 1st: 0                 | 0                   | 3rd: 30 x 2 = 60 for its one unit |

A arrives 3,600 + 172,800 s after now: 2.04, so 3 started days. B arrives after exactly 2.
DELAY 100 x (3 - 1) + step 50 = 250; SPLIT 200 x 2 = 400.
Sums: shipping 2250, handling 307, delay 250, split 400, stock depth 75, distance 166, priority 60: 3508.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from router.catalogue import Sku
from router.cost import Cost
from router.domain import (
    Certificate,
    CertificateKind,
    Decision,
    Destination,
    Method,
    NodeType,
    Order,
    OrderLine,
    Pick,
    Plan,
    Shipment,
    Status,
    Versions,
)
from router.network import Bracket, Lane, Network, Node, Service, Zone
from router.rules.model import RuleSet
from router.verify import States, verify
from tests.worlds import World

NOW = 1_750_000_000
DAY = 86_400
A_ARRIVES, B_ARRIVES = NOW + 3_600 + 172_800, NOW + 172_800

Edit = Callable[[Any], Any]


def network() -> Network:
    place: dict[str, Any] = {"country": "FR", "postal_code": "75001", "longitude": 2.0}
    eco = Lane(
        to_zones=frozenset({"paris"}),
        transit_seconds=172_800,
        brackets=(Bracket(up_to_grams=1000, cents=400), Bracket(up_to_grams=5000, cents=700)),
    )
    fast = Lane(
        max_distance_m=50_000, transit_seconds=40_000, brackets=(Bracket(up_to_grams=2000, cents=950),)
    )
    return Network(
        nodes=(
            Node(
                node_id="A",
                node_type=NodeType.WAREHOUSE,
                latitude=48.0,
                services=frozenset({"eco", "fast"}),
                processing_seconds=3_600,
                shipment_cents=100,
                line_cents=10,
                unit_cents=5,
                **place,
            ),
            Node(
                node_id="B",
                node_type=NodeType.STORE,
                latitude=49.0,
                services=frozenset({"eco"}),
                priority=3,
                shipment_cents=50,
                line_cents=20,
                unit_cents=2,
                **place,
            ),
        ),
        zones=(
            Zone(zone_id="france", country="FR"),
            Zone(zone_id="paris", country="FR", postal_prefixes=("75",)),
        ),
        services=(
            Service(service_id="eco", lanes=(eco,)),
            Service(service_id="fast", lanes=(fast,), excluded_sku_labels=frozenset({"fragile"})),
        ),
    )


def strategy() -> dict[str, Any]:
    return {
        "id": "main",
        "objectives": [
            {"kind": "shipping", "weight": "1.5"},
            {"kind": "handling"},
            {"kind": "delay", "free_days": 1, "cents_per_day": 100, "steps": [{"from_days": 3, "cents": 50}]},
            {"kind": "split", "cents": 200},
            {"kind": "stock_depth", "cents": 60, "target_units": 4, "nodes": {"types": ["WAREHOUSE"]}},
            {"kind": "distance", "cents_per_km": "1.5"},
            {"kind": "node_priority", "cents": 30, "per": "unit"},
        ],
    }


def rule_set(*strategies: dict[str, Any]) -> RuleSet:
    profile = {"id": "shop", "strategies": strategies}
    return RuleSet.model_validate({"version": 1, "default_profile": "shop", "profiles": [profile]})


def the_world() -> World:
    return World(
        network=network(),
        skus={
            "K1": Sku(sku_id="K1", weight_grams=300, unit_value_cents=1000),
            "K2": Sku(sku_id="K2", weight_grams=1500, unit_value_cents=2500, labels=frozenset({"fragile"})),
            "K3": Sku(sku_id="K3", weight_grams=800, unit_value_cents=900),
        },
        stock={("K1", "A"): 4, ("K1", "B"): 0, ("K2", "A"): 3, ("K3", "B"): 1, ("K3", "A"): -1},
        rules=rule_set(strategy()),
        order=Order(
            order_id="O1",
            lines=(
                OrderLine(line_id="L1", sku_id="K1", quantity=2),
                OrderLine(line_id="L2", sku_id="K2", quantity=1, ship_alone=True),
                OrderLine(line_id="L3", sku_id="K3", quantity=1),
            ),
            destination=Destination(country="FR", postal_code="75 012", latitude=48.0, longitude=2.0),
        ),
        now_seconds=NOW,
    )


def the_plan() -> Plan:
    def shipment(node_id: str, pick: tuple[str, str, int], grams: int, cost: Cost) -> Shipment:
        line_id, sku_id, quantity = pick
        return Shipment(
            node_id=node_id,
            service_id="eco",
            picks=(Pick(line_id=line_id, sku_id=sku_id, quantity=quantity),),
            parcel_count=1,
            weight_grams=grams,
            distance_m=0 if node_id == "A" else 111_195,
            arrival_seconds=A_ARRIVES if node_id == "A" else B_ARRIVES,
            cost=cost,
        )

    return Plan(
        shipments=(
            shipment(
                "A", ("L1", "K1", 2), 600, Cost(shipping_cents=600, handling_cents=120, stock_depth_cents=45)
            ),
            shipment(
                "A",
                ("L2", "K2", 1),
                1500,
                Cost(shipping_cents=1050, handling_cents=115, stock_depth_cents=30),
            ),
            shipment(
                "B",
                ("L3", "K3", 1),
                800,
                Cost(shipping_cents=600, handling_cents=72, distance_cents=166, node_priority_cents=60),
            ),
        ),
        cost=Cost(
            shipping_cents=2250,
            handling_cents=307,
            delay_cents=250,
            split_cents=400,
            stock_depth_cents=75,
            distance_cents=166,
            node_priority_cents=60,
        ),
    )


def the_decision() -> Decision:
    return Decision(
        decision_id="D1",
        order_id="O1",
        status=Status.SOURCED,
        strategy_ids=("main",),
        plan=the_plan(),
        unfilled=(),
        certificate=Certificate(kind=CertificateKind.EXACT, method=Method.SUBSET_DP, bound_cents=3508),
        versions=Versions(rules_hash="r", stock_version=1, engine_version="e"),
        decided_at_seconds=NOW,
    )


def complaints(decision: Decision, world: World) -> list[str]:
    return verify(
        decision,
        world.order,
        world.network,
        world.sku_of,
        world.available,
        world.rules,
        world.now_seconds,
        world.expected,
        States(free=world.free, backlog=world.backlog, off_until=world.off),
        world.price,
    )


def assert_caught(found: list[str], expected: str) -> None:
    assert any(expected in complaint for complaint in found), found


def in_shipment(ix: int, **changes: Any) -> Edit:
    """A decision with some fields of one shipment replaced."""

    def edit(decision: Decision) -> Decision:
        shipments = list(decision.plan.shipments)
        shipments[ix] = replace(shipments[ix], **changes)
        return replace(decision, plan=replace(decision.plan, shipments=tuple(shipments)))

    return edit


def in_shipment_cost(ix: int, **changes: int) -> Edit:
    return lambda d: in_shipment(ix, cost=replace(d.plan.shipments[ix].cost, **changes))(d)


def in_plan_cost(**changes: int) -> Edit:
    return lambda d: replace(d, plan=replace(d.plan, cost=replace(d.plan.cost, **changes)))


def in_certificate(**changes: Any) -> Edit:
    return lambda d: replace(d, certificate=replace(d.certificate, **changes))


def in_decision(**changes: Any) -> Edit:
    return lambda d: replace(d, **changes)


def in_rules(**changes: Any) -> Edit:
    """A world whose one strategy has other keys."""
    return lambda w: replace(w, rules=rule_set({**strategy(), **changes}))


def in_stock(**rows: int) -> Edit:
    return lambda w: replace(w, stock={**w.stock, **{(key[:2], key[3:]): n for key, n in rows.items()}})


def in_order(**changes: Any) -> Edit:
    return lambda w: replace(w, order=replace(w.order, **changes))


def in_node(node_id: str, **changes: Any) -> Edit:
    def edit(world: World) -> World:
        nodes = tuple(replace(n, **changes) if n.node_id == node_id else n for n in world.network.nodes)
        return replace(world, network=replace(world.network, nodes=nodes))

    return edit


def rule(kind: str, **keys: Any) -> Edit:
    return in_rules(eligibility=[{"kind": kind, "name": "the rule", **keys}])
