"""What a client of a server takes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from server.api.sourcing.v1 import sourcing_pb2, sourcing_pb2_grpc
from server.client import RemoteClient

NAME_BYTES = 5 * 1024 * 1024
"""More than gRPC takes by default."""


class Verbose(sourcing_pb2_grpc.SourcingServiceServicer):
    def RankNodes(  # noqa: N802
        self, request: sourcing_pb2.RankNodesRequest, context: grpc.ServicerContext
    ) -> sourcing_pb2.RankNodesResponse:
        return sourcing_pb2.RankNodesResponse(strategy_id="x" * NAME_BYTES)


@pytest.fixture
def target() -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(1), options=[("grpc.max_send_message_length", -1)])
    sourcing_pb2_grpc.add_SourcingServiceServicer_to_server(Verbose(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_answers_may_be_large(target: str) -> None:
    client = RemoteClient(target)
    answer = client.rank(sourcing_pb2.RankNodesRequest())
    client.close()
    assert len(answer.strategy_id) == NAME_BYTES
