"""(i) Two workers on one port against one, over one SQLite ledger: GetPromise of many items, which costs the
server far more than the client, asked over several connections.

Client and servers share the processors, and one worker already uses more than one of them: gRPC and the
kernels run beside the interpreter. Hence also what is done in a processor second, times the number of
workers; workers that got in each other's way would do less in it."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import grpc

from bench.processes import CHANNEL_OPTIONS, SERVICE, Running, running
from bench.spec import BenchSpec, Report, Result, Sheet, Target
from bench.speed_promise import requests, write_stores
from bench.synthetic import make_snapshot

TIMES = 1.6
CONNECTIONS = 16
START_LIMIT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Size:
    nodes: int
    skus: int
    items: int
    calls: int
    rounds: int


FULL = Size(nodes=300, skus=5_000, items=200, calls=2_000, rounds=5)
SMOKE = Size(nodes=20, skus=50, items=2, calls=32, rounds=1)


def run(smoke: bool, report: Report) -> Result:
    """Both servers stand all the time and take turns."""
    size = SMOKE if smoke else FULL
    snapshot = make_snapshot(nodes=size.nodes, skus=size.skus, share=0.33)
    asked = requests(snapshot, size.calls, size.items, 3)
    rates: dict[int, list[float]] = {1: [], 2: []}
    own: list[float] = []
    used: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory(prefix="sourcier-bench-") as name, ExitStack() as stack:
        config = write_stores(snapshot, Path(name))
        report("starting one worker and two")
        servers = {count: stack.enter_context(served(config, count)) for count in rates}
        for number in range(-1, size.rounds):
            report(f"round {number + 1} of {size.rounds}")
            for count, server in servers.items():
                cpu, served_cpu, start = time.process_time(), server.cpu_seconds(), time.perf_counter()
                spread(server.address, asked)
                seconds = time.perf_counter() - start
                if number >= 0:  # the one before warms up
                    rates[count].append(len(asked) / seconds)
                    used[count].append((server.cpu_seconds() - served_cpu) / seconds)
                    own.append((time.process_time() - cpu) / seconds)
    times = median(two / one for one, two in zip(*rates.values(), strict=True))
    per_cpu = {n: median(r / u for r, u in zip(rates[n], used[n], strict=True) if u) for n in rates}
    rows = [
        (str(n), f"{median(rates[n]):,.0f}", f"{median(used[n]):.0%}", f"{per_cpu[n]:,.0f}") for n in rates
    ]
    alike = 2 * per_cpu[2] / per_cpu[1]
    note = (
        f"{times:.2f} times on this machine, where the client takes {median(own):.0%} of one of "
        f"{os.cpu_count()} processors; {alike:.2f} times by what each does in a processor second"
    )
    sheet = Sheet(
        title=f"(i) workers: GetPromise of {size.items} items over {CONNECTIONS} connections",
        headings=("workers", "calls a second", "processor", "calls a processor second"),
        rows=rows,
        note=note,
    )
    targets = [Target(name="two workers, by processor second", value=alike, limit=TIMES, unit="x")]
    figures = {f"workers_{count}_per_second": median(found) for count, found in rates.items()}
    return Result(sheets=[sheet], targets=targets, figures=figures | {"times": times, "times_per_cpu": alike})


@contextmanager
def served(config: Path, workers: int) -> Iterator[Running]:
    """All of them ready."""
    command = [
        sys.executable,
        "-m",
        "server.cli",
        "serve",
        "--config",
        str(config),
        "--workers",
        str(workers),
    ]
    log = config.parent / f"workers-{workers}.log"
    with running(lambda address: (command, {"SOURCIER_ADDRESS": address}), log) as server:
        until = time.monotonic() + START_LIMIT_SECONDS
        while log.read_text().count("event=started ") < workers:
            if time.monotonic() > until:
                raise RuntimeError(f"not all workers got ready:\n{log.read_text()[-4000:]}")
            time.sleep(0.2)
        yield server


def spread(address: str, asked: Sequence[bytes]) -> None:
    """Each connection has one call under way at a time, and takes the next that is left: the kernel does not
    deal connections out evenly. Raises what a call does."""
    failed: list[BaseException] = []
    left = deque(asked)

    def send() -> None:
        options = [*CHANNEL_OPTIONS, ("grpc.use_local_subchannel_pool", 1)]
        try:
            with grpc.insecure_channel(address, options=options) as channel:
                call = channel.unary_unary(SERVICE + "GetPromise")
                with suppress(IndexError):
                    while True:
                        call(left.popleft(), timeout=60)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


SPEC = BenchSpec(name="workers", what="two workers against one", run=run)
