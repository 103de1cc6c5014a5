"""A single quote, from the bytes of its request to the bytes of its response, in one call: for one order the
way into a kernel and out of it costs as much as the decision."""

from __future__ import annotations

from typing import Any, NamedTuple

from router.domain import MAX_HOLD_SECONDS
from router.kernels.decide import decide_each
from router.kernels.jit import borrow, brief
from router.kernels.keys import decision_keys
from router.kernels.types import I64, U8, U64, OrderArrays, PlanArrays
from router.kernels.wire import (
    END,
    H_LINE_STOP,
    HOLD_SECONDS,
    REQUEST,
    REQUEST_ID,
    VALIDATE_ONLY,
    Parsed,
    Scratch,
    fill_columns,
)
from router.kernels.wire_decode import decode, is_id, split
from router.kernels.wire_encode import Answers, Ready, put_decision


class QuoteSpace(NamedTuple):
    """Room for one order of a few lines on its way from request to response. The columns that some kernels
    write and others only read are here twice, as these are compiled for."""

    slots: I64  # [2 * END] fields of the request
    items: I64  # [1, 3] where its order lies
    scratch: Scratch
    parsed: Parsed
    filled: OrderArrays
    orders: OrderArrays  # ``filled``, read-only
    id_data: U8  # ``parsed.id_data``, read-only
    id_starts: I64  # ``parsed.id_offsets``, read-only
    plans: PlanArrays
    keys: U64  # [1, 2] the decision id
    key: I64  # ``keys``, as signed numbers
    side: U8  # [0] read-only
    side_at: I64  # [1, 2]
    buffer: U8


@brief
def quote(
    tables: Any,
    space: Any,
    raw: U8,
    now: int,
    origin: int,
    stock_version: int,
    rules_key: int,
    versions: U8,
    decide_time: U8,
) -> int:
    """Answers a SourceOrderRequest; returns where in the buffer the SourceOrderResponse begins, -1 when it
    is to be answered in the general way: it is no plain request for a quote, it has more lines than there is
    room for, or the kernels leave its order to the solver.

    tables: a handle on (Names, Ready, tags to read, tags to write). space: one on (World, Candidates,
    Subsets, RowClasses, QuoteSpace). versions, decide_time: as in Ready. The contract lays requests and
    responses out as it does the batch's (a test holds it to that).
    """
    names, ready, read_tags, write_tags = borrow(tables.columns)
    world, c, w, k, s = borrow(space.columns)
    slots, lines = s.slots, len(s.orders.sku_ix)
    present, count = split(raw, 0, len(raw), read_tags[REQUEST], slots, s.items)
    if (
        present < 0
        or count != 1
        or slots[VALIDATE_ONLY] != 1
        or not 0 <= slots[HOLD_SECONDS] <= MAX_HOLD_SECONDS
        or not is_id(raw, slots[REQUEST_ID], slots[END + REQUEST_ID])
        or decode(raw, read_tags, s.items, names, now, s.scratch, s.parsed) != 1
        or s.parsed.head[0, H_LINE_STOP] > lines
    ):
        return -1
    fill_columns(s.parsed, 1, s.filled)
    decide_each(world, s.orders, origin, -1, c, w, k, s.plans)
    if s.plans.status[0] <= 0:
        return -1
    decision_keys(s.orders, s.id_data, s.id_starts, now, stock_version, rules_key, s.keys)
    answers = Answers(
        s.parsed.row, s.side, s.side_at, s.key, s.id_data, s.parsed.id_offsets, raw, s.parsed.lines
    )
    ready = Ready(
        ready.node_data,
        ready.node_offsets,
        ready.service_data,
        ready.service_offsets,
        ready.strategy_data,
        ready.strategy_offsets,
        ready.proof,
        versions,
        decide_time,
    )
    fallback = world.rules.fallback
    return put_decision(s.buffer, len(s.buffer), 0, answers, s.orders, s.plans, ready, write_tags, fallback)
