"""Who may call what, over real connections."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import grpc
import jwt
import pytest

from server.api.sourcing.v1 import (
    node_pb2,
    reservation_pb2,
    returns_pb2,
    sourcing_pb2,
    stock_pb2,
    stock_pb2_grpc,
)
from server.security.methods import GROUP_OF
from tests.e2e.service import failure, new_id, order
from tests.security.authority import Authority, Issuer, write_pair
from tests.security.conftest import Guarded

AGO = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
ASKED = stock_pb2.GetReplicaRequest()


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    found = failure(call)
    return found.code.name, found.message


def level(node: str, units: int = 5) -> stock_pb2.SetStockRequest:
    row = stock_pb2.StockLevel(sku_id="sku-001", node_id=node, on_hand=units)
    return stock_pb2.SetStockRequest(request_id=new_id(), levels=[row])


def test_a_token_that_counts_opens_what_its_role_allows(server: Guarded) -> None:
    quote = sourcing_pb2.SourceOrderRequest(order=order(("sku-002", 1)), validate_only=True)
    assert server.sourcing("shop").SourceOrder(quote).decision.plan.shipments
    assert server.stock("warehouse").GetReplica(ASKED).ledger_id
    assert server.stock("nobody-knows", "warehouse").GetReplica(ASKED).ledger_id


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"exp": AGO}, "it has expired"),
        ({"nbf": datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)}, "it does not hold yet"),
        ({"aud": "somebody"}, "it is for somebody else"),
        ({"iss": "somebody"}, "somebody else issued it"),
        ({"sub": None}, "a claim is missing"),
        ({"exp": None}, "a claim is missing"),
        ({"roles": "warehouse"}, "roles is no list of texts"),
    ],
)
def test_a_token_that_does_not_count(server: Guarded, claims: dict[str, Any], message: str) -> None:
    code, told = refusal(lambda: server.stock("warehouse", **claims).GetReplica(ASKED))
    assert code == "UNAUTHENTICATED"
    assert told.endswith(message)


def test_a_token_of_another_issuers_key_or_of_no_key(server: Guarded) -> None:
    forged = Issuer().token("warehouse")
    unsigned = jwt.encode({"sub": "x", "roles": ["warehouse"]}, None, algorithm="none")
    shared = jwt.encode({"sub": "x", "roles": ["warehouse"]}, "k" * 32, algorithm="HS256")
    wrong = {forged: "its signature is wrong", unsigned: "its algorithm is not taken"}
    wrong |= {shared: "its algorithm is not taken", "three.little.words": "it is none"}
    for token, message in wrong.items():
        stub = stock_pb2_grpc.StockServiceStub(server.channel(token))
        code, told = refusal(lambda stub=stub: stub.GetReplica(ASKED))  # type: ignore[misc]
        assert (code, told.endswith(message)) == ("UNAUTHENTICATED", True)
        assert token not in told


def test_no_token_at_all(server: Guarded) -> None:
    code, told = refusal(lambda: stock_pb2_grpc.StockServiceStub(server.channel()).GetReplica(ASKED))
    assert code == "UNAUTHENTICATED"
    assert "needs a bearer token" in told


def test_no_method_is_open_to_who_has_no_role(server: Guarded) -> None:
    """Every method of every service: a new one without a group fails here."""
    channel = server.channel(server.issuer.token("none-of-them"))
    for file in (sourcing_pb2, stock_pb2, reservation_pb2, returns_pb2, node_pb2):
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                assert f"{service.name}/{method.name}" in GROUP_OF
                call = channel.unary_unary(f"/{service.full_name}/{method.name}")
                code, told = refusal(lambda call=call: call(b""))  # type: ignore[misc]
                assert (code, method.name in told) == ("PERMISSION_DENIED", True)


def test_asking_is_not_holding(server: Guarded) -> None:
    wanted = sourcing_pb2.SourceOrderRequest(order=order(("sku-003", 1)), request_id=new_id())
    found = failure(lambda: server.sourcing("shop").SourceOrder(wanted))
    assert (found.code, found.metadata["group"]) == (grpc.StatusCode.PERMISSION_DENIED, "reserve")
    batch = sourcing_pb2.SourceOrdersRequest(orders=[order(("sku-003", 1))], request_id=new_id())
    assert failure(lambda: server.sourcing("shop").SourceOrders(batch)).reason == "PERMISSION_DENIED"
    held = server.sourcing("till").SourceOrder(wanted).reservation_id
    confirm = reservation_pb2.ConfirmReservationRequest(reservation_id=held)
    assert (
        failure(lambda: server.reservations("shop").ConfirmReservation(confirm)).reason == "PERMISSION_DENIED"
    )
    assert server.reservations("till").ConfirmReservation(confirm).reservation_id == held
    again = sourcing_pb2.SourceOrderRequest(order=order(("sku-004", 1)), request_id=wanted.request_id)
    assert failure(lambda: server.sourcing("till").SourceOrder(again)).reason == "REQUEST_ID_REUSED"


def test_only_nodes_of_the_role_are_changed(server: Guarded) -> None:
    assert server.stock("paris").SetStock(level("store-paris", 7)).stock_version
    found = failure(lambda: server.stock("paris").SetStock(level("store-lille", 7)))
    assert (found.reason, found.metadata["node_id"]) == ("PERMISSION_DENIED", "store-lille")
    assert failure(lambda: server.stock("paris").SetStock(level("dc-lyon"))).reason == "PERMISSION_DENIED"
    assert failure(lambda: server.stock("paris").SetStock(level("gone"))).reason == "INVALID_INPUT"
    off = node_pb2.SetNodeStateRequest(request_id=new_id(), node_id="store-lille")
    assert failure(lambda: server.nodes("paris").SetNodeState(off)).reason == "PERMISSION_DENIED"
    assert server.stock("paris", "warehouse").SetStock(level("dc-lyon", 3)).stock_version


def test_a_client_certificate_is_a_caller(own_server: Any) -> None:
    with own_server(mutual=True) as server:
        known, unknown = server.authority.signed("wms"), server.authority.signed("stranger")
        assert server.stock(pair=known).SetStock(level("dc-lyon")).stock_version
        assert failure(lambda: server.stock(pair=unknown).GetReplica(ASKED)).reason == "UNAUTHENTICATED"
        stub = stock_pb2_grpc.StockServiceStub(server.channel(server.issuer.token("slow"), unknown))
        assert stub.GetReplica(ASKED).ledger_id
        for pair in (
            None,
            Authority("Other root").signed("wms"),
            server.authority.signed("wms", expired=True),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                server.stock(pair=pair).GetReplica(ASKED)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE  # type: ignore[attr-defined]


def test_an_expired_or_foreign_server_certificate_is_not_trusted(server: Guarded, own_server: Any) -> None:
    stub = stock_pb2_grpc.StockServiceStub(server.channel(ca=Authority("Other root").certificate))
    with own_server(expired=True) as expired:
        for call in (stub.GetReplica, expired.stock("warehouse").GetReplica):
            with pytest.raises(grpc.RpcError) as caught:
                call(ASKED)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE  # type: ignore[attr-defined]


def test_a_renewed_certificate_is_taken_up(own_server: Any) -> None:
    with own_server() as server:
        server.stock("warehouse").GetReplica(ASKED)
        other = Authority("Next root")
        write_pair(server.folder, "server", other.signed("server"))
        token = server.issuer.token("warehouse")
        stub = stock_pb2_grpc.StockServiceStub(server.channel(token, ca=other.certificate))
        assert stub.GetReplica(ASKED).ledger_id
        (server.folder / "server.key").unlink()
        stub = stock_pb2_grpc.StockServiceStub(server.channel(token, ca=other.certificate))
        assert stub.GetReplica(ASKED).ledger_id


def test_a_half_written_certificate_leaves_the_old_in_force(own_server: Any) -> None:
    with own_server() as server:
        server.stock("warehouse").GetReplica(ASKED)
        (server.folder / "server.pem").write_bytes(b"half a file")
        assert server.stock("warehouse").GetReplica(ASKED).ledger_id


def test_fields_within_fields_without_end_are_refused(server: Guarded) -> None:
    nested = b""
    for _ in range(200):  # groups that nobody knows: field 1,000, begin and end
        nested = b"\xc3\x3e" + nested + b"\xc4\x3e"
    call = server.channel(server.issuer.token("warehouse")).unary_unary(
        "/sourcing.v1.StockService/GetReplica"
    )
    assert failure(lambda: call(nested)).reason == "INVALID_INPUT"
