"""Feeds that number their rows, and the log of what became of the stock."""

from __future__ import annotations

import grpc
import pytest

from server.api.sourcing.v1 import reservation_pb2, stock_pb2
from tests.e2e.service import Service, failure, hold, new_id, paths

Level, Adjustment = stock_pb2.StockLevel, stock_pb2.StockAdjustment


def test_what_comes_again_or_too_late_is_counted_and_left_out(service: Service) -> None:
    sku = service.sku(paris=1, lille=2, lyon=3)

    def send(*levels: Level) -> stock_pb2.SetStockResponse:
        return service.stock.SetStock(stock_pb2.SetStockRequest(feed_id="wms", levels=levels))

    paris = Level(sku_id=sku, node_id="store-paris", on_hand=20, sequence=5)
    first = send(paris)
    assert (first.late_count, first.duplicate_count) == (0, 0)
    again = send(
        paris,
        Level(sku_id=sku, node_id="dc-lyon", on_hand=9, sequence=1),
    )
    assert (again.late_count, again.duplicate_count) == (0, 1)
    late = send(Level(sku_id=sku, node_id="store-paris", on_hand=7, sequence=4))
    assert (late.late_count, late.duplicate_count, late.stock_version) == (1, 0, again.stock_version)
    assert service.available(sku) == {"store-paris": 20, "store-lille": 0, "dc-lyon": 9}
    sold = stock_pb2.AdjustStockRequest(
        feed_id="tills", adjustments=[Adjustment(sku_id=sku, node_id="store-paris", delta=-2, sequence=1)]
    )
    assert [service.stock.AdjustStock(sold).duplicate_count for _ in range(3)] == [0, 1, 1]
    assert service.available(sku)["store-paris"] == 18


@pytest.mark.parametrize(
    ("request_id", "feed_id", "sequence", "field"),
    [
        ("", "", 0, "request_id"),
        ("r", "wms", 1, "request_id"),
        ("", "wms", 0, "levels[0].sequence"),
        ("", "wms", -1, "levels[0].sequence"),
        ("", "wms", 1 << 62, "levels[0].sequence"),
        ("r", "", 1, "levels[0].sequence"),
        ("", "f" * 257, 1, "feed_id"),
    ],
)
def test_a_row_is_of_a_feed_or_of_a_request(
    service: Service, request_id: str, feed_id: str, sequence: int, field: str
) -> None:
    level = Level(sku_id="sku-001", node_id="dc-lyon", on_hand=1, sequence=sequence)
    request = stock_pb2.SetStockRequest(request_id=request_id, feed_id=feed_id, levels=[level])
    found = failure(lambda: service.stock.SetStock(request))
    assert (found.code, paths(found)) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


def test_the_log_says_why_and_on_whose_behalf(service: Service) -> None:
    sku = service.sku()
    start = service.world.ledger.version()
    held = service.reservations.CreateReservation(
        reservation_pb2.CreateReservationRequest(
            request_id=new_id(), order_id="o", holds=[hold(sku, "dc-lyon", 2)]
        )
    )
    service.sku()
    release = reservation_pb2.ReleaseReservationRequest(reservation_id=held.reservation_id)
    service.reservations.ReleaseReservation(release)
    service.stock.AdjustStock(
        stock_pb2.AdjustStockRequest(
            request_id="count-7", adjustments=[Adjustment(sku_id=sku, node_id="dc-lyon", delta=-1)]
        )
    )

    def told(**asked: object) -> tuple[list[tuple[object, ...]], stock_pb2.ListStockChangesResponse]:
        request = stock_pb2.ListStockChangesRequest(after_version=start, **asked)  # type: ignore[arg-type]
        page = service.stock.ListStockChanges(request)
        return [
            (c.node_id, c.delta, c.available_to_promise, c.cause, c.reference) for c in page.changes
        ], page

    changes, page = told(sku_id=sku)
    assert changes == [
        ("dc-lyon", -2, 8, "reserve", held.reservation_id),
        ("dc-lyon", 2, 10, "release", held.reservation_id),
        ("dc-lyon", -1, 9, "stock", "adjust:count-7"),
    ]
    assert (page.is_last, page.last_version) == (True, service.world.ledger.version())
    assert {change[0] for change in told(node_id="store-lille")[0]} <= {"store-lille"}
    few, page = told(page_size=1)
    assert (len(few), page.last_version, page.is_last) == (1, start + 1, False)
    for asked, field in (({"page_size": -1}, "page_size"), ({"after_version": -1}, "after_version")):
        request = stock_pb2.ListStockChangesRequest(**asked)
        assert paths(failure(lambda request=request: service.stock.ListStockChanges(request))) == [field]
