"""SourceOrders: many orders in one call, each with an answer or an error of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from server.api.sourcing.v1 import sourcing_pb2
from server.status import parse_status
from tests.e2e.service import Service, domain_of, failure, new_id, nodes_of, order, paths


def ask(service: Service, orders: list[sourcing_pb2.Order], **more: Any) -> list[Any]:
    request = sourcing_pb2.SourceOrdersRequest(orders=orders, **more)
    return list(service.sourcing.SourceOrders(request).results)


def test_quotes_are_those_of_single_calls_and_hold_nothing(
    service: Service, nothing_held: Callable[[], None]
) -> None:
    orders = [order((f"sku-00{n}", n + 1)) for n in range(3)]
    results = ask(service, orders, validate_only=True)
    assert [r.decision for r in results] == [service.quote(o).decision for o in orders]
    assert not any(r.HasField("error") or r.reservation_id for r in results)


def test_orders_say_what_becomes_of_them_when_something_is_missing(service: Service) -> None:
    sku = service.sku(paris=2, lille=0, lyon=0)
    either = order((sku, 1), (service.sku(paris=0, lille=0, lyon=0), 1))
    everything = order((sku, 1), order_id="all", fill=sourcing_pb2.ORDER_FILL_FILL_OR_KILL)
    everything.lines[0].fill = sourcing_pb2.LINE_FILL_FILL_OR_KILL
    results = ask(service, [either, everything], validate_only=True)
    assert [r.decision for r in results] == [service.quote(o).decision for o in (either, everything)]
    assert nodes_of(results[1].decision) == ["store-paris"]


def test_quotes_see_nothing_of_each_other(service: Service) -> None:
    sku = service.sku(paris=1, lille=0, lyon=0)
    results = ask(service, [order((sku, 1)), order((sku, 1))], validate_only=True)
    assert [nodes_of(r.decision) for r in results] == [["store-paris"], ["store-paris"]]


def test_a_wrong_order_does_not_touch_the_others(service: Service) -> None:
    sku = service.sku()
    for validate_only in (True, False):
        orders = [order((sku, 1)), order(("no-such-sku", 1)), order((sku, 0)), order((sku, 1))]
        results = ask(service, orders, request_id=new_id(), validate_only=validate_only)
        assert [r.HasField("error") for r in results] == [False, True, True, False]
        errors = [parse_status(r.error) for r in results[1:3]]
        assert [paths(e) for e in errors] == [["order.lines[0].sku_id"], ["order.lines[0].quantity"]]
        assert all(e.code is grpc.StatusCode.INVALID_ARGUMENT for e in errors)
        assert domain_of(results[1].error) == "sourcier"
        assert errors[0] == failure(lambda orders=orders: service.quote(orders[1]))
        assert not any(r.HasField("decision") for r in results[1:3])
    assert service.available(sku)["store-paris"] == 8


def test_reserving_orders_see_what_the_earlier_ones_took(service: Service) -> None:
    sku = service.sku(paris=2, lille=3, lyon=1)
    results = ask(service, [order((sku, 1)) for _ in range(6)], request_id=new_id())
    nodes = [nodes_of(r.decision) for r in results]
    # Two in Paris, one in Lille beyond its safety stock of two, one in Lyon, then nothing is left.
    assert nodes == [["store-paris"], ["store-paris"], ["store-lille"], ["dc-lyon"], [], []]
    assert [bool(r.reservation_id) for r in results] == [True] * 4 + [False] * 2
    assert [r.decision.status for r in results[4:]] == [sourcing_pb2.DECISION_STATUS_UNSOURCEABLE] * 2
    assert service.available(sku) == {"store-paris": 0, "store-lille": 0, "dc-lyon": 0}
    # Each can still be explained, although none of them saw the ledger's stock as it was.
    for result in results:
        request = sourcing_pb2.ExplainDecisionRequest(decision_id=result.decision.decision_id)
        explained = service.sourcing.ExplainDecision(request).decision
        assert explained.plan == result.decision.plan


def test_decisions_from_other_stock_have_other_ids(service: Service) -> None:
    """Between the two calls the stock version, the clock and the rules stay as they are."""
    sku, other = service.sku(paris=3, lille=0, lyon=2), service.sku(paris=3, lille=0, lyon=2)
    second = order((sku, 2))
    alone = service.quote(second).decision
    first = order((sku, 2))
    _, after = ask(service, [first, second], request_id=new_id())
    assert (nodes_of(alone), nodes_of(after.decision)) == (["store-paris"], ["dc-lyon"])
    assert alone.versions == after.decision.versions
    assert len(after.decision.decision_id) == len(alone.decision_id)
    assert after.decision.decision_id != alone.decision_id
    for decision in (alone, after.decision):
        request = sourcing_pb2.ExplainDecisionRequest(decision_id=decision.decision_id)
        explained = service.sourcing.ExplainDecision(request).decision
        assert explained.decision_id == decision.decision_id
        assert nodes_of(explained) == nodes_of(decision)
    # What orders before it took of other SKUs is none of its business.
    third = order((other, 2))
    quoted = service.quote(third).decision
    _, held = ask(service, [order((sku, 1)), third], request_id=new_id())
    assert held.decision.decision_id == quoted.decision_id


def test_a_retry_gets_the_first_answers(service: Service) -> None:
    sku, gone = service.sku(paris=2, lille=0, lyon=0), service.sku(paris=0, lille=0, lyon=0)
    orders = [order((sku, 1)), order((gone, 1)), order((sku, 1))]
    request = sourcing_pb2.SourceOrdersRequest(orders=orders, request_id=new_id())
    first = service.sourcing.SourceOrders(request)
    again = service.sourcing.SourceOrders(request)
    assert [r.reservation_id for r in first.results] == [r.reservation_id for r in again.results]
    for ix in (0, 2):
        assert first.results[ix].SerializeToString() == again.results[ix].SerializeToString()
    assert service.available(sku)["store-paris"] == 0


def test_a_retry_with_other_content_is_refused_order_by_order(service: Service) -> None:
    sku, request_id = service.sku(), new_id()
    ask(service, [order((sku, 1), order_id="a"), order((sku, 1), order_id="b")], request_id=request_id)
    results = ask(
        service, [order((sku, 1), order_id="a"), order((sku, 2), order_id="b")], request_id=request_id
    )
    assert results[0].reservation_id
    assert parse_status(results[1].error).code is grpc.StatusCode.ALREADY_EXISTS
    assert service.available(sku)["store-paris"] == 8


def test_order_ids_tell_the_holds_of_a_call_apart(service: Service) -> None:
    sku = service.sku()
    results = ask(
        service, [order((sku, 1), order_id="same"), order((sku, 1), order_id="same")], request_id=new_id()
    )
    assert results[0].reservation_id
    assert paths(parse_status(results[1].error)) == ["order.order_id"]
    assert service.available(sku)["store-paris"] == 9
    quotes = ask(service, [order((sku, 1), order_id="same")] * 2, validate_only=True)
    assert not any(r.HasField("error") for r in quotes)


def test_a_call_takes_so_many_orders(service: Service, nothing_held: Callable[[], None]) -> None:
    orders = [order(("sku-000", 1)) for _ in range(51)]
    found = failure(lambda: ask(service, orders))
    assert found.code is grpc.StatusCode.INVALID_ARGUMENT
    assert paths(found) == ["request_id", "orders"]
    assert len(ask(service, orders[:50], validate_only=True)) == 50
    assert ask(service, [], request_id=new_id()) == []


def test_all_holds_of_a_call_are_one_commit(service: Service) -> None:
    sku = service.sku()
    commits = service.world.ledger.commit_count
    ask(service, [order((sku, 1)) for _ in range(5)], request_id=new_id())
    # A tick of the expiry thread may fall in between.
    assert service.world.ledger.commit_count - commits <= 3
