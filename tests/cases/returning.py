"""Cases in which goods come back, in our words: a place is a node that takes parcels, and what goes back to
where it came from saves a cent."""

from __future__ import annotations

import numpy as np

from router.catalogue import Catalogue, Sku
from router.domain import Destination, NodeType, ReturnMethod
from router.network import Bracket, Lane, Network, Node, Service
from router.returns import rank_returns
from router.returns_domain import OriginalPick, OriginalShipment, Return, ReturnDecision, ReturnItem
from router.rules.model import RuleSet
from router.snapshot import Snapshot
from router.stock import Stock
from tests.cases.adapter import Case

RULES = {
    "version": 1,
    "default_profile": "p",
    "profiles": [
        {
            "id": "p",
            "strategies": [{"id": "s"}],
            "returns": {"objectives": [{"kind": "follow_source", "cents": 1}]},
        }
    ],
}


def returned(case: Case) -> ReturnDecision:
    """Where the goods of a case go."""
    shipped = case["shipped"]
    lane = Lane(brackets=(Bracket(up_to_grams=1_000, cents=100),))
    nodes = [
        Node(
            node_id=node_id,
            node_type=NodeType.WAREHOUSE,
            country="US",
            latitude=0.0,
            longitude=0.0,
            services=frozenset({"back"}),
            return_methods=frozenset({ReturnMethod.PARCEL}),
        )
        for node_id in sorted({one["location"] for one in shipped})
    ]
    skus = sorted({one["sku"] for one in shipped})
    snapshot = Snapshot.build(
        Network(nodes=tuple(nodes), return_services=(Service(service_id="back", lanes=(lane,)),)),
        Catalogue.from_skus([Sku(sku_id=sku, weight_grams=1) for sku in skus]),
        RuleSet.model_validate(RULES),
        Stock.of(len(skus), len(nodes), *(np.zeros(0, np.int32) for _ in range(3))),
    )
    [sku] = skus
    request = Return(
        items=(ReturnItem(line_id="1", sku_id=sku, quantity=case["return_qty"]),),
        from_place=Destination(country="US", latitude=0.0, longitude=0.0),
        original=tuple(
            OriginalShipment(
                node_id=one["location"],
                service_id="",
                picks=(OriginalPick(line_id="1", sku_id=one["sku"], quantity=one["qty"]),),
                shipping_cents=0,
            )
            for one in shipped
        ),
    )
    return rank_returns(request, snapshot, 0)
