"""A shop that takes goods back, small enough to work out by hand.

The customer is in Paris. store (Paris, 0 km) takes drop-offs, depot (Lyon, some 392 km) and workshop (Lille,
some 204 km) take parcels. One return service calls at all three: 500 cents up to 2 kg, 900 up to 10 kg, and
900 for each full 10 kg. A unit of ``coat`` weighs 1 kg and was sold for 10,000 cents, of ``hat`` 500 g and
2,000.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from router.catalogue import Catalogue, Sku
from router.domain import Destination, NodeType, ReturnMethod
from router.network import Bracket, Lane, Network, Node, Service
from router.returns import rank_returns
from router.returns_domain import Return, ReturnCost, ReturnDecision, ReturnItem, ReturnPlan
from router.rules.model import RuleSet
from router.snapshot import Snapshot
from router.stock import Stock
from router.verify.returns import verify_returns

NOW = 1_750_000_000
DAY = 86_400
DROP_OFF, PARCEL = ReturnMethod.DROP_OFF, ReturnMethod.PARCEL
PARIS = Destination(country="FR", postal_code="75001", latitude=48.8566, longitude=2.3522)
LYON = {"country": "FR", "latitude": 45.7640, "longitude": 4.8357}
LILLE = {"country": "FR", "latitude": 50.6292, "longitude": 3.0573}
SKUS = {
    "coat": Sku(sku_id="coat", weight_grams=1_000, unit_value_cents=10_000, labels=frozenset({"fabric"})),
    "hat": Sku(sku_id="hat", weight_grams=500, unit_value_cents=2_000, labels=frozenset({"felt"})),
    "heater": Sku(sku_id="heater", weight_grams=12_000, unit_value_cents=9_000, labels=frozenset({"gas"})),
}
TARIFF = (Bracket(up_to_grams=2_000, cents=500), Bracket(up_to_grams=10_000, cents=900))
BACK = Service(service_id="back", lanes=(Lane(transit_seconds=2 * DAY, brackets=TARIFF),))
CALLS = frozenset({"back", "out"})
NODES = {
    "depot": Node(
        node_id="depot",
        node_type=NodeType.WAREHOUSE,
        services=CALLS,
        return_methods=frozenset({PARCEL}),
        return_unit_cents=20,
        **LYON,
    ),
    "store": Node(
        node_id="store",
        node_type=NodeType.STORE,
        services=CALLS,
        return_methods=frozenset({DROP_OFF}),
        return_unit_cents=100,
        country="FR",
        latitude=PARIS.latitude,
        longitude=PARIS.longitude,
    ),
    "workshop": Node(
        node_id="workshop",
        node_type=NodeType.WAREHOUSE,
        services=CALLS,
        return_methods=frozenset({PARCEL}),
        reconditions=frozenset({"fabric"}),
        return_unit_cents=20,
        recondition_unit_cents=300,
        **LILLE,
    ),
}
NETWORK = Network(
    nodes=tuple(NODES[name] for name in sorted(NODES)),
    services=(Service(service_id="out", lanes=BACK.lanes),),
    return_services=(BACK,),
)
COAT = ReturnItem(line_id="1", sku_id="coat", quantity=1)
HAT = ReturnItem(line_id="2", sku_id="hat", quantity=2)
COSTS = ({"kind": "return_shipping"}, {"kind": "transfer"}, {"kind": "return_handling"})


def with_nodes(**changes: Mapping[str, Any]) -> Network:
    """The network with fields of some nodes changed."""
    changed = {name: replace(node, **changes.get(name, {})) for name, node in NODES.items()}
    return replace(NETWORK, nodes=tuple(changed[name] for name in sorted(changed)))


def rules_of(
    *objectives: Mapping[str, Any], eligibility: tuple[Mapping[str, Any], ...] = (), **limits: Any
) -> RuleSet:
    """One profile with such a section."""
    returns = {"eligibility": list(eligibility), "objectives": list(objectives), "limits": limits}
    profile = {"id": "p", "strategies": [{"id": "s"}], "returns": returns}
    return RuleSet.model_validate({"version": 1, "default_profile": "p", "profiles": [profile]})


def asked(*items: ReturnItem, **more: Any) -> Return:
    """A customer at home, who wants to know all the plans."""
    place = None if "drop_off_node_id" in more else PARIS
    return Return(**{"items": items, "from_place": place, "max_plans": 50, **more})


def snapshot_of(rules: RuleSet, network: Network, stock: Mapping[tuple[str, str], int]) -> Snapshot:
    """``stock``: available units by (SKU, node)."""
    catalogue = Catalogue.from_skus(list(SKUS.values()))
    row = {node.node_id: i for i, node in enumerate(network.nodes)}
    rows = [(catalogue.ids.find(sku), row[node], units) for (sku, node), units in stock.items()]
    columns = np.array(rows, np.int32).reshape(-1, 3)
    kept = Stock.of(len(catalogue), len(row), columns[:, 0], columns[:, 1], columns[:, 2])
    return Snapshot.build(network, catalogue, rules, kept)


def ranked(
    request: Return,
    rules: RuleSet,
    network: Network = NETWORK,
    stock: Mapping[tuple[str, str], int] | None = None,
) -> ReturnDecision:
    """The ranking; the verifier has nothing against it."""
    have = stock or {}
    decision = rank_returns(request, snapshot_of(rules, network, have), NOW)
    complaints = verify_returns(
        decision,
        request,
        network,
        sku_of=SKUS.__getitem__,
        available=lambda sku_id, node_id: have.get((sku_id, node_id)),
        rules=rules,
        now_seconds=NOW,
    )
    assert complaints == []
    return decision


def best(
    request: Return,
    rules: RuleSet,
    network: Network = NETWORK,
    stock: Mapping[tuple[str, str], int] | None = None,
) -> ReturnPlan:
    """The first plan."""
    return ranked(request, rules, network, stock).plans[0]


def places(plan: ReturnPlan) -> dict[str, str]:
    """Node -> method of its part."""
    return {part.node_id: part.method.name for part in plan.parts}


def by_place(decision: ReturnDecision) -> dict[str, ReturnCost]:
    """Node -> cost, of plans with one part."""
    return {plan.parts[0].node_id: plan.cost for plan in decision.plans if len(plan.parts) == 1}
