"""``make demo``: a French retailer on real geography. Starts the server with its defaults, sends orders over
gRPC, compares with what shops do today on the same orders, explains one decision in full, and shows one of
every kind: collected, brought to stores, drop-shipped, promised, returned.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.baselines import nearest_first, priority_first
from bench.france import World, build_world
from bench.france_files import write_world
from bench.geography import CREDIT
from bench.kind_tables import LOCAL, kinds_table, promise_table
from bench.kinds import KINDS, Desk
from bench.omnichannel import omnichannel
from bench.orders import generate_orders
from bench.rivals import Outcome, Rival
from router.domain import Order, Plan, Status
from router.snapshot import Snapshot
from router.stock import Stock
from server.api.sourcing.v1 import sourcing_pb2, sourcing_pb2_grpc
from server.config import load_config
from server.convert import order_to_proto
from server.load.stock import read_stock
from server.load.times import use_packaged_zones
from server.opening import read_inputs
from server.return_tables import returns_view
from server.tables import explanation_view

DAY_SECONDS = 86_400
START_LIMIT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Figures:
    """One order under one policy: units sent, cost, shipments, seconds to the last arrival."""

    complete: bool
    units: int
    cents: int
    shipments: int
    seconds: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the demonstration; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=2_000)
    parser.add_argument("--stores", type=int, default=320)
    parser.add_argument("--skus", type=int, default=5_000)
    parser.add_argument("--stock-rows", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    console = Console(width=max(150, Console().width))
    use_packaged_zones()
    now_seconds = int(time.time())
    now = datetime.fromtimestamp(now_seconds, LOCAL)
    with tempfile.TemporaryDirectory(prefix="sourcier-demo-") as name:
        world = omnichannel(
            build_world(
                stores=wanted.stores, skus=wanted.skus, stock_rows=wanted.stock_rows, seed=wanted.seed
            ),
            today=now.date(),
            seed=wanted.seed,
        )
        config_path = write_world(world, Path(name))
        console.print(
            f"[bold]A French retailer[/]: {len(world.nodes)} nodes ({wanted.stores} stores), "
            f"{len(world.pickup_points)} pick-up points, {wanted.skus:,} SKUs, {wanted.stock_rows:,} stock "
            f"rows, on {now:%A %d %B %Y, %H:%M} in Paris.\n[dim]{CREDIT}[/]"
        )
        orders = generate_orders(world, wanted.orders, wanted.seed, now_seconds=now_seconds)
        with served(config_path, console) as channel:
            answers = source_all(channel, orders, console)
            policies = {"Sourcier": [ours(answer) for answer in answers]}
            policies |= rivals_on(orders, config_path, now_seconds, console)
            console.print(outcome_table(policies), comparison_table(policies))
            explain_one(channel, answers, console)
            show_kinds(channel, world, wanted.seed, console)
    return 0


@contextmanager
def served(config_path: Path, console: Console) -> Iterator[grpc.Channel]:
    """A server process of its own on a free port; ready when it says so, drained at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "server.cli", "serve", "--config", str(config_path)]
    log = config_path.parent / "server.log"
    environment = {**os.environ, "SOURCIER_ADDRESS": target}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        with grpc.insecure_channel(target) as channel:
            with console.status("starting the server (the first start on a machine compiles the kernels)"):
                wait_until_serving(channel, process, log)
            console.print(f"server ready on {target}, stock in a SQLite ledger\n")
            yield channel
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_until_serving(channel: grpc.Channel, process: subprocess.Popen[bytes], log: Path) -> None:
    """Raises RuntimeError with the server's log when it ends or does not get ready."""
    health = health_pb2_grpc.HealthStub(channel)
    for _ in range(START_LIMIT_SECONDS * 4):
        if process.poll() is not None:
            break
        try:
            answer = health.Check(health_pb2.HealthCheckRequest(), timeout=2)
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                return
        except grpc.RpcError:
            pass
        time.sleep(0.25)
    raise RuntimeError(f"the server did not get ready:\n{log.read_text()[-4000:]}")


def tracked(orders: Sequence[Order], title: str, console: Console) -> Iterator[Order]:
    """The orders, with a progress bar."""
    columns = (TextColumn("{task.description:<22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        yield from progress.track(orders, description=title)


def source_all(
    channel: grpc.Channel, orders: Sequence[Order], console: Console
) -> list[sourcing_pb2.SourceOrderResponse]:
    """Every order sourced and its stock held, one call each, in order."""
    stub = sourcing_pb2_grpc.SourcingServiceStub(channel)
    return [
        stub.SourceOrder(
            sourcing_pb2.SourceOrderRequest(
                request_id=f"demo-{order.order_id}", order=order_to_proto(order), hold_seconds=3_600
            ),
            timeout=60,
        )
        for order in tracked(orders, "Sourcier over gRPC", console)
    ]


def rivals_on(
    orders: Sequence[Order], config_path: Path, now_seconds: int, console: Console
) -> dict[str, list[Figures]]:
    """The same orders by what shops do today, each from the stock at the start."""
    policies = {}
    for title, walk in {"nearest node first": nearest_first, "priority first": priority_first}.items():
        rival = Rival(walk, snapshot_of(config_path, now_seconds), now_seconds)
        outcomes = [rival.source(order) for order in tracked(orders, title, console)]
        policies[title] = [theirs(outcome, now_seconds) for outcome in outcomes]
    return policies


def snapshot_of(config_path: Path, now_seconds: int) -> Snapshot:
    """The retailer at the start, read from the same files as the server's."""
    config = load_config(config_path)
    inputs = read_inputs(config, now_seconds)
    if config.stock is None:
        raise RuntimeError("the demonstration's config names no stock file")
    feed = read_stock(config.stock, inputs.catalogue, inputs.network.nodes)
    stock = Stock.of(
        len(inputs.catalogue),
        len(inputs.network.nodes),
        feed.sku_ix,
        feed.node_ix,
        feed.on_hand - feed.safety_stock,
    )
    return Snapshot.build(inputs.network, inputs.catalogue, inputs.rules, stock)


def ours(answer: sourcing_pb2.SourceOrderResponse) -> Figures:
    """Figures of a decision of the server."""
    decision = answer.decision
    plan = decision.plan
    return Figures(
        complete=decision.status == int(Status.SOURCED),
        units=sum(pick.quantity for shipment in plan.shipments for pick in shipment.picks),
        cents=plan.cost.total_cents,
        shipments=len(plan.shipments),
        seconds=plan.promise_time.seconds - decision.decide_time.seconds if plan.shipments else 0,
    )


def theirs(outcome: Outcome, now_seconds: int) -> Figures:
    """Figures of a greedy walk."""
    plan: Plan | None = outcome.plan
    return Figures(
        complete=outcome.complete,
        units=outcome.units,
        cents=plan.total_cents if plan else 0,
        shipments=len(plan.shipments) if plan else 0,
        seconds=plan.promise_seconds - now_seconds if plan else 0,
    )


def outcome_table(policies: dict[str, list[Figures]]) -> Table:
    """What became of all orders."""
    table = Table(title="All orders", title_justify="left")
    for heading in ("policy", "sourced", "partial", "unsourceable", "units sent"):
        table.add_column(heading, justify="left" if heading == "policy" else "right")
    for title, rows in policies.items():
        partial = sum(1 for r in rows if r.units and not r.complete)
        counts = (sum(r.complete for r in rows), partial, sum(1 for r in rows if not r.units))
        table.add_row(title, *(f"{n:,}" for n in counts), f"{sum(r.units for r in rows):,}")
    table.caption = (
        "The walks know no limit on nodes, no least value of a part and no all-or-nothing strategy: "
        "they send what the rules of the shop would rather not."
    )
    return table


def comparison_table(policies: dict[str, list[Figures]]) -> Table:
    """Cost, shipments and days on the orders that every policy sent whole: like with like."""
    both = [all(r.complete for r in rows) for rows in zip(*policies.values(), strict=True)]
    table = Table(title=f"The {sum(both):,} orders that every policy sent whole", title_justify="left")
    for heading in ("policy", "cost per order", "against Sourcier", "shipments per order", "days to deliver"):
        table.add_column(heading, justify="left" if heading == "policy" else "right")
    reference = 0.0
    for title, rows in policies.items():
        chosen = [r for r, keep in zip(rows, both, strict=True) if keep]
        count = max(1, len(chosen))
        cents = sum(r.cents for r in chosen) / count
        reference = reference or cents
        table.add_row(
            title,
            f"{cents / 100:.2f} EUR",
            "" if cents == reference else f"{(cents / reference - 1) * 100:+.1f} %",
            f"{sum(r.shipments for r in chosen) / count:.3f}",
            f"{sum(r.seconds for r in chosen) / count / DAY_SECONDS:.2f}",
        )
    return table


def explain_one(
    channel: grpc.Channel, answers: Sequence[sourcing_pb2.SourceOrderResponse], console: Console
) -> None:
    """The last decision with several shipments, explained by the server."""
    split = [a.decision for a in answers if len(a.decision.plan.shipments) > 1]
    decision = (split or [a.decision for a in answers])[-1]
    stub = sourcing_pb2_grpc.SourcingServiceStub(channel)
    answer = stub.ExplainDecision(
        sourcing_pb2.ExplainDecisionRequest(decision_id=decision.decision_id), timeout=120
    )
    console.rule("one decision explained")
    console.print(explanation_view(answer.decision, answer.explanation))


def show_kinds(channel: grpc.Channel, world: World, seed: int, console: Console) -> None:
    """Orders of every kind, a product page and a return, after all that was sold before."""
    desk = Desk(channel, world, seed)
    console.rule("one decision of each kind")
    with console.status("looking for customers who order so"):
        found = [desk.source(kind) for kind in KINDS]
        promised = desk.promise()
        returned = desk.rank_return(found[0])
    console.print(kinds_table(found), promise_table(*promised))
    line = found[0].order.lines[0]
    console.print(
        f"[bold]A return[/]: {line.quantity} x {line.sku_id} of the first order comes back, unpacked"
    )
    console.print(returns_view(returned))


if __name__ == "__main__":
    sys.exit(main())
