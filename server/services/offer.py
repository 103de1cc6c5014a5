"""OfferService: orders are offered to nodes, and claimed by them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from router.domain import Exclusion
from router.errors import InvalidInput, Violation
from router.order_checks import order_violations
from router.orders import name_violations
from server.api.sourcing.v1 import sourcing_pb2, sourcing_pb2_grpc
from server.convert import envelope_violations, id_violations, parse_order, timestamp
from server.guard import Call
from server.offering import AskOffers, claim, make_offers
from server.world import World


class OfferService(sourcing_pb2_grpc.OfferServiceServicer):
    """Raises what ``server.status`` has in its table; ``server.guard`` turns that into a status."""

    def __init__(self, world: World) -> None:
        self._world = world

    def OfferOrder(  # noqa: N802
        self, request: sourcing_pb2.OfferOrderRequest, context: Call
    ) -> sourcing_pb2.OfferOrderResponse:
        answer = make_offers(self._world, self._asked(request), context)
        response = sourcing_pb2.OfferOrderResponse.FromString(answer.payload)
        if answer.reservation is not None:
            response.reservation_id = answer.reservation.reservation_id
            if answer.reservation.holds:
                response.answer_by_time.CopyFrom(timestamp(answer.reservation.expires_at_seconds))
        return response

    def ClaimOffer(  # noqa: N802
        self, request: sourcing_pb2.ClaimOfferRequest, context: Call
    ) -> sourcing_pb2.ClaimOfferResponse:
        found = [
            Violation(name, "must not be empty")
            for name in ("offer_id", "node_id")
            if not getattr(request, name)
        ]
        found += envelope_violations("", request.hold_seconds, held=False)
        if found:
            raise InvalidInput(found)
        answer = claim(self._world, request.offer_id, request.node_id, request.hold_seconds, context)
        response = sourcing_pb2.ClaimOfferResponse.FromString(answer.payload)
        if answer.reservation is not None:
            response.reservation_id = answer.reservation.reservation_id
            response.hold_expire_time.CopyFrom(timestamp(answer.reservation.expires_at_seconds))
        return response

    def _asked(self, request: sourcing_pb2.OfferOrderRequest) -> AskOffers:
        """Raises InvalidInput with everything that is wrong with the request."""
        snapshot, now_seconds = self._world.snapshot, self._world.now_seconds()
        found = envelope_violations(request.request_id, 0)
        found += id_violations("request_id", request.request_id)
        for i, node_id in enumerate(request.declined_node_ids):
            if snapshot.compiled.nodes.find(node_id) < 0:
                found.append(Violation(f"declined_node_ids[{i}]", f"unknown node {node_id!r}"))
        if not request.HasField("order"):
            raise InvalidInput([*found, Violation("order", "is missing")])
        order = parse_order(request.order, now_seconds)
        found += order_violations(order, now_seconds)
        found += name_violations(order, snapshot.network, snapshot.compiled, snapshot.catalogue)
        if found:
            raise InvalidInput(found)
        declined = tuple(Exclusion(node_id=node_id) for node_id in request.declined_node_ids)
        content = sourcing_pb2.OfferOrderRequest()
        content.CopyFrom(request)
        content.ClearField("request_id")
        return AskOffers(
            order=replace(order, exclusions=order.exclusions + declined),
            rules=snapshot.rules.profile_of(order.sourcing_profile).offers,
            previous_id=request.previous_offer_id,
            request_id=request.request_id,
            fingerprint=hashlib.sha256(content.SerializeToString(deterministic=True)).hexdigest(),
        )
