"""Decisions as they are sent."""

from __future__ import annotations

from dataclasses import asdict

from google.protobuf.timestamp_pb2 import Timestamp

from router.cost import Cost
from router.domain import Certificate, Decision, Onward, Pick, Plan, Shipment, Versions
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import timestamp


def decision_to_proto(decision: Decision) -> sourcing_pb2.Decision:
    """The plan is absent when nothing is sourced."""
    return sourcing_pb2.Decision(
        decision_id=decision.decision_id,
        order_id=decision.order_id,
        status=sourcing_pb2.DecisionStatus.ValueType(decision.status),
        plan=plan_to_proto(decision.plan) if decision.plan.shipments else None,
        unfilled=[
            sourcing_pb2.UnfilledLine(line_id=u.line_id, sku_id=u.sku_id, quantity=u.quantity)
            for u in decision.unfilled
        ],
        certificate=certificate_to_proto(decision.certificate),
        versions=versions_to_proto(decision.versions),
        strategy_ids=decision.strategy_ids,
        decide_time=timestamp(decision.decided_at_seconds),
        alternatives=[plan_to_proto(plan) for plan in decision.alternatives],
    )


def plan_to_proto(plan: Plan) -> sourcing_pb2.Plan:
    return sourcing_pb2.Plan(
        shipments=[shipment_to_proto(shipment) for shipment in plan.shipments],
        cost=cost_to_proto(plan.cost),
        promise_time=timestamp(plan.promise_seconds),
        deliveries=[
            sourcing_pb2.DeliveryPlan(
                delivery_id=own.delivery_id,
                cost=cost_to_proto(own.cost),
                promise_time=timestamp(own.promise_seconds),
                onward=None if own.onward is None else onward_to_proto(own.onward),
            )
            for own in plan.deliveries
        ],
    )


def onward_to_proto(onward: Onward) -> sourcing_pb2.OnwardShipment:
    return sourcing_pb2.OnwardShipment(
        node_id=onward.node_id,
        service_id=onward.service_id,
        ready_time=timestamp(onward.ready_seconds),
        parcel_count=onward.parcel_count,
        weight_grams=onward.weight_grams,
    )


def shipment_to_proto(shipment: Shipment) -> sourcing_pb2.Shipment:
    """The method is told where it is not plain."""
    method = shipment.method if shipment.delivery_id else 0
    return sourcing_pb2.Shipment(
        node_id=shipment.node_id,
        service_id=shipment.service_id,
        picks=[pick_to_proto(pick) for pick in shipment.picks],
        parcel_count=shipment.parcel_count,
        weight_grams=shipment.weight_grams,
        distance_m=shipment.distance_m,
        arrival_time=timestamp(shipment.arrival_seconds),
        cost=cost_to_proto(shipment.cost),
        delivery_method=sourcing_pb2.DeliveryMethod.ValueType(method),
        delivery_id=shipment.delivery_id,
        supply_time=later(shipment.supply_seconds),
    )


def later(seconds: int) -> Timestamp | None:
    """0 is at once."""
    return timestamp(seconds) if seconds else None


def pick_to_proto(pick: Pick) -> sourcing_pb2.Pick:
    return sourcing_pb2.Pick(
        line_id=pick.line_id,
        sku_id=pick.sku_id,
        quantity=pick.quantity,
        receipts=[
            sourcing_pb2.FromReceipt(expected_time=timestamp(r.expected_seconds), quantity=r.quantity)
            for r in pick.receipts
        ],
        backordered_quantity=pick.backordered_quantity,
    )


def cost_to_proto(cost: Cost) -> sourcing_pb2.Cost:
    return sourcing_pb2.Cost(total_cents=cost.total_cents, **asdict(cost))


def certificate_to_proto(certificate: Certificate) -> sourcing_pb2.Certificate:
    return sourcing_pb2.Certificate(
        kind=sourcing_pb2.Certificate.Kind.ValueType(certificate.kind),
        method=sourcing_pb2.Certificate.Method.ValueType(certificate.method),
        bound_cents=certificate.bound_cents,
        gap_ppm=certificate.gap_ppm,
        stopped_by=certificate.stopped_by,
    )


def versions_to_proto(versions: Versions) -> sourcing_pb2.Versions:
    return sourcing_pb2.Versions(
        rules_hash=versions.rules_hash,
        stock_version=versions.stock_version,
        engine_version=versions.engine_version,
    )
