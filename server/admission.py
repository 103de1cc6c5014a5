"""Which calls are worked on first, and which are told to come again: calls wait in one queue, by lane.

What frees stock or makes a hold final goes before what holds, that before decisions, these before dates, and
all before batches. A call that would have to wait too long is told so at once, which costs little, and not
by a timeout, which costs as much as an answer. Before it comes to that, searches get a smaller budget.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import IntEnum
from queue import SimpleQueue
from typing import Any, TypeVar

from router.errors import SourcierError
from server import turns

T = TypeVar("T")


class Lane(IntEnum):
    """First come first."""

    RESOLVE = 0
    RESERVE = 1
    SOURCE = 2
    PROMISE = 3
    BATCH = 4


SHARE = {Lane.RESOLVE: 1.0, Lane.RESERVE: 0.8, Lane.SOURCE: 0.6, Lane.PROMISE: 0.4, Lane.BATCH: 0.2}
"""Of the room and of the time to wait, that a lane may use up: lower ones are refused before higher ones."""
PRESSED = 0.5
"""Of its share: from there on searches are brief."""
LEARNING = 0.05
"""Weight of the newest call in the mean time of its lane's."""
LEAST_RETRY_SECONDS = 0.1
AT_ONCE = 3
"""Threads that run at a time: one, and some that are there when it has to wait."""
LONG_SECONDS = 0.005
"""A call that takes longer does not keep others waiting for its turn."""

LANES = {
    "SourceOrder": Lane.SOURCE,
    "SourceOrders": Lane.BATCH,
    "ResourceOrder": Lane.RESERVE,
    "RankNodes": Lane.SOURCE,
    "ExplainDecision": Lane.BATCH,
    "GetPromise": Lane.PROMISE,
    "OfferOrder": Lane.RESERVE,
    "ClaimOffer": Lane.RESERVE,
    "CreateReservation": Lane.RESERVE,
    "RankReturnNodes": Lane.PROMISE,
    "GetAvailability": Lane.PROMISE,
    "ListStockChanges": Lane.BATCH,
}
"""By method; what is not named here, such as confirming, releasing, health and the feed, resolves."""


class Overloaded(SourcierError):
    """The call would have to wait for too long. retry_seconds: when to come again."""

    reason = "OVERLOADED"

    def __init__(self, lane: Lane, retry_seconds: float) -> None:
        super().__init__(
            f"too many calls wait; come again in {retry_seconds:.1f} seconds",
            metadata={"lane": lane.name, "retry_millis": f"{1_000 * retry_seconds:.0f}"},
        )
        self.retry_seconds = retry_seconds


class _Job:
    """A call and what was decided about it when it came."""

    __slots__ = ("function", "future", "given", "is_hasty", "lane", "more", "shed")

    def __init__(
        self, lane: Lane, function: Callable[..., Any], given: tuple[Any, ...], more: dict[str, Any]
    ) -> None:
        self.lane = lane
        self.function = function
        self.given = given
        self.more = more
        self.future: Future[Any] = Future()
        self.shed: Overloaded | None = None
        self.is_hasty = False

    def work(self) -> None:
        future = self.future
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(self.function(*self.given, **self.more))
            except BaseException as error:
                future.set_exception(error)


class _Current(threading.local):
    """Of the call that a thread works on."""

    shed: Overloaded | None = None
    is_hasty = False


CURRENT = _Current()


def check_admitted() -> None:
    """Raises Overloaded for a call that is not to be worked on."""
    if CURRENT.shed is not None:
        raise CURRENT.shed


def is_hasty() -> bool:
    """Is the call of this thread to be answered cheaply?"""
    return CURRENT.is_hasty


class _Turn:
    """Of a thread. began: when its call did. given_up: when the call gave its turn up, None if it did not."""

    __slots__ = ("_admission", "began", "given_up", "is_its")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.is_its = False
        self.began = 0.0
        self.given_up: float | None = None

    def give_up(self) -> None:
        self._admission.pass_on(self)


class Admission:
    """Threads that work on calls in order of lane, then arrival; AT_ONCE of them run at a time, besides those
    that stepped aside (``server.turns``) or have worked on one call for long.

    room: calls that may wait. wait_seconds: for how long at most, as far as can be foreseen.
    """

    def __init__(
        self,
        threads: int,
        room: int,
        wait_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threads = threads
        self._room = room
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._granted: SimpleQueue[bool] = SimpleQueue()  # a True for each turn that no thread took up yet
        self._turns: list[_Turn] = []
        self._running = 0
        self._is_waited_for = threading.Event()
        self._lanes: tuple[deque[_Job], ...] = tuple(deque() for _ in Lane)
        self._refused: deque[_Job] = deque()  # to say no takes no time: these come first
        self._call_seconds = [0.0 for _ in Lane]
        self._turn_seconds = [0.0 for _ in Lane]
        self._closed = False
        self.shed_count = dict.fromkeys(Lane, 0)

    def pool(self, lane: Lane) -> LanePool:
        """What gRPC is given to run the calls of a lane in."""
        return LanePool(self, lane)

    def pool_of(self, method: str) -> LanePool:
        """By the last part of a method's name."""
        return self.pool(LANES.get(method.rpartition("/")[2], Lane.RESOLVE))

    @property
    def waiting_count(self) -> int:
        """Calls that nobody works on yet."""
        return sum(map(len, self._lanes))

    def waiting_in(self, lane: Lane) -> int:
        """Those of a lane."""
        return len(self._lanes[lane])

    def foreseen_seconds(self, lane: Lane) -> float:
        """How long a call that comes now would wait: for a thread, or for a turn."""
        threads = turns = 0.0
        for calls, call_seconds, turn_seconds in zip(
            self._lanes[: lane + 1], self._call_seconds, self._turn_seconds, strict=False
        ):
            threads += len(calls) * call_seconds
            turns += len(calls) * turn_seconds
        return max(threads / self._threads, turns / min(self._threads, AT_ONCE))

    def submit(self, lane: Lane, function: Callable[..., T], *args: Any, **more: Any) -> Future[T]:
        job = _Job(lane, function, args, more)
        with self._lock:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._judge(job)
            (self._lanes[lane] if job.shed is None else self._refused).append(job)
            self._grant()
        return job.future

    def shut_down(self) -> None:
        """Takes no calls any more; those that wait are worked on."""
        with self._lock:
            self._closed = True
            self._is_waited_for.set()
            for _ in self._turns:
                self._granted.put(False)

    def pass_on(self, turn: _Turn) -> None:
        """Another thread may run instead."""
        with self._lock:
            if turn.is_its:
                turn.is_its = False
                turn.given_up = self._clock()
                self._running -= 1
                self._grant()

    def _judge(self, job: _Job) -> None:
        """Is there room for one more to wait, and time?"""
        lane, waiting = job.lane, self.waiting_count
        if waiting == 0:
            return
        seconds = self.foreseen_seconds(lane)
        used = max(waiting / self._room, seconds / self._wait_seconds)
        job.is_hasty = used >= PRESSED * SHARE[lane]
        if used >= SHARE[lane]:
            job.shed = Overloaded(lane, max(LEAST_RETRY_SECONDS, seconds))
            self.shed_count[lane] += 1

    def _grant(self) -> None:
        """A turn, if one is free, to whoever waits. With the lock only."""
        if self._running >= AT_ONCE:
            if not self._is_waited_for.is_set():
                self._is_waited_for.set()
            return
        self._running += 1
        self._granted.put(True)
        if len(self._turns) < self._threads:
            if not self._turns:
                threading.Thread(target=self._watch, name="turns", daemon=True).start()
            turn = _Turn(self)
            self._turns.append(turn)
            name = f"call-{len(self._turns) - 1}"
            threading.Thread(target=self._run, args=(turn,), name=name, daemon=True).start()

    def _run(self, turn: _Turn) -> None:
        turns.CURRENT.turn = turn
        while self._granted.get():
            turn.is_its = True
            while (job := self._next(turn)) is not None:
                self._work(turn, job)

    def _next(self, turn: _Turn) -> _Job | None:
        """The call that this thread works on now, if it may run and one waits."""
        with self._lock:
            if not turn.is_its:
                if self._running >= AT_ONCE:
                    return None
                self._running += 1
                turn.is_its = True
            for calls in (self._refused, *self._lanes):
                if calls:
                    turn.began = time.monotonic()
                    return calls.popleft()
            turn.is_its = False
            self._running -= 1
            return None

    def _work(self, turn: _Turn, job: _Job) -> None:
        CURRENT.shed, CURRENT.is_hasty = job.shed, job.is_hasty
        turn.given_up = None
        began = self._clock()
        job.work()
        CURRENT.shed = None
        if job.shed is None:
            ended = self._clock()
            _learn(self._call_seconds, job.lane, ended - began)
            _learn(self._turn_seconds, job.lane, (turn.given_up or ended) - began)

    def _watch(self) -> None:
        """Where calls wait, turns that take long become others' turns."""
        while not self._closed:
            self._is_waited_for.wait()
            time.sleep(LONG_SECONDS)
            with self._lock:
                if not any((self._refused, *self._lanes)):
                    self._is_waited_for.clear()
                    continue
            began = time.monotonic() - LONG_SECONDS
            for turn in tuple(self._turns):
                if turn.is_its and turn.began < began:
                    self.pass_on(turn)


def _learn(means: list[float], lane: Lane, seconds: float) -> None:
    means[lane] += LEARNING * (seconds - means[lane])


class LanePool(ThreadPoolExecutor):
    """A lane as the kind of pool that gRPC takes; its own threads are never started."""

    def __init__(self, admission: Admission, lane: Lane) -> None:
        super().__init__(1)
        self._admission = admission
        self._lane = lane

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        return self._admission.submit(self._lane, fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """The admission is shut down by whoever made it."""
