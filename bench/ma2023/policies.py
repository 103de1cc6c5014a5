"""The policies by name, each as a function of an instance's programmes and one order sequence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.ma2023.instance import Instance, counts, draw_sequence
from bench.ma2023.item_lp import ItemLp, solve_item_lp
from bench.ma2023.online import Resolve, run_priced
from bench.ma2023.rounding import Draw, draw_uniforms, run_rounding
from bench.ma2023.waves import run_waves
from router.prices.columns import pricing_of
from router.prices.package_lp import PackageLp, solve_package_lp
from router.prices.plans import cheapest_plans

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

HINDSIGHT_GAP = 1e-7
RESOLVE_GAP = 1e-6
RESOLVES = 10
STEP = 0.05
STEP_FROM_ZERO = 0.1
WAVE_PERIODS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An instance with its programmes. ``item``: None where it is too large to be solved."""

    seed: int
    instance: Instance
    package: PackageLp
    item: ItemLp | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One sequence of a case; hindsight: dollars that serving it costs at least."""

    case: Case
    sequence: I64
    uniform: F64 = field(repr=False)
    hindsight: float


Policy = Callable[[Run], float]
"""Dollars that a sequence costs."""


def prepare(instance: Instance, seed: int, *, with_item_lp: bool = True) -> Case:
    """Solves the programmes of an instance."""
    package = solve_for(instance, instance.demand)
    return Case(
        seed=seed,
        instance=instance,
        package=package,
        item=solve_item_lp(instance) if with_item_lp else None,
    )


def solve_for(
    instance: Instance,
    demand: F64,
    stock: I64 | None = None,
    start: PackageLp | None = None,
    gap: float = 1e-9,
) -> PackageLp:
    """The package programme of an instance's menu with another demand or stock."""
    return solve_package_lp(
        demand,
        (instance.stock if stock is None else stock).astype(np.float64),
        pricing_of(instance.menu),
        price_ceiling=instance.price_ceiling,
        start=None if start is None else start.plans,
        gap=gap,
    )


def draw(case: Case, sequence: int) -> Run:
    """A sequence, the random numbers common to all policies, and the bound in hindsight."""
    orders = draw_sequence(case.instance, case.seed, sequence)
    hindsight = solve_for(case.instance, counts(case.instance, orders), start=case.package, gap=HINDSIGHT_GAP)
    needed = case.item is not None
    uniform = draw_uniforms(case.instance, case.seed, sequence) if needed else np.empty((0, 0))
    return Run(case=case, sequence=orders, uniform=uniform, hindsight=hindsight.bound)


def certified(run: Run) -> float:
    """Dollars that serving a sequence costs at least, as the prices of the forecast prove it: what a
    service can say of its own traffic, without solving anything."""
    case = run.case
    price, stock = case.package.stock_price, case.instance.stock.astype(np.float64)
    optimum = cheapest_plans(case.instance.menu, price).value
    return float(counts(case.instance, run.sequence) @ optimum - price @ stock)


def resolver(case: Case, rate: F64, start: PackageLp) -> Resolve:
    """Prices of the package programme over the units left and the demand forecast for the rest."""

    def resolve(price: F64, stock: I64, period: int) -> F64:
        left = case.instance.periods - period
        fresh = solve_for(case.instance, left * rate, stock=stock, start=start, gap=RESOLVE_GAP)
        return fresh.stock_price

    return resolve


def _rounding(draw_kind: Draw, run: Run, *, falls_back: bool = False) -> float:
    case = run.case
    assert case.item is not None
    price = case.package.stock_price if falls_back else None
    return run_rounding(case.instance, run.sequence, case.item.share, run.uniform, draw_kind, price)[0]


def _greedy(run: Run) -> float:
    return run_priced(run.case.instance, run.sequence, np.zeros(len(run.case.instance.stock)))[0]


def _from_zero(run: Run, step: float = STEP_FROM_ZERO) -> float:
    instance = run.case.instance
    return run_priced(instance, run.sequence, np.zeros(len(instance.stock)), step=step)[0]


def _item_prices(run: Run, step: float) -> float:
    case = run.case
    assert case.item is not None
    return run_priced(case.instance, run.sequence, case.item.stock_price, step=step)[0]


def package_prices(run: Run, step: float) -> float:
    """The package programme's prices, moved after every decision unless the step is 0."""
    return run_priced(run.case.instance, run.sequence, run.case.package.stock_price, step=step)[0]


def _resolved(run: Run, step: float) -> float:
    case = run.case
    resolve = resolver(case, case.instance.rate, case.package)
    return run_priced(
        case.instance,
        run.sequence,
        case.package.stock_price,
        step=step,
        resolve=resolve,
        resolves=RESOLVES,
    )[0]


def _waves(run: Run, periods: int) -> float:
    case = run.case
    return run_waves(case.instance, run.sequence, wave_periods=periods, start=case.package.plans)[0]


ROUNDING: dict[str, Policy] = {
    "P1 nearest": partial(_rounding, Draw.NEAREST),
    "P2 independent rounding": partial(_rounding, Draw.INDEPENDENT),
    "P3 correlated rounding (Jasin, Sinha)": partial(_rounding, Draw.CORRELATED),
    "P4 dilated rounding (Ma)": partial(_rounding, Draw.DILATED),
    "P5 forced open (Ma)": partial(_rounding, Draw.FORCED_OPEN),
    "P4f dilated, exact plan when short": partial(_rounding, Draw.DILATED, falls_back=True),
    "P7 fixed prices, item programme": partial(_item_prices, step=0.0),
    "P8 moving prices, item programme": partial(_item_prices, step=STEP),
}
"""Need the item programme."""

ONLINE: dict[str, Policy] = {
    "P6 greedy, exact plan": _greedy,
    "P7 fixed prices, package programme": partial(package_prices, step=0.0),
    "P8 moving prices, from zero": _from_zero,
    "P8 moving prices, package programme": partial(package_prices, step=STEP),
}

REPEATED: dict[str, Policy] = {
    "P9 moving prices, 10 new programmes": partial(_resolved, step=STEP),
    "P10 waves of 500 periods": partial(_waves, periods=WAVE_PERIODS),
}
"""Solve programmes along the way, so that fewer sequences are run."""

OURS = "P8 moving prices, package programme"
LITERATURE = tuple(name for name in ROUNDING if name[:3] in {"P1 ", "P2 ", "P3 ", "P4 ", "P5 "})
