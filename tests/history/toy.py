"""A ledger small enough to be right by reading it, made of steps that ``broken`` gets wrong one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from router.errors import RequestIdReused
from router.ledger import (
    Change,
    Hold,
    Reservation,
    ReservationState,
    ReserveCode,
    ReserveOutcome,
    ReserveRequest,
    ResolveCode,
    ResolveOutcome,
    StockRow,
    StockUpdate,
)

Key = tuple[str, str]
CAUSES = {
    ReservationState.CONFIRMED: "confirm",
    ReservationState.RELEASED: "release",
    ReservationState.EXPIRED: "expire",
}
ALREADY = {
    ReservationState.CONFIRMED: ResolveCode.ALREADY_CONFIRMED,
    ReservationState.RELEASED: ResolveCode.ALREADY_RELEASED,
    ReservationState.EXPIRED: ResolveCode.ALREADY_EXPIRED,
}


@dataclass
class ToyRow:
    on_hand: int = 0
    reserved: int = 0
    safety_stock: int = 0

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved - self.safety_stock


class ToyLedger:
    """The port but for ``load`` and ``columns``, with stock of nodes only."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        self.lock: AbstractContextManager[object] = threading.RLock()
        self.rows: dict[Key, ToyRow] = {}
        self.reservations: dict[str, Reservation] = {}
        self.reserves: dict[str, tuple[ReserveRequest, str]] = {}
        self.updates: dict[str, tuple[Sequence[StockUpdate], int]] = {}
        self.log: list[Change] = []

    def reserve(self, request: ReserveRequest) -> ReserveOutcome:
        return self.reserve_many([request])[0]

    def reserve_many(self, requests: Sequence[ReserveRequest]) -> list[ReserveOutcome]:
        with self.lock:
            self.expire_due()
            return [self.decide(request) for request in requests]

    def decide(self, request: ReserveRequest) -> ReserveOutcome:
        known = self.remembered(request)
        if known is not None:
            first, reservation_id = known
            if first.fingerprint != request.fingerprint:
                return ReserveOutcome(code=ReserveCode.ID_REUSED)
            made = replace(self.reservations[reservation_id], state=ReservationState.HELD)
            return ReserveOutcome(
                code=ReserveCode.HELD, reservation=made, replayed=True, payload=first.payload
            )
        shortages = self.shortages(request.holds)
        if shortages:
            return ReserveOutcome(code=ReserveCode.SOLD_OUT, shortages=shortages)
        return self.hold(request)

    def remembered(self, request: ReserveRequest) -> tuple[ReserveRequest, str] | None:
        return self.reserves.get(request.request_id)

    def shortages(self, holds: Sequence[Hold]) -> tuple[Hold, ...]:
        """A row is named once in the holds of these tests."""
        return tuple(
            replace(hold, quantity=max(0, self.offered(hold)))
            for hold in holds
            if self.offered(hold) < hold.quantity
        )

    def offered(self, hold: Hold) -> int:
        return self.row(hold).available

    def row(self, hold: Hold) -> ToyRow:
        return self.rows.setdefault((hold.sku_id, hold.node_id), ToyRow())

    def hold(self, request: ReserveRequest) -> ReserveOutcome:
        now = self.clock()
        reservation = Reservation(
            reservation_id=f"r-{len(self.reservations) + 1:012d}",
            order_id=request.order_id,
            state=ReservationState.HELD,
            holds=request.holds,
            created_at_seconds=now,
            expires_at_seconds=now + request.ttl_seconds,
        )
        self.reservations[reservation.reservation_id] = reservation
        if request.request_id:
            self.reserves[request.request_id] = request, reservation.reservation_id
        self.take(request.holds)
        return ReserveOutcome(code=ReserveCode.HELD, reservation=reservation, payload=request.payload)

    def take(self, holds: Sequence[Hold]) -> None:
        for hold in holds:
            self.row(hold).reserved += hold.quantity
            self.write(hold, -hold.quantity, "reserve")

    def write(self, hold: Hold, delta: int, cause: str) -> None:
        """After the row was changed."""
        if delta:
            change = Change(
                version=self.next_version(),
                sku_id=hold.sku_id,
                node_id=hold.node_id,
                available=self.row(hold).available,
                delta=delta,
                cause=cause,
            )
            self.log.append(change)

    def next_version(self) -> int:
        return len(self.log) + 1

    def confirm(self, reservation_id: str) -> ResolveOutcome:
        with self.lock:
            self.expire_due()
            return self.resolve_once(reservation_id, ReservationState.CONFIRMED)

    def release(self, reservation_id: str) -> ResolveOutcome:
        with self.lock:
            self.expire_due()
            return self.resolve_once(reservation_id, ReservationState.RELEASED)

    def extend(self, reservation_id: str, ttl_seconds: int) -> ResolveOutcome:
        with self.lock:
            self.expire_due()
            reservation = self.reservations.get(reservation_id)
            if reservation is None:
                return ResolveOutcome(code=ResolveCode.NOT_FOUND)
            if reservation.state is not ReservationState.HELD:
                return ResolveOutcome(code=ALREADY[reservation.state], reservation=reservation)
            until = max(reservation.expires_at_seconds, self.clock() + ttl_seconds)
            longer = replace(reservation, expires_at_seconds=until)
            self.reservations[reservation_id] = longer
            return ResolveOutcome(code=ResolveCode.DONE, reservation=longer)

    def resolve_once(self, reservation_id: str, to: ReservationState) -> ResolveOutcome:
        reservation = self.reservations.get(reservation_id)
        if reservation is None:
            return ResolveOutcome(code=ResolveCode.NOT_FOUND)
        if reservation.state is not ReservationState.HELD:
            return ResolveOutcome(code=ALREADY[reservation.state], reservation=reservation)
        return ResolveOutcome(code=ResolveCode.DONE, reservation=self.resolve(reservation, to))

    def resolve(self, reservation: Reservation, to: ReservationState) -> Reservation:
        for hold in reservation.holds:
            self.give_back(hold, to)
        resolved = replace(reservation, state=to)
        self.reservations[reservation.reservation_id] = resolved
        return resolved

    def give_back(self, hold: Hold, to: ReservationState) -> None:
        row = self.row(hold)
        leaving = min(hold.quantity, row.on_hand) if to is ReservationState.CONFIRMED else 0
        row.reserved -= hold.quantity
        row.on_hand -= leaving
        self.write(hold, hold.quantity - leaving, CAUSES[to])

    def expire(self) -> int:
        with self.lock:
            return self.expire_due()

    def expire_due(self) -> int:
        now = self.clock()
        due = [
            reservation
            for reservation in self.reservations.values()
            if reservation.state is ReservationState.HELD and reservation.expires_at_seconds <= now
        ]
        for reservation in sorted(due, key=lambda one: (one.expires_at_seconds, one.reservation_id)):
            self.resolve(reservation, ReservationState.EXPIRED)
        return len(due)

    def update_stock(self, request_id: str, updates: Sequence[StockUpdate]) -> int:
        with self.lock:
            self.expire_due()
            known = self.updates.get(request_id)
            if known is not None:
                if known[0] != updates:
                    raise RequestIdReused(request_id)
                return known[1]
            for update in updates:
                self.feed(update)
            if request_id:
                self.updates[request_id] = updates, len(self.log)
            return len(self.log)

    def feed(self, update: StockUpdate) -> None:
        at = Hold(sku_id=update.sku_id, node_id=update.node_id, quantity=0)
        row = self.row(at)
        before = row.available
        row.on_hand = update.on_hand + (row.on_hand if update.relative else 0)
        if update.safety_stock is not None:
            row.safety_stock = update.safety_stock
        self.write(at, row.available - before, "stock")

    def find(self, reservation_id: str) -> Reservation | None:
        with self.lock:
            self.expire_due()
            return self.reservations.get(reservation_id)

    def stock(self, sku_id: str, node_ids: Sequence[str] | None = None) -> list[StockRow]:
        return self.stock_of([sku_id], node_ids)[1]

    def stock_of(
        self, sku_ids: Sequence[str], node_ids: Sequence[str] | None = None
    ) -> tuple[int, list[StockRow]]:
        with self.lock:
            self.expire_due()
            rows = [
                StockRow(
                    sku_id=key[0],
                    node_id=key[1],
                    on_hand=row.on_hand,
                    reserved=row.reserved,
                    safety_stock=row.safety_stock,
                )
                for sku_id in sku_ids
                for key, row in sorted(self.rows.items())
                if key[0] == sku_id and (node_ids is None or key[1] in node_ids)
            ]
            return len(self.log), rows

    def version(self) -> int:
        with self.lock:
            self.expire_due()
            return len(self.log)

    def changes(self, since: int, limit: int = 100_000) -> list[Change]:
        with self.lock:
            self.expire_due()
            return self.log[since : since + limit]

    def close(self) -> None:
        """Nothing to close."""
