"""A decision about several deliveries is clean; broken in any one way it is complained of, by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from router.cost import Cost
from router.domain import Decision, Delivery, DeliveryMethod, OrderLine, Status
from router.network import Calendar, Opening, PickupPoint
from tests.hand_worked import (
    Edit,
    assert_caught,
    complaints,
    in_decision,
    in_order,
    in_plan_cost,
    in_shipment,
    in_shipment_cost,
)
from tests.oracle_decision import decide_by_force
from tests.property.comparison import OMNICHANNEL_KINDS
from tests.small_shop import PARIS, rules_of
from tests.unit.test_deliveries import ADDRESS, DAY, HOUR, shop, to_store
from tests.worlds import NOW_SECONDS, World, random_world

REQUESTED = NOW_SECONDS + 20 * HOUR
GOALS: list[dict[str, Any]] = [
    {"kind": "shipping"},
    {"kind": "handling"},
    {"kind": "transfer", "weight": "1.5"},
    {"kind": "delay", "cents_per_day": 10},
    {"kind": "lateness", "cents_per_day": 30, "steps": [{"from_days": 1, "cents": 4}]},
    {"kind": "stock_depth", "cents": 100, "target_units": 2, "nodes": {"types": ["STORE"]}},
]


def stocked(node_id: str, units: int) -> Edit:
    """A world with so many K at a node."""
    return lambda world: replace(world, stock={**world.stock, ("K", node_id): units})


def main(**keys: Any) -> dict[str, Any]:
    return {"id": "main", "objectives": GOALS, **keys}


def the_world() -> World:
    """One K goes home, of the two in Lyon. In Paris another K, its only one, is collected, and a J that comes
    from the warehouse."""
    world = shop(LYON=2, PARIS=1, J_WH=1)
    lines = (
        OrderLine(line_id="a", sku_id="K", quantity=1, delivery_id="home"),
        OrderLine(line_id="b", sku_id="K", quantity=1, delivery_id="d"),
        OrderLine(line_id="c", sku_id="J", quantity=1, delivery_id="d"),
    )
    deliveries = (
        Delivery(delivery_id="home", destination=ADDRESS),
        to_store(requested_seconds=REQUESTED),
    )
    order = replace(world.order, lines=lines, deliveries=deliveries)
    return replace(world, order=order, rules=rules_of(main()))


def the_decision(world: World | None = None) -> Decision:
    w = world or the_world()
    return decide_by_force(w.rules, w.order, w.network, skus=w.skus, stock=w.stock, now_seconds=w.now_seconds)


def in_delivery(ix: int, **changes: Any) -> Edit:
    """A decision with some keys of what it says of a delivery replaced."""

    def edit(decision: Decision) -> Decision:
        plans = list(decision.plan.deliveries)
        plans[ix] = replace(plans[ix], **changes)
        return replace(decision, plan=replace(decision.plan, deliveries=tuple(plans)))

    return edit


def asked(ix: int, **changes: Any) -> Edit:
    """A world in which a delivery is asked for otherwise."""

    def edit(world: World) -> World:
        deliveries = list(world.order.deliveries)
        deliveries[ix] = replace(deliveries[ix], **changes)
        return in_order(deliveries=tuple(deliveries))(world)

    return edit


def ruled(**keys: Any) -> Edit:
    return lambda world: replace(world, rules=rules_of(main(**keys)))


def rule(kind: str, **keys: Any) -> Edit:
    return ruled(eligibility=[{"kind": kind, "name": "the rule", **keys}])


def test_the_decision_is_clean_and_as_worked_out_by_hand() -> None:
    decision = the_decision()
    home, collected, brought = decision.plan.shipments
    assert [(s.node_id, s.service_id, s.delivery_id) for s in decision.plan.shipments] == [
        ("LYON", "post", "home"),
        ("PARIS", "", "d"),
        ("WH", "truck", "d"),
    ]
    assert home.cost == Cost(shipping_cents=700, stock_depth_cents=50)
    assert collected.cost == Cost(stock_depth_cents=100)
    assert brought.cost == Cost(transfer_cents=300, handling_cents=100)
    # 30 hours and one in the store: the second day; 11 hours after the requested time
    late = Cost(delay_cents=20, lateness_cents=34)
    assert [own.cost for own in decision.plan.deliveries] == [
        replace(home.cost, delay_cents=10),
        replace(late, transfer_cents=300, handling_cents=100, stock_depth_cents=100),
    ]
    assert complaints(decision, the_world()) == []


def test_a_path_is_clean_too() -> None:
    world = the_world()
    services = tuple(
        replace(v, serves=frozenset({"HOME"})) if v.service_id == "truck" else v
        for v in world.network.services
    )
    world = replace(world, network=replace(world.network, services=services))
    decision = the_decision(world)
    shipment = decision.plan.shipments[-1]
    assert (shipment.service_id, shipment.cost.transfer_cents) == ("over", 300 + 135 + 11)  # 7 x 1.5: 10.5
    assert complaints(decision, world) == []
    assert_caught(
        complaints(in_shipment_cost(-1, transfer_cents=445)(decision), world), "transfer_cents is 445"
    )


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (in_shipment(0, delivery_id=""), "shipment 'LYON' by 'post': unknown delivery ''"),
        (in_shipment(0, delivery_id="d"), "plan: deliveries are ['home', 'd'], should be ['d']"),
        (in_shipment(0, service_id="?"), "delivery 'home': shipment 'LYON' by '?': unknown service"),
        (in_shipment(0, service_id="truck"), "service 'truck' does not collect there"),
        (in_shipment(0, service_id=""), "collecting has no lane there"),
        (in_shipment(0, method=DeliveryMethod.PICKUP), "method is PICKUP, should be SHIP"),
        (in_shipment(1, method=DeliveryMethod.SHIP), "method is SHIP, should be PICKUP"),
        (in_shipment(2, method=DeliveryMethod.PICKUP), "method is PICKUP, should be SHIP_TO_STORE"),
        (in_shipment(1, parcel_count=0), "parcel_count is 0, should be 1"),
        (in_shipment(1, service_id="truck"), "service 'truck' does not collect there"),
        (in_shipment(2, service_id="over"), "service 'truck' is the better choice"),
        (in_shipment(2, arrival_seconds=NOW_SECONDS + 30 * HOUR), "arrival_seconds is"),
        (in_shipment_cost(2, transfer_cents=0, shipping_cents=300), "shipping_cents is 300, should be 0"),
        (in_shipment_cost(2, lateness_cents=34), "lateness_cents is 34, should be 0"),
        (in_shipment_cost(1, stock_depth_cents=50), "stock_depth_cents is 50, should be 100"),
        (in_delivery(1, cost=Cost()), "delivery 'd': plan: delay_cents is 0, should be 20"),
        (in_delivery(1, promise_seconds=0), "delivery 'd': promise_seconds is 0, should be"),
        (in_delivery(1, delivery_id="home"), "plan: deliveries are ['home', 'home']"),
        (in_plan_cost(lateness_cents=0), "plan: lateness_cents is 0, should be 34"),
        (in_decision(status=Status.PARTIAL), "status is PARTIAL, should be SOURCED"),
        (
            lambda d: replace(d, plan=replace(d.plan, deliveries=d.plan.deliveries[:1])),
            "plan: deliveries are ['home'], should be ['home', 'd']",
        ),
        (
            lambda d: replace(d, plan=replace(d.plan, shipments=d.plan.shipments[::-1])),
            "plan: shipments are not sorted by delivery",
        ),
    ],
)
def test_a_broken_decision_is_caught(edit: Edit, expected: str) -> None:
    assert_caught(complaints(edit(the_decision()), the_world()), expected)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (
            asked(1, method=DeliveryMethod.PICKUP),
            "shipment 'WH' by 'truck': carriage: service 'truck' has no",
        ),
        (
            asked(1, method=DeliveryMethod.SHIP_TO_STORE),
            "shipment 'PARIS' by '': carriage: collecting has no",
        ),
        (
            asked(1, latest_seconds=NOW_SECONDS + 31 * HOUR - 1),
            "delivery 'd': shipment 'WH' by 'truck': dead",
        ),
        (
            asked(0, earliest_seconds=NOW_SECONDS + DAY + 1),
            "delivery 'home': shipment 'LYON' by 'post': arriv",
        ),
        (asked(1, requested_seconds=REQUESTED + 12 * HOUR), "lateness_cents is 34, should be 0"),
        (ruled(limits={"max_late_days": 0}), "deadline: arrives at"),
        (ruled(limits={"max_nodes_per_order": 1}), "delivery 'd': max_nodes_per_order is 1, the plan uses 2"),
        (stocked("LYON", 0), "node 'LYON': stock: 1 units of 'K' taken, available 0"),
        (rule("exclude_methods", methods=["SHIP_TO_STORE"]), "(exclude_methods) forbids 1 units of 'J'"),
        (rule("allow_methods", methods=["SHIP", "SHIP_TO_STORE"]), "(allow_methods) forbids 1 units of 'K'"),
        (rule("max_distance", km="10"), "(max_distance) forbids 1 units of 'J'"),
        (ruled(when={"delivery_methods": ["PICKUP"]}), "no strategy applies"),
        (ruled(when={"destination_countries": ["DE"]}), "no strategy applies"),
    ],
)
def test_a_plan_that_the_world_forbids_is_caught(edit: Edit, expected: str) -> None:
    assert_caught(complaints(the_decision(), edit(the_world())), expected)


@pytest.mark.parametrize(
    "edit",
    [
        asked(1, latest_seconds=NOW_SECONDS + 31 * HOUR),
        asked(0, earliest_seconds=NOW_SECONDS + DAY),
        ruled(limits={"max_late_days": 1}),
        rule("exclude_methods", methods=["SHIP", "PICKUP"], skus={"ids": ["J"]}),
        ruled(when={"delivery_methods": ["SHIP", "PICKUP"]}),
    ],
)
def test_limits_hold_with_equality(edit: Edit) -> None:
    assert complaints(the_decision(), edit(the_world())) == []


def collected_twice() -> World:
    """Two deliveries of one K each to the same store, which has two."""
    world = the_world()
    deliveries = (to_store(), replace(to_store(), delivery_id="e"))
    lines = tuple(OrderLine(line_id=i, sku_id="K", quantity=1, delivery_id=i) for i in ("d", "e"))
    world = in_order(lines=lines, deliveries=deliveries)(world)
    return replace(world, stock={("K", "PARIS"): 2})


def test_stock_and_what_must_remain_count_over_all_deliveries() -> None:
    world = collected_twice()
    decision = the_decision(world)
    assert complaints(decision, world) == []
    assert [own.cost.stock_depth_cents for own in decision.plan.deliveries] == [50, 100]
    found = complaints(decision, stocked("PARIS", 1)(world))
    assert_caught(found, "node 'PARIS': stock: 2 units of 'K' taken, available 1")
    found = complaints(decision, rule("min_remaining", units=1)(world))
    assert_caught(found, "node 'PARIS': rule 'the rule' (min_remaining) forbids 2 units of 'K'")


def test_unsourceable_is_refuted_by_a_node_for_each_delivery() -> None:
    poor = stocked("PARIS", 1)(collected_twice())
    nothing = the_decision(poor)
    assert (nothing.status, complaints(nothing, poor)) == (Status.UNSOURCEABLE, [])
    found = complaints(nothing, stocked("WH", 1)(poor))
    assert found == ["strategy 'main' had no answer, yet node 'PARIS' and node 'WH' can supply alone"]


def test_a_pick_up_point_has_hours_and_a_clock_of_its_own() -> None:
    world = in_order(deliveries=(Delivery(delivery_id="k", pickup_point_id="kiosk"),))(shop(WH=5))
    assert the_decision(world).plan.promise_seconds == NOW_SECONDS + 2 * DAY
    day = Opening(weekdays=frozenset(range(7)), opens_minute=540, closes_minute=1_020)
    point = PickupPoint(point_id="kiosk", country="FR", calendar="day", time_zone="Asia/Tokyo", **PARIS)
    hours = (Calendar(calendar_id="day", openings=(day,)),)
    open_by_day = replace(world, network=replace(world.network, calendars=hours, pickup_points=(point,)))
    decision = the_decision(open_by_day)
    assert complaints(decision, open_by_day) == []
    # 15:06:40 in London is past midnight in Tokyo, where nine o'clock is midnight in London
    assert decision.plan.promise_seconds == NOW_SECONDS - NOW_SECONDS % DAY + 3 * DAY


def test_no_random_change_of_a_part_goes_unseen() -> None:
    tampered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        world = random_world(rng, OMNICHANNEL_KINDS["deliveries"])
        decision = the_decision(world)
        if not decision.plan.deliveries:
            continue
        tampered += 1
        ix = int(rng.integers(len(decision.plan.deliveries)))
        parts = list(decision.plan.deliveries[ix].cost.parts())
        parts[rng.integers(len(parts))] += 1
        assert_caught(complaints(in_delivery(ix, cost=Cost.of(parts))(decision), world), ": plan: ")
        shipment = decision.plan.shipments[ix]
        late = in_shipment(ix, arrival_seconds=shipment.arrival_seconds + 1)(decision)
        assert_caught(complaints(late, world), "arrival_seconds")
    assert tampered > 60
