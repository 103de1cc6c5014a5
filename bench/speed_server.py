"""(c) The server against an echo server with the same messages, over gRPC on the loopback interface.

Both run in processes of their own with the same set-up (bench.echo); one client process sends bytes made
beforehand to each in turn, keeping a number of calls under way. Two kinds of traffic: plain orders of three
lines (bench.synthetic), and those of the demonstration's retailer, with everything that makes orders hard:
goods that travel alone, sold-out SKUs, fallbacks, large quantities.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from bench.france import build_world
from bench.france_files import write_world
from bench.orders import generate_orders
from bench.processes import Load, Running, call_one, running, send
from bench.spec import BenchSpec, Report, Result, Sheet, Target
from bench.synthetic import make_orders, make_snapshot
from bench.synthetic_files import write_snapshot
from router.domain import Order
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import order_to_proto

TARGET_PERCENT = {"unary": 70, "batch": 40}
SITES = 16
"""Nodes of the retailer that are no stores."""
PLAIN_LINES, PLAIN_SHARE = 3, 0.33


@dataclass(frozen=True, slots=True)
class Size:
    """unary, batch_calls: calls of a round. batches: different ones, of ``batch_orders`` orders each.
    Windows: calls under way at a time."""

    nodes: int
    skus: int
    rounds: int
    unary: int
    batches: int
    batch_orders: int
    batch_calls: int
    unary_window: int = 16
    batch_window: int = 4


FULL = Size(nodes=300, skus=5_000, rounds=7, unary=2_000, batches=5, batch_orders=1_000, batch_calls=40)
SMOKE = Size(nodes=176, skus=100, rounds=1, unary=20, batches=2, batch_orders=10, batch_calls=2)


@dataclass(slots=True)
class Measured:
    """Of one server under one load: orders a second in each round, processor seconds in all."""

    rates: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was measured with one kind of orders. methods: decisions of the batches by method."""

    loads: list[Load]
    server: dict[str, Measured]
    echo: dict[str, Measured]
    methods: Counter[str]

    def percent(self, kind: str) -> float:
        """Median over the rounds."""
        pairs = zip(self.server[kind].rates, self.echo[kind].rates, strict=True)
        return 100 * median(own / echo for own, echo in pairs)


def run(smoke: bool, report: Report) -> Result:
    """Both kinds of traffic."""
    size = SMOKE if smoke else FULL
    sources: dict[str, Callable[[Path, Size], tuple[Path, list[Order]]]] = {
        "plain": plain_orders,
        "retailer": retail_orders,
    }
    found = {}
    for name, make in sources.items():
        with tempfile.TemporaryDirectory(prefix="sourcier-bench-") as folder:
            report(f"{name}: a network of {size.nodes} nodes")
            config, orders = make(Path(folder), size)
            found[name] = measure(config, loads_of(orders, size), size, partial(_say, report, name))
    return result_of(size, found)


def _say(report: Report, name: str, now: str) -> None:
    report(f"{name}: {now}")


def plain_orders(folder: Path, size: Size) -> tuple[Path, list[Order]]:
    """Orders that the kernels take the short way."""
    snapshot = make_snapshot(nodes=size.nodes, skus=size.skus, share=PLAIN_SHARE)
    return write_snapshot(snapshot, folder), make_orders(
        snapshot, size.batches * size.batch_orders, PLAIN_LINES
    )


def retail_orders(folder: Path, size: Size) -> tuple[Path, list[Order]]:
    """Orders as they come in; deadlines are such that they stay valid for as long as this runs."""
    world = build_world(stores=size.nodes - SITES, skus=size.skus, stock_rows=size.skus * size.nodes // 4)
    soon = int(time.time()) + 3_600
    return write_world(world, folder), generate_orders(
        world, size.batches * size.batch_orders, 7, now_seconds=soon
    )


def loads_of(orders: Sequence[Order], size: Size) -> list[Load]:
    """The requests of a round, as bytes."""
    messages = [order_to_proto(order) for order in orders]
    single = [
        sourcing_pb2.SourceOrderRequest(order=order, validate_only=True).SerializeToString()
        for order in messages[: size.unary]
    ]
    batches = [
        sourcing_pb2.SourceOrdersRequest(
            orders=messages[i : i + size.batch_orders], validate_only=True
        ).SerializeToString()
        for i in range(0, len(messages), size.batch_orders)
    ]
    repeated = (batches * (size.batch_calls // len(batches) + 1))[: size.batch_calls]
    return [
        Load("SourceOrder", "unary", single, len(single), size.unary_window),
        Load("SourceOrders", "batch", repeated, len(repeated) * size.batch_orders, size.batch_window),
    ]


def measure(config: Path, loads: list[Load], size: Size, report: Report) -> Traffic:
    """Records the real answers, gives them to the echo, and lets both take turns."""
    folder = config.parent
    report("starting the server")
    with sourcier(config) as server:
        traffic = Traffic(
            loads, {x.kind: Measured() for x in loads}, {x.kind: Measured() for x in loads}, Counter()
        )
        for load in loads:
            record(server, load, folder, traffic.methods)
        report("starting the echo")
        with echo(folder) as rival:
            for load in loads:
                for number in range(-1, size.rounds):
                    report(f"{load.method}, round {number + 1} of {size.rounds}")
                    for process, found in ((server, traffic.server), (rival, traffic.echo)):
                        cpu = process.cpu_seconds()
                        rate = load.orders / send(process, load)
                        if number >= 0:  # the one before warms up
                            found[load.kind].rates.append(rate)
                            found[load.kind].cpu_seconds += process.cpu_seconds() - cpu
    return traffic


@contextmanager
def sourcier(config: Path) -> Iterator[Running]:
    """The real server, as it comes, with stock in a SQLite ledger."""
    command = [sys.executable, "-m", "server.cli", "serve", "--config", str(config)]
    log = config.parent / "server.log"
    with running(lambda address: (command, {"SOURCIER_ADDRESS": address}), log) as server:
        yield server


@contextmanager
def echo(folder: Path) -> Iterator[Running]:
    """The echo of the answers recorded in a folder."""

    def command_at(address: str) -> tuple[list[str], dict[str, str]]:
        return [sys.executable, "-m", "bench.echo", address, str(folder)], {}

    with running(command_at, folder / "echo.log") as server:
        yield server


def record(server: Running, load: Load, folder: Path, methods: Counter[str]) -> None:
    """Writes the real answers for the echo to give; counts the decisions of batches by method. Raises
    RuntimeError when an order got an error."""
    for i, request in enumerate(dict.fromkeys(load.requests)):
        answer = call_one(server, load, request)
        (folder / f"{i:06d}.{load.kind}").write_bytes(answer)
        if load.kind == "batch":
            for result in sourcing_pb2.SourceOrdersResponse.FromString(answer).results:
                if result.HasField("error"):
                    raise RuntimeError(f"an order of the benchmark is wrong: {result.error.message}")
                certificate = result.decision.certificate
                methods[sourcing_pb2.Certificate.Method.Name(certificate.method)] += 1


def result_of(size: Size, found: dict[str, Traffic]) -> Result:
    """A table for each kind of traffic; both count."""
    sheets, targets = [], []
    figures: dict[str, float] = {}
    for name, traffic in found.items():
        rows = []
        for load in traffic.loads:
            percent = traffic.percent(load.kind)
            figures[f"{name}_{load.kind}_percent"] = percent
            for who, measured in (("server", traffic.server[load.kind]), ("echo", traffic.echo[load.kind])):
                rate = median(measured.rates)
                cpu_us = measured.cpu_seconds / (load.orders * len(measured.rates)) * 1e6
                calls = rate * len(load.requests) / load.orders
                share = f"{percent:.0f} %" if who == "server" else ""
                rows.append(
                    (f"{load.method}, {who}", f"{calls:,.0f}", f"{rate:,.0f}", f"{cpu_us:,.1f}", share)
                )
                figures[f"{name}_{load.kind}_{who}_orders_per_second"] = rate
                figures[f"{name}_{load.kind}_{who}_cpu_us_per_order"] = cpu_us
            limit = TARGET_PERCENT[load.kind]
            targets.append(
                Target(name=f"{load.method} of the echo, {name}", value=percent, limit=limit, unit=" %")
            )
        total = traffic.methods.total()
        shares = ", ".join(f"{m} {n / total:.1%}" for m, n in traffic.methods.most_common())
        sheets.append(
            Sheet(
                title=f"(c) quotes over gRPC, {size.nodes} nodes, {name} orders",
                headings=("call", "calls a second", "orders a second", "CPU us an order", "of the echo"),
                rows=rows,
                note=f"{size.batch_orders:,} orders in a SourceOrders call; proven by {shares}",
            )
        )
    return Result(sheets=sheets, targets=targets, figures=figures)


SPEC = BenchSpec(name="server", what="quotes over gRPC against an echo server", run=run)
