"""Two ways to ask: a server over the network, or the services in this process. Both answer with the same
messages and fail with the same ``CallFailed``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import grpc
from grpc_status import rpc_status

from server.api.sourcing.v1 import (
    node_pb2,
    node_pb2_grpc,
    returns_pb2,
    returns_pb2_grpc,
    sourcing_pb2,
    sourcing_pb2_grpc,
    stock_pb2,
    stock_pb2_grpc,
)
from server.connection import open_channel
from server.guard import LocalCall
from server.services.node import NodeService
from server.services.returns import ReturnsService
from server.services.sourcing import SourcingService
from server.services.stock import StockService
from server.status import Failure, failure_of, parse_status
from server.world import World

Answer = TypeVar("Answer")
TIMEOUT_SECONDS = 30.0


class CallFailed(Exception):
    """A call ended with an error of the table in ``server.status``, or did not reach the server."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Client(Protocol):
    """The calls that commands make. Each raises CallFailed."""

    def source(self, request: sourcing_pb2.SourceOrderRequest) -> sourcing_pb2.SourceOrderResponse: ...

    def rank(self, request: sourcing_pb2.RankNodesRequest) -> sourcing_pb2.RankNodesResponse: ...

    def rank_returns(
        self, request: returns_pb2.RankReturnNodesRequest
    ) -> returns_pb2.RankReturnNodesResponse: ...

    def resource(self, request: sourcing_pb2.ResourceOrderRequest) -> sourcing_pb2.ResourceOrderResponse: ...

    def set_stock(self, request: stock_pb2.SetStockRequest) -> stock_pb2.SetStockResponse: ...

    def availability(
        self, request: stock_pb2.GetAvailabilityRequest
    ) -> stock_pb2.GetAvailabilityResponse: ...

    def node_state(self, request: node_pb2.GetNodeStateRequest) -> node_pb2.NodeState: ...

    def set_node_state(self, request: node_pb2.SetNodeStateRequest) -> node_pb2.NodeState: ...

    def close(self) -> None: ...


class RemoteClient:
    """A server at ``host:port``."""

    def __init__(self, target: str) -> None:
        """Raises InvalidConfig for what the environment says of certificates and tokens."""
        self._channel = open_channel(target)
        self._sourcing = sourcing_pb2_grpc.SourcingServiceStub(self._channel)
        self._stock = stock_pb2_grpc.StockServiceStub(self._channel)
        self._returns = returns_pb2_grpc.ReturnsServiceStub(self._channel)
        self._nodes = node_pb2_grpc.NodeServiceStub(self._channel)

    def source(self, request: sourcing_pb2.SourceOrderRequest) -> sourcing_pb2.SourceOrderResponse:
        return _asked(lambda: self._sourcing.SourceOrder(request, timeout=TIMEOUT_SECONDS))

    def rank(self, request: sourcing_pb2.RankNodesRequest) -> sourcing_pb2.RankNodesResponse:
        return _asked(lambda: self._sourcing.RankNodes(request, timeout=TIMEOUT_SECONDS))

    def rank_returns(
        self, request: returns_pb2.RankReturnNodesRequest
    ) -> returns_pb2.RankReturnNodesResponse:
        return _asked(lambda: self._returns.RankReturnNodes(request, timeout=TIMEOUT_SECONDS))

    def resource(self, request: sourcing_pb2.ResourceOrderRequest) -> sourcing_pb2.ResourceOrderResponse:
        return _asked(lambda: self._sourcing.ResourceOrder(request, timeout=TIMEOUT_SECONDS))

    def set_stock(self, request: stock_pb2.SetStockRequest) -> stock_pb2.SetStockResponse:
        return _asked(lambda: self._stock.SetStock(request, timeout=TIMEOUT_SECONDS))

    def availability(self, request: stock_pb2.GetAvailabilityRequest) -> stock_pb2.GetAvailabilityResponse:
        return _asked(lambda: self._stock.GetAvailability(request, timeout=TIMEOUT_SECONDS))

    def node_state(self, request: node_pb2.GetNodeStateRequest) -> node_pb2.NodeState:
        return _asked(lambda: self._nodes.GetNodeState(request, timeout=TIMEOUT_SECONDS))

    def set_node_state(self, request: node_pb2.SetNodeStateRequest) -> node_pb2.NodeState:
        return _asked(lambda: self._nodes.SetNodeState(request, timeout=TIMEOUT_SECONDS))

    def close(self) -> None:
        self._channel.close()


class LocalClient:
    """The services of a world in this process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sourcing = SourcingService(world)
        self._stock = StockService(world)
        self._returns = ReturnsService(world)
        self._nodes = NodeService(world)

    def source(self, request: sourcing_pb2.SourceOrderRequest) -> sourcing_pb2.SourceOrderResponse:
        answer = _told(lambda: self._sourcing.SourceOrder(request, LocalCall()))
        return sourcing_pb2.SourceOrderResponse.FromString(answer) if isinstance(answer, bytes) else answer

    def rank(self, request: sourcing_pb2.RankNodesRequest) -> sourcing_pb2.RankNodesResponse:
        return _told(lambda: self._sourcing.RankNodes(request, LocalCall()))

    def rank_returns(
        self, request: returns_pb2.RankReturnNodesRequest
    ) -> returns_pb2.RankReturnNodesResponse:
        return _told(lambda: self._returns.RankReturnNodes(request, LocalCall()))

    def resource(self, request: sourcing_pb2.ResourceOrderRequest) -> sourcing_pb2.ResourceOrderResponse:
        return _told(lambda: self._sourcing.ResourceOrder(request, LocalCall()))

    def set_stock(self, request: stock_pb2.SetStockRequest) -> stock_pb2.SetStockResponse:
        return _told(lambda: self._stock.SetStock(request, LocalCall()))

    def availability(self, request: stock_pb2.GetAvailabilityRequest) -> stock_pb2.GetAvailabilityResponse:
        return _told(lambda: self._stock.GetAvailability(request, LocalCall()))

    def node_state(self, request: node_pb2.GetNodeStateRequest) -> node_pb2.NodeState:
        return _told(lambda: self._nodes.GetNodeState(request, LocalCall()))

    def set_node_state(self, request: node_pb2.SetNodeStateRequest) -> node_pb2.NodeState:
        return _told(lambda: self._nodes.SetNodeState(request, LocalCall()))

    def close(self) -> None:
        self._world.ledger.close()


def failure_from(error: grpc.RpcError) -> Failure:
    """The status a call ended with, with its details when the server sent any."""
    if not isinstance(error, grpc.Call):
        return Failure(grpc.StatusCode.UNKNOWN, repr(error))
    status = rpc_status.from_call(error)
    if status is not None:
        return parse_status(status)
    return Failure(error.code(), error.details() or "")


def _asked(call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except grpc.RpcError as error:
        raise CallFailed(failure_from(error)) from error


def _told(call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except Exception as error:
        raise CallFailed(failure_of(error)) from error
