"""``python -m bench.plots FIGURES.json FOLDER``: pictures of what ``python -m bench ... --json FIGURES.json``
measured, as SVG files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "sourcier"  # the same figures give the same file
from matplotlib import pyplot as plt  # noqa: E402 (the backend first)


def overload(figures: dict[str, float], path: Path) -> None:
    """Answers in time, and their 99th percentile, over the load."""
    peak = figures["peak_per_second"]
    seen: dict[str, dict[float, dict[str, float]]] = {}
    for name, value in figures.items():
        if name != "peak_per_second":
            way, times, what = name.rsplit(" ", 2)
            seen.setdefault(way, {}).setdefault(float(times), {})[what] = value
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for way, levels in seen.items():
        times = sorted(levels)
        left.plot(times, [levels[t]["goodput"] / peak for t in times], marker="o", label=way)
        right.plot(times, [levels[t]["p99_ms"] for t in times], marker="o", label=way)
    left.set(xlabel="offered / capacity", ylabel="answered in time / capacity", ylim=(0, None))
    right.set(xlabel="offered / capacity", ylabel="p99 of the answers, ms", ylim=(0, None))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


PLOTS = {"overload": overload}


def main(arguments: list[str]) -> int:
    """Draws what the file has figures of."""
    file, folder = Path(arguments[0]), Path(arguments[1])
    results: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["benchmarks"]
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PLOTS.items():
        if name in results:
            draw(results[name]["figures"], folder / f"{name}.svg")
            print(folder / f"{name}.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
