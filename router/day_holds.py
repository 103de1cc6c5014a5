"""What the shipments of a plan take of nodes' days (docs/cost-model.md, "Capacity"), to be held with
them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from router.domain import Plan, Shipment
from router.ledger import DayHold, Hold
from router.network import LoadKind
from router.node_rows import LOAD_SKUS, day_place
from router.rooms import Rooms, load_of
from router.snapshot import Snapshot


def day_holds(plan: Plan, snapshot: Snapshot, now_seconds: int) -> tuple[DayHold, ...]:
    """By node, day and kind of load; none of nodes that state no capacity."""
    rooms = Rooms(snapshot, now_seconds)
    taken: dict[tuple[int, int, LoadKind], int] = {}
    for node, date, shipments in _parts(plan, snapshot):
        load = load_of(shipments)
        day = rooms.day_of(node, date or rooms.origin_seconds)
        for kind, capacity in snapshot.network.nodes[node].capacity:
            key = (node, day, kind)
            taken[key] = taken.get(key, 0) + min(load[kind], capacity)
    return tuple(_held(rooms, snapshot, *key, units) for key, units in sorted(taken.items()))


def _parts(plan: Plan, snapshot: Snapshot) -> Iterator[tuple[int, int, Sequence[Shipment]]]:
    """The node row, the date (epoch seconds, 0 for the origin) and the shipments of each part whose node
    states a capacity."""
    found: dict[tuple[int, int, str], list[Shipment]] = {}
    for shipment in plan.shipments:
        node = snapshot.compiled.node_rows[shipment.node_id]
        if snapshot.network.nodes[node].capacity:
            key = (node, shipment.supply_seconds, shipment.delivery_id)
            found.setdefault(key, []).append(shipment)
    for (node, date, _), shipments in found.items():
        yield node, date, shipments


def _held(rooms: Rooms, snapshot: Snapshot, node: int, day: int, kind: LoadKind, units: int) -> DayHold:
    capacity = dict(snapshot.network.nodes[node].capacity)[kind]
    place = day_place(snapshot.network.nodes[node].node_id, day)
    return DayHold(
        hold=Hold(sku_id=LOAD_SKUS[kind], node_id=place, quantity=units),
        capacity=capacity,
        waiting=rooms.waiting(node, kind, day),
    )
