"""What a caller gets: an answer, or an error of the table of docs/errors.md."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from bench.fuzz.case import BrokenLaw
from server.api.sourcing.v1 import reservation_pb2, sourcing_pb2
from server.status import DOMAIN, TABLE

CODES = frozenset(row.code.value[0] for row in TABLE if row.code is not grpc.StatusCode.INTERNAL)
MAX_STATUS_BYTES = 8_192
"""Of trailing metadata that clients take."""
_BARE = frozenset({grpc.StatusCode.RESOURCE_EXHAUSTED})
"""What gRPC itself answers, without details: the request is too large."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Bytes, or a status that is not OK."""

    answer: bytes
    status: status_pb2.Status | None

    @property
    def ended(self) -> str:
        """OK, or the name of a code."""
        return "OK" if self.status is None else code_pb2.Code.Name(self.status.code)


def refused(error: grpc.RpcError) -> Answered:
    """Of a call over a channel. Raises BrokenLaw for an error without a cause."""
    assert isinstance(error, grpc.Call)
    status = rpc_status.from_call(error)
    if status is None:
        if error.code() not in _BARE:
            raise BrokenLaw(f"{error.code()} without details: {error.details()}")
        return Answered(b"", bare_status(error.code().value[0], error.details() or ""))
    return Answered(b"", status)


def bare_status(code: int, message: str) -> status_pb2.Status:
    """As gRPC's own errors would be written by the table."""
    status = status_pb2.Status(code=code, message=message)
    status.details.add().Pack(error_details_pb2.ErrorInfo(domain=DOMAIN, reason="OVERLOADED"))
    return status


def check_answer(method: str, answered: Answered, answer_type: Any, fault: BaseException | None) -> None:
    """Raises BrokenLaw for what is neither. fault: of the program, as it was logged."""
    if answered.status is not None:
        _check_status(method, answered.status, fault)
        return
    kind: type[Message] = answer_type._concrete_class
    try:
        message = kind.FromString(answered.answer)
    except DecodeError as error:
        raise BrokenLaw(f"{method}: an answer that is no {kind.__name__}") from error
    if isinstance(message, sourcing_pb2.SourceOrdersResponse):
        for result in message.results:
            if result.HasField("error"):
                _check_status(method, result.error, fault)


def _check_status(method: str, status: status_pb2.Status, fault: BaseException | None) -> None:
    if status.code not in CODES:
        trace = "".join(traceback.format_exception(fault)) if fault else ""
        raise BrokenLaw(f"{method}: {code_pb2.Code.Name(status.code)} {status.message}\n{trace}")
    info = error_details_pb2.ErrorInfo()
    if not status.details or not status.details[0].Unpack(info):
        raise BrokenLaw(f"{method}: an error without ErrorInfo: {status.message}")
    if info.domain != DOMAIN or not info.reason or not status.message:
        raise BrokenLaw(f"{method}: an error that says nothing: {status}")
    if status.ByteSize() > MAX_STATUS_BYTES:
        raise BrokenLaw(f"{method}: an error of {status.ByteSize()} bytes, which clients do not take")


def holds_of(method: str, answer: bytes) -> list[str]:
    """Ids of the reservations that an answer tells of."""
    name = method.rpartition("/")[2]
    if name == "SourceOrders":
        results = sourcing_pb2.SourceOrdersResponse.FromString(answer).results
        found = [result.reservation_id for result in results]
    elif name == "CreateReservation":
        found = [reservation_pb2.Reservation.FromString(answer).reservation_id]
    elif name in _HOLDING:
        found = [_HOLDING[name].FromString(answer).reservation_id]
    else:
        found = []
    return [reservation_id for reservation_id in found if reservation_id]


_HOLDING: dict[str, Any] = {
    "SourceOrder": sourcing_pb2.SourceOrderResponse,
    "ResourceOrder": sourcing_pb2.ResourceOrderResponse,
    "OfferOrder": sourcing_pb2.OfferOrderResponse,
    "ClaimOffer": sourcing_pb2.ClaimOfferResponse,
}
