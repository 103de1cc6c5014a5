"""Decisions straight from columns into the bytes of a response, without a Python object per decision.

Written from the end of the buffer to its beginning: when a message's turn comes to be prefixed with its
length, its content stands already, so nothing is measured twice and every length is as short as can be. Fields
lie in the order of their numbers, as other encoders write them, and defaults are left out (proto3).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from router.domain import PART_COUNT
from router.kernels.jit import guarded
from router.kernels.types import I32, I64, U8, OrderArrays, PlanArrays
from router.kernels.wire_decode import L_ID, L_ID_STOP, L_SKU_ID, L_SKU_ID_STOP

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
)
"""The fields whose tag bytes ``encode`` is given, in this order. The parts of a cost are in that of ``Part``."""
(
    RESULTS, DECISION, DECISION_ID, ORDER_ID, STATUS, PLAN, UNFILLED, CERTIFICATE, BOUND, SHIPMENTS, PLAN_COST,
    PROMISE, PICKS, PARCELS, WEIGHT, DISTANCE, ARRIVAL, SHIPMENT_COST, SECONDS, PICK, _, _, UNFILLED_LINE, _, _,
    TOTAL,
) = range(26)  # fmt: skip
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
    lines: I64  # [L, wire_decode.LINE_COLUMNS]


def most_bytes(answers: Answers, orders: OrderArrays, plans: PlanArrays, ready: Ready) -> int:
    """A size that the encoded response cannot exceed."""
    decisions, shipments, lines = len(answers.key), int(plans.ship_start[-1]), len(orders.quantity)
    names = int(np.diff(ready.node_offsets).max(initial=0) + np.diff(ready.service_offsets).max(initial=0))
    fixed = len(ready.strategy_data) + len(ready.proof) + len(ready.versions) + len(ready.decide_time)
    per_order = fixed + 5 * FRAME + 34 + 2 * NUMBER + COST + TIME
    per_shipment = names + FRAME + 3 * NUMBER + COST + TIME
    per_line = 3 * FRAME + NUMBER
    copied = len(answers.raw) + len(answers.side)
    return (
        copied
        + len(answers.row) * FRAME
        + decisions * per_order
        + shipments * per_shipment
        + lines * per_line
    )


@guarded
def put_number(buffer: U8, at: int, value: int) -> int:
    """A varint that ends before ``at``; returns where it begins."""
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


@guarded
def put_bytes(buffer: U8, at: int, source: U8, start: int, stop: int) -> int:
    """A copy of ``source[start:stop]``."""
    at -= stop - start
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
    """Writes a SourceOrdersResponse to the end of ``buffer``; returns where it begins. Negative: the buffer was
    too small, and what it holds is of no use.

    tags: the tag bytes of ``FIELDS``. fallback [T]: the strategy tried after another, -1 for none.
    """
    row_of, side, side_at, keys, id_data, id_offsets, raw, lines = answers
    node_data, node_offsets, service_data, service_offsets = ready[:4]
    strategy_data, strategy_offsets, proof, versions, decide_time = ready[4:]
    line_start, group, quantity = orders.line_start, orders.group, orders.quantity
    status, first_strategy, strategy, plan_parts = (
        plans.status, plans.first_strategy, plans.strategy, plans.parts,
    )  # fmt: skip
    ship_start, ship_node, ship_service, ship_groups = (
        plans.ship_start, plans.ship_node, plans.ship_service, plans.ship_groups,
    )  # fmt: skip
    parcels, weight, distance, arrival, ship_parts = (
        plans.ship_parcels, plans.ship_weight_grams, plans.ship_distance_m, plans.ship_arrival_seconds,
        plans.ship_parts,
    )  # fmt: skip
    pick_tags, unfilled_tags = tags[PICK : PICK + 3], tags[UNFILLED_LINE : UNFILLED_LINE + 3]
    at = len(buffer)
    for i in range(len(row_of) - 1, -1, -1):
        result, b = at, row_of[i]
        if b < 0:
            at = put_bytes(buffer, at, side, side_at[i, 0], side_at[i, 1])
            at = put_frame(buffer, at, result, tags[RESULTS])
            continue
        at = put_bytes(buffer, at, decide_time, 0, len(decide_time))
        at = put_strategies(
            buffer, at, first_strategy[b], strategy[b], fallback, strategy_data, strategy_offsets
        )
        at = put_bytes(buffer, at, versions, 0, len(versions))
        stop, cost = at, plan_parts[b].sum()
        at = put_field(buffer, at, tags[BOUND], cost)
        at = put_bytes(buffer, at, proof, 0, len(proof))
        at = put_frame(buffer, at, stop, tags[CERTIFICATE])
        filled, last = 0, 0
        for s in range(ship_start[b], ship_start[b + 1]):
            filled |= ship_groups[s]
            last = max(last, arrival[s])
        for k in range(line_start[b + 1] - 1, line_start[b] - 1, -1):
            if (filled >> group[k]) & 1 == 0:
                at = put_line(buffer, at, tags[UNFILLED], raw, lines[k], quantity[k], unfilled_tags)
        if filled:
            plan = at
            at = put_time(buffer, at, tags[PROMISE], last, tags)
            at = put_cost(buffer, at, tags[PLAN_COST], plan_parts[b], tags)
            for s in range(ship_start[b + 1] - 1, ship_start[b] - 1, -1):
                stop, mask = at, ship_groups[s]
                at = put_cost(buffer, at, tags[SHIPMENT_COST], ship_parts[s], tags)
                at = put_time(buffer, at, tags[ARRIVAL], arrival[s], tags)
                at = put_field(buffer, at, tags[DISTANCE], distance[s])
                at = put_field(buffer, at, tags[WEIGHT], weight[s])
                at = put_field(buffer, at, tags[PARCELS], parcels[s])
                for k in range(line_start[b + 1] - 1, line_start[b] - 1, -1):
                    if (mask >> group[k]) & 1:
                        at = put_line(buffer, at, tags[PICKS], raw, lines[k], quantity[k], pick_tags)
                v, n = ship_service[s], ship_node[s]
                at = put_bytes(buffer, at, service_data, service_offsets[v], service_offsets[v + 1])
                at = put_bytes(buffer, at, node_data, node_offsets[n], node_offsets[n + 1])
                at = put_frame(buffer, at, stop, tags[SHIPMENTS])
            at = put_frame(buffer, at, plan, tags[PLAN])
        at = put_field(buffer, at, tags[STATUS], status[b])
        at = put_text(buffer, at, tags[ORDER_ID], id_data, id_offsets[b], id_offsets[b + 1])
        at = put_key(buffer, at, tags[DECISION_ID], keys[b])
        at = put_frame(buffer, at, result, tags[DECISION])
        at = put_frame(buffer, at, result, tags[RESULTS])
    return at
