"""What a PostgreSQL ledger reads and writes within a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psycopg

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
from server.ledger.queries import named_statements, sql_text
from server.ledger.working_set import Difference, Wanted

SQL = named_statements(sql_text("postgres_queries.sql"))
Connection = psycopg.Connection[tuple[Any, ...]]


def one_value(db: Connection, name: str, *parameters: object) -> Any:
    """The single value a named statement answers."""
    found = db.execute(SQL[name], parameters).fetchone()
    if found is None:
        raise BrokenInvariant(f"{name} answered nothing")
    return found[0]


def find_reservations(db: Connection, numbers: Iterable[int]) -> Iterator[Reservation]:
    """Those there are."""
    for number, order_id, state, created, expires, skus, nodes, units in db.execute(
        SQL["find_reservations"], (list(numbers),)
    ):
        yield Reservation(
            reservation_id=reservation_id_of(number),
            order_id=order_id.decode(),
            state=ReservationState(state),
            holds=tuple(
                Hold(sku_id=sku.decode(), node_id=node.decode(), quantity=n)
                for sku, node, n in zip(skus, nodes, units, strict=True)
            ),
            created_at_seconds=created,
            expires_at_seconds=expires,
        )


class PostgresTables:
    """Implements ``server.ledger.working_set.Tables`` in a transaction of its own. Raises psycopg.Error."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def counters(self) -> tuple[int, int]:
        """From here on nobody else writes."""
        found = self._db.execute(SQL["lock_ledger"]).fetchone()
        if found is None:
            raise BrokenInvariant("the table ledger has no row")
        return int(found[0]), int(found[1])

    def due(self, now_seconds: int) -> list[tuple[int, int]]:
        return [(at, number) for at, number in self._db.execute(SQL["find_due"], (now_seconds,))]

    def reservations(self, numbers: Iterable[int]) -> Iterator[Reservation]:
        return find_reservations(self._db, numbers)

    def reserves(self, request_ids: Sequence[str]) -> Iterator[tuple[str, RememberedReserve]]:
        for request_id, number, fingerprint, payload in (
            self._db.execute(SQL["find_reserve_requests"], (_bytes(request_ids),)) if request_ids else ()
        ):
            yield (
                request_id.decode(),
                RememberedReserve(fingerprint, reservation_id_of(number), bytes(payload)),
            )

    def updates(self, request_ids: Sequence[str]) -> Iterator[tuple[str, RememberedUpdate]]:
        for request_id, fingerprint, version in (
            self._db.execute(SQL["find_stock_requests"], (_bytes(request_ids),)) if request_ids else ()
        ):
            yield request_id.decode(), RememberedUpdate(fingerprint, version)

    def marks(self, feed_id: str, wanted: Wanted) -> Iterator[tuple[Mark, int]]:
        pairs = columns_of(_pairs_of(wanted), 2)
        for sku_id, place, sequence in self._db.execute(SQL["find_marks"], (*pairs, feed_id.encode())):
            yield (feed_id, sku_id.decode(), place.decode()), sequence

    def rows(self, wanted: Wanted) -> Iterator[tuple[str, str, Row]]:
        for sku_id, node_id, *row in self._db.execute(SQL["find_rows"], columns_of(_pairs_of(wanted), 2)):
            yield sku_id.decode(), node_id.decode(), Row(*row)

    def store(self, difference: Difference) -> None:
        db = self._db
        new = [(sku_id.encode(), node_id.encode(), *row) for sku_id, node_id, row in difference.new_rows]
        if new:
            db.execute(SQL["insert_rows"], columns_of(new, 5))
        changed = [
            (sku_id.encode(), node_id.encode(), *row, *before)
            for sku_id, node_id, before, row in difference.changed
        ]
        self._update("update_rows", changed, 8)
        self._store_reservations(difference)
        for request_id, known in difference.updates:
            db.execute(SQL["insert_stock_request"], (request_id.encode(), *known))
        log = [
            (
                c.version,
                c.sku_id.encode(),
                c.node_id.encode(),
                c.available,
                c.delta,
                c.cause,
                c.reference.encode(),
            )
            for c in difference.log
        ]
        if log:
            db.execute(SQL["insert_changes"], columns_of(log, 7))
        db.execute(SQL["advance"], (difference.sequence, difference.version))

    def _store_reservations(self, difference: Difference) -> None:
        with self._db.cursor() as cursor:
            cursor.executemany(
                SQL["insert_reservation"],
                [
                    (
                        number,
                        one.order_id.encode(),
                        int(one.state),
                        one.created_at_seconds,
                        one.expires_at_seconds,
                        *_holds_of(one),
                    )
                    for number, one in difference.reservations
                ],
            )
            cursor.executemany(
                SQL["insert_reserve_request"],
                [
                    (
                        request_id.encode(),
                        reservation_number(known.reservation_id),
                        known.fingerprint,
                        known.payload,
                    )
                    for request_id, known in difference.reserves
                ],
            )
            cursor.executemany(
                SQL["reduce_reservation"],
                [(*_holds_of(one), number) for number, one in difference.reduced],
            )
        resolved = [(number, int(one.state), one.expires_at_seconds) for number, one in difference.resolved]
        self._update("resolve_reservations", resolved, 3)
        marks = [
            (feed_id.encode(), sku_id.encode(), place.encode(), sequence)
            for (feed_id, sku_id, place), sequence in difference.marks
        ]
        if marks:
            self._db.execute(SQL["put_marks"], columns_of(marks, 4))

    def _update(self, name: str, rows: Sequence[tuple[Any, ...]], width: int) -> None:
        """A conditional update of rows of which every one must be found as it was read."""
        if not rows:
            return
        found = self._db.execute(SQL[name], columns_of(rows, width)).rowcount
        if found != len(rows):
            raise BrokenInvariant(f"{name} found {found} of {len(rows)} rows as they were read")


def _holds_of(reservation: Reservation) -> tuple[list[bytes], list[bytes], list[int]]:
    holds = reservation.holds
    return (
        [hold.sku_id.encode() for hold in holds],
        [hold.node_id.encode() for hold in holds],
        [hold.quantity for hold in holds],
    )


def is_unicode(text: str) -> bool:
    """Can it be an id? What cannot be is in no table."""
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True


def _pairs_of(wanted: Wanted) -> list[tuple[bytes, bytes]]:
    return [
        (sku_id.encode(), place.encode())
        for sku_id, places in wanted.items()
        for place in places
        if is_unicode(sku_id) and is_unicode(place)
    ]


def _bytes(texts: Sequence[str]) -> list[bytes]:
    return [text.encode() for text in texts]


def columns_of(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows turned into one list a column."""
    return [[row[i] for row in rows] for i in range(width)]
