"""``python -m bench.amil2025``: policies on the seeded instances of Amil, Makhdoumi, Wei (2025).

Optima of the package programme are compared with their check values to the cent, costs of policies with
ratios measured earlier. Tables go to the standard output, progress to the standard error. docs/prices.md
has the results.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from bench.amil2025.instance import OPTIMA, generate
from bench.amil2025.policies import gates_of, mix_of, run_drawn_plans
from bench.ma2023.online import run_priced
from bench.ma2023.policies import Case, Run, draw, prepare
from bench.ma2023.report import as_json, dollars_sheet, verdict, words
from bench.ma2023.rounding import Draw, run_rounding
from bench.ma2023.study import measured
from bench.spec import Sheet
from bench.tables import table_of

F64 = NDArray[np.float64]

HINDSIGHT = "hindsight bound"
CHECKS = {
    "drawn plans": 1.0928,
    "drawn plans, gates 0.01": 1.0932,
    "drawn plans, gates 0.1": 1.1000,
    "drawn plans, gates 1": 1.2868,
    "dilated rounding (Ma)": 1.0947,
    "greedy, exact plan": 1.0475,
    "fixed prices": 1.0391,
    "moving prices, step 0.1": 1.0348,
    "moving prices, step 0.3": 1.0376,
}
"""Cost over the package programme, 30 instances (seeds 1 to 30) of 100 sequences, measured earlier."""
KEEPS = (0.01, 0.1, 1.0)
STEPS = (0.1, 0.3)

Policy = Callable[[Run], float]


def policies(case: Case) -> dict[str, Policy]:
    """All that are compared, for one instance."""
    instance, package = case.instance, case.package
    assert case.item is not None
    mix, share = mix_of(instance, package), case.item.share
    nothing = np.zeros(len(instance.stock))

    def drawn(keep: float | None) -> Policy:
        gates = None if keep is None else gates_of(instance, package, keep)
        return lambda run: run_drawn_plans(instance, run.sequence, mix, run.uniform, gates)[0]

    def priced(price: F64, step: float) -> Policy:
        return lambda run: run_priced(instance, run.sequence, price, step=step)[0]

    return {
        "drawn plans": drawn(None),
        **{f"drawn plans, gates {keep:g}": drawn(keep) for keep in KEEPS},
        "dilated rounding (Ma)": lambda run: run_rounding(
            instance, run.sequence, share, run.uniform, Draw.DILATED
        )[0],
        "greedy, exact plan": priced(nothing, 0.0),
        "fixed prices": priced(package.stock_price, 0.0),
        **{f"moving prices, step {step:g}": priced(package.stock_price, step) for step in STEPS},
    }


def run_study(
    instances: int, sequences: int, told: Callable[[], None]
) -> tuple[dict[str, dict[str, F64]], list[tuple[str, float, float]]]:
    """Ratios of every policy, and dollars of the programmes with their check values. told: called after each
    sequence."""
    found: dict[str, dict[str, list[float]]] = {}
    dollars = []
    for seed in range(1, instances + 1):
        case = prepare(generate(seed), seed)
        if seed <= len(OPTIMA):
            dollars.append((f"seed {seed}", case.package.objective, OPTIMA[seed - 1]))
        chosen = policies(case)
        costs: dict[str, list[float]] = {name: [] for name in (HINDSIGHT, *chosen)}
        for sequence in range(sequences):
            run = draw(case, sequence)
            costs[HINDSIGHT].append(run.hindsight)
            for name, policy in chosen.items():
                costs[name].append(policy(run))
            told()
        for name, cost in costs.items():
            mine = found.setdefault(name, {"package": [], "hindsight": []})
            mine["package"].append(float(np.mean(cost)) / case.package.objective)
            mine["hindsight"].append(float(np.mean(np.array(cost) / np.array(costs[HINDSIGHT]))))
    return {
        name: {base: np.array(of) for base, of in by_base.items()} for name, by_base in found.items()
    }, dollars


def sheet_of(found: dict[str, dict[str, F64]], title: str) -> Sheet:
    """Every policy over both bases, with the check values."""
    rows = []
    for name, by_base in found.items():
        over = measured(by_base["package"])
        check = CHECKS.get(name)
        rows.append(
            (
                name,
                words(over),
                words(measured(by_base["hindsight"])),
                "-" if check is None else f"{check:.4f}",
                "-" if check is None else verdict([(over, check)]),
            )
        )
    return Sheet(
        title=title,
        headings=("cost", "/ package programme", "/ hindsight bound", "check value", "within 2 s.e."),
        rows=rows,
        note="Mean over instances of the mean over sequences, and its standard error over instances.",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs and prints; returns the exit code. A figure that differs is a result, not a failure."""
    parser = argparse.ArgumentParser(prog="python -m bench.amil2025", description=__doc__)
    parser.add_argument("--instances", type=int, default=30)
    parser.add_argument("--sequences", type=int, default=100)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw figures there, too")
    wanted = parser.parse_args(arguments)
    if wanted.instances < 1 or wanted.sequences < 1:
        parser.error("--instances and --sequences must be at least 1")
    console = Console(width=max(110, Console().width))
    with Progress(console=Console(stderr=True)) as progress:
        steps = progress.add_task("sequences", total=wanted.instances * wanted.sequences)
        found, dollars = run_study(wanted.instances, wanted.sequences, partial(progress.advance, steps))
    console.print(table_of(sheet_of(found, f"{wanted.instances} instances x {wanted.sequences} sequences")))
    console.print(table_of(dollars_sheet(dollars)))
    if wanted.json is not None:
        wanted.json.write_text(json.dumps(as_json(found), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
