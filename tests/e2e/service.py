"""A running server and everything a test needs to talk to it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from server.api.sourcing.v1 import (
    node_pb2_grpc,
    reservation_pb2,
    reservation_pb2_grpc,
    sourcing_pb2,
    sourcing_pb2_grpc,
    stock_pb2,
    stock_pb2_grpc,
)
from server.app import App, Serving
from server.config import load_config
from server.opening import open_world, read_inputs
from server.rules_watch import RulesWatch
from server.status import DOMAIN, Failure, parse_status
from server.telemetry import Telemetry
from server.world import World
from tests.e2e.files import sku_name, write_shop

START_SECONDS = 1_750_000_000
PARIS = {"country_code": "FR", "postal_code": "75011", "latitude": 48.8566, "longitude": 2.3522}
_ids = itertools.count(1)


def new_id(prefix: str = "request") -> str:
    """An id no other test uses."""
    return f"{prefix}-{next(_ids)}"


@dataclass
class ManualClock:
    """Stands still until it is told otherwise."""

    seconds: int = START_SECONDS

    def __call__(self) -> int:
        return self.seconds


class Hooked:
    """A ledger whose calls tests may hold up, observe or make fail: ``before[name]`` runs before the call."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger
        self.before: dict[str, Callable[[], None]] = {}

    def __getattr__(self, name: str) -> Any:
        if name in self.before:
            self.before[name]()
        return getattr(self._ledger, name)


@dataclass
class Service:
    """The app with a channel to it."""

    app: App
    world: World
    rules: RulesWatch
    ledger: Hooked
    clock: ManualClock
    folder: Path
    channel: grpc.Channel
    used_skus: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.sourcing = sourcing_pb2_grpc.SourcingServiceStub(self.channel)
        self.stock = stock_pb2_grpc.StockServiceStub(self.channel)
        self.reservations = reservation_pb2_grpc.ReservationServiceStub(self.channel)
        self.nodes = node_pb2_grpc.NodeServiceStub(self.channel)
        self.offers = sourcing_pb2_grpc.OfferServiceStub(self.channel)

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.app.port}"

    def sku(self, paris: int = 10, lille: int = 10, lyon: int = 10) -> str:
        """A SKU that no other test has used, with so many units on hand (2 of Lille's are safety stock)."""
        name = sku_name(next(self.used_skus))
        levels = [
            stock_pb2.StockLevel(sku_id=name, node_id=node, on_hand=units)
            for node, units in (("store-paris", paris), ("store-lille", lille), ("dc-lyon", lyon))
        ]
        self.stock.SetStock(stock_pb2.SetStockRequest(request_id=new_id(), levels=levels))
        return name

    def quote(self, order: sourcing_pb2.Order, **more: Any) -> sourcing_pb2.SourceOrderResponse:
        return self.sourcing.SourceOrder(
            sourcing_pb2.SourceOrderRequest(order=order, validate_only=True, **more)
        )

    def reserve(
        self, order: sourcing_pb2.Order, request_id: str = "", **more: Any
    ) -> sourcing_pb2.SourceOrderResponse:
        request_id = request_id or new_id()
        return self.sourcing.SourceOrder(
            sourcing_pb2.SourceOrderRequest(request_id=request_id, order=order, **more)
        )

    def available(self, sku: str) -> dict[str, int]:
        """What can be promised, by node; on the way checks that decisions see the same."""
        answer = self.stock.GetAvailability(stock_pb2.GetAvailabilityRequest(sku_ids=[sku]))
        found = {row.node_id: row.available_to_promise for row in answer.availabilities}
        assert {node: self.world.snapshot.available(sku, node) for node in found} == found
        return found

    def reserved_units(self) -> int:
        """Units held in the whole shop."""
        columns = self.world.ledger.columns()
        rows = [row for sku_id in columns.sku_ids for row in self.world.ledger.stock(sku_id)]
        return sum(row.reserved for row in rows)


@contextmanager
def running(folder: Path, telemetry: Telemetry | None = None, **shop: str) -> Iterator[Service]:
    """A shop of its own, served from start to stop. shop: texts of its files, as for ``write_shop``."""
    config = load_config(write_shop(folder, **shop), environ={})
    clock = ManualClock()
    world = open_world(config, read_inputs(config, clock()), clock)
    ledger = Hooked(world.ledger)
    world.ledger = ledger
    rules = RulesWatch(config.rules, world)
    app = App(world, Serving.of(config), rules, telemetry)
    app.start()
    with grpc.insecure_channel(f"127.0.0.1:{app.port}") as channel:
        yield Service(app, world, rules, ledger, clock, folder, channel)
    app.stop()


def order(*lines: tuple[str, int], order_id: str = "", **more: Any) -> sourcing_pb2.Order:
    """An order from Paris."""
    return sourcing_pb2.Order(
        order_id=order_id or new_id("order"),
        lines=[
            sourcing_pb2.OrderLine(line_id=str(i), sku_id=sku, quantity=quantity)
            for i, (sku, quantity) in enumerate(lines, 1)
        ],
        destination=sourcing_pb2.Destination(**PARIS),
        **more,
    )


def nodes_of(decision: sourcing_pb2.Decision) -> list[str]:
    return [shipment.node_id for shipment in decision.plan.shipments]


def hold(sku: str, node: str, quantity: int) -> reservation_pb2.ReservationHold:
    return reservation_pb2.ReservationHold(sku_id=sku, node_id=node, quantity=quantity)


def failure(call: Callable[[], object]) -> Failure:
    """The error a call must end with; it must carry an ErrorInfo of this domain."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    assert isinstance(caught.value, grpc.Call)
    status = rpc_status.from_call(caught.value)
    assert status is not None, caught.value.details()
    assert domain_of(status) == DOMAIN
    return parse_status(status)


def domain_of(status: status_pb2.Status) -> str:
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return str(info.domain)


def paths(found: Failure) -> list[str]:
    """The fields an error names."""
    return [violation.field for violation in found.violations]


def all_at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Runs calls in threads of their own, started together; their results or RpcErrors."""
    start = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def work(ix: int) -> None:
        start.wait()
        try:
            results[ix] = calls[ix]()
        except grpc.RpcError as error:
            results[ix] = error

    threads = [threading.Thread(target=work, args=(ix,)) for ix in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
