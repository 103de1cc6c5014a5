"""Rows of the ledger as they lie in a snapshot: stock, receipts, and how nodes are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from router.ledger_places import split_place
from router.network import LoadKind
from router.node_rows import BACKLOG_SKUS, LOAD_SKUS, OFF_SKU, OFF_UNIT_SECONDS, is_node_row, split_day
from router.snapshot import Snapshot


class RowUnits(NamedTuple):
    """Units of a row: available ones, or more or fewer of them."""

    sku_id: str
    place: str
    units: int


def set_rows(snapshot: Snapshot, rows: Sequence[RowUnits]) -> dict[tuple[int, int], int]:
    """What rows have available from now on; for the writer of the snapshot. Rows that catalogue or network no
    longer have are left out: nobody can ask for them. Comes back: what the snapshot has no place for, units
    by SKU row and node row."""
    new: dict[tuple[int, int], int] = {}
    for row, (sku, node, expected_seconds) in zip(rows, _found(snapshot, rows), strict=True):
        if node < 0:
            continue
        if is_node_row(row.sku_id):
            _set_state(snapshot, node, row)
        elif sku < 0:
            continue
        elif expected_seconds:
            snapshot.receipts.set(sku, node, expected_seconds, row.units)
        elif not snapshot.stock.set_available(sku, node, row.units):
            new[sku, node] = row.units
    return new


def add_to_rows(snapshot: Snapshot, rows: Iterable[RowUnits]) -> None:
    """Adds to what rows of a private snapshot have. A row of stock that it does not have stays so."""
    more: dict[tuple[str, str], int] = {}
    for sku_id, place, units in rows:
        more[sku_id, place] = more.get((sku_id, place), 0) + units
    added = [RowUnits(*key, units) for key, units in more.items()]
    have = [_units(snapshot, row, *found) for row, found in zip(added, _found(snapshot, added), strict=True)]
    set_rows(snapshot, [row._replace(units=n + row.units) for row, n in zip(added, have, strict=True)])


def _found(snapshot: Snapshot, rows: Sequence[RowUnits]) -> list[tuple[int, int, int]]:
    """The row of the SKU and of the node, -1 for none, and when a receipt is expected, 0 for other rows."""
    places = [_split(row) for row in rows]
    sku_ix = snapshot.catalogue.ids.find_many([row.sku_id for row in rows]).tolist()
    node_ix = snapshot.compiled.nodes.find_many([node_id for node_id, _ in places]).tolist()
    return list(zip(sku_ix, node_ix, (seconds or 0 for _, seconds in places), strict=True))


def _split(row: RowUnits) -> tuple[str, int | None]:
    if not is_node_row(row.sku_id):
        return split_place(row.place)
    return (split_day(row.place)[0] if row.sku_id in LOAD_SKUS else row.place), 0


def _units(snapshot: Snapshot, row: RowUnits, sku: int, node: int, expected_seconds: int) -> int:
    """What a row has available; 0 for one that is not there."""
    if node < 0:
        return 0
    if is_node_row(row.sku_id):
        return _state(snapshot, node, row)
    if expected_seconds:
        return snapshot.receipts.get(sku, node, expected_seconds)
    return 0 if sku < 0 else snapshot.stock.get(sku, node) or 0


def _set_state(snapshot: Snapshot, node: int, row: RowUnits) -> None:
    states = snapshot.states
    if row.sku_id in LOAD_SKUS:
        kind = LoadKind(LOAD_SKUS.index(row.sku_id))
        states.set_free(node, kind, split_day(row.place)[1], row.units)
    elif row.sku_id in BACKLOG_SKUS:
        states.set_backlog(node, LoadKind(BACKLOG_SKUS.index(row.sku_id)), row.units)
    elif row.sku_id == OFF_SKU:
        states.set_off(node, row.units * OFF_UNIT_SECONDS)


def _state(snapshot: Snapshot, node: int, row: RowUnits) -> int:
    states = snapshot.states
    if row.sku_id in LOAD_SKUS:
        kind = LoadKind(LOAD_SKUS.index(row.sku_id))
        capacity = dict(snapshot.network.nodes[node].capacity).get(kind, 0)
        return states.free.get((node, kind), {}).get(split_day(row.place)[1], capacity)
    if row.sku_id in BACKLOG_SKUS:
        return states.backlog.get((node, LoadKind(BACKLOG_SKUS.index(row.sku_id))), 0)
    return states.off_until_seconds.get(node, 0) // OFF_UNIT_SECONDS
