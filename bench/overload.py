"""(h) More calls than a server can answer: what still comes back in time, with limits and without.

GetPromise of many items is asked for at a multiple of the rate that the server reaches when it is asked by
turns; every call has a deadline. Beside it a few units are held and given back, over a connection of its own.
The same server without limits (endless room and patience) is the alternative.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from bench.processes import SERVICE, Load, Running, send
from bench.spec import BenchSpec, Report, Result, Sheet, Target
from bench.speed_promise import requests, write_stores
from bench.speed_server import sourcier
from bench.synthetic import make_snapshot
from server.api.sourcing.v1 import reservation_pb2, reservation_pb2_grpc

TIMES = (0.5, 1.0, 2.0, 5.0)
"""Of the rate that can be answered."""
GOODPUT_PERCENT = 80
WAYS = {
    "with limits": {},
    "without": {
        "max_calls_per_connection": 1_000_000,
        "max_waiting_calls": 1_000_000,
        "max_wait_millis": 3_600_000,
    },
}


@dataclass(frozen=True, slots=True)
class Size:
    nodes: int
    skus: int
    items: int
    calls: int
    seconds: float
    deadline_seconds: float = 1.0


FULL = Size(nodes=300, skus=5_000, items=200, calls=300, seconds=8.0)
SMOKE = Size(nodes=30, skus=50, items=3, calls=10, seconds=0.3)


@dataclass(slots=True)
class Seen:
    """Of one level of load. answered: seconds each answer took."""

    offered: int = 0
    answered: list[float] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    released: list[float] = field(default_factory=list)
    rss_bytes: int = 0
    seconds: float = 1.0

    @property
    def goodput(self) -> float:
        """Answers a second that came in time."""
        return len(self.answered) / self.seconds

    def percentile(self, taken: Sequence[float]) -> float:
        """p99 in milliseconds, 0 of nothing."""
        return float(np.percentile(taken, 99)) * 1_000 if taken else 0.0


def run(smoke: bool, report: Report) -> Result:
    """Every level against both servers, which are started one after the other."""
    size = SMOKE if smoke else FULL
    snapshot = make_snapshot(nodes=size.nodes, skus=size.skus, share=0.33)
    asked = requests(snapshot, size.calls, size.items, 3)
    load = Load("GetPromise", "promise", asked, len(asked), 16)
    found: dict[tuple[str, float], Seen] = {}
    peak = 0.0
    with tempfile.TemporaryDirectory(prefix="sourcier-bench-") as name:
        config = write_stores(snapshot, Path(name))
        plain = json.loads(config.read_text(encoding="utf-8"))
        for way, limits in WAYS.items():
            config.write_text(
                json.dumps(plain | {"server": plain.get("server", {}) | limits}), encoding="utf-8"
            )
            with sourcier(config) as server:
                rates = [load.orders / send(server, load) for _ in range(3)]
                peak = peak or max(rates[1:])
                stock = snapshot.stock
                where = snapshot.catalogue.ids.name(0), snapshot.compiled.node_ids[int(stock.node_ix[0])]
                for times in TIMES:
                    report(f"{way}, {times:g} times {peak:,.0f} calls a second")
                    found[way, times] = offered(server, asked, times * peak, size, where)
    return result_of(found, peak)


def offered(server: Running, asked: Sequence[bytes], rate: float, size: Size, where: tuple[str, str]) -> Seen:
    """Calls at a steady rate, whatever becomes of those before."""
    seen, lock, room = Seen(seconds=size.seconds), threading.Lock(), threading.Event()
    call = server.channel.unary_unary(SERVICE + "GetPromise")
    left = [1]

    def ended(future: Any, began: float) -> None:
        taken = time.perf_counter() - began
        with lock:
            code = future.code()
            seen.codes[code.name] += 1
            if code is grpc.StatusCode.OK:
                seen.answered.append(taken)
            left[0] -= 1
            if not left[0]:
                room.set()

    stopped = threading.Event()
    holder = threading.Thread(target=keep_holding, args=(server, where, seen, stopped))
    holder.start()
    start = time.perf_counter()
    while (now := time.perf_counter() - start) < size.seconds:
        while seen.offered < now * rate:
            with lock:
                left[0] += 1
            began = time.perf_counter()
            future = call.future(asked[seen.offered % len(asked)], timeout=size.deadline_seconds)
            future.add_done_callback(lambda done, began=began: ended(done, began))
            seen.offered += 1
        time.sleep(0.001)
    with lock:
        left[0] -= 1
        if not left[0]:
            room.set()
    room.wait(60)
    stopped.set()
    holder.join()
    seen.rss_bytes = resident_bytes(server.pid)
    return seen


def keep_holding(server: Running, where: tuple[str, str], seen: Seen, stopped: threading.Event) -> None:
    """Stock is held and given back, and the time of the latter noted, ten times a second at most."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(server.address, options=options) as channel:
        stub = reservation_pb2_grpc.ReservationServiceStub(channel)
        number = 0
        while not stopped.wait(0.1):
            number += 1
            hold_once(stub, f"{time.time()}-{number}", where, seen)


def hold_once(stub: Any, request_id: str, where: tuple[str, str], seen: Seen) -> None:
    """A unit is held and given back."""
    hold = reservation_pb2.ReservationHold(sku_id=where[0], node_id=where[1], quantity=1)
    request = reservation_pb2.CreateReservationRequest(request_id=request_id, order_id="o", holds=[hold])
    try:
        held = stub.CreateReservation(request, timeout=5)
        began = time.perf_counter()
        release = reservation_pb2.ReleaseReservationRequest(reservation_id=held.reservation_id)
        stub.ReleaseReservation(release, timeout=5)
        seen.released.append(time.perf_counter() - began)
    except grpc.RpcError as error:
        seen.codes[f"holding: {error.code().name}"] += 1  # type: ignore[attr-defined]


def resident_bytes(pid: int) -> int:
    """Of a process; 0 where the machine does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), 0)


def result_of(found: dict[tuple[str, float], Seen], peak: float) -> Result:
    """The table, the targets and the plot's figures."""
    rows = []
    figures = {"peak_per_second": peak}
    for (way, times), seen in found.items():
        refused = (seen.codes["RESOURCE_EXHAUSTED"] + seen.codes["UNAVAILABLE"]) / seen.seconds
        late = (seen.codes["DEADLINE_EXCEEDED"] + seen.codes["CANCELLED"]) / seen.seconds
        rows.append(
            (
                f"{times:g} x, {way}",
                f"{seen.offered / seen.seconds:,.0f}",
                f"{seen.goodput:,.0f}",
                f"{refused:,.0f}",
                f"{late:,.0f}",
                f"{seen.percentile(seen.answered):,.0f}",
                f"{seen.percentile(seen.released):,.0f}",
                f"{seen.rss_bytes / 1e6:,.0f}",
            )
        )
        figures[f"{way} {times:g} goodput"] = seen.goodput
        figures[f"{way} {times:g} p99_ms"] = seen.percentile(seen.answered)
    best = max(seen.goodput for (way, _), seen in found.items() if way == "with limits")
    last = found["with limits", TIMES[-1]]
    percent = 100 * last.goodput / best if best else 0.0
    headings = ("load", "offered/s", "in time/s", "refused/s", "too late/s", "p99 ms", "release p99 ms", "MB")
    sheet = Sheet(
        title=f"(h) overload: GetPromise at multiples of {peak:,.0f} calls a second, deadline 1 s",
        headings=headings,
        rows=rows,
    )
    target = Target(
        name="goodput at 5 times the capacity, of the best", value=percent, limit=GOODPUT_PERCENT, unit=" %"
    )
    return Result(sheets=[sheet], targets=[target], figures=figures)


SPEC = BenchSpec(name="overload", what="what comes back in time when too much is asked", run=run)
