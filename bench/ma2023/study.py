"""All policies on all sequences of all instances, and how they compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.ma2023.instance import Network, generate
from bench.ma2023.policies import ONLINE, REPEATED, ROUNDING, Policy, certified, draw, prepare

F64 = NDArray[np.float64]

FIRST_SEED = 100
HINDSIGHT, PACKAGE, CERTIFICATE = "hindsight bound", "package programme", "certificate of fixed prices"
BASES = ("item", "package", "hindsight")


@dataclass(frozen=True, slots=True)
class Measured:
    """A ratio: mean over instances and its standard error (nan for one instance)."""

    mean: float
    error: float


Ratios = Mapping[str, Mapping[str, F64]]
"""policy -> base -> float64[instances], mean over sequences; nan where a base is not known."""


def measured(ratios: F64) -> Measured:
    """Mean and standard error over instances."""
    count = len(ratios)
    error = float(np.std(ratios, ddof=1) / np.sqrt(count)) if count > 1 else float("nan")
    return Measured(float(np.mean(ratios)), error)


def run_study(
    network: Network,
    *,
    instances: int,
    sequences: int,
    repeated_sequences: int,
    with_item_lp: bool,
    told: Callable[[], None],
) -> dict[str, dict[str, F64]]:
    """Ratios of every policy. told: called after each sequence."""
    chosen: dict[str, Policy] = {**(ROUNDING if with_item_lp else {}), **ONLINE}
    found: dict[str, dict[str, list[float]]] = {}
    for seed in range(FIRST_SEED, FIRST_SEED + instances):
        case = prepare(generate(network, seed), seed, with_item_lp=with_item_lp)
        costs: dict[str, list[float]] = {}
        bounds: list[float] = []
        for sequence in range(sequences):
            run = draw(case, sequence)
            bounds.append(run.hindsight)
            costs.setdefault(CERTIFICATE, []).append(certified(run))
            now = {**chosen, **(REPEATED if sequence < repeated_sequences else {})}
            for name, policy in now.items():
                costs.setdefault(name, []).append(policy(run))
            told()
        item = case.item.objective if case.item is not None else float("nan")
        costs[PACKAGE], costs[HINDSIGHT] = [case.package.objective] * sequences, bounds
        for name, cost in costs.items():
            mine = found.setdefault(name, {base: [] for base in BASES})
            against = np.array(bounds[: len(cost)])
            mine["item"].append(_like_all(cost, bounds, item))
            mine["package"].append(_like_all(cost, bounds, case.package.objective))
            mine["hindsight"].append(float(np.mean(np.array(cost) / against)))
    return {
        name: {base: np.array(of) for base, of in by_base.items()}
        for name, by_base in sorted(found.items(), key=lambda entry: order_of(entry[0]))
    }


def _like_all(cost: list[float], bounds: list[float], base: float) -> float:
    """Mean cost over a base. Where only some sequences were run, their bounds stand in for the others': the
    ratio to the bound hardly differs between sequences, the bound itself does."""
    scale = float(np.mean(bounds)) / float(np.mean(bounds[: len(cost)]))
    return float(np.mean(cost)) * scale / base


def order_of(name: str) -> tuple[int, str]:
    """Rows of the table: bounds first, then by number."""
    if name in {PACKAGE, HINDSIGHT, CERTIFICATE}:
        return (0, name)
    number = name.split(maxsplit=1)[0].strip("Pf")
    return (int(number), name)


def better_everywhere(found: Ratios, ours: str, theirs: str) -> tuple[int, int]:
    """On how many instances ``ours`` costs less, and how many there are."""
    first, second = found[ours]["hindsight"], found[theirs]["hindsight"]
    return int(np.sum(first < second)), len(first)
