"""The way from a strategy to its fallback: also from one whose search was stopped before it had a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from router.domain import (
    SEE_DELIVERIES,
    Certificate,
    CertificateKind,
    Decision,
    Delivery,
    Method,
    OrderLine,
    Status,
)
from router.orders import order_arrays
from router.problem import Problem, build_problem
from router.solver.choices import read_choices
from router.solver.greedy import may_be_filled
from router.solver.limits import SearchLimits
from router.solver.order_mip import Assignment, Undecided, solve_order
from router.sourcer import decide
from router.verify.decision import certificate_complaints, undecided, verify
from tests.engine import snapshot_of
from tests.oracle_decision import decide_by_force
from tests.small_shop import rules_of, small_shop
from tests.worlds import NOW_SECONDS, World

Answer = Assignment | Undecided | None
SHIPPING = {"objectives": [{"kind": "shipping"}, {"kind": "handling"}]}
FEW = {"id": "few", "limits": {"max_nodes_per_order": 2}, "fallback": "many", **SHIPPING}
MANY = {"id": "many", "priority": 200, **SHIPPING}


def shop(quantity: int, *strategies: dict[str, Any]) -> World:
    """Eleven units over the nodes A, B and C: 5, 4 and 2; no line of more than five is supplied whole."""
    world = small_shop()
    line = OrderLine(line_id="L", sku_id="K", quantity=quantity)
    return replace(
        world,
        stock={("K", "A"): 5, ("K", "B"): 4, ("K", "C"): 2},
        rules=rules_of(*strategies),
        order=replace(world.order, lines=(line,)),
    )


def decided(world: World) -> Decision:
    return decide(world.order, snapshot_of(world), NOW_SECONDS)


def complaints(world: World, decision: Decision) -> list[str]:
    return verify(
        decision, world.order, world.network, world.sku_of, world.available, world.rules, NOW_SECONDS
    )


@pytest.fixture
def stop(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes the searches of some strategies (by row, in the order tried) end without a plan."""

    def stopping(*strategies: int, by: str = "time_limit") -> None:
        def answer(problem: Problem, limits: SearchLimits) -> Answer:
            return Undecided(by) if problem.strategy_ix in strategies else solve_order(problem, limits)

        monkeypatch.setattr("router.ladder.solve_order", answer)

    return stopping


def test_a_stopped_search_goes_on_to_the_fallback_and_says_so(stop: Callable[..., None]) -> None:
    """Whether two nodes will do for nine units is then not known."""
    stop(0)
    world = shop(9, FEW, MANY)
    decision = decided(world)
    assert decision.status == Status.SOURCED
    assert decision.strategy_ids == ("few", "many")
    assert [s.node_id for s in decision.plan.shipments] == ["A", "B"]
    assert decision.certificate == Certificate(
        kind=CertificateKind.BOUNDED,
        method=Method.SUBSET_DP,
        bound_cents=decision.plan.total_cents,
        stopped_by="strategy few: time_limit",
    )
    assert complaints(world, decision) == []


def test_deliveries_go_on_to_the_fallback_too() -> None:
    world = shop(9, FEW, MANY)
    delivery = Delivery(delivery_id="d", destination=world.order.destination)
    order = replace(world.order, destination=SEE_DELIVERIES, deliveries=(delivery,))
    with patch("router.ladder.solve_order", return_value=Undecided("time_limit")):
        unsourced = decided(replace(world, order=order))
    assert unsourced.certificate.stopped_by == "strategy few: time_limit; time_limit"
    first = iter([Undecided("time_limit")])

    def once(problem: Problem, limits: SearchLimits) -> Answer:
        return next(first, None) or solve_order(problem, limits)

    with patch("router.ladder.solve_order", once):
        decision = decided(replace(world, order=order))
    assert (decision.strategy_ids, decision.status) == (("few", "many"), Status.SOURCED)
    assert decision.certificate.kind == CertificateKind.BOUNDED
    assert decision.certificate.stopped_by == "strategy few: time_limit"


def test_without_a_plan_at_the_end_every_stopped_search_is_named(stop: Callable[..., None]) -> None:
    third = {"id": "third", "priority": 300, **SHIPPING}
    world = shop(9, FEW, {**MANY, "fallback": "third"}, third)
    stop(0, 2, by="node_limit")
    sourced = decided(world)
    assert (sourced.strategy_ids, sourced.status) == (("few", "many"), Status.SOURCED)
    stop(0, 1, 2, by="node_limit")
    decision = decided(world)
    assert (decision.strategy_ids, decision.status) == (("few", "many", "third"), Status.UNSOURCEABLE)
    assert decision.certificate.kind == CertificateKind.BOUNDED
    assert (
        decision.certificate.stopped_by == "strategy few: node_limit; strategy many: node_limit; node_limit"
    )
    assert complaints(world, decision) == []


def test_what_is_proven_to_have_no_plan_leaves_the_proof_whole() -> None:
    world = shop(11, FEW, MANY)
    decision = decided(world)
    by_force = decide_by_force(
        world.rules,
        world.order,
        world.network,
        skus=world.skus,
        stock=world.stock,
        now_seconds=NOW_SECONDS,
    )
    assert decision.strategy_ids == by_force.strategy_ids == ("few", "many")
    assert decision.plan == by_force.plan
    assert (decision.certificate.kind, decision.certificate.stopped_by) == (CertificateKind.EXACT, "")


def test_the_verifier_excuses_only_what_is_said_to_be_stopped(stop: Callable[..., None]) -> None:
    stop(0)
    world = shop(9, FEW, MANY)
    decision = decided(world)
    silent = replace(decision, certificate=replace(decision.certificate, stopped_by=""))
    assert complaints(world, silent) == ["strategy 'few' had no answer, yet allows the plan"]
    proven = replace(decision.certificate, kind=CertificateKind.EXACT)
    assert certificate_complaints(proven, decision.plan.total_cents) == [
        "certificate: EXACT, yet stopped by 'strategy few: time_limit'"
    ]
    few, many = world.rules.profiles[0].strategies
    for stopped_by, expected in (
        ("", (False, False)),
        ("time_limit", (False, True)),
        ("strategy few: time_limit", (True, False)),
        ("strategy few: time_limit; node_limit", (True, True)),
    ):
        assert (undecided(few, [few, many], stopped_by), undecided(many, [few, many], stopped_by)) == expected


@pytest.mark.parametrize(
    ("lines", "offers", "max_nodes"),
    [
        # One line of 9: no two nodes have as many.
        ((("K", 9),), {"A": {"K": 4}, "B": {"K": 4}, "C": {"K": 4}}, 2),
        # Two lines of a SKU, 4 and 5: each could come from two nodes, both together could not.
        ((("K", 4), ("K", 5)), {"A": {"K": 3}, "B": {"K": 3}, "C": {"K": 3}}, 2),
        # Three lines, a node each: each could come from two nodes, but not all three.
        ((("K", 2), ("I", 2), ("J", 2)), {"A": {"K": 2}, "B": {"I": 2}, "C": {"J": 2}}, 2),
    ],
)
def test_sums_prove_that_so_few_nodes_cannot_do(
    lines: tuple[tuple[str, int], ...], offers: dict[str, dict[str, int]], max_nodes: int
) -> None:
    world = shop(1, {**FEW, "limits": {"max_nodes_per_order": max_nodes, "line_splits": "free"}}, MANY)
    order = replace(
        world.order,
        lines=tuple(OrderLine(line_id=f"{i}", sku_id=s, quantity=n) for i, (s, n) in enumerate(lines)),
    )
    skus = {sku_id: replace(world.skus["K"], sku_id=sku_id) for sku_id in "IJK"}
    stock = {(sku_id, node): n for node, own in offers.items() for sku_id, n in own.items()}
    snapshot = snapshot_of(replace(world, order=order, skus=skus, stock=stock))
    columns = order_arrays([order], snapshot.compiled, snapshot.catalogue, NOW_SECONDS)
    moment = snapshot.at(NOW_SECONDS)
    few, many = (build_problem(moment.world, columns, 0, t, moment.origin_seconds) for t in range(2))
    assert may_be_filled(read_choices(many))
    assert not may_be_filled(read_choices(few))
    with patch("router.solver.order_mip._Search", None):
        assert solve_order(few, SearchLimits()) is None
