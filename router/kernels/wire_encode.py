"""Decisions straight from columns into the bytes of a response, without a Python object per decision.

Written from the end of the buffer to its beginning: when a message's turn comes to be prefixed with its
length, its content stands already, so nothing is measured twice and every length is as short as can be.
Fields lie in the order of their numbers, as other encoders write them, and defaults are left out (proto3).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from router.cost import PART_COUNT
from router.kernels.jit import guarded, inline, kernel
from router.kernels.types import I32, I64, U8, OrderArrays, PlanArrays
from router.kernels.wire import L_ID, L_ID_STOP, L_SKU_ID, L_SKU_ID_STOP

FIELDS = (
    "SourceOrdersResponse.results",
    "SourceOrdersResult.decision",
    "Decision.decision_id",
    "Decision.order_id",
    "Decision.status",
    "Decision.plan",
    "Decision.unfilled",
    "Decision.certificate",
    "Certificate.bound_cents",
    "Plan.shipments",
    "Plan.cost",
    "Plan.promise_time",
    "Shipment.picks",
    "Shipment.parcel_count",
    "Shipment.weight_grams",
    "Shipment.distance_m",
    "Shipment.arrival_time",
    "Shipment.cost",
    "Timestamp.seconds",
    "Pick.line_id",
    "Pick.sku_id",
    "Pick.quantity",
    "UnfilledLine.line_id",
    "UnfilledLine.sku_id",
    "UnfilledLine.quantity",
    "Cost.total_cents",
    "Cost.shipping_cents",
    "Cost.handling_cents",
    "Cost.delay_cents",
    "Cost.split_cents",
    "Cost.stock_depth_cents",
    "Cost.distance_cents",
    "Cost.node_priority_cents",
    "Cost.stock_price_cents",
)
"""The fields whose tag bytes ``encode`` is given, in this order. A cost's parts are in that of ``Part``."""
(
    RESULTS, DECISION, DECISION_ID, ORDER_ID, STATUS, PLAN, UNFILLED, CERTIFICATE, BOUND, SHIPMENTS,
    PLAN_COST, PROMISE, PICKS, PARCELS, WEIGHT, DISTANCE, ARRIVAL, SHIPMENT_COST, SECONDS,
) = range(19)  # fmt: skip
PICK = FIELDS.index("Pick.line_id")
UNFILLED_LINE = FIELDS.index("UnfilledLine.line_id")
TOTAL = FIELDS.index("Cost.total_cents")
PARTS = TOTAL + 1

HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
NUMBER = 11
"""Most bytes of a number with its tag."""
FRAME = 6
"""Most bytes of a tag and a length."""
COST = FRAME + (1 + PART_COUNT) * NUMBER
TIME = FRAME + NUMBER


class Ready(NamedTuple):
    """Pieces of the answer that are made once, as encoded fields of the message they stand in."""

    node_data: U8  # Shipment.node_id of each node, end to end
    node_offsets: I64  # [N + 1]
    service_data: U8  # Shipment.service_id
    service_offsets: I64
    strategy_data: U8  # Decision.strategy_ids of each strategy
    strategy_offsets: I64
    proof: U8  # Certificate.kind and method of an exact answer
    versions: U8  # Decision.versions
    decide_time: U8  # Decision.decide_time


class Answers(NamedTuple):
    """What to write: for result i either row ``row[i]`` of the decisions or, where that is -1, the bytes
    ``side[side_at[i, 0]:side_at[i, 1]]``, a SourceOrdersResult made elsewhere."""

    row: I32  # [results]
    side: U8
    side_at: I64  # [results, 2]
    key: I64  # [B, 2] decision ids
    id_data: U8  # order ids, end to end
    id_offsets: I64  # [B + 1]
    raw: U8  # the request
    lines: I64  # [L, wire.LINE_COLUMNS]


def most_bytes(ready: Ready, results: int, decisions: int, shipments: int, lines: int, copied: int) -> int:
    """A size that an encoded response cannot exceed: so many results, so many of them decided here with so
    many shipments and lines, and so many bytes copied from the request or made elsewhere."""
    names = int(np.diff(ready.node_offsets).max(initial=0) + np.diff(ready.service_offsets).max(initial=0))
    fixed = len(ready.strategy_data) + len(ready.proof) + len(ready.versions) + len(ready.decide_time)
    per_order = fixed + 5 * FRAME + 34 + 2 * NUMBER + COST + TIME
    per_shipment = names + FRAME + 3 * NUMBER + COST + TIME
    per_line = 3 * FRAME + NUMBER
    return copied + results * FRAME + decisions * per_order + shipments * per_shipment + lines * per_line


@guarded
def put_number(buffer: U8, at: int, value: int) -> int:
    """A varint that ends before ``at``; returns where it begins."""
    if 0 <= value < 1 << 7:  # nearly all numbers are small
        buffer[at - 1] = value
        return at - 1
    if 0 <= value < 1 << 14:
        buffer[at - 1] = value >> 7
        buffer[at - 2] = (value & 127) | 128
        return at - 2
    size = 1
    if value < 0:
        size = 10
    else:
        rest = value >> 7
        while rest > 0:
            rest >>= 7
            size += 1
    start = at - size
    for i in range(start, at - 1):
        buffer[i] = (value & 127) | 128
        value >>= 7
    buffer[at - 1] = value & 127 if size < 10 else 1
    return start


@guarded
def put_field(buffer: U8, at: int, tag: int, value: int) -> int:
    """A numeric field, unless it has its default."""
    if value == 0:
        return at
    at = put_number(buffer, at, value) - 1
    buffer[at] = tag
    return at


@guarded
def put_frame(buffer: U8, at: int, stop: int, tag: int) -> int:
    """Makes ``buffer[at:stop]`` the content of a field."""
    at = put_number(buffer, at, stop - at) - 1
    buffer[at] = tag
    return at


@kernel
def put_bytes(buffer: U8, at: int, source: U8, start: int, stop: int) -> int:
    """A copy of ``source[start:stop]``. Its bounds are checked here, once, so that the loop becomes vector
    instructions."""
    at -= stop - start
    if at < 0 or start < 0 or stop < start or stop > len(source) or at + stop - start > len(buffer):
        raise IndexError("a copy out of bounds")
    for i in range(stop - start):
        buffer[at + i] = source[start + i]
    return at


@guarded
def put_text(buffer: U8, at: int, tag: int, source: U8, start: int, stop: int) -> int:
    """A field with the text ``source[start:stop]``, which is not empty."""
    return put_frame(buffer, put_bytes(buffer, at, source, start, stop), at, tag)


@guarded
def put_time(buffer: U8, at: int, tag: int, seconds: int, tags: I64) -> int:
    """A Timestamp of whole seconds."""
    return put_frame(buffer, put_field(buffer, at, tags[SECONDS], seconds), at, tag)


@guarded
def put_cost(buffer: U8, at: int, tag: int, parts: I64, tags: I64) -> int:
    """A Cost."""
    stop, total = at, 0
    for p in range(PART_COUNT - 1, -1, -1):
        at = put_field(buffer, at, tags[PARTS + p], parts[p])
        total += parts[p]
    return put_frame(buffer, put_field(buffer, at, tags[TOTAL], total), stop, tag)


@guarded
def put_line(buffer: U8, at: int, tag: int, raw: U8, line: I64, quantity: int, line_tags: I64) -> int:
    """A Pick or an UnfilledLine; ``line_tags``: of its line id, SKU id and quantity."""
    stop = at
    at = put_field(buffer, at, line_tags[2], quantity)
    at = put_text(buffer, at, line_tags[1], raw, line[L_SKU_ID], line[L_SKU_ID_STOP])
    at = put_text(buffer, at, line_tags[0], raw, line[L_ID], line[L_ID_STOP])
    return put_frame(buffer, at, stop, tag)


@guarded
def put_key(buffer: U8, at: int, tag: int, key: I64) -> int:
    """A decision id: 128 bits in hexadecimal."""
    stop = at
    at -= 32
    for half in range(2):
        for i in range(16):
            buffer[at + 16 * half + i] = HEX[(key[half] >> (60 - 4 * i)) & 15]
    return put_frame(buffer, at, stop, tag)


@guarded
def put_strategies(buffer: U8, at: int, first: int, last: int, fallback: I32, data: U8, offsets: I64) -> int:
    """The strategies from ``first`` along the fallbacks to ``last``; none when ``first`` is -1."""
    size, t = 0, first
    while t >= 0:
        size += offsets[t + 1] - offsets[t]
        t = fallback[t] if t != last else -1
    start = at - size
    at, t = start, first
    while t >= 0:
        for i in range(offsets[t], offsets[t + 1]):
            buffer[at] = data[i]
            at += 1
        t = fallback[t] if t != last else -1
    return start


@inline
def put_shipment(
    buffer: U8,
    at: int,
    s: int,
    first: int,
    stop: int,
    answers: Answers,
    orders: OrderArrays,
    plans: PlanArrays,
    ready: Ready,
    tags: I64,
) -> int:
    """Row ``s`` of the shipments, of an order whose lines are ``first:stop``."""
    end, mask = at, plans.ship_groups[s]
    node, service = plans.ship_node[s], plans.ship_service[s]
    line_tags = tags[PICK : PICK + 3]
    at = put_cost(buffer, at, tags[SHIPMENT_COST], plans.ship_parts[s], tags)
    at = put_time(buffer, at, tags[ARRIVAL], plans.ship_arrival_seconds[s], tags)
    at = put_field(buffer, at, tags[DISTANCE], plans.ship_distance_m[s])
    at = put_field(buffer, at, tags[WEIGHT], plans.ship_weight_grams[s])
    at = put_field(buffer, at, tags[PARCELS], plans.ship_parcels[s])
    for k in range(stop - 1, first - 1, -1):
        if (mask >> orders.group[k]) & 1:
            at = put_line(
                buffer, at, tags[PICKS], answers.raw, answers.lines[k], orders.quantity[k], line_tags
            )
    offsets = ready.service_offsets
    at = put_bytes(buffer, at, ready.service_data, offsets[service], offsets[service + 1])
    at = put_bytes(buffer, at, ready.node_data, ready.node_offsets[node], ready.node_offsets[node + 1])
    return put_frame(buffer, at, end, tags[SHIPMENTS])


@inline
def put_decision(
    buffer: U8,
    at: int,
    b: int,
    answers: Answers,
    orders: OrderArrays,
    plans: PlanArrays,
    ready: Ready,
    tags: I64,
    fallback: I32,
) -> int:
    """Row ``b`` of the decisions, as a field of a SourceOrdersResult."""
    end = at
    ships, ships_stop = plans.ship_start[b], plans.ship_start[b + 1]
    first, stop = orders.line_start[b], orders.line_start[b + 1]
    at = put_bytes(buffer, at, ready.decide_time, 0, len(ready.decide_time))
    tried, answered = plans.first_strategy[b], plans.strategy[b]
    at = put_strategies(buffer, at, tried, answered, fallback, ready.strategy_data, ready.strategy_offsets)
    at = put_bytes(buffer, at, ready.versions, 0, len(ready.versions))
    inner, bound = at, 0
    for part in plans.parts[b]:
        bound += part
    at = put_field(buffer, at, tags[BOUND], bound)
    at = put_bytes(buffer, at, ready.proof, 0, len(ready.proof))
    at = put_frame(buffer, at, inner, tags[CERTIFICATE])
    filled, last = 0, 0
    for s in range(ships, ships_stop):
        filled |= plans.ship_groups[s]
        last = max(last, plans.ship_arrival_seconds[s])
    line_tags = tags[UNFILLED_LINE : UNFILLED_LINE + 3]
    for k in range(stop - 1, first - 1, -1):
        if (filled >> orders.group[k]) & 1 == 0:
            line, quantity = answers.lines[k], orders.quantity[k]
            at = put_line(buffer, at, tags[UNFILLED], answers.raw, line, quantity, line_tags)
    if ships < ships_stop:
        inner = at
        at = put_time(buffer, at, tags[PROMISE], last, tags)
        at = put_cost(buffer, at, tags[PLAN_COST], plans.parts[b], tags)
        for s in range(ships_stop - 1, ships - 1, -1):
            at = put_shipment(buffer, at, s, first, stop, answers, orders, plans, ready, tags)
        at = put_frame(buffer, at, inner, tags[PLAN])
    at = put_field(buffer, at, tags[STATUS], plans.status[b])
    at = put_text(
        buffer, at, tags[ORDER_ID], answers.id_data, answers.id_offsets[b], answers.id_offsets[b + 1]
    )
    at = put_key(buffer, at, tags[DECISION_ID], answers.key[b])
    return put_frame(buffer, at, end, tags[DECISION])


@guarded
def encode(
    buffer: U8,
    answers: Answers,
    orders: OrderArrays,
    plans: PlanArrays,
    ready: Ready,
    tags: I64,
    fallback: I32,
) -> int:
    """Writes a SourceOrdersResponse to the end of ``buffer``; returns where it begins. For a buffer smaller
    than ``most_bytes`` that may be negative, and what it holds of no use, or it raises IndexError.

    tags: the tag bytes of ``FIELDS``. fallback [T]: the strategy tried after another, -1 for none.
    """
    at = len(buffer)
    side_at = answers.side_at
    for i in range(len(answers.row) - 1, -1, -1):
        end, b = at, answers.row[i]
        if b < 0:
            at = put_bytes(buffer, at, answers.side, side_at[i, 0], side_at[i, 1])
        else:
            at = put_decision(buffer, at, b, answers, orders, plans, ready, tags, fallback)
        at = put_frame(buffer, at, end, tags[RESULTS])
    return at
