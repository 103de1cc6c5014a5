"""Supply rules of a file: what is refused, and what is warned of."""

from __future__ import annotations

import re

import pytest

from router.catalogue import Catalogue, Sku
from router.domain import NodeType
from router.network import Network, Node
from router.rules.parse import read_rules, rules_hash
from tests.rule_text import ONE_STRATEGY, fields, mistakes, warned

NODE = Node(node_id="n1", node_type=NodeType.STORE, country="FR", latitude=0.0, longitude=0.0)
CATALOGUE = Catalogue.from_skus([Sku(sku_id="S1", weight_grams=1)])
SUPPLY = ONE_STRATEGY.replace("eligibility:", "supply:")
"""Supply rules follow, from line 9 on."""


def listed(*rules: str) -> str:
    """Entries of a list in a strategy, named r0, r1, ..."""
    return "".join(f"          - {{name: r{i}, {rule}}}\n" for i, rule in enumerate(rules))


def supplied(*rules: str) -> str:
    return SUPPLY + listed(*rules)


def test_a_good_list_passes_and_has_defaults() -> None:
    file = read_rules(
        supplied(
            "kind: receipts",
            "kind: backorder, lead_days: 21, skus: {labels: [made]}",
            "kind: preorder, available_on: 2026-09-14",
        ),
        "rules.yaml",
    )
    assert file.warnings == ()
    receipts, backorder, preorder = file.rules.profiles[0].strategies[0].supply
    assert (receipts.kind, backorder.kind, preorder.kind) == ("receipts", "backorder", "preorder")
    assert (getattr(receipts, "max_days", 0), getattr(backorder, "max_units", 0)) == (365, 1_000_000)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (["kind: receipts, max_days: 0"], "9:40 S0.supply[0].max_days: must be at least 1, is 0"),
        (["kind: backorder, lead_days: 366"], "9:41 S0.supply[0].lead_days: must be at most 365, is 366"),
        (["kind: backorder"], "9:13 S0.supply[0].lead_days: is required"),
        (
            ["kind: backorder, lead_days: 3, max_units: 0"],
            "9:55 S0.supply[0].max_units: must be at least 1, is 0",
        ),
        (
            ["kind: preorder, available_on: soon"],
            "9:40 S0.supply[0].available_on: must be a date such as 2026-12-24, is 'soon'",
        ),
        (
            ["kind: preorder, available_on: 2026-02-30"],
            "9:40 S0.supply[0].available_on: must be a date such as 2026-12-24, is '2026-02-30'",
        ),
        (
            ["kind: preorder, available_on: 20260914"],
            "9:40 S0.supply[0].available_on: must be a date such as 2026-12-24, is 20260914",
        ),
        (
            ["kind: recepits"],
            "9:24 S0.supply[0].kind: 'recepits' is not one of receipts, backorder, preorder; "
            "did you mean 'receipts'?",
        ),
        (["kind: receipts"] * 17, "8:9 S0.supply: has 17 entries, at most 16"),
        (
            ["kind: receipts, nodes: {countries: [XX]}"],
            "9:60 S0.supply[0].nodes.countries[0]: 'XX' is not an ISO 3166 country code",
        ),
    ],
)
def test_each_mistake_is_placed(rules: list[str], expected: str) -> None:
    assert mistakes(supplied(*rules)) == [f"rules.yaml:{expected}"]


def test_names_are_unique_in_the_strategy() -> None:
    text = ONE_STRATEGY + "          - {name: r1, kind: same_country}\n"
    text += "        supply:\n" + listed("kind: receipts", "kind: receipts, max_days: 3")
    assert mistakes(text) == [
        "rules.yaml:12:14 S0.supply[1].name: 'r1' is the name of an earlier rule of this strategy"
    ]


def test_names_that_nothing_carries_are_found() -> None:
    text = supplied(
        "kind: receipts, nodes: {ids: [n1, n2], groups: [g]}, skus: {ids: [S1]}",
        "kind: preorder, available_on: 2026-09-14, nodes: {labels: [x]}, skus: {ids: [S2], labels: [y]}",
    )
    assert mistakes(text, Network(nodes=(NODE,)), CATALOGUE) == [
        "rules.yaml:9:58 S0.supply[0].nodes.ids[1]: no node 'n2'",
        "rules.yaml:9:72 S0.supply[0].nodes.groups[0]: no node group 'g'",
        "rules.yaml:10:83 S0.supply[1].nodes.labels[0]: no node label 'x'",
        "rules.yaml:10:101 S0.supply[1].skus.ids[0]: no SKU 'S2'",
        "rules.yaml:10:115 S0.supply[1].skus.labels[0]: no SKU label 'y'",
    ]


def test_what_is_wrong_in_form_hides_nothing_else() -> None:
    text = supplied(
        "kind: backorder, lead_days: many",
        "kind: receipts, nodes: {countries: [YY]}",
        "kind: preorder, available_on: 2026-13-01",
    )
    assert fields(text) == [
        "rules.yaml:9:41 S0.supply[0].lead_days",
        "rules.yaml:10:60 S0.supply[1].nodes.countries[0]",
        "rules.yaml:11:40 S0.supply[2].available_on",
    ]


@pytest.mark.parametrize(
    ("rules", "idle"),
    [
        (["kind: receipts", "kind: receipts, max_days: 9"], [1]),
        (["kind: receipts, max_days: 9", "kind: receipts"], [0]),
        (["kind: receipts, max_days: 9", "kind: receipts, max_days: 9"], [1]),
        (["kind: receipts, nodes: {types: [STORE]}", "kind: receipts, max_days: 9"], []),
        (["kind: receipts", "kind: receipts, skus: {labels: [x]}, nodes: {ids: [a]}"], [1]),
        # these add up
        (["kind: backorder, lead_days: 9", "kind: backorder, lead_days: 9"], []),
        (["kind: preorder, available_on: 2026-09-14", "kind: preorder, available_on: 2026-09-14"], []),
        (["kind: receipts", "kind: backorder, lead_days: 9"], []),
    ],
)
def test_receipts_that_count_already_are_warned_of(rules: list[str], idle: list[int]) -> None:
    found = [line for line in warned(supplied(*rules)) if "already counts all that this rule would" in line]
    assert [int(re.search(r"supply\[(\d)\]", line)[1]) for line in found] == idle  # type: ignore[index]


@pytest.mark.parametrize(
    ("rule", "idle"),
    [
        ("kind: exclude_nodes, nodes: {ids: [a, b]}", True),
        ("kind: exclude_nodes, nodes: {ids: [b]}", False),
        ("kind: exclude_nodes, nodes: {types: [STORE]}", False),
        ("kind: exclude_nodes, nodes: {ids: [a, b]}, skus: {ids: [S1]}", True),
        ("kind: exclude_nodes, nodes: {ids: [a, b]}, skus: {ids: [S2]}", False),
        ("kind: allow_nodes, nodes: {ids: [c]}", True),
        ("kind: allow_nodes, nodes: {ids: [a, c]}", False),
        ("kind: allow_nodes, nodes: {types: [STORE]}", False),
    ],
)
def test_supply_of_nodes_that_may_not_supply_is_warned_of(rule: str, idle: bool) -> None:
    text = ONE_STRATEGY + f"          - {{name: e, {rule}}}\n"
    text += "        supply:\n" + listed(
        "kind: backorder, lead_days: 2, nodes: {ids: [a]}, skus: {ids: [S1]}"
    )
    expected = "11:13 S0.supply[0]: has no effect: 'e' keeps these nodes from supplying these SKUs"
    assert warned(text) == ([f"rules.yaml:{expected}"] if idle else [])


def test_what_is_carried_out_cannot_wait() -> None:
    text = supplied("kind: receipts").replace("- id: s", "- id: s\n        when: {delivery_methods: [%s]}")
    assert warned(text % "CARRY_OUT") == [
        "rules.yaml:9:9 S0.supply: has no effect: what is carried out at once cannot wait"
    ]
    assert warned(text % "CARRY_OUT, PICKUP") == []


RECEIPTS, NEAR = "{kind: receipts, name: a}", "{kind: receipts, name: b, max_days: 5}"
LATER, MORE = "{kind: backorder, name: c, lead_days: 3}", "{kind: backorder, name: d, lead_days: 3}"


@pytest.mark.parametrize(
    ("first", "second", "relaxes"),
    [
        ("", "", False),
        ("", RECEIPTS, True),
        (RECEIPTS, "", False),
        (RECEIPTS, NEAR, False),
        (NEAR, RECEIPTS, True),
        (LATER, MORE, False),
        (LATER, f"{LATER}, {MORE}", True),
        (f"{LATER}, {MORE}", MORE, False),
        (LATER, NEAR, True),
        ("{kind: backorder, name: c, lead_days: 3, nodes: {ids: [a]}}", LATER, True),
        ("{kind: preorder, name: c, available_on: 2026-01-01}", LATER, True),
    ],
)
def test_a_fallback_that_promises_more_relaxes(first: str, second: str, relaxes: bool) -> None:
    text = ONE_STRATEGY.replace("        eligibility:\n", f"        supply: [{first}]\n        fallback: t\n")
    text += f"      - {{id: t, supply: [{second}], objectives: [{{kind: shipping}}]}}\n"
    found = [line for line in warned(text) if "it fails too" in line]
    assert bool(found) != relaxes


def test_the_hash_is_of_the_date_too() -> None:
    texts = [supplied(f"kind: preorder, available_on: {day}") for day in ("2026-09-14", "2026-09-15")]
    one, other = (rules_hash(read_rules(text, "r").rules) for text in texts)
    assert one != other
    assert rules_hash(read_rules(texts[0].replace("2026-09-14", '"2026-09-14"'), "r").rules) == one
