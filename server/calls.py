"""The call that a thread works on: what it is about, for the log, and how long its stages take.

Handlers say what they learn of it (``about``) and where a stage begins and ends (``stage``); outside of a
watched call both do nothing.
"""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Protocol

from router.domain import Decision

REQUEST_ID_KEY = "x-request-id"
"""Metadata by which a caller names its request in the log."""
MAX_REQUEST_ID_LENGTH = 128

Metadata = Iterable[tuple[str, str | bytes]]

_PROCESS = uuid.uuid4().hex[:8]
_NUMBERS = itertools.count(1)
_UNWATCHED = nullcontext()


class Stage(StrEnum):
    """Parts of a call, in this order; those of the kernels' short ways are not told apart."""

    DECODE = "decode"
    SNAPSHOT = "snapshot"
    DECIDE = "decide"
    ENCODE = "encode"
    RESERVE = "reserve"


class Watching(Protocol):
    """Who records what happens in a call."""

    def stage(self, stage: Stage) -> AbstractContextManager[object]: ...

    def decided(self, decision: Decision) -> None: ...

    def decided_quickly(self, path: str, statuses: Iterable[int]) -> None: ...

    def held(self, attempts: int, conflicts: int) -> None: ...


class Watched:
    """What is known of a call. order_id may be a function, for those who do not read it themselves."""

    __slots__ = ("_made", "_metadata", "decision_id", "method", "order_id", "watching")

    def __init__(self, method: str, metadata: Callable[[], Metadata], watching: Watching) -> None:
        self.method = method
        self.watching = watching
        self.decision_id = ""
        self.order_id: str | Callable[[], str] = ""
        self._metadata = metadata
        self._made = ""

    @property
    def request_id(self) -> str:
        """The caller's, where it is short and printable, else one of our own."""
        if not self._made:
            given = dict(self._metadata()).get(REQUEST_ID_KEY, "")
            fits = isinstance(given, str) and given.isprintable() and len(given) <= MAX_REQUEST_ID_LENGTH
            self._made = (
                given if fits and isinstance(given, str) and given else f"{_PROCESS}-{next(_NUMBERS)}"
            )
        return self._made

    def fields(self) -> dict[str, str]:
        """For a line of the log; what is not known is left out."""
        order_id = self.order_id if isinstance(self.order_id, str) else self.order_id()
        found = {"request_id": self.request_id, "decision_id": self.decision_id, "order_id": order_id}
        return {"method": self.method, **{name: text for name, text in found.items() if text}}


class _Current(threading.local):
    call: Watched | None = None


CURRENT = _Current()


def current_fields() -> dict[str, str]:
    """Of the call that this thread works on; none outside of one."""
    return {} if CURRENT.call is None else CURRENT.call.fields()


def stage(name: Stage) -> AbstractContextManager[object]:
    """The part of the call that the block is."""
    call = CURRENT.call
    return _UNWATCHED if call is None else call.watching.stage(name)


def about(*, decision_id: str = "", order_id: str | Callable[[], str] = "") -> None:
    """What the call is about, for the log."""
    call = CURRENT.call
    if call is not None:
        call.decision_id = decision_id or call.decision_id
        call.order_id = order_id or call.order_id


def decided(decision: Decision) -> None:
    """A decision came out in this call."""
    call = CURRENT.call
    if call is not None:
        call.decision_id, call.order_id = decision.decision_id, decision.order_id
        call.watching.decided(decision)


def decided_quickly(path: str, statuses: Iterable[int]) -> None:
    """Decisions (``domain.Status``) that a short way made of bytes: ``quote`` or ``batch``."""
    call = CURRENT.call
    if call is not None:
        call.watching.decided_quickly(path, statuses)


def held(attempts: int, conflicts: int) -> None:
    """Orders were held, or not, in so many rounds; so often others had taken what an order was to have."""
    call = CURRENT.call
    if call is not None:
        call.watching.held(attempts, conflicts)
