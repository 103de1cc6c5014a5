"""A shop small enough to work out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from router.domain import NodeType, Order, OrderLine
from router.network import Bracket, Lane, Network, Node, Service
from router.rules.model import RuleSet
from tests.worlds import World, random_world


def rules_of(*strategies: dict[str, Any]) -> RuleSet:
    """A rule file of one profile."""
    profile = {"id": "p", "strategies": strategies}
    return RuleSet.model_validate({"version": 1, "default_profile": "p", "profiles": [profile]})


OWN_TYPES = ["STORE", "WAREHOUSE"]
PARIS = {"latitude": 48.8566, "longitude": 2.3522}
LYON = {"latitude": 45.7640, "longitude": 4.8357}


def small_shop() -> World:
    """Two stores in Paris, one warehouse in Lyon, one supplier in Berlin; parcels of at most 5 kg."""
    base = random_world(np.random.default_rng(0))
    lane = Lane(transit_seconds=86_400, brackets=(Bracket(up_to_grams=5_000, cents=700),))
    fr = {"country": "FR", "services": frozenset({"post"})}
    nodes = (
        Node(node_id="A", node_type=NodeType.STORE, shipment_cents=50, **fr, **PARIS),
        Node(node_id="B", node_type=NodeType.STORE, shipment_cents=50, **fr, **PARIS),
        Node(node_id="C", node_type=NodeType.WAREHOUSE, labels=frozenset({"outlet"}), **fr, **LYON),
        Node(node_id="D", node_type=NodeType.SUPPLIER, country="DE", latitude=52.52, longitude=13.405),
    )
    rules = {
        "id": "main",
        "eligibility": [
            {"kind": "max_distance", "name": "near", "km": "300.50", "nodes": {"types": OWN_TYPES[1:]}},
            {"kind": "allow_nodes", "name": "ours", "nodes": {"countries": ["FR"], "types": OWN_TYPES}},
            {"kind": "exclude_nodes", "name": "no outlet", "nodes": {"labels": ["outlet"]}},
            {"kind": "same_country", "name": "home"},
            {"kind": "min_remaining", "name": "shelf", "units": 2, "nodes": {"ids": ["B"]}},
        ],
        "objectives": [{"kind": "shipping"}, {"kind": "handling"}],
    }  # fmt: skip
    sku = replace(next(iter(base.skus.values())), sku_id="K", weight_grams=500, labels=frozenset())
    place = replace(base.order.destination, country="FR", postal_code="75001", **PARIS)
    order = Order(order_id="O", lines=(OrderLine(line_id="L", sku_id="K", quantity=2),), destination=place)
    return replace(
        base,
        network=Network(nodes=nodes, services=(Service(service_id="post", lanes=(lane,)),)),
        skus={"K": sku},
        stock={("K", "A"): 9, ("K", "B"): 3, ("K", "C"): 1, ("K", "D"): 50},
        rules=rules_of(rules),
        order=order,
    )


def with_lines(world: World, *lines: tuple[str, int], **wishes: Any) -> World:
    """The world with an order of these (SKU, quantity) lines."""
    made = tuple(
        OrderLine(line_id=f"L{i}", sku_id=sku_id, quantity=n, **wishes) for i, (sku_id, n) in enumerate(lines)
    )
    return replace(world, order=replace(world.order, lines=made))


def with_rules(world: World, *eligibility: dict[str, Any], **limits: Any) -> World:
    """The world under one strategy without objectives."""
    return replace(world, rules=rules_of({"id": "main", "eligibility": eligibility, "limits": limits}))
