"""Good requests of every method, to begin with: mutations of what is read to the end reach furthest."""

from __future__ import annotations

from google.protobuf import json_format
from google.protobuf.message import Message

from bench.fuzz.shop import FILES, START_SECONDS
from server.api.sourcing.v1 import node_pb2, reservation_pb2, returns_pb2, sourcing_pb2, stock_pb2

_DAY = 86_400


def _order(file: str) -> sourcing_pb2.Order:
    text = (FILES / file).read_text()
    if file == "order.json":
        return json_format.Parse(text, sourcing_pb2.Order())
    return json_format.Parse(text, sourcing_pb2.SourceOrderRequest()).order


def _simple(order_id: str, sku_id: str, quantity: int) -> sourcing_pb2.Order:
    line = sourcing_pb2.OrderLine(line_id="1", sku_id=sku_id, quantity=quantity)
    place = sourcing_pb2.Destination(
        country_code="FR", postal_code="75020", latitude=48.8647, longitude=2.3984
    )
    return sourcing_pb2.Order(order_id=order_id, lines=[line], destination=place)


def _hold(expected_seconds: int = 0) -> reservation_pb2.ReservationHold:
    hold = reservation_pb2.ReservationHold(sku_id="drop", node_id="store-paris", quantity=2)
    if expected_seconds:
        hold.sku_id, hold.node_id = "tent", "dc-orleans"
        hold.expected_time.seconds = expected_seconds
    return hold


def good_requests() -> dict[str, list[Message]]:
    """By the name of the method."""
    orders = [_order("order.json"), _order("request.json"), *(_simple(f"s-{n}", "drop", n) for n in (1, 30))]
    late = _simple("s-9", "kayak", 3)
    late.exclusions.add(node_id="store-lyon").until_time.seconds = START_SECONDS + _DAY
    returned: Message = json_format.Parse(
        (FILES / "return.json").read_text(), returns_pb2.RankReturnNodesRequest()
    )
    found = _orders_of([*orders, late])
    found |= _reservations()
    found["ReturnsService/RankReturnNodes"] = [returned, _original_return()]
    found["NodeService/SetNodeState"] = [
        node_pb2.SetNodeStateRequest(request_id="n-1", node_id="store-paris", on=True),
        _switched_off(),
    ]
    found["NodeService/GetNodeState"] = [node_pb2.GetNodeStateRequest(node_id="store-paris")]
    return found


def _orders_of(orders: list[sourcing_pb2.Order]) -> dict[str, list[Message]]:
    api = sourcing_pb2
    promise = api.GetPromiseRequest(items=[api.PromiseItem(sku_id="tent", quantity=2)], with_order_by=True)
    promise.deliveries.add(destination=_simple("", "", 1).destination)
    promise.deliveries.add(pickup_node_id="store-paris")
    again = api.ResourceOrderRequest(request_id="a-1", reservation_id="r", order=orders[2])
    again.shipments.add(node_id="store-paris", service_id="bicycle").picks.add(
        line_id="1", sku_id="drop", quantity=1
    )
    again.rejections.add(node_id="store-paris", line_id="1", quantity=1, reason=1)
    return {
        "SourcingService/SourceOrder": [
            *(api.SourceOrderRequest(request_id=f"q-{i}", order=order) for i, order in enumerate(orders)),
            *(api.SourceOrderRequest(order=order, validate_only=True) for order in orders),
        ],
        "SourcingService/SourceOrders": [
            api.SourceOrdersRequest(request_id="b-1", orders=orders),
            api.SourceOrdersRequest(orders=orders, validate_only=True),
            api.SourceOrdersRequest(orders=orders[2:4], validate_only=True),
        ],
        "SourcingService/RankNodes": [
            api.RankNodesRequest(order=order, include_rejected=True) for order in orders
        ],
        "SourcingService/GetPromise": [promise],
        "SourcingService/ResourceOrder": [again],
        "SourcingService/ExplainDecision": [api.ExplainDecisionRequest(decision_id="d")],
        "OfferService/OfferOrder": [
            api.OfferOrderRequest(request_id=f"f-{i}", order=order) for i, order in enumerate(orders)
        ],
        "OfferService/ClaimOffer": [api.ClaimOfferRequest(offer_id="o", node_id="store-paris")],
    }


def _reservations() -> dict[str, list[Message]]:
    reservation, stock = reservation_pb2, stock_pb2
    expected = START_SECONDS + _DAY
    level = stock.StockLevel(sku_id="drop", node_id="store-lyon", on_hand=7)
    fed = stock.StockLevel(sku_id="tent", node_id="store-lyon", on_hand=3, sequence=2)
    fed.expected_time.seconds = expected
    change = stock.StockAdjustment(sku_id="drop", node_id="dc-orleans", delta=-3)
    return {
        "ReservationService/CreateReservation": [
            reservation.CreateReservationRequest(request_id=f"c-{i}", order_id="o", holds=[hold])
            for i, hold in enumerate((_hold(), _hold(1_750_406_400)))
        ],
        "ReservationService/ConfirmReservation": [
            reservation.ConfirmReservationRequest(reservation_id="r"),
            reservation.ConfirmReservationRequest(reservation_id="r", part=[_hold()]),
        ],
        "ReservationService/ReleaseReservation": [reservation.ReleaseReservationRequest(reservation_id="r")],
        "ReservationService/ExtendReservation": [
            reservation.ExtendReservationRequest(reservation_id="r", hold_seconds=60)
        ],
        "ReservationService/GetReservation": [reservation.GetReservationRequest(reservation_id="r")],
        "StockService/SetStock": [
            stock.SetStockRequest(request_id="l-1", levels=[level]),
            stock.SetStockRequest(feed_id="wms", levels=[fed]),
        ],
        "StockService/AdjustStock": [stock.AdjustStockRequest(request_id="j-1", adjustments=[change])],
        "StockService/GetAvailability": [stock.GetAvailabilityRequest(sku_ids=["drop", "tent"])],
        "StockService/ListStockChanges": [stock.ListStockChangesRequest(page_size=5)],
        "StockService/GetReplica": [stock.GetReplicaRequest()],
    }


def _original_return() -> Message:
    api = returns_pb2
    item = api.ReturnItem(line_id="1", sku_id="boots", quantity=1, condition=1)
    pick = api.OriginalPick(line_id="1", sku_id="boots", quantity=2, unit_value_cents=12_900)
    shipment = api.OriginalShipment(node_id="store-lyon", service_id="parcel", picks=[pick])
    return api.RankReturnNodesRequest(
        items=[item],
        drop_off_node_id="store-lyon",
        original_plan=api.OriginalPlan(shipments=[shipment]),
        sourcing_profile="shop",
    )


def _switched_off() -> Message:
    request = node_pb2.SetNodeStateRequest(request_id="n-2", node_id="store-lille")
    request.off_until_time.seconds = START_SECONDS + 3_600
    request.backlog.add(kind=1, quantity=2)
    return request
