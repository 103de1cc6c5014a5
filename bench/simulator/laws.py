"""What must hold after every step, looked up in the state on disk. Shares no code with the ledger."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from router.ledger import ReservationState
from router.ledger_state import LedgerState

Row = tuple[str, str]


class BrokenLaw(Exception):
    """law: its name. Tells what is wrong in the state as it is now."""

    def __init__(self, law: str, found: str) -> None:
        super().__init__(f"{law}: {found}")
        self.law = law


@dataclass(slots=True)
class Laws:
    """What was seen so far. on_hand: by row, what feeds brought and confirmed orders took. promised: the
    reservation of each request_id, ended: the state of each reservation, as callers were told."""

    on_hand: Counter[Row]
    promised: dict[str, str] = field(default_factory=dict)
    ended: dict[str, ReservationState] = field(default_factory=dict)
    _version: int = 0
    _confirmed: set[str] = field(default_factory=set)

    def told_reserved(self, request_id: str, reservation_id: str) -> None:
        """Somebody got this answer."""
        before = self.promised.setdefault(request_id, reservation_id)
        if before != reservation_id:
            raise BrokenLaw("one id, one effect", f"{request_id} is {before} and {reservation_id}")

    def told_ended(self, reservation_id: str, state: ReservationState) -> None:
        """Somebody got this answer."""
        before = self.ended.setdefault(reservation_id, state)
        if before is not state:
            raise BrokenLaw("resolved once", f"{reservation_id} is {before.name} and {state.name}")

    def check(self, state: LedgerState, now_seconds: int) -> None:
        """Raises BrokenLaw."""
        self._check_log(state)
        self._check_rows(state)
        self._check_promises(state, now_seconds)

    def _check_log(self, state: LedgerState) -> None:
        if [change.version for change in state.log] != list(range(1, state.version + 1)):
            raise BrokenLaw("versions without gaps", f"{len(state.log)} changes up to {state.version}")
        if state.version < self._version:
            raise BrokenLaw("durable", f"version {self._version} was there, now it is {state.version}")
        self._version = state.version

    def _check_rows(self, state: LedgerState) -> None:
        held: Counter[Row] = Counter()
        orders: set[str] = set()
        for reservation in state.reservations.values():
            if reservation.order_id in orders:
                raise BrokenLaw("one id, one effect", f"{reservation.order_id} is held twice")
            orders.add(reservation.order_id)
            if reservation.state is ReservationState.HELD:
                for hold in reservation.holds:
                    held[hold.sku_id, hold.node_id] += hold.quantity
            elif (
                reservation.state is ReservationState.CONFIRMED
                and reservation.reservation_id not in self._confirmed
            ):
                self._confirmed.add(reservation.reservation_id)
                for hold in reservation.holds:
                    self.on_hand[hold.sku_id, hold.node_id] -= hold.quantity
        for sku_id, rows in state.rows.items():
            for node_id, row in rows.items():
                key = sku_id, node_id
                if row.reserved != held[key]:
                    raise BrokenLaw("reserved is what is held", f"{key}: {row.reserved}, held {held[key]}")
                if row.reserved > row.on_hand:
                    raise BrokenLaw("never sold twice", f"{key}: {row.reserved} of {row.on_hand} units")
                if row.on_hand != self.on_hand[key]:
                    found = f"{key}: {row.on_hand} on hand, {self.on_hand[key]} by feeds and sales"
                    raise BrokenLaw("nothing is lost", found)

    def _check_promises(self, state: LedgerState, now_seconds: int) -> None:
        for request_id, reservation_id in self.promised.items():
            if reservation_id not in state.reservations:
                raise BrokenLaw("durable", f"{request_id} was answered with {reservation_id}, which is gone")
        for reservation_id, ended in self.ended.items():
            found = state.reservations[reservation_id].state
            if found is not ended:
                raise BrokenLaw("resolved once", f"{reservation_id} was {ended.name}, is {found.name}")
