"""(a) The exact plan of an order of three lines over 200 nodes, against the same optimum by OR-Tools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np

from bench.models import Formulation, Prices, read_prices, solve_prices
from bench.spec import BenchSpec, Report, Result, Sheet, Target, interleaved
from bench.synthetic import NOW_SECONDS, make_orders, make_snapshot
from router.domain import Order, Status
from router.kernels.types import OrderArrays
from router.ladder import run_kernels
from router.orders import order_arrays
from router.problem import build_problem
from router.snapshot import Snapshot
from router.solver.mathopt import Solver
from router.sourcer import decide

LINES = 3
SHARE = 0.6
"""Chance that a node stocks a SKU."""
TARGET_RATIO = 1_000


@dataclass(frozen=True, slots=True)
class Size:
    """nodes, skus: of the network. batch: orders the kernel is timed over; solved: how many of them the
    solvers get, in as many rounds."""

    nodes: int
    skus: int
    batch: int
    solved: int


FULL = Size(nodes=200, skus=1_000, batch=100, solved=25)
SMOKE = Size(nodes=12, skus=10, batch=10, solved=2)


@dataclass(frozen=True, slots=True)
class Case:
    """Orders in every shape that a contender takes them in."""

    snapshot: Snapshot
    orders: list[Order]
    columns: OrderArrays
    prices: list[Prices]
    cents: list[int]
    """Of the kernel's plans."""


def make_case(size: Size) -> Case:
    """Orders that can be sourced whole; the kernel's cost of the first ``size.solved``."""
    snapshot = make_snapshot(nodes=size.nodes, skus=size.skus, share=SHARE)
    drawn = make_orders(snapshot, 4 * size.batch, LINES)
    drawn_columns = order_arrays(drawn, snapshot.compiled, snapshot.catalogue, NOW_SECONDS)
    whole = np.flatnonzero(run_kernels(snapshot.at(NOW_SECONDS), drawn_columns).status == Status.SOURCED)
    orders = [drawn[i] for i in whole[: size.batch].tolist()]
    columns = order_arrays(orders, snapshot.compiled, snapshot.catalogue, NOW_SECONDS)
    plans = run_kernels(snapshot.at(NOW_SECONDS), columns)
    problems = [
        build_problem(snapshot.at(NOW_SECONDS).world, columns, b, int(plans.strategy[b]), NOW_SECONDS)
        for b in range(size.solved)
    ]
    cents = plans.total_cents[: size.solved].tolist()
    return Case(snapshot, orders, columns, [read_prices(problem) for problem in problems], cents)


def run(smoke: bool, report: Report) -> Result:
    """Every round: one order by each solver and formulation, its cost compared; the batch by the kernel."""
    size = SMOKE if smoke else FULL
    report(f"network of {size.nodes} nodes")
    case = make_case(size)
    rivals = {(formulation, solver): 0 for formulation in Formulation for solver in Solver}
    mistakes: list[str] = []
    contenders: dict[str, tuple[Callable[[], object], int]] = {
        "kernel": (lambda: run_kernels(case.snapshot.at(NOW_SECONDS), case.columns), 10),
        "decide": (lambda: decide(case.orders[0], case.snapshot, NOW_SECONDS), 20),
    }
    for formulation, solver in rivals:
        contenders[rival_name(formulation, solver)] = (_solving(case, formulation, solver, mistakes), 1)
    report(f"{size.solved} orders by {len(rivals)} models, taking turns with the kernel")
    # The call before the clock starts solves the last order, the rounds go through all of them.
    seconds = interleaved(contenders, size.solved)
    if mistakes:
        raise RuntimeError("costs differ: " + "; ".join(mistakes))
    kernel = [s / len(case.orders) for s in seconds.pop("kernel")]
    return result_of(size, case, kernel, seconds.pop("decide"), seconds)


def rival_name(formulation: Formulation, solver: Solver) -> str:
    return f"{solver.name} {formulation.value}"


def _solving(
    case: Case, formulation: Formulation, solver: Solver, mistakes: list[str]
) -> Callable[[], object]:
    """Solves the next order at each call, and compares its cost with the kernel's."""
    calls = 0

    def solve_next() -> None:
        nonlocal calls
        b = (calls - 1) % len(case.prices)
        calls += 1
        cents = solve_prices(case.prices[b], solver, formulation)
        if cents != case.cents[b]:
            mistakes.append(f"{rival_name(formulation, solver)} {cents}, kernel {case.cents[b]}, order {b}")

    return solve_next


def result_of(
    size: Size, case: Case, kernel: list[float], decide_seconds: list[float], rivals: dict[str, list[float]]
) -> Result:
    """Medians over the orders; the target counts against the fastest solver of each formulation."""
    own = median(kernel)

    def row(name: str, seconds: list[float]) -> tuple[str, str, str]:
        return name, f"{median(seconds) * 1e6:,.1f}", f"{median(seconds) / own:,.1f}"

    nodes = median(len(prices.able) for prices in case.prices)
    sheet = Sheet(
        title=f"(a) exact plan, {LINES} lines, {size.nodes} nodes, about {nodes:.0f} candidates",
        headings=("by", "microseconds", "times the kernel's"),
        rows=[
            row(f"kernel, in calls of {len(case.orders)} orders", kernel),
            row("decide(), one order from Python", decide_seconds),
            *(row(name, seconds) for name, seconds in sorted(rivals.items(), key=lambda p: median(p[1]))),
        ],
        note=f"medians over {len(case.prices)} orders, every cost equal; solvers: build and solve, warm",
    )
    targets = []
    for formulation in Formulation:
        own_kind = [rival_name(formulation, solver) for solver in Solver]
        fastest = min(own_kind, key=lambda name: median(rivals[name]))
        ratio = median(rivals[fastest]) / own
        targets.append(
            Target(name=f"exact plan against {fastest}", value=ratio, limit=TARGET_RATIO, unit="x")
        )
    return Result(
        sheets=[sheet],
        targets=targets,
        figures={
            "kernel_us": own * 1e6,
            "decide_us": median(decide_seconds) * 1e6,
            **{f"{name.lower().replace(' ', '_')}_us": median(s) * 1e6 for name, s in rivals.items()},
        },
    )


SPEC = BenchSpec(name="exact", what="exact plan of one order: kernel against OR-Tools models", run=run)
