"""What roles allow: single methods, nodes by label, and how often."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from router.errors import InvalidInput
from server.api.sourcing.v1 import sourcing_pb2, sourcing_pb2_grpc, stock_pb2
from server.security.asking import only_asks
from server.security.callers import Caller
from server.security.methods import AUDITED, BY_NODE, GROUP_OF, HOLDING, changed_nodes
from server.security.permissions import PermissionDenied, Permissions, QuotaExceeded
from server.security.section import RoleSection
from tests.e2e.service import failure, new_id, order
from tests.security.conftest import Guarded
from tests.security.test_calls import ASKED, level

ONE, MANY = "SourcingService/SourceOrder", "SourcingService/SourceOrders"


def test_a_role_may_allow_a_single_method(server: Guarded) -> None:
    stock = server.stock("looker")
    assert stock.GetAvailability(stock_pb2.GetAvailabilityRequest(sku_ids=["sku-001"])).availabilities
    assert failure(lambda: stock.GetReplica(ASKED)).reason == "PERMISSION_DENIED"
    promise = sourcing_pb2.GetPromiseRequest()
    assert failure(lambda: server.sourcing("looker").GetPromise(promise)).reason == "PERMISSION_DENIED"


def test_rejections_and_claims_are_of_nodes_of_the_role_only(server: Guarded) -> None:
    again = sourcing_pb2.ResourceOrderRequest(request_id=new_id())
    again.rejections.add(node_id="store-paris")
    claim = sourcing_pb2.ClaimOfferRequest(offer_id="gone", node_id="store-paris")
    offers = sourcing_pb2_grpc.OfferServiceStub(server.channel(server.issuer.token("paris-till")))
    sourcing = server.sourcing("paris-till")
    assert failure(lambda: sourcing.ResourceOrder(again)).reason == "INVALID_INPUT"
    assert failure(lambda: offers.ClaimOffer(claim)).reason == "NOT_FOUND"
    again.rejections.add(node_id="store-lille")
    claim.node_id = "store-lille"
    for call in (lambda: sourcing.ResourceOrder(again), lambda: offers.ClaimOffer(claim)):
        found = failure(call)
        assert (found.reason, found.metadata["node_id"]) == ("PERMISSION_DENIED", "store-lille")
    assert failure(lambda: server.sourcing("till").ResourceOrder(again)).reason == "INVALID_INPUT"


def test_what_may_not_be_done_is_told_before_how_often(server: Guarded) -> None:
    """And is not counted: whoever may do nothing learns nothing of quotas."""
    stock, sourcing = server.stock("slow-asker", sub="dora"), server.sourcing("slow-asker", sub="dora")
    hold = sourcing_pb2.SourceOrderRequest(order=order(("sku-003", 1)), request_id=new_id())
    ask = sourcing_pb2.SourceOrderRequest(order=order(("sku-003", 1)), validate_only=True)
    for _ in range(3):
        assert failure(lambda: stock.SetStock(level("dc-lyon"))).reason == "PERMISSION_DENIED"
        assert failure(lambda: sourcing.SourceOrder(hold)).reason == "PERMISSION_DENIED"
    assert sourcing.SourceOrder(ask).decision.plan.shipments
    assert failure(lambda: sourcing.SourceOrder(ask)).reason == "QUOTA_EXCEEDED"
    assert failure(lambda: stock.SetStock(level("dc-lyon"))).reason == "PERMISSION_DENIED"


def test_a_caller_makes_so_many_calls(server: Guarded) -> None:
    stubs = [server.stock("slow", sub=name) for name in ("bert", "carla")]
    for stub in stubs:
        for _ in range(2):
            stub.GetReplica(ASKED)
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetReplica(ASKED)
        status = rpc_status.from_call(caught.value)  # type: ignore[arg-type]
        assert status is not None
        retry = error_details_pb2.RetryInfo()
        assert status.details[1].Unpack(retry)
        assert 900 < retry.retry_delay.ToMilliseconds() / 1_000 <= 1_000
    both = server.stock("slow", "warehouse", sub="bert")
    assert [both.GetReplica(ASKED).worker for _ in range(5)] == [0] * 5


@pytest.fixture
def limited() -> tuple[Permissions, Callable[[float], None]]:
    now = [0.0]

    def passes(seconds: float) -> None:
        now[0] += seconds

    role = RoleSection(id="r", allow=("read",), calls_per_second=2.0, burst=3)
    return Permissions([role], lambda: now[0]), passes


def test_calls_fill_up_again_with_time(limited: tuple[Permissions, Callable[[float], None]]) -> None:
    permissions, passes = limited
    anna, bert = (Caller(name, frozenset({"r"})) for name in ("anna", "bert"))

    def call(caller: Caller) -> bool:
        try:
            permissions.count(caller)
        except QuotaExceeded as error:
            waits.append(error.retry_seconds)
            return False
        return True

    waits: list[float] = []
    assert [call(anna) for _ in range(5)] == [True, True, True, False, False]
    assert call(bert)
    passes(0.5)
    assert [call(anna), call(anna)] == [True, False]
    passes(1_000)
    assert [call(anna) for _ in range(4)] == [True, True, True, False]
    assert waits == [0.5] * len(waits)


def test_a_token_and_a_certificate_of_one_name_are_two_callers(
    limited: tuple[Permissions, Callable[[float], None]],
) -> None:
    permissions, _ = limited
    by_token, by_certificate = (Caller("anna", frozenset({"r"}), by_token=way) for way in (True, False))
    for _ in range(3):
        permissions.count(by_token)
    with pytest.raises(QuotaExceeded):
        permissions.count(by_token)
    permissions.count(by_certificate)


def test_a_request_is_looked_at_only_where_it_matters() -> None:
    roles = [
        RoleSection(id="asks", allow=("source",)),
        RoleSection(id="holds", allow=("source", "reserve", "stock")),
        RoleSection(id="north", allow=("stock", "nodes", "reserve"), nodes=("north",)),
    ]
    permissions = Permissions(roles)
    looked = {
        role.id: {
            method
            for method, group in GROUP_OF.items()
            if group in role.allow and permissions.needs_request(Caller("a", frozenset({role.id})), method)
        }
        for role in roles
    }
    assert looked == {"asks": HOLDING, "holds": set(), "north": BY_NODE}
    assert not permissions.needs_request(Caller("a", frozenset({"north", "holds"})), "StockService/SetStock")


@pytest.mark.parametrize(("method", "kind"), [(ONE, "SourceOrderRequest"), (MANY, "SourceOrdersRequest")])
def test_whether_a_request_only_asks_is_read_of_its_bytes(method: str, kind: str) -> None:
    request_type = getattr(sourcing_pb2, kind)
    for flag in (True, False):
        request = request_type(request_id="r", validate_only=flag)
        assert only_asks(method, request) is flag
        assert only_asks(method, request.SerializeToString()) is flag
    twice = request_type(validate_only=True).SerializeToString()
    assert only_asks(method, twice) is True
    taken_back = twice + bytes([twice[0], 0])
    assert only_asks(method, taken_back) is request_type.FromString(taken_back).validate_only is False
    with pytest.raises(InvalidInput):
        only_asks(method, b"\xff")


def test_every_method_that_changes_nodes_says_which() -> None:
    assert GROUP_OF.keys() > BY_NODE
    assert {name for name, group in GROUP_OF.items() if group in ("stock", "nodes")} | {
        "SourcingService/ResourceOrder"
    } == AUDITED
    rows = [stock_pb2.StockAdjustment(node_id=name) for name in ("a", "b", "a")]
    request = stock_pb2.AdjustStockRequest(adjustments=rows)
    assert changed_nodes("StockService/AdjustStock", request) == {"a", "b"}


def test_a_role_that_nobody_defined_allows_nothing() -> None:
    permissions = Permissions([RoleSection(id="r", allow=("read",))])
    for caller in (Caller("a", frozenset()), Caller("a", frozenset({"gone"}))):
        with pytest.raises(PermissionDenied):
            permissions.check_method(caller, "StockService/GetReplica")
