"""What becomes of orders and lines of which something is missing, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.domain import Decision, Delivery, LineFill, Order, OrderFill, OrderLine, Status
from router.sourcer import decide
from router.verify import verify
from tests.engine import snapshot_of
from tests.property.comparison import against_force, only_the_integer_programme, world_of
from tests.small_shop import rules_of
from tests.unit.test_deliveries import ADDRESS, NOW_SECONDS, shop
from tests.worlds import World

GOALS = [{"kind": "shipping"}, {"kind": "handling"}]
PARTIAL = {"id": "main", "objectives": GOALS, "limits": {"allow_partial": True, "line_splits": "free"}}
WHOLE = LineFill.WHOLE
KILL = LineFill.FILL_OR_KILL


def line(line_id: str, sku_id: str, quantity: int, fill: LineFill | None = None, **more: Any) -> OrderLine:
    return OrderLine(line_id=line_id, sku_id=sku_id, quantity=quantity, fill=fill, **more)


def ask(world: World, *lines: OrderLine, **more: Any) -> Decision:
    """A decision that the verifier has nothing against."""
    order = replace(world.order, destination=ADDRESS, **{**more, "lines": lines})
    found = decide(order, snapshot_of(world), NOW_SECONDS)

    def available(sku_id: str, node_id: str) -> int | None:
        return world.stock.get((sku_id, node_id))

    sku_of = world.skus.__getitem__
    assert verify(found, order, world.network, sku_of, available, world.rules, NOW_SECONDS) == []
    return found


def picked(decision: Decision) -> dict[str, int]:
    units: dict[str, int] = {}
    for shipment in decision.plan.shipments:
        for pick in shipment.picks:
            units[pick.line_id] = units.get(pick.line_id, 0) + pick.quantity
    return units


def partly(**stock: int) -> World:
    return replace(shop(**stock), rules=rules_of(PARTIAL))


@pytest.mark.parametrize(
    ("fill", "expected"),
    [(None, {"a": 3, "b": 1}), (WHOLE, {"b": 1}), (KILL, {})],
)
def test_a_line_of_which_a_part_is_missing(fill: LineFill | None, expected: dict[str, int]) -> None:
    found = ask(partly(WH=2, PARIS=1, J_WH=1), line("a", "K", 4, fill), line("b", "J", 1))
    assert picked(found) == expected


@pytest.mark.parametrize("fill", [WHOLE, KILL])
def test_a_line_that_is_there_comes_from_two_nodes(fill: LineFill) -> None:
    found = ask(partly(WH=2, PARIS=2), line("a", "K", 4, fill), line("b", "J", 1))
    assert picked(found) == {"a": 4}
    assert found.status is Status.PARTIAL


def test_a_line_to_be_filled_takes_its_group_along() -> None:
    world = partly(WH=5)
    group = [line("a", "K", 1, KILL, together="g"), line("b", "J", 1, together="g")]
    assert ask(world, *group).status is Status.UNSOURCEABLE
    assert picked(ask(world, line("a", "K", 1, KILL), line("b", "J", 1))) == {"a": 1}


def test_a_killed_line_tries_the_fallback() -> None:
    near = {**PARTIAL, "id": "near", "fallback": "main"}
    near["eligibility"] = [{"kind": "allow_nodes", "name": "stores", "nodes": {"types": ["STORE"]}}]
    world = replace(shop(WH=5, J_PARIS=1), rules=rules_of(near, PARTIAL))
    lines = (line("a", "K", 1), line("b", "J", 1))
    assert ask(world, *lines).strategy_ids == ("near",)
    killed = ask(world, replace(lines[0], fill=KILL), lines[1])
    assert killed.strategy_ids == ("near", "main")
    assert picked(killed) == {"a": 1, "b": 1}


def test_an_order_of_everything_or_nothing() -> None:
    world, lines = partly(WH=5), (line("a", "K", 1), line("b", "J", 1))
    assert ask(world, *lines).status is Status.PARTIAL
    assert ask(world, *lines, fill=OrderFill.FILL_OR_KILL).status is Status.UNSOURCEABLE
    assert ask(world, lines[0], fill=OrderFill.FILL_OR_KILL).status is Status.SOURCED


def test_a_killed_line_of_one_delivery_kills_the_others() -> None:
    world = partly(WH=5, LYON=1)
    order = Order(
        order_id="O",
        lines=(line("a", "K", 1, delivery_id="x"), line("b", "J", 1, KILL, delivery_id="y")),
        deliveries=(
            Delivery(delivery_id="x", destination=ADDRESS),
            Delivery(delivery_id="y", node_id="PARIS"),
        ),
    )
    assert decide(order, snapshot_of(world), NOW_SECONDS).status is Status.UNSOURCEABLE
    spared = replace(order, lines=(order.lines[0], replace(order.lines[1], fill=None)))
    assert picked(decide(spared, snapshot_of(world), NOW_SECONDS)) == {"a": 1}


@pytest.mark.parametrize("seed", [400276, 400404])
def test_the_integer_programme_finds_that_there_is_nothing(seed: int) -> None:
    """Whole lines of which no plan has all; as for orders that are too large for everything before it."""
    with only_the_integer_programme():
        assert against_force(world_of("kits", seed)).against == ()
