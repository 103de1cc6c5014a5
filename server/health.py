"""``sourcier health``: asks a server whether it serves, as probes do."""

from __future__ import annotations

from typing import Annotated

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from server.connection import open_channel
from server.exits import Exit
from server.tables import console_for


def health(
    target: Annotated[str, typer.Option("--target", metavar="HOST:PORT", help="The server.")],
    seconds: Annotated[float, typer.Option("--timeout", min=0.1, max=60, help="To wait for an answer.")] = 3,
) -> None:
    """Tell whether a server is SERVING; exit code 5 when it is not or does not answer."""
    names = health_pb2.HealthCheckResponse.ServingStatus
    with open_channel(target) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=seconds
            )
        except grpc.RpcError as error:
            text = error.code().name if isinstance(error, grpc.Call) else repr(error)
            console_for(stderr=True).print(f"{target}: {text}", markup=False, soft_wrap=True)
            raise typer.Exit(Exit.UNREACHABLE) from error
    console_for().print(names.Name(answer.status), markup=False)
    raise typer.Exit(Exit.OK if answer.status == names.SERVING else Exit.UNREACHABLE)
