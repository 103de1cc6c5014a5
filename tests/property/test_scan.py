"""Both ways to find the candidates of a plain order find the same: from stock row to stock row, and through
all nodes. Which one is taken depends on how many nodes there are, so most drawn worlds would try only one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from router.kernels import lean_rows
from router.kernels.fill import read_groups
from router.orders import order_arrays
from router.workspace import Workspace
from tests.engine import snapshot_of
from tests.worlds import World, worlds

Found = dict[int, tuple[int, list[int], list[int]]]
"""Node -> the mask of its lines, their units, and the cost of the goods by group."""


def found_by(world: World, way: str, strategy: int) -> Found:
    snapshot = snapshot_of(world)
    columns = order_arrays([world.order], snapshot.compiled, snapshot.catalogue, world.now_seconds)
    lines = len(world.order.lines)
    space = Workspace.of(snapshot.at(world.now_seconds).world, lines)
    rows = space.row_classes
    groups, _ = read_groups(snapshot.at(world.now_seconds).world, columns, 0, space.candidates)
    scan = getattr(lean_rows, way)
    scan = getattr(
        scan, "py_func", scan
    )  # as plain Python: nobody calls these alone, so they are not compiled
    with np.errstate(all="ignore"):
        count = scan(
            snapshot.at(world.now_seconds).world, columns, 0, strategy, groups, space.candidates, rows
        )
    found = {}
    for n in rows.listed[:count].tolist():
        own = [line for line in range(lines) if rows.lines[n] >> line & 1]
        whole = [
            g for g in range(groups) if all(line in own for line in range(lines) if columns.group[line] == g)
        ]
        found[n] = int(rows.lines[n]), rows.have[own, n].tolist(), rows.goods[whole, n].tolist()
    return found


@settings(max_examples=150, deadline=None, derandomize=True)
@given(worlds())
def test_both_scans_agree(world: World) -> None:
    strategies = len(snapshot_of(world).compiled.strategies)
    for strategy in range(strategies):
        by_row, by_node = (found_by(world, way, strategy) for way in ("scan_rows", "scan_nodes"))
        assert by_row == by_node
