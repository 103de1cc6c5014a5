"""The verbs of the ledger port that write, as commands: the same for every adapter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar

from router.errors import BrokenInvariant
from router.ledger import FeedOutcome, Hold, ReserveOutcome, ReserveRequest, ResolveOutcome, StockUpdate
from router.ledger_commands import (
    Command,
    Confirm,
    Expire,
    Extend,
    Feed,
    Release,
    Reserve,
    UpdateStock,
)
from server.ledger.working_set import Answer

Expected = TypeVar("Expected")


class Verbs(ABC):
    """Writing half of ``router.ledger.Ledger``."""

    @abstractmethod
    def _submit(self, command: Command) -> Answer:
        """The outcome of a command that is done and kept, or what is to be raised."""

    def reserve(self, request: ReserveRequest) -> ReserveOutcome:
        return self.reserve_many([request])[0]

    def reserve_many(self, requests: Sequence[ReserveRequest]) -> list[ReserveOutcome]:
        return self._answered(Reserve(requests), list)

    def confirm(self, reservation_id: str, part: Sequence[Hold] = ()) -> ResolveOutcome:
        return self._answered(Confirm(reservation_id, part), ResolveOutcome)

    def release(self, reservation_id: str) -> ResolveOutcome:
        return self._answered(Release(reservation_id), ResolveOutcome)

    def extend(self, reservation_id: str, ttl_seconds: int) -> ResolveOutcome:
        return self._answered(Extend(reservation_id, ttl_seconds), ResolveOutcome)

    def expire(self) -> int:
        return self._answered(Expire(), int)

    def update_stock(self, request_id: str, updates: Sequence[StockUpdate]) -> int:
        return self._answered(UpdateStock(request_id, updates), int)

    def feed(self, feed_id: str, updates: Sequence[StockUpdate]) -> FeedOutcome:
        return self._answered(Feed(feed_id, updates), FeedOutcome)

    def _answered(self, command: Command, expected: type[Expected]) -> Expected:
        answer = self._submit(command)
        if isinstance(answer, Exception):
            raise answer
        if not isinstance(answer, expected):
            raise BrokenInvariant(f"{command} was answered with {answer}")
        return answer
