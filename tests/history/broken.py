"""Ledgers that are wrong on purpose, each in one step, with the play that shows it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from bench.history.findings import Law
from router.ledger import (
    Change,
    Hold,
    Reservation,
    ReservationState,
    ReserveOutcome,
    ReserveRequest,
    ResolveCode,
    ResolveOutcome,
    StockRow,
    StockUpdate,
)
from tests.contract.ledger_tools import VirtualClock
from tests.history import plays
from tests.history.stage import Stage
from tests.history.toy import ToyLedger


class LostLock(ToyLedger):
    """Two callers read before either writes."""

    def __init__(self, clock: Callable[[], int]) -> None:
        super().__init__(clock)
        self.lock = nullcontext()
        self.both_have_read = threading.Barrier(2)
        self.writing = threading.Lock()

    def hold(self, request: ReserveRequest) -> ReserveOutcome:
        self.both_have_read.wait(60)
        with self.writing:
            return super().hold(request)


class OffByOne(ToyLedger):
    """Offers the unit after the last."""

    def offered(self, hold: Hold) -> int:
        return super().offered(hold) + 1


class IgnoresSafetyStock(ToyLedger):
    """Offers what is never to be sold."""

    def offered(self, hold: Hold) -> int:
        return super().offered(hold) + self.row(hold).safety_stock


class StaleUnderReserve(ToyLedger):
    """Decides by what it read at the first call."""

    def __init__(self, clock: Callable[[], int]) -> None:
        super().__init__(clock)
        self.cached: dict[str, int] = {}

    def offered(self, hold: Hold) -> int:
        return self.cached.setdefault(hold.sku_id, super().offered(hold))


class NoIdempotency(ToyLedger):
    """A retry is one more order."""

    def remembered(self, request: ReserveRequest) -> tuple[ReserveRequest, str] | None:
        return None


class IgnoresFingerprint(ToyLedger):
    """The same id with other content gets the first one's answer."""

    def decide(self, request: ReserveRequest) -> ReserveOutcome:
        known = self.remembered(request)
        same = request if known is None else replace(request, fingerprint=known[0].fingerprint)
        return super().decide(same)


class AppliesFeedTwice(ToyLedger):
    """A retried update counts again."""

    def update_stock(self, request_id: str, updates: Sequence[StockUpdate]) -> int:
        return super().update_stock("", updates)


class EarlyAcknowledgement(ToyLedger):
    """Answers before it commits; ``crash`` loses what was not."""

    def reserve_many(self, requests: Sequence[ReserveRequest]) -> list[ReserveOutcome]:
        self.committed = copy.deepcopy((self.rows, self.reservations, self.reserves, self.log))
        return super().reserve_many(requests)

    def crash(self) -> None:
        self.rows, self.reservations, self.reserves, self.log = self.committed


class CallersClock(ToyLedger):
    """Goes by the clock of the caller, which is ten seconds late."""

    def __init__(self, clock: Callable[[], int]) -> None:
        super().__init__(lambda: clock() - 10)


class FastClock(ToyLedger):
    """Expires ten seconds early."""

    def expire_due(self) -> int:
        right, self.clock = self.clock, lambda: right() + 10
        try:
            return super().expire_due()
        finally:
            self.clock = right


class ConfirmsTheExpired(ToyLedger):
    """Looks at the state, not at the time, and expires nothing before it does."""

    def confirm(self, reservation_id: str) -> ResolveOutcome:
        return self.resolve_once(reservation_id, ReservationState.CONFIRMED)


class NeverExpires(ToyLedger):
    """Holds for ever."""

    def expire_due(self) -> int:
        return 0


class ForgetsExtension(ToyLedger):
    """Says that it extends."""

    def extend(self, reservation_id: str, ttl_seconds: int) -> ResolveOutcome:
        before = self.reservations[reservation_id]
        outcome = super().extend(reservation_id, ttl_seconds)
        self.reservations[reservation_id] = before
        return outcome


class HoldsInPart(ToyLedger):
    """Keeps what it took before it found a row short."""

    def shortages(self, holds: Sequence[Hold]) -> tuple[Hold, ...]:
        short = super().shortages(holds)
        if short:
            self.take([hold for hold in holds if self.offered(hold) >= hold.quantity])
        return short


class TakesTheFirstRow(ToyLedger):
    """Says that it holds all and reserves units of the first row only."""

    def take(self, holds: Sequence[Hold]) -> None:
        super().take(holds[:1])


class ReusedVersion(ToyLedger):
    """Two rows of one call get one number."""

    def take(self, holds: Sequence[Hold]) -> None:
        super().take(holds)
        self.log[-1] = replace(self.log[-1], version=self.log[-1].version - 1)


class SkippedVersion(ToyLedger):
    """A transaction that failed used up a number."""

    def next_version(self) -> int:
        return super().next_version() + (len(self.log) > 1)


class LostRelease(ToyLedger):
    """Marks the reservation and forgets its units."""

    def give_back(self, hold: Hold, to: ReservationState) -> None:
        if to is not ReservationState.RELEASED:
            super().give_back(hold, to)


class ReleasesTwice(ToyLedger):
    """Gives units back as often as it is asked to."""

    def resolve_once(self, reservation_id: str, to: ReservationState) -> ResolveOutcome:
        outcome = super().resolve_once(reservation_id, to)
        if outcome.code is ResolveCode.ALREADY_RELEASED and outcome.reservation is not None:
            self.resolve(outcome.reservation, ReservationState.RELEASED)
        return outcome


class ConfirmGivesBack(ToyLedger):
    """Sold units are for sale again."""

    def give_back(self, hold: Hold, to: ReservationState) -> None:
        if to is ReservationState.CONFIRMED:
            self.row(hold).on_hand += hold.quantity
        super().give_back(hold, to)


class ConfirmsAndReleases(ToyLedger):
    """Resolves what was resolved before."""

    def resolve_once(self, reservation_id: str, to: ReservationState) -> ResolveOutcome:
        reservation = self.reservations[reservation_id]
        return ResolveOutcome(code=ResolveCode.DONE, reservation=self.resolve(reservation, to))


class SkipsLockedRows(ToyLedger):
    """Takes a row that somebody else looks at for empty."""

    def __init__(self, clock: Callable[[], int]) -> None:
        super().__init__(clock)
        self.locked = True

    def offered(self, hold: Hold) -> int:
        return 0 if self.locked else super().offered(hold)


class ReadsFromReplica(ToyLedger):
    """Stock as it was a write ago."""

    def __init__(self, clock: Callable[[], int]) -> None:
        super().__init__(clock)
        self.replica: tuple[int, list[StockRow]] = (0, [])

    def take(self, holds: Sequence[Hold]) -> None:
        self.replica = super().stock_of(["A", "B"])
        super().take(holds)

    def stock_of(
        self, sku_ids: Sequence[str], node_ids: Sequence[str] | None = None
    ) -> tuple[int, list[StockRow]]:
        late, self.replica = self.replica, super().stock_of(sku_ids, node_ids)
        return late


class LogsLate(ToyLedger):
    """A change of SKU A gets its version when another SKU has one."""

    def __init__(self, clock: Callable[[], int]) -> None:
        super().__init__(clock)
        self.queued: list[tuple[Hold, int, str, int]] = []

    def write(self, hold: Hold, delta: int, cause: str) -> None:
        if hold.sku_id == "A" and cause == "reserve":
            self.queued.append((hold, delta, cause, self.row(hold).available))
            return
        super().write(hold, delta, cause)
        for late, late_delta, late_cause, available in self.queued:
            self.log.append(
                Change(
                    version=self.next_version(),
                    sku_id=late.sku_id,
                    node_id=late.node_id,
                    available=available,
                    delta=late_delta,
                    cause=late_cause,
                )
            )
        self.queued = []


class LosesFeed(ToyLedger):
    """Acknowledges an adjustment and drops it."""

    def feed(self, update: StockUpdate) -> None:
        if not update.relative:
            super().feed(update)


class Forgets(ToyLedger):
    """Does not find what it holds."""

    def find(self, reservation_id: str) -> Reservation | None:
        found = super().find(reservation_id)
        return None if found is not None and found.state is ReservationState.HELD else found


@dataclass(frozen=True)
class Fault:
    """A broken ledger, the play that shows it, and the law that it breaks."""

    make: Callable[[VirtualClock], ToyLedger]
    play: Callable[[Stage], None]
    law: Law


FAULTS: dict[str, Fault] = {
    "lost lock": Fault(LostLock, plays.two_at_once, Law.OVERSELL),
    "off by one": Fault(OffByOne, plays.one_too_many, Law.OVERSELL),
    "ignores safety stock": Fault(IgnoresSafetyStock, plays.one_too_many, Law.OVERSELL),
    "stale read under reserve": Fault(StaleUnderReserve, plays.one_too_many, Law.OVERSELL),
    "no idempotency": Fault(NoIdempotency, plays.retried, Law.ONE_EFFECT),
    "ignores the fingerprint": Fault(IgnoresFingerprint, plays.id_with_other_content, Law.ONE_EFFECT),
    "applies a feed twice": Fault(AppliesFeedTwice, plays.feed_retried, Law.ONE_EFFECT),
    "early acknowledgement": Fault(EarlyAcknowledgement, plays.crashed, Law.DURABLE),
    "the caller's clock": Fault(CallersClock, plays.confirmed_too_late, Law.EXPIRY),
    "expires early": Fault(FastClock, plays.looked_at_just_before, Law.EXPIRY),
    "confirm after expiry": Fault(ConfirmsTheExpired, plays.confirmed_too_late, Law.EXPIRY),
    "never expires": Fault(NeverExpires, plays.abandoned, Law.EXPIRY),
    "forgets an extension": Fault(ForgetsExtension, plays.extended, Law.DURABLE),
    "holds in part": Fault(HoldsInPart, plays.second_row_short, Law.ALL_OR_NOTHING),
    "takes the first row": Fault(TakesTheFirstRow, plays.two_rows, Law.ALL_OR_NOTHING),
    "reused version": Fault(ReusedVersion, plays.two_rows, Law.VERSIONS),
    "skipped version": Fault(SkippedVersion, plays.two_rows, Law.VERSIONS),
    "lost release": Fault(LostRelease, plays.released_twice, Law.CONSERVATION),
    "double release": Fault(ReleasesTwice, plays.released_twice, Law.ONE_EFFECT),
    "confirm gives back": Fault(ConfirmGivesBack, plays.confirmed_then_released, Law.CONSERVATION),
    "resolved twice": Fault(ConfirmsAndReleases, plays.confirmed_then_released, Law.ONE_EFFECT),
    "skips locked rows": Fault(SkipsLockedRows, plays.sold_out_for_a_moment, Law.SOLD_OUT),
    "reads from a replica": Fault(ReadsFromReplica, plays.read_after_write, Law.SERIAL),
    "logs late": Fault(LogsLate, plays.two_in_a_row, Law.SERIAL),
    "loses a feed": Fault(LosesFeed, plays.adjusted_and_read, Law.CONSERVATION),
    "forgets": Fault(Forgets, plays.found_again, Law.DURABLE),
}
