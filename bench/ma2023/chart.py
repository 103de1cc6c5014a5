"""The chart of costs by volume."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from bench.ma2023.horizon import ADVISED, FIXED, GREEDY

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "sourcier"  # the same figures give the same file
from matplotlib import pyplot as plt  # noqa: E402 (the backend first)

F64 = NDArray[np.float64]

NAMES = {
    GREEDY: "greedy, exact plan",
    FIXED: "fixed prices",
    "0.5": "moving prices, step 0.5",
    "0.1": "moving prices, step 0.1",
    "0.02": "moving prices, step 0.02",
    ADVISED: "moving prices, advised step",
}


def draw_horizon(found: Mapping[int, Mapping[str, F64]], path: Path) -> None:
    """Writes percent above the bound in hindsight by number of periods, as SVG or what the name ends in."""
    figure, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
    for name, label in NAMES.items():
        above = [100 * (float(np.mean(of[name])) - 1) for of in found.values()]
        axes.loglog(list(found), above, marker="o", label=label)
    ticks = (0.1, 0.2, 0.5, 1, 2, 5, 10)
    axes.set_xticks(list(found), [f"{periods:,}" for periods in found], minor=False)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
    axes.minorticks_off()
    axes.set(xlabel="periods in a cycle, at most one order in each", ylabel="% above the hindsight bound")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="lower left")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)
