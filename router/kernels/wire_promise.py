"""Dates straight from columns into the bytes of a response, from its end to its beginning as in
``wire_encode``."""

from __future__ import annotations

from router.kernels.jit import brief
from router.kernels.promise import AVAILABLE, NODE, SECONDS, STAGE, WAY
from router.kernels.types import I8, I64, U8
from router.kernels.wire_encode import FRAME, NUMBER, TIME, put_bytes, put_field, put_frame

FIELDS = (
    "GetPromiseResponse.promises",
    "Promise.item_ix",
    "Promise.delivery_ix",
    "Promise.delivery_method",
    "Promise.earliest_time",
    "Promise.available",
    "Promise.node_count",
    "Promise.supply_time",
    "Promise.order_by_time",
    "Promise.p50_time",
    "Promise.p90_time",
    "Timestamp.seconds",
)
"""The fields whose tag bytes ``encode_promises`` is given, in this order."""
(
    PROMISES, ITEM_IX, DELIVERY_IX, METHOD, EARLIEST, UNITS, NODE_COUNT, SUPPLY, _ORDER_BY, _P50, _P90, AT,
) = range(12)  # fmt: skip
KNOWN_TIMES = 4
"""Of a date besides: SUPPLY and those after it."""
MOST_BYTES = 2 * FRAME + 5 * NUMBER + (1 + KNOWN_TIMES) * (TIME + FRAME)
"""Of a promise, besides its names."""


@brief
def encode_promises(
    buffer: U8,
    tags: I64,
    delivery_ix: int,
    origin_seconds: int,
    found: I64,
    node_count: I64,
    times: I64,
    methods: I8,
    nodes: U8,
    node_offsets: I64,
    ways: U8,
    way_offsets: I64,
    reasons: U8,
    reason_offsets: I64,
) -> int:
    """Writes the promises of one delivery, fields of a GetPromiseResponse, to the end of ``buffer``; returns
    where they begin.

    found: int64[I, ANSWER_COLUMNS] as ``soonest`` writes it. node_count: int64[I], 0 where the item cannot be
    had. times: int64[I, KNOWN_TIMES], epoch seconds or 0. methods: int8[N], DeliveryMethod by node. nodes,
    ways, reasons: encoded fields of a Promise by node, by way and by stage, end to end.
    """
    at = len(buffer)
    for i in range(len(found) - 1, -1, -1):
        end = at
        for k in range(KNOWN_TIMES - 1, -1, -1):
            if times[i, k] != 0:
                inner = at
                at = put_field(buffer, at, tags[AT], times[i, k])
                at = put_frame(buffer, at, inner, tags[SUPPLY + k])
        if node_count[i] == 0:
            stage = found[i, STAGE]
            at = put_bytes(buffer, at, reasons, reason_offsets[stage], reason_offsets[stage + 1])
        else:
            node, way = found[i, NODE], found[i, WAY]
            at = put_field(buffer, at, tags[NODE_COUNT], node_count[i])
            at = put_field(buffer, at, tags[UNITS], found[i, AVAILABLE])
            inner = at
            at = put_field(buffer, at, tags[AT], origin_seconds + found[i, SECONDS])
            at = put_frame(buffer, at, inner, tags[EARLIEST])
            at = put_bytes(buffer, at, ways, way_offsets[way], way_offsets[way + 1])
            at = put_bytes(buffer, at, nodes, node_offsets[node], node_offsets[node + 1])
            at = put_field(buffer, at, tags[METHOD], methods[node])
        at = put_field(buffer, at, tags[DELIVERY_IX], delivery_ix)
        at = put_field(buffer, at, tags[ITEM_IX], i)
        at = put_frame(buffer, at, end, tags[PROMISES])
    return at
