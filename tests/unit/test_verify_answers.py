"""The verifier on divided lines, unfilled units, strategies, alternatives and shared stock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from router.cost import Cost
from router.domain import (
    Certificate,
    CertificateKind,
    Decision,
    Method,
    Pick,
    Plan,
    SalesChannel,
    Status,
    Unfilled,
)
from tests.hand_worked import (
    A_ARRIVES,
    NOW,
    assert_caught,
    complaints,
    in_certificate,
    in_decision,
    in_node,
    in_order,
    in_rules,
    in_shipment_cost,
    in_stock,
    rule_set,
    strategy,
    the_decision,
    the_plan,
    the_world,
)
from tests.oracle_decision import decide_by_force
from tests.worlds import World, random_world


def half_from_b(line_splits: str) -> tuple[Decision, World]:
    """One unit of L1 from A, the other from B, where B has one."""
    first, second, third = the_plan().shipments
    one = Pick(line_id="L1", sku_id="K1", quantity=1)
    shipments = (replace(first, picks=(one,)), second, replace(third, picks=(one, *third.picks)))
    world = in_stock(K1_B=1)(in_rules(limits={"line_splits": line_splits})(the_world()))
    return replace(the_decision(), plan=replace(the_plan(), shipments=shipments)), world


@pytest.mark.parametrize(
    ("line_splits", "available_at_a", "allowed"),
    [("never", 1, False), ("when_needed", 2, False), ("when_needed", 1, True), ("free", 2, True)],
)
def test_a_line_is_divided_only_where_allowed(line_splits: str, available_at_a: int, allowed: bool) -> None:
    decision, world = half_from_b(line_splits)
    found = complaints(decision, in_stock(K1_A=available_at_a)(world))
    assert any("lines ['L1']: divided" in complaint for complaint in found) == (not allowed)


def test_a_node_too_late_to_supply_a_line_whole_does_not_keep_it_from_being_divided() -> None:
    # A could supply L1 whole, but by "eco" it is a second late, and "fast" no longer goes there
    decision, world = half_from_b("when_needed")
    late = in_order(deliver_by_seconds=A_ARRIVES - 1)(in_node("A", services=frozenset({"eco"}))(world))
    assert not any("lines ['L1']: divided" in complaint for complaint in complaints(decision, late))


def test_units_left_out_need_allow_partial() -> None:
    first, second, _ = the_plan().shipments
    sums = Cost.of([a + b for a, b in zip(first.cost.parts(), second.cost.parts(), strict=True)])
    plan = Plan(shipments=(first, second), cost=replace(sums, delay_cents=250, split_cents=200))
    decision = replace(
        the_decision(),
        plan=plan,
        status=Status.PARTIAL,
        unfilled=(Unfilled(line_id="L3", sku_id="K3", quantity=1),),
        certificate=Certificate(
            kind=CertificateKind.EXACT, method=Method.SUBSET_DP, bound_cents=plan.total_cents
        ),
    )
    assert_caught(complaints(decision, the_world()), "strategy 'main' has no allow_partial")
    assert complaints(decision, in_rules(limits={"allow_partial": True})(the_world())) == []


def unsourceable(*strategy_ids: str) -> Decision:
    lines = the_world().order.lines
    return replace(
        the_decision(),
        plan=Plan(shipments=(), cost=Cost()),
        status=Status.UNSOURCEABLE,
        strategy_ids=strategy_ids,
        unfilled=tuple(Unfilled(line_id=i.line_id, sku_id=i.sku_id, quantity=i.quantity) for i in lines),
        certificate=Certificate(kind=CertificateKind.EXACT, method=Method.SUBSET_DP, bound_cents=0),
    )


def test_unsourceable_is_a_clean_answer() -> None:
    assert complaints(unsourceable("main"), in_stock(K3_B=0)(the_world())) == []


def test_unsourceable_is_refuted_by_a_node_that_supplies_all() -> None:
    assert_caught(
        complaints(unsourceable("main"), in_stock(K3_A=1)(the_world())),
        "strategy 'main' had no answer, yet node 'A' can supply alone",
    )


def test_unsourceable_in_part_is_refuted_by_a_node_that_supplies_a_group() -> None:
    world = in_rules(limits={"allow_partial": True})(the_world())
    assert_caught(complaints(unsourceable("main"), world), "yet node 'A' can supply alone")


def test_strategies_are_taken_by_priority_then_file_order_then_fallback() -> None:
    ranked = rule_set(
        {**strategy(), "id": "late", "priority": 200},
        {
            **strategy(),
            "id": "strict",
            "priority": 10,
            "limits": {"max_nodes_per_order": 1},
            "fallback": "main",
        },
        {**strategy(), "id": "other", "priority": 10},
        {**strategy(), "id": "gold", "priority": 1, "when": {"customer_segments": ["gold"]}},
        {**strategy(), "id": "main"},
    )
    world = replace(the_world(), rules=ranked)

    def tried(*ids: str) -> list[str]:
        return complaints(in_decision(strategy_ids=ids)(the_decision()), world)

    assert tried("strict", "main") == []
    assert_caught(tried("other"), "strategy 'other' tried first, 'strict' applies before it")
    assert_caught(tried("strict", "late"), "whose fallback is 'main'")
    assert_caught(tried("strict"), "max_nodes_per_order is 1")
    assert_caught(complaints(unsourceable("strict"), world), "the fallback 'main' of 'strict' was not tried")
    gold = in_order(customer_segment="gold", sales_channel=SalesChannel.KIOSK)(world)
    assert complaints(in_decision(strategy_ids=("gold",))(the_decision()), gold) == []


def test_a_fallback_is_refuted_by_the_plan_that_the_first_strategy_allows() -> None:
    rules = rule_set({**strategy(), "id": "first", "fallback": "main"}, {**strategy(), "priority": 200})
    found = complaints(
        in_decision(strategy_ids=("first", "main"))(the_decision()), replace(the_world(), rules=rules)
    )
    assert found == ["strategy 'first' had no answer, yet allows the plan"]


def test_an_order_that_no_strategy_serves_has_no_strategies() -> None:
    world = in_rules(when={"destination_countries": ["DE"]})(the_world())
    assert complaints(unsourceable(), world) == []
    assert_caught(complaints(in_decision(strategy_ids=())(the_decision()), world), "no strategy answered")


def test_alternatives_are_checked_too() -> None:
    assert complaints(in_decision(alternatives=(the_plan(),))(the_decision()), the_world()) == []
    cheaper = replace(the_plan(), cost=replace(the_plan().cost, split_cents=0))
    found = complaints(in_decision(alternatives=(cheaper,))(the_decision()), the_world())
    assert_caught(found, "alternatives[0]: plan: split_cents is 0, should be 400")
    assert_caught(found, "alternatives[0]: 4 units for 3108 cents are better than the plan")


def test_lines_of_one_sku_draw_on_the_same_row_and_depth() -> None:
    # L2 becomes a second line of K1: A must have 3; leaving 3, 2 and 1 costs 15 + 30 + 45 = 90 over both
    world = the_world()
    lines = (world.order.lines[0], replace(world.order.lines[1], sku_id="K1"), world.order.lines[2])
    first, second, third = the_plan().shipments
    second = replace(
        second,
        picks=(Pick(line_id="L2", sku_id="K1", quantity=1),),
        weight_grams=300,
        cost=replace(second.cost, shipping_cents=600, stock_depth_cents=45),
    )
    plan = replace(the_plan(), shipments=(first, second, third))
    plan = replace(plan, cost=replace(plan.cost, shipping_cents=1800, stock_depth_cents=90))
    decision = in_certificate(bound_cents=plan.total_cents)(replace(the_decision(), plan=plan))
    world = in_order(lines=lines)(world)
    assert complaints(decision, world) == []
    assert_caught(complaints(decision, in_stock(K1_A=2)(world)), "stock: 3 units of 'K1' taken, available 2")
    assert_caught(complaints(in_shipment_cost(1, stock_depth_cents=15)(decision), world), "should be 90")


def test_no_random_change_of_a_cost_goes_unseen() -> None:
    rng = np.random.default_rng(20)
    tampered = 0
    for _ in range(150):
        world = random_world(rng)
        decision = decide_by_force(
            world.rules, world.order, world.network, skus=world.skus, stock=world.stock, now_seconds=NOW
        )
        if not decision.plan.shipments:
            continue
        tampered += 1
        parts = list(decision.plan.cost.parts())
        parts[rng.integers(len(parts))] += 1
        wrong = replace(decision, plan=replace(decision.plan, cost=Cost.of(parts)))
        assert_caught(complaints(wrong, world), "plan: ")
    assert tampered > 50
