"""Mistakes of form, of meaning and of name are told together, whichever of them a file has."""

from __future__ import annotations

from router.catalogue import Catalogue, Sku
from router.domain import NodeType
from router.network import Network, Node, Zone
from tests.rule_text import GOOD, OBJECTIVE_KINDS, changed, mistakes

NODE = Node(node_id="n1", node_type=NodeType.STORE, country="FR", latitude=0.0, longitude=0.0)
NETWORK = Network(nodes=(NODE,), zones=(Zone(zone_id="idf", country="FR"),))
CATALOGUE = Catalogue.from_skus([Sku(sku_id="S1", weight_grams=1)])

MANY = """\
version: 1
default_profile: retial
profiles:
  - id: retail
    strategies:
      - id: one
        when: {destination_countries: [XX], sales_channels: [WEBB], order_value: {min_cents: 9, max_cents: 1}}
        eligibility:
          - {kind: max_distance, name: near, km: far}
          - {kind: exclude_nodes, name: shut, nodes: {ids: [n2], countries: [YY]}}
          - {kind: exclude_nodes, name: shut, nodes: {ids: [n1]}}
        objectives:
          - {kind: shiping}
          - {kind: stock_depth, cents: 1000000000000, target_units: 3, nodes: {ids: [n3]}}
        limits: {max_nodes_per_order: 0}
        fallback: too
      - id: two
        priority: high
        when: {destination_zones: [fdi]}
        fallback: two
      - id: one
        limits: {line_splits: free}
"""


def test_every_kind_of_mistake_is_told_at_once_in_file_order() -> None:
    assert mistakes(MANY, NETWORK, CATALOGUE) == [
        "rules.yaml:2:1 default_profile: no profile 'retial'; did you mean 'retail'?",
        "rules.yaml:7:40 S0.when.destination_countries[0]: 'XX' is not an ISO 3166 country code",
        "rules.yaml:7:62 S0.when.sales_channels[0]: 'WEBB' is not one of WEB, MOBILE, STORE, CALL_CENTER, "
        "KIOSK, MARKETPLACE, SOCIAL; did you mean 'WEB'?",
        "rules.yaml:7:69 S0.when.order_value: no order is worth at least 9 and at most 1 cents",
        "rules.yaml:9:46 S0.eligibility[0].km: must be a number, is 'far'",
        "rules.yaml:10:61 S0.eligibility[1].nodes.ids[0]: no node 'n2'",
        "rules.yaml:10:78 S0.eligibility[1].nodes.countries[0]: 'YY' is not an ISO 3166 country code",
        "rules.yaml:11:35 S0.eligibility[2].name: 'shut' is the name of an earlier rule of this strategy",
        f"rules.yaml:13:14 S0.objectives[0].kind: 'shiping' is not one of {OBJECTIVE_KINDS}; "
        "did you mean 'shipping'?",
        "rules.yaml:14:13 S0.objectives[1]: a plan could cost 200000000000000000000 cents by this, "
        "at most 1000000000000000000",
        "rules.yaml:14:86 S0.objectives[1].nodes.ids[0]: no node 'n3'",
        "rules.yaml:15:18 S0.limits.max_nodes_per_order: must be at least 1, is 0",
        "rules.yaml:16:9 S0.fallback: no strategy of this profile 'too'; did you mean 'two'?",
        "rules.yaml:18:9 S1.priority: must be a whole number, is 'high'",
        "rules.yaml:19:36 S1.when.destination_zones[0]: no zone 'fdi'",
        "rules.yaml:20:9 S1.fallback: leads back to itself: two > two",
        "rules.yaml:21:9 profiles[0].strategies[2].id: "
        "'one' is the id of an earlier strategy of this profile",
    ]


def test_what_is_mistaken_in_form_only_is_told_once() -> None:
    """Nothing is said of names that may be those of what cannot be read."""
    for text, expected in (
        (changed("- id: standard", "- idd: standard"), ["S1.id", "S1.idd"]),
        (changed("- id: standard", "- id: 7"), ["S1.id"]),
        (changed("- id: retail", "- id: [retail]"), ["profiles[0].id"]),
        (changed("default_profile: retail", "default_profile: 1"), ["default_profile"]),
        (changed("fallback: standard", "fallback: [standard]"), ["S0.fallback"]),
        (changed("    strategies:", "    strategy:"), ["profiles[0].strategies", "profiles[0].strategy"]),
        (changed("profiles:\n", "profile:\n"), ["profile", "profiles"]),
        (changed("{kind: split, cents: 300}", "split"), ["S1.objectives[0]"]),
        (changed("version: 1\n", "version: 1\nversion: 1\n"), ["version"]),
        ("7", [""]),
    ):
        found = mistakes(text, NETWORK, None)
        assert sorted(line.split(": ")[0].partition(" ")[2] for line in found) == expected, text


def test_a_key_given_twice_does_not_hide_what_the_rest_means() -> None:
    text = GOOD.replace("version: 1\n", "version: 1\nversion: 1\n", 1)
    assert mistakes(text.replace("fallback: standard", "fallback: standart")) == [
        "rules.yaml:2:1 version: the key 'version' is given twice, first on line 1",
        "rules.yaml:23:9 S0.fallback: no strategy of this profile 'standart'; did you mean 'standard'?",
    ]


def test_so_many_strategies_that_the_list_is_too_long_are_checked_all_the_same() -> None:
    more = "".join(f"      - {{id: s{i}, fallback: x{i}}}\n" for i in range(32))
    found = mistakes(GOOD + more)
    assert found[0].endswith("profiles[0].strategies: has 34 entries, at most 32")
    assert len(found) == 33
