"""Explanations: relaxations and alternatives, by hand and against brute force."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from router.domain import Decision, SalesChannel, Status
from router.rules.model import Limits, Profile, RuleSet, Strategy
from router.verify.decision import verify
from tests.engine import explained
from tests.oracle_decision import decide_by_force
from tests.small_shop import rules_of, small_shop, with_lines, with_rules
from tests.worlds import NOW_SECONDS, WHOLE_LINES, World, random_world


def relaxed(world: World, **options: Any) -> list[tuple[str, ...]]:
    return [r.changes for r in explained(world, **options)[1].relaxations]


# --- relaxations by hand -----------------------------------------------------------------------------------


def test_every_single_change_that_helps_is_named_with_the_stock_that_is_short() -> None:
    """11 units: A has 9, B 3 of which 2 must stay, C 1 and is barred twice; nothing collects at D."""
    assert relaxed(with_lines(small_shop(), ("K", 11))) == [
        ("rule 'shelf' off",),
        ("1 more unit of K at A (10 of 11 at eligible nodes)",),
    ]


def test_pairs_are_named_when_no_single_change_helps() -> None:
    """Twelve of A and B with every unit of both; the thirteenth is at C, barred by two rules."""
    world = with_lines(small_shop(), ("K", 13))
    rules = world.rules.profiles[0].strategies[0].eligibility[:3]
    world = with_rules(world, *(r.model_dump() for r in rules))
    stock = {key: units for key, units in world.stock.items() if key[1] in "ABC"}
    assert relaxed(replace(world, stock=stock)) == [
        ("1 more unit of K at A (12 of 13 at eligible nodes)",),
    ]
    assert relaxed(replace(world, stock={("K", "C"): 13, ("K", "A"): 0})) == [
        ("13 more units of K at A (0 of 13 at eligible nodes)",),
    ]
    everywhere = {"kind": "exclude_nodes", "nodes": {"ids": ["A", "B", "D"]}, "name": "not these"}
    world = with_rules(world, everywhere, *(r.model_dump() for r in rules))
    assert relaxed(replace(world, stock={("K", "C"): 13})) == [("rule 'near' off", "rule 'no outlet' off")]


def test_limits_are_widened_no_further_than_needed() -> None:
    world = with_rules(small_shop(), max_nodes_per_order=1)
    stock = {("K", "A"): 4, ("K", "B"): 4, ("K", "C"): 4}
    world = replace(with_lines(world, ("K", 9)), stock=stock)
    assert relaxed(world) == [
        ("max_nodes_per_order 1 -> 3",),
        ("5 more units of K at A (12 of 9 at eligible nodes)",),
    ]
    never = replace(world, rules=with_rules(world, line_splits="never").rules)
    assert relaxed(never)[0] == ("line_splits never -> when_needed",)
    dear = with_rules(world, min_shipment_value_cents=10**9)
    assert relaxed(dear)[0] == ("min_shipment_value_cents 1000000000 -> 0",)


def test_a_line_that_some_node_could_supply_whole_needs_free_splits() -> None:
    world = with_rules(with_lines(small_shop(), ("K", 4), ("K", 4)), line_splits="never")
    world = replace(world, stock={("K", "A"): 5, ("K", "B"): 3})
    assert relaxed(world) == [
        ("line_splits never -> free",),
        ("1 more unit of K at B (8 of 8 at eligible nodes)",),
    ]


def test_a_deadline_is_put_off_by_whole_days() -> None:
    world = with_rules(small_shop())
    (post,) = world.network.services
    slow = replace(post, lanes=(replace(post.lanes[0], transit_seconds=5 * 86_400),))
    world = replace(world, network=replace(world.network, services=(slow,)))
    order = replace(world.order, deliver_by_seconds=NOW_SECONDS + 86_401)
    assert relaxed(replace(world, order=order)) == [("deliver_by +4 days",)]
    order = replace(world.order, deliver_by_seconds=NOW_SECONDS + 5 * 86_400 - 1)
    assert relaxed(replace(world, order=order)) == [("deliver_by +1 day",)]


def test_lines_that_no_node_has_together_may_go_apart() -> None:
    world = with_rules(with_lines(small_shop(), ("K", 2), ("J", 2), together="set"))
    world = replace(world, skus={**world.skus, "J": replace(world.skus["K"], sku_id="J")})
    world = replace(world, stock={("K", "A"): 2, ("J", "B"): 2})
    assert relaxed(world) == [
        ("lines L0, L1 not together",),
        ("2 more units of J at A (2 of 2 at eligible nodes)",),
    ]


def test_a_rule_and_stock_together_when_nothing_smaller_helps() -> None:
    world = with_lines(small_shop(), ("K", 60))
    abroad = {"kind": "exclude_nodes", "nodes": {"countries": ["FR"]}, "name": "abroad only"}
    assert relaxed(with_rules(world, abroad)) == [
        ("rule 'abroad only' off", "47 more units of K at A (13 of 60 at eligible nodes)")
    ]


def test_nothing_is_proposed_where_nothing_helps() -> None:
    world = small_shop()
    world = replace(world, network=replace(world.network, services=()))
    decision, explanation = explained(world)
    assert decision.status == Status.UNSOURCEABLE
    assert explanation.relaxations == ()
    assert explanation.lines[0].rejected_count == 4


def test_strategies_that_were_tried_are_told_apart() -> None:
    world = with_lines(small_shop(), ("K", 3))
    far = {"kind": "max_distance", "name": "near", "km": 1, "nodes": {}}
    no_a = {"kind": "exclude_nodes", "name": "not A", "nodes": {"ids": ["A", "B", "C", "D"]}}
    first = {"id": "first", "eligibility": [no_a], "fallback": "second"}
    second = {"id": "second", "priority": 200, "eligibility": [far, no_a]}
    world = replace(world, rules=rules_of(first, second))
    decision, explanation = explained(world)
    assert decision.strategy_ids == ("first", "second")
    assert [r.changes for r in explanation.relaxations] == [
        ("strategy 'first': rule 'not A' off",),
        ("strategy 'second': rule 'not A' off",),
    ]
    assert explanation.lines[0].rejected_count == 4, "candidates are those of the strategy that answered"


def test_an_order_that_no_strategy_applies_to_is_told_why() -> None:
    conditions = {
        "sales_channels": ["MOBILE", "KIOSK"],
        "order_value": {"min_cents": 500, "max_cents": 900},
        "destination_countries": ["DE", "BE"],
        "destination_zones": ["paris"],
        "customer_segments": ["gold"],
    }
    world = replace(
        small_shop(),
        rules=rules_of(
            {"id": "all", "when": conditions},
            {"id": "shop", "priority": 7, "when": {"sales_channels": ["STORE"]}},
        ),
    )
    line = replace(world.order.lines[0], unit_value_cents=100)
    world = replace(
        world,
        network=replace(world.network, zones=()),
        order=replace(world.order, lines=(line,), sales_channel=SalesChannel.WEB),
    )
    decision, explanation = explained(world)
    assert (decision.status, decision.strategy_ids) == (Status.UNSOURCEABLE, ())
    assert [r.changes for r in explanation.relaxations] == [
        ("strategy 'shop' needs sales_channel in STORE (is WEB)",),
        (
            "strategy 'all' needs sales_channel in MOBILE, KIOSK (is WEB)",
            "strategy 'all' needs order_value within 500..900 cents (is 200 cents)",
            "strategy 'all' needs destination country in DE, BE (is FR)",
            "strategy 'all' needs destination zone in paris (is none)",
            "strategy 'all' needs customer_segment in gold (is none)",
        ),
    ]
    assert [line.candidates for line in explanation.lines] == [()]


# --- relaxations against brute force -----------------------------------------------------------------------


def applied(world: World, strategy_ids: tuple[str, ...], changes: tuple[str, ...]) -> World:
    """The world after the changes, read from their words alone."""
    wanted = world.order.sourcing_profile or world.rules.default_profile
    (profile,) = [p for p in world.rules.profiles if p.id == wanted]
    strategies = {s.id: s for s in profile.strategies}
    order, stock = world.order, dict(world.stock)
    for text in changes:
        named = re.match(r"strategy '(\w+)': (.*)", text)
        name, words = named.groups() if named else (strategy_ids[-1], text)
        before = strategies[name]
        if match := re.fullmatch(r"rule '(.*)' off", words):
            kept = tuple(r for r in before.eligibility if r.name != match[1])
            strategies[name] = before.model_copy(update={"eligibility": kept})
        elif match := re.fullmatch(r"(\w+) (\w+) -> (\w+)", words):
            assert str(getattr(before.limits, match[1])) == match[2]
            limits = Limits.model_validate({**before.limits.model_dump(), match[1]: match[3]})
            strategies[name] = before.model_copy(update={"limits": limits})
        elif match := re.fullmatch(r"deliver_by \+(\d+) days?", words):
            assert order.deliver_by_seconds is not None
            order = replace(order, deliver_by_seconds=order.deliver_by_seconds + 86_400 * int(match[1]))
        elif match := re.fullmatch(r"lines (.*) not together", words):
            members = match[1].split(", ")
            lines = [replace(x, together="") if x.line_id in members else x for x in order.lines]
            order = replace(order, lines=tuple(lines))
        else:
            match = re.fullmatch(r"(\d+) more units? of (\w+) at (\w+) \(.*\)", words)
            assert match is not None, words
            stock[match[2], match[3]] = stock.get((match[2], match[3]), 0) + int(match[1])
    return replace(world, order=order, stock=stock, rules=rules_with(world.rules, profile, strategies))


def rules_with(rules: RuleSet, profile: Profile, strategies: dict[str, Strategy]) -> RuleSet:
    changed = profile.model_copy(update={"strategies": tuple(strategies.values())})
    profiles = tuple(changed if p.id == profile.id else p for p in rules.profiles)
    return rules.model_copy(update={"profiles": profiles})


def forced(world: World) -> Decision:
    return decide_by_force(
        world.rules,
        world.order,
        world.network,
        skus=world.skus,
        stock=world.stock,
        now_seconds=NOW_SECONDS,
    )


def rule_names(world: World, strategy_id: str) -> list[str]:
    wanted = world.order.sourcing_profile or world.rules.default_profile
    (profile,) = [p for p in world.rules.profiles if p.id == wanted]
    (strategy,) = [s for s in profile.strategies if s.id == strategy_id]
    return [rule.name for rule in strategy.eligibility]


def test_relaxations_of_random_worlds_do_help_and_no_single_rule_is_missed() -> None:
    rng = np.random.default_rng(4_711)
    seen = {1: 0, 2: 0}
    for _ in range(300):
        world = random_world(rng)
        decision, explanation = explained(world)
        if decision.status == Status.SOURCED:
            assert explanation.relaxations == ()
            continue
        if not decision.strategy_ids:
            continue
        found = [r.changes for r in explanation.relaxations]
        assert len(set(found)) == len(found)
        for changes in found:
            seen[len(changes)] = seen.get(len(changes), 0) + 1
            assert forced(applied(world, decision.strategy_ids, changes)).status == Status.SOURCED
        for strategy_id in decision.strategy_ids:
            prefix = f"strategy '{strategy_id}': " if len(decision.strategy_ids) > 1 else ""
            for name in rule_names(world, strategy_id):
                change = (f"{prefix}rule '{name}' off",)
                helps = forced(applied(world, decision.strategy_ids, change)).status == Status.SOURCED
                assert helps == (change in found)
    assert seen[1] > 60
    assert seen[2] > 5


# --- alternatives ------------------------------------------------------------------------------------------


def test_alternatives_avoid_a_node_each_and_come_cheapest_first() -> None:
    world = with_rules(small_shop())
    nodes = [replace(n, services=frozenset({"post"}), shipment_cents=c) for n, c in
             zip(world.network.nodes, (5, 80, 30, 60), strict=True)]  # fmt: skip
    costs = [{"kind": "shipping"}, {"kind": "handling"}]
    world = replace(
        world,
        network=replace(world.network, nodes=tuple(nodes)),
        rules=rules_of({"id": "main", "objectives": costs, "limits": {"max_nodes_per_order": 1}}),
    )
    decision, _ = explained(world)
    assert [s.node_id for s in decision.plan.shipments] == ["A"]
    (alternative,) = decision.alternatives
    assert [s.node_id for s in alternative.shipments] == ["D"]
    assert alternative.total_cents == decision.plan.total_cents + 55


def test_an_alternative_does_not_divide_a_line_that_one_node_could_supply_whole() -> None:
    """Only A has 4 units. Without A the line would have to be divided, which is not allowed while A may
    supply it."""
    world = with_rules(with_lines(small_shop(), ("K", 4)))
    world = replace(world, stock={("K", "A"): 4, ("K", "B"): 2, ("K", "C"): 2})
    decision, _ = explained(world)
    assert decision.status == Status.SOURCED
    assert decision.alternatives == ()


def test_alternatives_of_random_worlds_are_clean_and_the_best() -> None:
    rng = np.random.default_rng(99)
    count = 0
    for i in range(300):
        whole = i % 2 == 0
        world = random_world(rng, WHOLE_LINES) if whole else random_world(rng)
        decision, _ = explained(world, decisions=10)
        complaints = verify(
            decision, world.order, world.network, world.sku_of, world.available, world.rules, NOW_SECONDS
        )
        assert complaints == []
        costs = [plan_rank(plan) for plan in decision.alternatives]
        assert costs == sorted(costs)
        assert len(set(decision.alternatives)) == len(costs)
        count += len(costs)
        if whole:
            assert costs == best_without_each_node(world, decision)
    assert count > 100


def plan_rank(plan: Any) -> tuple[int, int]:
    return -sum(p.quantity for s in plan.shipments for p in s.picks), plan.total_cents


def best_without_each_node(world: World, decision: Decision) -> list[tuple[int, int]]:
    """(units less, cents) of the best plan by brute force without each node of the plan, repeats once."""
    found: set[tuple[int, int]] = set()
    for node_id in {s.node_id for s in decision.plan.shipments}:
        stock = {key: units for key, units in world.stock.items() if key[1] != node_id}
        other = forced(replace(world, stock=stock))
        if other.strategy_ids == decision.strategy_ids and other.plan.shipments:
            found.add(plan_rank(other.plan))
    return sorted(found)


def test_an_order_that_is_wrong_is_refused() -> None:
    world = with_lines(small_shop(), ("nothing", 1))
    with pytest.raises(Exception, match="unknown SKU 'nothing'"):
        explained(world)
