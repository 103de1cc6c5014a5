"""From orders to columns, checking everything on the way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from router.catalogue import Catalogue
from router.columns import frozen
from router.compile import Compiled
from router.domain import Destination, Order
from router.errors import InvalidInput, Violation
from router.kernels.geo import unit_vectors
from router.kernels.types import FAR, OrderArrays
from router.kits import kit_violations
from router.network import Network
from router.order_checks import addresses, order_violations
from router.places import delivery_violations


def groups_of(order: Order) -> list[int]:
    """Group of each line: equal non-empty ``together`` texts share one, numbered by first appearance."""
    named: dict[str, int] = {}
    groups: list[int] = []
    count = 0
    for line in order.lines:
        group = named.get(line.together, count) if line.together else count
        if group == count:
            count += 1
            if line.together:
                named[line.together] = group
        groups.append(group)
    return groups


def address_violations(path: str, place: Destination, compiled: Compiled) -> list[Violation]:
    """An address may be in no country."""
    if compiled.countries.find(place.country) >= 0:
        return []
    return [Violation(f"{path}.country_code", f"{place.country!r} is not an ISO 3166-1 alpha-2 country")]


def resolve_violations(order: Order, compiled: Compiled, catalogue: Catalogue) -> list[Violation]:
    """What an order names that does not exist."""
    found = []
    rows = catalogue.ids.find_many([line.sku_id for line in order.lines])
    found += [
        Violation(f"order.lines[{i}].sku_id", f"unknown SKU {order.lines[i].sku_id!r}")
        for i in np.flatnonzero(rows < 0)
    ]
    for i, line in enumerate(order.lines):
        for j, sku_id in enumerate(line.substitutes):
            if catalogue.ids.find(sku_id) < 0:
                found.append(Violation(f"order.lines[{i}].substitutes[{j}]", f"unknown SKU {sku_id!r}"))
    found += kit_violations(order, catalogue)
    for path, place in addresses(order):
        found += address_violations(f"order.{path}", place, compiled)
    if order.sourcing_profile and compiled.profiles.find(order.sourcing_profile) < 0:
        found.append(Violation("order.sourcing_profile", f"unknown profile {order.sourcing_profile!r}"))
    for i, excluded in enumerate(order.exclusions):
        if compiled.nodes.find(excluded.node_id) < 0:
            found.append(Violation(f"order.exclusions[{i}].node_id", f"unknown node {excluded.node_id!r}"))
        if excluded.sku_id and catalogue.ids.find(excluded.sku_id) < 0:
            found.append(Violation(f"order.exclusions[{i}].sku_id", f"unknown SKU {excluded.sku_id!r}"))
    return found


def name_violations(
    order: Order, network: Network, compiled: Compiled, catalogue: Catalogue
) -> list[Violation]:
    """What can be told of an order only with a catalogue and a network."""
    found = resolve_violations(order, compiled, catalogue)
    return found + (delivery_violations(order, network, compiled) if order.deliveries else [])


def check_order(
    order: Order, network: Network, compiled: Compiled, catalogue: Catalogue, now_seconds: int
) -> None:
    """Raises InvalidInput with everything wrong with an order that states deliveries."""
    found = order_violations(order, now_seconds) + name_violations(order, network, compiled, catalogue)
    if found:
        raise InvalidInput(found)


def line_by_line(whole: OrderArrays) -> OrderArrays:
    """Every line of one order as an order of its own, otherwise the same."""
    lines = len(whole.sku_ix)
    of_lines = {"sku_ix", "quantity", "unit_value_cents", "alone"}
    columns = {
        name: column if name in of_lines else np.repeat(column, lines, axis=0)
        for name, column in whole._asdict().items()
        if name not in ("line_start", "group")
    }
    columns["line_start"] = np.arange(lines + 1)
    columns["group"] = np.zeros(lines, np.int16)
    return OrderArrays(**{name: frozen(column) for name, column in columns.items()})


def order_arrays(
    orders: Sequence[Order], compiled: Compiled, catalogue: Catalogue, now_seconds: int
) -> OrderArrays:
    """Columns of orders. Raises InvalidInput with everything wrong with the first bad one; reason
    DEADLINE_PASSED when the deadline is all that is wrong."""
    for order in orders:
        found = order_violations(order, now_seconds) + resolve_violations(order, compiled, catalogue)
        if found:
            late = all(v.field == "order.deliver_by_time" for v in found)
            raise InvalidInput(found, reason="DEADLINE_PASSED" if late else None)
    lines = [line for order in orders for line in order.lines]
    sku_ix = catalogue.ids.find_many([line.sku_id for line in lines])
    values = [-1 if line.unit_value_cents is None else line.unit_value_cents for line in lines]
    value = np.array(values, np.int64)
    value = np.where(value < 0, catalogue.unit_value_cents[sku_ix], value)
    places = [order.destination for order in orders]
    segments = [compiled.segments.find(o.customer_segment) if o.customer_segment else -1 for o in orders]
    columns = OrderArrays(
        line_start=np.cumsum([0, *(len(o.lines) for o in orders)], dtype=np.int64),
        sku_ix=sku_ix,
        quantity=np.array([line.quantity for line in lines], np.int64),
        unit_value_cents=value,
        group=np.array([g for o in orders for g in groups_of(o)], np.int16),
        alone=np.array([line.ship_alone for line in lines], np.uint8),
        country=compiled.countries.find_many([p.country for p in places]).astype(np.int16),
        zone=np.array([compiled.zones.find(p.country, p.postal_code) for p in places], np.int16),
        xyz=unit_vectors(
            np.array([p.latitude for p in places], float), np.array([p.longitude for p in places], float)
        ),
        channel=np.array([int(o.sales_channel) for o in orders], np.int16),
        segment=np.array([len(compiled.segments) if s < 0 else s for s in segments], np.int16),
        profile=np.array(
            [
                compiled.profiles.find(o.sourcing_profile) if o.sourcing_profile else compiled.default_profile
                for o in orders
            ],
            np.int16,
        ),
        deliver_by_seconds=np.array(
            [FAR if o.deliver_by_seconds is None else o.deliver_by_seconds for o in orders], np.int64
        ),
    )
    return OrderArrays._make(frozen(column) for column in columns)
