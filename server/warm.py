"""Compiles the kernels before they are needed: ``python -m server.warm``. Where that is done already it takes
a second or two and says nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from router.catalogue import Catalogue, Sku
from router.domain import NodeType, ReturnMethod
from router.kernels.jit import on_compilation
from router.kernels.types import MAX_GROUPS
from router.network import Bracket, Lane, Network, Node, Service
from router.rules.model import RuleSet
from router.snapshot import Snapshot
from router.solver.limits import SearchLimits
from router.stock import Stock
from server.api.sourcing.v1 import returns_pb2, sourcing_pb2
from server.client import LocalClient
from server.guard import LocalCall
from server.ledger.memory import MemoryLedger
from server.services.sourcing import SourcingService
from server.world import Settings, World

FEW = 3
"""So many kernels that nothing has needed before are compiled without a word: that takes a moment."""
MESSAGE = "compiling kernels (once for this version of them, some minutes; `make warm` does it ahead of time)"
NOW_SECONDS = 1_750_000_000
LATITUDE, LONGITUDE = 48.85, 2.35
UNITS = 9
"""At each node: one unit more makes a line that must be divided."""
MANY = 60
"""Pairs of items: too many for the kernels that keep the interpreter locked."""
RULES = {
    "version": 1,
    "default_profile": "p",
    "profiles": [
        {
            "id": "p",
            "strategies": [{"id": "s", "objectives": [{"kind": "shipping"}]}],
            "returns": {"objectives": [{"kind": "stock_need", "cents": 100, "target_units": 2 * UNITS}]},
        }
    ],
}
"""Two lines of one SKU that come back fill one need: that asks for the strict programme too."""


@contextmanager
def notice() -> Iterator[None]:
    """Says so on the standard error, once, if what it goes round compiles more than a few kernels."""
    count = 0

    def told() -> None:
        nonlocal count
        count += 1
        if count == FEW + 1:
            sys.stderr.write(MESSAGE + "\n")
            sys.stderr.flush()

    forget = on_compilation(told)
    try:
        yield
    finally:
        forget()


def smallest_world() -> World:
    """Two nodes, one SKU, one service; stock in memory."""
    lane = Lane(transit_seconds=3_600, brackets=(Bracket(up_to_grams=1_000, cents=500),))
    nodes = tuple(
        Node(
            node_id=name,
            node_type=NodeType.STORE,
            country="FR",
            services=frozenset({"v"}),
            return_methods=frozenset({ReturnMethod.DROP_OFF}),
            latitude=LATITUDE,
            longitude=LONGITUDE,
        )
        for name in ("m", "n")
    )
    network = Network(nodes=nodes, services=(Service(service_id="v", lanes=(lane,)),))
    catalogue = Catalogue.from_skus([Sku(sku_id="k", weight_grams=100)])
    stock = Stock.of(1, 2, np.zeros(2, np.int32), np.arange(2, dtype=np.int32), np.full(2, UNITS, np.int32))
    snapshot = Snapshot.build(network, catalogue, RuleSet.model_validate(RULES), stock)
    settings = Settings(
        hold_seconds=60,
        collect_hold_seconds=60,
        reserve_attempts=1,
        max_orders_per_call=10,
        search=SearchLimits(),
    )
    return World(snapshot, MemoryLedger(lambda: NOW_SECONDS), lambda: NOW_SECONDS, settings)


def warm() -> None:
    """Makes every call that decides, on the smallest world there is, with orders for every step of the way
    to an answer: one that is plain, one whose line must be divided, one with more groups than the subset
    programme takes, and one that is searched."""
    world = smallest_world()
    client = LocalClient(world)
    place = sourcing_pb2.Destination(country_code="FR", latitude=LATITUDE, longitude=LONGITUDE)
    orders = [
        sourcing_pb2.Order(
            order_id=f"warm-{line_count}-{units}",
            lines=[
                sourcing_pb2.OrderLine(line_id=str(line), sku_id="k", quantity=units)
                for line in range(line_count)
            ],
            destination=place,
        )
        for line_count, units in ((1, 1), (1, UNITS + 1), (MAX_GROUPS + 2, 1), (2 * UNITS - 1, 1))
    ]
    # As they come over the network: plain quotes have a kernel of their own, which reads bytes.
    service = SourcingService(world)
    for order in orders:
        client.source(sourcing_pb2.SourceOrderRequest(order=order, validate_only=True, explain=True))
        client.rank(sourcing_pb2.RankNodesRequest(order=order))
        quote = sourcing_pb2.SourceOrderRequest(order=order, validate_only=True)
        service.SourceOrder(quote.SerializeToString(), LocalCall())
    batch = sourcing_pb2.SourceOrdersRequest(orders=orders, validate_only=True)
    service.SourceOrders(batch.SerializeToString(), LocalCall())
    for count in (1, MANY):  # a few items and many take other kernels
        promise = sourcing_pb2.GetPromiseRequest(
            items=[sourcing_pb2.PromiseItem(sku_id="k", quantity=units) for units in (1, UNITS + 1)] * count,
            deliveries=[sourcing_pb2.Delivery(delivery_id="d", destination=place)],
        )
        service.GetPromise(promise, LocalCall())
    back = returns_pb2.RankReturnNodesRequest(
        items=[returns_pb2.ReturnItem(line_id=line, sku_id="k", quantity=1) for line in "12"],
        from_place=returns_pb2.ReturnPlace(country_code="FR", latitude=LATITUDE, longitude=LONGITUDE),
    )
    client.rank_returns(back)
    client.close()


if __name__ == "__main__":
    with notice():
        warm()
