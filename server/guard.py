"""What every call passes through: bytes in, errors out by the table, bytes back."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import code_pb2, status_pb2
from grpc_status import rpc_status

from router.errors import InvalidInput
from router.network import Node
from server.admission import Admission, LanePool, check_admitted, is_hasty
from server.calls import Stage, stage
from server.logs import event
from server.security.gate import OPEN, Gate
from server.status import CallExpired, code_of, is_internal, to_status
from server.telemetry import Telemetry

PREFIX = "/sourcing.v1."
HASTY = ("sourcier-hasty", "1")
"""Trailing metadata of answers for which searches had a small budget, because many calls wait."""

Behaviour = Callable[[Any, grpc.ServicerContext], Message | bytes]
M = TypeVar("M")
F = TypeVar("F", bound=Callable[..., Any])


class Call(Protocol):
    """What a handler may know of its call; ``grpc.ServicerContext`` is one."""

    def is_active(self) -> bool:
        """False once the caller is gone or its deadline has passed."""
        ...

    def time_remaining(self) -> float | None:
        """Seconds until the caller's deadline, None without one."""
        ...


class LocalCall:
    """A call from within the process: no deadline, no way to give up."""

    def is_active(self) -> bool:
        return True

    def time_remaining(self) -> float | None:
        return None


def check_wanted(call: Call) -> None:
    """Raises CallExpired when nobody waits for the answer any more: then nothing is to be held."""
    remaining_seconds = call.time_remaining()
    if not call.is_active() or (remaining_seconds is not None and remaining_seconds <= 0):
        raise CallExpired("the caller's deadline has passed or it gave up; nothing is held")


def reported(error: Exception, method: str) -> status_pb2.Status:
    """The status of an error; a fault of this program is also logged, under the incident the status names."""
    incident = ""
    if is_internal(error):
        incident = uuid.uuid4().hex[:12]
        event("internal_error", level=logging.ERROR, error=error, method=method, incident=incident)
    return to_status(error, incident=incident)


def encoded(answer: Message | bytes) -> bytes:
    """Handlers answer with a message, or with its bytes where they already have them."""
    return answer if isinstance(answer, bytes) else answer.SerializeToString()


def decoded(decode: Callable[[bytes], M], request_bytes: bytes) -> M:
    """The request. Raises InvalidInput for bytes that are no such message."""
    try:
        with stage(Stage.DECODE):
            return decode(request_bytes)
    except DecodeError as error:
        raise InvalidInput.at("request", "is no message of the type the method takes") from error


def takes_bytes(handler: F) -> F:
    """Marks a handler that reads the bytes of its request itself."""
    vars(handler)["takes_bytes"] = True
    return handler


class Guard(grpc.ServerInterceptor):
    """Wraps the handlers of this API: decodes the request itself, so that bytes that are no such message get
    a proper error, and ends calls whose handler raised with the status of ``server.status``."""

    def __init__(
        self,
        admission: Admission,
        telemetry: Telemetry,
        gate: Gate = OPEN,
        nodes: Callable[[], Mapping[str, Node]] = dict,
        check: Callable[[str], None] = lambda _: None,
    ) -> None:
        """nodes: those there are, by id. check: told the method of every call before it is decoded; may raise
        what the caller is to get."""
        self._admission = admission
        self._telemetry = telemetry
        self._entry = Entry(gate, nodes, check)
        self._wrapped: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is None:
            handler = continuation(handler_call_details)
            if handler is None or handler.unary_unary is None or not method.startswith(PREFIX):
                return handler
            pool = self._admission.pool_of(method)
            wrapped = _wrap(method, handler, self._telemetry, self._entry, pool)
            self._wrapped[method] = wrapped
        return wrapped


@dataclass(frozen=True, slots=True)
class Entry:
    """What a call passes before its handler, and what is noted of it. As for Guard."""

    gate: Gate
    nodes: Callable[[], Mapping[str, Node]]
    check: Callable[[str], None]

    def passed(
        self,
        method: str,
        context: grpc.ServicerContext,
        request_bytes: bytes,
        decode: Callable[[bytes], Any] | None,
        as_it_came: bool,
        behaviour: Callable[[Any, grpc.ServicerContext], Message | bytes],
    ) -> Message | bytes:
        """The handler's answer."""
        gate = self.gate
        visit = gate.enter(method.removeprefix(PREFIX), context)
        self.check(method)
        if is_hasty():
            context.set_trailing_metadata((HASTY,))
        request = request_bytes if decode is None or as_it_came else decoded(decode, request_bytes)
        gate.check(visit, request, self.nodes)
        if not visit.is_noted:
            return behaviour(request, context)
        code = code_pb2.INTERNAL
        try:
            answer = behaviour(request, context)
            code = code_pb2.OK
        except Exception as error:
            code = code_of(error).value[0]
            raise
        finally:
            gate.note(visit, request, code)
        return answer


def _wrap(
    method: str,
    handler: grpc.RpcMethodHandler[Any, Any],
    telemetry: Telemetry,
    entry: Entry,
    pool: LanePool,
) -> grpc.RpcMethodHandler[Any, Any]:
    behaviour, decode = cast(Behaviour, handler.unary_unary), handler.request_deserializer
    as_it_came = decode is None or getattr(behaviour, "takes_bytes", False)

    def call(request_bytes: bytes, context: grpc.ServicerContext) -> Message | bytes:
        with telemetry.watch(method, context.invocation_metadata) as watch:
            try:
                check_admitted()
                check_wanted(context)
                return entry.passed(method, context, request_bytes, decode, as_it_came, behaviour)
            except Exception as error:
                watch.failed(error)
                context.abort_with_status(rpc_status.to_status(reported(error, method)))
                raise AssertionError("abort_with_status always raises") from error

    vars(call)["experimental_thread_pool"] = pool
    return grpc.unary_unary_rpc_method_handler(call, request_deserializer=None, response_serializer=encoded)
