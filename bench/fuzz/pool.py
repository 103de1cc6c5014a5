"""Processes that fuzz at the same time, and the one that waits for them: it sees those that crash or hang."""

from __future__ import annotations

import logging
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.fuzz import edges
from bench.fuzz.case import Failure, Input, read_case

if TYPE_CHECKING:
    from bench.fuzz.run import Found

SILENT_SECONDS = 300
"""A process that tells nothing for so long hangs outside of Python; the first kernels take time to load."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Of one process. corpus: inputs to begin with. interpreted: kernels run as plain Python."""

    seed: int
    inputs: int
    targets: tuple[str, ...] = ()
    corpus: tuple[Input, ...] = ()
    interpreted: bool = False


@dataclass(slots=True)
class _Process:
    process: Any
    pipe: Connection
    under_way: Path
    done: int = 0
    found: Any = None


@dataclass(slots=True)
class Total:
    """Of all processes: what each found, and failures of those that did not come to an end."""

    found: list[Found] = field(default_factory=list)
    crashes: list[Failure] = field(default_factory=list)


def fuzz(plan: Plan, pipe: Connection, under_way: Path) -> None:
    """The whole life of a process. Sends how many inputs are done, at last what was found."""
    edges.install(interpreted=plan.interpreted)
    from bench.fuzz.run import Campaign, all_targets  # noqa: PLC0415 (only now: probes are put in on import)
    from bench.fuzz.shop import FAULTS  # noqa: PLC0415

    quiet_but_for(FAULTS)
    with under_way.open("w") as file, tempfile.TemporaryDirectory() as folder:

        def note(each: Input | None) -> None:
            if each is None:
                file.seek(0)
                file.truncate()
            else:
                file.write(each.line())
            file.flush()

        campaign = Campaign(plan.seed, Path(folder), plan.targets or all_targets(), plan.corpus, note)
        done = 0
        while done < plan.inputs:
            done += campaign.batch()
            pipe.send((done, None))
        pipe.send((done, campaign.found))
    pipe.close()
    # Threads of grpc may take their time.
    os._exit(0)


def quiet_but_for(handler: logging.Handler) -> None:
    """Nothing is written: with a million inputs everything that can be logged is."""
    log = logging.getLogger("sourcier")
    log.handlers[:] = [handler]
    log.setLevel(logging.ERROR)
    log.propagate = False
    logging.getLogger().handlers[:] = [logging.NullHandler()]


def run(plans: Sequence[Plan], folder: Path, told: Callable[[int, int], object]) -> Total:
    """One process for each plan. told: inputs done, failures of processes so far. folder: for what is under
    way."""
    context = multiprocessing.get_context("spawn")
    running = []
    for number, plan in enumerate(plans):
        if plan.interpreted:
            os.environ["NUMBA_DISABLE_JIT"] = "1"
        mine, theirs = context.Pipe(duplex=False)
        under_way = folder / f"under-way-{number}.jsonl"
        process = context.Process(target=fuzz, args=(plan, theirs, under_way), daemon=True)
        process.start()
        theirs.close()
        running.append(_Process(process, mine, under_way))
    total, every = Total(), list(running)
    while running:
        ready = wait([each.pipe for each in running], SILENT_SECONDS)
        for each in list(running):
            if each.pipe in ready:
                if _heard(each):
                    continue
                running.remove(each)
                _end(each, total, "the process ended")
            elif not ready:
                running.remove(each)
                each.process.kill()
                _end(each, total, f"nothing heard for {SILENT_SECONDS} seconds")
        told(sum(each.done for each in every), len(total.crashes))
    return total


def _heard(each: _Process) -> bool:
    """False when the process will say nothing more."""
    try:
        each.done, each.found = each.pipe.recv()
    except EOFError:
        return False
    return each.found is None


def _end(each: _Process, total: Total, why: str) -> None:
    each.process.join(30)
    if each.found is not None:
        total.found.append(each.found)
        return
    inputs = read_case(each.under_way) if each.under_way.exists() else []
    total.crashes.append(Failure(inputs, f"{why} (exit code {each.process.exitcode})"))
