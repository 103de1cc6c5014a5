"""The echo server: what gRPC in Python costs when nothing is decided.

``python -m bench.echo ADDRESS FOLDER`` serves SourcingService with the real server's set-up (threads,
options, generated classes). A call parses its request, takes the next ready response and serialises it. The
responses are what the real server answered, read from FOLDER: a serialised SourceOrderResponse in every
``*.unary`` file, a SourceOrdersResponse in every ``*.batch`` file.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from server.api.sourcing.v1 import sourcing_pb2, sourcing_pb2_grpc

THREADS = 8
"""The real server's default."""
MAX_MESSAGE_BYTES = 64 * 1024 * 1024


class EchoService(sourcing_pb2_grpc.SourcingServiceServicer):
    """Answers with ready messages, in turn."""

    def __init__(self, folder: Path) -> None:
        unary, batch = sourcing_pb2.SourceOrderResponse, sourcing_pb2.SourceOrdersResponse
        self._unary = itertools.cycle([unary.FromString(raw) for raw in _recorded(folder, "unary")])
        self._batch = itertools.cycle([batch.FromString(raw) for raw in _recorded(folder, "batch")])

    def SourceOrder(  # noqa: N802
        self, request: sourcing_pb2.SourceOrderRequest, context: grpc.ServicerContext
    ) -> sourcing_pb2.SourceOrderResponse:
        return next(self._unary)

    def SourceOrders(  # noqa: N802
        self, request: sourcing_pb2.SourceOrdersRequest, context: grpc.ServicerContext
    ) -> sourcing_pb2.SourceOrdersResponse:
        return next(self._batch)


def _recorded(folder: Path, kind: str) -> Iterator[bytes]:
    return (path.read_bytes() for path in sorted(folder.glob(f"*.{kind}")))


def main(arguments: list[str]) -> int:
    """Serves until the process is told to end."""
    address, folder = arguments
    server = grpc.server(
        ThreadPoolExecutor(THREADS, thread_name_prefix="call"),
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ],
    )
    sourcing_pb2_grpc.add_SourcingServiceServicer_to_server(EchoService(Path(folder)), server)  # type: ignore[abstract]
    state = health.HealthServicer()
    state.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    server.add_insecure_port(address)
    server.start()
    threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
