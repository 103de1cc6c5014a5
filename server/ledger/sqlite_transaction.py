"""One write transaction: load what the commands touch, let the state machine decide, store what differs."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set

from router.errors import BrokenInvariant, SourcierError
from router.ledger import Hold, Reservation, ReservationState, ReserveOutcome, ResolveOutcome
from router.ledger_places import split_place
from router.ledger_rows import Row
from router.ledger_state import (
    Command,
    Confirm,
    Expire,
    LedgerState,
    Release,
    RememberedReserve,
    RememberedUpdate,
    Reserve,
    UpdateStock,
    apply,
    reservation_id_of,
    reservation_number,
)
from server.ledger.sqlite_file import SQL, one_value

Answer = list[ReserveOutcome] | ResolveOutcome | int | Exception
"""The outcome of a command, or what is to be raised."""


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


class Transaction:
    """Within a begun write transaction: ``run`` once, then commit."""

    def __init__(self, db: sqlite3.Connection, skus: Ids, nodes: Ids, now_seconds: int) -> None:
        self._db = db
        self._skus = skus
        self._nodes = nodes
        self._now_seconds = now_seconds
        self._state = LedgerState(
            sequence=one_value(db, "get_last_number"), version=one_value(db, "get_version")
        )

    def run(self, commands: Sequence[Command]) -> list[Answer]:
        """The answer to each command, decided in order. Raises sqlite3.Error; BrokenInvariant when the file
        is not what was just read from it."""
        self._load(commands)
        state = self._state
        self._rows_before = {sku_id: dict(nodes) for sku_id, nodes in state.rows.items()}
        self._reservations_before = dict(state.reservations)
        self._reserves_before = frozenset(state.reserves)
        self._updates_before = frozenset(state.updates)
        answers = [self._answer(command) for command in commands]
        self._store()
        return answers

    def _answer(self, command: Command) -> Answer:
        try:
            return apply(self._state, command, self._now_seconds).outcome
        except SourcierError as mistake:
            return mistake

    def _load(self, commands: Sequence[Command]) -> None:
        due = self._db.execute(SQL["find_due"], (self._now_seconds,)).fetchall()
        self._state.timers = [(at_seconds, reservation_id_of(number)) for at_seconds, number in due]
        numbers = {number for _, number in due}
        wanted: dict[str, set[str]] = defaultdict(set)
        for command in commands:
            match command:
                case Reserve(requests):
                    for request in requests:
                        for hold in (*request.holds, *(day.hold for day in request.days)):
                            wanted[hold.sku_id].add(hold.node_id)
                        for correction in request.corrections:
                            wanted[correction.sku_id].add(correction.node_id)
                        replaced = reservation_number(request.replaces)
                        if replaced is not None:
                            numbers.add(replaced)
                        if request.request_id:
                            numbers.update(self._load_reserve_request(request.request_id))
                case Confirm(reservation_id) | Release(reservation_id):
                    number = reservation_number(reservation_id)
                    if number is not None:
                        numbers.add(number)
                case UpdateStock(request_id, updates):
                    if not self._load_stock_request(request_id):
                        for update in updates:
                            wanted[update.sku_id].add(update.node_id)
                case Expire():
                    pass
        for number in numbers:
            reservation = load_reservation(self._db, number)
            if reservation is not None:
                self._state.reservations[reservation.reservation_id] = reservation
                for hold in reservation.holds:
                    wanted[hold.sku_id].add(hold.node_id)
        for places in wanted.values():  # what a receipt does not cover is at its node's own row
            places.update([split_place(place)[0] for place in places])
        self._load_rows(wanted)

    def _load_reserve_request(self, request_id: str) -> Iterable[int]:
        found = self._db.execute(SQL["find_reserve_request"], (request_id,)).fetchone()
        if found is None:
            return ()
        number, fingerprint, payload = found
        remembered = RememberedReserve(fingerprint, reservation_id_of(number), payload)
        self._state.reserves[request_id] = remembered
        return (number,)

    def _load_stock_request(self, request_id: str) -> bool:
        """Was it seen before? Then its updates need no rows."""
        found = self._db.execute(SQL["find_stock_request"], (request_id,)).fetchone()
        if found is not None:
            self._state.updates[request_id] = RememberedUpdate(*found)
        return found is not None

    def _load_rows(self, wanted: Mapping[str, Set[str]]) -> None:
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
        rows = self._state.rows
        for sku_ix, node_ix, on_hand, reserved, safety_stock in cursor:
            nodes = rows.setdefault(sku_of[sku_ix], {})
            nodes[node_of[node_ix]] = Row(on_hand, reserved, safety_stock)

    def _store(self) -> None:
        self._store_rows()
        self._store_reservations()
        state = self._state
        self._db.executemany(
            SQL["insert_reserve_request"],
            [
                (reservation_number(known.reservation_id), request_id, known.fingerprint, known.payload)
                for request_id, known in state.reserves.items()
                if request_id not in self._reserves_before
            ],
        )
        self._db.executemany(
            SQL["insert_stock_request"],
            [
                (request_id, *known)
                for request_id, known in state.updates.items()
                if request_id not in self._updates_before
            ],
        )
        skus, nodes = self._skus, self._nodes
        self._db.executemany(
            SQL["insert_change"],
            [
                (
                    change.version,
                    skus[change.sku_id],
                    nodes[change.node_id],
                    change.available,
                    change.delta,
                    change.cause,
                )
                for change in state.log
            ],
        )

    def _store_rows(self) -> None:
        new: list[tuple[int, ...]] = []
        changed: list[tuple[int, ...]] = []
        node_numbers = self._nodes
        for sku_id, nodes in self._state.rows.items():
            nodes_before = self._rows_before.get(sku_id, {})
            for node_id, row in nodes.items():
                before = nodes_before.get(node_id)
                if before is None:
                    new.append((self._skus[sku_id], node_numbers[node_id], *row))
                elif before is not row and before != row:
                    changed.append((*row, self._skus[sku_id], node_numbers[node_id], *before))
        new.sort()  # neighbours in the file are written together
        self._db.executemany(SQL["insert_row"], new)
        self._update_all("update_row", changed)

    def _store_reservations(self) -> None:
        new: list[tuple[int, str, int, int, int]] = []
        holds: list[tuple[int, int, int, int, int]] = []
        resolved: list[tuple[int, int]] = []
        for reservation_id, reservation in self._state.reservations.items():
            number = reservation_number(reservation_id)
            if number is None:
                raise BrokenInvariant(f"reservation id {reservation_id!r} is not one of this ledger")
            before = self._reservations_before.get(reservation_id)
            if before is None:
                times = (reservation.created_at_seconds, reservation.expires_at_seconds)
                new.append((number, reservation.order_id, reservation.state, *times))
                for position, hold in enumerate(reservation.holds):
                    row_key = (self._skus[hold.sku_id], self._nodes[hold.node_id])
                    holds.append((number, position, *row_key, hold.quantity))
            elif before is not reservation:
                resolved.append((reservation.state, number))
        self._db.executemany(SQL["insert_reservation"], new)
        self._db.executemany(SQL["insert_hold"], holds)
        self._update_all("resolve_reservation", resolved)

    def _update_all(self, query: str, parameters: Sequence[tuple[int, ...]]) -> None:
        """Conditional updates of which every one must find its row as it was read."""
        if not parameters:
            return
        updated_count = self._db.executemany(SQL[query], parameters).rowcount
        if updated_count != len(parameters):
            message = f"{query} found {updated_count} of {len(parameters)} rows as they were read"
            raise BrokenInvariant(message)
