"""What shops run today: walk the nodes in one order and take from each whatever it has, until nothing is
missing. Plain Python, no look at what a parcel costs. Pricing is left to the cost model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from bench.geography import distance_m
from router.domain import Order, OrderLine
from router.network import Node

Assignment = dict[tuple[str, str], int]
"""Units by (line_id, node_id); all positive."""
Available = Callable[[str, str], int | None]
"""Units that can be promised of (sku_id, node_id); None or less than one: none."""
CanSupply = Callable[[Node, Mapping[str, int]], bool]
"""May this node send these units by line_id, as one part of the order? Rules, carriage, deadline."""


def nearest_first(
    order: Order, nodes: Sequence[Node], available: Available, can_supply: CanSupply
) -> Assignment:
    """Nodes by great-circle distance to the destination, then by id."""
    place = order.destination

    def rank(node: Node) -> tuple[float, str]:
        metres = distance_m(node.latitude, node.longitude, place.latitude, place.longitude)
        return metres, node.node_id

    return _walk(order, sorted(nodes, key=rank), available, can_supply)


def priority_first(
    order: Order, nodes: Sequence[Node], available: Available, can_supply: CanSupply
) -> Assignment:
    """Nodes by priority (1 first), then by distance, then by id."""
    place = order.destination

    def rank(node: Node) -> tuple[int, float, str]:
        metres = distance_m(node.latitude, node.longitude, place.latitude, place.longitude)
        return node.priority, metres, node.node_id

    return _walk(order, sorted(nodes, key=rank), available, can_supply)


def _walk(order: Order, nodes: Iterable[Node], available: Available, can_supply: CanSupply) -> Assignment:
    """Single lines are divided freely; lines that belong together, and lines shipped alone, only go whole."""
    groups = _groups(order)
    missing = {line.line_id: line.quantity for line in order.lines}
    assigned: Assignment = {}
    for node in nodes:
        if not missing:
            break
        part: dict[str, int] = {}
        left: dict[str, int] = {}
        for group in groups:
            if all(line.line_id in missing for line in group):
                _take(group, node, missing, left, part, available, can_supply)
        for line_id, units in part.items():
            assigned[line_id, node.node_id] = units
            missing[line_id] -= units
            if not missing[line_id]:
                del missing[line_id]
    return assigned


def _groups(order: Order) -> list[list[OrderLine]]:
    by_key: dict[tuple[bool, str], list[OrderLine]] = {}
    for line in order.lines:
        key = (True, line.together) if line.together else (False, line.line_id)
        by_key.setdefault(key, []).append(line)
    return list(by_key.values())


def _take(
    group: list[OrderLine],
    node: Node,
    missing: Mapping[str, int],
    left: dict[str, int],
    part: dict[str, int],
    available: Available,
    can_supply: CanSupply,
) -> None:
    """Adds what the node gives of the group to ``part`` and takes it from ``left`` (units by SKU)."""
    for line in group:
        if line.sku_id not in left:
            left[line.sku_id] = max(0, available(line.sku_id, node.node_id) or 0)
    if len(group) > 1 or group[0].ship_alone:
        wanted = {line.line_id: missing[line.line_id] for line in group}
        by_sku: dict[str, int] = {}
        for line in group:
            by_sku[line.sku_id] = by_sku.get(line.sku_id, 0) + wanted[line.line_id]
        if any(left[sku_id] < units for sku_id, units in by_sku.items()):
            return
    else:
        line = group[0]
        # Rules such as "keep one on the shelf" may allow fewer units than there are.
        most = min(missing[line.line_id], left[line.sku_id])
        fitting = (n for n in range(most, 0, -1) if can_supply(node, {**part, line.line_id: n}))
        wanted = {line.line_id: next(fitting, 0)}
        if not wanted[line.line_id]:
            return
    if can_supply(node, {**part, **wanted}):
        part |= wanted
        for line in group:
            left[line.sku_id] -= wanted[line.line_id]
