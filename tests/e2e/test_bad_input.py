"""Wrong orders: each gets an error that names its field, and nothing is held."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp

from server.api.sourcing.v1 import reservation_pb2, sourcing_pb2, stock_pb2
from server.guard import Call, check_wanted
from server.status import CallExpired, parse_status
from tests.e2e.service import START_SECONDS, Service, failure, hold, new_id, nodes_of, order, paths

Change = Callable[[sourcing_pb2.Order], object]


def line(order_: sourcing_pb2.Order) -> sourcing_pb2.OrderLine:
    return order_.lines[0]


WRONG: dict[str, tuple[Change, list[str]]] = {
    "no order id": (lambda o: o.ClearField("order_id"), ["order.order_id"]),
    "order id too long": (lambda o: setattr(o, "order_id", "é" * 65), ["order.order_id"]),
    "no lines": (lambda o: o.ClearField("lines"), ["order.lines"]),
    "too many lines": (
        lambda o: [o.lines.add(line_id=f"x{i}", sku_id="sku-000", quantity=1) for i in range(200)],
        ["order.lines"],
    ),
    "unknown SKU": (lambda o: setattr(line(o), "sku_id", "what"), ["order.lines[0].sku_id"]),
    "no SKU": (lambda o: line(o).ClearField("sku_id"), ["order.lines[0].sku_id"] * 2),
    "no line id": (lambda o: line(o).ClearField("line_id"), ["order.lines[0].line_id"]),
    "line id twice": (
        lambda o: o.lines.add(line_id="1", sku_id="sku-001", quantity=1),
        ["order.lines[1].line_id"],
    ),
    "no units": (lambda o: setattr(line(o), "quantity", 0), ["order.lines[0].quantity"]),
    "negative units": (lambda o: setattr(line(o), "quantity", -1), ["order.lines[0].quantity"]),
    "huge units": (lambda o: setattr(line(o), "quantity", 2**63 - 1), ["order.lines[0].quantity"]),
    "negative value": (
        lambda o: setattr(line(o), "unit_value_cents", -1),
        ["order.lines[0].unit_value_cents"],
    ),
    "no destination": (
        lambda o: o.ClearField("destination"),
        ["order.destination"],
    ),
    "no latitude": (lambda o: o.destination.ClearField("latitude"), ["order.destination.latitude"]),
    "no longitude": (lambda o: o.destination.ClearField("longitude"), ["order.destination.longitude"]),
    "latitude is no number": (
        lambda o: setattr(o.destination, "latitude", float("nan")),
        ["order.destination.latitude"],
    ),
    "longitude is infinite": (
        lambda o: setattr(o.destination, "longitude", float("-inf")),
        ["order.destination.longitude"],
    ),
    "beyond the pole": (lambda o: setattr(o.destination, "latitude", 90.1), ["order.destination.latitude"]),
    "no country": (
        lambda o: o.destination.ClearField("country_code"),
        ["order.destination.country_code"],
    ),
    "unknown country": (
        lambda o: setattr(o.destination, "country_code", "XX"),
        ["order.destination.country_code"],
    ),
    "country in small letters": (
        lambda o: setattr(o.destination, "country_code", "fr"),
        ["order.destination.country_code"],
    ),
    "unknown profile": (lambda o: setattr(o, "sourcing_profile", "x"), ["order.sourcing_profile"]),
    "unknown channel": (lambda o: setattr(o, "sales_channel", 99), ["order.sales_channel"]),
    "deadline in the past": (
        lambda o: setattr(o.deliver_by_time, "seconds", START_SECONDS - 1),
        ["order.deliver_by_time"],
    ),
    "deadline is no time": (
        lambda o: o.deliver_by_time.CopyFrom(Timestamp(seconds=2**62)),
        ["order.deliver_by_time"],
    ),
    "everything at once": (
        lambda o: [
            setattr(line(o), "quantity", -5),
            o.destination.ClearField("latitude"),
            setattr(o, "sales_channel", -1),
            setattr(o, "order_id", ""),
        ],
        [
            "order.destination.latitude",
            "order.sales_channel",
            "order.order_id",
            "order.lines[0].quantity",
        ],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_order_is_refused_field_by_field(
    service: Service, nothing_held: Callable[[], None], name: str
) -> None:
    change, expected = WRONG[name]
    wrong = order(("sku-000", 1))
    change(wrong)
    for call in (service.quote, service.reserve):
        found = failure(lambda call=call: call(wrong))
        assert found.code is grpc.StatusCode.INVALID_ARGUMENT
        assert paths(found) == expected
        assert found.reason == ("DEADLINE_PASSED" if name == "deadline in the past" else "INVALID_INPUT")
    request = sourcing_pb2.RankNodesRequest(order=wrong)
    assert paths(failure(lambda: service.sourcing.RankNodes(request))) == expected
    nothing_held()


def test_a_wrong_envelope_is_refused_together_with_its_order(
    service: Service, nothing_held: Callable[[], None]
) -> None:
    request = sourcing_pb2.SourceOrderRequest(order=order(("sku-000", -1)), hold_seconds=-1)
    assert paths(failure(lambda: service.sourcing.SourceOrder(request))) == [
        "request_id",
        "hold_seconds",
        "order.lines[0].quantity",
    ]
    empty = sourcing_pb2.SourceOrderRequest(request_id="x" * 129)
    assert paths(failure(lambda: service.sourcing.SourceOrder(empty))) == ["request_id", "order"]


def test_names_that_nobody_knows_are_told_together_with_what_is_missing(
    service: Service, nothing_held: Callable[[], None]
) -> None:
    wrong = order(("what", -1), sourcing_profile="x")
    wrong.destination.ClearField("latitude")
    expected = [
        "destination.latitude",
        "lines[0].quantity",
        "lines[0].sku_id",
        "sourcing_profile",
    ]
    of_order = [f"order.{path}" for path in expected]
    for call in (service.quote, service.reserve):
        assert paths(failure(lambda call=call: call(wrong))) == of_order
        # A day has 86,400 seconds, a week 604,800.
        found = failure(lambda call=call: call(wrong, hold_seconds=604_801))
        assert paths(found) == ["hold_seconds", *of_order]
    request = sourcing_pb2.RankNodesRequest(order=wrong, max_nodes_per_line=-1)
    assert paths(failure(lambda: service.sourcing.RankNodes(request))) == ["max_nodes_per_line", *of_order]
    unknown = order(("what", 1))
    request = sourcing_pb2.RankNodesRequest(order=unknown, max_nodes_per_line=-1)
    found = failure(lambda: service.sourcing.RankNodes(request))
    assert paths(found) == ["max_nodes_per_line", "order.lines[0].sku_id"]
    batch = sourcing_pb2.SourceOrdersRequest(
        orders=[order(("sku-000", 1)), wrong], hold_seconds=-1, validate_only=True
    )
    found = failure(lambda: service.sourcing.SourceOrders(batch))
    assert paths(found) == ["hold_seconds", *(f"orders[1].{path}" for path in expected)]
    batch.hold_seconds = 0
    results = service.sourcing.SourceOrders(batch).results
    assert [v.field for v in parse_status(results[1].error).violations] == of_order


def test_a_delivery_to_nowhere_known_is_told_together_with_what_is_missing(
    service: Service, nothing_held: Callable[[], None]
) -> None:
    wrong = order(("what", 1))
    wrong.ClearField("destination")
    wrong.deliveries.add(delivery_id="a", destination=sourcing_pb2.Destination(country_code="XX"))
    wrong.deliveries.add(delivery_id="b", pickup_node_id="nowhere")
    assert sorted(paths(failure(lambda: service.quote(wrong)))) == [
        "order.deliveries[0].delivery_id",
        "order.deliveries[0].destination.country_code",
        "order.deliveries[0].destination.latitude",
        "order.deliveries[0].destination.longitude",
        "order.deliveries[1].delivery_id",
        "order.deliveries[1].pickup_node_id",
        "order.lines[0].delivery_id",
        "order.lines[0].sku_id",
    ]


def test_too_many_rows_are_all_that_is_looked_at(service: Service, nothing_held: Callable[[], None]) -> None:
    """They would cost most; what is wrong with each is told once there are fewer."""
    availability = stock_pb2.GetAvailabilityRequest(sku_ids=["what", *["sku-000"] * 1_000], node_ids=["x"])
    found = failure(lambda: service.stock.GetAvailability(availability))
    assert paths(found) == ["sku_ids"]
    holds = [hold("what", "store-paris", 1), *[hold("sku-000", "store-paris", 1)] * 1_000]
    create = reservation_pb2.CreateReservationRequest(request_id="x", order_id="o", holds=holds)
    found = failure(lambda: service.reservations.CreateReservation(create))
    assert paths(found) == ["holds"]


def test_zero_is_a_latitude_like_any_other(service: Service) -> None:
    equator = order(("sku-000", 1), sourcing_profile="whatever-there-is")
    equator.destination.latitude = 0.0
    equator.destination.longitude = 0.0
    decision = service.quote(equator).decision
    assert nodes_of(decision)
    assert 5_400_000 < decision.plan.shipments[0].distance_m < 5_700_000


def test_unknown_fields_are_tolerated(service: Service) -> None:
    """A caller may know a newer version of the contract."""
    asked = sourcing_pb2.SourceOrderRequest(order=order((service.sku(), 1)), validate_only=True)
    extra = bytes([0xFA, 0x3F, 5]) + b"later"  # field 1023, length-delimited
    call = service.channel.unary_unary("/sourcing.v1.SourcingService/SourceOrder")
    answer = sourcing_pb2.SourceOrderResponse.FromString(call(asked.SerializeToString() + extra))
    assert answer == service.sourcing.SourceOrder(asked)


def test_bytes_that_are_no_message(service: Service, nothing_held: Callable[[], None]) -> None:
    call = service.channel.unary_unary("/sourcing.v1.SourcingService/SourceOrder")
    found = failure(lambda: call(b"\xff\xff\xff\xff"))
    assert (found.code, paths(found)) == (grpc.StatusCode.INVALID_ARGUMENT, ["request"])


def test_a_message_too_large(service: Service, nothing_held: Callable[[], None]) -> None:
    large = order(("sku-000", 1), customer_segment="x" * 1_000_001)
    with pytest.raises(grpc.RpcError) as caught:
        service.reserve(large)
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_an_error_with_very_many_fields_still_arrives(
    service: Service, nothing_held: Callable[[], None]
) -> None:
    """Details travel as trailers, which clients refuse beyond 8 KiB."""
    name = "\N{GRINNING FACE}" * 32
    wrong = order(*[(name, -1)] * 200)
    found = failure(lambda: service.reserve(wrong))
    assert found.code is grpc.StatusCode.INVALID_ARGUMENT
    assert found.metadata["violation_count"] == "400"
    assert 5 <= len(found.violations) < 400


def test_a_callers_deadline_that_has_passed_holds_nothing(
    service: Service, nothing_held: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller gives up while its order is decided: the ledger is then not asked any more."""
    gave_up, refused = threading.Event(), threading.Event()

    def check_late(call: Call) -> None:
        gave_up.wait(30)
        with pytest.raises(CallExpired) as caught:
            check_wanted(call)
        refused.set()
        raise caught.value

    monkeypatch.setattr("server.holding.check_wanted", check_late)
    asked = sourcing_pb2.SourceOrderRequest(request_id=new_id(), order=order(("sku-000", 1)))
    call = service.sourcing.SourceOrder.future(asked, timeout=0.3)
    assert call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    gave_up.set()
    assert refused.wait(30)


def test_the_json_form_of_an_order_is_the_same_order() -> None:
    asked = order(("sku-000", 1))
    text = json.dumps(json.loads(json_format.MessageToJson(asked)))
    assert json_format.Parse(text, sourcing_pb2.Order()) == asked
