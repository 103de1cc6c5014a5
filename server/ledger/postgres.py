"""The ledger in a PostgreSQL database: many processes on many hosts, group commit in each."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import psycopg

from router.errors import BrokenInvariant, LedgerUnusable
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
from router.ledger_load import check_load, ledger_not_empty, updates_of
from router.ledger_places import place_order, split_place
from router.ledger_state import reservation_number
from server.ledger.group_commit import GroupCommit, Told
from server.ledger.postgres_tables import (
    SQL,
    Connection,
    PostgresTables,
    find_reservations,
    is_unicode,
    one_value,
)
from server.ledger.queries import sql_text
from server.ledger.verbs import Verbs
from server.ledger.working_set import Answer, WorkingSet

SCHEMA_VERSION = 2
CONNECT_SECONDS = 10
SILENT_SECONDS = 10
"""For how long a transaction may do nothing. The Python in the midst of one takes less by far."""
FIRST_WITH_TRANSACTION_TIMEOUT = 170_000
ANSWER_SECONDS = 10
"""How long a network that swallows everything is waited for."""
CHUNK_ROWS = 50_000
"""Rows of a load that are sent at a time."""


class PostgresLedger(Verbs):
    """Implements ``router.ledger.Ledger`` in the tables of one schema, which are made if missing.

    conninfo: a libpq connection string. clock: epoch seconds now; None: the database's own clock, which all
    processes share. silent_seconds: a transaction that does nothing for so long is ended by the database.
    commit_count: transactions committed by this object.

    Raises LedgerUnusable when the database cannot be reached, is of a newer version, or fails. A call that
    fails so may have had its effect, if the connection was lost while it was committed: a retry with the
    same request_id tells.
    """

    def __init__(
        self,
        conninfo: str,
        clock: Callable[[], int] | None = None,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self._conninfo = conninfo
        self._silent_millis = int(1_000 * silent_seconds)
        self._clock = clock
        self._writer: Connection | None = None
        self._writer_lock = threading.Lock()
        self._readers: list[Connection] = []
        self._readers_lock = threading.Lock()
        self._closed = False
        self._group: GroupCommit[Command, Answer] = GroupCommit(self._execute)
        self.commit_count = 0
        try:
            with self._translated(), self._writing() as db:
                _make_tables(db)
        except BaseException:
            self.close()
            raise

    @property
    def waiting_count(self) -> int:
        """Calls that wait for the transaction under way to end."""
        return self._group.waiting_count

    def watch(self, told: Told) -> None:
        """``told``, and nobody else any more, hears of every transaction."""
        self._group.told = told

    def load(self, rows: StockLoad, progress: LoadProgress = unheard) -> int:
        check_load(rows)
        with self._translated(), self._writing() as db:
            if db.info.server_version >= FIRST_WITH_TRANSACTION_TIMEOUT:
                db.execute("SET LOCAL transaction_timeout = 0")
            tables = PostgresTables(db)
            sequence, version = tables.counters()
            if one_value(db, "any_stock"):
                raise ledger_not_empty()
            for done_count, updates in updates_of(rows, CHUNK_ROWS):
                with db.cursor() as cursor, cursor.copy(SQL["copy_rows"]) as copy:
                    copy.set_types(["bytea", "bytea", "int4", "int4", "int4"])
                    for u in updates:
                        copy.write_row(
                            (u.sku_id.encode(), u.node_id.encode(), u.on_hand, 0, u.safety_stock or 0)
                        )
                with db.cursor() as cursor, cursor.copy(SQL["copy_changes"]) as copy:
                    copy.set_types(["int8", "bytea", "bytea", "int4", "int4", "text"])
                    for u in updates:
                        available = u.on_hand - (u.safety_stock or 0)
                        if available:
                            version += 1
                            copy.write_row(
                                (
                                    version,
                                    u.sku_id.encode(),
                                    u.node_id.encode(),
                                    available,
                                    available,
                                    "stock",
                                )
                            )
                progress(done_count, len(rows))
            db.execute(SQL["advance"], (sequence, version))
        return version

    def find(self, reservation_id: str) -> Reservation | None:
        number = reservation_number(reservation_id)
        with self._settled() as db:
            return None if number is None else next(find_reservations(db, [number]), None)

    def stock(self, sku_id: str, node_ids: Sequence[str] | None = None) -> list[StockRow]:
        return self.stock_of([sku_id], node_ids)[1]

    def stock_of(
        self, sku_ids: Sequence[str], node_ids: Sequence[str] | None = None
    ) -> tuple[int, list[StockRow]]:
        wanted = None if node_ids is None else frozenset(node_ids)
        with self._settled() as db:
            version = int(one_value(db, "get_version"))
            known = [sku_id.encode() for sku_id in sku_ids if is_unicode(sku_id)]
            by_sku: dict[str, list[StockRow]] = {}
            for sku, node, on_hand, reserved, safety_stock in db.execute(SQL["list_stock"], (known,)):
                sku_id, node_id = sku.decode(), node.decode()
                if wanted is None or split_place(node_id)[0] in wanted:
                    row = StockRow(
                        sku_id=sku_id,
                        node_id=node_id,
                        on_hand=on_hand,
                        reserved=reserved,
                        safety_stock=safety_stock,
                    )
                    by_sku.setdefault(sku_id, []).append(row)
        for found in by_sku.values():
            found.sort(key=lambda row: place_order(row.node_id))
        return version, [row for sku_id in sku_ids for row in by_sku.get(sku_id, ())]

    def columns(self) -> StockColumns:
        """Sorted by SKU id, then node id."""
        with self._settled() as db:
            version = int(one_value(db, "get_version"))
            skus: dict[bytes, int] = {}
            nodes: dict[bytes, int] = {}
            cells = array("i")
            with db.cursor(name="rows") as cursor:  # some rows at a time: all of them may be ten million
                cursor.itersize = CHUNK_ROWS
                for sku, node, units in cursor.execute(SQL["list_available"]):
                    cells.extend((skus.setdefault(sku, len(skus)), nodes.setdefault(node, len(nodes)), units))
        table = np.frombuffer(cells, np.int32).reshape(-1, 3)
        rank = np.empty(len(nodes), np.int32)
        rank[[nodes[node] for node in sorted(nodes)]] = np.arange(len(nodes), dtype=np.int32)
        return StockColumns(
            version=version,
            sku_ids=[sku.decode() for sku in skus],
            node_ids=[node.decode() for node in sorted(nodes)],
            sku_ix=table[:, 0].copy(),
            node_ix=rank[table[:, 1]],
            available=table[:, 2].copy(),
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
                    sku_id=sku.decode(),
                    node_id=node.decode(),
                    available=units,
                    delta=delta,
                    cause=cause,
                    reference=bytes(reference).decode(),
                )
                for version, sku, node, units, delta, cause, reference in db.execute(
                    SQL["list_changes"], (since, max(0, limit))
                )
            ]

    def close(self) -> None:
        """Waits for the transaction under way. Every later call raises LedgerUnusable."""
        with self._writer_lock, self._readers_lock:
            self._closed = True
            for connection in (*self._readers, *(() if self._writer is None else (self._writer,))):
                connection.close()
            self._readers.clear()
            self._writer = None

    def _submit(self, command: Command) -> Answer:
        return self._group.submit(command)

    def _execute(self, commands: Sequence[Command]) -> list[Answer]:
        """All commands in one transaction. Should that fail as a whole, each gets one of its own, so that it
        fails only for those that make it fail; not when the database is gone, or may have committed it."""
        try:
            with self._translated(), self._writing() as db:
                answers = WorkingSet(PostgresTables(db), self._now(db)).run(commands)
            self.commit_count += 1
        except LedgerUnusable as error:
            return [error for _ in commands]
        except Exception as error:
            if len(commands) == 1:
                return [error]
        else:
            return answers
        return [self._execute([command])[0] for command in commands]

    def _now(self, db: Connection) -> int:
        """Read after the ledger is locked, so that it never goes back from one transaction to the next."""
        db.execute(SQL["lock_ledger"])
        return int(one_value(db, "get_clock")) if self._clock is None else self._clock()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """The writing connection in a transaction of its own, made anew when it was lost."""
        with self._writer_lock:
            if self._closed:
                raise _unusable("is closed")
            if self._writer is None or self._writer.closed:
                self._writer = self._limited(self._connected())
            try:
                with self._writer.transaction():
                    yield self._writer
            except psycopg.OperationalError:
                self._writer.close()
                raise

    def _connected(self) -> Connection:
        db = psycopg.connect(
            self._conninfo,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            tcp_user_timeout=1_000 * ANSWER_SECONDS,
            keepalives_idle=ANSWER_SECONDS,
            keepalives_interval=1,
            keepalives_count=3,
        )
        # Plans for all parameters alike would read whole tables where few rows are due.
        db.execute("SET plan_cache_mode = force_custom_plan")
        return db

    def _limited(self, db: Connection) -> Connection:
        """A writer that falls silent while it has the ledger, as a process that is stopped, must not stop the
        others for long."""
        db.execute(f"SET idle_in_transaction_session_timeout = {self._silent_millis}")
        if db.info.server_version >= FIRST_WITH_TRANSACTION_TIMEOUT:
            # Longer, as whoever waits for it is in a transaction too.
            db.execute(f"SET transaction_timeout = {4 * self._silent_millis}")
        return db

    @contextmanager
    def _settled(self) -> Iterator[Connection]:
        """A reader within a transaction, so that all it reads is of one commit, with everything due already
        expired."""
        with self._reader() as db:
            now_seconds = int(one_value(db, "get_clock")) if self._clock is None else self._clock()
            due = one_value(db, "any_due", now_seconds)
        if due:
            self.expire()
        with self._reader() as db, db.transaction():
            db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield db

    @contextmanager
    def _reader(self) -> Iterator[Connection]:
        """A reading connection of one's own, given back afterwards."""
        with self._readers_lock:
            if self._closed:
                raise _unusable("is closed")
            reader = self._readers.pop() if self._readers else None
        with self._translated():
            if reader is None or reader.closed:
                reader = self._connected()
            try:
                yield reader
            except psycopg.OperationalError:
                reader.close()
                raise
            finally:
                with self._readers_lock:
                    if self._closed or reader.closed:
                        reader.close()
                    else:
                        self._readers.append(reader)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg.errors.IntegrityError as error:
            raise BrokenInvariant(f"ledger: {error}") from error
        except psycopg.Error as error:
            raise _unusable(str(error)) from error


def _unusable(found: str) -> LedgerUnusable:
    """Names what was found instead of a usable ledger."""
    return LedgerUnusable(f"ledger in PostgreSQL: {found}", metadata={"found": found})


def _make_tables(db: Connection) -> None:
    """Unless they are there; those of an older version become ones of this. Raises LedgerUnusable for those
    of a newer one."""
    db.execute(SQL["lock_schema"])
    if not one_value(db, "has_tables"):
        db.execute(sql_text("postgres_schema.sql"))
    version = int(one_value(db, "get_schema_version"))
    for older in range(version, SCHEMA_VERSION):
        db.execute(sql_text(f"postgres_upgrade_{older}.sql"))
    if version > SCHEMA_VERSION:
        raise _unusable(f"is of version {version}, this is version {SCHEMA_VERSION}")
