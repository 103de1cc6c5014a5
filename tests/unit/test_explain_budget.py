"""What an explanation may cost, and what it says of the plan itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.budget import Budget
from router.domain import CertificateKind, Decision, Order, Status
from router.explain import explain_order
from router.snapshot import Snapshot
from router.solver.limits import SearchLimits
from router.sourcer import NO_PLAN, decide
from tests.engine import explained, snapshot_of
from tests.small_shop import rules_of, small_shop, with_lines, with_rules
from tests.worlds import NOW_SECONDS


def test_an_explanation_that_was_not_cut_short_says_nothing() -> None:
    for world in (small_shop(), with_lines(small_shop(), ("K", 11)), with_lines(small_shop(), ("K", 400))):
        _, explanation = explained(world)
        assert explanation.stopped_by == ""


@pytest.mark.parametrize("decisions", [0, 1, 3])
def test_the_budget_bounds_how_often_is_decided(decisions: int) -> None:
    asked = []

    def again(order: Order, snapshot: Snapshot, *, forbidden_nodes: frozenset[str] = frozenset()) -> Decision:
        asked.append(order)
        return decide(order, snapshot, NOW_SECONDS, forbidden_nodes=forbidden_nodes)

    for quantity in (4, 400):  # one plan with alternatives, one order without a plan
        world = with_lines(small_shop(), ("K", quantity))
        snapshot = snapshot_of(world)
        decision = decide(world.order, snapshot, NOW_SECONDS)
        asked.clear()
        budget = Budget(decisions=decisions)
        _, explanation = explain_order(decision, again, world.order, snapshot, NOW_SECONDS, budget)
        assert len(asked) == (min(decisions, 1) if quantity == 4 else decisions)
        assert explanation.stopped_by == ("" if quantity == 4 and decisions else "decision_limit")
        assert explanation.lines[0].rejected_count + explanation.lines[0].eligible_count == 4


def test_decisions_that_take_a_search_have_a_budget_of_their_own() -> None:
    """Four stock rows each: two searches are the most that six rows allow."""
    world = with_rules(with_lines(small_shop(), ("K", 400)), max_nodes_per_order=2)
    searched = []

    def again(order: Order, snapshot: Snapshot, *, forbidden_nodes: frozenset[str] = frozenset()) -> Decision:
        made = decide(order, snapshot, NOW_SECONDS, forbidden_nodes=forbidden_nodes)
        searched.append(made)
        stopped = replace(made.certificate, kind=CertificateKind.BOUNDED, stopped_by="size_limit")
        return replace(made, status=Status.UNSOURCEABLE, plan=NO_PLAN, certificate=stopped)

    snapshot = snapshot_of(world)
    decision = decide(world.order, snapshot, NOW_SECONDS)
    budget = Budget(searched_rows=6)
    _, explanation = explain_order(decision, again, world.order, snapshot, NOW_SECONDS, budget)
    assert len(searched) == 2
    assert explanation.stopped_by == "size_limit, search_limit"
    assert explanation.relaxations == ()


def test_of_lines_with_too_many_candidates_only_the_best_are_listed() -> None:
    world = with_lines(small_shop(), ("K", 2), ("K", 1))
    _, every = explained(world)
    _, some = explained(world, candidates=7)
    assert (every.stopped_by, some.stopped_by) == ("", "candidate_limit")
    assert some.lines[0] == every.lines[0]
    assert [c for c in every.lines[1].candidates if not c.rejections] == list(some.lines[1].candidates)
    assert some.lines[1].rejected_count == every.lines[1].rejected_count > 0


def test_an_explanation_that_is_not_wanted_any_more_ends() -> None:
    world = with_lines(small_shop(), ("K", 400))
    answers = [True] * 3

    def wanted() -> bool:
        return bool(answers) and answers.pop()

    _, explanation = explained(world, wanted=wanted)
    assert explanation.stopped_by == "time_limit"

    def gone() -> bool:
        raise TimeoutError("nobody waits")

    with pytest.raises(TimeoutError):
        explained(world, wanted=gone)


def test_large_orders_are_decided_again_without_a_programme_of_their_size() -> None:
    brief = SearchLimits().brief()
    assert brief == SearchLimits(node_limit=500, time_limit_seconds=0.25, size_limit=2_000)
    assert SearchLimits(node_limit=3, time_limit_seconds=0.1, size_limit=9).brief() == SearchLimits(
        node_limit=3, time_limit_seconds=0.1, size_limit=9
    )
    with pytest.raises(ValueError, match="size_limit"):
        SearchLimits(size_limit=-1)


# --- what the plan uses -----------------------------------------------------------------------------------


def test_nodes_that_send_a_part_of_a_line_are_told_from_those_that_send_nothing() -> None:
    world = with_rules(with_lines(small_shop(), ("K", 11), ("K", 1)))
    world = replace(world, stock={("K", "A"): 6, ("K", "B"): 4, ("K", "C"): 3, ("K", "D"): 2})
    decision, explanation = explained(world)
    sent: dict[tuple[str, str], int] = {}
    for shipment in decision.plan.shipments:
        for pick in shipment.picks:
            sent[pick.line_id, shipment.node_id] = pick.quantity
    assert {line_id for line_id, _ in sent} == {"L0", "L1"}
    found = {
        (line.line_id, c.node_id): c.taken_quantity
        for line in explanation.lines
        for c in line.candidates
        if c.taken_quantity
    }
    assert found == sent
    divided = [c for c in explanation.lines[0].candidates if c.taken_quantity]
    assert len(divided) == 3
    assert all(c.rejections[0].reason == "INSUFFICIENT_STOCK" for c in divided)


def test_an_explanation_names_the_strategy_it_speaks_of() -> None:
    nobody = {"kind": "exclude_nodes", "name": "none", "nodes": {}}
    world = replace(
        small_shop(),
        rules=rules_of({"id": "x", "eligibility": [nobody], "fallback": "y"}, {"id": "y", "priority": 200}),
    )
    decision, explanation = explained(world)
    assert (decision.strategy_ids, explanation.strategy_id) == (("x", "y"), "y")
    assert explanation.lines[0].eligible_count == 2
    nowhere = {"id": "x", "when": {"destination_countries": ["DE"]}}
    assert explained(replace(world, rules=rules_of(nowhere)))[1].strategy_id == ""
