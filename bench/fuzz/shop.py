"""The shop that is fuzzed: the real services over a ledger in memory, called with bytes, and its laws.

Every batch of calls begins with a new shop, whose clock moves only between calls, so that the same bytes
always get the same answers.
"""

from __future__ import annotations

import functools
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import status_pb2

from bench.fuzz.answers import Answered, check_answer, holds_of, refused
from bench.fuzz.case import BrokenLaw
from router.ledger import ReservationState
from router.node_rows import is_node_row
from server.admission import Admission
from server.api.sourcing.v1 import (
    node_pb2,
    node_pb2_grpc,
    reservation_pb2,
    reservation_pb2_grpc,
    returns_pb2,
    returns_pb2_grpc,
    sourcing_pb2,
    sourcing_pb2_grpc,
    stock_pb2,
    stock_pb2_grpc,
)
from server.app import App, Serving
from server.config import Config, load_config
from server.guard import PREFIX, Guard
from server.opening import Inputs, open_world, read_inputs
from server.services.node import NodeService
from server.services.offer import OfferService
from server.services.reservation import ReservationService
from server.services.returns import ReturnsService
from server.services.sourcing import SourcingService
from server.services.stock import StockService
from server.telemetry import Telemetry
from server.world import World

FILES = Path(__file__).parent / "files"
START_SECONDS = 1_750_000_000
SECONDS_PER_CALL = 1
SETS_STOCK = frozenset({"StockService/SetStock", "StockService/AdjustStock"})
CONFIRMS = "ReservationService/ConfirmReservation"
_FILES_OF_SERVICES = (
    sourcing_pb2.DESCRIPTOR,
    stock_pb2.DESCRIPTOR,
    reservation_pb2.DESCRIPTOR,
    returns_pb2.DESCRIPTOR,
    node_pb2.DESCRIPTOR,
)


def methods() -> dict[str, Any]:
    """The descriptor of every method there is, by a name such as ``StockService/SetStock``."""
    services = [each for file in _FILES_OF_SERVICES for each in file.services_by_name.values()]
    return {f"{service.name}/{method.name}": method for service in services for method in service.methods}


@functools.cache
def opened() -> tuple[Config, Inputs]:
    """What the files of the shop say."""
    config = load_config(FILES / "sourcier.yaml", environ={})
    return config, read_inputs(config, START_SECONDS)


class _Ended(Exception):
    """``context.abort_with_status`` was called."""

    def __init__(self, status: Any) -> None:
        super().__init__(status.details)
        details = dict(status.trailing_metadata)["grpc-status-details-bin"]
        self.status = status_pb2.Status.FromString(details)


class _Context:
    """Of a call without a deadline."""

    def invocation_metadata(self) -> tuple[()]:
        return ()

    def is_active(self) -> bool:
        return True

    def time_remaining(self) -> float | None:
        return None

    def set_trailing_metadata(self, metadata: Any) -> None:
        """Nobody reads it."""

    def abort_with_status(self, status: Any) -> None:
        raise _Ended(status)


class _Registry:
    """Takes handlers as a server does."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """The same ones come by name."""

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        self.handlers.update({f"/{service}/{name}": handler for name, handler in handlers.items()})


class _Details:
    """``grpc.HandlerCallDetails`` of a method."""

    invocation_metadata = ()

    def __init__(self, method: str) -> None:
        self.method = method


class Faults(logging.Handler):
    """Keeps the trace of the last fault of the program that was logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.last: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.last = record.exc_info[1]


FAULTS = Faults()


class Shop:
    """``call`` with bytes, ``settle`` at the end of the batch. Both raise BrokenLaw."""

    def __init__(self) -> None:
        config, inputs = opened()
        self._now = START_SECONDS
        self.world: World = open_world(config, inputs, lambda: self._now)
        self._handlers = _handlers(self.world)
        self._methods = methods()
        self._holds: dict[str, None] = {}
        self._on_hand = self._counted()
        self.sent: Counter[str] = Counter()
        self._channel: grpc.Channel | None = None

    @contextmanager
    def served(self) -> Iterator[None]:
        """Calls go through a real server and a real channel while the block lasts."""
        config, _ = opened()
        app = App(self.world, Serving.of(config))
        app.start()
        options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        try:
            with grpc.insecure_channel(f"127.0.0.1:{app.port}", options=options) as channel:
                self._channel = channel
                yield
        finally:
            self._channel = None
            app.stop()

    def call(self, method: str, request: bytes) -> Answered:
        """What the caller gets. Raises BrokenLaw for anything but an answer or an error of the table."""
        self._now += SECONDS_PER_CALL
        if method in SETS_STOCK:
            self._check_on_hand()
        answered = self._answer(method, request)
        answer_type = self._methods[method].output_type
        check_answer(method, answered, answer_type, FAULTS.last)
        if method in SETS_STOCK:
            self._on_hand = self._counted()
        if answered.status is None:
            self._take_over(method, answered)
        return answered

    def _answer(self, method: str, request: bytes) -> Answered:
        FAULTS.last = None
        path = f"{PREFIX}{method}"
        if self._channel is not None:
            try:
                return Answered(self._channel.unary_unary(path)(request, timeout=60), None)
            except grpc.RpcError as error:
                return refused(error)
        handler = self._handlers[path]
        try:
            answer = handler.unary_unary(request, _Context())
            return Answered(handler.response_serializer(answer), None)
        except _Ended as ended:
            return Answered(b"", ended.status)

    def _take_over(self, method: str, answered: Answered) -> None:
        self._holds.update(dict.fromkeys(holds_of(method, answered.answer)))
        if method == CONFIRMS:
            reservation = reservation_pb2.Reservation.FromString(answered.answer)
            if self.sent[reservation.reservation_id] == 0:
                for hold in reservation.holds:
                    self._on_hand[hold.sku_id] -= hold.quantity
            self.sent[reservation.reservation_id] += 1

    def settle(self) -> None:
        """Gives back all that is held. Raises BrokenLaw when something is left held, or stock is not what
        was there less what was confirmed."""
        for reservation_id in self._holds:
            found = self.world.ledger.find(reservation_id)
            if found is None:
                raise BrokenLaw(f"{reservation_id} was acknowledged and is not known")
            request = reservation_pb2.ReleaseReservationRequest(reservation_id=reservation_id)
            answered = self.call("ReservationService/ReleaseReservation", request.SerializeToString())
            if found.state is ReservationState.HELD and answered.status is not None:
                raise BrokenLaw(f"{reservation_id} is held and cannot be released: {answered.status.message}")
        # What was confirmed takes room of a node's day for good.
        taken = self._taken_for_good()
        left = [row for row in self._rows() if row.reserved != taken[row.sku_id, row.node_id]]
        if left:
            raise BrokenLaw(f"held by nobody: {left[:3]}")
        self._check_on_hand()

    def _taken_for_good(self) -> Counter[tuple[str, str]]:
        """Of the days of nodes, by the reservations that are confirmed."""
        taken: Counter[tuple[str, str]] = Counter()
        for reservation_id in self._holds:
            found = self.world.ledger.find(reservation_id)
            if found is not None and found.state is ReservationState.CONFIRMED:
                for hold in found.holds:
                    if is_node_row(hold.sku_id):
                        taken[hold.sku_id, hold.node_id] += hold.quantity
        return taken

    def _check_on_hand(self) -> None:
        found = self._counted()
        if found != self._on_hand:
            wrong = {
                sku: (self._on_hand[sku], found[sku]) for sku in found if found[sku] != self._on_hand[sku]
            }
            raise BrokenLaw(f"units on hand (expected, found): {wrong}")

    def _counted(self) -> Counter[str]:
        """Units on hand of every SKU, over all its rows."""
        count: Counter[str] = Counter()
        for row in self._rows():
            if not is_node_row(row.sku_id):
                count[row.sku_id] += row.on_hand
        return count

    def _rows(self) -> list[Any]:
        ledger = self.world.ledger
        return list(ledger.stock_of(ledger.columns().sku_ids)[1])


def _handlers(world: World) -> dict[str, Any]:
    """By path; what the server itself would call, its guard around them."""
    registry: Any = _Registry()
    sourcing_pb2_grpc.add_SourcingServiceServicer_to_server(SourcingService(world), registry)
    sourcing_pb2_grpc.add_OfferServiceServicer_to_server(OfferService(world), registry)
    stock_pb2_grpc.add_StockServiceServicer_to_server(StockService(world), registry)
    reservation_pb2_grpc.add_ReservationServiceServicer_to_server(ReservationService(world), registry)
    returns_pb2_grpc.add_ReturnsServiceServicer_to_server(ReturnsService(world), registry)
    node_pb2_grpc.add_NodeServiceServicer_to_server(NodeService(world), registry)
    guard = Guard(_admission(), _telemetry())
    return {
        path: guard.intercept_service(lambda _, handler=handler: handler, _Details(path))  # type: ignore[misc, arg-type]
        for path, handler in registry.handlers.items()
    }


@functools.cache
def _admission() -> Admission:
    return Admission(1, 1, 1.0)


@functools.cache
def _telemetry() -> Telemetry:
    return Telemetry()


def message_type(descriptor: Any) -> type[Message]:
    """The class of a message by its descriptor."""
    kind: type[Message] = descriptor._concrete_class
    return kind
