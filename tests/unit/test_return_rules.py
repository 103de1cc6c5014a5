"""Each kind of rule of a ``returns:`` section by itself; mistakes, warnings, and the reference page."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from router.errors import InvalidConfig
from router.returns_domain import Condition, ReturnCost, ReturnItem
from router.rules import return_model
from router.rules.parse import read_rules
from tests.return_shop import (
    COAT,
    COSTS,
    HAT,
    NETWORK,
    asked,
    best,
    by_place,
    places,
    ranked,
    rules_of,
    with_nodes,
)
from tests.rule_text import mistakes
from tests.unit.test_rules_check import world

DOCS = Path(__file__).parents[2] / "docs"
OPENED = replace(COAT, condition=Condition.OPENED)
DEFECTIVE = replace(COAT, condition=Condition.DEFECTIVE)
ALL_WAYS = asked(COAT)


# Eligibility


def test_accept_returns_leaves_only_the_selected_nodes() -> None:
    rule = {
        "kind": "accept_returns",
        "name": "repairs",
        "conditions": ["DEFECTIVE"],
        "nodes": {"ids": ["workshop"]},
    }
    rules = rules_of(*COSTS, eligibility=(rule,))
    assert places(best(asked(DEFECTIVE), rules)) == {"workshop": "PARCEL"}
    assert places(best(asked(COAT), rules)) == {"store": "DROP_OFF"}
    refused = ranked(asked(replace(DEFECTIVE, quantity=1), drop_off_node_id="depot"), rules).unplaced[0]
    told = {n.node_id: n.rejections[-1] for n in refused.nodes}
    assert (told["store"].reason, told["store"].rule_name) == ("ACCEPT_RETURNS", "repairs")
    assert (told["store"].value, told["store"].threshold) == ("id store; DEFECTIVE", "id in workshop")


def test_exclude_returns_removes_the_selected_nodes() -> None:
    rule = {
        "kind": "exclude_returns",
        "name": "no-fabric",
        "skus": {"labels": ["fabric"]},
        "nodes": {"types": ["STORE"]},
    }
    rules = rules_of(*COSTS, eligibility=(rule,))
    assert places(best(asked(COAT), rules)) == {"depot": "PARCEL"}
    assert places(best(asked(HAT), rules)) == {"store": "DROP_OFF"}
    decision = ranked(asked(COAT, drop_off_node_id="store"), rules, replace(NETWORK, return_services=()))
    [rejection] = decision.unplaced[0].nodes[1].rejections
    assert (rejection.reason, rejection.rule_name) == ("EXCLUDE_RETURNS", "no-fabric")
    assert (rejection.value, rejection.threshold) == ("type STORE", "not (type in STORE)")


def test_max_distance_keeps_far_nodes_out() -> None:
    rule = {"kind": "max_distance", "name": "near", "km": 250, "nodes": {"types": ["WAREHOUSE"]}}
    rules = rules_of(*COSTS, eligibility=(rule,))
    assert set(by_place(ranked(ALL_WAYS, rules))) == {"store", "workshop"}
    only = {"kind": "accept_returns", "name": "x", "nodes": {"ids": ["depot"]}}
    decision = ranked(ALL_WAYS, rules_of(*COSTS, eligibility=(rule, only)))
    [rejection] = decision.unplaced[0].nodes[0].rejections
    assert (rejection.reason, rejection.rule_name, rejection.threshold) == (
        "MAX_DISTANCE",
        "near",
        "<= 250 km",
    )
    assert re.fullmatch(r"391\.\d{3} km", rejection.value)


# Objectives


def test_return_shipping_is_the_weighted_tariff() -> None:
    rules = rules_of({"kind": "return_shipping", "weight": 0.333})
    no_store = with_nodes(store={"return_methods": frozenset()})
    assert by_place(ranked(ALL_WAYS, rules, no_store)) == {
        "depot": ReturnCost(return_shipping_cents=167),  # 166.5 rounded half up
        "workshop": ReturnCost(return_shipping_cents=167),
    }


def test_transfer_is_the_weighted_tariff_of_what_is_sent_on() -> None:
    request = asked(COAT, drop_off_node_id="store")
    cost = by_place(ranked(request, rules_of({"kind": "transfer", "weight": 0.333})))
    assert cost == {
        "store": ReturnCost(),
        "depot": ReturnCost(transfer_cents=167),
        "workshop": ReturnCost(transfer_cents=167),
    }


def test_return_handling_counts_units_at_every_node_they_pass() -> None:
    request = asked(HAT, drop_off_node_id="store")
    cost = by_place(ranked(request, rules_of({"kind": "return_handling", "weight": 2})))
    assert cost["store"] == ReturnCost(return_handling_cents=400)
    assert cost["depot"] == ReturnCost(return_handling_cents=400 + 80)


def test_reconditioning_costs_where_it_is_done() -> None:
    """The workshop makes 9,000 of 5,000 for 300 or, at ten times the price, leaves the coat as it is."""
    worth = {"kind": "worth", "percent": 50, "reconditioned_percent": 90}
    cost = by_place(ranked(asked(OPENED), rules_of(worth, {"kind": "reconditioning"})))
    assert cost["workshop"] == ReturnCost(reconditioning_cents=300, worth_cents=9_000)
    assert cost["depot"] == ReturnCost(worth_cents=5_000)
    cost = by_place(ranked(asked(OPENED), rules_of(worth, {"kind": "reconditioning", "weight": 13.3333})))
    assert cost["workshop"] == ReturnCost(worth_cents=5_000)  # 9,000 - 4,000 is no more than 5,000
    cost = by_place(ranked(asked(COAT), rules_of(worth, {"kind": "reconditioning"})))
    assert cost["workshop"] == ReturnCost(worth_cents=5_000)  # new goods need none
    hats = ReturnItem(line_id="1", sku_id="hat", quantity=1, condition=Condition.OPENED)
    cost = by_place(ranked(asked(hats), rules_of(worth)))
    assert cost["workshop"] == ReturnCost(worth_cents=1_000)  # it does not know felt


def test_worth_is_a_share_of_the_value_where_the_first_objective_says_so() -> None:
    """Worth alone: the goods go where they bring most, whatever that costs."""
    rules = rules_of(
        {"kind": "worth", "nodes": {"types": ["STORE"]}, "conditions": ["NEW"], "percent": 80},
        {"kind": "worth", "conditions": ["NEW"], "percent": 33.33},
        {"kind": "worth", "percent": 10},
    )
    decision = ranked(asked(replace(COAT, unit_value_cents=1_999)), rules)
    assert by_place(decision) == {
        "store": ReturnCost(worth_cents=1_599),  # 1,599.2
        "depot": ReturnCost(worth_cents=666),  # 666.27
        "workshop": ReturnCost(worth_cents=666),
    }
    assert decision.plans[0].total_cents == -1_599
    assert by_place(ranked(asked(OPENED), rules))["store"] == ReturnCost(worth_cents=1_000)


def test_stock_need_sends_goods_where_they_are_scarce() -> None:
    """Target 4, 100 cents: units that find 2 and 3 are worth 50 and 25, one that finds 4 nothing. A node
    without a stock row does not keep the SKU."""
    rules = rules_of({"kind": "stock_need", "cents": 100, "target_units": 4})
    stock = {("hat", "depot"): 2, ("hat", "store"): 3}
    decision = ranked(asked(replace(HAT, quantity=3)), rules, stock=stock)
    assert by_place(decision) == {
        "depot": ReturnCost(stock_need_cents=75),
        "store": ReturnCost(stock_need_cents=25),
        "workshop": ReturnCost(),
    }
    assert by_place(ranked(asked(replace(HAT, condition=Condition.OPENED)), rules, stock=stock)) == {
        "depot": ReturnCost(),
        "store": ReturnCost(),
        "workshop": ReturnCost(),
    }


def test_lines_of_one_sku_fill_one_need() -> None:
    rules = rules_of({"kind": "stock_need", "cents": 100, "target_units": 4})
    stock = {("hat", "depot"): 2, ("hat", "store"): -1}
    items = [ReturnItem(line_id=str(i), sku_id="hat", quantity=1) for i in range(3)]
    costs = by_place(ranked(asked(*items, together=True), rules, stock=stock))
    assert costs["depot"] == ReturnCost(stock_need_cents=75)
    assert costs["store"] == ReturnCost(stock_need_cents=100 + 100 + 75)  # below zero the need is no greater


def test_follow_source_sends_goods_back_to_who_sent_them() -> None:
    rules = rules_of(*COSTS, {"kind": "follow_source", "cents": 450})
    item = replace(COAT, original_node_id="depot")
    decision = ranked(asked(item), rules)
    assert decision.plans[0].cost == ReturnCost(
        return_shipping_cents=500, return_handling_cents=20, follow_source_cents=450
    )
    assert decision.plans[0].parts[0].units[0].original_node_id == "depot"
    assert places(best(asked(COAT), rules)) == {"store": "DROP_OFF"}


def test_split_is_paid_for_every_place_beyond_the_first() -> None:
    decision = ranked(asked(COAT, HAT), rules_of({"kind": "split", "cents": 21, "weight": 0.5}))
    assert {(len(plan.parts), plan.cost.split_cents) for plan in decision.plans} == {(1, 0), (2, 11)}


# Limits


def test_max_places_and_drop_off_km_limit() -> None:
    decision = ranked(asked(COAT, HAT), rules_of(*COSTS, max_places=1))
    assert {len(plan.parts) for plan in decision.plans} == {1}
    far = with_nodes(store={"latitude": 48.95})
    assert "store" not in by_place(ranked(ALL_WAYS, rules_of(*COSTS, drop_off_km=10), far))
    assert "store" in by_place(ranked(ALL_WAYS, rules_of(*COSTS, drop_off_km=11), far))


# Files

FILE = """\
version: 1
default_profile: p
profiles:
  - id: p
    strategies: [{id: s, objectives: [{kind: shipping}]}]
    returns:
      eligibility:
"""


def section(*rules: str, objectives: str = "[{kind: return_handling}]") -> str:
    return FILE + "".join(f"        - {{{rule}}}\n" for rule in rules) + f"      objectives: {objectives}\n"


EXCLUDE = "kind: exclude_returns, nodes: {ids: [n1]}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (section(f"{EXCLUDE}, name: a", f"{EXCLUDE}, name: a"),
         "r:9:55 R.eligibility[1].name: 'a' is the name of an earlier rule here"),
        (section("kind: exclude_returns, name: a, nodes: {countries: [XX]}"),
         "r:8:64 R.eligibility[0].nodes.countries[0]: 'XX' is not an ISO 3166 country code"),
        (section("kind: exclude_return, name: a, nodes: {}"),
         "r:8:12 R.eligibility[0].kind: 'exclude_return' is not one of accept_returns, exclude_returns, "
         "max_distance; did you mean 'exclude_returns'?"),
        (section(f"{EXCLUDE}, name: a, conditions: [USED]"),
         "r:8:77 R.eligibility[0].conditions[0]: 'USED' is not one of NEW, OPENED, DAMAGED, DEFECTIVE"),
        (section(f"{EXCLUDE}, name: a", objectives="[{kind: worth, percent: 250}]"),
         "r:9:34 R.objectives[0].percent: must be at most 200, is 250"),
    ],
)  # fmt: skip
def test_mistakes_name_line_and_path(text: str, expected: str) -> None:
    with pytest.raises(InvalidConfig) as raised:
        read_rules(text, "r")
    said = [str(v).replace("profiles[0].returns", "R") for v in raised.value.violations]
    assert said == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (section("kind: accept_returns, name: a, nodes: {}"),
         ["R.eligibility[0]: selects every node: it excludes nothing"]),
        (section("kind: exclude_returns, name: a, nodes: {}"),
         ["R.eligibility[0].nodes: selects every node: nothing accepts these goods"]),
        (section(f"{EXCLUDE}, name: a", f"{EXCLUDE}, name: b, conditions: [NEW]"),
         ["R.eligibility[1]: has no effect: 'a' already excludes all that this rule would"]),
        (section(f"{EXCLUDE}, name: a, conditions: [NEW]", f"{EXCLUDE}, name: b"),
         ["R.eligibility[0]: has no effect: 'b' already excludes all that this rule would"]),
        (section("kind: max_distance, name: a, km: 5", "kind: max_distance, name: b, km: 9"),
         ["R.eligibility[1]: has no effect: 'a' already excludes all that this rule would"]),
        (section("kind: accept_returns, name: a, nodes: {ids: [n1, n2]}",
                 "kind: accept_returns, name: b, nodes: {ids: [n1]}"),
         ["R.eligibility[0]: has no effect: 'b' already excludes all that this rule would"]),
        (section(f"{EXCLUDE}, name: a", "kind: max_distance, name: b, km: 9"), []),
        (section(f"{EXCLUDE}, name: a", objectives="[]"),
         ["R: has no objectives: every return costs nothing, and any of them may be taken"]),
        (section(f"{EXCLUDE}, name: a",
                 objectives="[{kind: worth, percent: 5}, {kind: worth, conditions: [NEW], percent: 9}]"),
         ["R.objectives[1]: has no effect: an earlier worth speaks of all these goods"]),
        (section(f"{EXCLUDE}, name: a", objectives="[{kind: return_shipping}]"),
         ["R: has no transfer objective: goods that are dropped off are sent on for nothing"]),
    ],
)  # fmt: skip
def test_rules_without_effect_are_warned_of(text: str, expected: list[str]) -> None:
    said = [str(v).replace("profiles[0].returns", "R") for v in read_rules(text, "r").warnings]
    assert [line.split(" ", 1)[1] for line in said] == expected


def test_names_that_nothing_carries_are_found() -> None:
    text = section(
        "kind: exclude_returns, name: a, nodes: {ids: [n1, x]}, skus: {ids: [S1, S2]}",
        objectives="[{kind: worth, nodes: {labels: [y]}, skus: {labels: [z]}, percent: 1}, "
        "{kind: stock_need, nodes: {groups: [g]}, cents: 1, target_units: 1}]",
    )
    found = [line.split("returns.")[1] for line in mistakes(text, *world())]
    assert found == [
        "eligibility[0].nodes.ids[1]: no node 'x'",
        "eligibility[0].skus.ids[1]: no SKU 'S2'",
        "objectives[0].nodes.labels[0]: no node label 'y'",
        "objectives[0].skus.labels[0]: no SKU label 'z'",
        "objectives[1].nodes.groups[0]: no node group 'g'",
    ]


def test_the_example_of_the_reference_shows_every_kind() -> None:
    text = (DOCS / "rules.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^```yaml returns\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    whole = "version: 1\ndefault_profile: p\nprofiles:\n  - id: p\n    strategies: [{id: s, objectives: "
    whole += "[{kind: shipping}]}]\n    returns:\n"
    file = read_rules(whole + "".join(f"      {line}\n" for line in block.splitlines()), "rules.md")
    assert file.warnings == ()
    returns = file.rules.profiles[0].returns
    assert returns is not None
    source = Path(return_model.__file__).read_text(encoding="utf-8")
    defined = set(re.findall(r'kind: Literal\["(\w+)"\]', source))
    shown = {rule.kind for rule in returns.eligibility} | {goal.kind for goal in returns.objectives}
    assert shown == defined
    section_text = text.partition("\n## Returns\n")[2]
    for name in (*defined, *return_model.ReturnLimits.model_fields):
        assert f"| `{name}` |" in section_text
