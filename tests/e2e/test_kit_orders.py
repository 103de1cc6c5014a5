"""Kits over a real connection: decided and held as components."""

from __future__ import annotations

from pathlib import Path

from server.api.sourcing.v1 import sourcing_pb2
from tests.e2e.service import failure, nodes_of, order, paths, running

KITS = """\
kit_sku_id,component_sku_id,units
sku-000,sku-001,4
sku-000,sku-002,1
"""


def test_components_of_a_kit_are_held(tmp_path: Path) -> None:
    with running(tmp_path, kits=KITS) as service:
        first = service.reserve(order(("sku-000", 2)))
        [shipment] = first.decision.plan.shipments
        assert [(p.line_id, p.sku_id, p.quantity) for p in shipment.picks] == [
            ("1", "sku-001", 8),
            ("1", "sku-002", 2),
        ]
        assert service.available("sku-001")["store-paris"] == 2
        second = service.reserve(order(("sku-000", 2)))
        assert nodes_of(second.decision) == ["store-lille"]
        third = service.reserve(order(("sku-000", 3)))
        assert third.decision.status == sourcing_pb2.DECISION_STATUS_UNSOURCEABLE
        batch = service.sourcing.SourceOrders(
            sourcing_pb2.SourceOrdersRequest(orders=[order(("sku-000", 1))] * 2, validate_only=True)
        )
        assert {r.decision.plan.shipments[0].node_id for r in batch.results} == {"dc-lyon"}
        asked = sourcing_pb2.GetPromiseRequest(
            items=[sourcing_pb2.PromiseItem(sku_id="sku-000", quantity=1)],
            deliveries=[sourcing_pb2.Delivery(delivery_id="d", destination=order(("x", 1)).destination)],
        )
        assert paths(failure(lambda: service.sourcing.GetPromise(asked))) == ["items[0].sku_id"]
