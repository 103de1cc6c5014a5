"""What the shipments of a plan take of nodes' days (docs/cost-model.md, "Capacity"), to be held with them;
and which plans of many find no room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from router.domain import Plan, Shipment
from router.kernels.types import OrderArrays, PlanArrays
from router.ledger import DayHold, Hold
from router.network import LoadKind
from router.node_rows import LOAD_SKUS, day_place
from router.rooms import Load, Rooms, load_of
from router.snapshot import Snapshot

I64 = NDArray[np.int64]


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
    free = snapshot.states.free.get((node, kind), {}).get(day, capacity)
    place = day_place(snapshot.network.nodes[node].node_id, day)
    return DayHold(
        hold=Hold(sku_id=LOAD_SKUS[kind], node_id=place, quantity=units),
        capacity=capacity,
        waiting=max(0, free - rooms.room(node, kind, day)),
    )


def crowded(
    plans: PlanArrays, orders: OrderArrays, snapshot: Snapshot, now_seconds: int
) -> NDArray[np.bool_]:
    """bool[orders]: those whose plans, with all parts at the origin and one delivery, do not find room."""
    found = np.zeros(len(plans.ship_start) - 1, bool)
    capacity = snapshot.compiled.capacity
    if not len(capacity):
        return found
    node = plans.ship_node[: int(plans.ship_start[-1])]
    limited = np.flatnonzero(capacity[node].any(axis=1))
    if not len(limited):
        return found
    part_order, part_node, loads = _loads(plans, orders, limited)
    rooms = Rooms(snapshot, now_seconds)
    nodes, at = np.unique(part_node, return_inverse=True)
    room = np.array([_rooms_of(rooms, snapshot, ix) for ix in nodes.tolist()], np.int64)[at]
    most = capacity[part_node]
    found[part_order[((most > 0) & (np.minimum(loads, most) > room)).any(axis=1)]] = True
    return found


def _loads(plans: PlanArrays, orders: OrderArrays, shipments: I64) -> tuple[I64, I64, I64]:
    """The order and node row of each part that some shipments make, and int64[parts, kinds] its load."""
    of_order = np.searchsorted(plans.ship_start, shipments, side="right") - 1
    line_count = orders.line_start[of_order + 1] - orders.line_start[of_order]
    pair = np.repeat(np.arange(len(shipments)), line_count)
    first = np.repeat(np.cumsum(line_count) - line_count, line_count)
    line = orders.line_start[of_order][pair] + np.arange(len(pair)) - first
    inside = plans.ship_groups[shipments][pair] >> orders.group[line].astype(np.int64) & 1 == 1
    pair, line = pair[inside], line[inside]
    keys = np.stack([of_order, plans.ship_node[shipments].astype(np.int64)])
    parts, part = np.unique(keys, axis=1, return_inverse=True)
    part = part.reshape(-1)[pair]
    loads = np.zeros((parts.shape[1], len(LoadKind)), np.int64)
    loads[:, LoadKind.ORDERS] = 1
    different = np.unique(np.stack([part, orders.sku_ix[line].astype(np.int64)]), axis=1)[0]
    np.add.at(loads[:, LoadKind.LINES], different, 1)
    np.add.at(loads[:, LoadKind.UNITS], part, orders.quantity[line])
    return parts[0], parts[1], loads


def _rooms_of(rooms: Rooms, snapshot: Snapshot, node: int) -> Load:
    """Of the day on which the node gets ready what leaves at once; -1 where there is no such day."""
    day = rooms.day_of(node, rooms.origin_seconds)
    stated = {kind for kind, _ in snapshot.network.nodes[node].capacity}
    return Load(*(rooms.room(node, kind, day) if day and kind in stated else -1 for kind in LoadKind))
