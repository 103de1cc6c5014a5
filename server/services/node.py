"""NodeService: nodes are switched off and on, their backlog comes in, their room goes out."""

from __future__ import annotations

from router.errors import InvalidInput, RequestIdReused, Violation
from server.api.sourcing.v1 import node_pb2, node_pb2_grpc
from server.convert import envelope_violations
from server.convert_node import parse_state, state_to_proto
from server.guard import Call, check_wanted
from server.world import World


class NodeService(node_pb2_grpc.NodeServiceServicer):
    """Raises what ``server.status`` has in its table; ``server.guard`` turns that into a status."""

    def __init__(self, world: World) -> None:
        self._world = world

    def SetNodeState(  # noqa: N802
        self, request: node_pb2.SetNodeStateRequest, context: Call
    ) -> node_pb2.NodeState:
        found = envelope_violations(request.request_id)
        node_ix = self._node(request.node_id, found)
        updates = []
        if node_ix >= 0:
            updates = parse_state(request, self._world.snapshot.network.nodes[node_ix], found)
        if found:
            raise InvalidInput(found)
        check_wanted(context)
        try:
            self._world.ledger.update_stock(f"node:{request.request_id}", updates)
        except RequestIdReused as error:
            message = f"request_id {request.request_id!r} came before with other content"
            raise RequestIdReused(message, metadata={"request_id": request.request_id}) from error
        self._world.follow()
        return self._state(node_ix)

    def GetNodeState(  # noqa: N802
        self, request: node_pb2.GetNodeStateRequest, context: Call
    ) -> node_pb2.NodeState:
        found: list[Violation] = []
        node_ix = self._node(request.node_id, found)
        if found:
            raise InvalidInput(found)
        return self._state(node_ix)

    def _node(self, node_id: str, found: list[Violation]) -> int:
        node_ix = self._world.snapshot.compiled.nodes.find(node_id)
        if node_ix < 0:
            found.append(Violation("node_id", f"unknown node {node_id!r}"))
        return node_ix

    def _state(self, node_ix: int) -> node_pb2.NodeState:
        now_seconds = self._world.now_seconds()
        return self._world.read(lambda snapshot: state_to_proto(snapshot, node_ix, now_seconds))
