"""The ledger in one SQLite file: durable, embedded, many threads, group commit."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import numpy as np

from router.errors import BrokenInvariant
from router.ledger import (
    Change,
    LoadProgress,
    Reservation,
    StockColumns,
    StockLoad,
    StockRow,
    unheard,
)
from router.ledger_commands import Command
from router.ledger_load import check_load
from router.ledger_places import place_order, split_place
from router.ledger_state import reservation_number
from server.ledger.group_commit import GroupCommit, Told
from server.ledger.sqlite_file import SQL, one_value, open_reader, open_writer, unusable
from server.ledger.sqlite_load import load_stock
from server.ledger.sqlite_transaction import Ids, SqliteTables, load_reservation
from server.ledger.verbs import Verbs
from server.ledger.working_set import Answer, WorkingSet


class SqliteLedger(Verbs):
    """Implements ``router.ledger.Ledger`` in the file ``path``, which is made if missing.

    clock: epoch seconds now; read once per transaction, after the write lock is taken.
    commit_count: transactions committed by this object. Calls that arrive together share one, decided in
    order of arrival.

    Raises LedgerUnusable naming the path: on opening for a file that is corrupt, foreign or newer, which is
    left as it is; later for every failure of the file or its disk, with nothing of the call done.
    """

    def __init__(self, path: str | Path, clock: Callable[[], int]) -> None:
        self._path = Path(path)
        self._clock = clock
        self._writer = open_writer(self._path)
        self._writer_lock = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._closed = False
        self._group: GroupCommit[Command, Answer] = GroupCommit(self._execute)
        self.commit_count = 0
        with self._translated():
            self._skus = Ids(self._writer, "sku")
            self._nodes = Ids(self._writer, "node")

    @property
    def waiting_count(self) -> int:
        """Calls that wait for the transaction under way to end."""
        return self._group.waiting_count

    def watch(self, told: Told) -> None:
        """``told``, and nobody else any more, hears of every transaction."""
        self._group.told = told

    def load(self, rows: StockLoad, progress: LoadProgress = unheard) -> int:
        """Takes a few bytes a row to check them, then memory for a chunk of them and the page cache. Calls
        that write wait until it is done."""
        check_load(rows)
        with self._writer_lock:
            db = self._writer
            with self._translated():
                db.execute(SQL["begin_write"])
            try:
                version = load_stock(db, rows, progress)
                db.execute(SQL["commit"])
            except BaseException as error:
                self._roll_back()
                if isinstance(error, sqlite3.Error):
                    raise self._explained(error) from error
                raise
            self._skus.reload()
            self._nodes.reload()
            self.commit_count += 1
            return version

    def find(self, reservation_id: str) -> Reservation | None:
        number = reservation_number(reservation_id)
        with self._settled() as db:
            return None if number is None else load_reservation(db, number)

    def stock(self, sku_id: str, node_ids: Sequence[str] | None = None) -> list[StockRow]:
        return self.stock_of([sku_id], node_ids)[1]

    def stock_of(
        self, sku_ids: Sequence[str], node_ids: Sequence[str] | None = None
    ) -> tuple[int, list[StockRow]]:
        wanted = None if node_ids is None else frozenset(node_ids)
        with self._settled() as db:
            version = int(one_value(db, "get_version"))
            return version, [
                StockRow(
                    sku_id=sku_id,
                    node_id=node_id,
                    on_hand=on_hand,
                    reserved=reserved,
                    safety_stock=safety_stock,
                )
                for sku_id in sku_ids
                for node_id, on_hand, reserved, safety_stock in sorted(
                    db.execute(SQL["list_stock_of_sku"], (sku_id,)), key=lambda row: place_order(row[0])
                )
                if wanted is None or split_place(node_id)[0] in wanted
            ]

    def columns(self) -> StockColumns:
        """Sorted by SKU id, then node id. Takes about 12 bytes a row beyond the result while it reads."""
        with self._settled() as db:
            version = one_value(db, "get_version")
            count = one_value(db, "count_stock")
            cells = chain.from_iterable(db.execute(SQL["list_available"]))
            table = np.fromiter(cells, dtype=np.int32, count=3 * count).reshape(-1, 3)
            sku_numbers = dict(db.execute(SQL["list_skus"]))
            node_numbers = dict(db.execute(SQL["list_nodes"]))
        sku_ids, sku_rank = _ranked(sku_numbers)
        node_ids, node_rank = _ranked(node_numbers)
        sku_ix = sku_rank[table[:, 0]]
        node_ix = node_rank[table[:, 1]]
        order = np.lexsort((node_ix, sku_ix))
        return StockColumns(
            version=version,
            sku_ids=sku_ids,
            node_ids=node_ids,
            sku_ix=sku_ix[order],
            node_ix=node_ix[order],
            available=table[:, 2][order],
        )

    def ledger_id(self) -> str:
        with self._reader() as db:
            return str(one_value(db, "get_ledger_id"))

    def version(self) -> int:
        with self._settled() as db:
            return int(one_value(db, "get_version"))

    def changes(self, since: int, limit: int = 100_000) -> list[Change]:
        with self._settled() as db:
            return [
                Change(
                    version=version,
                    sku_id=sku_id,
                    node_id=node_id,
                    available=available,
                    delta=delta,
                    cause=cause,
                    reference=reference,
                )
                for version, sku_id, node_id, available, delta, cause, reference in db.execute(
                    SQL["list_changes"], (since, max(0, limit))
                )
            ]

    def close(self) -> None:
        """Waits for the transaction under way. Every later call raises LedgerUnusable."""
        with self._writer_lock, self._readers_lock:
            self._closed = True
            for reader in self._readers:
                reader.close()
            self._readers.clear()
            self._writer.close()

    def _submit(self, command: Command) -> Answer:
        return self._group.submit(command)

    def _execute(self, commands: Sequence[Command]) -> list[Answer]:
        """All commands in one transaction. Should that fail as a whole, each gets one of its own, so that it
        fails only for those that make it fail."""
        with self._writer_lock:
            db = self._writer
            try:
                db.execute(SQL["begin_write"])
            except sqlite3.Error as error:
                return [unusable(self._path, str(error)) for _ in commands]
            try:
                tables = SqliteTables(db, self._skus, self._nodes)
                answers = WorkingSet(tables, self._clock()).run(commands)
                db.execute(SQL["commit"])
            except Exception as error:
                self._roll_back()
                if len(commands) == 1:
                    return [self._explained(error)]
            except BaseException:
                self._roll_back()
                raise
            else:
                self.commit_count += 1
                return answers
        return [self._execute([command])[0] for command in commands]

    def _roll_back(self) -> None:
        if self._writer.in_transaction:  # SQLite itself rolls back after some errors
            self._writer.execute(SQL["rollback"])
        self._skus.reload()
        self._nodes.reload()

    def _explained(self, error: Exception) -> Exception:
        """What the caller is told about a transaction that failed."""
        explained = error
        if isinstance(error, sqlite3.IntegrityError):
            explained = BrokenInvariant(f"ledger {self._path}: {error}")
        elif isinstance(error, sqlite3.Error):
            explained = unusable(self._path, str(error))
        if explained is not error:
            explained.__cause__ = error
        return explained

    @contextmanager
    def _settled(self) -> Iterator[sqlite3.Connection]:
        """A reader within a transaction, so that all it reads is of one commit, with everything due already
        expired."""
        with self._reader() as db:
            due = one_value(db, "any_due", self._clock())
        if due:
            self.expire()
        with self._reader() as db:
            db.execute(SQL["begin_read"])
            try:
                yield db
            finally:
                db.execute(SQL["rollback"])

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """A reading connection of one's own, given back afterwards."""
        with self._readers_lock:
            if self._closed:
                raise unusable(self._path, "is closed")
            reader = self._readers.pop() if self._readers else None
        with self._translated():
            if reader is None:
                reader = open_reader(self._path)
            try:
                yield reader
            finally:
                with self._readers_lock:
                    if self._closed:
                        reader.close()
                    else:
                        self._readers.append(reader)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise unusable(self._path, str(error)) from error


def _ranked(numbers: dict[str, int]) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.int32]]]:
    """The ids sorted, and for each number its place among them."""
    ids = sorted(numbers)
    rank = np.zeros(max(numbers.values(), default=0) + 1, dtype=np.int32)
    rank[[numbers[text] for text in ids]] = np.arange(len(ids), dtype=np.int32)
    return ids, rank
