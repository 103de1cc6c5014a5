"""ReservationService: stock held without a sourcing decision, and holds resolved."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from router.domain import MAX_QUANTITY
from router.errors import InvalidInput, NotFound, RequestIdReused, StateConflict, Violation
from router.ledger import (
    Fallback,
    Hold,
    Reservation,
    ReserveCode,
    ReserveRequest,
    ResolveCode,
    ResolveOutcome,
)
from router.ledger_commands import merged
from router.node_rows import is_node_row
from server.api.sourcing.v1 import reservation_pb2, reservation_pb2_grpc
from server.calls import Stage, about, stage
from server.convert import envelope_violations, id_violations
from server.convert_stock import parse_place, reservation_to_proto
from server.guard import Call, check_wanted
from server.lengths import MAX_HOLDS
from server.status import SoldOut
from server.world import World


class ReservationService(reservation_pb2_grpc.ReservationServiceServicer):
    """Raises what ``server.status`` has in its table; ``server.guard`` turns that into a status."""

    def __init__(self, world: World) -> None:
        self._world = world

    def CreateReservation(  # noqa: N802
        self, request: reservation_pb2.CreateReservationRequest, context: Call
    ) -> reservation_pb2.Reservation:
        holds, *others = self._parse_choices(request)
        check_wanted(context)
        about(order_id=request.order_id)
        wanted = ReserveRequest(
            request_id=f"hold:{request.request_id}",
            fingerprint=_fingerprint(request),
            order_id=request.order_id,
            holds=holds,
            ttl_seconds=request.hold_seconds or self._world.settings.hold_seconds,
            fallbacks=tuple(Fallback(holds=other) for other in others),
        )
        with stage(Stage.RESERVE):
            outcome = self._world.ledger.reserve(wanted)
            self._world.follow()
        if outcome.code is ReserveCode.ID_REUSED:
            message = f"request_id {request.request_id!r} came before with other content"
            raise RequestIdReused(message, metadata={"request_id": request.request_id})
        if outcome.reservation is None:
            raise SoldOut(outcome.shortages)
        return reservation_to_proto(outcome.reservation)

    def _parse_choices(self, request: reservation_pb2.CreateReservationRequest) -> list[tuple[Hold, ...]]:
        """Its holds, then those of its fallbacks. Raises InvalidInput with everything that is wrong."""
        found = envelope_violations(request.request_id, request.hold_seconds)
        if not request.order_id:
            found.append(Violation("order_id", "must not be empty"))
        found += id_violations("order_id", request.order_id)
        choices = [self._holds("holds", request.holds, 1, found)]
        for i, other in enumerate(request.fallbacks):
            choices.append(self._holds(f"fallbacks[{i}].holds", other.holds, 1, found))
        if found:
            raise InvalidInput(found)
        return choices

    def _holds(
        self, name: str, holds: Sequence[reservation_pb2.ReservationHold], least: int, found: list[Violation]
    ) -> tuple[Hold, ...]:
        """What is wrong is added to ``found``."""
        if not least <= len(holds) <= MAX_HOLDS:
            found.append(Violation(name, f"{len(holds)} holds, not within {least}..{MAX_HOLDS}"))
        snapshot = self._world.snapshot
        sku_ix = snapshot.catalogue.ids.find_many([hold.sku_id for hold in holds])
        node_ix = snapshot.compiled.nodes.find_many([hold.node_id for hold in holds])
        places = []
        for i, hold in enumerate(holds):
            places.append(parse_place(hold, f"{name}[{i}]", found))
            if sku_ix[i] < 0:
                found.append(Violation(f"{name}[{i}].sku_id", f"unknown SKU {hold.sku_id!r}"))
            if node_ix[i] < 0:
                found.append(Violation(f"{name}[{i}].node_id", f"unknown node {hold.node_id!r}"))
            if not 1 <= hold.quantity <= MAX_QUANTITY:
                message = f"{hold.quantity} is not within 1..{MAX_QUANTITY}"
                found.append(Violation(f"{name}[{i}].quantity", message))
        return tuple(
            Hold(sku_id=hold.sku_id, node_id=place, quantity=hold.quantity)
            for hold, place in zip(holds, places, strict=True)
        )

    def ConfirmReservation(  # noqa: N802
        self, request: reservation_pb2.ConfirmReservationRequest, context: Call
    ) -> reservation_pb2.Reservation:
        reservation_id = _required(request.reservation_id)
        found: list[Violation] = []
        part = self._holds("part", request.part, 0, found)
        if found:
            raise InvalidInput(found)
        check_wanted(context)
        outcome = self._world.ledger.confirm(reservation_id, part)
        self._world.follow()
        reservation = _resolved(reservation_id, outcome, ResolveCode.ALREADY_CONFIRMED)
        sold = merged([hold for hold in reservation.holds if not is_node_row(hold.sku_id)])
        if part and merged(part) != sold:
            message = f"reservation {reservation_id!r} was CONFIRMED with other units"
            raise StateConflict(message, metadata={"reservation_id": reservation_id, "state": "CONFIRMED"})
        return reservation_to_proto(reservation)

    def ExtendReservation(  # noqa: N802
        self, request: reservation_pb2.ExtendReservationRequest, context: Call
    ) -> reservation_pb2.Reservation:
        reservation_id = _required(request.reservation_id)
        found = envelope_violations("", request.hold_seconds, held=False)
        if found:
            raise InvalidInput(found)
        check_wanted(context)
        seconds = request.hold_seconds or self._world.settings.hold_seconds
        outcome = self._world.ledger.extend(reservation_id, seconds)
        self._world.follow()
        return reservation_to_proto(_resolved(reservation_id, outcome, ResolveCode.DONE))

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
