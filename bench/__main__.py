"""``python -m bench [names...] [--smoke] [--json FILE]``: the measured figures, each a ratio within one run.

Tables go to the standard output, progress to the standard error. What is measured, and how: bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.table import Table

from bench import (
    growth,
    memory,
    overload,
    speed_dates,
    speed_exact,
    speed_ledger,
    speed_promise,
    speed_rank,
    speed_server,
    speed_start,
    speed_workers,
)
from bench.spec import BenchSpec, Result, Target
from bench.tables import table_of

SPECS: tuple[BenchSpec, ...] = (
    speed_exact.SPEC,
    speed_rank.SPEC,
    speed_server.SPEC,
    speed_promise.SPEC,
    speed_dates.SPEC,
    speed_ledger.SPEC,
    speed_start.SPEC,
    speed_workers.SPEC,
    growth.SPEC,
    memory.SPEC,
    overload.SPEC,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmarks asked for; returns the exit code. A missed target is a result, not a failure."""
    wanted = parse(arguments)
    console, progress = Console(width=max(110, Console().width)), Console(stderr=True)
    chosen = [spec for spec in SPECS if not wanted.names or spec.name in wanted.names]
    console.print(f"[dim]{machine()}[/]")
    results: dict[str, Result] = {}
    for spec in chosen:
        with progress.status(spec.what) as status:
            results[spec.name] = spec.run(wanted.smoke, partial(_say, status, spec.name))
        for sheet in results[spec.name].sheets:
            console.print(table_of(sheet))
    targets = [target for result in results.values() for target in result.targets]
    if targets:
        console.print(targets_table(targets))
    if wanted.json is not None:
        text = json.dumps(as_json(results, smoke=wanted.smoke), indent=1)
        wanted.json.write_text(text + "\n", encoding="utf-8")
    return 0


def _say(status: Status, name: str, now: str) -> None:
    status.update(f"{name}: {now}")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measures, as ratios within one run."
    )
    known = [spec.name for spec in SPECS]
    listed = "; ".join(f"{spec.name}: {spec.what}" for spec in SPECS)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which, all by default. {listed}")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: tries the code, measures nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw figures there, too")
    wanted = parser.parse_args(arguments)
    for name in wanted.names:
        if name not in known:
            parser.error(f"no benchmark {name!r}; there are {', '.join(known)}")
    return wanted


def machine() -> str:
    """Where the figures come from."""
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    python = platform.python_version()
    return (
        f"Python {python}, {platform.machine()}, {os.cpu_count()} processors; load {load}. "
        "Only ratios mean something elsewhere."
    )


def targets_table(targets: Sequence[Target]) -> Table:
    """What was promised and what was measured."""
    table = Table(title="targets", title_justify="left")
    for i, heading in enumerate(("figure", "measured", "target", "")):
        table.add_column(heading, justify="right" if i in (1, 2) else "left")
    for target in targets:
        sign = "at most" if target.at_most else "at least"
        table.add_row(
            target.name,
            f"{target.value:,.1f}{target.unit}",
            f"{sign} {target.limit:,g}{target.unit}",
            "[green]met[/]" if target.met else "[red]missed[/]",
        )
    return table


def as_json(results: dict[str, Result], *, smoke: bool) -> dict[str, Any]:
    """Raw figures and targets by benchmark."""
    return {
        "machine": machine(),
        "smoke": smoke,
        "benchmarks": {
            name: {
                "figures": dict(result.figures),
                "targets": [
                    {"name": t.name, "value": t.value, "limit": t.limit, "unit": t.unit, "met": t.met}
                    for t in result.targets
                ],
            }
            for name, result in results.items()
        },
    }


if __name__ == "__main__":
    sys.exit(main())
