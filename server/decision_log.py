"""Recent decisions, remembered by what they were made from, so that each can be made again and explained."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from router.compile import Compiled
from router.domain import Decision, Plan
from router.errors import NotFound
from router.ledger import Change, Ledger
from router.rules.model import RuleSet
from router.snapshot import Snapshot
from server.convert_decision import plan_to_proto
from server.snapshot_rows import RowUnits, add_to_rows
from server.status import CannotExplain

CAPACITY = 20_000
"""Decisions remembered; the oldest are forgotten first."""
MAX_CHANGES = 1_000_000
"""Most changes of stock that are undone for one explanation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What a decision was made from. order_bytes: the order's wire message. plan_hash: tells, within this
    process, whether the same plan came out again. taken: units of rows that earlier orders of the same call
    took: gone for the decision, not yet so for the ledger."""

    decision_id: str
    order_bytes: bytes
    now_seconds: int
    stock_version: int
    rules: RuleSet
    compiled: Compiled
    plan_hash: int
    taken: tuple[RowUnits, ...] = ()

    def recall(self) -> Remembered:
        return self


class Entry(Protocol):
    """One decision, in whatever form it is cheap to keep."""

    @property
    def decision_id(self) -> str: ...

    def recall(self) -> Remembered:
        """What it was made from."""
        ...


class Quotes(Protocol):
    """Many decisions that were made together."""

    def __len__(self) -> int: ...

    def find(self, decision_id: str) -> Remembered | None:
        """What a decision was made from; None when it is not one of these."""
        ...


class DecisionLog:
    """Decision ids and what the decisions were made from; safe to use from several threads. Holds up to
    ``capacity`` decisions made one by one, and as many made together."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._quotes: deque[Quotes] = deque()
        self._quote_count = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries) + self._quote_count

    def remember(self, entry: Entry) -> None:
        """Forgets the decision made longest ago when there is no room left."""
        with self._lock:
            self._entries[entry.decision_id] = entry
            self._entries.move_to_end(entry.decision_id)  # it may have been made before
            if len(self._entries) > self._capacity:
                self._entries.popitem(last=False)

    def remember_quotes(self, quotes: Quotes) -> None:
        """Forgets the oldest when there is no room left, always those of a whole call."""
        with self._lock:
            self._quotes.append(quotes)
            self._quote_count += len(quotes)
            while self._quote_count > self._capacity and len(self._quotes) > 1:
                self._quote_count -= len(self._quotes.popleft())

    def get(self, decision_id: str) -> Remembered:
        """Raises NotFound."""
        kept = self._entries.get(decision_id)
        entry = kept.recall() if kept is not None else None
        if entry is None:
            with self._lock:
                recent = [*reversed(self._quotes)]
            entry = next(filter(None, (quotes.find(decision_id) for quotes in recent)), None)
        if entry is None:
            message = f"decision {decision_id!r} is not, or no longer, remembered"
            raise NotFound(message, metadata={"decision_id": decision_id})
        return entry


def plan_hash(plan: Plan) -> int:
    """``Remembered.plan_hash`` of a plan."""
    return hash_of_bytes(plan_to_proto(plan).SerializeToString() if plan.shipments else b"")


def hash_of_bytes(plan_bytes: bytes) -> int:
    """``Remembered.plan_hash`` of a plan as it is sent."""
    return hash(plan_bytes)


def named_after(decision: Decision, taken: Iterable[RowUnits]) -> Decision:
    """The decision with an id that stands for what earlier orders of its call took, too: the engine's id is
    that of the stock without it. The same when nothing was taken."""
    rows = sorted(tuple(row) for row in taken)
    if not rows:
        return decision
    digest = hashlib.sha256(f"{decision.decision_id} {rows}".encode()).hexdigest()
    return replace(decision, decision_id=digest[: len(decision.decision_id)])


def as_it_was(entry: Remembered, private: Snapshot, ledger: Ledger) -> Snapshot:
    """``private`` (a ``private_copy`` for the order's SKUs) turned back to the stock, the receipts, the nodes
    and the rules that the decision saw. Raises CannotExplain when the ledger's log no longer reaches back so
    far.

    A row that came into being since then stays, without a unit: nothing can be taken from it.
    """
    changes = _changes_between(ledger, entry.stock_version, private.stock.version)
    add_to_rows(private, (RowUnits(c.sku_id, c.node_id, -c.delta) for c in changes))
    add_to_rows(private, (row._replace(units=-row.units) for row in entry.taken))
    private.stock.advance(entry.stock_version)
    return replace(private, rules=entry.rules, compiled=entry.compiled)


def private_copy(snapshot: Snapshot, sku_ids: list[str]) -> Snapshot:
    """The same world with stock, receipts and states of nodes of its own, of stock and receipts only those of
    some SKUs; unknown ones are left out."""
    rows = snapshot.catalogue.ids.find_many(sku_ids)
    known = np.unique(rows[rows >= 0])
    copied = snapshot.with_stock(snapshot.stock.only(known), snapshot.receipts.only(known.tolist()))
    return replace(copied, states=snapshot.states.copy())


def _changes_between(ledger: Ledger, after: int, up_to: int) -> Iterator[Change]:
    if up_to - after > MAX_CHANGES:
        count = up_to - after
        message = f"the stock has changed {count} times since the decision, too often to be undone"
        raise CannotExplain(message, metadata={"change_count": str(count)})
    version = after
    while version < up_to:
        changes = ledger.changes(version, min(100_000, up_to - version))
        if not changes or changes[0].version != version + 1:
            raise CannotExplain("the ledger's log of changes no longer reaches back to the decision")
        yield from changes
        version = changes[-1].version
