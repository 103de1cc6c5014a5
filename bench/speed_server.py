"""(c) The server against an echo server with the same messages, over gRPC on the loopback interface.

Both run in processes of their own with the same set-up (bench.echo); one client process sends bytes made
beforehand to each in turn, keeping a number of calls under way.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import grpc

from bench.france import build_world, write_world
from bench.orders import generate_orders
from bench.processes import Running, running
from bench.spec import BenchSpec, Report, Result, Sheet, Target
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import order_to_proto

SERVICE = "/sourcing.v1.SourcingService/"
UNARY_TARGET_PERCENT, BATCH_TARGET_PERCENT = 70, 40


@dataclass(frozen=True, slots=True)
class Size:
    """stores: besides the 16 other nodes. unary, batch_orders: calls of a round, orders of a batch call.
    batches: different batch calls. Windows: calls under way at a time."""

    stores: int
    skus: int
    stock_rows: int
    rounds: int
    unary: int
    batches: int
    batch_orders: int
    batch_repeats: int
    unary_window: int = 16
    batch_window: int = 4


FULL = Size(
    stores=284,
    skus=5_000,
    stock_rows=450_000,
    rounds=7,
    unary=2_000,
    batches=8,
    batch_orders=1_000,
    batch_repeats=8,
)
SMOKE = Size(
    stores=160, skus=100, stock_rows=4_000, rounds=1, unary=20, batches=2, batch_orders=10, batch_repeats=1
)


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of call: the requests of a round, the orders in them, how many are under way at a time."""

    method: str
    suffix: str
    requests: Sequence[bytes]
    orders: int
    window: int


@dataclass(slots=True)
class Measured:
    """Of one server under one load: orders per second in each round, processor seconds in all."""

    rates: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0


def run(smoke: bool, report: Report) -> Result:
    """Rounds in which the server and the echo take turns, first with single quotes, then with batches."""
    size = SMOKE if smoke else FULL
    with tempfile.TemporaryDirectory(prefix="sourcier-bench-") as name:
        folder = Path(name)
        report("a French retailer of 300 nodes" if not smoke else "a small retailer")
        world = build_world(stores=size.stores, skus=size.skus, stock_rows=size.stock_rows)
        config = write_world(world, folder)
        loads = _loads(size, _orders(world, size))
        report("starting the server")
        with _sourcier(config, folder) as server:
            statuses = _record(server, loads, folder)
            report("starting the echo")
            with _echo(folder) as echo:
                found = {load.suffix: _measure(load, server, echo, size, report) for load in loads}
    return _result(size, loads, found, statuses)


def _orders(world: object, size: Size) -> list[sourcing_pb2.Order]:
    count = size.batches * size.batch_orders
    orders = generate_orders(world, count, 7, now_seconds=int(time.time()) + 3_600)  # type: ignore[arg-type]
    return [order_to_proto(order) for order in orders]


def _loads(size: Size, orders: Sequence[sourcing_pb2.Order]) -> list[Load]:
    single = [
        sourcing_pb2.SourceOrderRequest(order=order, validate_only=True).SerializeToString()
        for order in orders[: size.unary]
    ]
    batches = [
        sourcing_pb2.SourceOrdersRequest(
            orders=orders[i : i + size.batch_orders], validate_only=True
        ).SerializeToString()
        for i in range(0, len(orders), size.batch_orders)
    ]
    return [
        Load("SourceOrder", "unary", single, len(single), size.unary_window),
        Load(
            "SourceOrders",
            "batch",
            batches * size.batch_repeats,
            len(orders) * size.batch_repeats,
            size.batch_window,
        ),
    ]


@contextmanager
def _sourcier(config: Path, folder: Path) -> Iterator[Running]:
    command = [sys.executable, "-m", "server.cli", "serve", "--config", str(config)]
    with running(lambda address: (command, {"SOURCIER_ADDRESS": address}), folder / "server.log") as server:
        yield server


@contextmanager
def _echo(folder: Path) -> Iterator[Running]:
    def command_at(address: str) -> tuple[list[str], dict[str, str]]:
        return [sys.executable, "-m", "bench.echo", address, str(folder)], {}

    with running(command_at, folder / "echo.log") as server:
        yield server


def _record(server: Running, loads: Sequence[Load], folder: Path) -> dict[str, int]:
    """Writes the real answers for the echo to give; counts the decisions of the batches by method.
    Raises RuntimeError when an order got an error."""
    counts: dict[str, int] = {}
    for load in loads:
        call = _caller(server.channel, load)
        for i, request in enumerate(dict.fromkeys(load.requests)):
            answer = call(request, timeout=600)
            (folder / f"{i:06d}.{load.suffix}").write_bytes(answer)
            if load.suffix == "batch":
                _count(sourcing_pb2.SourceOrdersResponse.FromString(answer), counts)
    return counts


def _count(answer: sourcing_pb2.SourceOrdersResponse, counts: dict[str, int]) -> None:
    for result in answer.results:
        if result.HasField("error"):
            raise RuntimeError(f"an order of the benchmark is wrong: {result.error.message}")
        method = sourcing_pb2.Certificate.Method.Name(result.decision.certificate.method)
        counts[method] = counts.get(method, 0) + 1


def _caller(channel: grpc.Channel, load: Load) -> grpc.UnaryUnaryMultiCallable:
    """Bytes out, bytes in."""
    return channel.unary_unary(SERVICE + load.method)


def _measure(load: Load, server: Running, echo: Running, size: Size, report: Report) -> dict[str, Measured]:
    found = {"server": Measured(), "echo": Measured()}
    for round_ in range(-1, size.rounds):
        if round_ >= 0:
            report(f"{load.method}, round {round_ + 1} of {size.rounds}")
        for name, running_server in (("server", server), ("echo", echo)):
            cpu = running_server.cpu_seconds()
            rate = load.orders / send(running_server.channel, load)
            if round_ >= 0:  # the one before warms up
                found[name].rates.append(rate)
                found[name].cpu_seconds += running_server.cpu_seconds() - cpu
    return found


def send(channel: grpc.Channel, load: Load) -> float:
    """Seconds for all requests of a round. Raises RuntimeError when a call fails."""
    call, room = _caller(channel, load), threading.Semaphore(load.window)
    failed: list[grpc.Future] = []

    def ended(future: grpc.Future) -> None:
        if future.exception() is not None:
            failed.append(future)
        room.release()

    start = time.perf_counter()
    for request in load.requests:
        room.acquire()
        call.future(request, timeout=600).add_done_callback(ended)
    for _ in range(load.window):
        room.acquire()
    seconds = time.perf_counter() - start
    if failed:
        raise RuntimeError(f"{len(failed)} calls failed, the first with {failed[0].exception()}")
    return seconds


def _result(
    size: Size, loads: Sequence[Load], found: dict[str, dict[str, Measured]], methods: dict[str, int]
) -> Result:
    rows, figures = [], {}
    for load in loads:
        percent = _percent(found[load.suffix])
        for name, measured in found[load.suffix].items():
            rate = median(measured.rates)
            orders = load.orders * len(measured.rates)
            calls = rate * len(load.requests) / load.orders
            rows.append(
                (
                    f"{load.method}, {name}",
                    f"{calls:,.0f}",
                    f"{rate:,.0f}",
                    f"{measured.cpu_seconds / orders * 1e6:,.1f}",
                    f"{percent:.0f} %" if name == "server" else "",
                )
            )
            figures[f"{load.suffix}_{name}_orders_per_second"] = rate
            figures[f"{load.suffix}_{name}_cpu_us_per_order"] = measured.cpu_seconds / orders * 1e6
        figures[f"{load.suffix}_percent"] = percent
    total = sum(methods.values())
    shares = ", ".join(f"{name} {count / total:.2%}" for name, count in sorted(methods.items()))
    sheet = Sheet(
        title=f"(c) quotes over gRPC, {size.stores + 16} nodes, against an echo of the same messages",
        headings=("call", "calls a second", "orders a second", "server CPU, us an order", "of the echo"),
        rows=rows,
        note=f"{size.batch_orders:,} orders in a SourceOrders call; decided by: {shares}",
    )
    names = {"unary": UNARY_TARGET_PERCENT, "batch": BATCH_TARGET_PERCENT}
    targets = [
        Target(
            name=f"{load.method} against the echo",
            value=_percent(found[load.suffix]),
            limit=names[load.suffix],
            unit="%",
        )
        for load in loads
    ]
    return Result(sheets=[sheet], targets=targets, figures=figures)


def _percent(found: dict[str, Measured]) -> float:
    """Median over the rounds."""
    pairs = zip(found["server"].rates, found["echo"].rates, strict=True)
    return 100 * median(own / echo for own, echo in pairs)


SPEC = BenchSpec(name="server", what="quotes over gRPC against an echo server", run=run)
