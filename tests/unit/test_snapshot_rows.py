"""Rows of the ledger find their place in a snapshot, and are undone there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.ledger_places import receipt_place
from router.network import LoadKind
from router.node_rows import BACKLOG_SKUS, LOAD_SKUS, OFF_SKU, day_place
from router.snapshot import Snapshot
from server.snapshot_rows import RowUnits, add_to_rows, set_rows
from tests.engine import snapshot_of
from tests.small_shop import small_shop

NOON = 1_785_585_600
DAY = 739_829
A, B, C, D = range(4)
ROWS = [
    RowUnits("K", "A", 4),
    RowUnits("K", receipt_place("B", NOON), 6),
    RowUnits(LOAD_SKUS[LoadKind.UNITS], day_place("C", DAY), 1),
    RowUnits(BACKLOG_SKUS[LoadKind.UNITS], "C", 8),
    RowUnits(OFF_SKU, "D", NOON // 60),
]
"""One of each; A has 9 of K and C gets ready 20 units a day."""


@pytest.fixture
def snapshot() -> Snapshot:
    world = small_shop()
    nodes = list(world.network.nodes)
    nodes[C] = replace(nodes[C], capacity=((LoadKind.UNITS, 20),))
    return snapshot_of(replace(world, network=replace(world.network, nodes=tuple(nodes))))


def seen(snapshot: Snapshot) -> tuple[object, ...]:
    states = snapshot.states
    return (
        snapshot.available("K", "A"),
        snapshot.receipts.get(0, B, NOON),
        states.free.get((C, LoadKind.UNITS), {}).get(DAY, 20),
        states.backlog.get((C, LoadKind.UNITS), 0),
        states.off(NOON - 1),
    )


def test_every_row_finds_its_place(snapshot: Snapshot) -> None:
    assert set_rows(snapshot, ROWS) == {}
    assert seen(snapshot) == (4, 6, 1, 8, (D,))
    assert snapshot.states.off(NOON) == ()


def test_added_units_can_be_taken_back(snapshot: Snapshot) -> None:
    before = seen(snapshot)
    added = [ROWS[0]._replace(units=-3), ROWS[0]._replace(units=-2), ROWS[1], ROWS[2]._replace(units=-3)]
    added += ROWS[3:]
    add_to_rows(snapshot, added)
    assert seen(snapshot) == (4, 6, 17, 8, (D,))
    add_to_rows(snapshot, [row._replace(units=-row.units) for row in added])
    assert seen(snapshot) == before


def test_rows_that_nobody_knows_are_left_out(snapshot: Snapshot) -> None:
    before = seen(snapshot)
    unknown = [RowUnits("X", "A", 1), RowUnits("X", receipt_place("A", NOON), 1), RowUnits("K", "X", 1)]
    unknown += [row._replace(place="X") for row in ROWS[3:]]
    unknown += [RowUnits(LOAD_SKUS[0], day_place("X", DAY), 1), RowUnits("#what", "A", 1)]
    assert set_rows(snapshot, unknown) == {}
    add_to_rows(snapshot, unknown)
    assert seen(snapshot) == before


def test_new_rows_of_stock_come_back(snapshot: Snapshot) -> None:
    world = small_shop()
    snapshot = snapshot_of(replace(world, stock={("K", "A"): 9}))
    assert set_rows(snapshot, [RowUnits("K", "B", 5), RowUnits("K", "B", 6)]) == {(0, B): 6}
    add_to_rows(snapshot, [RowUnits("K", "B", 5)])
    assert snapshot.available("K", "B") is None
