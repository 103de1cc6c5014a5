"""How a request lies in bytes, and where its orders go: the fields that are read, the columns of what was
read, and the names that an order may use."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from router.domain import MAX_ID_LENGTH, MAX_LINES
from router.kernels.jit import kernel
from router.kernels.types import F64, I16, I32, I64, U8, OrderArrays

MESSAGES = ("SourceOrdersRequest", "Order", "OrderLine", "Destination", "Timestamp")
"""The messages that are read; ``tags[m]`` belongs to ``MESSAGES[m]``."""
REQUEST, ORDER, LINE, PLACE, TIME = range(5)

SLOTS = (
    ("orders", "request_id", "validate_only", "hold_seconds"),
    (
        "lines",
        "order_id",
        "destination",
        "sales_channel",
        "customer_segment",
        "sourcing_profile",
        "deliver_by_time",
    ),
    ("", "line_id", "sku_id", "quantity", "unit_value_cents", "together", "ship_alone"),
    ("", "country_code", "postal_code", "latitude", "longitude"),
    ("", "seconds", "nanos"),
)
"""The fields of each message, by slot. Slot 0 is for what repeats."""
REQUEST_ID, VALIDATE_ONLY, HOLD_SECONDS = 1, 2, 3
ORDER_ID, DESTINATION, CHANNEL, SEGMENT, PROFILE, DELIVER_BY = 1, 2, 3, 4, 5, 6
LINE_ID, SKU_ID, QUANTITY, UNIT_VALUE, TOGETHER, SHIP_ALONE = 1, 2, 3, 4, 5, 6
COUNTRY_CODE, POSTAL_CODE, LATITUDE, LONGITUDE = 1, 2, 3, 4
SECONDS, NANOS = 1, 2
END = 8
"""Slots of a message, and so the distance from where a field begins to where it ends."""

VARINT, FIXED64, BYTES = 0, 1, 2
"""Wire types, the low three bits of a tag."""

HEAD_COLUMNS = 9
H_COUNTRY, H_ZONE, H_CHANNEL, H_SEGMENT, H_PROFILE, H_DELIVER_BY, H_LINE_STOP, H_ID, H_ID_STOP = range(9)
LINE_COLUMNS = 11
(
    L_SKU,
    L_QUANTITY,
    L_VALUE,
    L_GROUP,
    L_ALONE,
    L_ID,
    L_ID_STOP,
    L_SKU_ID,
    L_SKU_ID_STOP,
    L_WITH,
    L_WITH_STOP,
) = range(11)


class Ids(NamedTuple):
    """An index of ids, as in ``router.columns.IdIndex``."""

    data: U8
    offsets: I64
    table: I32


class Names(NamedTuple):
    """What the texts of an order may name."""

    skus: Ids
    unit_value_cents: I64  # [S]
    countries: Ids
    segments: Ids
    profiles: Ids
    default_profile: int
    zone_keys: Ids  # texts such as FR:75
    zone_of_key: I16
    zone_longest: int  # most bytes of a postal prefix
    zone_count: int


class Parsed(NamedTuple):
    """Where the plain orders of a request are written. Their rows follow each other without gaps."""

    row: I32  # [orders] row of a plain order, -1 for any other
    head: I64  # [rows, HEAD_COLUMNS]
    xyz: F64  # [rows, 3]
    lines: I64  # [lines, LINE_COLUMNS]
    id_data: U8  # the order ids, end to end
    id_offsets: I64  # [rows + 1]


class Scratch(NamedTuple):
    """Work space of one call."""

    outer: I64  # [2 * END] slots of an order
    inner: I64  # [2 * END] slots of a message in it
    spans: I64  # [MAX_LINES, 3] its lines
    nothing: I64  # [0, 3] room for what does not repeat
    text: U8  # a zone key


def scratch() -> Scratch:
    """Work space for ``decode``."""
    outer, inner = np.empty(2 * END, np.int64), np.empty(2 * END, np.int64)
    spans, nothing = np.empty((MAX_LINES, 3), np.int64), np.empty((0, 3), np.int64)
    return Scratch(outer, inner, spans, nothing, np.empty(4 * MAX_ID_LENGTH, np.uint8))


def room_for(order_count: int, byte_count: int) -> Parsed:
    """Room for so many orders in so many bytes. A plain line takes ten bytes at least."""
    return Parsed(
        row=np.empty(order_count, np.int32),
        head=np.empty((order_count, HEAD_COLUMNS), np.int64),
        xyz=np.empty((order_count, 3), np.float64),
        lines=np.empty((min(byte_count // 10, order_count * MAX_LINES) + 1, LINE_COLUMNS), np.int64),
        id_data=np.empty(byte_count, np.uint8),
        id_offsets=np.zeros(order_count + 1, np.int64),
    )


def columns_for(orders: int, lines: int) -> OrderArrays:
    """Room for so many orders with so many lines in all."""
    return OrderArrays(
        line_start=np.zeros(orders + 1, np.int64),
        sku_ix=np.empty(lines, np.int32),
        quantity=np.empty(lines, np.int64),
        unit_value_cents=np.empty(lines, np.int64),
        group=np.empty(lines, np.int16),
        alone=np.empty(lines, np.uint8),
        country=np.empty(orders, np.int16),
        zone=np.empty(orders, np.int16),
        xyz=np.empty((orders, 3), np.float64),
        channel=np.empty(orders, np.int16),
        segment=np.empty(orders, np.int16),
        profile=np.empty(orders, np.int16),
        deliver_by_seconds=np.empty(orders, np.int64),
    )


def read_only(columns: OrderArrays) -> OrderArrays:
    """The same columns, not to be written through these: what the kernels that decide are compiled for."""
    views = OrderArrays._make(column.view() for column in columns)
    for view in views:
        view.setflags(write=False)
    return views


@kernel
def fill_columns(parsed: Parsed, count: int, out: OrderArrays) -> None:
    """The ``count`` plain orders, as ``router.orders.order_arrays`` writes them."""
    head, lines = parsed.head, parsed.lines
    line_start, sku_ix, quantity, value = out.line_start, out.sku_ix, out.quantity, out.unit_value_cents
    group, alone = out.group, out.alone
    at = 0
    for b in range(count):
        own = head[b]
        out.country[b] = np.int16(own[H_COUNTRY])
        out.zone[b] = np.int16(own[H_ZONE])
        out.channel[b] = np.int16(own[H_CHANNEL])
        out.segment[b] = np.int16(own[H_SEGMENT])
        out.profile[b] = np.int16(own[H_PROFILE])
        out.deliver_by_seconds[b] = own[H_DELIVER_BY]
        for axis in range(3):
            out.xyz[b, axis] = parsed.xyz[b, axis]
        while at < own[H_LINE_STOP]:
            sku_ix[at] = np.int32(lines[at, L_SKU])
            quantity[at] = lines[at, L_QUANTITY]
            value[at] = lines[at, L_VALUE]
            group[at] = np.int16(lines[at, L_GROUP])
            alone[at] = np.uint8(lines[at, L_ALONE])
            at += 1
        line_start[b + 1] = at


def order_arrays_of(parsed: Parsed, count: int) -> OrderArrays:
    """The columns of the ``count`` plain orders."""
    columns = columns_for(count, int(parsed.head[count - 1, H_LINE_STOP]) if count else 0)
    fill_columns(parsed, count, columns)
    return read_only(columns)
