"""The short way of SourceOrder: a quote for a plain order, from bytes to bytes in one kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from router.beyond import beyond_kernels
from router.compile import Compiled
from router.crowded import crowded
from router.kernels import wire, wire_encode
from router.kernels.jit import hold
from router.kernels.quote import QuoteSpace, quote
from router.kernels.types import U8, U64, OrderArrays, PlanArrays, World
from router.rules.model import RuleSet
from router.snapshot import Snapshot
from router.sourcer import rules_key
from router.workspace import Workspace, plan_arrays
from server.api.sourcing.v1 import sourcing_pb2
from server.decision_log import Remembered, hash_of_bytes
from server.wire_tables import LatestTables, WireTables, time_piece, versions_piece

A = TypeVar("A", bound=np.ndarray[Any, Any])

MAX_QUOTE_LINES = 16
"""What is longer takes a kernel longer than others should wait for the interpreter."""
MAX_QUOTE_BYTES = 8_192
MAX_PIECES_BYTES = 512
"""More than versions and time take in a response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """A quote that was given, for the decision log. status: ``domain.Status``."""

    decision_id: str
    status: int
    request: bytes
    response: bytes
    now_seconds: int
    stock_version: int
    rules: RuleSet
    compiled: Compiled

    def recall(self) -> Remembered:
        """What the decision was made from."""
        order = sourcing_pb2.SourceOrderRequest.FromString(self.request).order
        decision = sourcing_pb2.SourceOrderResponse.FromString(self.response).decision
        return Remembered(
            decision_id=self.decision_id,
            order_bytes=order.SerializeToString(),
            now_seconds=self.now_seconds,
            stock_version=self.stock_version,
            rules=self.rules,
            compiled=self.compiled,
            plan_hash=hash_of_bytes(decision.plan.SerializeToString()),
        )


@dataclass(frozen=True, slots=True)
class _Space:
    """A thread's work space. orders, plans: the order that was read last, and its plan. held: a handle on it
    and on the world and tables it was made for."""

    world: World
    tables: WireTables
    orders: OrderArrays
    plans: PlanArrays
    buffer: U8
    keys: U64
    held: Any

    @classmethod
    def of(cls, world: World, tables: WireTables) -> _Space:
        parsed = wire.room_for(1, MAX_QUOTE_BYTES)
        filled = wire.columns_for(1, MAX_QUOTE_LINES)
        keys = np.zeros((1, 2), np.uint64)
        room = wire_encode.most_bytes(
            tables.ready, 1, 1, MAX_QUOTE_LINES, MAX_QUOTE_LINES, MAX_QUOTE_BYTES + MAX_PIECES_BYTES
        )
        buffer = np.empty(room, np.uint8)
        space = QuoteSpace(
            slots=np.zeros(2 * wire.END, np.int64),
            items=np.zeros((1, 3), np.int64),
            scratch=wire.scratch(),
            parsed=parsed,
            filled=filled,
            orders=wire.read_only(filled),
            id_data=_read_only(parsed.id_data),
            id_starts=_read_only(parsed.id_offsets),
            plans=plan_arrays(1, MAX_QUOTE_LINES),
            keys=keys,
            key=keys.view(np.int64),
            side=_read_only(np.zeros(0, np.uint8)),
            side_at=np.zeros((1, 2), np.int64),
            buffer=buffer,
        )
        scratch = Workspace.of(world, MAX_QUOTE_LINES)
        held = hold((world, scratch.candidates, scratch.subsets, scratch.row_classes, space))
        return cls(world, tables, space.orders, space.plans, buffer, keys, held)


class FastQuote:
    """Decides plain orders, one at a time; safe to use from several threads. Work space that was used last is
    used first: the processor still has it at hand, whichever thread is next."""

    def __init__(self) -> None:
        self._tables = LatestTables()
        self._spaces: list[_Space] = []

    def answer(self, request: bytes, snapshot: Snapshot, now_seconds: int) -> Quoted | None:
        """None when the request is to be handled in the general way: always so under rules with mistrust,
        which the kernels do not tell apart."""
        if len(request) > MAX_QUOTE_BYTES or snapshot.compiled.has_mistrust:
            return None
        world = snapshot.at(now_seconds).world
        try:
            space = self._spaces.pop()
        except IndexError:
            space = None
        if space is None or space.world is not world or not space.tables.fits(snapshot):
            space = _Space.of(world, self._tables.of(snapshot))
        try:
            return self._answer(space, request, snapshot, now_seconds)
        finally:
            self._spaces.append(space)

    def _answer(self, space: _Space, request: bytes, snapshot: Snapshot, now_seconds: int) -> Quoted | None:
        origin, version = snapshot.at(now_seconds).origin_seconds, snapshot.stock.version
        raw = np.frombuffer(request, np.uint8)
        versions, time = versions_piece(snapshot.rules_hash, version), time_piece(now_seconds)
        key = rules_key(snapshot)
        start = quote(space.tables.held, space.held, raw, now_seconds, origin, version, key, versions, time)
        if start < 0 or _is_beyond(space.orders, snapshot):
            return None
        if crowded(space.plans, space.orders, snapshot, now_seconds)[0]:
            return None
        high, low = space.keys[0].tolist()
        return Quoted(
            decision_id=f"{high:016x}{low:016x}",
            status=int(space.plans.status[0]),
            request=request,
            response=space.buffer[start:].tobytes(),
            now_seconds=now_seconds,
            stock_version=version,
            rules=snapshot.rules,
            compiled=snapshot.compiled,
        )


def _is_beyond(orders: OrderArrays, snapshot: Snapshot) -> bool:
    """Is the first order one that kernels cannot answer?"""
    sku_ix = orders.sku_ix[: int(orders.line_start[1])]
    beyond = beyond_kernels(snapshot, sku_ix, np.full(len(sku_ix), orders.country[0]))
    return beyond is not None and bool(beyond.any())


def _read_only(array: A) -> A:
    view = array.view()
    view.setflags(write=False)
    return view
