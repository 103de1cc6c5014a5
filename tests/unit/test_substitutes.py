"""Lines that may be served with other SKUs, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.domain import Decision, LineFill, OrderLine, Status
from router.order_checks import order_violations
from router.orders import resolve_violations
from router.scenarios import scenarios
from router.sourcer import decide
from router.verify import verify
from tests.engine import snapshot_of
from tests.small_shop import rules_of, small_shop
from tests.worlds import NOW_SECONDS, World


def shop(*lines: OrderLine, limits: dict[str, Any] | None = None, cents: int = 120, **stock: int) -> World:
    """SKUs K, M and N. stock: units by SKU and node, as ``K_A``."""
    world = small_shop()
    sku = world.skus["K"]
    objectives = [
        {"kind": "shipping"},
        {"kind": "split", "cents": 300},
        {"kind": "substitution", "cents": cents},
    ]
    rules = rules_of({"id": "main", "objectives": objectives, "limits": limits or {}})
    return replace(
        world,
        skus={name: replace(sku, sku_id=name) for name in "KMN"},
        stock={(key[0], key[2]): units for key, units in stock.items()},
        rules=rules,
        order=replace(world.order, lines=lines),
    )


def line(line_id: str, sku_id: str, quantity: int, *substitutes: str, **more: Any) -> OrderLine:
    return OrderLine(line_id=line_id, sku_id=sku_id, quantity=quantity, substitutes=substitutes, **more)


def decided(world: World) -> Decision:
    """Clean before the verifier."""
    found = decide(world.order, snapshot_of(world), NOW_SECONDS)
    assert (
        verify(found, world.order, world.network, world.sku_of, world.available, world.rules, NOW_SECONDS)
        == []
    )
    return found


def sent(found: Decision) -> set[tuple[str, str, str, int]]:
    """Node, line, SKU, units."""
    return {(s.node_id, p.line_id, p.sku_id, p.quantity) for s in found.plan.shipments for p in s.picks}


def test_what_was_ordered_comes_first() -> None:
    found = decided(shop(line("1", "K", 2, "M"), K_A=2, M_A=2))
    assert sent(found) == {("A", "1", "K", 2)}
    assert found.plan.cost.substitution_cents == 0


def test_a_substitute_is_sent_where_there_is_nothing_else() -> None:
    found = decided(shop(line("1", "K", 2, "M", "N"), K_A=1, M_A=1, N_B=2))
    assert sent(found) == {("B", "1", "N", 2)}
    assert found.plan.cost.substitution_cents == 240
    assert found.status is Status.SOURCED


@pytest.mark.parametrize(("cents", "sku_id"), [(400, "M"), (600, "K")])
def test_a_substitute_may_save_a_parcel(cents: int, sku_id: str) -> None:
    """Another parcel costs 700 and the split 300; two units are replaced."""
    world = shop(line("1", "K", 2, "M"), line("2", "N", 1), cents=cents, K_A=2, M_B=2, N_B=1)
    assert {sku for _, line_id, sku, _ in sent(decided(world)) if line_id == "1"} == {sku_id}


def test_a_sku_is_not_sent_as_both() -> None:
    world = shop(line("1", "K", 1, "M"), line("2", "M", 1), M_A=5)
    assert decided(world).status is Status.UNSOURCEABLE
    both = shop(line("1", "K", 1, "M"), line("2", "N", 1, "M"), M_A=5)
    assert {sku for _, _, sku, _ in sent(decided(both))} == {"M"}


def test_one_sku_serves_all_of_a_line() -> None:
    world = shop(line("1", "K", 3, "M"), limits={"allow_partial": True}, K_A=2, M_A=1)
    found = decided(world)
    assert sent(found) == {("A", "1", "K", 2)}
    assert [(u.sku_id, u.quantity) for u in found.unfilled] == [("K", 1)]
    whole = shop(line("1", "K", 3, "M", fill=LineFill.WHOLE), limits={"allow_partial": True}, K_A=2, M_A=3)
    assert sent(decided(whole)) == {("A", "1", "M", 3)}


def test_choices_are_in_the_customer_s_order() -> None:
    order = shop(line("1", "K", 1, "M"), line("2", "K", 1, "N")).order
    served = [tuple(x.sku_id for x in scenario.lines) for scenario in scenarios(order, {}, partial=False)]
    assert served == [("K", "K"), ("K", "N"), ("M", "K"), ("M", "N")]


def test_the_verifier_looks_at_what_was_sent() -> None:
    world = shop(line("1", "K", 2, "M"), M_A=2)
    found = decided(world)
    strict = replace(world.order, lines=(line("1", "K", 2),))
    told = verify(found, strict, world.network, world.sku_of, world.available, world.rules, NOW_SECONDS)
    assert "line '1' is served with M" in told
    mixed = replace(world.order, lines=(line("1", "K", 2, "M"), line("2", "M", 1)))
    told = verify(found, mixed, world.network, world.sku_of, world.available, world.rules, NOW_SECONDS)
    assert "line '1' is served with 'M', which another line orders" in told


def test_mistakes_are_named() -> None:
    many = [f"S{i}" for i in range(9)]
    world = shop(
        line("1", "K", 1, *many),
        line("2", "K", 1, "M", "K", "M"),
        *(line(f"{i}", "K", 1, "M", "N") for i in "34"),
    )
    assert [str(v) for v in order_violations(world.order, NOW_SECONDS)] == [
        "order.lines[0].substitutes: 9 substitutes, at most 8",
        "order.lines[1].substitutes[1]: 'K' is stated before",
        "order.lines[1].substitutes[2]: 'M' is stated before",
        "order.lines: 360 ways to choose among substitutes, at most 64",
    ]
    snapshot = snapshot_of(world)
    found = resolve_violations(world.order, snapshot.compiled, snapshot.catalogue)
    assert str(found[0]) == "order.lines[0].substitutes[0]: unknown SKU 'S0'"
