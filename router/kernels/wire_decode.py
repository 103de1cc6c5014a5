"""Orders straight from the bytes of a request into columns, without a Python object per order.

Only *plain* orders are read here: every field known, none twice, all text ASCII and within its length,
every id known, every number within its range, at most MAX_GROUPS groups. Whatever is not plain is left to
the code that knows how to say what is wrong with it. So nothing here has to agree with anybody about an
error; it only must never call plain what the general way would refuse or read differently.

The bytes come from outside: every length is checked against the message it lies in before it is used, and
every index once more by the compiler (``guarded``).
"""

from __future__ import annotations

import numpy as np

from router.domain import MAX_ID_LENGTH, MAX_QUANTITY, MAX_UNIT_VALUE_CENTS, SalesChannel
from router.kernels.geo import unit_vector
from router.kernels.jit import guarded, inline, kernel
from router.kernels.text import find
from router.kernels.types import F64, FAR, I16, I64, MAX_GROUPS, U8
from router.kernels.wire import (
    CHANNEL,
    COUNTRY_CODE,
    DELIVER_BY,
    DESTINATION,
    END,
    FIXED64,
    H_CHANNEL,
    H_COUNTRY,
    H_DELIVER_BY,
    H_ID,
    H_ID_STOP,
    H_LINE_STOP,
    H_PROFILE,
    H_SEGMENT,
    H_ZONE,
    L_ALONE,
    L_GROUP,
    L_ID,
    L_ID_STOP,
    L_QUANTITY,
    L_SKU,
    L_SKU_ID,
    L_SKU_ID_STOP,
    L_VALUE,
    L_WITH,
    L_WITH_STOP,
    LATITUDE,
    LINE,
    LINE_ID,
    LONGITUDE,
    NANOS,
    ORDER,
    ORDER_ID,
    PLACE,
    POSTAL_CODE,
    PROFILE,
    QUANTITY,
    SECONDS,
    SEGMENT,
    SHIP_ALONE,
    SKU_ID,
    TIME,
    TOGETHER,
    UNIT_VALUE,
    VARINT,
    Ids,
    Names,
    Parsed,
    Scratch,
)

MAX_LENGTH_BYTES = 4
"""Longest length prefix that is read here: what is larger than 2^28 bytes is not plain."""

LAST_CHANNEL = int(max(SalesChannel))
WEB = int(SalesChannel.WEB)
LAST_SECOND = 253_402_300_799
"""The end of the year 9999, the last second a Timestamp may name."""
LAST_NANO = 999_999_999

Int = int | np.int64


@guarded
def read_varint(raw: U8, at: int, stop: int) -> tuple[int, int]:
    """A number below 2^63 and where it ends; -1 for where when there is none."""
    value: Int = 0
    shift = 0
    while at < stop and shift < 63:
        byte = np.int64(raw[at])
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return int(value), at
        shift += 7
    return 0, -1


@guarded
def split(raw: U8, at: int, stop: int, slot_of_tag: I64, slots: I64, items: I64) -> tuple[int, int]:
    """Takes the message ``raw[at:stop]`` apart. Of each field, ``slots`` gets a number at the field's slot,
    or the bounds of a text or message at its slot and ``END`` further on; zeros for what is absent.
    ``items`` [., 3] gets, for every element of what repeats, where its tag and its content begin, and where
    it ends.

    Returns the set of slots present and the number of items; -1 for the set when the message is not plain.
    """
    present, count = 0, 0
    for i in range(2 * END):
        slots[i] = 0
    while at < stop:
        first = at
        tag = np.int64(raw[at])
        at += 1
        slot = slot_of_tag[tag] if tag < 128 else -1
        if slot < 0 or (slot > 0 and (present >> slot) & 1) or at == stop:
            return -1, 0
        present |= 1 << slot
        wire = tag & 7
        if wire == FIXED64:
            if stop - at < 8:
                return -1, 0
            bits: Int = 0
            for i in range(8):
                bits |= np.int64(raw[at + i]) << (8 * i)
            slots[slot] = bits
            at += 8
            continue
        value: Int = np.int64(raw[at])
        if value < 128:
            at += 1
        else:
            value, at = read_varint(raw, at, stop)
            if at < 0:
                return -1, 0
        if wire == VARINT:
            slots[slot] = value
            continue
        if value > stop - at or at - first > 1 + MAX_LENGTH_BYTES:
            return -1, 0
        if slot > 0:
            slots[slot], slots[END + slot] = at, at + value
        elif count < len(items):
            items[count, 0], items[count, 1], items[count, 2] = first, at, at + value
            count += 1
        else:
            return -1, 0
        at += int(value)
    return present, count


@kernel
def is_id(raw: U8, start: int, stop: int) -> bool:
    """ASCII, and not too long. Its bounds are checked once, so that the loop becomes vector instructions."""
    if start < 0 or stop < start or stop > len(raw) or stop - start > MAX_ID_LENGTH:
        return False
    high: Int = 0
    for i in range(start, stop):
        high |= np.int64(raw[i])
    return bool(high < 128)


@guarded
def same(raw: U8, start: int, stop: int, other: int, other_stop: int) -> bool:
    """Are two texts the same? From the end, where ids differ first."""
    if stop - start != other_stop - other:
        return False
    differ, i = False, stop - start
    while i > 0 and not differ:
        i -= 1
        differ = raw[start + i] != raw[other + i]
    return not differ


@inline
def read_line(
    raw: U8,
    at: int,
    stop: int,
    tags: I64,
    slots: I64,
    nothing: I64,
    skus: Ids,
    unit_value_cents: I64,
    row: I64,
) -> bool:
    """One line into ``row``, all but its group. False: not plain."""
    present, _ = split(raw, at, stop, tags, slots, nothing)
    start, end = slots[LINE_ID], slots[END + LINE_ID]
    sku_start, sku_end = slots[SKU_ID], slots[END + SKU_ID]
    with_start, with_end = slots[TOGETHER], slots[END + TOGETHER]
    quantity, value, alone = slots[QUANTITY], slots[UNIT_VALUE], slots[SHIP_ALONE]
    sku = -1
    if (
        present >= 0
        and start < end
        and is_id(raw, start, end)
        and is_id(raw, sku_start, sku_end)
        and is_id(raw, with_start, with_end)
        and 1 <= quantity <= MAX_QUANTITY
        and value <= MAX_UNIT_VALUE_CENTS
        and alone <= 1
    ):
        sku = find(skus.data, skus.offsets, skus.table, raw, sku_start, sku_end)
    if sku >= 0:
        row[L_SKU], row[L_QUANTITY], row[L_ALONE] = sku, quantity, alone
        row[L_VALUE] = value if (present >> UNIT_VALUE) & 1 else unit_value_cents[sku]
        row[L_ID], row[L_ID_STOP] = start, end
        row[L_SKU_ID], row[L_SKU_ID_STOP] = sku_start, sku_end
        row[L_WITH], row[L_WITH_STOP] = with_start, with_end
    return sku >= 0 and sku_start < sku_end


@guarded
def group_of(raw: U8, lines: I64, first: int, at: int, groups: int) -> int:
    """Group of line ``at`` of an order whose lines begin at ``first`` and have ``groups`` groups so far; -1
    when an earlier line has its id."""
    start, stop = lines[at, L_ID], lines[at, L_ID_STOP]
    for other in range(first, at):
        if same(raw, start, stop, lines[other, L_ID], lines[other, L_ID_STOP]):
            return -1
    start, stop = lines[at, L_WITH], lines[at, L_WITH_STOP]
    if start < stop:
        for other in range(first, at):
            if same(raw, start, stop, lines[other, L_WITH], lines[other, L_WITH_STOP]):
                return int(lines[other, L_GROUP])
    return groups


@guarded
def zone_of(raw: U8, slots: I64, keys: Ids, zone_of_key: I16, longest: int, none: int, text: U8) -> int:
    """Zone of the place in ``slots``: that of its longest known postal prefix; ``none`` without one."""
    size = 0
    for i in range(slots[COUNTRY_CODE], slots[END + COUNTRY_CODE]):
        text[size] = raw[i]
        size += 1
    text[size] = ord(":")
    size += 1
    shortest = size
    for i in range(slots[POSTAL_CODE], slots[END + POSTAL_CODE]):
        if raw[i] != ord(" ") and size - shortest < longest:
            text[size] = raw[i]
            size += 1
    for stop in range(size, shortest - 1, -1):
        row = find(keys.data, keys.offsets, keys.table, text, 0, stop)
        if row >= 0:
            return int(zone_of_key[row])
    return none


@inline
def read_place(
    raw: U8, at: int, stop: int, tags: I64, slots: I64, nothing: I64, countries: Ids, row: I64, xyz: F64
) -> bool:
    """A destination, all but its zone. False: not plain."""
    present, _ = split(raw, at, stop, tags, slots, nothing)
    located = (1 << LATITUDE) | (1 << LONGITUDE)
    start, end = slots[COUNTRY_CODE], slots[END + COUNTRY_CODE]
    country = -1
    if (
        present >= 0
        and present & located == located
        and is_id(raw, start, end)
        and is_id(raw, slots[POSTAL_CODE], slots[END + POSTAL_CODE])
    ):
        country = find(countries.data, countries.offsets, countries.table, raw, start, end)
    degrees = slots.view(np.float64)
    latitude, longitude = degrees[LATITUDE], degrees[LONGITUDE]
    fits = country >= 0 and start < end and abs(latitude) <= 90.0 and abs(longitude) <= 180.0
    if fits:
        row[H_COUNTRY] = country
        xyz[0], xyz[1], xyz[2] = unit_vector(latitude, longitude)
    return fits


@inline
def read_head(
    raw: U8, present: int, slots: I64, segments: Ids, profiles: Ids, default: int, row: I64
) -> bool:
    """An order's own texts and numbers. False: not plain."""
    start, end = slots[SEGMENT], slots[END + SEGMENT]
    profile_start, profile_end = slots[PROFILE], slots[END + PROFILE]
    channel = slots[CHANNEL]
    fits = (
        (present >> DESTINATION) & 1 == 1
        and slots[ORDER_ID] < slots[END + ORDER_ID]
        and is_id(raw, slots[ORDER_ID], slots[END + ORDER_ID])
        and is_id(raw, start, end)
        and is_id(raw, profile_start, profile_end)
        and channel <= LAST_CHANNEL
    )
    if fits:
        segment, profile = -1, default
        if start < end:
            segment = find(segments.data, segments.offsets, segments.table, raw, start, end)
        if profile_start < profile_end:
            profile = find(profiles.data, profiles.offsets, profiles.table, raw, profile_start, profile_end)
        row[H_CHANNEL] = channel if channel > 0 else WEB
        row[H_SEGMENT] = segment if segment >= 0 else len(segments.offsets) - 1
        row[H_PROFILE] = profile
        row[H_ID], row[H_ID_STOP] = slots[ORDER_ID], slots[END + ORDER_ID]
        fits = profile >= 0
    return fits


@guarded
def read_time(raw: U8, at: int, stop: int, tags: I64, slots: I64, nothing: I64, now: int) -> int:
    """Epoch seconds of a deadline; -1 when it is past or not plain."""
    present, _ = split(raw, at, stop, tags, slots, nothing)
    seconds = slots[SECONDS]
    if present < 0 or slots[NANOS] > LAST_NANO or not now <= seconds <= LAST_SECOND:
        return -1
    return int(seconds)


@guarded
def decode(raw: U8, tags: I64, items: I64, names: Names, now: int, space: Scratch, out: Parsed) -> int:
    """The plain orders among ``items`` [orders, 3] of a request; how many there are.

    tags [len(MESSAGES), 128]: slot of a field by its tag byte, -1 for a tag that is not expected.
    now: epoch seconds that deadlines are compared with.
    """
    skus, values, countries, segments = names.skus, names.unit_value_cents, names.countries, names.segments
    profiles, default = names.profiles, names.default_profile
    keys, zone_of_key, longest, no_zone = (
        names.zone_keys, names.zone_of_key, names.zone_longest, names.zone_count,
    )  # fmt: skip
    order_tags, line_tags, place_tags, time_tags = tags[ORDER], tags[LINE], tags[PLACE], tags[TIME]
    rows, heads, xyz, lines, id_data, id_offsets = out
    slots, inner, spans, nothing, text = space
    b, at = 0, 0
    for i in range(len(items)):
        rows[i] = -1
        first, head = at, heads[b]
        present, count = split(raw, items[i, 1], items[i, 2], order_tags, slots, spans)
        if present < 0 or count == 0 or not read_head(raw, present, slots, segments, profiles, default, head):
            continue
        start, stop = slots[DESTINATION], slots[END + DESTINATION]
        if not read_place(raw, start, stop, place_tags, inner, nothing, countries, head, xyz[b]):
            continue
        head[H_ZONE] = zone_of(raw, inner, keys, zone_of_key, longest, no_zone, text)
        head[H_DELIVER_BY] = FAR
        if (present >> DELIVER_BY) & 1:
            start, stop = slots[DELIVER_BY], slots[END + DELIVER_BY]
            head[H_DELIVER_BY] = read_time(raw, start, stop, time_tags, inner, nothing, now)
            if head[H_DELIVER_BY] < 0:
                continue
        groups = 0
        for k in range(count):
            if not read_line(
                raw, spans[k, 1], spans[k, 2], line_tags, inner, nothing, skus, values, lines[at]
            ):
                break
            group = group_of(raw, lines, first, at, groups)
            groups = max(groups, group + 1)
            if group < 0 or groups > MAX_GROUPS:
                break
            lines[at, L_GROUP] = group
            at += 1
        if at - first < count:
            at = first
            continue
        head[H_LINE_STOP] = at
        size = id_offsets[b]
        for k in range(head[H_ID], head[H_ID_STOP]):
            id_data[size] = raw[k]
            size += 1
        rows[i] = b
        b += 1
        id_offsets[b] = size
    return b
