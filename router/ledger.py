"""The ledger port: who holds what. Verbs of the domain, plain values in and out.

The ledger is the truth about stock; snapshots follow it. Adapters make ``router.ledger_state`` durable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class ReservationState(IntEnum):
    """HELD is resolved exactly once."""

    HELD = 1
    CONFIRMED = 2
    RELEASED = 3
    EXPIRED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """``quantity`` units of one SKU at one node. ``node_id``, here and in every row, may be the place of a
    receipt (``router.ledger_places``): then the units are expected."""

    sku_id: str
    node_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayHold:
    """Load that a reservation puts on a node's day: ``hold``, of a row about nodes (``router.node_rows``).

    capacity: what the day has if nobody took anything of it before. waiting: units of it that earlier load
    will need; only what is left beyond them can be held.
    """

    hold: Hold
    capacity: int
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is not on hand of a row after all: ``gone_units`` of it, to zero at least; None: all that nobody
    holds."""

    sku_id: str
    node_id: str
    gone_units: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What is to be held where what comes before it is not there; ``payload`` then takes the place of the
    request's."""

    holds: tuple[Hold, ...]
    days: tuple[DayHold, ...] = ()
    payload: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveRequest:
    """All holds and all days or none; then, in order, all or none of each of the ``fallbacks``.
    ``request_id`` makes a retry return the first outcome; ``fingerprint`` is the content the id stands for:
    the same id with another fingerprint is refused.

    replaces: id of a reservation that is released in the same step, after which stock is corrected. What both
    hold stays held in between, even where less is on hand than is reserved. The new one may then hold
    nothing: it is RELEASED from the beginning.
    """

    request_id: str
    fingerprint: str
    order_id: str
    holds: tuple[Hold, ...]
    ttl_seconds: int
    days: tuple[DayHold, ...] = ()
    payload: bytes = b""
    """Opaque; stored with the outcome and returned with every retry (the encoded decision)."""
    replaces: str = ""
    corrections: tuple[Correction, ...] = ()
    fallbacks: tuple[Fallback, ...] = ()

    @property
    def choices(self) -> tuple[Fallback, ...]:
        """Its own holds, then the fallbacks."""
        return (Fallback(holds=self.holds, days=self.days, payload=self.payload), *self.fallbacks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A hold on stock, and on days of nodes: ``holds`` has these last. Times are epoch seconds of the
    ledger's clock; ``expires_at_seconds`` counts only while HELD."""

    reservation_id: str
    order_id: str
    state: ReservationState
    holds: tuple[Hold, ...]
    created_at_seconds: int
    expires_at_seconds: int


class ReserveCode(IntEnum):
    """How a reserve ended. NOT_HELD: the reservation that was to be replaced was resolved before
    (``reservation``), or never was (None)."""

    HELD = 1
    SOLD_OUT = 2
    ID_REUSED = 3
    NOT_HELD = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveOutcome:
    """``shortages`` (SOLD_OUT only) tells what is still available for each hold that failed, of the request's
    own ones.
    ``replayed``: the request_id was known, the outcome is the first one's (its payload too).
    A SOLD_OUT outcome is *not* remembered: the same id may try again with another plan."""

    code: ReserveCode
    reservation: Reservation | None = None
    shortages: tuple[Hold, ...] = ()
    replayed: bool = False
    payload: bytes = b""


class ResolveCode(IntEnum):
    """How a confirm or release ended. ALREADY_* names the state it was resolved to before."""

    DONE = 1
    NOT_FOUND = 2
    ALREADY_CONFIRMED = 3
    ALREADY_RELEASED = 4
    ALREADY_EXPIRED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveOutcome:
    """``reservation`` is its state after the call (None for NOT_FOUND)."""

    code: ResolveCode
    reservation: Reservation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StockUpdate:
    """Set (absolute) or adjust (relative) the units on hand of one row, or of a receipt the units that are
    expected. ``safety_stock`` None keeps the row's figure; a row that is new takes ``new_row_safety_stock``.
    Receipts have none: there the latter is for a row of the node that comes into being by what no longer is
    covered."""

    sku_id: str
    node_id: str
    on_hand: int
    relative: bool = False
    safety_stock: int | None = None
    new_row_safety_stock: int = 0
    sequence: int = 0
    """Of a feed: counts up from 1 for each row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOutcome:
    """How updates of a feed ended. version: of the stock after. late_count, duplicate_count: those that were
    left out because the feed had brought a later one of the row, or the same."""

    version: int
    late_count: int = 0
    duplicate_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRow:
    """One row as the ledger has it; ``available`` may be negative."""

    sku_id: str
    node_id: str
    on_hand: int
    reserved: int
    safety_stock: int

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved - self.safety_stock


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An entry of the delta log: after ``version`` the row has ``available`` units (it had
    ``available - delta``). reference: on whose behalf, a reservation, a stock request or a feed."""

    version: int
    sku_id: str
    node_id: str
    available: int
    delta: int
    cause: str
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockColumns:
    """All stock at ``version``: row r is ``available[r]`` (int32) units of ``sku_ids[sku_ix[r]]`` at
    ``node_ids[node_ix[r]]`` (both int32)."""

    version: int
    sku_ids: list[str]
    node_ids: list[str]
    sku_ix: NDArray[np.int32]
    node_ix: NDArray[np.int32]
    available: NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLoad:
    """R rows that are to be the whole stock, ascending by (sku_ix, node_ix), no pair twice.

    | column | dtype, shape | meaning |
    |---|---|---|
    | sku_ix | int32[R] | position in ``sku_ids`` |
    | node_ix | int32[R] | position in ``node_ids`` |
    | on_hand | int32[R] | units in the building, 0..10^9 |
    | safety_stock | int32[R] | units never offered, 0..10^9 |

    Ids that no row refers to are left out of the ledger.
    """

    sku_ids: Sequence[str]
    node_ids: Sequence[str]
    sku_ix: NDArray[np.int32]
    node_ix: NDArray[np.int32]
    on_hand: NDArray[np.int32]
    safety_stock: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.sku_ix)


LoadProgress = Callable[[int, int], None]
"""Told how many rows are written, and of how many. What it raises undoes the load."""


def unheard(done_count: int, row_count: int) -> None:
    """The progress that nobody looks at."""


class Ledger(Protocol):
    """Every method is atomic, durable when it returns, and safe to call from several threads.

    Versions count changed rows: each Change has the next integer, none is missing.
    Expiry is by the ledger's own clock, and happens before any other effect of a call.
    """

    def reserve(self, request: ReserveRequest) -> ReserveOutcome:
        """Hold all of ``request.holds`` and ``request.days``, or none. Quantities of equal rows add up."""
        ...

    def reserve_many(self, requests: Sequence[ReserveRequest]) -> list[ReserveOutcome]:
        """Each decided on its own and in order, all in one transaction (group commit)."""
        ...

    def confirm(self, reservation_id: str, part: Sequence[Hold] = ()) -> ResolveOutcome:
        """HELD -> CONFIRMED: the units leave on_hand for good; of a node's day they stay taken.

        part: only these; the others are free again, and so are the days of nodes that keep none. The
        reservation then has what was confirmed. Raises InvalidInput naming ``part[i]`` that is not held.
        """
        ...

    def release(self, reservation_id: str) -> ResolveOutcome:
        """HELD -> RELEASED: the units are free again."""
        ...

    def extend(self, reservation_id: str, ttl_seconds: int) -> ResolveOutcome:
        """Keep a HELD reservation for ``ttl_seconds`` from now on, or as before if that is longer. Raises
        InvalidInput for a time that nothing may be held for."""
        ...

    def find(self, reservation_id: str) -> Reservation | None: ...

    def expire(self) -> int:
        """Resolve every HELD reservation whose time is over; how many."""
        ...

    def update_stock(self, request_id: str, updates: Sequence[StockUpdate]) -> int:
        """All updates or none; returns the version after. An empty ``request_id`` is never a retry.

        On hand may be set below what is reserved (the feed knows best): the row is then short, its
        ``available`` negative, and nothing more is held there. A receipt is never short: what it does not
        cover any more is reserved at its node from then on. Raises InvalidInput when on_hand would
        fall below zero, naming ``updates[i].on_hand``; RequestIdReused.
        """
        ...

    def feed(self, feed_id: str, updates: Sequence[StockUpdate]) -> FeedOutcome:
        """As ``update_stock`` for the updates that are news: of each row those whose ``sequence`` is greater
        than all that the feed has brought of it before. The rest is counted and left out, so that a feed may
        be sent again. Raises InvalidInput as ``update_stock``, then nothing of the call counts as brought."""
        ...

    def load(self, rows: StockLoad, progress: LoadProgress = unheard) -> int:
        """Fills a ledger that has no stock row yet, all rows or none; returns the version after.

        Does what ``update_stock("", ...)`` with the same rows in the same order does, log and versions
        included, in a fraction of the time and, in a durable ledger, with memory for a part of the rows only.
        Raises InvalidInput, naming ``on_hand[row]`` and the like for what is wrong with the rows, or with the
        reason LEDGER_NOT_EMPTY.
        """
        ...

    def stock(self, sku_id: str, node_ids: Sequence[str] | None = None) -> list[StockRow]:
        """The rows of one SKU, by node id; its receipts follow a node's own row. ``node_ids``: only of these
        nodes and their receipts."""
        ...

    def stock_of(
        self, sku_ids: Sequence[str], node_ids: Sequence[str] | None = None
    ) -> tuple[int, list[StockRow]]:
        """The version, and the rows of some SKUs at that version: in the order asked, then as ``stock``."""
        ...

    def columns(self) -> StockColumns:
        """All rows at one version, for a snapshot."""
        ...

    def ledger_id(self) -> str:
        """Which ledger this is: another one has another, wherever it lies."""
        ...

    def version(self) -> int: ...

    def changes(self, since: int, limit: int = 100_000) -> list[Change]:
        """Delta log entries with version > since, ascending."""
        ...

    def close(self) -> None: ...
