"""The ledger as a pure state machine: the specification that every adapter makes durable.

    apply(state, command, now_seconds) -> outcome and the changes to stock

No clock, no randomness, no I/O: the same commands at the same times give the same state, ids and log.
Every command first expires what is due. A mistake (``InvalidInput``, ``RequestIdReused``) is raised before
the command itself has any effect; what had expired by then stays expired and is in ``state.log``.

A state may be partial: an adapter loads the rows, reservations and requests that its commands touch, applies
them, and stores what differs.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, NamedTuple, TypeVar, overload

from router.errors import RequestIdReused
from router.ledger import (
    Change,
    FeedOutcome,
    Hold,
    Reservation,
    ReservationState,
    ReserveCode,
    ReserveOutcome,
    ReserveRequest,
    ResolveCode,
    ResolveOutcome,
    StockUpdate,
)
from router.ledger_commands import (
    Command,
    Confirm,
    Expire,
    Extend,
    Feed,
    Release,
    Reserve,
    UpdateStock,
    check_requests,
    check_ttl,
    fingerprint,
    merged,
)
from router.ledger_exchange import exchanged, kept_holds
from router.ledger_rows import NO_STOCK, Row, lying, updated
from router.node_rows import is_node_row

Outcome = TypeVar("Outcome")


Cause = Literal["reserve", "confirm", "release", "expire", "stock"]
"""Why ``available`` of a row changed; "confirm" changes it only after the feed has set on_hand below what was
reserved (see ``_resolve``)."""


class RememberedReserve(NamedTuple):
    """What a reserve request_id stands for, and how it ended."""

    fingerprint: str
    reservation_id: str
    payload: bytes


class RememberedUpdate(NamedTuple):
    """What a stock request_id stands for, and the version it led to."""

    fingerprint: str
    version: int


Mark = tuple[str, str, str]
"""A feed, and the SKU id and place of a row it brings."""


@dataclass(slots=True)
class LedgerState:
    """Everything the ledger knows.

    rows: by SKU id, then place. timers: a heap of (expires_at_seconds, reservation_id); entries of
    reservations that were resolved otherwise or extended are skipped. marks: the number of the last update of
    a row that a feed brought. sequence: number of the last reservation. version: of the last change. log: the
    changes since this object was made.
    """

    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)
    timers: list[tuple[int, str]] = field(default_factory=list)
    reserves: dict[str, RememberedReserve] = field(default_factory=dict)
    updates: dict[str, RememberedUpdate] = field(default_factory=dict)
    marks: dict[Mark, int] = field(default_factory=dict)
    sequence: int = 0
    version: int = 0
    log: list[Change] = field(default_factory=list)

    def row(self, sku_id: str, node_id: str) -> Row:
        """A row nobody ever set has no stock."""
        return self.rows.get(sku_id, {}).get(node_id, NO_STOCK)


class Applied(NamedTuple, Generic[Outcome]):
    """What a command led to. ``changes`` include those of the expiry before it."""

    outcome: Outcome
    changes: list[Change]


@overload
def apply(state: LedgerState, command: Reserve, now_seconds: int) -> Applied[list[ReserveOutcome]]: ...
@overload
def apply(
    state: LedgerState, command: Confirm | Release | Extend, now_seconds: int
) -> Applied[ResolveOutcome]: ...
@overload
def apply(state: LedgerState, command: Feed, now_seconds: int) -> Applied[FeedOutcome]: ...
@overload
def apply(state: LedgerState, command: Expire | UpdateStock, now_seconds: int) -> Applied[int]: ...
def apply(state: LedgerState, command: Command, now_seconds: int) -> Applied[Any]:
    """Expires what is due at ``now_seconds`` (epoch seconds), then does the command; changes ``state``.

    Raises InvalidInput naming every bad field, RequestIdReused when a stock request_id comes again with
    other updates.
    """
    logged = len(state.log)
    expired_count = _expire(state, now_seconds)
    outcome: Any
    match command:
        case Reserve(requests):
            check_requests(requests)
            outcome = [_reserve(state, request, now_seconds) for request in requests]
        case Confirm(reservation_id, part):
            outcome = _resolve_once(state, reservation_id, ReservationState.CONFIRMED, part)
        case Release(reservation_id):
            outcome = _resolve_once(state, reservation_id, ReservationState.RELEASED)
        case Extend(reservation_id, ttl_seconds):
            check_ttl(ttl_seconds)
            outcome = _extend(state, reservation_id, now_seconds + ttl_seconds)
        case Expire():
            outcome = expired_count
        case UpdateStock(request_id, updates):
            outcome = _update_stock(state, request_id, updates)
        case Feed(feed_id, updates):
            outcome = _feed(state, feed_id, updates)
    return Applied(outcome, state.log[logged:])


def reservation_id_of(number: int) -> str:
    """The id of the ``number``-th reservation; ids sort as numbers do."""
    return f"r-{number:012d}"


def reservation_number(reservation_id: str) -> int | None:
    """The number of a reservation id, None for text that is no such id."""
    digits = reservation_id[2:]
    if len(digits) > 18 or not digits.isdecimal():
        return None
    number = int(digits)
    return number if reservation_id_of(number) == reservation_id else None


def _set_row(
    state: LedgerState,
    sku_id: str,
    node_id: str,
    row: Row,
    cause: Cause,
    reference: str,
    known: Row = NO_STOCK,
) -> None:
    """The only writer of rows and of the log: a change of ``available`` cannot miss its version. known: what
    a row was taken for that is not there."""
    nodes = state.rows.get(sku_id)
    if nodes is None:
        nodes = state.rows[sku_id] = {}
    before = nodes.get(node_id, known)
    nodes[node_id] = row
    available = row.available
    delta = available - before.available
    if delta:
        state.version += 1
        change = Change(
            version=state.version,
            sku_id=sku_id,
            node_id=node_id,
            available=available,
            delta=delta,
            cause=cause,
            reference=reference,
        )
        state.log.append(change)


def _expire(state: LedgerState, now_seconds: int) -> int:
    """A reservation is over *at* its deadline. Order: by deadline, then by id."""
    count = 0
    while state.timers and state.timers[0][0] <= now_seconds:
        _, reservation_id = heapq.heappop(state.timers)
        reservation = state.reservations[reservation_id]
        if reservation.state is ReservationState.HELD and reservation.expires_at_seconds <= now_seconds:
            _resolve(state, reservation, ReservationState.EXPIRED)
            count += 1
    return count


def _reserve(state: LedgerState, request: ReserveRequest, now_seconds: int) -> ReserveOutcome:
    known = state.reserves.get(request.request_id)
    if known is not None:
        return _replay(state, request, known)
    replaced = state.reservations.get(request.replaces) if request.replaces else None
    if request.replaces and (replaced is None or replaced.state is not ReservationState.HELD):
        return ReserveOutcome(code=ReserveCode.NOT_HELD, reservation=replaced)
    before = merged(replaced.holds) if replaced is not None else {}
    first_shortages: tuple[Hold, ...] = ()
    for choice in request.choices:
        holds = (*choice.holds, *(day.hold for day in choice.days))
        steps, shortages = exchanged(state.row, before, merged(holds), request.corrections, choice.days)
        if not shortages:
            break
        first_shortages = first_shortages or shortages
    else:
        return ReserveOutcome(code=ReserveCode.SOLD_OUT, shortages=first_shortages)
    own_id = reservation_id_of(state.sequence + 1)
    for (sku_id, node_id), row, cause, known_row in steps:
        reference = request.replaces if cause == "release" else own_id
        _set_row(state, sku_id, node_id, row, cause, reference, known_row)
    if replaced is not None:
        state.reservations[replaced.reservation_id] = replace(replaced, state=ReservationState.RELEASED)
    return _opened(state, replace(request, payload=choice.payload), own_id, holds, now_seconds)


def _opened(
    state: LedgerState, request: ReserveRequest, own_id: str, holds: tuple[Hold, ...], now_seconds: int
) -> ReserveOutcome:
    """The new reservation, whose units are reserved; without any it is over at once."""
    state.sequence += 1
    reservation = Reservation(
        reservation_id=own_id,
        order_id=request.order_id,
        state=_first_state(holds),
        holds=holds,
        created_at_seconds=now_seconds,
        expires_at_seconds=now_seconds + request.ttl_seconds,
    )
    state.reservations[own_id] = reservation
    heapq.heappush(state.timers, (reservation.expires_at_seconds, own_id))
    if request.request_id:
        remembered = RememberedReserve(request.fingerprint, own_id, request.payload)
        state.reserves[request.request_id] = remembered
    return ReserveOutcome(code=ReserveCode.HELD, reservation=reservation, payload=request.payload)


def _first_state(holds: Sequence[Hold]) -> ReservationState:
    return ReservationState.HELD if holds else ReservationState.RELEASED


def _replay(state: LedgerState, request: ReserveRequest, known: RememberedReserve) -> ReserveOutcome:
    """The first answer again, word for word: HELD (RELEASED if it held nothing), whatever became of the
    reservation since (``find`` tells that)."""
    if request.fingerprint != known.fingerprint:
        return ReserveOutcome(code=ReserveCode.ID_REUSED)
    reservation = state.reservations[known.reservation_id]
    first = replace(reservation, state=_first_state(reservation.holds))
    return ReserveOutcome(code=ReserveCode.HELD, reservation=first, replayed=True, payload=known.payload)


_ALREADY = {
    ReservationState.CONFIRMED: ResolveCode.ALREADY_CONFIRMED,
    ReservationState.RELEASED: ResolveCode.ALREADY_RELEASED,
    ReservationState.EXPIRED: ResolveCode.ALREADY_EXPIRED,
}
_CAUSE: dict[ReservationState, Cause] = {
    ReservationState.CONFIRMED: "confirm",
    ReservationState.RELEASED: "release",
    ReservationState.EXPIRED: "expire",
}


def _held(state: LedgerState, reservation_id: str) -> Reservation | ResolveOutcome:
    """The reservation, or why it is none that is held."""
    reservation = state.reservations.get(reservation_id)
    if reservation is None:
        return ResolveOutcome(code=ResolveCode.NOT_FOUND)
    if reservation.state is not ReservationState.HELD:
        return ResolveOutcome(code=_ALREADY[reservation.state], reservation=reservation)
    return reservation


def _resolve_once(
    state: LedgerState, reservation_id: str, to: ReservationState, part: Sequence[Hold] = ()
) -> ResolveOutcome:
    reservation = _held(state, reservation_id)
    if isinstance(reservation, ResolveOutcome):
        return reservation
    if part:
        reservation = _reduced(state, reservation, part)
    return ResolveOutcome(code=ResolveCode.DONE, reservation=_resolve(state, reservation, to))


def _extend(state: LedgerState, reservation_id: str, until_seconds: int) -> ResolveOutcome:
    reservation = _held(state, reservation_id)
    if isinstance(reservation, ResolveOutcome):
        return reservation
    if until_seconds > reservation.expires_at_seconds:
        reservation = replace(reservation, expires_at_seconds=until_seconds)
        state.reservations[reservation_id] = reservation
        heapq.heappush(state.timers, (until_seconds, reservation_id))
    return ResolveOutcome(code=ResolveCode.DONE, reservation=reservation)


def _reduced(state: LedgerState, reservation: Reservation, part: Sequence[Hold]) -> Reservation:
    """With the units of ``part`` only; the others, and the days of nodes that keep none, are free again."""
    kept = kept_holds(reservation.holds, part)
    left = merged(kept)
    freed = {
        key: n - left.get(key, 0) for key, n in merged(reservation.holds).items() if n > left.get(key, 0)
    }
    for (sku_id, node_id), quantity in lying(state.row, freed).items():
        row = state.rows[sku_id][node_id]
        row = row._replace(reserved=row.reserved - quantity)
        _set_row(state, sku_id, node_id, row, "release", reservation.reservation_id)
    return replace(reservation, holds=kept)


def _resolve(state: LedgerState, reservation: Reservation, to: ReservationState) -> Reservation:
    """Confirmed units leave on_hand, which stops at zero: the feed may have said that they are gone. A day
    has its capacity whoever takes it."""
    for (sku_id, node_id), quantity in lying(state.row, merged(reservation.holds)).items():
        if to is ReservationState.CONFIRMED and is_node_row(sku_id):
            continue
        row = state.rows[sku_id][node_id]
        leaving = min(quantity, row.on_hand) if to is ReservationState.CONFIRMED else 0
        freed = Row(row.on_hand - leaving, row.reserved - quantity, row.safety_stock)
        _set_row(state, sku_id, node_id, freed, _CAUSE[to], reservation.reservation_id)
    resolved = replace(reservation, state=to)
    state.reservations[reservation.reservation_id] = resolved
    return resolved


def _update_stock(state: LedgerState, request_id: str, updates: Sequence[StockUpdate]) -> int:
    digest = fingerprint(updates) if request_id else ""
    known = state.updates.get(request_id)
    if known is not None:
        if known.fingerprint != digest:
            message = f"stock request {request_id!r} came before with other updates"
            raise RequestIdReused(message, metadata={"request_id": request_id})
        return known.version
    for (sku_id, node_id), row in updated(state.row, updates).items():
        _set_row(state, sku_id, node_id, row, "stock", request_id)
    if request_id:
        state.updates[request_id] = RememberedUpdate(digest, state.version)
    return state.version


def _feed(state: LedgerState, feed_id: str, updates: Sequence[StockUpdate]) -> FeedOutcome:
    """Of each row the feed's updates count in ascending order: one that comes after a later one, or again,
    is told and left out."""
    marks: dict[Mark, int] = {}
    news: list[int] = []
    late_count = duplicate_count = 0
    for i, update in enumerate(updates):
        mark = (feed_id, update.sku_id, update.node_id)
        last = marks.get(mark, state.marks.get(mark, 0))
        if update.sequence > last:
            marks[mark] = update.sequence
            news.append(i)
        elif update.sequence == last:
            duplicate_count += 1
        else:
            late_count += 1
    rows = updated(state.row, [updates[i] for i in news], news)
    for (sku_id, node_id), row in rows.items():
        _set_row(state, sku_id, node_id, row, "stock", feed_id)
    state.marks.update(marks)
    return FeedOutcome(version=state.version, late_count=late_count, duplicate_count=duplicate_count)
