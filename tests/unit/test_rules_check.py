"""Rules that contradict each other, name what is not there, or do nothing; and the reference page."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from router.catalogue import Catalogue, Sku
from router.domain import NodeType, Status
from router.errors import InvalidConfig
from router.network import Bracket, Lane, Network, Node, Service, Zone
from router.network import Path as HubPath
from router.rules import model, supply_model
from router.rules.parse import read_rules
from router.sourcer import decide
from server.load.rules import load_rules
from tests.engine import snapshot_of
from tests.rule_text import GOOD, ONE_STRATEGY, changed, mistakes, warned
from tests.small_shop import rules_of, small_shop
from tests.worlds import NOW_SECONDS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            GOOD.replace("fallback: standard", "")
            .replace("when:", "xx:")
            .replace("\n        xx:", "\n        when:")
            .replace(
                "id: standard",
                "id: standard\n        when: {sales_channels: [WEB], destination_countries: [FR], "
                "destination_zones: [idf], order_value: {min_cents: 100, max_cents: 200}}",
            ),
            "rules.yaml:23:9 S1: 'standard' is never used: 'express' comes first and takes all its orders",
        ),
        (
            changed(
                "name: close, nodes: {types: [STORE]}, km: 30.5",
                "name: close, nodes: {types: [STORE]}, km: 20016",
            ),
            "rules.yaml:15:72 S0.eligibility[1].km: no place on earth is further away: "
            "the rule excludes nothing",
        ),
        (
            changed("services: [post], labels: [sea]", "services: []"),
            "rules.yaml:16:13 S0.eligibility[2]: names no service and no label: it excludes nothing",
        ),
        (
            changed(
                "{kind: exclude_nodes, name: shut, skus: {ids: [S1]}, nodes: {ids: [n1]}}",
                "{kind: exclude_nodes, name: shut, nodes: {labels: [chilled, other]}}",
            ),
            "rules.yaml:26:13 S1.eligibility[1]: together with 'cold' no node is left for these SKUs",
        ),
        (
            changed(
                "{kind: exclude_nodes, name: shut, skus: {ids: [S1]}, nodes: {ids: [n1]}}",
                "{kind: exclude_nodes, name: shut, nodes: {}}",
            ),
            "rules.yaml:26:47 S1.eligibility[1].nodes: selects every node: nothing can supply these SKUs",
        ),
        (
            changed("        objectives:\n          - {kind: split, cents: 300}\n", ""),
            "rules.yaml:23:9 S1: has no objectives: every plan costs nothing, and any of them may be taken",
        ),
        (
            changed("{kind: split, cents: 300}", "{kind: delay, free_days: 3}"),
            "rules.yaml:28:13 S1.objectives[0]: has neither cents_per_day nor steps: it costs nothing",
        ),
        (
            changed("max_nodes_per_order: 1", "{max_nodes_per_order: 1, line_splits: free}"),
            "rules.yaml:21:36 S0.limits.line_splits: has no effect: a line cannot be divided over one node",
        ),
    ],
)
def test_rules_that_can_have_no_effect_are_warned_of(text: str, expected: str) -> None:
    assert expected in warned(text)


@pytest.mark.parametrize(
    ("rules", "idle"),
    [
        (["kind: max_distance, km: 10", "kind: max_distance, km: 20"], [1]),
        (["kind: max_distance, km: 20", "kind: max_distance, km: 10"], [0]),
        (["kind: max_distance, km: 10", "kind: max_distance, km: 10"], [1]),
        (["kind: max_distance, km: 10, nodes: {types: [STORE]}", "kind: max_distance, km: 20"], []),
        (["kind: min_remaining, units: 3", "kind: min_remaining, units: 2, skus: {labels: [x]}"], [1]),
        (["kind: min_remaining, units: 3, skus: {labels: [x]}", "kind: min_remaining, units: 2"], []),
        (["kind: same_country", "kind: same_country, nodes: {types: [STORE]}"], [1]),
        (
            ["kind: exclude_nodes, nodes: {types: [STORE]}", "kind: same_country, nodes: {types: [STORE]}"],
            [1],
        ),
        (["kind: exclude_nodes, nodes: {ids: [a]}", "kind: exclude_nodes, nodes: {ids: [a, b]}"], [0]),
        (["kind: allow_nodes, nodes: {ids: [a, b]}", "kind: allow_nodes, nodes: {ids: [a]}"], [0]),
        (["kind: exclude_services, services: [a]", "kind: exclude_services, services: [a, b]"], [0]),
        (["kind: exclude_services, services: [a]", "kind: exclude_services, labels: [a]"], []),
        (["kind: exclude_methods, methods: [SHIP]", "kind: exclude_methods, methods: [SHIP, PICKUP]"], [0]),
        (["kind: allow_methods, methods: [SHIP]", "kind: allow_methods, methods: [SHIP, PICKUP]"], [1]),
        (["kind: allow_methods, methods: [SHIP]", "kind: exclude_methods, methods: [PICKUP]"], [1]),
        (["kind: exclude_methods, methods: [SHIP]", "kind: allow_methods, methods: [SHIP, PICKUP]"], []),
        (
            [
                "kind: allow_methods, methods: [SHIP], nodes: {types: [STORE]}",
                "kind: allow_methods, methods: [SHIP, PICKUP]",
            ],
            [],
        ),
        (
            [
                "kind: exclude_methods, methods: [PICKUP], nodes: {types: [STORE]}",
                "kind: exclude_nodes, nodes: {types: [STORE]}",
            ],
            [0],
        ),
        (["kind: exclude_methods, methods: [SHIP]", "kind: same_country"], []),
    ],
)
def test_idle_rules_are_found_and_no_others(rules: list[str], idle: list[int]) -> None:
    text = ONE_STRATEGY + "".join(f"          - {{name: r{i}, {rule}}}\n" for i, rule in enumerate(rules))
    idle_rules = [line for line in warned(text) if "has no effect" in line]
    assert [int(re.search(r"eligibility\[(\d)\]", line)[1]) for line in idle_rules] == idle  # type: ignore[index]


def test_two_allowances_that_share_no_node_leave_nothing() -> None:
    text = ONE_STRATEGY + (
        "          - {name: a, kind: allow_nodes, nodes: {types: [STORE]}}\n"
        "          - {name: b, kind: allow_nodes, nodes: {types: [WAREHOUSE]}}\n"
    )
    assert warned(text) == [
        "rules.yaml:10:13 S0.eligibility[1]: together with 'a' no node is left for these SKUs"
    ]


WHEN_COLLECTED = ONE_STRATEGY.replace("- id: s\n", "- id: s\n        when: {delivery_methods: [PICKUP]}\n")
EVERY_METHOD = "SHIP, PICKUP, SHIP_TO_STORE, PICKUP_POINT, CARRY_OUT, RESERVE_AND_COLLECT"


@pytest.mark.parametrize(
    ("text", "rules", "expected"),
    [
        (ONE_STRATEGY, [f"kind: allow_methods, methods: [{EVERY_METHOD}]"],
         "9:45 S0.eligibility[0].methods: forbids no method of this strategy's deliveries: "
         "it excludes nothing"),
        (ONE_STRATEGY, [f"kind: exclude_methods, methods: [{EVERY_METHOD}]"],
         "9:47 S0.eligibility[0].methods: leaves no method: nothing can supply these SKUs"),
        (WHEN_COLLECTED, ["kind: exclude_methods, methods: [SHIP, PICKUP_POINT]"],
         "10:47 S0.eligibility[0].methods: forbids no method of this strategy's deliveries: "
         "it excludes nothing"),
        (WHEN_COLLECTED, ["kind: allow_methods, methods: [SHIP]"],
         "10:45 S0.eligibility[0].methods: leaves no method: nothing can supply these SKUs"),
        (WHEN_COLLECTED, ["kind: exclude_methods, methods: [PICKUP]",
                          "kind: allow_methods, methods: [PICKUP, SHIP], skus: {ids: [a]}"],
         "11:13 S0.eligibility[1]: together with 'r0' no method is left for these SKUs and nodes"),
        (ONE_STRATEGY, ["kind: allow_methods, methods: [SHIP]",
                        "kind: allow_methods, methods: [PICKUP], nodes: {types: [STORE]}"],
         "10:13 S0.eligibility[1]: together with 'r0' no method is left for these SKUs and nodes"),
    ],
)  # fmt: skip
def test_rules_that_forbid_no_method_or_all_are_warned_of(text: str, rules: list[str], expected: str) -> None:
    text += "".join(f"          - {{name: r{i}, {rule}}}\n" for i, rule in enumerate(rules))
    assert warned(text) == [f"rules.yaml:{expected}"]


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        (ONE_STRATEGY, ["kind: exclude_methods, methods: [PICKUP]",
                        "kind: allow_methods, methods: [SHIP, PICKUP], nodes: {types: [STORE]}"]),
        (ONE_STRATEGY, [f"kind: exclude_methods, nodes: {{ids: [a]}}, methods: [{EVERY_METHOD}]"]),
        (WHEN_COLLECTED, ["kind: exclude_methods, methods: [SHIP_TO_STORE]"]),
        (ONE_STRATEGY, ["kind: allow_methods, nodes: {types: [STORE]}, methods: [SHIP]",
                        "kind: allow_methods, nodes: {types: [SUPPLIER]}, methods: [PICKUP]"]),
    ],
)  # fmt: skip
def test_rules_about_methods_that_may_be_meant_pass(text: str, rules: list[str]) -> None:
    text += "".join(f"          - {{name: r{i}, {rule}}}\n" for i, rule in enumerate(rules))
    assert warned(text) == []


def test_a_fallback_takes_orders_of_any_method() -> None:
    text = WHEN_COLLECTED + "          - {name: a, kind: exclude_methods, methods: [SHIP]}\n"
    assert len(warned(text)) == 1
    text += (
        "      - {id: first, priority: 1, fallback: s, when: {delivery_methods: [SHIP, PICKUP]},\n"
        "         objectives: [{kind: shipping}], limits: {max_nodes_per_order: 1}}\n"
    )
    assert warned(text) == []


def test_lateness_without_a_price_costs_nothing() -> None:
    text = changed("{kind: split, cents: 300}", "{kind: lateness}")
    assert warned(text) == [
        "rules.yaml:28:13 S1.objectives[0]: has neither cents_per_day nor steps: it costs nothing"
    ]


def test_mistrust_without_a_price_costs_nothing() -> None:
    text = changed("{kind: split, cents: 300}", "{kind: mistrust, resource_cents: 0}")
    assert warned(text) == [
        "rules.yaml:28:13 S1.objectives[0]: sourcing again costs nothing: so does mistrust"
    ]


def test_a_strategy_for_some_methods_precedes_those_for_fewer() -> None:
    text = WHEN_COLLECTED + "          - {name: a, kind: same_country}\n"
    other = "      - {id: t, when: {delivery_methods: [%s]}, objectives: [{kind: shipping}]}\n"
    assert warned(text + other % "PICKUP, SHIP") == []
    assert warned(text + other % "PICKUP") == [
        "rules.yaml:11:9 S1: 't' is never used: 's' comes first and takes all its orders"
    ]


def test_a_fallback_must_relax_something() -> None:
    text = changed("max_nodes_per_order: 1", "allow_partial: false").replace(
        "          - {kind: exclude_nodes, name: shut, skus: {ids: [S1]}, nodes: {ids: [n1]}}\n",
        "          - {kind: max_distance, name: near, nodes: {types: [STORE]}, km: 30.5}\n"
        "          - {kind: exclude_services, name: slow, services: [post], labels: [sea]}\n",
    )
    assert warned(text) == [
        "rules.yaml:22:9 S0.fallback: 'standard' has all the rules and limits of this strategy: it fails too"
    ]


def world(*, node_id: str = "n1") -> tuple[Network, Catalogue]:
    node = Node(
        node_id=node_id,
        node_type=NodeType.STORE,
        country="FR",
        latitude=0.0,
        longitude=0.0,
        labels=frozenset({"chilled"}),
        groups=frozenset({"shops"}),
    )
    lane = Lane(transit_seconds=1, brackets=(Bracket(up_to_grams=1, cents=1),))
    services = (Service(service_id="post", labels=frozenset({"sea"}), lanes=(lane,)),)
    network = Network(nodes=(node,), zones=(Zone(zone_id="idf", country="FR"),), services=services)
    path = HubPath(path_id="over", services=("post", "post"), hubs=(node_id,))
    network = replace(network, paths=(path,))
    return network, Catalogue.from_skus([Sku(sku_id="S1", weight_grams=1, labels=frozenset({"cold"}))])


@pytest.mark.parametrize(
    ("when", "warned_of"),
    [
        ("{sales_channels: [STORE]}", True),
        ("{destination_countries: [DE, BE]}", True),
        ("{destination_countries: [DE, FR], destination_zones: [other]}", True),
        ("{order_value: {min_cents: 90001}}", True),
        ("{order_value: {max_cents: 99}}", True),
        ("{order_value: {min_cents: 90000}}", False),
        ("{destination_countries: [DE, FR]}", False),
        ("{customer_segments: [vip]}", False),
    ],
)
def test_a_fallback_whose_conditions_cannot_hold_is_warned_of(when: str, warned_of: bool) -> None:
    text = changed("- id: standard", f"- id: standard\n        when: {when}")
    expected = (
        "rules.yaml:22:9 S0.fallback: no order of this strategy meets the conditions of 'standard', "
        "which is tried all the same"
    )
    assert warned(text) == ([expected] if warned_of else [])


def test_a_fallback_is_tried_whatever_its_conditions_say() -> None:
    shop = small_shop()
    nobody = {"kind": "exclude_nodes", "name": "none", "nodes": {}}
    first = {"id": "web", "when": {"sales_channels": ["WEB"]}, "eligibility": [nobody], "fallback": "store"}
    second = {"id": "store", "when": {"sales_channels": ["STORE"]}}
    decision = decide(shop.order, snapshot_of(replace(shop, rules=rules_of(first, second))), NOW_SECONDS)
    assert (decision.strategy_ids, decision.status) == (("web", "store"), Status.SOURCED)


def test_names_that_are_known_pass() -> None:
    assert read_rules(GOOD, "r", *world()).warnings == ()


@pytest.mark.parametrize(
    ("old", "new", "field", "message"),
    [
        ("[idf]", "[fdi]", "when.destination_zones[0]", "no zone 'fdi'"),
        (
            "groups: [shops]",
            "groups: [shop]",
            "objectives[1].nodes.groups[0]",
            "no node group 'shop'; did you mean 'shops'?",
        ),
        ("labels: [chilled]", "labels: [x]", "eligibility[0].nodes.labels[0]", "no node label 'x'"),
        (
            "skus: {labels: [cold]}",
            "skus: {labels: [x]}",
            "eligibility[0].skus.labels[0]",
            "no SKU label 'x'",
        ),
        ("[post]", "[pots]", "eligibility[2].services[0]", "no service 'pots'; did you mean 'post'?"),
        ("[post]", "[over]", "eligibility[2].services[0]", "'over' is a path: name one of its services"),
        ("[sea]", "[see]", "eligibility[2].labels[0]", "no service label 'see'; did you mean 'sea'?"),
    ],
)
def test_names_that_nothing_carries_are_found(old: str, new: str, field: str, message: str) -> None:
    found = mistakes(changed(old, new), *world())
    assert any(line.endswith(f" S0.{field}: {message}") for line in found)


def test_unknown_nodes_and_skus_are_placed() -> None:
    assert mistakes(changed("[S1]", "[S1, S2]"), *world(node_id="n2")) == [
        "rules.yaml:26:64 S1.eligibility[1].skus.ids[1]: no SKU 'S2'",
        "rules.yaml:26:84 S1.eligibility[1].nodes.ids[0]: no node 'n1'",
    ]


def test_load_rules_reads_files_and_checks_names(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("\ufeff" + GOOD, encoding="utf-8")
    rules, warnings = load_rules(path, *world())
    assert (rules, warnings) == (read_rules(GOOD, "r").rules, ())
    with pytest.raises(InvalidConfig) as raised:
        load_rules(path, *world(node_id="n2"))
    assert raised.value.violations[0].field.startswith(f"{path}:26:")


def reference() -> str:
    return (DOCS / "rules.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", reference(), re.MULTILINE | re.DOTALL)


def test_examples_of_the_reference_parse_and_show_every_kind() -> None:
    (whole,) = blocks("yaml")
    assert read_rules(whole, "rules.md").warnings == ()
    indent = "          "
    parts = {
        name: blocks(f"yaml {name}")[0].replace("\n", f"\n{indent}")
        for name in ("eligibility", "supply", "objectives", "limits")
    }
    text = ONE_STRATEGY.replace("        objectives: [{kind: shipping}]\n        eligibility:\n", "")
    text += "".join(f"        {name}:\n{indent}{part.rstrip()}\n" for name, part in parts.items())
    file = read_rules(text, "rules.md")
    assert file.warnings == ()
    strategy = file.rules.profiles[0].strategies[0]
    text = "".join(Path(m.__file__).read_text(encoding="utf-8") for m in (model, supply_model))
    defined = set(re.findall(r'kind: Literal\["(\w+)"\]', text))
    shown = (*strategy.eligibility, *strategy.supply, *strategy.objectives)
    assert {part.kind for part in shown} == defined
    for kind in defined:
        assert f"| `{kind}` |" in reference()
    for key in (*model.Conditions.model_fields, *model.Limits.model_fields):
        assert f"| `{key}` |" in reference()
