"""``python -m bench.fuzz [--inputs N] [--seed S] [--target T ...] [--folder F] [--replay FILE]``: see
docs/fuzzing.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.fuzz import pool
from bench.fuzz.case import Failure, Input, read_case, write_case

CORPUS = "corpus.jsonl"
DEFAULT_FOLDER = Path("build/fuzz")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 1 when a law is broken."""
    wanted = parse(arguments)
    console = Console()
    if wanted.replay is not None:
        return replay(wanted.replay, console)
    folder: Path = wanted.folder
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / CORPUS
    corpus = tuple(read_case(kept)) if kept.exists() else ()
    share = -(-wanted.inputs // wanted.workers)
    plans = [
        pool.Plan(wanted.seed + number, share, tuple(wanted.target), corpus, wanted.interpreted)
        for number in range(wanted.workers)
    ]
    began = time.monotonic()
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("inputs", total=wanted.inputs)
        total = pool.run(plans, folder, lambda done, _: progress.update(bar, completed=done))
    seconds = time.monotonic() - began
    edges = set().union(*(found.edges for found in total.found))
    inputs = {
        Input(target, data): None
        for found in total.found
        for target, each in found.corpus.items()
        for data in each
    }
    write_case(kept, inputs)
    counts = sum((found.counts for found in total.found), Counter[tuple[str, str]]())
    console.print(table_of(counts, Counter(each.target for each in inputs)))
    done = counts.total()
    console.print(
        f"{done:,} inputs in {seconds:,.0f} seconds, {done / seconds:,.0f} a second, with {wanted.workers} "
        f"processes; {len(inputs):,} kept, {len(edges):,} edges"
    )
    failures = [failure for found in total.found for failure in found.failures] + total.crashes
    for number, failure in enumerate(failures):
        tell(failure, folder / f"failure-{wanted.seed}-{number}.jsonl", console)
    if not failures:
        console.print("no law broken")
    return 1 if failures else 0


def table_of(counts: Counter[tuple[str, str]], kept: Counter[str]) -> Table:
    """By target: inputs, of these answered, refused most often with what, and how many are kept."""
    table = Table(title_justify="left")
    table.add_column("target")
    for name in ("inputs", "OK", "kept"):
        table.add_column(name, justify="right")
    table.add_column("refused with")
    for target in sorted({target for target, _ in counts}):
        ended = Counter({how: n for (name, how), n in counts.items() if name == target})
        refused = ", ".join(f"{how} {n:,}" for how, n in ended.most_common() if how != "OK")
        table.add_row(target, f"{ended.total():,}", f"{ended['OK']:,}", f"{kept[target]:,}", refused)
    return table


def tell(failure: Failure, path: Path, console: Console) -> None:
    """What is wrong, and how to see it again."""
    write_case(path, failure.inputs)
    console.print(failure.what, markup=False, highlight=False)
    console.print(f"{len(failure.inputs)} inputs; again: python -m bench.fuzz --replay {path}\n")


def replay(path: Path, console: Console) -> int:
    """The inputs of a file, one after the other to a new shop."""
    from bench.fuzz.feed import Feeder, what_breaks  # noqa: PLC0415 (has the whole program behind it)
    from bench.fuzz.shop import FAULTS  # noqa: PLC0415

    pool.quiet_but_for(FAULTS)
    with tempfile.TemporaryDirectory() as folder:
        what = what_breaks(read_case(path), Feeder(Path(folder)))
    console.print(what or "no law broken", markup=False, highlight=False)
    return 1 if what else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description="Coverage-guided fuzzing.")
    parser.add_argument("--inputs", type=int, default=1_000_000, metavar="N", help="so many (1,000,000)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the first process (0)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes (2)")
    parser.add_argument("--target", action="append", default=[], metavar="T", help="only it; may come again")
    parser.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, help=f"of corpus and failures ({DEFAULT_FOLDER})"
    )
    parser.add_argument("--interpreted", action="store_true", help="run kernels as plain Python, with probes")
    parser.add_argument(
        "--replay", type=Path, metavar="FILE", help="feed the inputs of a file, and no others"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
