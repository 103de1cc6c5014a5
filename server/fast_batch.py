"""The throughput path of SourceOrders: quotes for a whole request without a Python object per order.

Request bytes -> columns -> decisions -> response bytes, each arrow a kernel. Orders that are not plain
(``router.kernels.wire_decode``), those that may wait, for goods or for room, and those that the kernels leave
to the solver are answered by the general way, one by one, and their bytes put in between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from router.beyond import beyond_kernels
from router.columns import frozen
from router.compile import Compiled
from router.crowded import crowded
from router.domain import MAX_HOLD_SECONDS
from router.errors import BrokenInvariant
from router.kernels import wire, wire_decode, wire_encode
from router.kernels.keys import decision_keys
from router.kernels.types import I32, I64, U8, U64, OrderArrays, PlanArrays
from router.kernels.wire import Parsed
from router.kernels.wire_encode import Answers, Ready
from router.ladder import run_kernels
from router.orders import groups_of
from router.plan import plan_from_arrays
from router.rules.model import RuleSet
from router.snapshot import Snapshot
from router.sourcer import rules_key
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import parse_order
from server.decision_log import Remembered, plan_hash
from server.wire_tables import DECODE_TAGS, ENCODE_TAGS, LatestTables

SlowWay = Callable[[sourcing_pb2.Order], sourcing_pb2.SourceOrdersResult]
"""How one order is answered in general."""

_KEY = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotes:
    """Decisions of one call as columns, for the decision log: what ExplainDecision needs is looked up when
    somebody asks.

    items: int64[orders, 3], where each order's field begins in ``request``, and its content begins and ends.
    row: int32[orders], its row among the decided ones, or -1. keys: uint64[rows, 2], the decision ids.
    """

    request: bytes
    items: I64
    row: I32
    keys: U64
    plans: PlanArrays
    now_seconds: int
    stock_version: int
    rules: RuleSet
    compiled: Compiled

    def __len__(self) -> int:
        return len(self.keys)

    def statuses(self) -> list[int]:
        """``domain.Status`` of every decision."""
        statuses: list[int] = self.plans.status[self.row[self.row >= 0]].tolist()
        return statuses

    def find(self, decision_id: str) -> Remembered | None:
        """What a decision was made from; None when it is not one of these."""
        if _KEY.fullmatch(decision_id) is None:
            return None
        key = np.array([int(decision_id[:16], 16), int(decision_id[16:], 16)], np.uint64)
        rows = np.flatnonzero((self.keys == key).all(axis=1))
        found = np.flatnonzero(np.isin(self.row, rows))
        if not len(found):
            return None
        i = int(found[0])
        order_bytes = self.request[self.items[i, 1] : self.items[i, 2]]
        order = parse_order(sourcing_pb2.Order.FromString(order_bytes), self.now_seconds)
        plan = plan_from_arrays(order, groups_of(order), self.plans, int(self.row[i]), self.compiled)
        return Remembered(
            decision_id=decision_id,
            order_bytes=order_bytes,
            now_seconds=self.now_seconds,
            stock_version=self.stock_version,
            rules=self.rules,
            compiled=self.compiled,
            plan_hash=plan_hash(plan),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A request whose plain orders are decided. slow: the others, with their places in the request."""

    quotes: Quotes
    parsed: Parsed
    orders: OrderArrays
    ready: Ready
    slow: Sequence[tuple[int, sourcing_pb2.Order]]

    def encoded(self, slow_way: SlowWay) -> bytes:
        """The response, a SourceOrdersResponse."""
        row = self.quotes.row
        pieces = [(i, slow_way(order).SerializeToString()) for i, order in self.slow]
        stops = np.cumsum([0, *(len(piece) for _, piece in pieces)])
        places = [i for i, _ in pieces]
        side_at = np.zeros((len(row), 2), np.int64)
        side_at[places, 0], side_at[places, 1] = stops[:-1], stops[1:]
        answers = Answers(
            row=row,
            side=np.frombuffer(b"".join(piece for _, piece in pieces), np.uint8),
            side_at=side_at,
            key=self.quotes.keys.view(np.int64),
            id_data=self.parsed.id_data,
            id_offsets=self.parsed.id_offsets,
            raw=np.frombuffer(self.quotes.request, np.uint8),
            lines=self.parsed.lines,
        )
        plans, fallback = self.quotes.plans, self.quotes.compiled.rules.fallback
        room = wire_encode.most_bytes(
            self.ready,
            len(row),
            len(self.quotes),
            int(plans.ship_start[-1]),
            len(self.orders.quantity),
            len(answers.raw) + len(answers.side),
        )
        buffer = np.empty(room, np.uint8)
        start = wire_encode.encode(buffer, answers, self.orders, plans, self.ready, ENCODE_TAGS, fallback)
        if start < 0:
            raise BrokenInvariant("the response is larger than it can be")
        return buffer[start:].tobytes()


class FastBatch:
    """Decides the plain orders of SourceOrders requests; safe to use from several threads."""

    def __init__(self, max_orders: int) -> None:
        self._max_orders = max_orders
        self._tables = LatestTables()

    def decide(self, request: bytes, snapshot: Snapshot, now_seconds: int) -> Batch | None:
        """None when the request is to be handled in the general way: it is no quote, something around its
        orders is wrong or unknown, none of the orders is plain or decided without a look at dates, or there
        are rules with mistrust, which the kernels do not tell apart."""
        if snapshot.compiled.has_mistrust:
            return None
        tables = self._tables.of(snapshot)
        raw = np.frombuffer(request, np.uint8)
        items = _items(raw, self._max_orders)
        if items is None:
            return None
        parsed = wire.room_for(len(items), len(raw))
        count = wire_decode.decode(raw, DECODE_TAGS, items, tables.names, now_seconds, wire.scratch(), parsed)
        if count == 0:
            return None
        orders = wire.order_arrays_of(parsed, count)
        waits = _beyond_kernels(orders, snapshot)
        if waits.all():
            return None
        version = snapshot.stock.version
        plans = run_kernels(snapshot.at(now_seconds), orders)
        waits |= crowded(plans, orders, snapshot, now_seconds)
        keys = np.empty((count, 2), np.uint64)
        ids, starts = frozen(parsed.id_data), frozen(parsed.id_offsets[: count + 1])
        decision_keys(orders, ids, starts, now_seconds, version, rules_key(snapshot), keys)
        row = np.where((plans.status[parsed.row] > 0) & ~waits[parsed.row], parsed.row, np.int32(-1))
        slow = _slow(request, items, np.flatnonzero(row < 0))
        if slow is None:
            return None
        quotes = Quotes(
            request=request,
            items=items,
            row=row,
            keys=keys,
            plans=plans,
            now_seconds=now_seconds,
            stock_version=version,
            rules=snapshot.rules,
            compiled=snapshot.compiled,
        )
        ready = tables.ready_at(now_seconds, version)
        return Batch(quotes=quotes, parsed=parsed, orders=orders, ready=ready, slow=slow)


def _beyond_kernels(orders: OrderArrays, snapshot: Snapshot) -> NDArray[np.bool_]:
    """bool[orders]."""
    found = np.zeros(len(orders.line_start) - 1, bool)
    order_of = np.repeat(np.arange(len(found)), np.diff(orders.line_start))
    beyond = beyond_kernels(snapshot, orders.sku_ix, orders.country[order_of])
    if beyond is not None:
        found[order_of[beyond]] = True
    return found


def _items(raw: U8, max_orders: int) -> I64 | None:
    """Where the orders of a request lie; None when it is not a plain request for quotes."""
    slots = np.empty(2 * wire.END, np.int64)
    items = np.empty((min(max_orders, len(raw) // 2), 3), np.int64)
    tags = DECODE_TAGS[wire.REQUEST]
    present, count = wire_decode.split(raw, 0, len(raw), tags, slots, items)
    fits = (
        present >= 0
        and count > 0
        and slots[wire.VALIDATE_ONLY] == 1
        and 0 <= slots[wire.HOLD_SECONDS] <= MAX_HOLD_SECONDS
        and wire_decode.is_id(raw, *slots[wire.REQUEST_ID :: wire.END])
    )
    return items[:count].copy() if fits else None


def _slow(
    request: bytes, items: I64, places: NDArray[np.int64]
) -> list[tuple[int, sourcing_pb2.Order]] | None:
    """The orders at some places of a request; None when one is no such message. Their fields are read
    together with the tags before them, as deep in a message as they were sent."""
    fields = b"".join(request[items[i, 0] : items[i, 2]] for i in places)
    try:
        orders = sourcing_pb2.SourceOrdersRequest.FromString(fields).orders
    except DecodeError:
        return None
    return list(zip(places.tolist(), orders, strict=True))
