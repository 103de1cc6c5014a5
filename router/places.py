"""Where a delivery goes: an address, a store or a pick-up point, looked up in the network."""

from __future__ import annotations

from dataclasses import dataclass, replace

from router.compile import Compiled
from router.domain import Delivery, DeliveryMethod, Destination, Order, OrderLine
from router.errors import Violation
from router.network import HOME, PICKUP_POINT, STORE, Network, Node, PickupPoint
from router.timetable import Arrival

METHODS_OF = {
    HOME: {DeliveryMethod.SHIP},
    STORE: {
        DeliveryMethod.PICKUP,
        DeliveryMethod.SHIP_TO_STORE,
        DeliveryMethod.CARRY_OUT,
        DeliveryMethod.RESERVE_AND_COLLECT,
    },
    PICKUP_POINT: {DeliveryMethod.PICKUP_POINT},
}
"""What may be asked for at each kind of place."""


@dataclass(frozen=True, slots=True)
class Place:
    """kind: HOME, STORE or PICKUP_POINT. zone_ix: len(zones) for none. node_ix: the store, or -1. hours: of
    arriving there."""

    kind: str
    destination: Destination
    zone_ix: int
    node_ix: int
    hours: Arrival


def place_of(delivery: Delivery, network: Network, compiled: Compiled) -> Place:
    """Raises KeyError for a delivery that ``delivery_violations`` objects to."""
    if delivery.node_id:
        node_ix = compiled.node_rows[delivery.node_id]
        node = network.nodes[node_ix]
        where = address_of(node)
        zone = compiled.zones.find(where.country, where.postal_code)
        return Place(STORE, where, zone, node_ix, Arrival.at_node(node, node.pickup_lead_seconds or 0))
    if delivery.pickup_point_id:
        point = network.pickup_points[compiled.points[delivery.pickup_point_id]]
        where = address_of(point)
        hours = Arrival(point.calendar, point.time_zone, point.country, point.region)
        zone = compiled.zones.find(where.country, where.postal_code)
        return Place(PICKUP_POINT, where, zone, -1, hours)
    if delivery.destination is None:
        raise KeyError(delivery.delivery_id)
    where = delivery.destination
    zone = compiled.zones.find(where.country, where.postal_code)
    hours = Arrival.of(network.zones[zone] if zone < len(network.zones) else None)
    return Place(HOME, where, zone, -1, hours)


def address_of(where: Node | PickupPoint) -> Destination:
    """A node or a pick-up point as somewhere to deliver to."""
    return Destination(
        country=where.country,
        postal_code=where.postal_code,
        latitude=where.latitude,
        longitude=where.longitude,
    )


def deliveries_of(order: Order) -> tuple[Delivery, ...]:
    """Those that the order states, or the one to its destination."""
    return order.deliveries or (Delivery(delivery_id="", destination=order.destination),)


def part_of(order: Order, delivery: Delivery, place: Place) -> Order:
    """The lines of one delivery as an order to its place."""
    latest = [t for t in (delivery.latest_seconds, order.deliver_by_seconds) if t is not None]
    return replace(
        order,
        lines=lines_of(order, delivery),
        deliveries=(),
        destination=place.destination,
        deliver_by_seconds=min(latest, default=None),
    )


def lines_of(order: Order, delivery: Delivery) -> tuple[OrderLine, ...]:
    """A line that names no delivery belongs to the only one."""
    if len(order.deliveries) <= 1:
        return order.lines
    return tuple(line for line in order.lines if line.delivery_id == delivery.delivery_id)


def delivery_violations(
    order: Order, network: Network, compiled: Compiled, *, of_lines: bool = True
) -> list[Violation]:
    """What is wrong with the deliveries of an order, besides their own destinations; ``of_lines``: and with
    what its lines say of them."""
    found: list[Violation] = []

    def bad(path: str, message: str) -> None:
        found.append(Violation(f"order.{path}", message))

    seen: set[str] = set()
    for i, delivery in enumerate(order.deliveries):
        at = f"deliveries[{i}]"
        if not delivery.delivery_id:
            bad(f"{at}.delivery_id", "must not be empty")
        elif delivery.delivery_id in seen:
            bad(f"{at}.delivery_id", f"{delivery.delivery_id!r} is used by an earlier delivery")
        seen.add(delivery.delivery_id)
        stated = [bool(delivery.destination), bool(delivery.node_id), bool(delivery.pickup_point_id)]
        if sum(stated) != 1:
            bad(at, "needs one of destination, pickup_node_id and pickup_point_id")
            continue
        kind = (HOME, STORE, PICKUP_POINT)[stated.index(True)]
        if kind == STORE:
            ix = compiled.node_rows.get(delivery.node_id, -1)
            if ix < 0:
                bad(f"{at}.pickup_node_id", f"unknown node {delivery.node_id!r}")
            elif network.nodes[ix].pickup_lead_seconds is None:
                bad(f"{at}.pickup_node_id", f"nothing can be collected at {delivery.node_id!r}")
        if kind == PICKUP_POINT and delivery.pickup_point_id not in compiled.points:
            bad(f"{at}.pickup_point_id", f"unknown pick-up point {delivery.pickup_point_id!r}")
        if delivery.method is not None and delivery.method not in METHODS_OF[kind]:
            allowed = ", ".join(sorted(m.name for m in METHODS_OF[kind]))
            bad(f"{at}.delivery_method", f"{delivery.method.name} does not reach this place: {allowed}")
        if delivery.method is DeliveryMethod.CARRY_OUT and delivery.node_id != order.selling_node_id:
            bad(f"{at}.delivery_method", "CARRY_OUT needs the selling node as pickup_node_id")
        times = (delivery.earliest_seconds, delivery.latest_seconds)
        if times[0] is not None and times[1] is not None and times[0] > times[1]:
            bad(f"{at}.earliest_time", "is after latest_time")
        if times[0] is not None and kind != HOME:
            bad(f"{at}.earliest_time", "is for deliveries to an address")
    if order.selling_node_id and order.selling_node_id not in compiled.node_rows:
        bad("selling_node_id", f"unknown node {order.selling_node_id!r}")
    return found + (_line_violations(order, seen) if of_lines else [])


def _line_violations(order: Order, ids: set[str]) -> list[Violation]:
    found: list[Violation] = []
    together: dict[str, str] = {}
    used: set[str] = set()
    for i, line in enumerate(order.lines):
        name = line.delivery_id
        if name and name not in ids:
            found.append(Violation(f"order.lines[{i}].delivery_id", f"no delivery {name!r}"))
        elif not name and len(order.deliveries) > 1:
            found.append(Violation(f"order.lines[{i}].delivery_id", "must name one of several deliveries"))
        if line.together and together.setdefault(line.together, name) != name:
            message = f"lines together as {line.together!r} belong to several deliveries"
            found.append(Violation(f"order.lines[{i}].together", message))
        used.add(name)
    if len(order.deliveries) > 1:
        for i, delivery in enumerate(order.deliveries):
            if delivery.delivery_id not in used:
                message = f"no line belongs to {delivery.delivery_id!r}"
                found.append(Violation(f"order.deliveries[{i}].delivery_id", message))
    return found
