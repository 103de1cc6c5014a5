"""Until when to order, and how sure a date is: against the same shop asked at another time, or where things
take longer for sure."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest

from router.domain import Delivery, DeliveryMethod
from router.network import Calendar, Network, Node, Odds, Opening, Pickup, Schedule, Service
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import delivery_to_proto
from server.promise_desk import PromiseDesk
from tests.engine import snapshot_of
from tests.unit.test_deliveries import ADDRESS, HOUR, NOW_SECONDS, shop
from tests.worlds import World

MINUTE, DAY = 60, 86_400
HOME = Delivery(delivery_id="home", destination=ADDRESS)
PARIS = Delivery(delivery_id="paris", node_id="PARIS")
DAYTIME = Calendar(
    calendar_id="day",
    openings=(Opening(weekdays=frozenset(range(6)), opens_minute=540, closes_minute=1_080),),
)
WORKING = Calendar(
    calendar_id="working",
    openings=(Opening(weekdays=frozenset(range(5)), opens_minute=0, closes_minute=1_440),),
)
EVENING = Schedule(
    schedule_id="evening",
    pickups=(Pickup(weekdays=frozenset(range(5)), at_minute=1_020, cut_off_minute=780),),
)


def clocked(**stock: int) -> World:
    """The shop of test_deliveries with hours, a pick-up and working days."""
    world = shop(**stock)
    nodes = tuple(
        replace(n, calendar="day", schedules=(("post", "evening"),) if "post" in n.services else ())
        for n in world.network.nodes
    )
    services = tuple(
        replace(s, calendar="working", lanes=tuple(replace(lane, transit_days=2) for lane in s.lanes))
        for s in world.network.services
    )
    network = replace(
        world.network, nodes=nodes, services=services, calendars=(DAYTIME, WORKING), schedules=(EVENING,)
    )
    return replace(world, network=network)


def promise(world: World, to: Delivery, at: int = NOW_SECONDS) -> Any:
    request = sourcing_pb2.GetPromiseRequest(
        items=[sourcing_pb2.PromiseItem(sku_id="K", quantity=1)],
        deliveries=[delivery_to_proto(to)],
        with_order_by=True,
        with_odds=True,
    )
    answer = PromiseDesk().answer(request, snapshot_of(world), at)
    [found] = sourcing_pb2.GetPromiseResponse.FromString(answer).promises
    return found


@pytest.mark.parametrize("to", [HOME, PARIS])
@pytest.mark.parametrize("node", ["PARIS", "LYON", "WH"])
def test_an_order_in_time_arrives_as_soon(to: Delivery, node: str) -> None:
    rng = np.random.default_rng(5)
    for _ in range(25):
        world, at = clocked(**{node: 3}), NOW_SECONDS + int(rng.integers(14 * DAY))
        found = promise(world, to, at)
        if not found.node_count:
            assert (to, node) == (PARIS, "LYON")
            continue
        last = found.order_by_time.seconds
        assert last >= at - at % MINUTE
        assert last % MINUTE == 0
        assert promise(world, to, last).earliest_time == found.earliest_time
        assert promise(world, to, last + 1).earliest_time.seconds > found.earliest_time.seconds


def test_without_clocks_there_is_no_last_moment() -> None:
    found = promise(shop(WH=1), HOME)
    assert found.node_count == 1
    assert not found.HasField("order_by_time")
    assert not found.HasField("p50_time")


def test_what_is_carried_out_is_not_ordered_for_later() -> None:
    carry_out = Delivery(delivery_id="out", node_id="PARIS", method=DeliveryMethod.CARRY_OUT)
    request = sourcing_pb2.GetPromiseRequest(
        items=[sourcing_pb2.PromiseItem(sku_id="K", quantity=1)],
        deliveries=[delivery_to_proto(carry_out)],
        selling_node_id="PARIS",
        with_order_by=True,
    )
    answer = PromiseDesk().answer(request, snapshot_of(clocked(PARIS=1)), NOW_SECONDS)
    [found] = sourcing_pb2.GetPromiseResponse.FromString(answer).promises
    assert not found.HasField("order_by_time")


SLOW: Odds = ((0, 60), (3 * HOUR, 25), (10 * HOUR, 15))
LATE: Odds = ((0, 55), (1, 30), (4, 15))


def with_odds(world: World, processing: Odds, transit: Odds) -> World:
    network = world.network
    nodes = tuple(replace(n, processing_odds=processing) for n in network.nodes)
    services = tuple(replace(s, transit_odds=transit) for s in network.services)
    return replace(world, network=replace(network, nodes=nodes, services=services))


def for_sure(network: Network, seconds: int, days: int) -> Network:
    """Where that is how much later things go."""

    def slower(node: Node) -> Node:
        return replace(node, processing_seconds=node.processing_seconds + seconds)

    def later(service: Service) -> Service:
        lanes = tuple(
            replace(
                lane,
                transit_days=None if lane.transit_days is None else lane.transit_days + days,
                transit_seconds=lane.transit_seconds + days * DAY,
            )
            for lane in service.lanes
        )
        return replace(service, lanes=lanes)

    return replace(
        network, nodes=tuple(map(slower, network.nodes)), services=tuple(map(later, network.services))
    )


@pytest.mark.parametrize("make", [shop, clocked])
@pytest.mark.parametrize(("to", "node"), [(HOME, "PARIS"), (HOME, "WH"), (PARIS, "WH"), (PARIS, "PARIS")])
@pytest.mark.parametrize(("processing", "transit"), [(SLOW, LATE), (SLOW, ()), ((), LATE)])
def test_odds_are_those_of_every_way_it_can_turn_out(
    make: Any, to: Delivery, node: str, processing: Odds, transit: Odds
) -> None:
    world = make(**{node: 1})
    # one way only, or the soonest of several would differ from case to case
    network = replace(world.network, paths=())
    world = replace(world, network=network)
    found = promise(with_odds(world, processing, transit), to)
    if node == "PARIS" and to is PARIS and not processing:
        assert not found.HasField("p50_time")
        return
    cases: list[tuple[int, int]] = []
    for outcome in product(processing or ((0, 100),), transit or ((0, 100),)):
        (seconds, days), weight = (late for late, _ in outcome), prod(percent for _, percent in outcome)
        slower = replace(world, network=for_sure(network, seconds, days))
        cases.append((promise(slower, to).earliest_time.seconds, weight))
    cases.sort()
    for percent, told in ((50, found.p50_time), (90, found.p90_time)):
        total, sofar = sum(weight for _, weight in cases), 0
        for at, weight in cases:
            sofar += weight
            if 100 * sofar >= percent * total:
                assert told.seconds == at
                break
