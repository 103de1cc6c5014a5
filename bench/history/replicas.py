"""``python -m bench.history replicas``: four processes on one PostgreSQL, one killed, one cut off."""

from __future__ import annotations

import mmap
import os
import random
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.history.check import check
from bench.history.clients import SKU_IDS, Client, first_stock, wall_clock
from bench.history.crash import Crashes
from bench.history.model import capture, read_calls, write_final
from bench.history.record import Recorder, Tape
from bench.history.servers import PostgresServer
from server.ledger.postgres import PostgresLedger

REPLICAS = 4
THREADS = 2
BATCH = 25
SILENT_SECONDS = 0.5
"""After which the server ends a transaction whose client says nothing. Without it a replica that is cut off
in the middle of a transaction stops all others for as long as its connection lives."""


@dataclass(frozen=True, slots=True)
class _Replica:
    """A process. ix: its place in the table of progress."""

    ix: int
    pid: int


def run(
    reserves: int, cut_off_seconds: float, seed: int, folder: Path, said: Callable[[str], None]
) -> Crashes:
    """At least ``reserves`` requests in all. The second replica is killed when it has done a third of its
    share, and another takes its place; the third one is stopped for a while at the same mark. Leaves the
    history in ``folder``."""
    share = -(-reserves // REPLICAS)
    with ExitStack() as stack:
        server = PostgresServer()
        stack.callback(server.stop)
        uri = server.uri
        _fill(uri, folder / "first.jsonl")
        progress = mmap.mmap(-1, 8 * (REPLICAS + 1) * THREADS)
        pids = [_start(uri, folder, ix, share, seed, progress) for ix in range(REPLICAS)]
        said("four replicas at work")
        _wait_until(lambda: _done(progress, 1) >= share // 3, pids)
        os.kill(pids[1], signal.SIGKILL)
        os.waitpid(pids[1], 0)
        done_by_killed = _done(progress, 1)
        pids[1] = _start(uri, folder, REPLICAS, share - done_by_killed, seed, progress)
        said("one killed, another in its place")
        _wait_until(lambda: _done(progress, 2) >= share // 3, pids)
        os.kill(pids[2], signal.SIGSTOP)
        before = [_done(progress, ix) for ix in range(REPLICAS + 1)]
        time.sleep(cut_off_seconds)
        meanwhile = sum(_done(progress, ix) for ix in range(REPLICAS + 1)) - sum(before)
        os.kill(pids[2], signal.SIGCONT)
        said("one was cut off and is back")
        for pid in pids:
            _, status = os.waitpid(pid, 0)
            if status != 0:
                raise RuntimeError("a replica failed; its error is above")
        ledger = PostgresLedger(server.uri)
        final = capture(ledger, SKU_IDS, wall_clock)
        ledger.close()
    write_final(final, folder / "final.json")
    said("checking")
    verdict = check(read_calls(sorted(folder.glob("*.jsonl"))), final)
    figures = {"replicas": REPLICAS, "killed": 1, "cut off": 1, "asked while one was cut off": meanwhile}
    return Crashes(verdict, {**figures, **verdict.figures})


def _fill(uri: str, path: Path) -> None:
    ledger, tape = PostgresLedger(uri, silent_seconds=SILENT_SECONDS), Tape(path)
    Recorder(ledger, tape.write, wall_clock, "first").update_stock("first", first_stock())
    ledger.close()
    tape.close()


def _wait_until(is_so: Callable[[], bool], pids: list[int]) -> None:
    """Raises RuntimeError when a replica is over before."""
    while not is_so():
        time.sleep(0.005)
        for pid in pids:
            if os.waitpid(pid, os.WNOHANG) != (0, 0):
                raise RuntimeError("a replica ended too early; take more reserves")


def _done(progress: mmap.mmap, ix: int) -> int:
    """Requests that a replica has asked for."""
    return sum(struct.unpack_from(f"={THREADS}q", progress, 8 * ix * THREADS))


def _start(uri: str, folder: Path, ix: int, share: int, seed: int, progress: mmap.mmap) -> int:
    """The process id of a replica that asks ``share`` times."""
    pid = os.fork()
    if pid == 0:
        try:
            _replica(uri, folder / f"{ix}.jsonl", ix, share, seed, progress)
        except BaseException as error:
            print(f"replica {ix}: {error!r}", file=sys.stderr, flush=True)
            os._exit(3)
        os._exit(0)
    return pid


def _replica(uri: str, path: Path, ix: int, share: int, seed: int, progress: mmap.mmap) -> None:
    """In the child: clients in threads on one ledger."""
    tape, ledger = Tape(path), PostgresLedger(uri, silent_seconds=SILENT_SECONDS)
    failed: list[BaseException] = []

    def live(thread_ix: int) -> None:
        name = f"{ix}.{thread_ix}"
        recorder = Recorder(ledger, tape.write, wall_clock, name)
        client = Client(name, recorder, random.Random(f"{seed} {name}"), batch=BATCH)
        try:
            while client.asked_count < share / THREADS:
                client.step()
                struct.pack_into("=q", progress, 8 * (ix * THREADS + thread_ix), client.asked_count)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=live, args=(thread_ix,)) for thread_ix in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close()
    if failed:
        raise failed[0]
