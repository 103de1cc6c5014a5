"""The thin door: a model as arrays in, values as arrays out, every ending as a value.

The protocol buffer is filled straight from arrays; MathOpt's expression objects cost 20 to 40 times as much.
Which parameters a solver refuses (HiGHS: threads; CP-SAT: node_limit) and that statuses other than OK come
out as stray exceptions is dealt with here and nowhere else.

SCIP is the default. It is not the fastest (HiGHS takes a half to a fifth of the time on larger orders, CP-SAT
on one thread closes next to nothing), but it keeps to its limits and writes nothing to standard output, where
HiGHS leaves debugging lines that no option turns off, in the midst of what a command prints as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import callback_pb2, model_parameters_pb2, model_pb2, parameters_pb2, result_pb2
from ortools.math_opt.core.python import solver as mathopt_solver

from router.solver.limits import SearchLimits

F64 = NDArray[np.float64]

SEED = 1
OBJECTIVE_GAP = 0.99
"""Objectives are integers: a bound within less than 1 of an incumbent proves it."""
NUMERICS = "numerics"
"""What stopped a search in which the solver gave up or contradicted itself."""
CP_SAT_SECONDS_PER_NODE = 1e-4
"""CP-SAT counts no nodes: its deterministic seconds per node of the limit."""


class Solver(Enum):
    """Solvers in MathOpt that take integer variables."""

    SCIP = parameters_pb2.SOLVER_TYPE_GSCIP
    HIGHS = parameters_pb2.SOLVER_TYPE_HIGHS
    CP_SAT = parameters_pb2.SOLVER_TYPE_CP_SAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Minimise cost @ v + offset subject to row_lower <= A v <= row_upper, lower <= v <= upper.

    lower, upper, cost: float64[columns]; integer: bool[columns]; row_lower, row_upper: float64[rows];
    entry_row, entry_column: int64[entries], entry_value: float64[entries], no pair twice, in any order.
    """

    lower: F64
    upper: F64
    integer: NDArray[np.bool_]
    cost: F64
    offset: float
    row_lower: F64
    row_upper: F64
    entry_row: NDArray[np.int64]
    entry_column: NDArray[np.int64]
    entry_value: F64


class Ending(Enum):
    """What a search proved."""

    OPTIMAL = 1
    FEASIBLE = 2
    """``values`` are a solution, ``bound`` is valid; a limit stopped the search."""
    INFEASIBLE = 3
    UNKNOWN = 4
    """A limit stopped the search before there was a solution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """values: float64[columns] or None; bound: lower bound on the objective, -inf for none; stopped_by:
    "node_limit", "time_limit", "numerics" (the solver gave up), or "" when nothing stopped it."""

    ending: Ending
    values: F64 | None
    bound: float
    stopped_by: str


def solve(
    model: Model, limits: SearchLimits, hint: F64 | None = None, solver: Solver = Solver.SCIP
) -> Answer:
    """Never raises for what a solver does."""
    return solve_proto(to_proto(model), len(model.cost), limits, hint, solver)


def solve_proto(
    proto: Any, column_count: int, limits: SearchLimits, hint: F64 | None = None, solver: Solver = Solver.SCIP
) -> Answer:
    """As ``solve``, for a model that is a ModelProto already."""
    request = model_parameters_pb2.ModelSolveParametersProto()
    if hint is not None:
        values = request.solution_hints.add().variable_values
        values.ids.extend(range(len(hint)))
        values.values.extend(hint.tolist())
    try:
        result = mathopt_solver.solve(
            proto,
            solver.value,
            parameters_pb2.SolverInitializerProto(),
            _parameters(limits, solver),
            request,
            None,
            callback_pb2.CallbackRegistrationProto(),
            None,
            None,
        )
    except Exception:  # whatever a solver throws (stray types among it) is an answer here
        return Answer(ending=Ending.UNKNOWN, values=None, bound=-np.inf, stopped_by=NUMERICS)
    return _answer(result, column_count)


def to_proto(model: Model) -> Any:
    """The ModelProto."""
    proto = model_pb2.ModelProto()
    columns = np.arange(len(model.cost))
    proto.variables.ids.extend(columns.tolist())
    proto.variables.lower_bounds.extend(model.lower.tolist())
    proto.variables.upper_bounds.extend(model.upper.tolist())
    proto.variables.integers.extend(model.integer.tolist())
    priced = np.flatnonzero(model.cost)
    proto.objective.offset = model.offset
    proto.objective.linear_coefficients.ids.extend(priced.tolist())
    proto.objective.linear_coefficients.values.extend(model.cost[priced].tolist())
    proto.linear_constraints.ids.extend(range(len(model.row_lower)))
    proto.linear_constraints.lower_bounds.extend(model.row_lower.tolist())
    proto.linear_constraints.upper_bounds.extend(model.row_upper.tolist())
    order = np.argsort(model.entry_row * len(columns) + model.entry_column)
    matrix = proto.linear_constraint_matrix
    matrix.row_ids.extend(model.entry_row[order].tolist())
    matrix.column_ids.extend(model.entry_column[order].tolist())
    matrix.coefficients.extend(model.entry_value[order].tolist())
    return proto


def _parameters(limits: SearchLimits, solver: Solver) -> Any:
    chosen = parameters_pb2.SolveParametersProto(
        random_seed=SEED, absolute_gap_tolerance=OBJECTIVE_GAP, relative_gap_tolerance=0.0
    )
    chosen.time_limit.FromNanoseconds(int(limits.time_limit_seconds * 1e9))
    if solver is not Solver.HIGHS:
        chosen.threads = 1
    if solver is Solver.CP_SAT:
        chosen.cp_sat.max_deterministic_time = limits.node_limit * CP_SAT_SECONDS_PER_NODE
    else:
        chosen.node_limit = limits.node_limit
    return chosen


def _answer(result: Any, columns: int) -> Answer:
    reason, limit = result.termination.reason, result.termination.limit
    bound = result.termination.objective_bounds.dual_bound
    if reason == result_pb2.TERMINATION_REASON_INFEASIBLE:
        return Answer(ending=Ending.INFEASIBLE, values=None, bound=np.inf, stopped_by="")
    stopped_by = ""
    if reason != result_pb2.TERMINATION_REASON_OPTIMAL:
        stopped_by = {result_pb2.LIMIT_NODE: "node_limit", result_pb2.LIMIT_TIME: "time_limit"}.get(
            limit, "node_limit" if limit == result_pb2.LIMIT_UNDETERMINED else NUMERICS
        )
    solutions = [s.primal_solution for s in result.solutions if s.HasField("primal_solution")]
    if not solutions:
        return Answer(ending=Ending.UNKNOWN, values=None, bound=bound, stopped_by=stopped_by or NUMERICS)
    sparse = solutions[0].variable_values
    values = np.zeros(columns)
    values[list(sparse.ids)] = list(sparse.values)
    ending = Ending.FEASIBLE if stopped_by else Ending.OPTIMAL
    return Answer(ending=ending, values=values, bound=bound, stopped_by=stopped_by)
