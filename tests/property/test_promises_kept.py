"""A promise is the earliest that the engine can keep: an order that must arrive by then can be sourced, one
that must arrive a second before cannot. Places, dates, receipts, hours and rules are random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from router.decide_deliveries import places_of, strategy_of
from router.deliveries import solve_order_of_deliveries
from router.domain import Delivery, Order, OrderLine
from router.ladder import Solved
from router.places import deliveries_of
from router.question import Question
from router.snapshot import Snapshot
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import delivery_to_proto
from server.promise_desk import PromiseDesk
from tests.engine import snapshot_of
from tests.property.comparison import PATIENT, world_of
from tests.worlds import NOW_SECONDS as NOW
from tests.worlds import World

WORLDS = {
    "omnichannel": 60,
    "hours": 40,
    "supply": 60,
    "supply in parts": 120,
    "supply everywhere": 60,
    "capacity": 60,
    "capacity and supply": 60,
    "capacity everywhere": 20,
}
"""Seeds 0, 1, ... of each kind."""
RARE = {"in time", "waits", "several nodes", "INSUFFICIENT_STOCK", "NO_SERVICE", "TOO_LATE"}


def context_of(world: World) -> Order:
    """The world's order as one that only asks: windows do not count, and goods are worth what the catalogue
    says."""
    own = tuple(
        replace(delivery, delivery_id=f"D{i}", earliest_seconds=None)
        for i, delivery in enumerate(deliveries_of(world.order))
    )
    lines = tuple(replace(line, unit_value_cents=None) for line in world.order.lines)
    return replace(world.order, lines=lines, deliveries=own, destination=None, deliver_by_seconds=None)


def sourced_by(context: Order, line: OrderLine, to: Delivery, by: int, t: int, snapshot: Snapshot) -> bool:
    """Is every unit there by then, by strategy ``t``?"""
    if by <= NOW:
        return False
    order = replace(
        context,
        lines=(replace(line, delivery_id=to.delivery_id, together="", ship_alone=False),),
        deliveries=(replace(to, latest_seconds=by),),
    )
    found = solve_order_of_deliveries(Question(order, snapshot, t, NOW, PATIENT))
    picks = [p for s in found.plan.shipments for p in s.picks] if isinstance(found, Solved) else []
    return sum(pick.quantity for pick in picks) == line.quantity


def checked(world: World) -> Iterator[str]:
    """What is promised, each checked against the engine."""
    snapshot, context = snapshot_of(world), context_of(world)
    request = sourcing_pb2.GetPromiseRequest(
        items=[sourcing_pb2.PromiseItem(sku_id=x.sku_id, quantity=x.quantity) for x in context.lines],
        deliveries=[delivery_to_proto(delivery) for delivery in context.deliveries],
        sales_channel=context.sales_channel.value,
        customer_segment=context.customer_segment,
        sourcing_profile=context.sourcing_profile,
        selling_node_id=context.selling_node_id,
    )
    response = sourcing_pb2.GetPromiseResponse.FromString(PromiseDesk().answer(request, snapshot, NOW))
    t = strategy_of(context, places_of(context, snapshot), snapshot)
    for promise in response.promises:
        line, to = context.lines[promise.item_ix], context.deliveries[promise.delivery_ix]
        if t < 0:
            assert promise.reason
        elif promise.node_count:
            at = promise.earliest_time.seconds
            assert at == NOW or sourced_by(context, line, to, at, t, snapshot)
            assert not sourced_by(context, line, to, at - 1, t, snapshot)
            yield "several nodes" if promise.node_count > 1 else "in time"
            if promise.HasField("supply_time"):
                assert NOW < promise.supply_time.seconds <= at
                yield "waits"
        else:
            latest = to.latest_seconds or NOW + 10**9
            assert not sourced_by(context, line, to, latest, t, snapshot), (promise, line, to)
            yield promise.reason


def test_a_promise_is_the_earliest_that_can_be_kept() -> None:
    seen: Counter[str] = Counter()
    for kind, seeds in WORLDS.items():
        for seed in range(seeds):
            seen.update(checked(world_of(kind, seed)))
    assert all(seen[what] > 2 for what in RARE), seen
