"""Stock kept back for some orders, by the rules that docs/rules.md shows."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from router.domain import Delivery, DeliveryMethod, Order, Status
from router.rank import rank
from router.rules.parse import read_rules
from router.rules.resource_model import OfferRules, ResourceRules
from router.rules.yaml_lines import parse_yaml
from router.sourcer import decide
from tests.engine import snapshot_of
from tests.unit.test_deliveries import ADDRESS, NOW_SECONDS, shop
from tests.worlds import World

TEXT = (Path(__file__).parents[2] / "docs/rules.md").read_text(encoding="utf-8")


def shown(language: str) -> str:
    [block] = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.fixture
def world() -> World:
    """Six units in the store in Paris and nowhere else."""
    base = shop(PARIS=6)
    skus = {name: replace(sku, labels=frozenset({"drop"})) for name, sku in base.skus.items()}
    return replace(base, skus=skus, rules=read_rules(shown("yaml set apart"), "rules.md").rules)


def asked(world: World, who: str, quantity: int) -> Order:
    order = replace(
        world.order, lines=(replace(world.order.lines[0], quantity=quantity),), destination=ADDRESS
    )
    if who == "gold":
        return replace(order, customer_segment="gold")
    if who == "at the till":
        method = Delivery(delivery_id="d", node_id="PARIS", method=DeliveryMethod.CARRY_OUT)
        lines = (replace(order.lines[0], delivery_id="d"),)
        return replace(world.order, lines=lines, deliveries=(method,), selling_node_id="PARIS")
    return order


@pytest.mark.parametrize(("who", "most"), [("gold", 6), ("at the till", 4), ("anybody", 2)])
def test_everybody_gets_down_to_a_level(world: World, who: str, most: int) -> None:
    snapshot = snapshot_of(world)
    for quantity, status in ((most, Status.SOURCED), (most + 1, Status.UNSOURCEABLE)):
        assert decide(asked(world, who, quantity), snapshot, NOW_SECONDS).status is status


def test_the_rule_that_keeps_stock_back_is_named(world: World) -> None:
    ranked = rank(asked(world, "anybody", 3), snapshot_of(world), NOW_SECONDS, include_rejected=True)
    [candidate] = ranked.lines[0].candidates
    told = [(r.reason, r.rule_name, r.value, r.threshold) for r in candidate.rejections]
    assert told == [("MIN_REMAINING", "shelf", "3 units left", ">= 4 units left")]


@pytest.mark.parametrize(("section", "model"), [("resource", ResourceRules), ("offers", OfferRules)])
def test_sections_of_profiles_read_too(section: str, model: type[ResourceRules | OfferRules]) -> None:
    stated = parse_yaml(shown(f"yaml {section}"), "rules.md").data()
    rules = model.model_validate(stated)
    assert rules.model_dump(exclude_defaults=True) == stated
    for key in model.model_fields:
        assert f"| `{key}` |" in TEXT
