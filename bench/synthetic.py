"""A plain network of any size for measurements: nodes and customers anywhere in a country, two carrier
services with weight brackets, rules with every objective. Invented from a seed."""

from __future__ import annotations

import numpy as np

from router.catalogue import Catalogue, Sku
from router.domain import Destination, NodeType, Order, OrderLine
from router.network import Bracket, Lane, Network, Node, Service, Zone
from router.rules.model import RuleSet
from router.snapshot import Snapshot
from router.stock import Stock

NOW_SECONDS = 1_750_000_000
ZONES = 12
_BRACKETS = (
    (250, 450),
    (500, 550),
    (1_000, 700),
    (2_000, 850),
    (5_000, 1_200),
    (10_000, 1_700),
    (30_000, 2_500),
)
RULES = RuleSet.model_validate(
    {
        "version": 1,
        "default_profile": "all",
        "profiles": [
            {
                "id": "all",
                "strategies": [
                    {
                        "id": "standard",
                        "eligibility": [
                            {"kind": "max_distance", "name": "not-too-far", "km": 900},
                            {"kind": "min_remaining", "name": "keep-one", "units": 1},
                        ],
                        "objectives": [
                            {"kind": "shipping"},
                            {"kind": "handling"},
                            {"kind": "delay", "cents_per_day": 80},
                            {"kind": "split", "cents": 150},
                            {"kind": "stock_depth", "cents": 60, "target_units": 5},
                            {"kind": "distance", "cents_per_km": 0.15},
                            {"kind": "node_priority", "cents": 40},
                        ],
                        "limits": {"max_nodes_per_order": 4, "line_splits": "never"},
                    }
                ],
            }
        ],
    }
)


def make_snapshot(*, nodes: int, skus: int, share: float, seed: int = 1) -> Snapshot:
    """``nodes`` nodes; each stocks each of ``skus`` SKUs with probability ``share``, 2 to 11 units of it."""
    rng = np.random.default_rng((seed, nodes, skus))
    stocked = [np.flatnonzero(rng.random(nodes) < share) for _ in range(skus)]
    sku_ix = np.repeat(np.arange(skus), [len(rows) for rows in stocked]).astype(np.int32)
    node_ix = np.concatenate(stocked).astype(np.int32)
    units = rng.integers(2, 12, len(node_ix)).astype(np.int32)
    stock = Stock.of(skus, nodes, sku_ix, node_ix, units)
    return Snapshot.build(make_network(rng, nodes), make_catalogue(rng, skus), RULES, stock)


def make_network(rng: np.random.Generator, count: int) -> Network:
    """``count`` nodes in ZONES zones, served by a slow and a fast service."""
    zones = tuple(
        Zone(zone_id=f"z{i}", country="FR", postal_prefixes=(f"{i:02d}",)) for i in range(1, ZONES + 1)
    )
    near = Lane(max_distance_m=200_000, transit_seconds=86_400, brackets=_brackets(100))
    far = Lane(transit_seconds=2 * 86_400, brackets=_brackets(115))
    fast = Lane(transit_seconds=39_600, brackets=_brackets(200))
    services = (
        Service(service_id="standard", lanes=(near, far)),
        Service(service_id="express", lanes=(fast,)),
    )
    nodes = tuple(_node(rng, i) for i in range(count))
    return Network(nodes=nodes, zones=zones, services=services)


def make_catalogue(rng: np.random.Generator, count: int) -> Catalogue:
    """``count`` SKUs of 50 g to 3 kg."""
    grams, cents = rng.integers(50, 3_000, count).tolist(), rng.integers(500, 9_000, count).tolist()
    return Catalogue.from_skus(
        [Sku(sku_id=f"sku-{i:06d}", weight_grams=grams[i], unit_value_cents=cents[i]) for i in range(count)]
    )


def make_orders(snapshot: Snapshot, count: int, lines: int, seed: int = 2) -> list[Order]:
    """``count`` orders of ``lines`` different SKUs, one or two units of each."""
    rng = np.random.default_rng((seed, count, lines))
    skus = len(snapshot.catalogue)
    return [
        Order(
            order_id=f"order-{i:06d}",
            lines=tuple(
                OrderLine(
                    line_id=str(k + 1),
                    sku_id=snapshot.catalogue.ids.name(s),
                    quantity=int(rng.integers(1, 3)),
                )
                for k, s in enumerate(rng.choice(skus, lines, replace=False).tolist())
            ),
            destination=Destination(
                country="FR",
                postal_code=_postal_code(rng),
                latitude=_latitude(rng),
                longitude=_longitude(rng),
            ),
        )
        for i in range(count)
    ]


def _node(rng: np.random.Generator, i: int) -> Node:
    return Node(
        node_id=f"node-{i:05d}",
        node_type=NodeType.STORE,
        country="FR",
        latitude=_latitude(rng),
        longitude=_longitude(rng),
        postal_code=_postal_code(rng),
        services=frozenset(("standard", "express")),
        processing_seconds=int(rng.integers(1, 5)) * 7_200,
        shipment_cents=int(rng.integers(50, 200)),
        line_cents=20,
        unit_cents=10,
        priority=int(rng.integers(1, 4)),
    )


def _brackets(percent: int) -> tuple[Bracket, ...]:
    return tuple(Bracket(up_to_grams=grams, cents=cents * percent // 100) for grams, cents in _BRACKETS)


def _postal_code(rng: np.random.Generator) -> str:
    return f"{rng.integers(1, ZONES + 1):02d}100"


def _latitude(rng: np.random.Generator) -> float:
    return float(43 + 7 * rng.random())


def _longitude(rng: np.random.Generator) -> float:
    return float(-1 + 8 * rng.random())
