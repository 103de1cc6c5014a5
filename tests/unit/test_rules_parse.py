"""Rule files: what is accepted, and where each mistake is said to be."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.errors import InvalidConfig, Violation
from router.rules import model
from router.rules.parse import read_rules, rules_hash
from router.rules.validate import MAX_VIOLATIONS
from router.rules.yaml_lines import parse_yaml
from server.load.rules import load_rules
from tests.rule_text import GOOD, OBJECTIVE_KINDS, changed, fields, mistakes


def test_a_good_file_says_what_it_says() -> None:
    file = read_rules(GOOD, "rules.yaml")
    assert file.warnings == ()
    express, standard = file.rules.profiles[0].strategies
    assert express.when.destination_countries == ("FR", "NO")
    assert express.objectives[0] == model.Shipping(kind="shipping", weight=Decimal("0.1"))
    assert express.eligibility[0] == standard.eligibility[0]
    assert isinstance(express.eligibility[1], model.MaxDistance)
    assert express.eligibility[1].km == Decimal("30.5")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "          max_nodes_per_order: 1",
            "          max_nodes_per_order: 0",
            "rules.yaml:21:11 S0.limits.max_nodes_per_order: must be at least 1, is 0",
        ),
        (
            "max_nodes_per_order: 1",
            "max_nodes_per_oder: 1",
            "rules.yaml:21:11 S0.limits.max_nodes_per_oder: unknown key; did you mean 'max_nodes_per_order'?",
        ),
        (
            "priority: 10",
            'priority: "10"',
            "rules.yaml:7:9 S0.priority: must be a whole number, is '10'",
        ),
        (
            "id: express",
            "id: 75",
            "rules.yaml:6:9 S0.id: must be text, is 75; write it in quotes",
        ),
        (
            "[FR, NO]",
            "[FR, no]",
            "rules.yaml:10:39 S0.when.destination_countries[1]: "
            "must be a country code of two capital letters, such as FR, "
            "is 'no'",
        ),
        (
            "[FR, NO]",
            "[FR, QX]",
            "rules.yaml:10:39 S0.when.destination_countries[1]: 'QX' is not an ISO 3166 country code",
        ),
        (
            "types: [STORE]",
            "types: [SOTRE]",
            "rules.yaml:15:63 S0.eligibility[1].nodes.types[0]: 'SOTRE' is not one of "
            "STORE, WAREHOUSE, DISTRIBUTION_CENTER, SUPPLIER, MARKETPLACE_SELLER; did you mean 'STORE'?",
        ),
        (
            "kind: max_distance",
            "kind: max_distanse",
            "rules.yaml:15:14 S0.eligibility[1].kind: 'max_distanse' is not one of "
            "allow_nodes, exclude_nodes, max_distance, same_country, min_remaining, exclude_services, "
            "allow_methods, exclude_methods, allow_countries, exclude_countries; "
            "did you mean 'max_distance'?",
        ),
        (
            "km: 30.5}",
            "kms: 30.5}",
            "rules.yaml:15:72 S0.eligibility[1].kms: unknown key; did you mean 'km'?",
        ),
        (
            "weight: 0.1}",
            "weight: 0.12345}",
            "rules.yaml:18:30 S0.objectives[0].weight: must have at most 4 decimal places, is 0.12345",
        ),
        (
            "{kind: split, cents: 300}",
            "{kind: split, cents: true}",
            "rules.yaml:28:27 S1.objectives[0].cents: must be a whole number, is true",
        ),
        (
            "fallback: standard",
            "fallback: standart",
            "rules.yaml:22:9 S0.fallback: no strategy of this profile 'standart'; did you mean 'standard'?",
        ),
        (
            "default_profile: retail",
            "default_profile: wholesale",
            "rules.yaml:2:1 default_profile: no profile 'wholesale'",
        ),
        (
            "id: standard",
            "id: express",
            "rules.yaml:23:9 S1.id: 'express' is the id of an earlier strategy of this profile",
        ),
        (
            "name: shut",
            "name: cold",
            "rules.yaml:26:35 S1.eligibility[1].name: 'cold' is the name of an earlier rule of this strategy",
        ),
        (
            "min_cents: 100,",
            "min_cents: 90001,",
            "rules.yaml:12:11 S0.when.order_value: no order is worth at least 90001 and at most 90000 cents",
        ),
        (
            "        when:\n",
            "        when:\n        priority: 11\n        if:\n",
            "rules.yaml:9:9 S0.priority: the key 'priority' is given twice, first on line 7",
        ),
        (
            "kind: shipping, weight",
            "weight",
            f"rules.yaml:18:13 S0.objectives[0]: needs a kind, one of {OBJECTIVE_KINDS}",
        ),
        (
            "limits:\n          max_nodes_per_order: 1",
            "limits:",
            "rules.yaml:20:9 S0.limits: is empty, must be a mapping of keys to values",
        ),
    ],
)
def test_each_mistake_names_its_line_and_path(old: str, new: str, expected: str) -> None:
    assert expected in mistakes(changed(old, new))


def test_all_mistakes_at_once_in_file_order() -> None:
    text = (
        changed("version: 1", "version: 2")
        .replace("priority: 10", "priority: -1")
        .replace("cents: 300", "cent: 3")
    )
    assert fields(text) == [
        "rules.yaml:1:1 version",
        "rules.yaml:7:9 S0.priority",
        "rules.yaml:28:13 S1.objectives[0].cents",
        "rules.yaml:28:27 S1.objectives[0].cent",
    ]


def test_mistakes_of_meaning_all_at_once_in_file_order() -> None:
    text = changed("default_profile: retail", "default_profile: x").replace(
        "fallback: standard", "fallback: express"
    )
    assert fields(text) == [
        "rules.yaml:2:1 default_profile",
        "rules.yaml:22:9 S0.fallback",
    ]


def test_circle_of_fallbacks_is_told_at_each_strategy_in_it_and_only_there() -> None:
    ring = "".join(
        f"      - {{id: {name}, fallback: {to}}}\n" for name, to in (("in", "a"), ("a", "b"), ("b", "a"))
    )
    text = f"version: 1\ndefault_profile: p\nprofiles:\n  - id: p\n    strategies:\n{ring}"
    assert mistakes(text) == [
        "rules.yaml:7:17 S1.fallback: leads back to itself: a > b > a",
        "rules.yaml:8:17 profiles[0].strategies[2].fallback: leads back to itself: b > a > b",
    ]


def test_many_mistakes_are_counted_but_not_all_shown() -> None:
    rows = "".join(f"  k{i}: 1\n" for i in range(MAX_VIOLATIONS + 50))
    found = mistakes(f"version: 1\ndefault_profile: p\nprofiles: []\nx:\n{rows}" + rows.replace("  ", ""))
    assert len(found) == MAX_VIOLATIONS + 1
    # 150 unknown keys at the top, the unknown key x, and no profile.
    assert found[-1] == "rules.yaml: and 52 more"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "rules.yaml:1:1: is empty"),
        ("# nothing\n", "rules.yaml:1:1: is empty"),
        ("null", "rules.yaml:1:1: is empty, must be a mapping of keys to values"),
        ("[]", "rules.yaml:1:1: must be a mapping of keys to values, is a list"),
        (
            "version: 1\n---\nversion: 1\n",
            "rules.yaml:2:1: a second document begins here; one file holds one document",
        ),
        ("version: !x 1\n", "rules.yaml:1:10 version: the tag !x is not supported"),
        ("a: &a [*a]\n", "rules.yaml:1:8 a[0]: alias *a stands before the end of its anchor"),
        ("? [1]\n: 2\n", "rules.yaml:1:3: a key must be plain text"),
        (
            "a: {b: 1\n",
            "rules.yaml:2:1: not YAML: while parsing a flow mapping; "
            "expected ',' or '}', but got '<stream end>'",
        ),
        ("a: \x07\n", "rules.yaml:1:4: the character U+0007 is not allowed in YAML"),
        (
            "version: 1\nlimits:\n  <<: {a: 1}\n",
            "rules.yaml:3:3 limits.<<: merge keys (<<) are not supported; write the keys out",
        ),
        (
            'version: "\\ud800"\n',
            "rules.yaml:1:10 version: holds half of a surrogate pair, which is not a character",
        ),
    ],
)
def test_what_is_no_document_names_its_line(text: str, expected: str) -> None:
    assert expected in mistakes(text)


def test_deep_nesting_and_growing_aliases_are_refused_quickly() -> None:
    assert mistakes("a: " + "[" * 5_000) == [
        "rules.yaml:1:35 a" + "[0]" * 31 + ": is nested more than 32 deep"
    ]
    laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
    laughs += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    (found,) = mistakes(laughs)
    assert re.match(
        r"rules\.yaml:\d+:\d+ a\d+\[\d\]: grows too large once its aliases are written out", found
    )
    tower = "a0: &a0 x\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 60))
    assert mistakes(tower)[0].endswith("is nested more than 32 deep")


def test_scalars_follow_the_core_schema() -> None:
    text = "[NO, yes, on, ~, null, true, 010, 0x1F, 0o17, 1_000, 1e3, .5, 12:30, 2001-01-01, '1', !!str 1]"
    assert parse_yaml(text, "x").data() == [
        *("NO", "yes", "on", None, None, True, 10, 31, 15),
        *("1_000", 1000.0, 0.5, "12:30", "2001-01-01", "1", "1"),
    ]


def test_hash_is_of_the_meaning() -> None:
    same = changed("priority: 10", "priority:    10  # first").replace("weight: 0.1}", "weight: 0.1000}")
    same = same.replace("- {kind: split, cents: 300}", "- {cents: 300, kind: split, weight: 1}")
    other = changed("priority: 10", "priority: 11")
    digest = rules_hash(read_rules(GOOD, "r").rules)
    assert re.fullmatch("[0-9a-f]{32}", digest)
    assert rules_hash(read_rules(same, "s").rules) == digest
    assert rules_hash(read_rules(other, "r").rules) != digest


@pytest.mark.parametrize(
    ("content", "field", "message"),
    [
        (None, "", "cannot be read: No such file or directory"),
        (b"version: 1\n# caf\xe9\n", ":2", "is not UTF-8 text: byte 0xE9"),
    ],
)
def test_unreadable_files_are_invalid_config(
    tmp_path: Path, content: bytes | None, field: str, message: str
) -> None:
    path = tmp_path / "rules.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidConfig) as raised:
        load_rules(path)
    assert raised.value.violations == (Violation(f"{path}{field}", message),)


PIECES = st.sampled_from(
    [
        "",
        " ",
        "\n",
        "- ",
        ": ",
        "{",
        "}",
        "[",
        "]",
        "&cold ",
        "*cold",
        '"',
        "'",
        "\\ud800",
        "!!int ",
        "? ",
        "<<: *cold",
        "null",
        "-1",
        "1e999",
        ".nan",
        "9" * 5000,
        "\t",
        "%YAML 9.9\n",
        "---\n",
        "...\n",
        "#",
        "|\n",
        ">",
        "\x00",
        "\ud800",
        "kind: split",
        "0x",
        "\u2028",
        "🙂",
        "!",
        "@",
        '"\\U99999999"',
        '"\\x',
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_mutation_parses_or_is_invalid_config(data: st.DataObject) -> None:
    text = GOOD
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        stop = data.draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + data.draw(PIECES) + text[stop:]
    found: tuple[Violation, ...] = ()
    try:
        rules_hash(read_rules(text, "rules.yaml").rules)
    except InvalidConfig as error:
        found = error.violations
    assert all(violation.field.startswith("rules.yaml") for violation in found)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_value_anywhere_parses_or_is_placed(data: st.DataObject) -> None:
    """Puts a value of any kind in the place of a node of the tree: the structure is always sound YAML."""
    tree = parse_yaml(GOOD, "x").data()
    spots: list[tuple[object, object]] = []

    def walk(node: object) -> None:
        for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            spots.append((node, key))
            walk(node[key])  # type: ignore[index]

    walk(tree)
    holder, key = data.draw(st.sampled_from(spots))
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    holder[key] = data.draw(
        scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=5), scalars)
    )  # type: ignore[index]
    text = json.dumps(tree).replace("NaN", ".nan").replace("Infinity", ".inf")
    found: tuple[Violation, ...] = ()
    try:
        read_rules(text, "rules.yaml")
    except InvalidConfig as error:
        found = error.violations
    assert all(re.match(r"rules\.yaml:\d+:\d+", violation.field) for violation in found)
