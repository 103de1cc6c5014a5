"""A decision worked out by hand is clean; broken in any one way it is complained of, by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.domain import CertificateKind, Pick, Status, Unfilled
from tests.hand_worked import (
    A_ARRIVES,
    B_ARRIVES,
    NOW,
    Edit,
    assert_caught,
    complaints,
    in_certificate,
    in_decision,
    in_node,
    in_order,
    in_plan_cost,
    in_rules,
    in_shipment,
    in_shipment_cost,
    in_stock,
    rule,
    the_decision,
    the_plan,
    the_world,
)
from tests.oracle_decision import decide_by_force


def test_the_hand_worked_decision_is_clean() -> None:
    assert the_decision().plan.total_cents == 3508
    assert complaints(the_decision(), the_world()) == []


def test_the_oracle_finds_the_hand_worked_plan() -> None:
    world = the_world()
    found = decide_by_force(
        world.rules, world.order, world.network, skus=world.skus, stock=world.stock, now_seconds=NOW
    )
    assert found.plan == the_plan()


L1 = Pick(line_id="L1", sku_id="K1", quantity=2)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (in_shipment(0, node_id="Z"), "unknown node"),
        (in_shipment(0, service_id="Z"), "unknown service"),
        (in_shipment(0, picks=()), "carries nothing"),
        (in_shipment(0, picks=(L1, L1)), "picks a line twice"),
        (in_shipment(0, picks=(replace(L1, line_id="L9"),)), "no line 'L9'"),
        (in_shipment(0, picks=(replace(L1, sku_id="K3"),)), "line 'L1' is served with K3"),
        (in_shipment(0, picks=(replace(L1, quantity=0),)), "picks 0 units"),
        (in_shipment(0, picks=(replace(L1, quantity=3),)), "3 units picked, 2 ordered"),
        (in_shipment(0, picks=(replace(L1, quantity=1),)), "unfilled is []"),
        (in_shipment(0, weight_grams=601), "weight_grams is 601, should be 600"),
        (in_shipment(0, parcel_count=2), "parcel_count is 2, should be 1"),
        (in_shipment(0, arrival_seconds=B_ARRIVES), f"arrival_seconds is {B_ARRIVES}, should be {A_ARRIVES}"),
        (in_shipment(2, distance_m=111_197), "distance_m is 111197, should be 111195"),
        (in_shipment(2, service_id="fast"), "service 'fast' does not collect there"),
        (in_shipment(1, service_id="fast"), "service 'fast' excludes SKU 'K2'"),
        (
            in_shipment(0, service_id="fast", arrival_seconds=NOW + 43_600),
            "service 'eco' is the better choice",
        ),
        (in_shipment(2, node_id="A", distance_m=0), "stock: 1 units of 'K3' taken, available -1"),
        (in_shipment_cost(0, shipping_cents=400), "shipping_cents is 400, should be 600"),
        (in_shipment_cost(0, handling_cents=119), "handling_cents is 119, should be 120"),
        (in_shipment_cost(0, stock_depth_cents=44), "stock_depth_cents is 44, should be 45"),
        (in_shipment_cost(2, distance_cents=167), "distance_cents is 167, should be 166"),
        (in_shipment_cost(2, node_priority_cents=90), "node_priority_cents is 90, should be 60"),
        (in_shipment_cost(0, split_cents=1), "split_cents is 1, should be 0"),
        (in_shipment_cost(0, delay_cents=1), "delay_cents is 1, should be 0"),
        (in_plan_cost(shipping_cents=2249), "plan: shipping_cents is 2249, should be 2250"),
        (in_plan_cost(split_cents=200), "plan: split_cents is 200, should be 400"),
        (in_plan_cost(delay_cents=200), "plan: delay_cents is 200, should be 250"),
        (in_certificate(bound_cents=3509), "bound_cents 3509 exceeds the cost 3508"),
        (in_certificate(bound_cents=3507), "EXACT with bound_cents 3507"),
        # 1 cent of 3508: 285.06 parts per million, rounded up
        (in_certificate(kind=CertificateKind.BOUNDED, bound_cents=3507), "gap_ppm is 0, should be 286"),
        (in_decision(status=Status.PARTIAL), "status is PARTIAL, should be SOURCED"),
        (in_decision(order_id="O2"), "order_id is 'O2'"),
        (in_decision(decided_at_seconds=NOW - 1), "decided_at_seconds"),
        (in_decision(unfilled=(Unfilled(line_id="L1", sku_id="K1", quantity=1),)), "unfilled is [('L1'"),
        (in_decision(strategy_ids=("other",)), "strategies ['other']"),
        (in_decision(strategy_ids=()), "strategies []"),
        (in_decision(strategy_ids=("main", "main")), "whose fallback is None"),
        (
            lambda d: replace(d, plan=replace(d.plan, shipments=d.plan.shipments[::-1])),
            "not sorted by node, date, first line",
        ),
    ],
)
def test_a_broken_decision_is_caught(edit: Edit, expected: str) -> None:
    assert_caught(complaints(edit(the_decision()), the_world()), expected)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (in_stock(K1_A=1), "stock: 2 units of 'K1' taken, available 1"),
        (in_rules(limits={"max_nodes_per_order": 1}), "max_nodes_per_order is 1, the plan uses 2"),
        (
            in_rules(limits={"min_shipment_value_cents": 901}),
            "min_shipment_value_cents is 901, its part is worth 900",
        ),
        (in_order(deliver_by_seconds=A_ARRIVES - 1), "deadline: arrives at"),
        (in_order(sourcing_profile="none"), "profile 'none' does not exist"),
        (in_node("B", services=frozenset()), "service 'eco' does not collect there"),
        (in_order(destination=replace(the_world().order.destination, postal_code="69001")), "has no lane"),
        (
            rule("exclude_nodes", nodes={"types": ["STORE"]}),
            "rule 'the rule' (exclude_nodes) forbids 1 units of 'K3'",
        ),
        (rule("allow_nodes", nodes={"ids": ["B"]}), "(allow_nodes) forbids 2 units of 'K1'"),
        (rule("max_distance", km="111.194"), "(max_distance) forbids 1 units of 'K3'"),
        (rule("min_remaining", units=3, skus={"ids": ["K1"]}), "(min_remaining) forbids 2 units of 'K1'"),
        (rule("exclude_services", services=["eco"], skus={"ids": ["K3"]}), "service 'eco' excludes SKU 'K3'"),
        (
            lambda w: rule("same_country")(in_node("B", country="BE")(w)),
            "(same_country) forbids 1 units of 'K3'",
        ),
        (
            lambda w: replace(w, skus={**w.skus, "K3": replace(w.skus["K3"], weight_grams=5001)}),
            "a unit of 'K3' weighs 5001 g, 'eco' takes 5000 g",
        ),
        (in_rules(when={"sales_channels": ["STORE"]}), "no strategy applies, yet ['main'] answered"),
    ],
)
def test_a_plan_that_the_world_forbids_is_caught(edit: Edit, expected: str) -> None:
    assert_caught(complaints(the_decision(), edit(the_world())), expected)


@pytest.mark.parametrize(
    "edit",
    [
        in_order(deliver_by_seconds=A_ARRIVES),
        in_rules(limits={"max_nodes_per_order": 2, "min_shipment_value_cents": 900}),
        rule("max_distance", km="111.195"),
        rule("min_remaining", units=2, skus={"ids": ["K1", "K2"]}),
        rule("exclude_nodes", nodes={"types": ["STORE"]}, skus={"labels": ["fragile"]}),
        rule("exclude_services", labels=["express"]),
        in_rules(when={"order_value": {"min_cents": 5400, "max_cents": 5400}}),  # 2 x 1000 + 2500 + 900
        in_rules(when={"destination_zones": ["paris"], "sales_channels": ["WEB"]}),
    ],
)
def test_limits_hold_with_equality(edit: Edit) -> None:
    assert complaints(the_decision(), edit(the_world())) == []


def test_costs_follow_a_reported_distance_that_is_a_metre_off() -> None:
    # 111,194 m x 1500 / 10^6 = 166.8: the same cents
    assert complaints(in_shipment(2, distance_m=111_194)(the_decision()), the_world()) == []


def test_goods_that_may_not_share_a_parcel() -> None:
    first, second, third = the_plan().shipments
    together = replace(first, picks=first.picks + second.picks)
    decision = replace(the_decision(), plan=replace(the_plan(), shipments=(together, third)))
    assert_caught(complaints(decision, the_world()), "ship_alone goods share it with another group")


def test_goods_that_leave_together() -> None:
    world = the_world()
    lines = (world.order.lines[0], replace(world.order.lines[1], ship_alone=False), world.order.lines[2])
    found = complaints(the_decision(), in_order(lines=lines)(world))
    assert_caught(found, "node 'A': 2 shipments of goods that leave together")


def test_a_group_is_not_divided() -> None:
    world = the_world()
    lines = tuple(
        replace(line, together="gift" if line.line_id != "L2" else "") for line in world.order.lines
    )
    assert_caught(complaints(the_decision(), in_order(lines=lines)(world)), "lines ['L1', 'L3']: divided")


@pytest.mark.parametrize(
    ("fast_cents", "transit_seconds", "better"),
    [
        (401, 40_000, False),  # dearer: 401 x 1.5 = 601.5 against 600
        (400, 40_000, True),  # as dear and earlier
        (400, 172_800, False),  # as dear, as late: "eco" is stated first
        (399, 200_000, True),  # cheaper and later, but still on the third day
        (399, 255_601, False),  # now + 259,201 s: a fourth day for 100 cents more
    ],
)
def test_the_service_of_a_shipment(fast_cents: int, transit_seconds: int, better: bool) -> None:
    world = the_world()
    eco, fast = world.network.services
    bracket = replace(fast.lanes[0].brackets[0], cents=fast_cents)
    lane = replace(fast.lanes[0], transit_seconds=transit_seconds, brackets=(bracket,))
    services = (eco, replace(fast, lanes=(lane,)))
    found = complaints(the_decision(), replace(world, network=replace(world.network, services=services)))
    assert found == (["shipment 'A' by 'eco': service 'fast' is the better choice"] if better else [])
