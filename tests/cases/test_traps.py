"""Thirteen traps that other systems fall into, each on data small enough to work out by hand."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from router.domain import Decision, Status
from router.ledger import ReserveCode
from router.network import Bracket, Lane, Network, Service
from router.rules.model import RuleSet
from tests.cases.adapter import Case, Said, allocations, decided, said
from tests.cases.moves import hold, move, reserved_at, stocked
from tests.cases.policies import (
    BY_RANK,
    FEWEST_SOURCES,
    FEWEST_THEN_NEAREST,
    FILL_BY_DISTANCE,
    FILL_BY_RANK,
    FREE,
    LEAST_METRES,
    ONE_PLACE,
    policy,
)


def case_of(lines: dict[str, int] | list[tuple[str, int]], **stock: dict[str, int]) -> dict[str, Any]:
    """Lines in order, and places that rank in order."""
    pairs = lines.items() if isinstance(lines, dict) else lines
    return {
        "name": "trap",
        "locations": [{"id": place, "stock": units} for place, units in stock.items()],
        "lines": [{"sku": sku, "qty": quantity} for sku, quantity in pairs],
    }


def taken(decision: Decision) -> dict[tuple[str, str], int]:
    """(node, SKU) -> units; every unit on hand."""
    found = allocations(decision, 1)
    assert all(state == "on_hand" for _, _, state in found)
    return {(place, sku): int(units) for (place, sku, _), units in found.items()}


def answer(case: Case, rules: RuleSet) -> Decision:
    return decided(said(case, rules))


def test_1_the_same_sku_on_two_lines_draws_on_one_stock() -> None:
    decision = answer(case_of([("A", 2), ("A", 2)], near={"A": 3}, next={"A": 9}), FILL_BY_RANK)
    assert decision.status is Status.SOURCED
    assert taken(decision) == {("near", "A"): 3, ("next", "A"): 1}
    picks = [pick for shipment in decision.plan.shipments for pick in shipment.picks]
    for line_id in ("1", "2"):
        assert sum(pick.quantity for pick in picks if pick.line_id == line_id) == 2


def test_2_a_second_place_sends_the_remainder_not_the_whole_quantity() -> None:
    decision = answer(case_of({"A": 13}, first={"A": 10}, second={"A": 15}), FILL_BY_RANK)
    assert taken(decision) == {("first", "A"): 10, ("second", "A"): 3}


def test_3_a_shortfall_is_reported_for_its_line() -> None:
    decision = answer(case_of({"A": 5, "B": 1}, only={"A": 2, "B": 1}), FILL_BY_RANK)
    assert decision.status is Status.PARTIAL
    assert [(u.line_id, u.sku_id, u.quantity) for u in decision.unfilled] == [("1", "A", 3)]


def test_3_without_partial_answers_nothing_is_taken_and_everything_is_reported() -> None:
    decision = answer(case_of({"A": 5, "B": 1}, only={"A": 2, "B": 1}), policy(BY_RANK, limits=FREE))
    assert decision.status is Status.UNSOURCEABLE
    assert [(u.sku_id, u.quantity) for u in decision.unfilled] == [("A", 5), ("B", 1)]


@pytest.mark.parametrize(
    ("free", "status"), [({"A": 9}, Status.SOURCED), ({"A": 10}, Status.PARTIAL)], ids=["fits", "one short"]
)
def test_4_both_allocated_and_reserved_units_are_subtracted(free: dict[str, int], status: Status) -> None:
    case = case_of(free, only={"A": 20})
    case["locations"][0] |= {"allocated": {"A": 4}, "reserved": {"A": 7}}
    decision = answer(case, FILL_BY_RANK)
    assert decision.status is status
    assert taken(decision) == {("only", "A"): 9}


def test_5_enough_in_sum_is_not_enough_at_one_place() -> None:
    case = case_of({"A": 2}, one={"A": 1}, other={"A": 1})
    assert answer(case, policy(BY_RANK, limits=ONE_PLACE)).status is Status.UNSOURCEABLE
    assert taken(answer(case, policy(BY_RANK, limits=FREE))) == {("one", "A"): 1, ("other", "A"): 1}


@pytest.mark.parametrize("rules", [policy(limits=ONE_PLACE), policy(limits=FREE)], ids=["whole", "divisible"])
def test_6_a_tie_goes_to_the_same_node_however_the_places_are_listed(rules: RuleSet) -> None:
    case = case_of({"A": 2, "B": 1}, **{place: {"A": 2, "B": 1} for place in ("p", "q", "r", "s")})
    found = set()
    for places in itertools.permutations(case["locations"]):
        here = said({**case, "locations": list(places)}, rules)
        nodes = tuple(replace(node, priority=1) for node in here.world.network.nodes)
        world = replace(here.world, network=replace(here.world.network, nodes=nodes))
        decision = decided(replace(here, world=world))
        found.add(tuple(sorted(taken(decision).items())))
    assert len(found) == 1
    assert len({place for (place, _), _ in found.pop()}) == 1


@pytest.mark.parametrize(
    ("place", "destination"),
    [((0.0, 9.0), (1.0, 9.0)), ((9.0, 0.0), (9.0, 1.0)), ((0.0, 0.0), (0.0, 1.0)), ((0.0, 1.0), (0.0, 0.0))],
)
def test_7_zero_degrees_are_a_place(place: tuple[float, float], destination: tuple[float, float]) -> None:
    case = case_of({"A": 1}, away={"A": 1}, close={"A": 1})
    case["dest"] = destination
    for location, (latitude, longitude) in zip(case["locations"], [(5.0, 5.0), place], strict=True):
        location |= {"lat": latitude, "lng": longitude}
    decision = answer(case, FILL_BY_DISTANCE)
    assert taken(decision) == {("close", "A"): 1}
    assert 109_000 < decision.plan.shipments[0].distance_m < 112_000


def test_8_a_limit_of_five_takes_five() -> None:
    """Nodes of an order, units in stock, and units to be kept. Orders of a day are for the ledger's node
    capacity, which does not exist yet; a node that has used them up is excluded."""
    five_places: dict[str, dict[str, int]] = {f"n{i}": {"A": 1} for i in range(5)}
    for most, status in ((5, Status.SOURCED), (4, Status.UNSOURCEABLE)):
        rules = policy(BY_RANK, limits={**FREE, "max_nodes_per_order": most})
        assert answer(case_of({"A": 5}, **five_places), rules).status is status
    for quantity, status in ((5, Status.SOURCED), (6, Status.UNSOURCEABLE)):
        assert answer(case_of({"A": quantity}, only={"A": 5}), policy(limits=FREE)).status is status
    keep = {"kind": "min_remaining", "name": "keep", "units": 5}
    for quantity, status in ((5, Status.SOURCED), (6, Status.UNSOURCEABLE)):
        rules = policy(limits=ONE_PLACE, eligibility=(keep,))
        assert answer(case_of({"A": quantity}, only={"A": 10}), rules).status is status


def test_9_only_the_rest_is_backordered() -> None:
    """What a place orders in is a supplier behind it; backorders with a date need future supply, which does
    not exist yet."""
    case = case_of({"A": 15, "B": 5}, shop={"A": 10, "B": 10}, dropship={"A": 2, "B": 0})
    case["locations"][1]["backorderable"] = ["A", "B"]
    assert allocations(answer(case, policy(BY_RANK, limits=FREE)), 1) == {
        ("shop", "A", "on_hand"): Fraction(10),
        ("shop", "B", "on_hand"): Fraction(5),
        ("dropship", "A", "on_hand"): Fraction(2),
        ("dropship", "A", "backordered"): Fraction(3),
    }


def test_10_two_places_do_where_greedy_coverage_takes_three() -> None:
    """ "wide" covers most lines, yet the two halves need it not."""
    order = dict.fromkeys("ABCDEF", 1)
    stock = {
        "left": dict.fromkeys("ABC", 1),
        "right": dict.fromkeys("DEF", 1),
        "wide": dict.fromkeys("ABDE", 1),
    }
    for limits in (FREE, {"line_splits": "never"}):
        rules = policy(FEWEST_SOURCES, LEAST_METRES, limits=limits)
        decision = answer(case_of(order, **stock), rules)
        assert {shipment.node_id for shipment in decision.plan.shipments} == {"left", "right"}


@pytest.mark.parametrize("limits", [{"line_splits": "never"}, FREE], ids=["whole", "divisible"])
def test_11_an_option_that_is_not_used_costs_nothing(limits: dict[str, Any]) -> None:
    """Unused nodes and services, however dear, leave the cost alone."""
    rules = policy({"kind": "shipping"}, {"kind": "handling"}, {"kind": "split", "cents": 50}, limits=limits)
    plain = with_tariffs(said(case_of({"A": 2, "B": 2}, used={"A": 2, "B": 2}), rules), ("used",))
    more = case_of({"A": 2, "B": 2}, used={"A": 2, "B": 2}, idle={"A": 9, "B": 1}, far={"B": 9})
    crowded = with_tariffs(said(more, rules), ("used", "idle"))
    assert decided(plain).plan.total_cents == 700 + 30
    assert decided(crowded).plan == decided(plain).plan


def with_tariffs(case: Said, served: tuple[str, ...]) -> Said:
    """A cheap and a dear service at the ``served`` nodes; handling that is dear everywhere but at "used"."""
    services = tuple(
        Service(
            service_id=name,
            lanes=(Lane(transit_seconds=3600, brackets=(Bracket(up_to_grams=5_000, cents=cents),)),),
        )
        for name, cents in (("dear", 9_000), ("cheap", 700))
    )
    nodes = tuple(
        replace(
            node,
            services=frozenset({"dear", "cheap"} if node.node_id in served else {"dear"}),
            shipment_cents=30 if node.node_id == "used" else 4_000,
        )
        for node in case.world.network.nodes
    )
    return replace(case, world=replace(case.world, network=Network(nodes=nodes, services=services)))


def test_12_moving_a_reservation_checks_the_target_again() -> None:
    ledger = stocked({("A", "here"): 10, ("A", "full"): 10, ("A", "there"): 1})
    assert hold(ledger, "A", "full", 5).code is ReserveCode.HELD
    refused = move(ledger, "A", 10, "here", "there")
    assert refused.code is ReserveCode.SOLD_OUT
    assert [(short.node_id, short.quantity) for short in refused.shortages] == [("there", 1)]
    assert reserved_at(ledger, "A") == {"full": 5, "here": 10, "there": 0}


def test_12_a_move_that_succeeds_lets_go_of_the_source() -> None:
    ledger = stocked({("A", "here"): 10, ("A", "there"): 12})
    assert move(ledger, "A", 10, "here", "there").code is ReserveCode.HELD
    assert reserved_at(ledger, "A") == {"here": 0, "there": 10}


def test_13_a_place_below_zero_does_not_sink_the_others() -> None:
    case = case_of({"A": 3}, oversold={"A": 1}, sound={"A": 3})
    case["locations"][0]["allocated"] = {"A": 5}
    for rules in (FILL_BY_RANK, FILL_BY_DISTANCE, FEWEST_THEN_NEAREST, policy(limits=ONE_PLACE)):
        decision = answer(case, rules)
        assert decision.status is Status.SOURCED
        assert taken(decision) == {("sound", "A"): 3}
