"""``python -m bench.simulator [--seconds 300 | --seeds N] [--first-seed S] [--seed S]``: runs of the whole
service under faults, each by a seed. ``--seed`` replays one and prints what happened."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.simulator.laws import BrokenLaw
from bench.simulator.run import Simulation

LAST_EVENTS = 25


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 1 when a law is broken."""
    wanted = parse(arguments)
    console = Console()
    if wanted.seed is not None:
        return replay(wanted.seed, console)
    counts: Counter[str] = Counter()
    began, seed, events = time.monotonic(), wanted.first_seed, 0
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("runs", total=wanted.seconds if wanted.seeds is None else wanted.seeds)
        while True:
            run = Simulation(seed)
            try:
                run.run()
            except BrokenLaw as broken:
                tell(run, seed, broken, console)
                return 1
            counts += run.counts
            events += len(run.trace)
            seed += 1
            passed = time.monotonic() - began
            progress.update(bar, completed=passed if wanted.seeds is None else seed - wanted.first_seed)
            if passed >= wanted.seconds if wanted.seeds is None else seed - wanted.first_seed >= wanted.seeds:
                break
    table = Table(
        title=f"{seed - wanted.first_seed:,} runs, {events:,} events, no law broken", title_justify="left"
    )
    table.add_column("what")
    table.add_column("how often", justify="right")
    for name, count in sorted(counts.items()):
        table.add_row(name, f"{count:,}")
    console.print(table)
    return 0


def replay(seed: int, console: Console) -> int:
    """One run, event by event."""
    run = Simulation(seed)
    try:
        digest = run.run()
    except BrokenLaw as broken:
        tell(run, seed, broken, console)
        return 1
    console.print("\n".join(run.trace), markup=False, highlight=False)
    console.print(f"seed {seed}: {len(run.trace):,} events, digest {digest}")
    return 0


def tell(run: Simulation, seed: int, broken: BrokenLaw, console: Console) -> None:
    """What happened last, what is wrong, and how to see it again."""
    console.print("\n".join(run.trace[-LAST_EVENTS:]), markup=False, highlight=False)
    console.print(f"[red]{broken}[/]")
    console.print(f"again: python -m bench.simulator --seed {seed}")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.simulator", description="Seeded runs under faults."
    )
    parser.add_argument("--seconds", type=float, default=300.0, help="run so long (300)")
    parser.add_argument("--seeds", type=int, help="or so many runs")
    parser.add_argument("--first-seed", type=int, default=0, metavar="S", help="the first of them")
    parser.add_argument("--seed", type=int, help="replay one")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
