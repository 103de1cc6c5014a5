"""Stock prices from the package programme: a column for every whole plan of every order type.

    minimise   sum cost[plan] amount[plan] + ceiling * sum over[cell]
    so that    sum of amount over the plans of a type = demand[type]
               sum of amount over the plans that take from a cell - over[cell] <= stock[cell]

Plans are far too many to write down; they are generated. A master programme over those found so far gives
prices, pricing finds the cheapest plan of every type at these prices, and a plan that is cheaper than what
its type pays in the master joins it. Prices swing wildly at first, so each round prices at a blend of the
best prices so far and the master's (0.3 to 0.7).

For any prices, sum demand * (cheapest priced plan) - prices * stock is a lower bound on the optimum: the
round that closes on it proves it. ``over`` keeps the master solvable and prices below ``price_ceiling``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.errors import SourcierError
from router.prices.columns import Plans, Priced, Pricing, chosen, joined, priced_at
from router.solver.linear import LinearAnswer, solve_linear
from router.solver.mathopt import Model

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

BEST_SHARE = 0.3
"""Of the best prices so far, in those that are priced at."""
IMPROVES = 1e-9
"""Part of a plan's cost by which it must undercut what its type pays."""


class NotSolved(SourcierError):
    """The solver gave a master programme up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageLp:
    """stock_price: float64[cells]. objective: of the best mix of plans found; bound: below what any mix
    costs. amount: float64[plans], how often each plan is used. over: float64[cells], units beyond the
    stock, at the ceiling. rounds: master programmes solved."""

    stock_price: F64
    objective: float
    bound: float
    plans: Plans
    amount: F64
    over: F64
    rounds: int


def solve_package_lp(
    demand: F64,
    stock: F64,
    pricing: Pricing,
    *,
    price_ceiling: float,
    start: Plans | None = None,
    gap: float = 1e-9,
    max_rounds: int = 100,
) -> PackageLp:
    """The optimum within ``gap`` (relative), or what ``max_rounds`` reached: the bound holds either way.

    demand: float64[types], stock: float64[cells], both not negative. start: plans to begin with, of an
    earlier programme over the same types and cells. Raises ValueError for negative figures, NotSolved when
    the solver gives up.
    """
    if (demand < 0).any() or (stock < 0).any() or not price_ceiling > 0:
        raise ValueError("demand and stock must not be negative, and the ceiling must be positive")
    search = _Search(demand, stock, pricing, price_ceiling)
    plans = _first_plans(pricing, stock, price_ceiling, start)
    rounds = 0
    answer: LinearAnswer | None = None
    while rounds < max_rounds:
        rounds += 1
        answer = _solve_master(demand, stock, plans, price_ceiling, answer)
        price = np.clip(-answer.duals[len(demand) :], 0.0, price_ceiling)
        fresh = search.new_plans(answer, price, BEST_SHARE if rounds > 1 else 0.0)
        if search.closes(answer.objective, gap):
            break
        if not len(fresh.kind) and rounds > 1:
            fresh = search.new_plans(answer, price, 0.0)
        if not len(fresh.kind):
            break
        plans = joined(plans, fresh)
    if answer is None:
        raise ValueError("max_rounds must be at least 1")
    over, amount = answer.values[: len(stock)], answer.values[len(stock) :]
    return PackageLp(
        stock_price=search.best_price,
        objective=answer.objective,
        bound=search.bound,
        plans=chosen(plans, np.arange(len(amount))),
        amount=amount,
        over=over,
        rounds=rounds,
    )


class _Search:
    """The best prices so far."""

    def __init__(self, demand: F64, stock: F64, pricing: Pricing, ceiling: float) -> None:
        self._demand, self._stock, self._pricing, self._ceiling = demand, stock, pricing, ceiling
        self.bound = -np.inf
        self.best_price: F64 = np.zeros(len(stock))

    def new_plans(self, answer: LinearAnswer, price: F64, best_share: float) -> Plans:
        """Those that undercut what the master pays, priced at a blend of ``price`` and the best prices."""
        at = best_share * self.best_price + (1 - best_share) * price
        found = self._pricing(at)
        bound = lower_bound(self._demand, self._stock, found, at)
        if bound > self.bound:
            self.bound, self.best_price = bound, at
        pays = answer.duals[: len(self._demand)]
        undercut = priced_at(found.plans, price) < pays - IMPROVES * np.maximum(1.0, np.abs(pays))
        return chosen(found.plans, np.flatnonzero(undercut & (self._demand > 0)))

    def closes(self, objective: float, gap: float) -> bool:
        return objective - self.bound <= gap * max(1.0, abs(objective))


def lower_bound(demand: F64, stock: F64, priced: Priced, stock_price: F64) -> float:
    """What any way of serving the demand from the stock costs at least, by prices that are not negative."""
    return float(demand @ priced.value - stock_price @ stock)


def _first_plans(pricing: Pricing, stock: F64, ceiling: float, start: Plans | None) -> Plans:
    """Every type's cheapest plan if stock costs nothing, and if it costs the most."""
    free, dear = pricing(np.zeros(len(stock))).plans, pricing(np.full(len(stock), ceiling)).plans
    both = joined(free, dear)
    return both if start is None else joined(start, both)


def _solve_master(
    demand: F64, stock: F64, plans: Plans, ceiling: float, last: LinearAnswer | None
) -> LinearAnswer:
    """Columns: ``over`` by cell, then the plans, so that the basis of the last round fits."""
    kinds, cells, count = len(demand), len(stock), len(plans.kind)
    columns = count + cells
    model = Model(
        lower=np.zeros(columns),
        upper=np.full(columns, np.inf),
        integer=np.zeros(columns, dtype=bool),
        cost=np.concatenate([np.full(cells, ceiling), plans.cost]),
        offset=0.0,
        row_lower=np.concatenate([demand, np.full(cells, -np.inf)]),
        row_upper=np.concatenate([demand, stock]),
        entry_row=np.concatenate([plans.kind, kinds + plans.cell, kinds + np.arange(cells)]),
        entry_column=np.concatenate([cells + np.arange(count), cells + plans.plan_of_pick, np.arange(cells)]),
        entry_value=np.concatenate([np.ones(count + len(plans.cell)), np.full(cells, -1.0)]),
    )
    answer = solve_linear(model, start=None if last is None else last.basis)
    if answer is None:
        raise NotSolved(f"no optimum of a master programme with {columns} columns")
    return answer
