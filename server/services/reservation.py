"""ReservationService: stock held without a sourcing decision, and holds resolved."""

from __future__ import annotations

import hashlib

from router.domain import MAX_QUANTITY
from router.errors import InvalidInput, NotFound, RequestIdReused, StateConflict, Violation
from router.ledger import Hold, Reservation, ReserveCode, ReserveRequest, ResolveCode, ResolveOutcome
from server.api.sourcing.v1 import reservation_pb2, reservation_pb2_grpc
from server.convert import envelope_violations, id_violations
from server.convert_stock import parse_place, reservation_to_proto
from server.guard import Call, check_wanted
from server.status import SoldOut
from server.world import World

MAX_HOLDS = 1_000


class ReservationService(reservation_pb2_grpc.ReservationServiceServicer):
    """Raises what ``server.status`` has in its table; ``server.guard`` turns that into a status."""

    def __init__(self, world: World) -> None:
        self._world = world

    def CreateReservation(  # noqa: N802
        self, request: reservation_pb2.CreateReservationRequest, context: Call
    ) -> reservation_pb2.Reservation:
        holds = self._parse_holds(request)
        check_wanted(context)
        outcome = self._world.ledger.reserve(
            ReserveRequest(
                request_id=f"hold:{request.request_id}",
                fingerprint=_fingerprint(request),
                order_id=request.order_id,
                holds=holds,
                ttl_seconds=request.hold_seconds or self._world.settings.hold_seconds,
            )
        )
        self._world.follow()
        if outcome.code is ReserveCode.ID_REUSED:
            message = f"request_id {request.request_id!r} came before with other content"
            raise RequestIdReused(message, metadata={"request_id": request.request_id})
        if outcome.reservation is None:
            raise SoldOut(outcome.shortages)
        return reservation_to_proto(outcome.reservation)

    def _parse_holds(self, request: reservation_pb2.CreateReservationRequest) -> tuple[Hold, ...]:
        """Raises InvalidInput with everything that is wrong with the request."""
        found = envelope_violations(request.request_id, request.hold_seconds)
        if not request.order_id:
            found.append(Violation("order_id", "must not be empty"))
        found += id_violations("order_id", request.order_id)
        if not 1 <= len(request.holds) <= MAX_HOLDS:
            found.append(Violation("holds", f"{len(request.holds)} holds, not within 1..{MAX_HOLDS}"))
        snapshot, holds = self._world.snapshot, request.holds[:MAX_HOLDS]
        sku_ix = snapshot.catalogue.ids.find_many([hold.sku_id for hold in holds])
        node_ix = snapshot.compiled.nodes.find_many([hold.node_id for hold in holds])
        places = []
        for i, hold in enumerate(holds):
            places.append(parse_place(hold, f"holds[{i}]", found))
            if sku_ix[i] < 0:
                found.append(Violation(f"holds[{i}].sku_id", f"unknown SKU {hold.sku_id!r}"))
            if node_ix[i] < 0:
                found.append(Violation(f"holds[{i}].node_id", f"unknown node {hold.node_id!r}"))
            if not 1 <= hold.quantity <= MAX_QUANTITY:
                message = f"{hold.quantity} is not within 1..{MAX_QUANTITY}"
                found.append(Violation(f"holds[{i}].quantity", message))
        if found:
            raise InvalidInput(found)
        return tuple(
            Hold(sku_id=hold.sku_id, node_id=place, quantity=hold.quantity)
            for hold, place in zip(holds, places, strict=True)
        )

    def ConfirmReservation(  # noqa: N802
        self, request: reservation_pb2.ConfirmReservationRequest, context: Call
    ) -> reservation_pb2.Reservation:
        reservation_id = _required(request.reservation_id)
        check_wanted(context)
        outcome = self._world.ledger.confirm(reservation_id)
        self._world.follow()
        return reservation_to_proto(_resolved(reservation_id, outcome, ResolveCode.ALREADY_CONFIRMED))

    def ReleaseReservation(  # noqa: N802
        self, request: reservation_pb2.ReleaseReservationRequest, context: Call
    ) -> reservation_pb2.Reservation:
        reservation_id = _required(request.reservation_id)
        check_wanted(context)
        outcome = self._world.ledger.release(reservation_id)
        self._world.follow()
        return reservation_to_proto(_resolved(reservation_id, outcome, ResolveCode.ALREADY_RELEASED))

    def GetReservation(  # noqa: N802
        self, request: reservation_pb2.GetReservationRequest, context: Call
    ) -> reservation_pb2.Reservation:
        reservation = self._world.ledger.find(_required(request.reservation_id))
        if reservation is None:
            raise _unknown(request.reservation_id)
        return reservation_to_proto(reservation)


def _fingerprint(request: reservation_pb2.CreateReservationRequest) -> str:
    content = reservation_pb2.CreateReservationRequest()
    content.CopyFrom(request)
    content.ClearField("request_id")
    return hashlib.sha256(content.SerializeToString(deterministic=True)).hexdigest()


def _required(reservation_id: str) -> str:
    if not reservation_id:
        raise InvalidInput.at("reservation_id", "must not be empty")
    return reservation_id


def _unknown(reservation_id: str) -> NotFound:
    return NotFound(f"unknown reservation {reservation_id!r}", metadata={"reservation_id": reservation_id})


def _resolved(reservation_id: str, outcome: ResolveOutcome, same: ResolveCode) -> Reservation:
    """``same``: the earlier end that makes the call a harmless repetition. Raises NotFound, StateConflict."""
    if outcome.reservation is None:
        raise _unknown(reservation_id)
    if outcome.code not in (ResolveCode.DONE, same):
        state = outcome.reservation.state.name
        raise StateConflict(
            f"reservation {reservation_id!r} is {state}",
            metadata={"reservation_id": reservation_id, "state": state},
        )
    return outcome.reservation
