"""Returns between wire messages and the vocabulary, as ``server.convert`` does it for orders."""

from __future__ import annotations

from router.domain import Destination, Order, Plan
from router.errors import InvalidInput, Violation
from router.returns_domain import (
    Condition,
    NodeRefusal,
    OriginalPick,
    OriginalShipment,
    RefundLine,
    Return,
    ReturnCost,
    ReturnDecision,
    ReturnedUnits,
    ReturnItem,
    ReturnPart,
    ReturnPlan,
    UnplacedUnits,
    return_violations,
)
from server.api.sourcing.v1 import returns_pb2
from server.convert import timestamp

DEFAULT_PLANS = 5


# Coming in


def parse_return(
    message: returns_pb2.RankReturnNodesRequest, original: tuple[OriginalShipment, ...] = ()
) -> Return:
    """``original``: the shipments of the decision that the message names. Raises InvalidInput when a field is
    missing or has no meaning; then it lists everything else that is wrong too. What only has a wrong value
    is left for ``rank_returns`` to find."""
    found: list[Violation] = []
    if message.HasField("original_plan"):
        original = tuple(_parse_shipment(shipment) for shipment in message.original_plan.shipments)
        if not original:
            found.append(Violation("original_plan.shipments", "must not be empty"))
    request = Return(
        items=tuple(_parse_item(item, f"items[{i}]", found) for i, item in enumerate(message.items)),
        from_place=_parse_place(message.from_place, found) if message.HasField("from_place") else None,
        drop_off_node_id=message.drop_off_node_id,
        original=original,
        together=message.together,
        sourcing_profile=message.sourcing_profile,
        max_plans=message.max_plans or DEFAULT_PLANS,
    )
    if found:
        raise InvalidInput(found + return_violations(request))
    return request


def _parse_item(message: returns_pb2.ReturnItem, path: str, found: list[Violation]) -> ReturnItem:
    condition = Condition.NEW
    if message.condition:
        try:
            condition = Condition(message.condition)
        except ValueError:
            found.append(Violation(f"{path}.condition", f"{message.condition} is no condition"))
    return ReturnItem(
        line_id=message.line_id,
        sku_id=message.sku_id,
        quantity=message.quantity,
        condition=condition,
        unit_value_cents=message.unit_value_cents if message.HasField("unit_value_cents") else None,
        original_node_id=message.original_node_id,
        returned_before=message.returned_before,
    )


def _parse_place(message: returns_pb2.ReturnPlace, found: list[Violation]) -> Destination:
    if not message.country_code:
        found.append(Violation("from_place.country_code", "must not be empty"))
    for name in ("latitude", "longitude"):
        if not message.HasField(name):
            found.append(Violation(f"from_place.{name}", "is missing"))
    return Destination(
        country=message.country_code,
        postal_code=message.postal_code,
        latitude=message.latitude,
        longitude=message.longitude,
    )


def _parse_shipment(message: returns_pb2.OriginalShipment) -> OriginalShipment:
    return OriginalShipment(
        node_id=message.node_id,
        service_id=message.service_id,
        picks=tuple(
            OriginalPick(
                line_id=pick.line_id,
                sku_id=pick.sku_id,
                quantity=pick.quantity,
                unit_value_cents=pick.unit_value_cents if pick.HasField("unit_value_cents") else None,
            )
            for pick in message.picks
        ),
        shipping_cents=message.shipping_cents,
    )


def original_of(order: Order, plan: Plan) -> tuple[OriginalShipment, ...]:
    """What a decision's plan sent, with the values that its order stated."""
    values = {line.line_id: line.unit_value_cents for line in order.lines}
    return tuple(
        OriginalShipment(
            node_id=shipment.node_id,
            service_id=shipment.service_id,
            picks=tuple(
                OriginalPick(
                    line_id=pick.line_id,
                    sku_id=pick.sku_id,
                    quantity=pick.quantity,
                    unit_value_cents=values[pick.line_id],
                )
                for pick in shipment.picks
            ),
            shipping_cents=shipment.cost.shipping_cents,
        )
        for shipment in plan.shipments
    )


# Going out


def return_decision_to_proto(
    decision: ReturnDecision, *, rules_hash: str, stock_version: int, engine_version: str
) -> returns_pb2.RankReturnNodesResponse:
    return returns_pb2.RankReturnNodesResponse(
        plans=[return_plan_to_proto(plan) for plan in decision.plans],
        unplaced=[unplaced_to_proto(entry) for entry in decision.unplaced],
        refunds=[refund_to_proto(line) for line in decision.refunds],
        decide_time=timestamp(decision.decided_at_seconds),
        rules_hash=rules_hash,
        stock_version=stock_version,
        engine_version=engine_version,
    )


def return_plan_to_proto(plan: ReturnPlan) -> returns_pb2.ReturnPlan:
    return returns_pb2.ReturnPlan(
        parts=[return_part_to_proto(part) for part in plan.parts],
        cost=return_cost_to_proto(plan.cost),
        unplaced=[returned_units_to_proto(units) for units in plan.unplaced],
    )


def return_part_to_proto(part: ReturnPart) -> returns_pb2.ReturnPart:
    return returns_pb2.ReturnPart(
        node_id=part.node_id,
        method=returns_pb2.ReturnMethod.ValueType(part.method),
        drop_off_node_id=part.drop_off_node_id,
        service_id=part.service_id,
        units=[returned_units_to_proto(units) for units in part.units],
        parcel_count=part.parcel_count,
        weight_grams=part.weight_grams,
        distance_m=part.distance_m,
        arrival_time=timestamp(part.arrival_seconds),
        cost=return_cost_to_proto(part.cost),
    )


def returned_units_to_proto(units: ReturnedUnits) -> returns_pb2.ReturnedUnits:
    return returns_pb2.ReturnedUnits(
        line_id=units.line_id,
        sku_id=units.sku_id,
        quantity=units.quantity,
        condition=returns_pb2.ReturnCondition.ValueType(units.condition),
        unit_value_cents=units.unit_value_cents,
        original_node_id=units.original_node_id,
        reconditioned=units.reconditioned,
    )


def return_cost_to_proto(cost: ReturnCost) -> returns_pb2.ReturnCost:
    return returns_pb2.ReturnCost(
        total_cents=cost.total_cents,
        return_shipping_cents=cost.return_shipping_cents,
        transfer_cents=cost.transfer_cents,
        return_handling_cents=cost.return_handling_cents,
        reconditioning_cents=cost.reconditioning_cents,
        split_cents=cost.split_cents,
        worth_cents=cost.worth_cents,
        stock_need_cents=cost.stock_need_cents,
        follow_source_cents=cost.follow_source_cents,
    )


def unplaced_to_proto(entry: UnplacedUnits) -> returns_pb2.UnplacedReturn:
    return returns_pb2.UnplacedReturn(
        units=returned_units_to_proto(entry.units), nodes=[refusal_to_proto(node) for node in entry.nodes]
    )


def refusal_to_proto(refusal: NodeRefusal) -> returns_pb2.ReturnRefusal:
    return returns_pb2.ReturnRefusal(
        node_id=refusal.node_id,
        rejections=[
            returns_pb2.ReturnRejection(
                reason=r.reason, rule_name=r.rule_name, value=r.value, threshold=r.threshold
            )
            for r in refusal.rejections
        ],
    )


def refund_to_proto(line: RefundLine) -> returns_pb2.RefundLine:
    return returns_pb2.RefundLine(
        line_id=line.line_id,
        sku_id=line.sku_id,
        quantity=line.quantity,
        shipment_index=line.shipment_ix,
        node_id=line.node_id,
        service_id=line.service_id,
        unit_value_cents=line.unit_value_cents,
        goods_cents=line.goods_cents,
        shipping_cents=line.shipping_cents,
    )
