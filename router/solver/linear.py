"""Linear programmes with their dual values, behind the same thin door.

GLOP is the default: it is exact to the last digits, keeps to one thread and prints nothing. PDLP and HiGHS
are there for programmes beyond what a simplex method takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    parameters_pb2,
    result_pb2,
    solution_pb2,
)
from ortools.math_opt.core.python import solver as mathopt_solver

from router.solver.mathopt import Model, to_proto

F64 = NDArray[np.float64]


class LinearSolver(Enum):
    """Solvers in MathOpt that give dual values."""

    GLOP = parameters_pb2.SOLVER_TYPE_GLOP
    PDLP = parameters_pb2.SOLVER_TYPE_PDLP
    HIGHS = parameters_pb2.SOLVER_TYPE_HIGHS


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Where a simplex method ended: the solver's codes for columns and for rows. Another programme with the
    same rows and with more columns after these can start there."""

    columns: tuple[int, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearAnswer:
    """objective: what the optimum costs. values: float64[columns]. duals: float64[rows], what one more unit
    on the right-hand side of a row adds to the objective."""

    objective: float
    values: F64
    duals: F64
    basis: Basis | None


def solve_linear(
    model: Model,
    time_limit_seconds: float = 3600.0,
    solver: LinearSolver = LinearSolver.GLOP,
    start: Basis | None = None,
) -> LinearAnswer | None:
    """The optimum of a model without integer columns, or None where the solver proved none: there is none,
    the time was over, or it gave up. start: for GLOP, the basis of the same programme with fewer columns.
    Raises ValueError for a model with integer columns."""
    if model.integer.any():
        raise ValueError("a linear programme has no integer columns")
    parameters = parameters_pb2.SolveParametersProto()
    parameters.time_limit.FromNanoseconds(int(time_limit_seconds * 1e9))
    request = model_parameters_pb2.ModelSolveParametersProto()
    if solver is LinearSolver.GLOP:
        parameters.threads = 1
        if start is not None:
            parameters.lp_algorithm = parameters_pb2.LP_ALGORITHM_PRIMAL_SIMPLEX
            _start_at(request, start, len(model.cost))
    try:
        result = mathopt_solver.solve(
            to_proto(model),
            solver.value,
            parameters_pb2.SolverInitializerProto(),
            parameters,
            request,
            None,
            callback_pb2.CallbackRegistrationProto(),
            None,
            None,
        )
    except Exception:  # whatever a solver throws (stray types among it) is an answer here
        return None
    if result.termination.reason != result_pb2.TERMINATION_REASON_OPTIMAL:
        return None
    best = result.solutions[0]
    if not (best.HasField("primal_solution") and best.HasField("dual_solution")):
        return None
    primal = best.primal_solution
    return LinearAnswer(
        objective=float(primal.objective_value),
        values=_dense(primal.variable_values, len(model.cost)),
        duals=_dense(best.dual_solution.dual_values, len(model.row_lower)),
        basis=_basis(best.basis) if best.HasField("basis") else None,
    )


def _basis(found: Any) -> Basis:
    return Basis(columns=tuple(found.variable_status.values), rows=tuple(found.constraint_status.values))


def _start_at(request: Any, start: Basis, column_count: int) -> None:
    """New columns begin at 0, out of the basis."""
    fresh = column_count - len(start.columns)
    basis = request.initial_basis
    basis.variable_status.ids.extend(range(column_count))
    basis.variable_status.values.extend(start.columns)
    basis.variable_status.values.extend([solution_pb2.BASIS_STATUS_AT_LOWER_BOUND] * fresh)
    basis.constraint_status.ids.extend(range(len(start.rows)))
    basis.constraint_status.values.extend(start.rows)


def _dense(sparse: Any, length: int) -> F64:
    dense = np.zeros(length)
    dense[list(sparse.ids)] = list(sparse.values)
    return dense
