"""The solver's ladder for one order: every step of it, forced one by one, against brute force, and small
orders worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from router.domain import Method, NodeType, OrderLine
from router.network import Bracket, Lane, Network, Node, Service
from router.orders import order_arrays
from router.plan import assemble
from router.problem import Problem, build_problem
from router.solver import mathopt
from router.solver.bound import bound_by_prices
from router.solver.choices import read_choices
from router.solver.costing import price, read_tariffs
from router.solver.greedy import greedy
from router.solver.limits import SearchLimits
from router.solver.mathopt import NUMERICS, Answer, Ending, Model, Solver
from router.solver.order_mip import Assignment, Undecided, solve_order
from router.solver.order_model import build_order_model
from router.solver.tariffs import Carriage
from tests.engine import snapshot_of
from tests.oracle_decision import optimum
from tests.small_shop import rules_of, small_shop
from tests.worlds import DIVIDED_LINES, EVERYTHING, WHOLE_LINES, World, random_world

PATIENT = SearchLimits(node_limit=1_000_000, time_limit_seconds=120.0)
NEVER: dict[str, Any] = {"router.solver.order_mip.solve_exactly": lambda *_: None}

STEPS: dict[str, dict[str, Any]] = {
    "the whole ladder": {},
    "programme, row after row": {"router.solver.programme._Search.cover": lambda *_: None},
    "integer programme": NEVER,
    "integer programme without a start": NEVER | {"router.solver.order_mip.greedy": lambda *_: None},
    "integer programme over few rows first": NEVER | {"router.solver.order_mip.CORE_ROWS": 1},
    "full parcels counted": NEVER
    | {"router.solver.tariffs.MOST_STEPS": 0, "router.solver.order_mip.greedy": lambda *_: None},
    "fewest shipments first": NEVER
    | {"router.solver.order_mip.GREAT_SPLIT_CENTS": 1, "router.solver.order_mip.greedy": lambda *_: None},
}
"""What is replaced so that a step of the ladder has to answer."""


def problems(world: World) -> Iterator[tuple[Problem, Any, tuple[int, int] | None]]:
    """Of each strategy: the problem, a way to price an assignment, and (units, cents) by brute force."""
    snapshot = snapshot_of(world)
    compiled = snapshot.compiled
    columns = order_arrays([world.order], compiled, snapshot.catalogue, world.now_seconds)
    for t, strategy in enumerate(compiled.strategies):
        problem = build_problem(snapshot.at(world.now_seconds).world, columns, 0, t, world.now_seconds)

        def cents(a: Assignment, problem: Problem = problem) -> int:
            return assemble(problem, world.order, compiled, a.units, a.allowed_delay_cents).total_cents

        best = optimum(
            strategy,
            world.order,
            world.network,
            skus=world.skus,
            stock=world.stock,
            now_seconds=world.now_seconds,
        )
        yield problem, cents, best


def drawn(seeds: range) -> Iterator[tuple[int, World]]:
    """Worlds of three kinds in turn."""
    for seed in seeds:
        features = (DIVIDED_LINES, EVERYTHING, WHOLE_LINES)[seed % 3]
        yield seed, random_world(np.random.default_rng(seed), features)


@pytest.mark.parametrize("step", STEPS)
def test_every_step_agrees_with_brute_force(step: str) -> None:
    answered = 0
    with ExitStack() as replaced:
        for name, value in STEPS[step].items():
            replaced.enter_context(patch(name, value))
        for seed, world in drawn(range(60)):
            for problem, cents, best in problems(world):
                found = solve_order(problem, PATIENT)
                assert not isinstance(found, Undecided), seed
                if found is None:
                    assert best is None, seed
                    continue
                answered += 1
                assert (int(found.units.sum()), cents(found)) == best, seed
                assert found.proven, seed
                assert (found.bound_cents, found.stopped_by) == (cents(found), ""), seed
    assert answered > 50


def test_coarse_stock_depth_still_gives_a_bound() -> None:
    unproven = 0
    with patch("router.solver.depth_runs.DEPTH_RUNS", 1), ExitStack() as replaced:
        for name, value in NEVER.items():
            replaced.enter_context(patch(name, value))
        for seed, world in drawn(range(60)):
            for problem, cents, best in problems(world):
                found = solve_order(problem, PATIENT)
                if best is None:
                    assert found is None, seed
                    continue
                assert isinstance(found, Assignment), seed
                unproven += not found.proven
                assert int(found.units.sum()) == best[0], seed
                assert found.bound_cents <= best[1] <= cents(found), seed
                assert found.proven <= (cents(found) == best[1]), seed
    assert unproven > 0


def test_prices_bound_the_cost_and_keep_the_rows_of_every_better_plan() -> None:
    tight = 0
    for seed, world in drawn(range(150)):
        for problem, _, best in problems(world):
            choices = read_choices(problem)
            if best is None or choices.allow_partial or not len(choices.rows):
                continue
            tariffs = read_tariffs(choices)
            start = greedy(choices, tariffs)
            answer = solve_order(problem, PATIENT)
            if start is None or not isinstance(answer, Assignment):
                continue
            bound = bound_by_prices(choices, Carriage.of(choices, tariffs), start)
            used = np.flatnonzero(answer.units[choices.rows].any(axis=1))
            assert bound.cents <= best[1], seed
            assert np.isin(used, bound.rows_below(best[1] + 1)).all(), seed
            tight += bound.cents == best[1]
    assert tight > 20


@pytest.mark.parametrize("solver", list(Solver))
def test_every_solver_finds_the_optimum(solver: Solver) -> None:
    for seed, world in drawn(range(200, 215)):
        for problem, _, best in problems(world):
            choices = read_choices(problem)
            if best is None or choices.allow_partial:
                continue
            tariffs = read_tariffs(choices)
            model = build_order_model(choices, Carriage.of(choices, tariffs))
            answer = mathopt.solve(model.model, PATIENT, solver=solver)
            assert answer.ending is Ending.OPTIMAL, seed
            assert answer.values is not None
            plan = price(choices, tariffs, model.amounts(answer.values))
            assert plan is not None
            assert plan.cents == best[1] == round(answer.values @ model.model.cost + model.model.offset), seed


def test_the_same_question_gets_the_same_answer() -> None:
    with patch(*next(iter(NEVER.items()))):
        for seed, world in drawn(range(300, 315)):
            for problem, _, _ in problems(world):
                one, other = solve_order(problem, PATIENT), solve_order(problem, PATIENT)
                if isinstance(one, Assignment) and isinstance(other, Assignment):
                    assert np.array_equal(one.units, other.units), seed
                    one = replace(one, units=other.units)
                assert one == other, seed


# --- by hand --------------------------------------------------------------------------------------------


def shop(stock: dict[str, int], quantity: int, limits: dict[str, Any], **objectives: Any) -> Problem:
    """One line of ``quantity`` units of 1 kg, worth 10.00 each. Nodes by name; a parcel of up to 5 kg costs
    7.00, one of up to 2 kg 4.00, a shipment 0.50; the nodes lie 1, 2, 3, ... degrees north of Paris."""
    lane = Lane(
        transit_seconds=86_400,
        brackets=(Bracket(up_to_grams=2_000, cents=400), Bracket(up_to_grams=5_000, cents=700)),
    )
    nodes = tuple(
        Node(
            node_id=name,
            node_type=NodeType.STORE,
            country="FR",
            latitude=48.8566 + i + 1,
            longitude=2.3522,
            services=frozenset({"post"}),
            shipment_cents=50,
        )
        for i, name in enumerate(sorted(stock))
    )
    base = small_shop()
    sku = replace(base.skus["K"], weight_grams=1_000, unit_value_cents=1_000)
    kinds = [{"kind": "shipping"}, {"kind": "handling"}, *({"kind": k, **v} for k, v in objectives.items())]
    line = OrderLine(line_id="L", sku_id="K", quantity=quantity)
    world = replace(
        base,
        network=Network(nodes=nodes, services=(Service(service_id="post", lanes=(lane,)),)),
        skus={"K": sku},
        stock={("K", name): units for name, units in stock.items()},
        rules=rules_of({"id": "main", "objectives": kinds, "limits": limits}),
        order=replace(base.order, lines=(line,)),
    )
    return next(problems(world))[0]


LADDERS = pytest.mark.parametrize("step", ["the whole ladder", "integer programme"])


def answer_of(step: str, problem: Problem) -> Assignment | Undecided | None:
    with ExitStack() as replaced:
        for name, value in STEPS[step].items():
            replaced.enter_context(patch(name, value))
        return solve_order(problem, PATIENT)


@LADDERS
def test_a_line_is_divided_where_it_must_be(step: str) -> None:
    # 7 of 3 + 3 + 2: all three nodes. 3 + 3 + 1 or 3 + 2 + 2 units.
    # 3 + 3 + 1: 700 + 700 + 400; 3 + 2 + 2: 700 + 400 + 400, the least. Then 3 x 50, and 2 splits of 100.
    found = answer_of(step, shop({"A": 3, "B": 3, "C": 2}, 7, {}, split={"cents": 100}))
    assert isinstance(found, Assignment)
    assert sorted(found.units[:, 0].tolist()) == [2, 2, 3]
    assert found.bound_cents == 1500 + 150 + 200
    assert found.proven


@LADDERS
def test_what_there_is_goes_out_in_part(step: str) -> None:
    # 3 + 2 of 9 units: 700 + 400 + 2 x 50
    found = answer_of(step, shop({"A": 3, "B": 2}, 9, {"allow_partial": True}))
    assert isinstance(found, Assignment)
    assert found.units[:, 0].tolist() == [3, 2]
    assert found.bound_cents == 1200
    assert found.proven


@LADDERS
def test_nothing_goes_out_in_part_unless_allowed(step: str) -> None:
    assert answer_of(step, shop({"A": 3, "B": 2}, 9, {})) is None


@LADDERS
def test_too_few_nodes_allowed(step: str) -> None:
    assert answer_of(step, shop({"A": 3, "B": 3, "C": 2}, 7, {"max_nodes_per_order": 2})) is None


@LADDERS
def test_parts_are_worth_enough(step: str) -> None:
    # 2 + 2 + 2 would cost 3 x 400 + 3 x 50 = 1350, but parts of 20.00 are too small: 3 + 3, 2 x 700 + 2 x 50.
    stock = {"A": 3, "B": 3, "C": 2}
    assert isinstance(small := answer_of(step, shop(stock, 6, {})), Assignment)
    assert (small.bound_cents, small.proven) == (1350, True)
    found = answer_of(step, shop(stock, 6, {"min_shipment_value_cents": 3_000}))
    assert isinstance(found, Assignment)
    assert found.units[:, 0].tolist() == [3, 3, 0]
    assert (found.bound_cents, found.proven) == (1500, True)
    assert answer_of(step, shop(stock, 5, {"min_shipment_value_cents": 3_000})) is None


@LADDERS
def test_fewest_shipments_then_least_distance(step: str) -> None:
    # Splits of 10^9 cents beside a cent a metre. Of the pairs with 6 units A + C is nearest, 1 and 3 degrees
    # of 111,194.93 m; then 2 + 4 units (400 + 700) beat 3 + 3 (2 x 700).
    stock = {"A": 3, "B": 2, "C": 4, "D": 3}
    far = {"split": {"cents": 1_000_000_000}, "distance": {"cents_per_km": "1000"}}
    found = answer_of(step, shop(stock, 6, {}, **far))
    assert isinstance(found, Assignment)
    assert found.units[:, 0].tolist() == [2, 0, 4, 0]
    assert found.bound_cents == 1_000_000_000 + 111_195 + 333_585 + 1_100 + 100
    assert found.proven


# --- when a search does not end -------------------------------------------------------------------------

STOPPED = Answer(ending=Ending.UNKNOWN, values=None, bound=-np.inf, stopped_by="time_limit")


def test_stopped_before_there_is_a_plan() -> None:
    problem = shop({"A": 3, "B": 3, "C": 2}, 7, {})
    with (
        patch(*next(iter(NEVER.items()))),
        patch("router.solver.order_mip.greedy", lambda *_: None),
        patch("router.solver.order_mip.solve", lambda *_: STOPPED),
    ):
        assert solve_order(problem, PATIENT) == Undecided("time_limit")


def test_stopped_with_a_plan_at_hand() -> None:
    # 3 + 3 + 1 or 3 + 2 + 2, with room between the bound by prices and the greedy plan
    problem = shop({"A": 3, "B": 3, "C": 2, "D": 3, "E": 3}, 7, {}, split={"cents": 100})
    with patch(*next(iter(NEVER.items()))), patch("router.solver.order_mip.solve", lambda *_: STOPPED):
        found = solve_order(problem, PATIENT)
    assert isinstance(found, Assignment)
    assert found.units.sum() == 7
    assert (found.proven, found.stopped_by, found.method) == (False, "time_limit", Method.GREEDY)
    assert 0 < found.bound_cents <= 1850


@pytest.mark.parametrize(("without", "plan"), [((), True), (("greedy",), False)])
@pytest.mark.parametrize("limits", [{}, {"allow_partial": True}])
def test_a_programme_that_would_be_too_large_is_not_set_up(
    without: tuple[str, ...], plan: bool, limits: dict[str, Any]
) -> None:
    """Five rows of one item, with room between the bound by prices and the greedy plan."""
    problem = shop({"A": 3, "B": 3, "C": 2, "D": 3, "E": 3}, 7, limits, split={"cents": 100})
    small = replace(PATIENT, size_limit=4)
    with ExitStack() as stack:
        stack.enter_context(patch(*next(iter(NEVER.items()))))
        stack.enter_context(patch("router.solver.order_mip.build_order_model", None))
        for name in without:
            stack.enter_context(patch(f"router.solver.order_mip.{name}", lambda *_: None))
        found = solve_order(problem, small)
    if not plan:
        assert found == Undecided("size_limit")
        return
    assert isinstance(found, Assignment)
    assert (found.units.sum(), found.proven, found.stopped_by) == (7, False, "size_limit")
    assert found.bound_cents < 1850


def test_what_a_solver_throws_does_not_get_out() -> None:
    def broken(*_: Any) -> None:
        raise AttributeError("'Status' object has no attribute 'code'")

    with patch.object(mathopt.mathopt_solver, "solve", broken):
        answer = mathopt.solve(knapsack(10.0), PATIENT)
    assert (answer.ending, answer.values, answer.stopped_by) == (Ending.UNKNOWN, None, NUMERICS)


def knapsack(room: float) -> Model:
    """Most of 5 a + 4 b with 2 a + 3 b <= room, both at most 3, and a + b >= 2."""
    return Model(
        lower=np.zeros(2),
        upper=np.full(2, 3.0),
        integer=np.ones(2, bool),
        cost=np.array([-5.0, -4.0]),
        offset=100.0,
        row_lower=np.array([-np.inf, 2.0]),
        row_upper=np.array([room, np.inf]),
        entry_row=np.array([1, 0, 0, 1]),
        entry_column=np.array([0, 1, 0, 1]),
        entry_value=np.array([1.0, 3.0, 2.0, 1.0]),
    )


@pytest.mark.parametrize("solver", list(Solver))
def test_models_go_in_and_out(solver: Solver) -> None:
    # 3 a (6 of 10), then one b (9 of 10): 100 - 15 - 4
    answer = mathopt.solve(knapsack(10.0), PATIENT, np.array([1.0, 1.0]), solver)
    assert answer.ending is Ending.OPTIMAL
    assert answer.values is not None
    assert answer.values.round().tolist() == [3, 1]
    assert answer.bound == pytest.approx(81.0)
    assert mathopt.solve(knapsack(3.0), PATIENT, None, solver).ending is Ending.INFEASIBLE


@pytest.mark.parametrize(("nodes", "seconds"), [(0, 1.0), (1, 0.0), (1, float("nan"))])
def test_limits_are_positive(nodes: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="limit"):
        SearchLimits(node_limit=nodes, time_limit_seconds=seconds)
