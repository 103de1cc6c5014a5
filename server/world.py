"""The running state: a ledger, the snapshot that follows it, and the rules in force."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from router.domain import DeliveryMethod, Order
from router.errors import StaleSnapshot
from router.ledger import Change, Hold, Ledger, ReserveRequest
from router.ledger_rows import MAX_UNITS
from router.rules.model import RuleSet
from router.snapshot import Snapshot
from router.solver.limits import SearchLimits
from router.stock import Stock
from server.admission import is_hasty
from server.decision_log import DecisionLog
from server.snapshot_rows import RowUnits, set_rows

T = TypeVar("T")
EXPIRED = "expire"
"""Cause of the changes that a hold makes whose time is over."""
Clock = Callable[[], int]
"""Epoch seconds now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the services need to know of the config.

    hold_seconds: how long stock is held when the caller does not say, and nobody has reserved to collect;
    collect_hold_seconds: when somebody has. reserve_attempts: how often an order is
    decided because its stock was taken in between. search: limits of the solver. max_stale_seconds: how old
    the snapshot may be that orders are decided from, where somebody keeps it fresh.
    """

    hold_seconds: int
    collect_hold_seconds: int
    reserve_attempts: int
    max_orders_per_call: int
    search: SearchLimits
    max_stale_seconds: float = math.inf

    def hold_of(self, order: Order) -> int:
        """Seconds for which an order's stock is held when the caller does not say."""
        collects = any(d.method is DeliveryMethod.RESERVE_AND_COLLECT for d in order.deliveries)
        return self.collect_hold_seconds if collects else self.hold_seconds


class World:
    """One writer at a time follows the ledger; readers never wait.

    Every call that changes the ledger is followed by ``follow``, so that whoever gets an answer also
    finds it in the next decision.
    """

    def __init__(self, snapshot: Snapshot, ledger: Ledger, clock: Clock, settings: Settings) -> None:
        self.ledger = ledger
        self.settings = settings
        self.decisions = DecisionLog()
        self._snapshot = snapshot
        self._clock = clock
        self._writer = threading.Lock()
        self._followed_at = time.monotonic()
        self.expired_count = 0
        """Reservations whose time was over, whichever process ended them."""
        self.is_kept_fresh = False
        """Does somebody follow the ledger all the time?"""
        self._writes = 0
        """Odd while rows are being written."""

    @property
    def snapshot(self) -> Snapshot:
        """What decisions are made from, as of now."""
        return self._snapshot

    @property
    def search(self) -> SearchLimits:
        """For the call that this thread works on."""
        limits = self.settings.search.brief() if is_hasty() else self.settings.search
        return limits.from_now(time.monotonic)

    def now_seconds(self) -> int:
        """Epoch seconds by the same clock as the ledger's."""
        return self._clock()

    def read(self, ask: Callable[[Snapshot], T]) -> T:
        """``ask`` of the snapshot; once more when rows changed meanwhile, so that the stock version of the
        answer nearly always is the stock it was made from."""
        before = self._writes
        answer = ask(self._snapshot)
        return answer if self._writes == before and before % 2 == 0 else ask(self._snapshot)

    def stale_seconds(self) -> float:
        """Since when the snapshot may have missed a change that others made."""
        return time.monotonic() - self._followed_at

    def check_fresh(self) -> None:
        """Raises StaleSnapshot where decisions would be made from what was long ago."""
        if self.is_kept_fresh and self.stale_seconds() > self.settings.max_stale_seconds:
            raise StaleSnapshot(self.stale_seconds())

    def follow(self) -> int:
        """Takes over every change of the ledger since the last time; how many."""
        count = 0
        with self._writer:
            asked_at = time.monotonic()
            while changes := self.ledger.changes(self._snapshot.stock.version):
                self._writes += 1
                try:
                    self._apply(changes)
                finally:
                    self._writes += 1
                count += len(changes)
                asked_at = time.monotonic()
            self._followed_at = asked_at
        return count

    def _apply(self, changes: Sequence[Change]) -> None:
        snapshot, stock = self._snapshot, self._snapshot.stock
        new = set_rows(snapshot, [RowUnits(c.sku_id, c.node_id, c.available) for c in changes])
        if new:
            stock = _with_new_rows(stock, new)
        stock.advance(changes[-1].version)
        self.expired_count += len({c.reference for c in changes if c.cause == EXPIRED})
        if stock is not snapshot.stock:
            self._snapshot = snapshot.with_stock(stock)

    def expire(self) -> int:
        """Ends the holds whose time is over; how many."""
        count = self.ledger.expire()
        self.follow()
        return count

    def use_rules(self, rules: RuleSet) -> None:
        """Decisions from now on are made by other rules. They must be known to fit the network."""
        compiled = self._snapshot.with_rules(rules).compiled
        with self._writer:
            self._snapshot = replace(self._snapshot, rules=rules, compiled=compiled)


def probe(request_id: str, fingerprint: str) -> ReserveRequest:
    """A request that finds an earlier outcome and can never hold anything: it asks for more units than a row
    can have, and what is sold out is not remembered."""
    too_many = Hold(sku_id="?", node_id="?", quantity=2 * MAX_UNITS)
    return ReserveRequest(
        request_id=request_id, fingerprint=fingerprint, order_id="?", holds=(too_many,), ttl_seconds=1
    )


def _with_new_rows(stock: Stock, new: dict[tuple[int, int], int]) -> Stock:
    pairs = np.array(list(new), np.int32)
    return stock.with_rows(pairs[:, 0], pairs[:, 1], np.array(list(new.values()), np.int32))
