"""``python -m bench.history crash``: kill -9 again and again: real processes, real files, real servers."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.history.check import check
from bench.history.clients import PAUSE_SECONDS, SKU_IDS, Client, first_stock, wall_clock
from bench.history.findings import Verdict
from bench.history.model import Ending, capture, read_calls, write_final
from bench.history.record import Recorder, Tape
from bench.history.servers import PostgresServer
from router.errors import LedgerUnusable
from router.ledger import Ledger, ReserveRequest
from server.ledger import SqliteLedger
from server.ledger.postgres import PostgresLedger

THREADS = 4
MOST_SECONDS = 0.15
"""A worker lives so long at most once its clients have begun."""


@dataclass(frozen=True, slots=True)
class Crashes:
    """What came of a run."""

    verdict: Verdict
    figures: dict[str, int]


@dataclass(slots=True)
class _Left:
    """What the dead left behind."""

    open_ids: list[str] = field(default_factory=list)
    unsure: list[ReserveRequest] = field(default_factory=list)


def run(
    kind: str, cycles: int, server_every: int, seed: int, folder: Path, said: Callable[[str], None]
) -> Crashes:
    """kind: sqlite or postgres. server_every: of so many cycles one kills the server, too. Leaves the history
    in ``folder``: a file for each cycle, and final.json."""
    chance = random.Random(seed)
    with ExitStack() as stack:
        server = PostgresServer() if kind == "postgres" else None
        if server is not None:
            stack.callback(server.stop)
        opened = _opener(server, folder)
        _fill(opened, folder / "0.jsonl")
        left = _Left()
        for cycle in range(1, cycles + 1):
            path = folder / f"{cycle}.jsonl"
            hits_server = server is not None and cycle % server_every == 0
            _one_cycle(opened, path, cycle, left, chance, server if hits_server else None)
            left = _left_by(path)
            said(f"cycle {cycle} of {cycles}")
        ledger = opened()
        final = capture(ledger, SKU_IDS, wall_clock)
        ledger.close()
    write_final(final, folder / "final.json")
    said("checking")
    verdict = check(read_calls(sorted(folder.glob("*.jsonl"))), final)
    kills = {"cycles": cycles, "server kills": server.kill_count if server is not None else 0}
    return Crashes(verdict, {**kills, **verdict.figures})


def _opener(server: PostgresServer | None, folder: Path) -> Callable[[], Ledger]:
    if server is None:
        return lambda: SqliteLedger(folder / "ledger.db", wall_clock)
    return lambda: PostgresLedger(server.uri)


def _fill(opened: Callable[[], Ledger], path: Path) -> None:
    ledger, tape = opened(), Tape(path)
    Recorder(ledger, tape.write, wall_clock, "first").update_stock("first", first_stock())
    ledger.close()
    tape.close()


def _one_cycle(
    opened: Callable[[], Ledger],
    path: Path,
    cycle: int,
    left: _Left,
    chance: random.Random,
    server: PostgresServer | None,
) -> None:
    """A worker from its start to its death; the server's, too, if there is one to kill."""
    seed, dies_opening = chance.random(), chance.random() < 0.1
    ready_read, ready_write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(ready_read)
            _worker(opened, path, cycle, left, seed, ready_write)
        except BaseException as error:
            print(f"cycle {cycle}: {error!r}", file=sys.stderr, flush=True)
        finally:
            os._exit(3)
    os.close(ready_write)
    if not dies_opening:
        os.read(ready_read, 1)
    time.sleep(chance.random() * MOST_SECONDS)
    if server is not None:
        server.kill()
        if chance.random() < 0.5:
            server.start()
            time.sleep(chance.random() * MOST_SECONDS)
    os.close(ready_read)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if server is not None:
        server.start()
    if not os.WIFSIGNALED(status):
        raise RuntimeError(f"the worker of cycle {cycle} ended by itself; its error is above")


def _worker(
    opened: Callable[[], Ledger], path: Path, cycle: int, left: _Left, seed: float, ready: int
) -> None:
    """In the child: clients in threads until death."""
    tape = Tape(path)
    ledger = _opened_at_last(opened)

    def live(ix: int) -> None:
        name = f"{cycle}.{ix}"
        client = Client(
            name,
            Recorder(ledger, tape.write, wall_clock, name),
            random.Random(f"{seed} {ix}"),
            batch=1 + ix % 2 * 4,
            open_ids=left.open_ids[ix::THREADS],
            unsure=left.unsure[ix::THREADS],
        )
        try:
            while True:
                client.step()
        except BaseException as error:
            print(f"{name}: {error!r}", file=sys.stderr, flush=True)
            os._exit(3)

    threads = [threading.Thread(target=live, args=(ix,)) for ix in range(THREADS)]
    for thread in threads:
        thread.start()
    os.write(ready, b".")
    for thread in threads:
        thread.join()


def _opened_at_last(opened: Callable[[], Ledger]) -> Ledger:
    """The server may be dead, or not be back yet."""
    while True:
        try:
            return opened()
        except LedgerUnusable:
            time.sleep(PAUSE_SECONDS)


def _left_by(path: Path) -> _Left:
    """The last reservations that were acknowledged, and all requests without an answer."""
    left = _Left()
    if path.exists():
        for call in read_calls([path]):
            if call.verb == "reserve" and call.ending is Ending.UNKNOWN:
                left.unsure += call.arguments
            elif call.verb == "reserve" and call.answer is not None:
                made = [outcome.reservation for outcome in call.answer]
                left.open_ids += [one.reservation_id for one in made if one is not None]
    return _Left(left.open_ids[-20:], left.unsure)
