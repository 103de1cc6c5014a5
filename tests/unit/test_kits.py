"""Kits, worked out by hand: decided as components, answered as kits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.catalogue import Kit
from router.domain import Decision, LineFill, OrderLine, Status
from router.explanation import LineCandidates
from router.orders import resolve_violations
from router.rank import rank
from router.sourcer import decide
from router.verify import verify
from tests.engine import explained, snapshot_of
from tests.small_shop import rules_of, small_shop
from tests.worlds import NOW_SECONDS, World

PARTIAL = {"allow_partial": True}


def shop(*lines: OrderLine, limits: dict[str, Any] | None = None, apart: bool = False, **stock: int) -> World:
    """A table (T) is a top (P) and four legs (L). stock: units by SKU and node, as ``P_A``."""
    world = small_shop()
    sku = world.skus["K"]
    rules = rules_of({"id": "main", "objectives": [{"kind": "shipping"}], "limits": limits or {}})
    skus = {name: replace(sku, sku_id=name) for name in "LPT"}
    skus["T"] = replace(skus["T"], kit=Kit((("L", 4), ("P", 1)), apart))
    stocked = {(key[0], key[2]): units for key, units in stock.items()}
    order = replace(world.order, lines=lines or (line(2),))
    return replace(world, skus=skus, stock=stocked, rules=rules, order=order)


def line(quantity: int, sku_id: str = "T", **more: Any) -> OrderLine:
    return OrderLine(line_id=more.pop("line_id", "1"), sku_id=sku_id, quantity=quantity, **more)


def decided(world: World) -> Decision:
    """Clean before the verifier."""
    found = decide(world.order, snapshot_of(world), NOW_SECONDS)
    told = verify(found, world.order, world.network, world.sku_of, world.available, world.rules, NOW_SECONDS)
    assert told == []
    return found


def sent(found: Decision) -> set[tuple[str, str, str, int]]:
    """Node, line, SKU, units."""
    return {(s.node_id, p.line_id, p.sku_id, p.quantity) for s in found.plan.shipments for p in s.picks}


def test_a_kit_leaves_one_node_with_all_its_components() -> None:
    found = decided(shop(L_A=99, P_A=1, L_B=8, P_B=2))
    assert sent(found) == {("B", "1", "L", 8), ("B", "1", "P", 2)}
    assert found.status is Status.SOURCED
    assert [s.weight_grams for s in found.plan.shipments] == [10 * 500]


def test_what_is_together_is_not_put_together_from_two_nodes() -> None:
    stock = {"L_A": 8, "P_B": 2}
    assert decided(shop(**stock)).status is Status.UNSOURCEABLE
    apart = decided(shop(apart=True, **stock))
    assert sent(apart) == {("A", "1", "L", 8), ("B", "1", "P", 2)}


@pytest.mark.parametrize(
    ("apart", "legs", "kits"), [(False, 11, 2), (True, 11, 2), (True, 3, 0), (False, 4, 1)]
)
def test_only_whole_kits_are_sent(apart: bool, legs: int, kits: int) -> None:
    found = decided(shop(line(3), limits=PARTIAL, apart=apart, L_A=legs, P_A=3))
    assert sent(found) == ({("A", "1", "L", 4 * kits), ("A", "1", "P", kits)} if kits else set())
    assert [(u.line_id, u.sku_id, u.quantity) for u in found.unfilled] == [("1", "T", 3 - kits)]


def test_without_partial_it_is_all_of_them() -> None:
    assert decided(shop(line(3), L_A=11, P_A=3)).status is Status.UNSOURCEABLE
    whole = shop(line(3, fill=LineFill.FILL_OR_KILL), limits=PARTIAL, L_A=11, P_A=3)
    assert decided(whole).status is Status.UNSOURCEABLE


def test_kits_and_their_components_share_the_stock() -> None:
    world = shop(line(1), line(2, "L", line_id="2"), limits=PARTIAL, L_A=5, P_A=1)
    found = decided(world)
    assert sent(found) == {("A", "1", "L", 4), ("A", "1", "P", 1)}
    assert [(u.line_id, u.quantity) for u in found.unfilled] == [("2", 2)]
    both = decided(replace(world, stock={("L", "A"): 6, ("P", "A"): 1}))
    assert both.status is Status.SOURCED


def test_many_kits_are_sent_whole_or_not_at_all() -> None:
    """Two lines of nine kits could be sent in a hundred ways."""
    world = shop(line(9), line(9, line_id="2"), limits=PARTIAL, L_A=60, P_A=60)
    found = decided(world)
    assert [(u.line_id, u.quantity) for u in found.unfilled] in ([("1", 9)], [("2", 9)])


def lines_of(ranked: tuple[LineCandidates, ...]) -> list[tuple[str, str, int, list[str]]]:
    return [
        (x.line_id, x.sku_id, x.quantity, [c.node_id for c in x.candidates if not c.rejections])
        for x in ranked
    ]


def test_ranks_and_explanations_speak_of_components() -> None:
    world = shop(L_A=8, P_A=1, P_B=2)
    ranked = rank(world.order, snapshot_of(world), NOW_SECONDS)
    assert lines_of(ranked.lines) == [("1", "L", 8, ["A"]), ("1", "P", 2, ["B"])]
    decision, explanation = explained(world)
    assert decision.status is Status.UNSOURCEABLE
    assert lines_of(explanation.lines) == [("1", "L", 8, ["A"]), ("1", "P", 2, ["B"])]
    assert any("P" in change for found in explanation.relaxations for change in found.changes)
    decision, explanation = explained(shop(L_A=8, P_A=2))
    taken = {(x.sku_id, c.node_id): c.taken_quantity for x in explanation.lines for c in x.candidates}
    assert taken == {("L", "A"): 8, ("P", "A"): 2}


@pytest.mark.parametrize(
    ("quantity", "complaint"),
    [(7, "units of components are no whole kits"), (4, "unfilled")],
)
def test_the_verifier_counts_kits(quantity: int, complaint: str) -> None:
    world = shop(L_A=8, P_A=2)
    found = decided(world)
    [shipment] = found.plan.shipments
    legs, top = sorted(shipment.picks, key=lambda p: p.sku_id)
    fewer = (replace(legs, quantity=quantity), replace(top, quantity=2 if quantity == 7 else 1))
    plan = replace(found.plan, shipments=(replace(shipment, picks=fewer),))
    told = verify(
        replace(found, plan=plan),
        world.order,
        world.network,
        world.sku_of,
        world.available,
        world.rules,
        NOW_SECONDS,
    )
    assert any(complaint in complaint_told for complaint_told in told), told


def test_kits_have_no_substitutes_and_are_none() -> None:
    world = shop(line(1, substitutes=("P",)), line(1, "L", line_id="2", substitutes=("T",)))
    snapshot = snapshot_of(world)
    assert [str(v) for v in resolve_violations(world.order, snapshot.compiled, snapshot.catalogue)] == [
        "order.lines[0].substitutes: 'T' is a kit: it has none",
        "order.lines[1].substitutes[0]: 'T' is a kit, which is no substitute",
    ]
