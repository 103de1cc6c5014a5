"""Tables, figures for machines and the chart of the benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.ma2023.checks import CENT, FORECAST, HORIZON, STOPPED_EARLY, agrees
from bench.ma2023.forecast import WAYS
from bench.ma2023.horizon import ADVISED, FIXED, GREEDY, POLICIES
from bench.ma2023.policies import LITERATURE, OURS
from bench.ma2023.study import BASES, Measured, Ratios, better_everywhere, measured
from bench.spec import Sheet

F64 = NDArray[np.float64]

GREEDY_ROW = "P6 greedy, exact plan"
NOT_KNOWN = "-"
HEADINGS = {"item": "/ item programme", "package": "/ package programme", "hindsight": "/ hindsight bound"}


def words(found: Measured) -> str:
    """Four decimals and the standard error, if there is one."""
    if found.mean != found.mean:
        return NOT_KNOWN
    return f"{found.mean:.4f}" + (f" ± {found.error:.4f}" if found.error == found.error else "")


def verdict(pairs: list[tuple[Measured, float]]) -> str:
    """Whether all figures agree with their check values."""
    known = [agrees(found, check) for found, check in pairs if found.error == found.error]
    return NOT_KNOWN if not known else "agrees" if all(known) else "DIFFERS"


def policy_sheet(found: Ratios, checks: Mapping[str, Mapping[str, float]], title: str) -> Sheet:
    """Every policy over every base, with the check values."""
    rows = []
    for name, by_base in found.items():
        figures = {base: measured(by_base[base]) for base in BASES}
        check = checks.get(name, {})
        shown = " / ".join(f"{check[base]:.4f}" if base in check else NOT_KNOWN for base in BASES)
        pairs = [(figures[base], check[base]) for base in BASES if base in check]
        rows.append((name, *(words(figures[base]) for base in BASES), shown, verdict(pairs)))
    return Sheet(
        title=title,
        headings=("cost", *HEADINGS.values(), "check values", "within 2 s.e."),
        rows=rows,
        note="Mean over instances of the mean over sequences, and its standard error over instances.",
    )


def comparison_sheet(found: Ratios) -> Sheet:
    """Our policy against every other, instance by instance."""
    others = [name for name in found if name in {*LITERATURE, GREEDY_ROW}]
    rows = []
    for name in others:
        better, of = better_everywhere(found, OURS, name)
        least = float(np.min(found[name]["hindsight"] - found[OURS]["hindsight"]))
        rows.append((name, f"{better} of {of}", f"{100 * least:.2f} points"))
    return Sheet(
        title=f"instances on which '{OURS}' costs less",
        headings=("than", "instances", "least difference"),
        rows=rows,
    )


def horizon_sheet(found: Mapping[int, Mapping[str, F64]]) -> Sheet:
    """Cost over the bound in hindsight by number of periods."""
    names = {GREEDY: "greedy", FIXED: "fixed prices", ADVISED: "advised step"}
    return Sheet(
        title="cost / hindsight bound (check value)",
        headings=("periods", *(names.get(name, f"step {name}") for name in POLICIES), "within 2 s.e."),
        rows=[
            (f"{periods:,}", *_beside_checks(by_policy, HORIZON.get(periods, {})))
            for periods, by_policy in found.items()
        ],
    )


def _beside_checks(ratios: Mapping[str, F64], checks: Mapping[str, float]) -> list[str]:
    """A cell for each, with its check value where there is one, and how many of those agree."""
    figures = {name: measured(of) for name, of in ratios.items()}
    cells = [
        f"{figure.mean:.4f}" + (f" ({checks[name]:.4f})" if name in checks else "")
        for name, figure in figures.items()
    ]
    agreeing = sum(agrees(figures[name], check, other_instances=True) for name, check in checks.items())
    return [*cells, f"{agreeing} of {len(checks)}" if checks else NOT_KNOWN]


def forecast_sheet(found: Mapping[str, Mapping[str, F64]]) -> Sheet:
    """Cost over the bound in hindsight by error of the forecast."""
    headings = {
        "fixed": "fixed prices",
        "solved": "10 programmes",
        "0.05": "step 0.05",
        "0.1": "step 0.1",
        "both": "both, 0.05",
        "blended": "both, blended",
        "blended 0.1": "both 0.1, blended",
    }
    return Sheet(
        title="cost / hindsight bound with a wrong forecast (check value)",
        headings=("error", *(headings[way] for way in WAYS), "within 2 s.e."),
        rows=[(error, *_beside_checks(by_way, FORECAST[error])) for error, by_way in found.items()],
        note="blended: half the learned prices, half those of the new programme.",
    )


def as_json(found: Mapping[Any, Mapping[str, Any]]) -> dict[str, Any]:
    """Means, standard errors and every instance's figure, as far as known."""
    return {
        str(key): {name: _figures(value) for name, value in inner.items()} for key, inner in found.items()
    }


def _figures(ratios: F64) -> dict[str, Any]:
    summary = measured(ratios)
    return {
        "mean": _known(summary.mean),
        "standard_error": _known(summary.error),
        "instances": [_known(float(x)) for x in ratios],
    }


def _known(figure: float) -> float | None:
    return figure if np.isfinite(figure) else None


def dollars_sheet(rows: list[tuple[str, float, float]]) -> Sheet:
    """What the programmes of single instances cost. rows: name, ours, check value: to the cent, or
    of a run that stopped early if it is a whole number."""
    return Sheet(
        title="optimum of the programmes, dollars",
        headings=("instance", "ours", "check value", ""),
        rows=[
            (
                name,
                f"{ours:,.2f}",
                f"{check:,.2f}",
                "agrees"
                if abs(ours - check) <= (CENT if check % 1 else STOPPED_EARLY * check)
                else "DIFFERS",
            )
            for name, ours, check in rows
        ],
    )
