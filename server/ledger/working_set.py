"""One write transaction of a durable ledger: load what the commands touch, let the state machine decide,
store what differs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from router.errors import BrokenInvariant, SourcierError
from router.ledger import Change, FeedOutcome, Reservation, ReserveOutcome, ResolveOutcome
from router.ledger_commands import Command, Confirm, Expire, Extend, Feed, Release, Reserve, UpdateStock
from router.ledger_places import split_place
from router.ledger_rows import Row
from router.ledger_state import (
    LedgerState,
    Mark,
    RememberedReserve,
    RememberedUpdate,
    apply,
    reservation_id_of,
    reservation_number,
)

Answer = list[ReserveOutcome] | ResolveOutcome | FeedOutcome | int | Exception
"""The outcome of a command, or what is to be raised."""
Wanted = Mapping[str, Set[str]]
"""Places by SKU id."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a transaction is to store. changed: (SKU id, place, as it was read, as it is). resolved: those
    that were HELD, and may still be for longer. reduced: those of them whose holds are others now. marks: by
    feed, SKU id and place. sequence, version: after it."""

    new_rows: list[tuple[str, str, Row]]
    changed: list[tuple[str, str, Row, Row]]
    reservations: list[tuple[int, Reservation]]
    resolved: list[tuple[int, Reservation]]
    reduced: list[tuple[int, Reservation]]
    marks: list[tuple[Mark, int]]
    reserves: list[tuple[str, RememberedReserve]]
    updates: list[tuple[str, RememberedUpdate]]
    log: list[Change]
    sequence: int
    version: int


class Tables(Protocol):
    """What an adapter reads and writes within a transaction in which nobody else writes."""

    def counters(self) -> tuple[int, int]:
        """The number of the last reservation, and the version of the last change; 0 for none."""
        ...

    def due(self, now_seconds: int) -> list[tuple[int, int]]:
        """(deadline, number) of held reservations at or past their deadline, by both."""
        ...

    def reservations(self, numbers: Iterable[int]) -> Iterable[Reservation]:
        """Those there are."""
        ...

    def reserves(self, request_ids: Sequence[str]) -> Iterable[tuple[str, RememberedReserve]]:
        """What request_ids of reserves stand for, of those that were used."""
        ...

    def updates(self, request_ids: Sequence[str]) -> Iterable[tuple[str, RememberedUpdate]]:
        """What request_ids of stock updates stand for, of those that were used."""
        ...

    def marks(self, feed_id: str, wanted: Wanted) -> Iterable[tuple[Mark, int]]:
        """The number of the last update that a feed brought, at least of those wanted that it ever did."""
        ...

    def rows(self, wanted: Wanted) -> Iterable[tuple[str, str, Row]]:
        """At least those wanted that somebody has set."""
        ...

    def store(self, difference: Difference) -> None:
        """Raises BrokenInvariant when a row is not what was read before."""
        ...


class WorkingSet:
    """``run`` once, then commit."""

    def __init__(self, tables: Tables, now_seconds: int) -> None:
        self._tables = tables
        self._now_seconds = now_seconds
        sequence, version = tables.counters()
        self._state = LedgerState(sequence=sequence, version=version)

    def run(self, commands: Sequence[Command]) -> list[Answer]:
        """The answer to each command, decided in order. Raises what the tables do."""
        self._load(commands)
        state = self._state
        rows = {sku_id: dict(nodes) for sku_id, nodes in state.rows.items()}
        reservations, reserves, updates = dict(state.reservations), set(state.reserves), set(state.updates)
        marks = dict(state.marks)
        answers = [self._answer(command) for command in commands]
        new, resolved, reduced = [], [], []
        for reservation_id, reservation in state.reservations.items():
            before = reservations.get(reservation_id)
            if before is None:
                new.append((_number(reservation_id), reservation))
            elif before is not reservation:
                resolved.append((_number(reservation_id), reservation))
                if before.holds != reservation.holds:
                    reduced.append((_number(reservation_id), reservation))
        new_rows, changed = _differing(rows, state.rows)
        self._tables.store(
            Difference(
                new_rows=new_rows,
                changed=changed,
                reservations=new,
                resolved=resolved,
                reduced=reduced,
                marks=[(mark, at) for mark, at in state.marks.items() if marks.get(mark) != at],
                reserves=[(i, known) for i, known in state.reserves.items() if i not in reserves],
                updates=[(i, known) for i, known in state.updates.items() if i not in updates],
                log=state.log,
                sequence=state.sequence,
                version=state.version,
            )
        )
        return answers

    def _answer(self, command: Command) -> Answer:
        try:
            return apply(self._state, command, self._now_seconds).outcome
        except SourcierError as mistake:
            return mistake

    def _load(self, commands: Sequence[Command]) -> None:
        state, tables = self._state, self._tables
        due = tables.due(self._now_seconds)
        state.timers = [(at_seconds, reservation_id_of(number)) for at_seconds, number in due]
        numbers = {number for _, number in due}
        wanted: dict[str, set[str]] = defaultdict(set)
        requests = [r for command in commands if isinstance(command, Reserve) for r in command.requests]
        state.reserves.update(tables.reserves([r.request_id for r in requests if r.request_id]))
        stock = [command for command in commands if isinstance(command, UpdateStock)]
        state.updates.update(tables.updates([command.request_id for command in stock if command.request_id]))
        for request in requests:
            for choice in request.choices:
                for hold in (*choice.holds, *(day.hold for day in choice.days)):
                    wanted[hold.sku_id].add(hold.node_id)
            for correction in request.corrections:
                wanted[correction.sku_id].add(correction.node_id)
            known = state.reserves.get(request.request_id)
            for reservation_id in (request.replaces, known.reservation_id if known else ""):
                number = reservation_number(reservation_id) if reservation_id else None
                numbers.update(() if number is None else (number,))
        for command in commands:
            match command:
                case Confirm(reservation_id) | Release(reservation_id) | Extend(reservation_id):
                    number = reservation_number(reservation_id)
                    numbers.update(() if number is None else (number,))
                case UpdateStock(request_id, updates) if request_id not in state.updates:
                    for update in updates:
                        wanted[update.sku_id].add(update.node_id)
                case Feed(feed_id, updates):
                    brought: dict[str, set[str]] = defaultdict(set)
                    for update in updates:
                        brought[update.sku_id].add(update.node_id)
                        wanted[update.sku_id].add(update.node_id)
                    state.marks.update(tables.marks(feed_id, brought) if brought else ())
                case Reserve() | UpdateStock() | Expire():
                    pass
        for reservation in tables.reservations(numbers) if numbers else ():
            state.reservations[reservation.reservation_id] = reservation
            for hold in reservation.holds:
                wanted[hold.sku_id].add(hold.node_id)
        for places in wanted.values():  # what a receipt does not cover is at its node's own row
            places.update([split_place(place)[0] for place in places])
        for sku_id, place, row in tables.rows(wanted) if wanted else ():
            state.rows.setdefault(sku_id, {})[place] = row


def _differing(
    before: Mapping[str, Mapping[str, Row]], after: Mapping[str, Mapping[str, Row]]
) -> tuple[list[tuple[str, str, Row]], list[tuple[str, str, Row, Row]]]:
    """New rows, and those that changed."""
    new: list[tuple[str, str, Row]] = []
    changed: list[tuple[str, str, Row, Row]] = []
    for sku_id, nodes in after.items():
        nodes_before = before.get(sku_id, {})
        for node_id, row in nodes.items():
            known = nodes_before.get(node_id)
            if known is None:
                new.append((sku_id, node_id, row))
            elif known is not row and known != row:
                changed.append((sku_id, node_id, known, row))
    return new, changed


def _number(reservation_id: str) -> int:
    number = reservation_number(reservation_id)
    if number is None:
        raise BrokenInvariant(f"reservation id {reservation_id!r} is not one of this ledger")
    return number
