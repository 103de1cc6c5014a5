"""Which of many orders kernels answer wrongly because nodes are busy (docs/cost-model.md, "Capacity"): they
know of no days."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from router.kernels.types import OrderArrays, PlanArrays
from router.network import LoadKind
from router.rooms import Load, Rooms
from router.snapshot import Snapshot

I64 = NDArray[np.int64]


def crowded(
    plans: PlanArrays, orders: OrderArrays, snapshot: Snapshot, now_seconds: int
) -> NDArray[np.bool_]:
    """bool[orders]: those whose plans, with all parts at the origin and one delivery, do not find room, and
    those that ``may_spread``."""
    found = may_spread(orders, snapshot, now_seconds)
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
    found[part_order[_exceeds(loads, most, room)]] = True
    return found


def may_spread(orders: OrderArrays, snapshot: Snapshot, now_seconds: int) -> NDArray[np.bool_]:
    """bool[orders]: those that some node which has some of their goods could not get ready at once. It has
    later dates for them, and parts of it at two of these may be better than any plan of the kernels. (All it
    supplies at one later date never is better than all at once: it arrives no sooner and costs no less.)"""
    found = np.zeros(len(orders.line_start) - 1, bool)
    capacity = snapshot.compiled.capacity
    if not len(capacity) or not snapshot.states.taken:
        return found
    loads = _whole_loads(orders)
    order, node = _stocked(orders, snapshot, loads[:, LoadKind.UNITS] > 1)
    used = np.zeros(len(capacity), bool)
    used[node] = True
    rooms, room = Rooms(snapshot, now_seconds), capacity.copy()
    for ix in snapshot.states.taken.intersection(np.flatnonzero(used & capacity.any(axis=1)).tolist()):
        room[ix] = _rooms_of(rooms, snapshot, ix)
    found[order[_exceeds(loads[order], capacity[node], room[node])]] = True
    return found


def _exceeds(loads: I64, most: I64, room: I64) -> NDArray[np.bool_]:
    """Are these loads (by row, then kind) more than there is room for?"""
    over = (most > 0) & (np.minimum(loads, most) > room)
    return np.asarray(over.any(axis=1))


def _whole_loads(orders: OrderArrays) -> I64:
    """int64[orders, kinds]: of each order as one part."""
    count = len(orders.line_start) - 1
    loads = np.zeros((count, len(LoadKind)), np.int64)
    order_of = np.repeat(np.arange(count), np.diff(orders.line_start))
    lines = slice(0, len(order_of))
    loads[:, LoadKind.ORDERS] = 1
    different = np.unique(np.stack([order_of, orders.sku_ix[lines].astype(np.int64)]), axis=1)[0]
    np.add.at(loads[:, LoadKind.LINES], different, 1)
    np.add.at(loads[:, LoadKind.UNITS], order_of, orders.quantity[lines])
    return loads


def _stocked(orders: OrderArrays, snapshot: Snapshot, wanted: NDArray[np.bool_]) -> tuple[I64, I64]:
    """The wanted orders with the node rows that have something of what they order, pair by pair."""
    order_of = np.repeat(np.arange(len(wanted)), np.diff(orders.line_start))
    lines = np.flatnonzero(wanted[order_of])
    stock, sku = snapshot.stock, orders.sku_ix[lines]
    count = stock.sku_start[sku + 1] - stock.sku_start[sku]
    first = np.repeat(np.cumsum(count) - count, count)
    row = np.repeat(stock.sku_start[sku], count) + np.arange(len(first)) - first
    has = stock.available[row] > 0
    return np.repeat(order_of[lines], count)[has], stock.node_ix[row[has]].astype(np.int64)


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
