"""Which calls are worked on first, and which are told to come again: calls wait in one queue, by lane.

What frees stock or makes a hold final goes before what holds, that before decisions, these before dates, and
all before batches. A call that would have to wait too long is told so at once, which costs little, and not
by a timeout, which costs as much as an answer. Before it comes to that, searches get a smaller budget.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeVar

from router.errors import SourcierError

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


@dataclass(order=True, slots=True)
class _Job:
    lane: Lane
    number: int
    work: Callable[[], None] = field(compare=False)
    shed: Overloaded | None = field(compare=False)
    is_hasty: bool = field(compare=False)


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


class Admission:
    """Threads that work on calls in order of lane, then arrival.

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
        self._lock = threading.Condition()
        self._jobs: list[_Job] = []
        self._numbers = itertools.count()
        self._waiting = dict.fromkeys(Lane, 0)
        self._call_seconds = dict.fromkeys(Lane, 0.0)
        self._started: list[threading.Thread] = []
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
        return sum(self._waiting.values())

    def waiting_in(self, lane: Lane) -> int:
        """Those of a lane."""
        return self._waiting[lane]

    def foreseen_seconds(self, lane: Lane) -> float:
        """How long a call that comes now would wait."""
        ahead = ((other, count) for other, count in self._waiting.items() if other <= lane)
        return sum(count * self._call_seconds[other] for other, count in ahead) / self._threads

    def submit(self, lane: Lane, function: Callable[..., T], *args: Any, **more: Any) -> Future[T]:
        future: Future[T] = Future()

        def work() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(*args, **more))
                except BaseException as error:
                    future.set_exception(error)

        with self._lock:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            used = max(self.waiting_count / self._room, self.foreseen_seconds(lane) / self._wait_seconds)
            shed = None
            if used >= SHARE[lane]:
                shed = Overloaded(lane, max(LEAST_RETRY_SECONDS, self.foreseen_seconds(lane)))
                self.shed_count[lane] += 1
            self._put(_Job(lane, next(self._numbers), work, shed, used >= PRESSED * SHARE[lane]))
        return future

    def shut_down(self) -> None:
        """Takes no calls any more; those that wait are worked on."""
        with self._lock:
            self._closed = True
            self._lock.notify_all()

    def _put(self, job: _Job) -> None:
        if job.shed is None:
            self._waiting[job.lane] += 1
        else:
            job.lane = Lane.RESOLVE  # to say no takes no time
        heapq.heappush(self._jobs, job)
        if len(self._started) < self._threads:
            thread = threading.Thread(target=self._run, name=f"call-{len(self._started)}", daemon=True)
            self._started.append(thread)
            thread.start()
        self._lock.notify()

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._jobs:
                    if self._closed:
                        return
                    self._lock.wait()
                job = heapq.heappop(self._jobs)
                if job.shed is None:
                    self._waiting[job.lane] -= 1
            with self._timed(job):
                job.work()

    @contextmanager
    def _timed(self, job: _Job) -> Iterator[None]:
        CURRENT.shed, CURRENT.is_hasty = job.shed, job.is_hasty
        began = self._clock()
        try:
            yield
        finally:
            CURRENT.shed, CURRENT.is_hasty = None, False
            if job.shed is None:
                with self._lock:
                    mean = self._call_seconds[job.lane]
                    self._call_seconds[job.lane] += LEARNING * (self._clock() - began - mean)


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
