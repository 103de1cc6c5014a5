"""The ledger in memory: a lock around the state machine. The specification for every other adapter."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import numpy as np

from router.ledger import (
    Change,
    LoadProgress,
    Reservation,
    StockColumns,
    StockLoad,
    StockRow,
    unheard,
)
from router.ledger_commands import Command, Expire, UpdateStock
from router.ledger_load import check_load, ledger_not_empty, updates_of
from router.ledger_places import place_order, split_place
from router.ledger_rows import Row
from router.ledger_state import LedgerState, apply
from server.ledger.verbs import Verbs
from server.ledger.working_set import Answer

ROWS_PER_STEP = 20_000
"""Rows of a load that are staged at a time."""


class MemoryLedger(Verbs):
    """Implements ``router.ledger.Ledger``; nothing outlives the process.

    clock: epoch seconds now.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._state = LedgerState()
        self._id = uuid4().hex

    def _submit(self, command: Command) -> Answer:
        with self._lock:
            return apply(self._state, command, self._clock()).outcome

    def take(self, state: LedgerState) -> None:
        """Goes on from a state, which it may change."""
        self._state = state

    def load(self, rows: StockLoad, progress: LoadProgress = unheard) -> int:
        check_load(rows)
        with self._lock:
            if self._state.rows:
                raise ledger_not_empty()
            loaded = replace(self._state, rows={}, log=[])
            for done_count, updates in updates_of(rows, ROWS_PER_STEP):
                apply(loaded, UpdateStock("", updates), self._clock())
                progress(done_count, len(rows))
            self._state = loaded
            return loaded.version

    def find(self, reservation_id: str) -> Reservation | None:
        with self._settled() as state:
            return state.reservations.get(reservation_id)

    def stock(self, sku_id: str, node_ids: Sequence[str] | None = None) -> list[StockRow]:
        return self.stock_of([sku_id], node_ids)[1]

    def stock_of(
        self, sku_ids: Sequence[str], node_ids: Sequence[str] | None = None
    ) -> tuple[int, list[StockRow]]:
        wanted = None if node_ids is None else set(node_ids)
        with self._settled() as state:
            return state.version, [
                _stock_row(sku_id, node_id, *row)
                for sku_id in sku_ids
                for node_id, row in sorted(state.rows.get(sku_id, {}).items(), key=_place_order)
                if wanted is None or split_place(node_id)[0] in wanted
            ]

    def columns(self) -> StockColumns:
        with self._settled() as state:
            sku_ids = sorted(state.rows)
            node_ids = sorted({node_id for nodes in state.rows.values() for node_id in nodes})
            node_at = {node_id: ix for ix, node_id in enumerate(node_ids)}
            cells = [
                (sku_ix, node_at[node_id], row.available)
                for sku_ix, sku_id in enumerate(sku_ids)
                for node_id, row in sorted(state.rows[sku_id].items())
            ]
            table = np.array(cells, dtype=np.int32).reshape(-1, 3)
            return StockColumns(
                version=state.version,
                sku_ids=sku_ids,
                node_ids=node_ids,
                sku_ix=table[:, 0].copy(),
                node_ix=table[:, 1].copy(),
                available=table[:, 2].copy(),
            )

    def ledger_id(self) -> str:
        return self._id

    def version(self) -> int:
        with self._settled() as state:
            return state.version

    def changes(self, since: int, limit: int = 100_000) -> list[Change]:
        with self._settled() as state:
            first = max(0, since)
            return state.log[first : first + max(0, limit)]

    def close(self) -> None:
        """Nothing to close."""

    @contextmanager
    def _settled(self) -> Iterator[LedgerState]:
        """The state for reading, with everything due already expired."""
        with self._lock:
            apply(self._state, Expire(), self._clock())
            yield self._state


def _place_order(row: tuple[str, Row]) -> tuple[str, int]:
    return place_order(row[0])


def _stock_row(sku_id: str, node_id: str, on_hand: int, reserved: int, safety_stock: int) -> StockRow:
    return StockRow(
        sku_id=sku_id, node_id=node_id, on_hand=on_hand, reserved=reserved, safety_stock=safety_stock
    )
