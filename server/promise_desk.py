"""GetPromise: dates of many items by many deliveries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from router.compile import Compiled
from router.decide_deliveries import places_of, strategy_of
from router.domain import MAX_QUANTITY, Order, OrderLine
from router.errors import InvalidInput, Violation
from router.kernels.promise import SECONDS
from router.order_checks import addresses, place_violations
from router.orders import address_violations
from router.places import delivery_violations
from router.promise import Promiser
from router.promised import Wanted
from router.snapshot import Snapshot
from router.sourcer import versions_of
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import id_violations, parse_channel, parse_deliveries, timestamp
from server.convert_decision import versions_to_proto
from server.lengths import MAX_DELIVERIES, MAX_ITEMS
from server.promise_tables import PromiseTables

PREPARED_AT_ONCE = 20
"""Places, each some milliseconds of work."""
I64 = NDArray[np.int64]


class PromiseDesk:
    """Answers GetPromise; safe to use from several threads."""

    def __init__(self) -> None:
        self._promiser = Promiser()
        self._tables: PromiseTables | None = None

    def answer(self, request: sourcing_pb2.GetPromiseRequest, snapshot: Snapshot, now_seconds: int) -> bytes:
        """The encoded response. Raises InvalidInput naming every wrong field."""
        context, items, units = _parsed(request, snapshot, now_seconds)
        places = places_of(context, snapshot)
        t = strategy_of(context, places, snapshot)
        wanted = Wanted(
            context, places, items, units, snapshot, now_seconds, t, request.with_order_by, request.with_odds
        )
        origin = snapshot.at(now_seconds).origin_seconds
        found = self._promiser.dates(wanted)
        promises = self._tables_of(snapshot.compiled).encoded(found, origin)
        versions = versions_of(snapshot.rules_hash, snapshot.stock.version)
        rest = sourcing_pb2.GetPromiseResponse(
            versions=versions_to_proto(versions), decide_time=timestamp(now_seconds)
        )
        name = snapshot.compiled.strategies[t].id if t >= 0 else ""
        for j, dates in enumerate(found):
            end = rest.deliveries.add(delivery_ix=j, strategy_id=name)
            if dates.node_count.all():
                end.ready_time.seconds = origin + int(dates.found[:, SECONDS].max())
        return promises + rest.SerializeToString()

    def prepare(self, snapshot: Snapshot, now_seconds: int) -> None:
        """A part of what the next minute needs; to be called once a second."""
        self._promiser.prepare(snapshot, now_seconds, PREPARED_AT_ONCE)

    def _tables_of(self, compiled: Compiled) -> PromiseTables:
        if self._tables is None or self._tables.compiled is not compiled:
            self._tables = PromiseTables.of(compiled)
        return self._tables


def _parsed(
    request: sourcing_pb2.GetPromiseRequest, snapshot: Snapshot, now_seconds: int
) -> tuple[Order, I64, I64]:
    """The context as an order, which has the items as lines where conditions look at its value, their SKU
    rows and units."""
    found: list[Violation] = []
    names = [item.sku_id for item in request.items]
    quantities = [item.quantity for item in request.items]
    deliveries = parse_deliveries(request.deliveries, "", found)
    is_valued = any(strategy.when.order_value for strategy in snapshot.compiled.strategies)
    context = Order(
        order_id="",
        lines=tuple(
            OrderLine(line_id=name, sku_id=name, quantity=units)
            for name, units in (zip(names, quantities, strict=True) if is_valued else ())
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
    for i, name in enumerate(names if kits else ()):
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
