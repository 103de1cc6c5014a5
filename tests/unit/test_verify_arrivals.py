"""What the verifier makes of dates: arrivals, lanes, deadlines and started days of a case."""

from __future__ import annotations

from typing import Any

import pytest

from router.domain import Destination, Order, OrderLine
from router.network import Network
from router.verify.case import Case
from router.verify.dates import HORIZON_SECONDS
from router.verify.supply import carriage_complaints
from tests.dated_network import DAY, HOUR, calendar, lane, network, opening, utc
from tests.small_shop import rules_of


def case_of(world: Network, now: str) -> Case:
    destination = Destination(country="FR", latitude=0.0, longitude=0.0)
    order = Order(
        order_id="O",
        lines=(OrderLine(line_id="L", sku_id="K", quantity=1),),
        destination=destination,
        deliver_by_seconds=utc("2026-11-07 12:00"),
    )
    return Case(order, world, lambda _: pytest.fail("no SKU"), lambda *_: None, utc(now))


def test_a_case_counts_days_from_its_origin() -> None:
    case = case_of(network(calendar()), "2026-11-06 11:59:01")
    assert case.origin_seconds == utc("2026-11-06 12:00")
    assert [case.days(case.origin_seconds + s) for s in (0, 1, DAY, DAY + 1)] == [0, 1, 1, 2]


def test_a_case_knows_arrivals_at_its_zone() -> None:
    door = calendar(opening("08:00", "12:00"), calendar_id="door")
    for only, arrives in (
        (lane(transit_seconds=HOUR), "2026-11-07 07:00"),
        (lane(transit_days=1), "2026-11-07 11:00"),
    ):
        case = case_of(network(door, lanes=(only,)), "2026-11-06 12:00")
        (way,) = case.ways(case.network.nodes[0], 0).values()
        assert way.arrival_seconds == utc(arrives)
        assert way.legs == ((case.network.services[0], only),)


def test_a_lane_that_does_not_arrive_is_none_and_later_ones_do_not_stand_in() -> None:
    case = case_of(network(lanes=(lane(transit_seconds=HORIZON_SECONDS + 1), lane())), "2026-11-06 12:00")
    node = case.network.nodes[0]
    assert case.ways(node, 0) == {}
    found = carriage_complaints(case, strategy(), node, [], way_id="post", distance_m=0)
    assert found == ["carriage: service 'post' has no lane there"]


def test_a_deadline_is_held_against_the_arrival() -> None:
    door = calendar(opening("08:00", "12:00"), calendar_id="door")
    case = case_of(network(door, lanes=(lane(transit_days=1),)), "2026-11-06 12:00")
    node = case.network.nodes[0]
    assert carriage_complaints(case, strategy(), node, [], way_id="post", distance_m=0) == []
    later = Case(case.order, case.network, case.sku_of, case.available, utc("2026-11-07 12:00"))
    found = carriage_complaints(later, strategy(), node, [], way_id="post", distance_m=0)
    due = utc("2026-11-07 12:00")
    assert found == [f"deadline: arrives at {utc('2026-11-08 11:00')} by 'post', due by {due}"]


def strategy() -> Any:
    return rules_of({"id": "main", "objectives": [{"kind": "shipping"}]}).profiles[0].strategies[0]
