"""Sourcing again between wire messages and the vocabulary, as ``server.convert`` does it for orders."""

from __future__ import annotations

from collections.abc import Iterable

from router.domain import Decision, FromReceipt, Pick
from router.errors import Violation
from router.ledger import Correction
from router.resource import Refused, Resourcing, Sent
from router.rules.resource_model import RejectionReason
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import order_to_proto
from server.convert_decision import decision_to_proto, pick_to_proto

REASONS: dict[int, RejectionReason] = {
    sourcing_pb2.REJECTION_REASON_UNSPECIFIED: "OTHER",
    sourcing_pb2.REJECTION_REASON_NOT_FOUND: "NOT_FOUND",
    sourcing_pb2.REJECTION_REASON_DAMAGED: "DAMAGED",
    sourcing_pb2.REJECTION_REASON_BUSY: "BUSY",
    sourcing_pb2.REJECTION_REASON_TIMEOUT: "TIMEOUT",
    sourcing_pb2.REJECTION_REASON_OTHER: "OTHER",
}


def parse_sent(message: sourcing_pb2.ResourceOrderRequest, found: list[Violation]) -> tuple[Sent, ...]:
    """The shipments of the plan; what is wrong with them is added to ``found``."""
    shipped = set(message.shipped_ixs)
    for i, ix in enumerate(message.shipped_ixs):
        if not 0 <= ix < len(message.shipments):
            found.append(Violation(f"shipped_ixs[{i}]", f"{ix} is no position in shipments"))
    return tuple(
        Sent(
            node_id=shipment.node_id,
            picks=tuple(_parse_pick(pick) for pick in shipment.picks),
            delivery_id=shipment.delivery_id,
            shipped=i in shipped,
        )
        for i, shipment in enumerate(message.shipments)
    )


def _parse_pick(pick: sourcing_pb2.Pick) -> Pick:
    return Pick(
        line_id=pick.line_id,
        sku_id=pick.sku_id,
        quantity=pick.quantity,
        receipts=tuple(
            FromReceipt(expected_seconds=receipt.expected_time.seconds, quantity=receipt.quantity)
            for receipt in pick.receipts
        ),
        backordered_quantity=pick.backordered_quantity,
    )


def sent_of_plan(plan: sourcing_pb2.Plan) -> tuple[Sent, ...]:
    """The shipments of a plan as it was answered."""
    return tuple(
        Sent(
            node_id=shipment.node_id,
            picks=tuple(_parse_pick(pick) for pick in shipment.picks),
            delivery_id=shipment.delivery_id,
        )
        for shipment in plan.shipments
    )


def parse_refused(
    messages: Iterable[sourcing_pb2.NodeRejection], name: str, found: list[Violation]
) -> tuple[Refused, ...]:
    """Rejections of the field ``name``; what has no meaning is added to ``found``."""
    refused = []
    for i, message in enumerate(messages):
        if message.reason not in REASONS:
            found.append(Violation(f"{name}[{i}].reason", f"{message.reason} is no reason"))
        if not message.HasField("reject_time"):
            found.append(Violation(f"{name}[{i}].reject_time", "is missing"))
        refused.append(
            Refused(
                node_id=message.node_id,
                line_id=message.line_id,
                quantity=message.quantity,
                reason=REASONS.get(message.reason, "OTHER"),
                at_seconds=message.reject_time.seconds,
            )
        )
    return tuple(refused)


def resourcing_to_proto(found: Resourcing, decision: Decision | None) -> sourcing_pb2.ResourceOrderResponse:
    """All but the reservation. decision: None when nothing is missing."""
    return sourcing_pb2.ResourceOrderResponse(
        decision=None if decision is None else decision_to_proto(decision),
        kept=[kept_to_proto(sent) for sent in found.kept],
        remainder=None if found.remainder is None else order_to_proto(found.remainder),
        corrections=[correction_to_proto(correction) for correction in found.corrections],
        attempt=found.attempt,
        max_attempts=found.max_attempts,
    )


def kept_to_proto(sent: Sent) -> sourcing_pb2.KeptShipment:
    return sourcing_pb2.KeptShipment(
        node_id=sent.node_id,
        delivery_id=sent.delivery_id,
        picks=[pick_to_proto(pick) for pick in sent.picks],
        shipped=sent.shipped,
    )


def correction_to_proto(correction: Correction) -> sourcing_pb2.StockCorrection:
    return sourcing_pb2.StockCorrection(
        sku_id=correction.sku_id, node_id=correction.node_id, gone_units=correction.gone_units
    )
