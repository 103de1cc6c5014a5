"""Requests made to hurt: lists, numbers and texts beyond what they may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor

from server.api.sourcing.v1 import sourcing_pb2
from server.client import failure_from
from server.lengths import MOST
from server.status import Failure, parse_status
from tests.e2e.service import Service, paths
from tests.security.every_request import (
    NUMBERS,
    TEXT,
    fields_of,
    good_request,
    lists_of,
    methods,
    name_of,
    shop,
    with_entries,
    with_value,
)

MAX_ORDERS = 50
"""``server.max_orders_per_call`` of the shop."""
BITS = {
    FieldDescriptor.CPPTYPE_INT32: 31,
    FieldDescriptor.CPPTYPE_INT64: 63,
    FieldDescriptor.CPPTYPE_ENUM: 31,
}
FAULTS = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with shop(tmp_path_factory.mktemp("limits") / "shop") as started:
        yield started


def ended(service: Service, method: str, request: Any) -> Failure | None:
    """How a call failed; of a batch, its only order."""
    try:
        answer = service.channel.unary_unary(method)(request.SerializeToString())
    except grpc.RpcError as error:
        return failure_from(error)
    if not method.endswith("/SourceOrders"):
        return None
    results = sourcing_pb2.SourceOrdersResponse.FromString(answer).results
    return parse_status(results[0].error) if results and results[0].HasField("error") else None


def test_good_requests_are_good(service: Service) -> None:
    """Else what is changed of them would not be looked at."""
    found = {name: ended(service, name, good_request(name)) for name in methods()}
    told = {name.rpartition("/")[2]: failed.reason for name, failed in found.items() if failed is not None}
    # One reservation is resolved once.
    resolving = {"ConfirmReservation", "ReleaseReservation", "ExtendReservation"}
    assert told.keys() - resolving == {"ExplainDecision", "ClaimOffer"}
    assert set(told.values()) == {"NOT_FOUND", "RESERVATION_STATE"}


@pytest.mark.parametrize("method", methods())
def test_a_list_that_is_too_long_is_all_that_is_told(service: Service, method: str) -> None:
    """It is seen before anything else is looked at. A new list without a limit fails here."""
    for path in lists_of(methods()[method].DESCRIPTOR):
        holder, name = path[-1].containing_type.name, path[-1].name
        most = MAX_ORDERS if holder == "SourceOrdersRequest" else MOST[holder][name]
        found = ended(service, method, with_entries(good_request(method), path, most + 1))
        assert found is not None, name_of(path)
        told = [(violation.field, violation.message) for violation in found.violations]
        at = name_of(path).replace("orders[0]", "order")
        assert told == [(at, f"{most + 1} entries, at most {most}")]


@pytest.mark.parametrize("method", methods())
def test_no_number_is_a_fault(service: Service, method: str) -> None:
    """The greatest and the least that a field can have, and one below nothing."""
    for path in fields_of(methods()[method].DESCRIPTOR, NUMBERS):
        bits = BITS.get(path[-1].cpp_type)
        values = (2**bits - 1, -(2**bits), -1) if bits else (1e308, float("inf"), float("nan"), -1.0)
        for value in values:
            found = ended(service, method, with_value(good_request(method), path, value))
            assert found is None or found.code not in FAULTS, (name_of(path), value, found)


@pytest.mark.parametrize("method", methods())
def test_no_text_is_a_fault(service: Service, method: str) -> None:
    for path in fields_of(methods()[method].DESCRIPTOR, TEXT):
        for value in (
            "",
            "x" * 129,
            "x" * 100_000,
            "\x00",
            "\n",
            "é" * 64 + "x",
            "#",
            "a@2030-01-01T00:00:00Z",
        ):
            found = ended(service, method, with_value(good_request(method), path, value))
            assert found is None or found.code not in FAULTS, (name_of(path), value[:20], found)


@pytest.mark.parametrize(
    ("method", "field", "value"),
    [
        ("SourcingService/SourceOrder", "order.lines[0].quantity", 1_000_001),
        ("SourcingService/SourceOrder", "hold_seconds", 604_801),
        ("SourcingService/GetPromise", "items[0].quantity", 1_000_001),
        ("ReservationService/CreateReservation", "holds[0].quantity", 1_000_001),
        ("ReservationService/ConfirmReservation", "part[0].quantity", 1_000_001),
        ("StockService/SetStock", "levels[0].on_hand", 1_000_000_001),
        ("StockService/SetStock", "levels[0].safety_stock", 1_000_000_001),
        ("StockService/AdjustStock", "adjustments[0].delta", -1_000_000_001),
        ("StockService/ListStockChanges", "page_size", 100_001),
        ("NodeService/SetNodeState", "backlog[0].quantity", 1_000_000_001),
        ("ReturnsService/RankReturnNodes", "items[0].quantity", 1_000_001),
    ],
)
def test_quantities_have_a_limit(service: Service, method: str, field: str, value: int) -> None:
    name = f"/sourcing.v1.{method}"
    [path] = (p for p in fields_of(methods()[name].DESCRIPTOR, NUMBERS) if name_of(p) == field)
    found = ended(service, name, with_value(good_request(name), path, value))
    assert found is not None
    assert field in paths(found)
