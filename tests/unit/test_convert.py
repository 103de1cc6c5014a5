"""Wire messages to the vocabulary and back."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from router.cost import Cost, Part
from router.domain import (
    Certificate,
    CertificateKind,
    Decision,
    Delivery,
    DeliveryMethod,
    DeliveryPlan,
    Destination,
    FromReceipt,
    LineFill,
    Method,
    Order,
    OrderFill,
    OrderLine,
    Pick,
    Plan,
    SalesChannel,
    Shipment,
    Status,
    Unfilled,
    Versions,
)
from router.errors import InvalidInput, Violation
from router.explanation import Candidate, Explanation, LineCandidates, Rejection, Relaxation
from router.ledger import ReservationState
from server import convert, convert_decision
from server.api.sourcing.v1 import reservation_pb2, sourcing_pb2
from server.explained import explained_to_proto

NOW = 1_750_000_000
COST = Cost(
    shipping_cents=1,
    handling_cents=2,
    delay_cents=4,
    split_cents=8,
    stock_depth_cents=16,
    distance_cents=32,
    node_priority_cents=64,
    stock_price_cents=128,
    transfer_cents=256,
    lateness_cents=512,
    node_load_cents=1024,
    waiting_cents=2048,
    duty_cents=4096,
    mistrust_cents=8192,
    purchase_cents=16384,
    substitution_cents=32768,
)
PLAN = Plan(
    shipments=(
        Shipment(
            node_id="n",
            service_id="s",
            picks=(
                Pick(
                    line_id="l",
                    sku_id="k",
                    quantity=6,
                    receipts=(FromReceipt(expected_seconds=NOW + 5, quantity=2),),
                    backordered_quantity=1,
                ),
            ),
            parcel_count=2,
            weight_grams=5,
            distance_m=7,
            arrival_seconds=NOW + 11,
            cost=COST,
            delivery_id="d",
            method=DeliveryMethod.SHIP_TO_STORE,
            supply_seconds=NOW + 6,
        ),
    ),
    cost=COST,
    deliveries=(DeliveryPlan(delivery_id="d", cost=COST, promise_seconds=NOW + 11),),
)


def message(**changes: Any) -> sourcing_pb2.Order:
    fields_of = {
        "order_id": "o",
        "lines": [sourcing_pb2.OrderLine(line_id="l", sku_id="k", quantity=2)],
        "destination": sourcing_pb2.Destination(country_code="FR", latitude=0.0, longitude=-1.5),
    }
    return sourcing_pb2.Order(**{**fields_of, **changes})


def test_an_order_with_everything() -> None:
    full = message(
        lines=[
            sourcing_pb2.OrderLine(
                line_id="1", sku_id="k", quantity=5, unit_value_cents=0, together="t", ship_alone=True
            ),
            sourcing_pb2.OrderLine(line_id="3", sku_id="k", quantity=2, fill=sourcing_pb2.LINE_FILL_WHOLE),
            sourcing_pb2.OrderLine(line_id="2", sku_id="k", quantity=1),
        ],
        destination=sourcing_pb2.Destination(
            country_code="FR", postal_code="75 011", latitude=48.5, longitude=2.5
        ),
        sales_channel=sourcing_pb2.SALES_CHANNEL_KIOSK,
        customer_segment="gold",
        sourcing_profile="express",
        deliver_by_time=Timestamp(seconds=NOW + 5, nanos=999_999_999),
        fill=sourcing_pb2.ORDER_FILL_FILL_OR_KILL,
    )
    assert convert.parse_order(full, NOW) == Order(
        order_id="o",
        lines=(
            OrderLine(line_id="1", sku_id="k", quantity=5, unit_value_cents=0, together="t", ship_alone=True),
            OrderLine(line_id="3", sku_id="k", quantity=2, fill=LineFill.WHOLE),
            OrderLine(line_id="2", sku_id="k", quantity=1),
        ),
        destination=Destination(country="FR", postal_code="75 011", latitude=48.5, longitude=2.5),
        sales_channel=SalesChannel.KIOSK,
        customer_segment="gold",
        sourcing_profile="express",
        deliver_by_seconds=NOW + 5,
        fill=OrderFill.FILL_OR_KILL,
    )
    assert convert.parse_order(convert.order_to_proto(convert.parse_order(full, NOW)), NOW).fill


def test_an_unknown_fill_is_named() -> None:
    wire = message(fill=2)
    wire.lines[0].fill = 3  # type: ignore[assignment]
    with pytest.raises(InvalidInput) as caught:
        convert.parse_order(wire, NOW)
    assert [str(violation) for violation in caught.value.violations] == [
        "order.lines[0].fill: 3 is not one of FILL_OR_KILL, WHOLE",
        "order.fill: 2 is not one of FILL_OR_KILL",
    ]


def test_what_is_not_stated_has_the_documented_default() -> None:
    order = convert.parse_order(message(), NOW)
    assert order.sales_channel is SalesChannel.WEB
    assert order.deliver_by_seconds is None
    assert order.lines[0].unit_value_cents is None
    assert order.destination.latitude == 0.0


@pytest.mark.parametrize("channel", list(SalesChannel))
def test_every_sales_channel_has_the_same_number_on_the_wire(channel: SalesChannel) -> None:
    wire = sourcing_pb2.SalesChannel.Value(f"SALES_CHANNEL_{channel.name}")
    assert convert.parse_order(message(sales_channel=wire), NOW).sales_channel is channel


def test_no_enum_knows_more_than_the_vocabulary() -> None:
    for wire, inner in (
        (sourcing_pb2.SalesChannel, SalesChannel),
        (sourcing_pb2.DecisionStatus, Status),
        (sourcing_pb2.Certificate.Kind, CertificateKind),
        (sourcing_pb2.Certificate.Method, Method),
        (reservation_pb2.ReservationState, ReservationState),
    ):
        names = {name.removeprefix(prefix_of(wire)): number for name, number in wire.items() if number}
        assert names == {member.name: member.value for member in inner}


def prefix_of(wire: Any) -> str:
    return {
        "SalesChannel": "SALES_CHANNEL_",
        "DecisionStatus": "DECISION_STATUS_",
        "ReservationState": "RESERVATION_STATE_",
    }.get(wire.DESCRIPTOR.name, "")


def violations(order: sourcing_pb2.Order) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        convert.parse_order(order, NOW)
    return [violation.field for violation in caught.value.violations]


def test_what_is_missing_is_told_together_with_what_is_wrong() -> None:
    bare = message(destination=sourcing_pb2.Destination(), order_id="", sales_channel=77)
    bare.lines[0].quantity = -1
    assert violations(bare) == [
        "order.destination.country_code",
        "order.destination.latitude",
        "order.destination.longitude",
        "order.sales_channel",
        "order.order_id",
        "order.lines[0].quantity",
    ]
    assert violations(message(destination=None)) == ["order.destination"]


@pytest.mark.parametrize(
    "time",
    [Timestamp(seconds=2**40), Timestamp(seconds=-(2**40)), Timestamp(nanos=-1), Timestamp(nanos=10**9)],
)
def test_times_that_are_none(time: Timestamp) -> None:
    assert violations(message(deliver_by_time=time)) == ["order.deliver_by_time"]


def test_what_else_is_wrong_is_told_too_but_not_twice() -> None:
    def check(order: Order) -> list[Violation]:
        fields = ("order.lines[0].sku_id", "order.destination.country_code", "order.order_id")
        return [Violation(field, "is unknown") for field in fields]

    wrong = message(destination=None, order_id="x")
    with pytest.raises(InvalidInput) as caught:
        convert.parse_order(wrong, NOW, check)
    assert [violation.field for violation in caught.value.violations] == [
        "order.destination",
        "order.lines[0].sku_id",
        "order.order_id",
    ]
    # What has every field is left for ``decide`` to check.
    assert convert.parse_order(message(), NOW, check).order_id


@pytest.mark.parametrize(
    ("request_id", "hold_seconds", "held", "expected"),
    [
        ("x", 0, True, []),
        ("", 0, False, []),
        ("", 0, True, ["request_id"]),
        ("é" * 64, 1, True, []),
        ("é" * 64 + "x", 604_800, False, ["request_id"]),
        ("x", 604_801, True, ["hold_seconds"]),
        ("x", -1, False, ["hold_seconds"]),
    ],
)
def test_the_envelope(request_id: str, hold_seconds: int, held: bool, expected: list[str]) -> None:
    found = convert.envelope_violations(request_id, hold_seconds, held=held)
    assert [violation.field for violation in found] == expected


def test_a_cost_has_every_part() -> None:
    wire = convert_decision.cost_to_proto(COST)
    assert wire.total_cents == 65535
    names = [field.name for field in fields(Cost)]
    assert len(names) == len(Part)
    assert [getattr(wire, name) for name in names] == [1 << i for i in range(len(names))]


def test_a_decision_has_every_field() -> None:
    decision = Decision(
        decision_id="d",
        order_id="o",
        status=Status.PARTIAL,
        strategy_ids=("a", "b"),
        plan=PLAN,
        unfilled=(Unfilled(line_id="m", sku_id="k", quantity=9),),
        certificate=Certificate(
            kind=CertificateKind.BOUNDED, method=Method.GREEDY, bound_cents=100, gap_ppm=5, stopped_by="nodes"
        ),
        versions=Versions(rules_hash="h", stock_version=4, engine_version="e"),
        decided_at_seconds=NOW,
        alternatives=(PLAN, PLAN),
    )
    wire = convert_decision.decision_to_proto(decision)
    assert {field.name for field, _ in wire.ListFields()} == set(wire.DESCRIPTOR.fields_by_name)
    assert (wire.status, wire.certificate.kind) == (
        sourcing_pb2.DECISION_STATUS_PARTIAL,
        sourcing_pb2.Certificate.BOUNDED,
    )
    assert wire.certificate.method == sourcing_pb2.Certificate.GREEDY
    assert wire.plan.promise_time.seconds == NOW + 11
    [shipment] = wire.plan.shipments
    assert {field.name for field, _ in shipment.ListFields()} == set(shipment.DESCRIPTOR.fields_by_name)
    assert shipment.supply_time.seconds == NOW + 6
    [pick] = shipment.picks
    assert {field.name for field, _ in pick.ListFields()} == set(pick.DESCRIPTOR.fields_by_name)
    assert (pick.line_id, pick.sku_id, pick.quantity, pick.backordered_quantity) == ("l", "k", 6, 1)
    assert [(r.expected_time.seconds, r.quantity) for r in pick.receipts] == [(NOW + 5, 2)]
    assert shipment.delivery_method == sourcing_pb2.DELIVERY_METHOD_SHIP_TO_STORE
    assert (shipment.parcel_count, shipment.weight_grams, shipment.distance_m) == (2, 5, 7)
    assert wire.unfilled[0].quantity == 9
    assert list(wire.alternatives) == [wire.plan, wire.plan]


def test_deliveries_go_out_and_come_back() -> None:
    deliveries = (
        Delivery(
            delivery_id="home",
            destination=Destination(country="FR", postal_code="75001", latitude=48.0, longitude=2.0),
            method=DeliveryMethod.SHIP,
            earliest_seconds=NOW + 1,
            requested_seconds=NOW + 2,
            latest_seconds=NOW + 3,
        ),
        Delivery(delivery_id="store", node_id="n", method=DeliveryMethod.PICKUP),
        Delivery(delivery_id="point", pickup_point_id="p"),
    )
    lines = tuple(
        OrderLine(line_id=d.delivery_id, sku_id="k", quantity=1, delivery_id=d.delivery_id)
        for d in deliveries
    )
    order = Order(order_id="o", lines=lines, deliveries=deliveries, selling_node_id="n")
    assert convert.parse_order(convert.order_to_proto(order), NOW) == order


def test_every_fault_of_a_delivery_is_told() -> None:
    wire = message()
    wire.deliveries.add(delivery_id="a", destination=sourcing_pb2.Destination(latitude=1.0))
    wire.deliveries.add(delivery_method=99)  # type: ignore[arg-type]
    wire.deliveries[1].latest_time.nanos = -1
    with pytest.raises(InvalidInput) as caught:
        convert.parse_order(wire, NOW)
    assert [violation.field for violation in caught.value.violations] == [
        "order.deliveries[0].destination.country_code",
        "order.deliveries[0].destination.longitude",
        "order.deliveries[1].delivery_method",
        "order.deliveries[1].latest_time",
        "order.destination",
    ]


def test_no_plan_is_no_message() -> None:
    decision = Decision(
        decision_id="d",
        order_id="o",
        status=Status.UNSOURCEABLE,
        strategy_ids=(),
        plan=Plan(shipments=(), cost=Cost()),
        unfilled=(),
        certificate=Certificate(kind=CertificateKind.EXACT, method=Method.SUBSET_DP, bound_cents=0),
        versions=Versions(rules_hash="h", stock_version=4, engine_version="e"),
        decided_at_seconds=NOW,
    )
    assert not convert_decision.decision_to_proto(decision).HasField("plan")


def test_an_explanation_has_every_field() -> None:
    good = Candidate(
        node_id="n",
        available=3,
        distance_m=4,
        service_id="s",
        arrival_seconds=NOW,
        cost=COST,
        rejections=(),
        supply_seconds=NOW - 1,
    )
    bad = Candidate(
        node_id="m",
        available=-1,
        distance_m=4,
        service_id="",
        arrival_seconds=0,
        cost=None,
        rejections=(Rejection(reason="TOO_LATE", rule_name="r", value="v", threshold="t"),),
        taken_quantity=2,
    )
    line = LineCandidates(
        line_id="l", sku_id="k", quantity=2, candidates=(good, bad), eligible_count=1, rejected_count=1
    )
    wire = explained_to_proto(
        Explanation(
            strategy_id="s",
            lines=(line,),
            relaxations=(Relaxation(changes=("a", "b")),),
            stopped_by="time_limit",
        )
    )
    assert {field.name for field, _ in wire.ListFields()} == set(wire.DESCRIPTOR.fields_by_name)
    assert (wire.strategy_id, wire.stopped_by) == ("s", "time_limit")
    assert {field.name for field, _ in wire.lines[0].ListFields()} == set(
        wire.lines[0].DESCRIPTOR.fields_by_name
    )
    eligible, rejected = wire.lines[0].candidates
    assert (eligible.arrival_time.seconds, eligible.cost.total_cents) == (NOW, 65535)
    assert (eligible.taken_quantity, rejected.taken_quantity) == (0, 2)
    assert eligible.supply_time.seconds == NOW - 1
    assert not rejected.HasField("supply_time")
    assert not rejected.HasField("arrival_time")
    assert not rejected.HasField("cost")
    assert rejected.rejections[0] == sourcing_pb2.Rejection(
        reason="TOO_LATE", rule_name="r", value="v", threshold="t"
    )
    assert list(wire.relaxations[0].changes) == ["a", "b"]
