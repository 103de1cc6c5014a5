"""A ledger on a simulated database: the real state machine, whose commits fail as databases do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from random import Random
from typing import Any

from router.errors import LedgerUnusable, SourcierError
from router.ledger import Change, LoadProgress, Reservation, StockColumns, StockLoad, StockRow, unheard
from router.ledger_commands import Command, Expire
from router.ledger_state import LedgerState, apply
from server.ledger.memory import MemoryLedger
from server.ledger.verbs import Verbs
from server.ledger.working_set import Answer


@dataclass(slots=True)
class Faults:
    """How often, of 1: a call finds no database; a commit is lost before it is made; the connection is lost
    after it was. All 0 in the liveness phase."""

    unreachable: float = 0.0
    lost_before: float = 0.0
    lost_after: float = 0.0


@dataclass(slots=True)
class Database:
    """What is on disk, and the clock that all replicas share."""

    random: Random
    faults: Faults
    now_seconds: int
    state: LedgerState = field(default_factory=LedgerState)
    commit_count: int = 0

    def clock(self) -> int:
        return self.now_seconds

    def run(self, command: Command) -> Answer:
        """All of it or nothing. Raises LedgerUnusable; what happened then nobody knows."""
        if self.random.random() < self.faults.unreachable:
            raise LedgerUnusable("the database cannot be reached")
        working = _copied(self.state)
        answer: Answer
        try:
            answer = apply(working, command, self.now_seconds).outcome  # type: ignore[type-var]
        except SourcierError as mistake:
            answer = mistake
        if self.random.random() < self.faults.lost_before:
            raise LedgerUnusable("the database went away before the commit")
        self.state = working
        self.commit_count += 1
        if self.random.random() < self.faults.lost_after:
            raise LedgerUnusable("the connection was lost while the commit was under way")
        return answer


def _copied(state: LedgerState) -> LedgerState:
    """One that can be changed: rows, reservations and changes are values."""
    made = copy(state)
    made.rows = {sku_id: dict(rows) for sku_id, rows in state.rows.items()}
    for name in ("reservations", "reserves", "updates", "marks"):
        setattr(made, name, dict(getattr(state, name)))
    made.timers, made.log = list(state.timers), list(state.log)
    return made


class SimulatedLedger(Verbs):
    """One replica's connection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _submit(self, command: Command) -> Answer:
        return self._database.run(command)

    def load(self, rows: StockLoad, progress: LoadProgress = unheard) -> int:
        raise NotImplementedError("the simulation fills its database itself")

    def _view(self) -> MemoryLedger:
        """What a reader sees: everything due has expired."""
        with suppress(LedgerUnusable):
            self._database.run(Expire())
        if self._database.random.random() < self._database.faults.unreachable:
            raise LedgerUnusable("the database cannot be reached")
        view = MemoryLedger(self._database.clock)
        view.take(self._database.state)
        return view

    def find(self, reservation_id: str) -> Reservation | None:
        return self._view().find(reservation_id)

    def stock(self, sku_id: str, node_ids: Sequence[str] | None = None) -> list[StockRow]:
        return self._view().stock(sku_id, node_ids)

    def stock_of(
        self, sku_ids: Sequence[str], node_ids: Sequence[str] | None = None
    ) -> tuple[int, list[StockRow]]:
        return self._view().stock_of(sku_ids, node_ids)

    def columns(self) -> StockColumns:
        return self._view().columns()

    def ledger_id(self) -> str:
        return "simulated"

    def version(self) -> int:
        return self._view().version()

    def changes(self, since: int, limit: int = 100_000) -> list[Change]:
        return self._view().changes(since, limit)

    def close(self) -> None:
        """Nothing to close."""


MakeLedger = Callable[[Database], Any]
"""How a replica comes by its ledger: tests give broken ones."""
