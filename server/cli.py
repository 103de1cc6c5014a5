"""Decide where orders come from. Exit codes and examples: docs/cli.md."""

from __future__ import annotations

import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from google.protobuf import json_format
from google.protobuf.message import Message
from rich.console import RenderableType
from typer.core import TyperGroup

from router.errors import InvalidConfig, SourcierError
from server.api.sourcing.v1 import node_pb2, returns_pb2, sourcing_pb2, stock_pb2
from server.app import App, Serving
from server.client import CallFailed, Client, LocalClient, RemoteClient
from server.config import Config, load_config
from server.connection import use_connection
from server.exits import Exit, complain
from server.health import health
from server.ledger_files import ledger_app
from server.load.network import load_network
from server.load.rules import load_rules
from server.load.times import use_packaged_zones
from server.logs import LogFormat, LogLevel, set_up
from server.node_view import node_view, state_request
from server.opening import catalogue_of, open_gate, open_ledger, open_world, read_inputs
from server.order_file import OrderFile, read_order_file
from server.progress import progress_bars
from server.request_file import RequestFile, read_request_file
from server.resource_tables import resourcing_view
from server.return_tables import returns_view
from server.rules_watch import RulesWatch
from server.status import failure_of
from server.stock_import import import_remotely, receipt_rows, stock_rows
from server.tables import console_for, decision_view, explanation_view, ranking_view, stock_table
from server.telemetry import Telemetry
from server.warm import notice
from server.workers import check_workers, serve_together, worker_number
from server.world import World

DEFAULT_CONFIG = Path("sourcier.yaml")
T = TypeVar("T")


class Commands(TyperGroup):
    """Ends commands that raise with the exit code of what went wrong, told on the standard error. Says so
    when kernels have to be compiled first."""

    def invoke(self, ctx: Any) -> Any:
        try:
            with notice():
                return super().invoke(ctx)
        except CallFailed as error:
            raise typer.Exit(complain(error.failure)) from error
        except SourcierError as error:
            raise typer.Exit(complain(failure_of(error))) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(Exit.INTERRUPTED) from error
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise
        except Exception as error:
            traceback.print_exc()
            raise typer.Exit(Exit.INTERNAL) from error


app = typer.Typer(
    cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
app.callback()(use_connection)
rules_app = typer.Typer(no_args_is_help=True, help="Rule files.")
stock_app = typer.Typer(no_args_is_help=True, help="Stock.")
node_app = typer.Typer(no_args_is_help=True, help="Nodes.")
app.add_typer(rules_app, name="rules")
app.add_typer(stock_app, name="stock")
app.add_typer(node_app, name="node")
app.add_typer(ledger_app, name="ledger")
app.command()(health)


class Output(StrEnum):
    """table: for people; json: protobuf JSON and nothing else on the standard output."""

    TABLE = "table"
    JSON = "json"


OrderArgument = Annotated[
    str, typer.Argument(metavar="ORDER.json", help="An order, or a SourceOrderRequest; - reads stdin.")
]
NodeArgument = Annotated[str, typer.Argument(metavar="NODE", help="A node of the network.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Config file to work on; sourcier.yaml by default.")
]
TargetOption = Annotated[
    str, typer.Option("--target", metavar="HOST:PORT", help="Ask this server instead of a config.")
]
OutputOption = Annotated[Output, typer.Option("--output", help="table for people, json for machines.")]


@app.command()
def serve(
    config: ConfigOption = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=64, help="Processes that share the port.")
    ] = None,
    log_level: Annotated[LogLevel, typer.Option("--log-level", envvar="SOURCIER_LOG_LEVEL")] = LogLevel.INFO,
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", envvar="SOURCIER_LOG_FORMAT")
    ] = LogFormat.TEXT,
) -> None:
    """Serve until SIGTERM or SIGINT."""
    set_up(log_level, log_format)
    path = config or DEFAULT_CONFIG
    settings = load_config(path)
    count = workers or settings.workers
    check_workers(settings, count)
    if count > 1 and not worker_number():
        options = ("--log-level", log_level.value, "--log-format", log_format.value)
        raise typer.Exit(serve_together(settings, path, count, options))
    world = _open(settings)
    serving = Serving.of(settings, shares_port=worker_number() > 0)
    gate = open_gate(settings, world.now_seconds)
    telemetry, rules = (
        Telemetry.of(settings, worker_number()),
        RulesWatch(settings.rules, world, gate.note_rules),
    )
    App(world, serving, rules, telemetry, gate).run_until_told()


@app.command()
def source(
    order: OrderArgument,
    config: ConfigOption = None,
    target: TargetOption = "",
    reserve: Annotated[bool, typer.Option("--reserve", help="Hold the plan's stock.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Decide one order. Without --reserve it is a quote."""
    file = read_order_file(order)
    file.request.validate_only = not reserve
    if reserve and not file.request.request_id:
        file.request.request_id = f"cli-{uuid.uuid4()}"
    with _client(config, target) as client:
        response = _located(file, lambda: client.source(file.request))
    _show(response, output, lambda: _source_view(response))
    raise typer.Exit(_exit_of(response.decision))


@app.command()
def explain(
    order: OrderArgument,
    config: ConfigOption = None,
    target: TargetOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Decide one order, as a quote, and tell why it came out so: plan, proof, alternatives, every node."""
    file = read_order_file(order)
    file.request.validate_only = True
    file.request.explain = True
    with _client(config, target) as client:
        response = _located(file, lambda: client.source(file.request))
    _show(response, output, lambda: explanation_view(response.decision, response.explanation))
    raise typer.Exit(_exit_of(response.decision))


@app.command()
def rank(
    order: OrderArgument,
    config: ConfigOption = None,
    target: TargetOption = "",
    nodes: Annotated[int, typer.Option("--nodes", min=1, max=10_000, help="Nodes listed per line.")] = 20,
    rejected: Annotated[bool, typer.Option("--rejected", help="List the rejected nodes too.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Rank the nodes that could supply each line of an order."""
    file = read_order_file(order)
    request = sourcing_pb2.RankNodesRequest(
        order=file.request.order, max_nodes_per_line=nodes, include_rejected=rejected
    )
    with _client(config, target) as client:
        response = _located(file, lambda: client.rank(request))
    _show(response, output, lambda: ranking_view(response))


@app.command()
def returns(
    file: Annotated[
        str, typer.Argument(metavar="RETURN.json", help="A RankReturnNodesRequest; - reads stdin.")
    ],
    config: ConfigOption = None,
    target: TargetOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Rank where returned goods should go."""
    asked = read_request_file(file, returns_pb2.RankReturnNodesRequest)
    with _client(config, target) as client:
        response = _located(asked, lambda: client.rank_returns(asked.request))
    _show(response, output, lambda: returns_view(response))
    raise typer.Exit(Exit.OK if response.plans else Exit.UNSOURCEABLE)


@app.command()
def resource(
    file: Annotated[
        str, typer.Argument(metavar="RESOURCE.json", help="A ResourceOrderRequest; - reads stdin.")
    ],
    config: ConfigOption = None,
    target: TargetOption = "",
    quote: Annotated[bool, typer.Option("--quote", help="Only tell what would be done.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Source again what nodes have rejected, keep the rest held, correct the stock."""
    asked = read_request_file(file, sourcing_pb2.ResourceOrderRequest)
    asked.request.validate_only = quote
    if not quote and not asked.request.request_id:
        asked.request.request_id = f"cli-{uuid.uuid4()}"
    with _client(config, target) as client:
        response = _located(asked, lambda: client.resource(asked.request))
    _show(response, output, lambda: resourcing_view(response))
    raise typer.Exit(_exit_of(response.decision) if response.HasField("decision") else Exit.OK)


@rules_app.command("check")
def rules_check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A rule file.")],
    config: Annotated[
        Path | None, typer.Option("--config", help="Check names against this config's network and SKUs too.")
    ] = None,
) -> None:
    """Tell everything that is wrong with a rule file."""
    if config is None:
        _, warnings = load_rules(file)
    else:
        settings = load_config(config)
        network, _ = load_network(
            settings.network,
            settings.nodes,
            now_seconds=_clock(),
            closures=settings.closures,
            pickup_points=settings.pickup_points,
            trust=settings.trust,
            offers=settings.offers,
        )
        _, warnings = load_rules(file, network, catalogue_of(settings))
    stderr = console_for(stderr=True)
    for warning in warnings:
        stderr.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    console_for().print(f"{file}: no mistakes, {len(warnings)} warnings", markup=False, soft_wrap=True)


@stock_app.command("import")
def stock_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or Parquet: sku_id, node_id, on_hand.")],
    config: ConfigOption = None,
    target: TargetOption = "",
    receipts: Annotated[
        bool, typer.Option("--receipts", help="FILE has receipts: sku_id, node_id, expected_at, units.")
    ] = False,
) -> None:
    """Set the stock rows, or the receipts, of a file, in the config's ledger or through a running server."""
    settings = load_config(config or DEFAULT_CONFIG)
    if settings.ledger is None and not target:
        raise InvalidConfig.at("ledger.kind", "is memory: there is nothing to import into without --target")
    inputs = read_inputs(settings, _clock())
    with progress_bars() as report:
        rows = receipt_rows(file, inputs) if receipts else stock_rows(file, inputs, report)
        told = report("writing receipts" if receipts else "writing stock")
        if target:
            version = import_remotely(target, rows, told)
        else:
            ledger = open_ledger(settings, inputs, _clock, report)
            try:
                version = rows.into(ledger, told)
            finally:
                ledger.close()
    console_for().print(f"{rows.row_count:,} rows set, stock version {version}")


@stock_app.command("show")
def stock_show(
    sku: Annotated[str, typer.Argument(metavar="SKU", help="A SKU of the catalogue.")],
    config: ConfigOption = None,
    target: TargetOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """What every node has of a SKU, and what of it can be promised."""
    with _client(config, target) as client:
        response = client.availability(stock_pb2.GetAvailabilityRequest(sku_ids=[sku]))
    _show(response, output, lambda: stock_table(response))


@node_app.command("show")
def node_show(
    node: NodeArgument,
    config: ConfigOption = None,
    target: TargetOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Whether a node is on, what waits there, and the room of its next days."""
    with _client(config, target) as client:
        state = client.node_state(node_pb2.GetNodeStateRequest(node_id=node))
    _show(state, output, lambda: node_view(state))


@node_app.command("set")
def node_set(
    node: NodeArgument,
    config: ConfigOption = None,
    target: TargetOption = "",
    off_until: Annotated[
        str, typer.Option("--off-until", metavar="TIME", help="Off until then: 2026-12-24T18:00:00+01:00.")
    ] = "",
    on: Annotated[bool, typer.Option("--on", help="On again.")] = False,
    backlog: Annotated[
        list[str] | None, typer.Option(metavar="KIND=LOAD", help="What waits: orders=5; also lines, units.")
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Switch a node off or on, and state what waits there."""
    request = state_request(node, off_until, on=on, backlog=backlog or ())
    with _client(config, target) as client:
        state = client.set_node_state(request)
    _show(state, output, lambda: node_view(state))


def _source_view(response: sourcing_pb2.SourceOrderResponse) -> RenderableType:
    if response.HasField("explanation"):
        return explanation_view(response.decision, response.explanation)
    return decision_view(response)


def _exit_of(decision: sourcing_pb2.Decision) -> int:
    nothing = decision.status == sourcing_pb2.DECISION_STATUS_UNSOURCEABLE
    return Exit.UNSOURCEABLE if nothing else Exit.OK


def _show(response: Message, output: Output, view: Callable[[], RenderableType]) -> None:
    if output is Output.JSON:
        sys.stdout.write(json_format.MessageToJson(response) + "\n")
    else:
        console_for().print(view())


def _clock() -> int:
    return int(time.time())


def _open(settings: Config) -> World:
    with progress_bars() as report:
        inputs = read_inputs(settings, _clock(), report)
        return open_world(settings, inputs, _clock, report)


def _local_client(config: Path | None) -> LocalClient:
    return LocalClient(_open(load_config(config or DEFAULT_CONFIG)))


@contextmanager
def _client(config: Path | None, target: str) -> Iterator[Client]:
    """A running server, or the config's own world."""
    if target and config is not None:
        raise typer.BadParameter("give --config or --target, not both")
    client: Client = RemoteClient(target) if target else _local_client(config)
    try:
        yield client
    finally:
        client.close()


def _located(file: OrderFile | RequestFile[Any], call: Callable[[], T]) -> T:
    """What is wrong with the input is told by the names of its file."""
    try:
        return call()
    except CallFailed as error:
        violations = tuple(file.located(violation) for violation in error.failure.violations)
        raise CallFailed(replace(error.failure, violations=violations)) from error


def main() -> None:
    """Entry point of the command ``sourcier``."""
    use_packaged_zones()
    app(prog_name="sourcier")


if __name__ == "__main__":
    main()
