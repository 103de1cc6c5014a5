"""Whole plans as columns of a programme."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from router.prices.plans import CheapestPlans, Menu, cheapest_plans

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class Plans(NamedTuple):
    """kind: int64[plans], order type of a plan; cost: float64[plans], without stock prices. A plan takes one
    unit of each cell in ``cell[start[p]:start[p + 1]]``: start: int64[plans + 1], cell: int64[picks]."""

    kind: I64
    cost: F64
    start: I64
    cell: I64

    @property
    def plan_of_pick(self) -> I64:
        """int64[picks]."""
        return np.repeat(np.arange(len(self.kind)), np.diff(self.start))


class Priced(NamedTuple):
    """The cheapest plan of every order type at some prices. value: float64[types], with the prices."""

    value: F64
    plans: Plans


Pricing: TypeAlias = Callable[[F64], Priced]
"""From stock_price[cells] to the cheapest plan of every order type, in the order of the types."""

NO_PLANS = Plans(
    np.empty(0, dtype=np.int64),
    np.empty(0),
    np.zeros(1, dtype=np.int64),
    np.empty(0, dtype=np.int64),
)


def pricing_of(menu: Menu) -> Pricing:
    """Pricing by the exact kernel."""

    def price(stock_price: F64) -> Priced:
        found = cheapest_plans(menu, stock_price)
        return Priced(found.value, plans_of(menu, found))

    return price


def plans_of(menu: Menu, found: CheapestPlans) -> Plans:
    """One plan of every order type. Raises ValueError where a type has none: give it a node to be refused
    at."""
    if not np.isfinite(found.value).all():
        raise ValueError(f"no plan for order type {int(np.argmin(np.isfinite(found.value)))}")
    kinds = len(found.value)
    cell = menu.line_cell[np.arange(len(found.node)), found.node]
    taken = np.concatenate([[0], np.cumsum(cell >= 0)])
    return Plans(np.arange(kinds), found.cost, taken[menu.line_start], cell[cell >= 0])


def joined(first: Plans, second: Plans) -> Plans:
    """Those of both, in that order."""
    return Plans(
        np.concatenate([first.kind, second.kind]),
        np.concatenate([first.cost, second.cost]),
        np.concatenate([first.start, second.start[1:] + first.start[-1]]),
        np.concatenate([first.cell, second.cell]),
    )


def chosen(plans: Plans, rows: Sequence[int] | I64) -> Plans:
    """Some plans, in the order asked for."""
    kept = np.asarray(rows, dtype=np.int64)
    length = np.diff(plans.start)[kept]
    start = np.concatenate([[0], np.cumsum(length)])
    offset = np.repeat(plans.start[kept] - start[:-1], length)
    return Plans(plans.kind[kept], plans.cost[kept], start, plans.cell[offset + np.arange(start[-1])])


def priced_at(plans: Plans, stock_price: F64) -> F64:
    """float64[plans]: cost with stock prices."""
    picks = np.zeros(len(plans.kind))
    np.add.at(picks, plans.plan_of_pick, stock_price[plans.cell])
    total: F64 = plans.cost + picks
    return total
