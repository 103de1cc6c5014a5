"""How a request lies in bytes, and where its orders go: the fields that are read, the columns of what was
read, and the names that an order may use."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from router.domain import MAX_ID_LENGTH, MAX_LINES
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


def order_arrays_of(parsed: Parsed, count: int) -> OrderArrays:
    """The columns of the ``count`` plain orders, as ``router.orders.order_arrays`` makes them."""
    head = parsed.head[:count]
    stop = head[:, H_LINE_STOP]
    lines = parsed.lines[: int(stop[-1]) if count else 0]
    columns = OrderArrays(
        line_start=np.concatenate([np.zeros(1, np.int64), stop]),
        sku_ix=lines[:, L_SKU].astype(np.int32),
        quantity=lines[:, L_QUANTITY].copy(),
        unit_value_cents=lines[:, L_VALUE].copy(),
        group=lines[:, L_GROUP].astype(np.int16),
        alone=lines[:, L_ALONE].astype(np.uint8),
        country=head[:, H_COUNTRY].astype(np.int16),
        zone=head[:, H_ZONE].astype(np.int16),
        xyz=parsed.xyz[:count].copy(),
        channel=head[:, H_CHANNEL].astype(np.int16),
        segment=head[:, H_SEGMENT].astype(np.int16),
        profile=head[:, H_PROFILE].astype(np.int16),
        deliver_by_seconds=head[:, H_DELIVER_BY].copy(),
    )
    for column in columns:
        column.setflags(write=False)
    return columns
