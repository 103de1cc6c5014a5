"""Between wire messages and how nodes are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from google.protobuf.timestamp_pb2 import Timestamp

from router.errors import Violation
from router.ledger import StockUpdate
from router.ledger_places import LATEST_SECONDS
from router.ledger_rows import MAX_UNITS
from router.network import LoadKind, Node
from router.node_rows import BACKLOG_SKUS, OFF_SKU, OFF_UNIT_SECONDS
from router.rooms import Rooms
from router.snapshot import Snapshot
from server.api.sourcing.v1 import node_pb2
from server.convert import timestamp


def parse_state(
    request: node_pb2.SetNodeStateRequest, node: Node, found: list[Violation]
) -> list[StockUpdate]:
    """The rows of the ledger that a request sets. What is wrong with it is added to ``found``."""
    updates = []
    switch = request.WhichOneof("switch")
    if switch is None and not request.backlog:
        found.append(Violation("backlog", "neither a switch nor a backlog is stated"))
    if switch == "on":
        if not request.on:
            found.append(Violation("on", "must be true; state off_until_time to switch a node off"))
        updates.append(StockUpdate(sku_id=OFF_SKU, node_id=node.node_id, on_hand=0))
    elif switch is not None:
        minutes = _minutes(request.off_until_time, found)
        updates.append(StockUpdate(sku_id=OFF_SKU, node_id=node.node_id, on_hand=minutes))
    found += _backlog_violations(request, node)
    updates += (
        StockUpdate(sku_id=BACKLOG_SKUS[load.kind - 1], node_id=node.node_id, on_hand=load.quantity)
        for load in request.backlog
        if 1 <= load.kind <= len(BACKLOG_SKUS)
    )
    return updates


def _minutes(until: Timestamp, found: list[Violation]) -> int:
    """Since 1970, rounded up."""
    seconds = until.seconds + (until.nanos > 0)
    if not (0 <= until.seconds <= LATEST_SECONDS and 0 <= until.nanos <= 999_999_999):
        found.append(Violation("off_until_time", "is not a time from 1970-01-01 to 2100-01-01"))
        return 0
    return -(-seconds // OFF_UNIT_SECONDS)


def _backlog_violations(request: node_pb2.SetNodeStateRequest, node: Node) -> Iterator[Violation]:
    stated = {int(kind) for kind, _ in node.capacity}
    seen: dict[int, int] = {}
    for i, load in enumerate(request.backlog):
        path = f"backlog[{i}]"
        first = seen.setdefault(load.kind, i)
        if not 1 <= load.kind <= len(LoadKind):
            yield Violation(f"{path}.kind", f"{load.kind} is no kind of load")
        elif first != i:
            yield Violation(f"{path}.kind", f"is stated in backlog[{first}] already")
        elif load.kind - 1 not in stated:
            name = LoadKind(load.kind - 1).name.lower()
            yield Violation(f"{path}.kind", f"node {node.node_id!r} states no capacity_{name}")
        if not 0 <= load.quantity <= MAX_UNITS:
            yield Violation(f"{path}.quantity", f"{load.quantity} is not within 0..{MAX_UNITS}")


def state_to_proto(snapshot: Snapshot, node_ix: int, now_seconds: int) -> node_pb2.NodeState:
    """How a node is, with the room of its next days."""
    node, states = snapshot.network.nodes[node_ix], snapshot.states
    until = states.off_until_seconds.get(node_ix, 0)
    return node_pb2.NodeState(
        node_id=node.node_id,
        off_until_time=timestamp(until) if until > now_seconds else None,
        backlog=[
            node_pb2.NodeLoad(kind=_kind(kind), quantity=states.backlog.get((node_ix, kind), 0))
            for kind, _ in node.capacity
        ],
        days=_days(snapshot, node_ix, now_seconds) if node.capacity else (),
        stock_version=snapshot.stock.version,
    )


def _days(snapshot: Snapshot, node_ix: int, now_seconds: int) -> Iterator[node_pb2.NodeDay]:
    rooms = Rooms(snapshot, now_seconds)
    first = rooms.day_of(node_ix, rooms.origin_seconds)
    if not first:  # it never opens again
        return
    days = [first, *(rooms.day_of(node_ix, at) for at in rooms.days_after(node_ix, first))]
    for day in days:
        for kind, capacity in snapshot.network.nodes[node_ix].capacity:
            free = snapshot.states.free.get((node_ix, kind), {}).get(day, capacity)
            yield node_pb2.NodeDay(
                date=str(date.fromordinal(day)),
                kind=_kind(kind),
                capacity=capacity,
                taken_quantity=capacity - free,
                room=rooms.room(node_ix, kind, day),
            )


def _kind(kind: LoadKind) -> node_pb2.LoadKind.ValueType:
    return node_pb2.LoadKind.ValueType(kind + 1)
