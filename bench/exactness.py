"""The long run of the exactness proof: ``python -m bench.exactness --worlds 100000``.

Random worlds, each answered by the engine and by brute force and put before the verifier (every fourth
with the integer programme alone for what the subset programme leaves over); then worlds answered by all
programmes. Ends with exit code 1 when any two differ, and names the seed. Seeds that `make test` uses come
first; ``--first-seed`` goes elsewhere.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.property.comparison import (
    CAPACITY_KINDS,
    KINDS,
    LARGE,
    OMNICHANNEL_KINDS,
    SUPPLY_KINDS,
    against_force,
    only_the_integer_programme,
    programmes_against_each_other,
    world_of,
)
from tests.worlds import WHOLE_LINES, Features, random_world

PROGRAMMES: dict[str, Features] = {"whole lines": WHOLE_LINES, **LARGE}
"""Worlds on which the programmes are compared."""
FORCED = (*KINDS, *OMNICHANNEL_KINDS, *SUPPLY_KINDS, *CAPACITY_KINDS)
"""Kinds of worlds that brute force answers."""
SHARE_OF_PROGRAMMES = 10
"""One world in so many goes to the comparison of programmes."""
SHARE_OF_SEARCHES = 4
"""One in so many of the others is answered without the programme over amounts."""
CHUNK = 50
FORCE_COLUMNS = {
    "sourced": "SOURCED",
    "partial": "PARTIAL",
    "none": "UNSOURCEABLE",
    "subsets": "SUBSET_DP",
    "greedy": "GREEDY",
    "MIP": "MIP",
}
PROGRAMME_COLUMNS = {"strategies": "compared", "with a plan": "plans", "searched": "searched"}
"""Title of a column -> what it counts."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """``count`` worlds of one kind from ``seed`` on."""

    programmes: bool
    kind: str
    seed: int
    count: int


@dataclass(slots=True)
class Tally:
    """What was seen in the worlds of one kind; ``mismatches`` as readable lines."""

    seen: Counter[str] = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)


def compare(chunk: Chunk) -> tuple[Chunk, Tally]:
    """One chunk, in a worker process."""
    tally = Tally()
    for seed in range(chunk.seed, chunk.seed + chunk.count):
        tally.seen["worlds"] += 1
        if chunk.programmes:
            programmes = programmes_against_each_other(
                random_world(np.random.default_rng(seed), PROGRAMMES[chunk.kind])
            )
            against = programmes.against
            tally.seen["compared"] += programmes.compared
            tally.seen["plans"] += programmes.plans
            tally.seen["searched"] += programmes.searched
        else:
            alone = seed % SHARE_OF_SEARCHES == 0
            with only_the_integer_programme() if alone else nullcontext():
                outcome = against_force(world_of(chunk.kind, seed))
            against = outcome.against
            tally.seen[outcome.status.name] += 1
            tally.seen[outcome.method.name] += 1
        tally.mismatches += [f"{chunk.kind}, seed {seed}: {line}" for line in against]
    return chunk, tally


def chunks(worlds: int, first_seed: int) -> Iterator[Chunk]:
    """All the work: kinds take turns, so that a run that is cut short has seen each."""
    both = worlds // SHARE_OF_PROGRAMMES
    for programmes, kinds, total in ((False, list(FORCED), worlds - both), (True, list(PROGRAMMES), both)):
        shares = [total // len(kinds) + (i < total % len(kinds)) for i in range(len(kinds))]
        for start in range(0, max(shares), CHUNK):
            for kind, share in zip(kinds, shares, strict=True):
                if start < share:
                    yield Chunk(programmes, kind, first_seed + start, min(CHUNK, share - start))


def run(worlds: int, first_seed: int, processes: int, console: Console) -> dict[tuple[bool, str], Tally]:
    """Compare, under a progress bar."""
    found: dict[tuple[bool, str], Tally] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    pool = multiprocessing.get_context("spawn").Pool(processes)
    with pool, Progress(*columns, console=console) as progress:
        task = progress.add_task("worlds", total=worlds)
        for chunk, tally in pool.imap_unordered(compare, chunks(worlds, first_seed)):
            whole = found.setdefault((chunk.programmes, chunk.kind), Tally())
            whole.seen += tally.seen
            whole.mismatches += tally.mismatches
            progress.update(task, advance=chunk.count)
            for line in tally.mismatches:
                console.print(line, style="red")
    return found


def tables(found: dict[tuple[bool, str], Tally]) -> Iterator[Table]:
    """One table for each comparison."""
    for programmes, title, names in (
        (False, "engine against brute force and verifier", FORCE_COLUMNS),
        (True, "programmes against each other", PROGRAMME_COLUMNS),
    ):
        table = Table("kind", "worlds", *names, "differ", title=title)
        for column in table.columns[1:]:
            column.justify = "right"
        total = Tally()
        for (of_programmes, kind), tally in sorted(found.items()):
            if of_programmes == programmes:
                table.add_row(kind, *cells(tally, names.values()))
                total.seen += tally.seen
                total.mismatches += tally.mismatches
        table.add_section()
        table.add_row("all", *cells(total, names.values()))
        yield table


def cells(tally: Tally, names: Iterable[str]) -> list[str]:
    """A row of figures."""
    return [*(f"{tally.seen[name]:,}" for name in ("worlds", *names)), f"{len(tally.mismatches):,}"]


def main() -> int:
    """Exit code 1 when two answers differ."""
    parser = argparse.ArgumentParser(prog="python -m bench.exactness", description=__doc__.split("\n")[0])
    parser.add_argument("--worlds", type=int, default=20_000, help="how many (default 20000)")
    parser.add_argument("--first-seed", type=int, default=0, help="seeds count up from here (default 0)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="default: one per core")
    asked = parser.parse_args()
    if asked.worlds < 1 or asked.processes < 1 or asked.first_seed < 0:
        parser.error("--worlds and --processes must be at least 1, --first-seed at least 0")
    console = Console()
    found = run(asked.worlds, asked.first_seed, asked.processes, console)
    for table in tables(found):
        console.print(table)
    return 1 if any(tally.mismatches for tally in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
