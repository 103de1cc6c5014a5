"""One order that the kernels leave over: a line must be divided, or there are more groups than they take.

A greedy plan first; it answers where a simple bound meets it. Otherwise an integer programme, exact on
docs/cost-model.md, starts from it. Whatever the search says is recomputed from the amounts in integers: a
plan that is not allowed is dropped, and only a bound that meets the recomputed cost counts as proof.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, isfinite

import numpy as np

from router.domain import Method
from router.problem import Problem
from router.solver.choices import I64, Choices, read_choices
from router.solver.costing import Priced, Tariff, price, read_tariffs
from router.solver.greedy import better, greedy, least_cents, most_units
from router.solver.hint import values_of
from router.solver.limits import SearchLimits
from router.solver.mathopt import F64, Answer, Ending, Model, Solver, solve
from router.solver.order_model import OrderModel, build_order_model
from router.solver.programme import solve_exactly
from router.solver.tariffs import Carriage

BOUND_ERROR = 1e-6
BOUND_RELATIVE_ERROR = 2e-9
"""How far a solver's bound may be wrong."""
GREAT_SPLIT_CENTS = 1_000_000
"""From here on a split that outweighs all else is minimised first, by itself: fewest shipments, then least
cost, which keeps both within what floating point tells apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """The best plan found.

    units: int64[C, L], units of line l taken at row c of the problem. allowed_delay_cents: the plan takes
    the cheapest services of at most this delay cost. bound_cents: no plan that fills as many units costs
    less. proven: nor is there one that fills more, and the plan costs ``bound_cents``. stopped_by: "",
    "node_limit", "time_limit", or "numerics" when the solver gave up.
    """

    units: I64
    allowed_delay_cents: int
    bound_cents: int
    proven: bool
    method: Method
    stopped_by: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """A limit was reached before there was any plan, or a proof that there is none."""

    stopped_by: str


def solve_order(
    problem: Problem, limits: SearchLimits, solver: Solver = Solver.SCIP
) -> Assignment | Undecided | None:
    """The best plan: most units first (all of them, unless the strategy allows partial answers), then least
    cost. None when it is proven that there is no plan. Each limit holds for each of the searches, of which
    there are one or two, three with a very great cost of a split."""
    choices = read_choices(problem)
    if len(choices.rows) == 0:
        return None
    if not choices.allow_partial and (choices.most.sum(axis=0) < choices.need).any():
        return None
    return _Search(choices, limits, solver).run()


class _Search:
    """One order's way down the ladder."""

    def __init__(self, choices: Choices, limits: SearchLimits, solver: Solver) -> None:
        self.choices = choices
        self.limits = limits
        self.solver = solver
        self.tariffs: dict[int, Tariff] = read_tariffs(choices)
        self.best: Priced | None = None
        self.method = Method.GREEDY
        self.stopped_by = ""

    def run(self) -> Assignment | Undecided | None:
        choices = self.choices
        closed = solve_exactly(choices, self.tariffs)
        if closed is not None:
            self.best, self.method = closed.best, Method.SUBSET_DP
            return None if self.best is None else self._answer(self.best.cents)
        if choices.max_nodes == 1 and not choices.allow_partial:
            return self._from_one_node()
        self.best = greedy(choices, self.tariffs)
        every = int(choices.need @ choices.units)
        bound = least_cents(choices, self.tariffs) if self._can_fill(every) else 0
        if self.best is not None and self.best.units == every and self.best.cents == bound:
            return self._answer(bound)
        order = build_order_model(choices, Carriage.of(choices, self.tariffs))
        if choices.allow_partial:
            filled = self._fill_most(order)
            if filled is None:
                return Undecided(self.stopped_by) if self.stopped_by else None
            order = replace(order, model=_at_least(order.model, order.units_row, filled))
            bound = bound if filled == every else 0
        return self._cheapest(order, bound)

    def _can_fill(self, units: int) -> bool:
        return most_units(self.choices) == units

    def _from_one_node(self) -> Assignment | None:
        """Every node that has everything, priced."""
        choices = self.choices
        for row in np.flatnonzero((choices.most >= choices.need).all(axis=1)).tolist():
            amounts = np.zeros_like(choices.most)
            amounts[row] = choices.need
            self.best = better(self.best, price(choices, self.tariffs, amounts))
        return None if self.best is None else self._answer(self.best.cents)

    def _fill_most(self, order: OrderModel) -> int | None:
        """The most units that a plan fills; None for none at all, or where a limit hid it."""
        limit = most_units(self.choices)
        if self.best is None or self.best.units < limit:
            cost = np.zeros_like(order.model.cost)
            cost[order.take_columns] = -self.choices.units[order.takes.item]
            answer = self._solve(order, replace(order.model, cost=cost, offset=0.0))
            if answer.stopped_by:
                self.stopped_by = answer.stopped_by
        return None if self.best is None else self.best.units

    def _cheapest(self, order: OrderModel, bound: int) -> Assignment | Undecided | None:
        split = self.choices.split_cents
        rest = 0 if self.best is None else self.best.cents - split * (self.best.shipments - 1)
        if split >= max(GREAT_SPLIT_CENTS, rest):
            bound = max(bound, self._fewest_first(order, split))
            if self.best is not None and self.best.cents == bound:
                return self._answer(bound)
        answer = self._solve(order, order.model)
        if answer.ending is Ending.INFEASIBLE and self.best is None:
            return None
        if answer.stopped_by:
            self.stopped_by = answer.stopped_by
        if self.best is None:
            return Undecided(self.stopped_by or "numerics")
        return self._answer(max(bound, _bound_cents(answer)))

    def _fewest_first(self, order: OrderModel, great: int) -> int:
        """Minimise the cost's multiples of ``great``, then the rest; returns a bound on the whole."""
        model = order.model
        offset = int(model.offset)
        parts = np.divmod(model.cost, great)
        first = self._solve(order, replace(model, cost=parts[0], offset=0.0))
        least = _bound_cents(first)
        if first.values is None or first.ending is not Ending.OPTIMAL:
            return least * great + offset
        second = self._solve(order, _with_row(replace(model, cost=parts[1], offset=0.0), parts[0], least))
        return min(least * great + _bound_cents(second), (least + 1) * great) + offset

    def _solve(self, order: OrderModel, model: Model) -> Answer:
        """Search, and keep what it finds."""
        hint = None if self.best is None else values_of(order, self.best)
        answer = solve(model, self.limits, hint, self.solver)
        if answer.values is not None:
            found = better(self.best, price(self.choices, self.tariffs, order.amounts(answer.values)))
            if found is not self.best:
                self.best, self.method = found, Method.MIP
            elif answer.ending is Ending.OPTIMAL:
                self.method = Method.MIP
        return answer

    def _answer(self, bound: int) -> Assignment:
        best = self.best
        assert best is not None
        bound = min(bound, best.cents)
        return Assignment(
            units=self.choices.units_of(best.amounts),
            allowed_delay_cents=best.allowed_delay_cents,
            bound_cents=bound,
            proven=bound == best.cents and not self.stopped_by,
            method=self.method,
            stopped_by=self.stopped_by,
        )


def _bound_cents(answer: Answer) -> int:
    """The least integer that the bound allows, 0 for none: no cost is negative."""
    if not isfinite(answer.bound):
        return 0
    return max(0, ceil(answer.bound - BOUND_ERROR - BOUND_RELATIVE_ERROR * abs(answer.bound)))


def _at_least(model: Model, row: int, lower: int) -> Model:
    """The model with another lower bound of a row."""
    bounds = model.row_lower.copy()
    bounds[row] = lower
    return replace(model, row_lower=bounds)


def _with_row(model: Model, coefficients: F64, total: int) -> Model:
    """The model with one row more: coefficients @ v == total."""
    columns = np.flatnonzero(coefficients)
    row = len(model.row_lower)
    return replace(
        model,
        row_lower=np.append(model.row_lower, total),
        row_upper=np.append(model.row_upper, total),
        entry_row=np.append(model.entry_row, np.full(len(columns), row)),
        entry_column=np.append(model.entry_column, columns),
        entry_value=np.append(model.entry_value, coefficients[columns]),
    )
