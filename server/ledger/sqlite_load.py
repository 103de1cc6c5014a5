"""Writes a whole stock into a ledger file that has none."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from router.ledger import LoadProgress, StockLoad
from router.ledger_load import ledger_not_empty
from server.ledger.sqlite_file import SQL, one_value

CHUNK_ROWS = 32_000
"""Rows that are Python objects at a time."""
ROWS_PER_STATEMENT = 16
"""Of ``insert_sixteen_rows``. One row a statement takes half as long again."""


def load_stock(db: sqlite3.Connection, load: StockLoad, progress: LoadProgress) -> int:
    """Within a begun write transaction; the version after. ``load`` must have been checked.

    Raises InvalidInput (LEDGER_NOT_EMPTY), sqlite3.Error, and what ``progress`` raises.
    """
    if one_value(db, "any_stock"):
        raise ledger_not_empty()
    db.executemany(SQL["insert_numbered_sku"], _used(load.sku_ids, load.sku_ix))
    db.executemany(SQL["insert_numbered_node"], _used(load.node_ids, load.node_ix))
    for start in range(0, len(load), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        columns = (load.sku_ix[rows], load.node_ix[rows], load.on_hand[rows], load.safety_stock[rows])
        table = np.stack(columns, axis=1)
        table[:, :2] += 1  # numbers of ids begin at 1
        whole_count = len(table) // ROWS_PER_STATEMENT * ROWS_PER_STATEMENT
        many = table[:whole_count].reshape(-1, 4 * ROWS_PER_STATEMENT)
        db.executemany(SQL["insert_sixteen_rows"], many.tolist())
        db.executemany(SQL["insert_loaded_row"], table[whole_count:].tolist())
        # At once, as long as their pages are in memory.
        db.execute(SQL["log_rows_from"], table[0, :2].tolist())
        progress(start + len(table), len(load))
    return int(one_value(db, "get_version"))


def _used(ids: Sequence[str], ix: NDArray[np.int32]) -> Iterator[tuple[int, str]]:
    """The ids that rows refer to, with their numbers."""
    return ((i + 1, ids[i]) for i in np.flatnonzero(np.bincount(ix, minlength=1)).tolist())
