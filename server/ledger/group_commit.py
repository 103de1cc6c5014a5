"""Group commit: calls that arrive while a transaction is under way share the next one.

No thread of its own and no added delay. The first caller leads: it executes what is queued, itself included,
wakes the others with their answers and hands the lead to the oldest caller that arrived meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Generic, NamedTuple, Protocol, TypeVar

from router.errors import BrokenInvariant
from server.turns import aside

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Group(NamedTuple):
    """A transaction that is done. began, ended: as ``time.perf_counter`` has it."""

    size: int
    began: float
    ended: float


class Told(Protocol):
    """Called by the thread of every caller of a group; one of them leads."""

    def __call__(self, group: Group, *, leads: bool) -> None: ...


def nobody(group: Group, *, leads: bool) -> None:
    """Is not interested."""


class _Call(Generic[Item, Answer]):
    """One caller's item; woken once with an answer, or to lead, or because its leader failed."""

    __slots__ = ("answers", "group", "item", "taken", "wake")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.answers: list[Answer] = []
        self.group: Group | None = None
        self.taken = False
        self.wake = threading.Event()


class GroupCommit(Generic[Item, Answer]):
    """``execute`` takes items in order of arrival and returns an answer for each; it never runs twice at
    the same time. It should answer with errors rather than raise: what it raises reaches the leading caller
    only, the others of that group get BrokenInvariant. told: of every group that is done."""

    def __init__(self, execute: Callable[[Sequence[Item]], Sequence[Answer]]) -> None:
        self._execute = execute
        self._lock = threading.Lock()
        self._queue: list[_Call[Item, Answer]] = []
        self._led = False
        self.told: Told = nobody

    @property
    def waiting_count(self) -> int:
        """Calls that wait for the group under way to end."""
        return len(self._queue)

    def submit(self, item: Item) -> Answer:
        """The answer to ``item``; blocks until its group is done."""
        with aside():
            return self._submit(item)

    def _submit(self, item: Item) -> Answer:
        call: _Call[Item, Answer] = _Call(item)
        with self._lock:
            self._queue.append(call)
            leads = not self._led
            self._led = True
        if not leads:
            try:
                call.wake.wait()
            except BaseException:  # an interrupt must not take the lead along
                self._leave(call)
                raise
        led_by_it = not call.taken
        if led_by_it:
            self._lead()
        if not call.answers:
            raise BrokenInvariant("the transaction this call was part of was abandoned")
        if call.group is not None:
            self.told(call.group, leads=led_by_it)
        return call.answers[0]

    def _lead(self) -> None:
        with self._lock:
            group, self._queue = self._queue, []
            for call in group:
                call.taken = True
        began = perf_counter()
        try:
            answers = self._execute([call.item for call in group])
            done = Group(len(group), began, perf_counter())
            for call, answer in zip(group, answers, strict=True):
                call.group = done
                call.answers.append(answer)
        finally:
            for call in group:
                call.wake.set()
            with self._lock:
                self._pass_lead()

    def _pass_lead(self) -> None:
        if self._queue:
            self._queue[0].wake.set()
        else:
            self._led = False

    def _leave(self, call: _Call[Item, Answer]) -> None:
        with self._lock:
            if not call.taken:
                self._queue.remove(call)
                if call.wake.is_set():
                    self._pass_lead()
