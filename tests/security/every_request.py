"""A good request of every method, and copies of it with any one field changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as FolderPath
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from server.api.sourcing.v1 import node_pb2, reservation_pb2, returns_pb2, sourcing_pb2, stock_pb2
from tests.e2e.files import RULES
from tests.e2e.service import PARIS, START_SECONDS, Service, hold, new_id, order, running

FILES = (sourcing_pb2, stock_pb2, reservation_pb2, returns_pb2, node_pb2)
TEXT = frozenset({FieldDescriptor.CPPTYPE_STRING})
NUMBERS = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
        FieldDescriptor.CPPTYPE_ENUM,
        FieldDescriptor.CPPTYPE_FLOAT,
        FieldDescriptor.CPPTYPE_DOUBLE,
    }
)
Path = tuple[FieldDescriptor, ...]
SKU = "sku-007"
FIRST = "r-000000000001"


@contextmanager
def shop(folder: FolderPath) -> Iterator[Service]:
    """A server that anybody may ask, with more of SKU than all requests take."""
    returns = "    returns: {objectives: [{kind: return_handling}]}\n"
    rules = RULES.replace("  - id: whatever-there-is\n", f"{returns}  - id: whatever-there-is\n")
    with running(folder, rules=rules) as started:
        level = stock_pb2.StockLevel(sku_id=SKU, node_id="store-paris", on_hand=10**9)
        started.stock.SetStock(stock_pb2.SetStockRequest(request_id=new_id(), levels=[level]))
        yield started


def methods() -> dict[str, type[Message]]:
    """The type of request of every method of the API, by ``/sourcing.v1.Service/Method``."""
    return {
        f"/{service.full_name}/{method.name}": method.input_type._concrete_class
        for file in FILES
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


def good_request(method: str) -> Message:
    """One that gets as far as it can without anything that was asked before; with ids of its own."""
    goods = order((SKU, 1))
    pick = sourcing_pb2.Pick(line_id="1", sku_id=SKU, quantity=1)
    shipment = sourcing_pb2.Shipment(node_id="store-paris", picks=[pick])
    rejection = sourcing_pb2.NodeRejection(node_id="store-paris", line_id="1", quantity=1)
    rejection.reject_time.seconds = START_SECONDS
    place: Any = {"sku_id": SKU, "node_id": "store-paris"}
    new: Any = {"request_id": new_id()}
    found: dict[str, Message] = {
        "SourceOrder": sourcing_pb2.SourceOrderRequest(**new, order=goods),
        "SourceOrders": sourcing_pb2.SourceOrdersRequest(**new, orders=[goods]),
        "RankNodes": sourcing_pb2.RankNodesRequest(order=goods),
        "GetPromise": sourcing_pb2.GetPromiseRequest(
            items=[sourcing_pb2.PromiseItem(sku_id=SKU, quantity=1)],
            deliveries=[
                sourcing_pb2.Delivery(delivery_id="d", destination=sourcing_pb2.Destination(**PARIS))
            ],
        ),
        "ResourceOrder": sourcing_pb2.ResourceOrderRequest(
            **new, reservation_id=FIRST, order=goods, shipments=[shipment], rejections=[rejection]
        ),
        "OfferOrder": sourcing_pb2.OfferOrderRequest(**new, order=goods),
        "ClaimOffer": sourcing_pb2.ClaimOfferRequest(offer_id="o", node_id="store-paris"),
        "SetStock": stock_pb2.SetStockRequest(**new, levels=[stock_pb2.StockLevel(**place, on_hand=10)]),
        "AdjustStock": stock_pb2.AdjustStockRequest(
            **new, adjustments=[stock_pb2.StockAdjustment(**place, delta=1)]
        ),
        "GetAvailability": stock_pb2.GetAvailabilityRequest(sku_ids=[SKU], node_ids=["store-paris"]),
        "CreateReservation": reservation_pb2.CreateReservationRequest(
            **new, order_id="o", holds=[hold(SKU, "store-paris", 1)]
        ),
        "ConfirmReservation": reservation_pb2.ConfirmReservationRequest(reservation_id=FIRST),
        "ReleaseReservation": reservation_pb2.ReleaseReservationRequest(reservation_id=FIRST),
        "ExtendReservation": reservation_pb2.ExtendReservationRequest(reservation_id=FIRST, hold_seconds=9),
        "GetReservation": reservation_pb2.GetReservationRequest(reservation_id=FIRST),
        "ExplainDecision": sourcing_pb2.ExplainDecisionRequest(decision_id="d"),
        "RankReturnNodes": returns_pb2.RankReturnNodesRequest(
            items=[returns_pb2.ReturnItem(line_id="1", sku_id=SKU, quantity=1)],
            from_place=returns_pb2.ReturnPlace(**PARIS),
        ),
        "SetNodeState": node_pb2.SetNodeStateRequest(**new, node_id="store-paris", on=True),
        "GetNodeState": node_pb2.GetNodeStateRequest(node_id="store-paris"),
    }
    name = method.rpartition("/")[2]
    return found[name] if name in found else methods()[method]()


def fields_of(message: Descriptor, kinds: frozenset[int], above: Path = ()) -> Iterator[Path]:
    """The path of every field of some kinds (CPPTYPE) in a message and the messages within it."""
    for field in message.fields:
        if field.message_type is not None:
            yield from fields_of(field.message_type, kinds, (*above, field))
        elif field.cpp_type in kinds:
            yield (*above, field)


def lists_of(message: Descriptor, above: Path = ()) -> Iterator[Path]:
    """The path of every list."""
    for field in message.fields:
        if field.is_repeated:
            yield (*above, field)
        if field.message_type is not None:
            yield from lists_of(field.message_type, (*above, field))


def with_value(request: Message, path: Path, value: Any) -> Message:
    """A copy whose field has the value; of lists on the way to it, their first entry."""
    copy = type(request)()
    copy.CopyFrom(request)
    _set(copy, path, value)
    return copy


def with_entries(request: Message, path: Path, count: int) -> Message:
    """A copy whose list has so many entries that say nothing."""
    copy = type(request)()
    copy.CopyFrom(request)
    holder = copy
    for field in path[:-1]:
        holder = _first(holder, field)
    entries = getattr(holder, path[-1].name)
    del entries[:]
    if path[-1].message_type is not None:
        for _ in range(count):
            entries.add()
    else:
        entries.extend([path[-1].default_value or ("" if path[-1].cpp_type in TEXT else 0)] * count)
    return copy


def name_of(path: Path) -> str:
    """As violations have it, of first entries: ``order.lines[0].sku_id``."""
    parts = [f"{field.name}[0]" if field.is_repeated else field.name for field in path[:-1]]
    return ".".join([*parts, path[-1].name])


def _set(message: Any, path: Path, value: Any) -> None:
    field = path[0]
    if len(path) > 1:
        _set(_first(message, field), path[1:], value)
    elif field.is_repeated:
        del getattr(message, field.name)[:]
        getattr(message, field.name).append(value)
    else:
        setattr(message, field.name, value)


def _first(message: Any, field: FieldDescriptor) -> Any:
    if not field.is_repeated:
        return getattr(message, field.name)
    entries = getattr(message, field.name)
    return entries[0] if entries else entries.add()
