"""What a SQLite ledger reads and writes within a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from router.errors import BrokenInvariant
from router.ledger import Hold, Reservation, ReservationState
from router.ledger_rows import Row
from router.ledger_state import (
    Mark,
    RememberedReserve,
    RememberedUpdate,
    reservation_id_of,
    reservation_number,
)
from server.ledger.sqlite_file import SQL, one_value
from server.ledger.working_set import Difference, Wanted

SCAN_SHARE = 4
"""Rows of some SKUs are read in file order when at least one in so many of them is wanted."""


class Ids(dict[str, int]):
    """Ids of table ``sku`` or ``node`` with their numbers, as far as known. Like a defaultdict, ``ids[text]``
    gives a new id the next number. Numbers never change once committed; ``reload`` after a rollback."""

    def __init__(self, db: sqlite3.Connection, table: str) -> None:
        super().__init__()
        self._db = db
        self._table = table
        self.reload()

    def __missing__(self, text: str) -> int:
        number = self.find(text)
        if number is None:
            number = self[text] = int(one_value(self._db, f"insert_{self._table}", text))
        return number

    def reload(self) -> None:
        """Know exactly what the file knows."""
        self.clear()
        self.update(self._db.execute(SQL[f"list_{self._table}s"]))

    def find(self, text: str) -> int | None:
        """None for an id that was never part of a stock row."""
        number = self.get(text)
        if number is None:  # another process may have added it
            try:
                row = self._db.execute(SQL[f"find_{self._table}"], (text,)).fetchone()
            except UnicodeEncodeError:  # half a surrogate pair
                return None
            if row is not None:
                number = self[text] = int(row[0])
        return number

    def names(self, texts: Iterable[str]) -> dict[int, str]:
        """Those of the ids that have a number, by number."""
        found = ((self.find(text), text) for text in texts)
        return {number: text for number, text in found if number is not None}


def load_reservation(db: sqlite3.Connection, number: int) -> Reservation | None:
    """The reservation of that number."""
    found = db.execute(SQL["find_reservation"], (number,)).fetchone()
    if found is None:
        return None
    order_id, state, created_at_seconds, expires_at_seconds = found
    holds = db.execute(SQL["find_holds"], (number,))
    return Reservation(
        reservation_id=reservation_id_of(number),
        order_id=order_id,
        state=ReservationState(state),
        holds=tuple(Hold(sku_id=sku, node_id=node, quantity=units) for sku, node, units in holds),
        created_at_seconds=created_at_seconds,
        expires_at_seconds=expires_at_seconds,
    )


class SqliteTables:
    """Implements ``server.ledger.working_set.Tables`` on a begun write transaction. Raises sqlite3.Error."""

    def __init__(self, db: sqlite3.Connection, skus: Ids, nodes: Ids) -> None:
        self._db = db
        self._skus = skus
        self._nodes = nodes

    def counters(self) -> tuple[int, int]:
        return int(one_value(self._db, "get_last_number")), int(one_value(self._db, "get_version"))

    def due(self, now_seconds: int) -> list[tuple[int, int]]:
        return self._db.execute(SQL["find_due"], (now_seconds,)).fetchall()

    def reservations(self, numbers: Iterable[int]) -> Iterator[Reservation]:
        for number in numbers:
            found = load_reservation(self._db, number)
            if found is not None:
                yield found

    def reserves(self, request_ids: Sequence[str]) -> Iterator[tuple[str, RememberedReserve]]:
        for request_id in request_ids:
            found = self._db.execute(SQL["find_reserve_request"], (request_id,)).fetchone()
            if found is not None:
                number, fingerprint, payload = found
                yield request_id, RememberedReserve(fingerprint, reservation_id_of(number), payload)

    def updates(self, request_ids: Sequence[str]) -> Iterator[tuple[str, RememberedUpdate]]:
        for request_id in request_ids:
            found = self._db.execute(SQL["find_stock_request"], (request_id,)).fetchone()
            if found is not None:
                yield request_id, RememberedUpdate(*found)

    def marks(self, feed_id: str, wanted: Wanted) -> Iterator[tuple[Mark, int]]:
        sku_of, node_of = self._skus.names(wanted), self._nodes.names(set().union(*wanted.values()))
        sku_ix, node_ix = ({text: ix for ix, text in names.items()} for names in (sku_of, node_of))
        codes = [
            sku_ix[sku_id] << 32 | node_ix[place]
            for sku_id, places in wanted.items()
            for place in places
            if sku_id in sku_ix and place in node_ix
        ]
        for sku, node, sequence in self._db.execute(SQL["find_marks"], (str(codes), feed_id)):
            yield (feed_id, sku_of[sku], node_of[node]), sequence

    def rows(self, wanted: Wanted) -> Iterator[tuple[str, str, Row]]:
        """Row by row, or, where much of the SKUs' stock is wanted, all of it in file order."""
        sku_of = self._skus.names(wanted)
        node_of = self._nodes.names(set().union(*wanted.values()))
        node_ix_of = {node_id: node_ix for node_ix, node_id in node_of.items()}
        wanted_count = sum(map(len, wanted.values()))
        if wanted_count * SCAN_SHARE >= len(sku_of) * len(self._nodes):
            cursor = self._db.execute(SQL["find_rows_of_skus"], (str(list(sku_of)),))
            self._nodes.reload()
            node_of = {node_ix: node_id for node_id, node_ix in self._nodes.items()}
        else:
            codes = [
                sku_ix << 32 | node_ix_of[node_id]
                for sku_ix, sku_id in sku_of.items()
                for node_id in wanted[sku_id]
                if node_id in node_ix_of
            ]
            cursor = self._db.execute(SQL["find_rows"], (str(codes),))
        for sku_ix, node_ix, on_hand, reserved, safety_stock in cursor:
            yield sku_of[sku_ix], node_of[node_ix], Row(on_hand, reserved, safety_stock)

    def store(self, difference: Difference) -> None:
        db, skus, nodes = self._db, self._skus, self._nodes
        new = [(skus[sku_id], nodes[node_id], *row) for sku_id, node_id, row in difference.new_rows]
        new.sort()  # neighbours in the file are written together
        db.executemany(SQL["insert_row"], new)
        changed = [
            (*row, skus[sku_id], nodes[node_id], *before)
            for sku_id, node_id, before, row in difference.changed
        ]
        self._update_all("update_row", changed)
        self._store_reservations(difference)
        db.executemany(
            SQL["insert_stock_request"], [(request_id, *known) for request_id, known in difference.updates]
        )
        db.executemany(
            SQL["insert_change"],
            [
                (c.version, skus[c.sku_id], nodes[c.node_id], c.available, c.delta, c.cause, c.reference)
                for c in difference.log
            ],
        )

        marks = [
            (feed_id, skus[sku_id], nodes[place], sequence)
            for (feed_id, sku_id, place), sequence in difference.marks
        ]
        db.executemany(SQL["put_mark"], marks)

    def _store_reservations(self, difference: Difference) -> None:
        new = [
            (number, one.order_id, one.state, one.created_at_seconds, one.expires_at_seconds)
            for number, one in difference.reservations
        ]
        self._db.executemany(SQL["insert_reservation"], new)
        self._db.executemany(SQL["insert_hold"], self._holds_of(difference.reservations))
        self._db.executemany(SQL["delete_holds"], [(number,) for number, _ in difference.reduced])
        self._db.executemany(SQL["insert_hold"], self._holds_of(difference.reduced))
        resolved = [(one.state, one.expires_at_seconds, number) for number, one in difference.resolved]
        self._update_all("resolve_reservation", resolved)
        remembered = [
            (reservation_number(known.reservation_id), request_id, known.fingerprint, known.payload)
            for request_id, known in difference.reserves
        ]
        self._db.executemany(SQL["insert_reserve_request"], remembered)

    def _holds_of(self, reservations: Iterable[tuple[int, Reservation]]) -> list[tuple[int, ...]]:
        return [
            (number, position, self._skus[hold.sku_id], self._nodes[hold.node_id], hold.quantity)
            for number, reservation in reservations
            for position, hold in enumerate(reservation.holds)
        ]

    def _update_all(self, query: str, parameters: Sequence[tuple[int, ...]]) -> None:
        """Conditional updates of which every one must find its row as it was read."""
        if not parameters:
            return
        updated_count = self._db.executemany(SQL[query], parameters).rowcount
        if updated_count != len(parameters):
            message = f"{query} found {updated_count} of {len(parameters)} rows as they were read"
            raise BrokenInvariant(message)
