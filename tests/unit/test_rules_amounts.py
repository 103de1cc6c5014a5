"""Figures whose product no int64 holds are refused when rules are loaded, with their line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.domain import MAX_QUANTITY, Decision, OrderLine, Status
from router.network import Bracket, Network, Offer
from router.rules.amounts import MAX_CENTS_PER_KM, MAX_PLAN_CENTS, MOST_UNITS, too_great
from router.rules.parse import read_rules
from router.sourcer import decide
from router.verify.decision import verify
from tests.engine import snapshot_of
from tests.rule_text import ONE_STRATEGY, mistakes
from tests.small_shop import rules_of, small_shop
from tests.worlds import NOW_SECONDS, World

PATH = ("profiles", 0, "strategies", 0, "objectives")
UNIT = MAX_PLAN_CENTS // MOST_UNITS
"""Cents per unit that an order of the greatest size may just cost."""


def shop(**of_node: Any) -> World:
    """The small shop with figures of its node A, and plenty of stock there."""
    world = small_shop()
    first, *others = world.network.nodes
    network = replace(world.network, nodes=(replace(first, **of_node), *others))
    return replace(world, network=network, stock={("K", "A"): 3 * MAX_QUANTITY})


def found(network: Network | None, *objectives: dict[str, Any]) -> list[tuple[int, str]]:
    """Position of an objective, and what is said of it."""
    rules = rules_of({"id": "s", "objectives": objectives})
    findings = list(too_great(rules, network))
    assert all(path[:-1] == PATH for path, _ in findings)
    return [(int(path[-1]), message) for path, message in findings]


def test_a_file_says_where_a_figure_is_too_great() -> None:
    objectives = (
        "[{kind: shipping}, {kind: stock_depth, cents: 1000000000000, target_units: 4, weight: 1000}]"
    )
    text = ONE_STRATEGY.replace("[{kind: shipping}]", objectives).replace("        eligibility:\n", "")
    assert mistakes(text) == [
        "rules.yaml:7:40 S0.objectives[1]: a plan could cost 200000000000000000000000 cents by this, "
        "at most 1000000000000000000"
    ]


OFFER = Offer(sku_id="K", price_cents=10**9)
AT_THE_BOUND: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({}, {"kind": "stock_depth", "target_units": 4, "cents": UNIT}, "cents", str(UNIT + 1)),
    ({"priority": 1_001}, {"kind": "node_priority", "per": "unit", "cents": 5_000_000}, "cents", "5000001"),
    # 400 shipments x 999,999
    ({"priority": 1_000_000}, {"kind": "node_priority", "cents": 2_500_002_500}, "cents", "2500002501"),
    # 20,016 km x 2 x 10^8 units
    ({}, {"kind": "distance", "per": "unit", "cents_per_km": "249800.159"}, "cents_per_km", "249800.16"),
    ({}, {"kind": "distance", "cents_per_km": 1_000_000, "weight": 100}, "weight", "100.0001"),
    ({"unit_cents": 10**9}, {"kind": "handling", "weight": "4.9999"}, "weight", "5"),
    ({"offers": (OFFER,)}, {"kind": "purchase", "weight": "5"}, "weight", "5.0001"),
    # 400 shipments and 40,000 lines twice
    ({}, {"kind": "mistrust", "resource_cents": 10**12, "weight": "12.4378"}, "weight", "12.4379"),
    ({"shipment_cents": 10**9, "line_cents": 10**9}, {"kind": "handling", "weight": 1_000}, "weight", "1000"),
]
"""Figures of a node, the greatest objective that passes, and the next greater value of one of its keys."""


@pytest.mark.parametrize(("of_node", "objective", "key", "more"), AT_THE_BOUND)
def test_what_just_fits_costs_what_it_should(
    of_node: dict[str, Any], objective: dict[str, Any], key: str, more: str
) -> None:
    world = shop(**of_node)
    assert found(world.network, objective) == []
    if str(objective[key]) != more:
        ((at, message),) = found(world.network, {**objective, key: more})
        assert at == 0
        assert "at most" in message
    line = OrderLine(line_id="L", sku_id="K", quantity=MAX_QUANTITY)
    world = replace(
        world,
        rules=rules_of({"id": "s", "objectives": [objective]}),
        order=replace(world.order, lines=(line,)),
    )
    decision = decide(world.order, snapshot_of(world), NOW_SECONDS)
    assert decision.status == Status.SOURCED
    assert min(decision.plan.cost.parts()) >= 0
    assert complaints(world, decision) == []


def complaints(world: World, decision: Decision) -> list[str]:
    return verify(
        decision, world.order, world.network, world.sku_of, world.available, world.rules, NOW_SECONDS
    )


def test_a_kilometre_may_cost_so_much() -> None:
    each = {"kind": "distance", "cents_per_km": 1_000_000, "weight": 1_000}
    assert found(None, each) == [(0, f"1000000000 cents per km with the weight, at most {MAX_CENTS_PER_KM}")]


def test_objectives_count_together() -> None:
    """400 shipments, 401 days of 200 deliveries: two of either fit, a third does not; what does not fit is
    not counted."""
    dear = {"cents": 10**12, "weight": 1_000}
    slow = {"kind": "delay", "cents_per_day": 10**12, "weight": 5}
    split = {"kind": "split", **dear}
    message = "a plan could cost {} cents by this and the objectives before it, at most 1000000000000000000"
    assert found(None, split, split, split, {"kind": "shipping"}) == [(2, message.format(12 * 10**17))]
    assert found(None, slow, slow, slow) == [(2, message.format(1_203 * 10**15))]
    alone = {"kind": "stock_depth", "target_units": 4, **dear}
    assert [at for at, _ in found(None, alone, split, split, alone, split)] == [0, 3, 4]
    steps = {"kind": "delay", "steps": [{"from_days": 1, "cents": 10**12}] * 200, "weight": 5}
    assert [at for at, _ in found(None, split, split, steps, {"kind": "shipping"}, split)] == [4]


def test_tariffs_count_where_the_network_is_known() -> None:
    world = shop()
    (service,) = world.network.services
    dear = replace(service.lanes[0], brackets=(Bracket(up_to_grams=1, cents=10**9),))
    network = replace(world.network, services=(replace(service, lanes=(dear,)),))
    shipping = {"kind": "shipping", "weight": "4.9999"}
    assert found(network, shipping) == []
    assert [at for at, _ in found(network, {**shipping, "weight": 5})] == [0]
    assert found(None, {**shipping, "weight": 1_000}) == []


def test_a_network_is_looked_at_when_files_are_read() -> None:
    """Cents of a rule that nodes of great priority multiply: no number that a start could run into."""
    text = ONE_STRATEGY.replace("[{kind: shipping}]", "[{kind: node_priority, cents: 1000000000000}]")
    text = text.replace("        eligibility:\n", "")
    assert read_rules(text, "rules.yaml").warnings == ()
    world = shop(priority=1_000_000)
    catalogue = snapshot_of(world).catalogue
    assert [line.split(": ")[0] for line in mistakes(text, world.network, catalogue)] == [
        "rules.yaml:7:22 S0.objectives[0]"
    ]
