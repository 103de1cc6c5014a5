"""GetPromise: dates of many items by many deliveries. The response is put together from encoded pieces: a
message object for each date would cost more than finding it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from google.protobuf.message import Message
from numpy.typing import NDArray

from router.decide_deliveries import places_of, strategy_of
from router.domain import (
    MAX_QUANTITY,
    DeliveryMethod,
    Order,
    OrderLine,
)
from router.errors import InvalidInput, Violation
from router.kernels.promise import AVAILABLE, NODE, SECONDS, STAGE, WAY
from router.order_checks import addresses, place_violations
from router.orders import address_violations
from router.places import delivery_violations
from router.promise import REASONS, Promiser
from router.promised import Dates, Wanted
from router.snapshot import Snapshot
from router.sourcer import versions_of
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import id_violations, parse_channel, parse_deliveries, timestamp
from server.convert_decision import versions_to_proto

MAX_ITEMS = 1_000
MAX_DELIVERIES = 50
I64 = NDArray[np.int64]


class PromiseDesk:
    """Answers GetPromise; safe to use from several threads."""

    def __init__(self) -> None:
        self._promiser = Promiser()

    def answer(self, request: sourcing_pb2.GetPromiseRequest, snapshot: Snapshot, now_seconds: int) -> bytes:
        """The encoded response. Raises InvalidInput naming every wrong field."""
        context, items, units = _parsed(request, snapshot, now_seconds)
        places = places_of(context, snapshot)
        t = strategy_of(context, places, snapshot)
        name = snapshot.compiled.strategies[t].id if t >= 0 else ""
        origin = snapshot.at(now_seconds).origin_seconds
        promises: list[bytes] = []
        ends: list[bytes] = []
        wanted = Wanted(
            context, items, units, snapshot, now_seconds, t, request.with_order_by, request.with_odds
        )
        for j, dates in enumerate(self._promiser.dates(wanted)):
            promises += _promises(dates, j, origin, snapshot)
            ready = None
            if dates.node_count.all():
                ready = timestamp(origin + int(dates.found[:, SECONDS].max()))
            end = sourcing_pb2.DeliveryPromise(delivery_ix=j, ready_time=ready, strategy_id=name)
            ends.append(_part_of_response(end, "deliveries"))
        versions = versions_of(snapshot.rules_hash, snapshot.stock.version)
        rest = sourcing_pb2.GetPromiseResponse(
            versions=versions_to_proto(versions), decide_time=timestamp(now_seconds)
        )
        return b"".join([*promises, *ends, rest.SerializeToString()])


def _parsed(
    request: sourcing_pb2.GetPromiseRequest, snapshot: Snapshot, now_seconds: int
) -> tuple[Order, I64, I64]:
    """The context as an order whose lines are the items, their SKU rows and units."""
    found: list[Violation] = []
    names = [item.sku_id for item in request.items]
    quantities = [item.quantity for item in request.items]
    deliveries = parse_deliveries(request.deliveries, "", found)
    context = Order(
        order_id="",
        lines=tuple(
            OrderLine(line_id=name, sku_id=name, quantity=units)
            for name, units in zip(names, quantities, strict=True)
        ),
        deliveries=deliveries,
        sales_channel=parse_channel(request.sales_channel, "", found),
        customer_segment=request.customer_segment,
        sourcing_profile=request.sourcing_profile,
        selling_node_id=request.selling_node_id,
    )
    if not 1 <= len(names) <= MAX_ITEMS:
        found.append(Violation("items", f"{len(names)} items, 1 to {MAX_ITEMS}"))
    if not 1 <= len(deliveries) <= MAX_DELIVERIES:
        found.append(Violation("deliveries", f"{len(deliveries)} deliveries, 1 to {MAX_DELIVERIES}"))
    for key in ("customer_segment", "sourcing_profile", "selling_node_id"):
        found += id_violations(key, getattr(request, key))
    rows = snapshot.catalogue.ids.find_many(names).astype(np.int64)
    for i in np.flatnonzero(rows < 0).tolist():
        found.append(Violation(f"items[{i}].sku_id", f"unknown SKU {names[i]!r}"))
    kits = snapshot.catalogue.kits
    for i, name in enumerate(names):
        if name in kits:
            found.append(Violation(f"items[{i}].sku_id", f"{name!r} is a kit: ask for its components"))
    units = np.array(quantities, np.int64)
    for i in np.flatnonzero((units < 1) | (units > MAX_QUANTITY)).tolist():
        found.append(Violation(f"items[{i}].quantity", f"{units[i]} is not within 1..{MAX_QUANTITY}"))
    profile = request.sourcing_profile
    if profile and snapshot.compiled.profiles.find(profile) < 0:
        found.append(Violation("sourcing_profile", f"unknown profile {profile!r}"))
    faults = delivery_violations(context, snapshot.network, snapshot.compiled, of_lines=False)
    for path, place in addresses(context):
        faults += [*place_violations(path, place), *address_violations(path, place, snapshot.compiled)]
    found += [Violation(v.field.removeprefix("order."), v.message) for v in faults]
    if found:
        raise InvalidInput(found)
    return context, rows, units


def _promises(dates: Dates, delivery_ix: int, origin_seconds: int, snapshot: Snapshot) -> list[bytes]:
    """The encoded dates of one delivery."""
    reach, node_ids = dates.reach, snapshot.compiled.node_ids
    pieces = []
    rows = zip(dates.found.tolist(), dates.node_count.tolist(), strict=True)
    for i, (answer, node_count) in enumerate(rows):
        place = _place_piece(i, delivery_ix)
        if not node_count or reach is None:
            body = place + _reason_piece(REASONS[answer[STAGE]])
        else:
            node = answer[NODE]
            method = int(reach.methods[node] if len(reach.methods) else DeliveryMethod.SHIP)
            way = _way_piece(node_ids[node], reach.ids[answer[WAY]], method)
            time = _time_piece(origin_seconds + answer[SECONDS])
            times = _times_piece(dates, i)
            body = b"".join((place, way, time, _units_piece(answer[AVAILABLE], node_count), times))
        pieces.append(_TAG["promises"] + _varint(len(body)) + body)
    return pieces


@lru_cache(maxsize=4_096)
def _place_piece(item_ix: int, delivery_ix: int) -> bytes:
    return sourcing_pb2.Promise(item_ix=item_ix, delivery_ix=delivery_ix).SerializeToString()


@lru_cache(maxsize=65_536)
def _way_piece(node_id: str, service_id: str, method: int) -> bytes:
    return sourcing_pb2.Promise(
        delivery_method=sourcing_pb2.DeliveryMethod.ValueType(method), node_id=node_id, service_id=service_id
    ).SerializeToString()


def _times_piece(dates: Dates, i: int) -> bytes:
    """What is known of a date besides."""
    known = (dates.date_seconds[i], dates.order_by_seconds[i], *dates.likely_seconds[i])
    times = [timestamp(int(at)) if at else None for at in known]
    if not any(times):
        return b""
    supply, order_by, p50, p90 = times
    return sourcing_pb2.Promise(
        supply_time=supply, order_by_time=order_by, p50_time=p50, p90_time=p90
    ).SerializeToString()


@lru_cache(maxsize=4_096)
def _time_piece(seconds: int) -> bytes:
    return sourcing_pb2.Promise(earliest_time=timestamp(seconds)).SerializeToString()


@lru_cache(maxsize=16_384)
def _units_piece(available: int, node_count: int) -> bytes:
    return sourcing_pb2.Promise(available=available, node_count=node_count).SerializeToString()


@lru_cache
def _reason_piece(reason: str) -> bytes:
    return sourcing_pb2.Promise(reason=reason).SerializeToString()


def _part_of_response(message: Message, field: str) -> bytes:
    body = message.SerializeToString()
    return _TAG[field] + _varint(len(body)) + body


@lru_cache(maxsize=4_096)
def _varint(value: int) -> bytes:
    """Of a length."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


_TAG = {
    name: bytes([sourcing_pb2.GetPromiseResponse.DESCRIPTOR.fields_by_name[name].number << 3 | 2])
    for name in ("promises", "deliveries")
}
