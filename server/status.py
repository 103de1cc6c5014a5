"""The one table of errors: which exception becomes which gRPC code, and what goes with it.

Every status carries ``google.rpc.ErrorInfo`` (reason, domain, metadata); wrong input also
``google.rpc.BadRequest`` with a path per field, missing stock also ``google.rpc.PreconditionFailure``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from router.errors import (
    BrokenInvariant,
    InvalidConfig,
    InvalidInput,
    LedgerUnusable,
    NotFound,
    RequestIdReused,
    SourcierError,
    StaleSnapshot,
    StateConflict,
    StockConflict,
    Violation,
)
from router.ledger import Hold
from router.node_rows import is_node_row, split_day
from server.admission import Overloaded
from server.security.callers import Unauthenticated
from server.security.permissions import PermissionDenied, QuotaExceeded

Detail = TypeVar("Detail", bound=Message)

DOMAIN = "sourcier"
MAX_DETAIL_BYTES = 2_500
"""Most bytes of field paths in one status (the first is always there): details travel as trailers, and
clients take only 8 KiB of those."""
MAX_TEXT_BYTES = 160
MAX_MESSAGE_BYTES = 500


def left_texts(shortages: Iterable[Hold]) -> Iterator[str]:
    """What is left, in words: of a SKU at a node, or of what a node gets ready on a day."""
    for left in shortages:
        if is_node_row(left.sku_id):
            node_id, day = split_day(left.node_id)
            yield f"{left.quantity} {left.sku_id[1:]} of {node_id!r} on {date.fromordinal(day)}"
        else:
            yield f"{left.quantity} of {left.sku_id!r} at {left.node_id!r}"


class SoldOut(SourcierError):
    """Less is left than is to be held. ``shortages``: what is left of each hold that failed."""

    reason = "SOLD_OUT"

    def __init__(self, shortages: Sequence[Hold]) -> None:
        left = ", ".join(left_texts(shortages))
        count = str(len(shortages))
        super().__init__(f"nothing is held: only {left} left", metadata={"shortage_count": count})
        self.shortages = tuple(shortages)


class CannotExplain(SourcierError):
    """The decision is remembered, but not all that it was made from."""

    reason = "DECISION_NOT_REPRODUCIBLE"


class CallExpired(SourcierError):
    """The caller's deadline passed, or it gave up, before anything was held."""

    reason = "CALL_EXPIRED"


class TooManyExplanations(SourcierError):
    """As many explanations are under way as may be: the other threads are for decisions."""

    reason = "TOO_MANY_EXPLANATIONS"

    def __init__(self, limit: int) -> None:
        message = f"{limit} explanations are under way, which is as many as may be at a time"
        super().__init__(message, metadata={"limit": str(limit)})


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table. ``retry``: what a caller does about it."""

    error: type[Exception]
    code: grpc.StatusCode
    reason: str
    retry: str


TABLE: tuple[Row, ...] = (
    Row(InvalidConfig, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_CONFIG", "correct the named lines"),
    Row(InvalidInput, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT", "correct the named fields"),
    Row(NotFound, grpc.StatusCode.NOT_FOUND, "NOT_FOUND", "no"),
    Row(Unauthenticated, grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED", "with other credentials"),
    Row(PermissionDenied, grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED", "with another role"),
    Row(QuotaExceeded, grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED", "after the delay"),
    Row(RequestIdReused, grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED", "with a new request_id"),
    Row(StateConflict, grpc.StatusCode.FAILED_PRECONDITION, "RESERVATION_STATE", "no"),
    Row(SoldOut, grpc.StatusCode.FAILED_PRECONDITION, "SOLD_OUT", "with other nodes"),
    Row(CannotExplain, grpc.StatusCode.FAILED_PRECONDITION, "DECISION_NOT_REPRODUCIBLE", "no"),
    Row(StockConflict, grpc.StatusCode.ABORTED, "STOCK_CONFLICT", "with the same request_id"),
    Row(CallExpired, grpc.StatusCode.DEADLINE_EXCEEDED, "CALL_EXPIRED", "with the same request_id"),
    Row(Overloaded, grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", "after the delay, same request_id"),
    Row(TooManyExplanations, grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_EXPLANATIONS", "later"),
    Row(StaleSnapshot, grpc.StatusCode.UNAVAILABLE, "STALE_SNAPSHOT", "later, or elsewhere"),
    Row(LedgerUnusable, grpc.StatusCode.UNAVAILABLE, "LEDGER_UNUSABLE", "later, with the same request_id"),
    Row(BrokenInvariant, grpc.StatusCode.INTERNAL, "BROKEN_INVARIANT", "no; report it"),
    Row(Exception, grpc.StatusCode.INTERNAL, "INTERNAL", "no; report it"),
)
"""The first row whose type matches counts. An error may state a finer reason than its row
(DEADLINE_PASSED is an INVALID_INPUT whose only fault is a delivery time in the past)."""


def row_of(error: Exception) -> Row:
    """The row of the table that an error falls under."""
    return next(row for row in TABLE if isinstance(error, row.error))


def code_of(error: Exception) -> grpc.StatusCode:
    """The gRPC code an error ends a call with."""
    return row_of(error).code


def is_internal(error: Exception) -> bool:
    """Is it a fault of this program, to be logged with its trace?"""
    return code_of(error) is grpc.StatusCode.INTERNAL


def to_status(error: Exception, *, incident: str = "") -> status_pb2.Status:
    """The ``google.rpc.Status`` of an error. One not raised on purpose shows no words of its own, only
    the ``incident`` under which the log has it."""
    row = row_of(error)
    metadata: dict[str, str] = {}
    if isinstance(error, SourcierError):
        message, reason = error.message, error.reason
        metadata.update(error.metadata)
    else:
        message, reason = "internal error", row.reason
    if incident:
        message = f"{message} (incident {incident})"
        metadata["incident"] = incident
    details: list[Message] = []
    if isinstance(error, InvalidInput):
        metadata["violation_count"] = str(len(error.violations))
        details.append(_bad_request(error.violations))
    if isinstance(error, (Overloaded, QuotaExceeded)):
        delay = error_details_pb2.RetryInfo()
        delay.retry_delay.FromMilliseconds(int(1_000 * error.retry_seconds))
        details.append(delay)
    if isinstance(error, SoldOut):
        details.append(_shortages(error.shortages))
    info = error_details_pb2.ErrorInfo(
        reason=reason, domain=DOMAIN, metadata={k: _short(v) for k, v in metadata.items()}
    )
    return status_pb2.Status(
        code=row.code.value[0],
        message=_short(message, MAX_MESSAGE_BYTES),
        details=[_packed(detail) for detail in (info, *details)],
    )


def _bad_request(violations: Iterable[Violation]) -> error_details_pb2.BadRequest:
    found = (
        error_details_pb2.BadRequest.FieldViolation(field=_short(v.field), description=_short(v.message))
        for v in violations
    )
    return error_details_pb2.BadRequest(field_violations=_as_fits(found))


def _shortages(shortages: Sequence[Hold]) -> error_details_pb2.PreconditionFailure:
    found = (
        error_details_pb2.PreconditionFailure.Violation(
            type="STOCK", subject=_short(f"{s.sku_id}@{s.node_id}"), description=f"{s.quantity} left"
        )
        for s in shortages
    )
    return error_details_pb2.PreconditionFailure(violations=_as_fits(found))


def _as_fits(details: Iterable[Detail]) -> Iterator[Detail]:
    """The first detail, and as many more as stay within the limit."""
    used = 0
    for detail in details:
        used += detail.ByteSize()
        yield detail
        if used >= MAX_DETAIL_BYTES - 2 * MAX_TEXT_BYTES:
            return


def _packed(detail: Message) -> Any:
    packed = Any()
    packed.Pack(detail)
    return packed


def _short(text: str, limit: int = MAX_TEXT_BYTES) -> str:
    raw = text.encode(errors="replace")
    return text if len(raw) <= limit else raw[: limit - 3].decode(errors="ignore") + "…"


@dataclass(frozen=True, slots=True)
class Failure:
    """What a client knows of a call that failed."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()


def failure_of(error: Exception) -> Failure:
    """What a client in the same process knows: nothing is cut short."""
    row = row_of(error)
    if not isinstance(error, SourcierError):
        return Failure(row.code, repr(error), row.reason)
    violations = error.violations if isinstance(error, InvalidInput) else ()
    return Failure(row.code, error.message, error.reason, dict(error.metadata), tuple(violations))


def parse_status(status: status_pb2.Status) -> Failure:
    """Details of other kinds are left out."""
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    for detail in status.details:
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
        elif detail.Is(bad_request.DESCRIPTOR):
            detail.Unpack(bad_request)
    code = next((c for c in grpc.StatusCode if c.value[0] == status.code), grpc.StatusCode.UNKNOWN)
    violations = tuple(Violation(v.field, v.description) for v in bad_request.field_violations)
    return Failure(code, status.message, info.reason, dict(info.metadata), violations)
