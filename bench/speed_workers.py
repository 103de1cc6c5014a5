"""(i) Two workers on one port against one, over one SQLite ledger: GetPromise of many items, which costs the
server far more than the client, asked over several connections."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
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
    with tempfile.TemporaryDirectory(prefix="sourcier-bench-") as name, ExitStack() as stack:
        config = write_stores(snapshot, Path(name))
        report("starting one worker and two")
        servers = {count: stack.enter_context(served(config, count)) for count in rates}
        for number in range(-1, size.rounds):
            report(f"round {number + 1} of {size.rounds}")
            for count, server in servers.items():
                cpu, start = time.process_time(), time.perf_counter()
                spread(server.address, asked)
                seconds = time.perf_counter() - start
                if number >= 0:  # the one before warms up
                    rates[count].append(len(asked) / seconds)
                    own.append((time.process_time() - cpu) / seconds)
    times = median(two / one for one, two in zip(*rates.values(), strict=True))
    rows = [(str(count), f"{median(found):,.0f}") for count, found in rates.items()]
    note = f"{times:.2f} times; the client takes {median(own):.0%} of one of {os.cpu_count()} processors"
    sheet = Sheet(
        title=f"(i) workers: GetPromise of {size.items} items over {CONNECTIONS} connections",
        headings=("workers", "calls a second"),
        rows=rows,
        note=note,
    )
    targets = [Target(name="two workers", value=times, limit=TIMES, unit="x")]
    figures = {f"workers_{count}_per_second": median(found) for count, found in rates.items()}
    return Result(sheets=[sheet], targets=targets, figures=figures | {"times": times})


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
    """Each connection has one call under way at a time. Raises what a call does."""
    failed: list[BaseException] = []

    def send(own: Sequence[bytes]) -> None:
        options = [*CHANNEL_OPTIONS, ("grpc.use_local_subchannel_pool", 1)]
        try:
            with grpc.insecure_channel(address, options=options) as channel:
                call = channel.unary_unary(SERVICE + "GetPromise")
                for request in own:
                    call(request, timeout=60)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=send, args=(asked[i::CONNECTIONS],)) for i in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


SPEC = BenchSpec(name="workers", what="two workers against one", run=run)
