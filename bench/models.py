"""The same optimum by an OR-Tools model: the rival that the exact programmes are measured against.

The rival is no straw man. Its model is the compact one of ``router.solver.order_model``: strong links,
dominated services and steps left out beforehand, filled into a protocol buffer straight from arrays.
"""

from __future__ import annotations

from time import perf_counter

from router.problem import Problem
from router.solver.choices import read_choices
from router.solver.costing import price, read_tariffs
from router.solver.limits import SearchLimits
from router.solver.mathopt import Ending, Solver, solve_proto, to_proto
from router.solver.order_model import build_order_model
from router.solver.tariffs import Carriage

SOLVERS = tuple(solver.name for solver in Solver)
"""Names that ``exact_by_ortools`` takes."""

_PATIENCE = SearchLimits(node_limit=10_000_000, time_limit_seconds=60.0)


def exact_by_ortools(problem: Problem, solver_name: str) -> tuple[int, float, float]:
    """(optimal cost in cents, seconds to build the model, seconds to solve it) of an order that must be
    filled whole. Raises ValueError for an order that need not or cannot be, RuntimeError when the solver
    does not prove an optimum within a minute."""
    start = perf_counter()
    choices = read_choices(problem)
    if choices.allow_partial or not choices.whole.all():
        raise ValueError("an order of whole lines, all of them needed, is compared")
    if len(choices.rows) == 0:
        raise ValueError("no node supplies anything of the order")
    tariffs = read_tariffs(choices)
    order = build_order_model(choices, Carriage.of(choices, tariffs))
    proto = to_proto(order.model)
    built = perf_counter()
    answer = solve_proto(proto, len(order.model.cost), _PATIENCE, solver=Solver[solver_name])
    solved = perf_counter()
    if answer.ending is Ending.INFEASIBLE:
        raise ValueError("the order cannot be filled whole")
    if answer.ending is not Ending.OPTIMAL or answer.values is None:
        raise RuntimeError(f"{solver_name} proved no optimum: {answer.stopped_by}")
    plan = price(choices, tariffs, order.amounts(answer.values))
    if plan is None:
        raise RuntimeError(f"{solver_name} returned a plan that is not allowed")
    return plan.cents, built - start, solved - built
