"""ReturnsService: parse, look the original decision up, rank, encode. Nothing is held."""

from __future__ import annotations

from router.errors import InvalidInput, Violation
from router.returns import rank_returns
from router.returns_domain import OriginalShipment
from router.sourcer import ENGINE_VERSION
from server.api.sourcing.v1 import returns_pb2, returns_pb2_grpc
from server.convert import id_violations, parse_order_bytes
from server.convert_returns import original_of, parse_return, return_decision_to_proto
from server.deciding import decide_again
from server.guard import Call
from server.world import World


class ReturnsService(returns_pb2_grpc.ReturnsServiceServicer):
    """Raises what ``server.status`` has in its table; ``server.guard`` turns that into a status."""

    def __init__(self, world: World) -> None:
        self._world = world

    def RankReturnNodes(  # noqa: N802
        self, request: returns_pb2.RankReturnNodesRequest, context: Call
    ) -> returns_pb2.RankReturnNodesResponse:
        now_seconds = self._world.now_seconds()
        asked = parse_return(request, self._original(request))
        decision, snapshot = self._world.read(lambda s: (rank_returns(asked, s, now_seconds), s))
        return return_decision_to_proto(
            decision,
            rules_hash=snapshot.rules_hash,
            stock_version=snapshot.stock.version,
            engine_version=ENGINE_VERSION,
        )

    def _original(self, request: returns_pb2.RankReturnNodesRequest) -> tuple[OriginalShipment, ...]:
        """What the named decision sent."""
        if not request.HasField("decision_id"):
            return ()
        found = id_violations("decision_id", request.decision_id)
        if not request.decision_id:
            found.append(Violation("decision_id", "must not be empty"))
        if found:
            raise InvalidInput(found)
        order, decision = decide_again(self._world, request.decision_id, parse_order_bytes)
        if not decision.plan.shipments:
            raise InvalidInput.at("decision_id", f"decision {request.decision_id!r} sent nothing")
        return original_of(order, decision.plan)
