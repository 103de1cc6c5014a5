"""How nodes are, between the wire and the ledger, and on the command line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from router.errors import InvalidInput, Violation
from router.ledger import StockUpdate
from router.network import LoadKind, Node
from router.snapshot import Snapshot
from server.api.sourcing.v1 import node_pb2
from server.convert_node import parse_state, state_to_proto
from server.node_view import node_view, state_request
from server.tables import console_for
from tests.engine import snapshot_of
from tests.small_shop import small_shop

SATURDAY = 1_785_571_200
"""2026-08-01 08:00 UTC."""
CAPACITY = ((LoadKind.ORDERS, 5), (LoadKind.UNITS, 20))


def shop() -> Snapshot:
    """The small shop, in which A gets ready 5 orders and 20 units a day."""
    world = small_shop()
    nodes = (replace(world.network.nodes[0], capacity=CAPACITY), *world.network.nodes[1:])
    return snapshot_of(replace(world, network=replace(world.network, nodes=nodes)))


def node() -> Node:
    return shop().network.nodes[0]


@pytest.mark.parametrize(
    ("seconds", "nanos", "minutes"),
    [(0, 0, 0), (60, 0, 1), (61, 0, 2), (60, 1, 2), (SATURDAY, 0, 29_759_520)],
)
def test_instants_are_rounded_up_to_minutes(seconds: int, nanos: int, minutes: int) -> None:
    found: list[Violation] = []
    request = node_pb2.SetNodeStateRequest(off_until_time=Timestamp(seconds=seconds, nanos=nanos))
    assert parse_state(request, node(), found) == [StockUpdate(sku_id="#off", node_id="A", on_hand=minutes)]
    assert found == []


def test_every_change_is_a_row() -> None:
    found: list[Violation] = []
    request = node_pb2.SetNodeStateRequest(on=True)
    request.backlog.add(kind=node_pb2.LOAD_KIND_UNITS, quantity=7)
    assert parse_state(request, node(), found) == [
        StockUpdate(sku_id="#off", node_id="A", on_hand=0),
        StockUpdate(sku_id="#units-backlog", node_id="A", on_hand=7),
    ]
    assert found == []


def test_a_state_has_every_field() -> None:
    snapshot = shop()
    snapshot.states.set_off(0, SATURDAY + 60)
    snapshot.states.set_backlog(0, LoadKind.UNITS, 25)
    snapshot.states.set_free(0, LoadKind.ORDERS, SATURDAY // 86_400 + 719_163, 1)
    snapshot.stock.advance(9)
    wire = state_to_proto(snapshot, 0, SATURDAY)
    assert {field.name for field, _ in wire.ListFields()} == set(wire.DESCRIPTOR.fields_by_name)
    assert (wire.node_id, wire.off_until_time.seconds, wire.stock_version) == ("A", SATURDAY + 60, 9)
    assert [(load.kind, load.quantity) for load in wire.backlog] == [(1, 0), (3, 25)]
    assert len(wire.days) == 16
    shown = [(d.date, d.kind, d.capacity, d.taken_quantity, d.room) for d in wire.days[:4]]
    assert shown == [
        ("2026-08-01", 1, 5, 4, 1),
        ("2026-08-01", 3, 20, 0, -5),
        ("2026-08-02", 1, 5, 0, 5),
        ("2026-08-02", 3, 20, 0, 15),
    ]
    assert not state_to_proto(snapshot, 0, SATURDAY + 60).HasField("off_until_time")


def test_a_node_that_never_opens_again_has_no_days() -> None:
    snapshot = shop()
    every_day = frozenset(range(739_000, 741_000))
    nodes = (replace(node(), closed=every_day), *snapshot.network.nodes[1:])
    network = replace(snapshot.network, nodes=nodes)
    closed = Snapshot.build(network, snapshot.catalogue, snapshot.rules, snapshot.stock)
    assert not state_to_proto(closed, 0, SATURDAY).days


def test_a_command_says_what_it_sets() -> None:
    request = state_request("A", "2026-08-01T10:00:00+02:00", on=False, backlog=["orders=5", "units=0"])
    assert request.request_id.startswith("cli-")
    assert (request.node_id, request.off_until_time.seconds) == ("A", SATURDAY)
    assert [(load.kind, load.quantity) for load in request.backlog] == [(1, 5), (3, 0)]
    assert state_request("A", "", on=True, backlog=()).on


def test_every_wrong_option_is_named() -> None:
    for off_until, on, expected in (("soon", False, "--off-until"), ("soon", True, "--on")):
        with pytest.raises(InvalidInput) as raised:
            state_request("A", off_until, on=on, backlog=["orders", "=1", "lines=1.5"])
        assert [v.field for v in raised.value.violations] == [expected, *["--backlog"] * 3]


def test_a_state_is_shown() -> None:
    state = node_pb2.NodeState(node_id="A")
    state.backlog.add(kind=node_pb2.LOAD_KIND_LINES, quantity=1_200)
    state.days.add(
        date="2026-08-01", kind=node_pb2.LOAD_KIND_LINES, capacity=9_000, taken_quantity=100, room=7_700
    )
    console = console_for()
    with console.capture() as captured:
        console.print(node_view(state))
    shown = captured.get().split()
    assert shown[:3] == ["A", "is", "on"]
    assert "1,200 lines" in captured.get()
    assert shown[-5:] == ["2026-08-01", "lines", "9,000", "100", "7,700"]
