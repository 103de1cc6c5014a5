"""Deliveries of one order that want the same units of the same node, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from router.domain import CertificateKind, Decision, Delivery, DeliveryMethod, OrderLine, Status
from tests.small_shop import rules_of
from tests.unit.test_deliveries import ADDRESS, ask, shop, to_store
from tests.worlds import World

HOME = Delivery(delivery_id="home", destination=ADDRESS)
COLLECT = to_store(method=DeliveryMethod.PICKUP)
GOALS: list[dict[str, Any]] = [{"kind": "shipping"}, {"kind": "handling"}]


def with_rules(world: World, *goals: dict[str, Any], **limits: Any) -> World:
    return replace(world, rules=rules_of({"id": "main", "objectives": [*GOALS, *goals], "limits": limits}))


def line(line_id: str, quantity: int, delivery_id: str) -> OrderLine:
    return OrderLine(line_id=line_id, sku_id="K", quantity=quantity, delivery_id=delivery_id)


def picks(decision: Decision) -> set[tuple[str, str, int]]:
    """(line, node, units)."""
    return {(p.line_id, s.node_id, p.quantity) for s in decision.plan.shipments for p in s.picks}


def test_the_earlier_delivery_takes_a_part_of_what_it_wants_at_a_node() -> None:
    """Paris has 3: one is collected, so of two lines that go home only one can come from there too, and the
    warehouse sends the other; both from the warehouse would cost the same carriage and more handling."""
    world = with_rules(shop(PARIS=3, WH=1), {"kind": "split", "cents": 0})
    lines = (line("a", 2, "home"), line("b", 1, "home"), line("c", 1, "d"))
    found = ask(world, HOME, COLLECT, lines=lines)
    assert found.certificate.kind is CertificateKind.EXACT
    assert picks(found) == {("a", "PARIS", 2), ("b", "WH", 1), ("c", "PARIS", 1)}
    assert found.plan.total_cents == 700 + 700 + 100


def test_a_line_is_divided_between_a_shared_node_and_another() -> None:
    """No node has 4, so the line may be divided; one unit in Paris is for collecting."""
    world = shop(PARIS=3, WH=2)
    found = ask(with_rules(world), HOME, COLLECT, lines=(line("a", 4, "home"), line("c", 1, "d")))
    assert found.certificate.kind is CertificateKind.EXACT
    assert picks(found) == {("a", "PARIS", 2), ("a", "WH", 2), ("c", "PARIS", 1)}


def test_a_line_that_a_node_could_supply_whole_is_not_divided_because_another_delivery_empties_it() -> None:
    world = shop(PARIS=3, WH=2, LYON=1)
    lines = (line("a", 3, "home"), line("c", 1, "d"))
    assert ask(with_rules(world), HOME, COLLECT, lines=lines).status is Status.UNSOURCEABLE
    freely = with_rules(world, line_splits="free")
    assert ask(freely, HOME, COLLECT, lines=lines).status is Status.SOURCED


def test_the_later_delivery_pays_for_the_depth_that_the_earlier_leaves() -> None:
    """Leaving 1 of 2 costs 50, leaving none 100."""
    world = with_rules(shop(PARIS=2), {"kind": "stock_depth", "cents": 100, "target_units": 2})
    found = ask(world, HOME, COLLECT, lines=(line("a", 1, "home"), line("c", 1, "d")))
    assert [own.cost.stock_depth_cents for own in found.plan.deliveries] == [50, 100]
    assert found.plan.cost.stock_depth_cents == 150


def test_units_are_filled_before_cents_are_counted_over_all_deliveries() -> None:
    """With one unit, somebody goes without: collecting is cheaper."""
    world = with_rules(shop(PARIS=1), allow_partial=True)
    found = ask(world, HOME, COLLECT, lines=(line("a", 1, "home"), line("c", 1, "d")))
    assert (found.status, picks(found)) == (Status.PARTIAL, {("c", "PARIS", 1)})
    assert found.certificate.kind is CertificateKind.EXACT
    assert [own.delivery_id for own in found.plan.deliveries] == ["d"]


def test_three_deliveries_share() -> None:
    """Two of three may have the store's units, and one of these must be the one that is collected there."""
    world = with_rules(shop(PARIS=4, WH=2))
    also = replace(HOME, delivery_id="also")
    lines = (line("a", 2, "home"), line("b", 2, "also"), line("c", 2, "d"))
    found = ask(world, HOME, also, COLLECT, lines=lines)
    assert found.certificate.kind is CertificateKind.EXACT
    assert found.plan.total_cents == 700 + 700 + 100
    assert ("c", "PARIS", 2) in picks(found)


def test_too_many_ways_to_share_are_not_all_looked_at() -> None:
    """60 units go home, in parcels of 20; Paris has 20 for them besides those that are collected. Whoever
    looks at a few amounts only does not know that 59 from Paris would not do either."""
    world = with_rules(shop(PARIS=100, WH=40, LYON=40), {"kind": "split", "cents": 50}, line_splits="free")
    found = ask(world, HOME, COLLECT, lines=(line("a", 60, "home"), line("c", 80, "d")))
    assert found.status is Status.SOURCED
    certificate = found.certificate
    assert (certificate.kind, certificate.stopped_by) == (CertificateKind.BOUNDED, "branches")
    assert certificate.bound_cents == 3 * 700  # all 60 from Paris, if they were there
    assert found.plan.total_cents == 3 * 700 + 50


def test_what_costs_no_more_than_the_ways_left_out_is_proven() -> None:
    world = with_rules(shop(PARIS=100, LYON=40), line_splits="free")
    found = ask(world, HOME, COLLECT, lines=(line("a", 60, "home"), line("c", 80, "d")))
    assert (found.certificate.kind, found.plan.total_cents) == (CertificateKind.EXACT, 3 * 700)
