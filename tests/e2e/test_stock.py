"""StockService over a real connection."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import pytest

from server.api.sourcing.v1 import stock_pb2
from tests.e2e.service import Service, failure, new_id, nodes_of, order, paths

Level, Adjustment = stock_pb2.StockLevel, stock_pb2.StockAdjustment


def set_stock(service: Service, *levels: Level, request_id: str = "") -> int:
    request = stock_pb2.SetStockRequest(request_id=request_id or new_id(), levels=levels)
    return service.stock.SetStock(request).stock_version


def adjust(service: Service, *adjustments: Adjustment, request_id: str = "") -> int:
    request = stock_pb2.AdjustStockRequest(request_id=request_id or new_id(), adjustments=adjustments)
    return service.stock.AdjustStock(request).stock_version


def test_availability_tells_every_figure(service: Service) -> None:
    sku = service.sku(paris=7, lille=5, lyon=0)
    service.reserve(order((sku, 3)))
    request = stock_pb2.GetAvailabilityRequest(sku_ids=[sku, "sku-000"])
    answer = service.stock.GetAvailability(request)
    assert [(a.sku_id, a.node_id) for a in answer.availabilities] == [
        (name, node) for name in (sku, "sku-000") for node in ("dc-lyon", "store-lille", "store-paris")
    ]
    paris, lille = answer.availabilities[2], answer.availabilities[1]
    assert (paris.on_hand, paris.reserved, paris.safety_stock, paris.available_to_promise) == (7, 3, 0, 4)
    assert (lille.on_hand, lille.reserved, lille.safety_stock, lille.available_to_promise) == (5, 0, 2, 3)
    assert answer.stock_version == service.world.ledger.version()
    request = stock_pb2.GetAvailabilityRequest(sku_ids=[sku], node_ids=["store-paris"])
    assert [a.node_id for a in service.stock.GetAvailability(request).availabilities] == ["store-paris"]


def test_the_next_decision_sees_what_was_set(service: Service) -> None:
    sku = service.sku(paris=0, lille=0, lyon=5)
    assert nodes_of(service.quote(order((sku, 1))).decision) == ["dc-lyon"]
    version = set_stock(service, Level(sku_id=sku, node_id="store-paris", on_hand=1))
    decision = service.quote(order((sku, 1))).decision
    assert nodes_of(decision) == ["store-paris"]
    assert decision.versions.stock_version == version


def test_a_new_row_is_seen_and_has_its_nodes_safety_stock(service: Service) -> None:
    assert service.available("nowhere-1") == {}
    levels = [Level(sku_id="nowhere-1", node_id=node, on_hand=3) for node in ("store-lille", "dc-lyon")]
    request_id = new_id()
    version = set_stock(service, *levels, request_id=request_id)
    assert service.available("nowhere-1") == {"store-lille": 1, "dc-lyon": 3}
    assert nodes_of(service.quote(order(("nowhere-1", 1))).decision) == ["store-lille"]
    assert nodes_of(service.quote(order(("nowhere-1", 2))).decision) == ["dc-lyon"]
    # The rows are not new any more, yet the retry is the same request.
    assert set_stock(service, *levels, request_id=request_id) == version
    set_stock(service, Level(sku_id="nowhere-1", node_id="store-lille", on_hand=9, safety_stock=0))
    set_stock(service, Level(sku_id="nowhere-1", node_id="store-lille", on_hand=4))
    assert service.available("nowhere-1")["store-lille"] == 4
    adjust(service, Adjustment(sku_id="nowhere-2", node_id="store-lille", delta=5))
    assert service.available("nowhere-2") == {"store-lille": 3}


def test_adjustments_add_up(service: Service) -> None:
    sku = service.sku()
    version = service.world.ledger.version()
    rows = [Adjustment(sku_id=sku, node_id="store-paris", delta=d) for d in (5, -3)]
    assert adjust(service, *rows) == version + 1
    assert service.available(sku)["store-paris"] == 12


def test_a_feed_may_say_less_than_is_reserved(service: Service) -> None:
    sku = service.sku(paris=5, lille=0, lyon=0)
    service.reserve(order((sku, 5)))
    set_stock(service, Level(sku_id=sku, node_id="store-paris", on_hand=3))
    assert service.available(sku)["store-paris"] == -2
    assert nodes_of(service.quote(order((sku, 1))).decision) == []


def test_a_retry_is_harmless_and_other_content_is_refused(service: Service) -> None:
    sku, request_id = service.sku(), new_id()
    row = Adjustment(sku_id=sku, node_id="store-paris", delta=1)
    version = adjust(service, row, request_id=request_id)
    assert adjust(service, row, request_id=request_id) == version
    assert service.available(sku)["store-paris"] == 11
    other = Adjustment(sku_id=sku, node_id="store-paris", delta=2)
    found = failure(lambda: adjust(service, other, request_id=request_id))
    assert (found.code, found.metadata) == (
        grpc.StatusCode.ALREADY_EXISTS,
        {"request_id": request_id},
    )
    assert request_id in found.message
    # The same id in another method is another request.
    set_stock(service, Level(sku_id=sku, node_id="store-paris", on_hand=4), request_id=request_id)
    assert service.available(sku)["store-paris"] == 4


def test_every_wrong_row_is_named_and_none_takes_effect(
    service: Service, nothing_held: Callable[[], None]
) -> None:
    good = Level(sku_id="sku-000", node_id="store-paris", on_hand=99)
    levels = [
        good,
        Level(sku_id="no-sku", node_id="store-paris", on_hand=1),
        Level(sku_id="sku-001", node_id="no-node", on_hand=1),
        Level(sku_id="sku-001", node_id="dc-lyon", on_hand=-1),
        Level(sku_id="sku-002", node_id="dc-lyon", on_hand=10**9 + 1, safety_stock=-5),
        good,
    ]
    found = failure(lambda: set_stock(service, *levels))
    assert found.code is grpc.StatusCode.INVALID_ARGUMENT
    assert sorted(paths(found)) == [
        "levels[1].sku_id",
        "levels[2].node_id",
        "levels[3].on_hand",
        "levels[4].on_hand",
        "levels[4].safety_stock",
        "levels[5]",
    ]
    assert found.metadata["violation_count"] == "6"


def test_taking_more_than_there_is_takes_nothing(service: Service) -> None:
    sku = service.sku()
    rows = [
        Adjustment(sku_id=sku, node_id="store-lille", delta=1),
        Adjustment(sku_id=sku, node_id="store-paris", delta=-11),
    ]
    assert paths(failure(lambda: adjust(service, *rows))) == ["adjustments[1].delta"]
    assert service.available(sku) == {"store-paris": 10, "store-lille": 8, "dc-lyon": 10}


@pytest.mark.parametrize("delta", [-(2**63), 2**63 - 1, 10**9 + 1])
def test_huge_changes_are_refused(service: Service, nothing_held: Callable[[], None], delta: int) -> None:
    row = Adjustment(sku_id="sku-000", node_id="store-paris", delta=delta)
    assert paths(failure(lambda: adjust(service, row))) == ["adjustments[0].delta"]


def test_a_request_has_rows_and_an_id(service: Service, nothing_held: Callable[[], None]) -> None:
    for call, name in ((service.stock.SetStock, "levels"), (service.stock.AdjustStock, "adjustments")):
        request_type = stock_pb2.SetStockRequest if name == "levels" else stock_pb2.AdjustStockRequest
        assert paths(failure(lambda call=call, t=request_type: call(t()))) == ["request_id", name]


def test_availability_names_unknown_ids(service: Service) -> None:
    request = stock_pb2.GetAvailabilityRequest(sku_ids=["sku-000", "what"], node_ids=["where", "dc-lyon"])
    assert paths(failure(lambda: service.stock.GetAvailability(request))) == ["sku_ids[1]", "node_ids[0]"]
    empty = stock_pb2.GetAvailabilityRequest()
    assert paths(failure(lambda: service.stock.GetAvailability(empty))) == ["sku_ids"]
    many = stock_pb2.GetAvailabilityRequest(sku_ids=["sku-000"] * 1001)
    assert paths(failure(lambda: service.stock.GetAvailability(many))) == ["sku_ids"]
