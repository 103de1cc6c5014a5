"""Orders abroad: countries that goods do not go to, and what the border costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.domain import Decision, Delivery, Destination, Status
from router.rank import rank
from router.sourcer import decide
from router.verify import verify
from tests.engine import snapshot_of
from tests.small_shop import rules_of
from tests.unit.test_deliveries import ADDRESS, NOW_SECONDS, PARIS, shop
from tests.worlds import World

GENEVA = Destination(country="CH", postal_code="1201", latitude=46.2, longitude=6.15)


def ruled(eligibility: list[dict[str, Any]], *goals: dict[str, Any], **stock: int) -> World:
    """A shop in France under these rules; K is worth 1,000 cents."""
    objectives = [{"kind": "shipping"}, {"kind": "handling"}, *goals]
    strategy = {"id": "main", "eligibility": eligibility, "objectives": objectives}
    return replace(shop(**stock), rules=rules_of(strategy))


def to(world: World, place: Destination) -> Decision:
    order = replace(world.order, destination=place)
    snapshot = snapshot_of(world)
    found = decide(order, snapshot, NOW_SECONDS)

    def available(sku_id: str, node_id: str) -> int | None:
        return world.stock.get((sku_id, node_id))

    sku_of = world.skus.__getitem__
    assert verify(found, order, world.network, sku_of, available, world.rules, NOW_SECONDS) == []
    return found


@pytest.mark.parametrize(
    ("rule", "at_home", "abroad"),
    [
        ({"kind": "allow_countries", "countries": ["FR", "BE"]}, True, False),
        ({"kind": "allow_countries", "countries": ["CH"]}, False, True),
        ({"kind": "exclude_countries", "countries": ["CH"]}, True, False),
        ({"kind": "exclude_countries", "countries": ["FR"], "skus": {"ids": ["J"]}}, True, True),
        ({"kind": "exclude_countries", "countries": ["CH"], "nodes": {"types": ["STORE"]}}, True, True),
    ],
)
def test_goods_go_to_the_countries_that_rules_let_them(
    rule: dict[str, Any], at_home: bool, abroad: bool
) -> None:
    world = ruled([{"name": "border", **rule}], WH=9)
    for place, sourced in ((ADDRESS, at_home), (GENEVA, abroad)):
        assert (to(world, place).status is Status.SOURCED) == sourced


def test_the_rule_is_named_with_the_country() -> None:
    world = ruled([{"kind": "exclude_countries", "name": "licence", "countries": ["CH", "GB"]}], WH=9)
    order = replace(world.order, destination=GENEVA)
    [line] = rank(order, snapshot_of(world), NOW_SECONDS, include_rejected=True).lines
    [candidate] = line.candidates
    [reason] = candidate.rejections
    told = (reason.reason, reason.rule_name, reason.value, reason.threshold)
    assert told == ("EXCLUDE_COUNTRIES", "licence", "CH", "not in CH, GB")


def test_a_border_costs_what_the_tariff_says() -> None:
    duty = {"kind": "duty", "percent": "7.7", "line_cents": 30, "weight": "1.5"}
    world = ruled([], duty, WH=9)
    abroad, at_home = to(world, GENEVA), to(world, ADDRESS)
    assert abroad.plan.cost.duty_cents == 45 + 2 * 115  # 1,000 cents at 115,500 ppm
    assert at_home.plan.cost.duty_cents == 0
    assert abroad.plan.cost.total_cents == at_home.plan.cost.total_cents + 275
    [line] = rank(replace(world.order, destination=GENEVA), snapshot_of(world), NOW_SECONDS).lines
    assert line.candidates[0].cost == abroad.plan.cost


@pytest.mark.parametrize(
    ("more", "cents"),
    [
        ({"countries": ["CH"]}, 200),
        ({"countries": ["GB"]}, 0),
        ({"nodes": {"countries": ["FR"]}}, 200),
        ({"nodes": {"types": ["STORE"]}}, 0),
        ({"skus": {"ids": ["J"]}}, 0),
    ],
)
def test_a_duty_is_raised_where_its_selectors_match(more: dict[str, Any], cents: int) -> None:
    world = ruled([], {"kind": "duty", "percent": 10, **more}, WH=9)
    assert to(world, GENEVA).plan.cost.duty_cents == cents


def test_goods_inside_the_country_are_taken_though_they_travel_dearer() -> None:
    world = ruled([], {"kind": "duty", "percent": 80}, WH=9, PARIS=9)
    swiss = tuple(
        replace(n, country="CH", shipment_cents=900) if n.node_id == "PARIS" else n
        for n in world.network.nodes
    )
    world = replace(world, network=replace(world.network, nodes=swiss))
    assert [s.node_id for s in to(world, GENEVA).plan.shipments] == ["PARIS"]
    assert [s.node_id for s in to(world, ADDRESS).plan.shipments] == ["WH"]


def test_deliveries_to_two_countries_pay_one_by_one() -> None:
    world = ruled([], {"kind": "duty", "percent": 10}, WH=9)
    line = world.order.lines[0]
    order = replace(
        world.order,
        lines=(replace(line, delivery_id="a"), replace(line, line_id="M", delivery_id="b")),
        deliveries=(
            Delivery(delivery_id="a", destination=GENEVA),
            Delivery(delivery_id="b", destination=replace(ADDRESS, **PARIS)),
        ),
    )
    found = decide(order, snapshot_of(world), NOW_SECONDS).plan
    assert {s.delivery_id: s.cost.duty_cents for s in found.shipments} == {"a": 200, "b": 0}
