"""The ladder of one order under one strategy: the kernels, and where they stop the solver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from router.cost import Part
from router.domain import Method, Order, Plan, Status
from router.errors import BrokenInvariant
from router.kernels.decide import decide_all
from router.kernels.types import MISCOUNTED, NEEDS_SOLVER, OrderArrays, PlanArrays
from router.orders import groups_of
from router.plan import Names, assemble
from router.problem import Problem, build_problem, filled_as_asked
from router.snapshot import Moment
from router.solver.limits import SearchLimits
from router.solver.order_mip import Assignment, solve_order
from router.workspace import plan_arrays, workspace_for

I64 = NDArray[np.int64]


def run_kernels(moment: Moment, columns: OrderArrays, start_at: int = -1) -> PlanArrays:
    """All orders through the kernels; those left to the solver have status NEEDS_SOLVER."""
    space = workspace_for(moment.world, int(np.diff(columns.line_start).max()))
    out = plan_arrays(len(columns.line_start) - 1, len(columns.sku_ix))
    decide_all(space.hold(moment.world), columns, moment.origin_seconds, start_at, out)
    return out


@dataclass(frozen=True, slots=True)
class Solved:
    """A plan, and what is proven: no plan that fills as many units costs less than ``bound_cents``; proven:
    nor does any fill more, and the plan costs just that."""

    plan: Plan
    bound_cents: int
    proven: bool
    method: Method
    stopped_by: str = ""


@dataclass(frozen=True, slots=True)
class Unsolved:
    """No plan; ``stopped_by`` empty: it is proven that there is none."""

    stopped_by: str = ""
    method: Method = Method.MIP


@dataclass(frozen=True, slots=True)
class Answered:
    """tried: strategies in turn; ``found`` is of the last one. undecided: what stopped the search for a plan
    of strategies before it, one of which might have been the one to answer."""

    tried: list[int]
    found: Solved | Unsolved
    undecided: tuple[tuple[int, str], ...] = ()


def divisible_lines(moment: Moment, columns: OrderArrays) -> NDArray[np.bool_]:
    """bool[L]: lines of the only order of a world with a single strategy that may be divided over nodes."""
    return build_problem(moment.world, columns, 0, 0, moment.origin_seconds).lines.divisible


def solve_world(
    moment: Moment,
    columns: OrderArrays,
    order: Order,
    names: Names,
    seconds: I64,
    limits: SearchLimits,
    divisible: NDArray[np.bool_] | None = None,
) -> Solved | Unsolved:
    """The only order of a world with a single strategy. seconds: int64[N, V] from the origin to the arrival,
    where the world's own are but levels. divisible: lines that may be divided, where the stock of this world
    says otherwise; None: as it says."""
    out = run_kernels(moment, columns, 0)
    status = status_of(out, 0, order)
    problem = build_problem(moment.world, columns, 0, 0, moment.origin_seconds)
    problem = filled_as_asked(problem, order)
    lines = problem.lines if divisible is None else replace(problem.lines, divisible=divisible)
    wider = (lines.divisible & ~problem.lines.divisible).any()  # than the kernels know of
    problem = replace(problem, lines=lines, seconds=seconds[problem.node_ix])
    if status == NEEDS_SOLVER or wider:
        return searched(problem, order, names, limits)
    if status == Status.UNSOURCEABLE:
        return Unsolved()
    units = _units(problem, groups_of(order), out)
    plan = assemble(problem, order, names, units, int(out.parts[0, Part.DELAY]))
    if plan.total_cents != int(out.total_cents[0]):
        raise BrokenInvariant(
            f"order {order.order_id!r}: the plan costs {plan.total_cents}, not {out.total_cents[0]}",
            metadata={"order_id": order.order_id},
        )
    return Solved(plan, plan.total_cents, True, Method.SUBSET_DP)


def status_of(out: PlanArrays, b: int, order: Order) -> int:
    """What the kernels say of order b: a ``Status`` or NEEDS_SOLVER. Raises BrokenInvariant."""
    status = int(out.status[b])
    if status == MISCOUNTED:
        raise BrokenInvariant(
            f"order {order.order_id!r}: the programme's cost is not the plan's",
            metadata={"order_id": order.order_id},
        )
    return status


def searched(problem: Problem, order: Order, names: Names, limits: SearchLimits) -> Solved | Unsolved:
    """What the solver finds. Raises BrokenInvariant."""
    answer = solve_order(problem, limits)
    if not isinstance(answer, Assignment) or not answer.units.any():
        return Unsolved(answer.stopped_by if answer is not None else "")
    plan = assemble(problem, order, names, answer.units, answer.allowed_delay_cents)
    total = plan.total_cents
    if answer.proven and answer.bound_cents != total:
        raise BrokenInvariant(f"proven bound {answer.bound_cents}, recomputed cost {total}")
    return Solved(plan, min(answer.bound_cents, total), answer.proven, answer.method, answer.stopped_by)


def _units(problem: Problem, groups: list[int], out: PlanArrays) -> I64:
    """int64[C, L] of the shipments that the kernels wrote."""
    group = np.array(groups)
    units = np.zeros((len(problem.node_ix), len(group)), np.int64)
    for s in range(int(out.ship_start[1])):
        row = int(np.searchsorted(problem.node_ix, int(out.ship_node[s])))
        own = (int(out.ship_groups[s]) >> group) & 1 == 1
        units[row, own] = problem.lines.quantity[own]
    return units


def best_of(answers: Sequence[Solved | Unsolved]) -> Solved | Unsolved:
    """The one that fills most, then costs least, then comes first; proven when all are."""
    solved = [answer for answer in answers if isinstance(answer, Solved)]
    stopped = next((answer.stopped_by for answer in answers if answer.stopped_by), "")
    if not solved:
        return Unsolved(stopped, answers[0].method)
    best = min(solved, key=lambda answer: (-_filled(answer), answer.plan.total_cents))
    undecided = [a for a in answers if isinstance(a, Unsolved) and a.stopped_by]
    open_ones = [a for a in solved if not a.proven]
    fewer = [a for a in open_ones if _filled(a) != _filled(best)]  # it may be that they could fill as many
    bound = min(a.bound_cents for a in solved if _filled(a) == _filled(best))
    bound = 0 if undecided or fewer else bound
    proven = not undecided and not open_ones
    slow = [a.method for a in solved if a.method is not Method.SUBSET_DP]
    return replace(
        best,
        bound_cents=bound,
        proven=proven,
        stopped_by="" if proven else stopped,
        method=(*slow, best.method)[0],
    )


def _filled(answer: Solved) -> int:
    return sum(pick.quantity for shipment in answer.plan.shipments for pick in shipment.picks)
