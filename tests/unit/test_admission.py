"""Who is worked on first, who is refused, and who gets a cheap answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import nullcontext

import pytest

from server.admission import (
    AT_ONCE,
    LANES,
    PRESSED,
    SHARE,
    Admission,
    Lane,
    Overloaded,
    check_admitted,
    is_hasty,
)
from server.api.sourcing.v1 import node_pb2, reservation_pb2, returns_pb2, sourcing_pb2, stock_pb2
from server.turns import aside

ROOM = 100


class Busy:
    """An admission whose only thread is busy until ``go``."""

    def __init__(self, wait_seconds: float = 1e9) -> None:
        self.now = 0.0
        self.admission = Admission(1, ROOM, wait_seconds, lambda: self.now)
        self.go, started = threading.Event(), threading.Event()
        self.done: list[str] = []

        def block() -> None:
            started.set()
            assert self.go.wait(30)

        self._first = self.admission.pool(Lane.SOURCE).submit(block)
        assert started.wait(30)

    def ask(self, lane: Lane, name: str = "") -> Future[str]:
        def work() -> str:
            try:
                check_admitted()
            except Overloaded:
                return "refused"
            self.done.append(name)
            return "hasty" if is_hasty() else "answered"

        return self.admission.pool(lane).submit(work)


@pytest.fixture
def busy() -> Iterator[Busy]:
    made = Busy()
    yield made
    made.go.set()
    made.admission.shut_down()


def test_higher_lanes_come_first_then_whoever_came_first(busy: Busy) -> None:
    lanes = (Lane.BATCH, Lane.SOURCE, Lane.PROMISE, Lane.RESOLVE, Lane.SOURCE, Lane.RESERVE, Lane.RESOLVE)
    asked = [busy.ask(lane, f"{lane.name}{i}") for i, lane in enumerate(lanes)]
    assert busy.admission.waiting_count == len(lanes)
    busy.go.set()
    assert [future.result(30) for future in asked] == ["answered"] * len(lanes)
    assert busy.done == ["RESOLVE3", "RESOLVE6", "RESERVE5", "SOURCE1", "SOURCE4", "PROMISE2", "BATCH0"]
    assert busy.admission.waiting_count == 0


def test_lower_lanes_are_refused_first_and_the_room_is_bounded(busy: Busy) -> None:
    asked = {lane: [busy.ask(lane) for _ in range(ROOM)] for lane in sorted(Lane, reverse=True)}
    busy.go.set()
    answered = {lane: sum(f.result(30) != "refused" for f in asked[lane]) for lane in Lane}
    # Each lane may fill the room up to its share; the lower ones came first.
    assert answered == {lane: round(ROOM * 0.2) for lane in Lane}
    assert busy.admission.shed_count == {lane: ROOM - answered[lane] for lane in Lane}


def test_what_waits_in_lower_lanes_does_not_refuse_the_highest(busy: Busy) -> None:
    for lane in (Lane.BATCH, Lane.PROMISE, Lane.SOURCE, Lane.RESERVE):
        for _ in range(2 * ROOM):
            busy.ask(lane)
    asked = [busy.ask(Lane.RESOLVE) for _ in range(10)]
    busy.go.set()
    assert "refused" not in {future.result(30) for future in asked}


def test_answers_get_cheap_before_calls_are_refused(busy: Busy) -> None:
    asked = [busy.ask(Lane.SOURCE) for _ in range(ROOM)]
    busy.go.set()
    answers = [future.result(30) for future in asked]
    share = round(SHARE[Lane.SOURCE] * ROOM)
    first_hasty = round(PRESSED * share)
    expected = ["answered"] * first_hasty + ["hasty"] * (share - first_hasty)
    assert answers == expected + ["refused"] * (ROOM - share)


def test_a_wait_that_can_be_foreseen_is_refused_with_the_time_to_come_again() -> None:
    busy = Busy(wait_seconds=2.0)
    busy.now += 10.0  # the first call took ten seconds, a twentieth of which counts for the next
    busy.go.set()
    while busy.admission.foreseen_seconds(Lane.SOURCE) or not busy.done:
        busy.ask(Lane.RESOLVE, "x").result(30)
    busy.go.clear()
    started = threading.Event()

    def block() -> None:
        started.set()
        assert busy.go.wait(30)

    busy.admission.submit(Lane.SOURCE, block)
    assert started.wait(30)
    asked = []
    while busy.admission.foreseen_seconds(Lane.SOURCE) < SHARE[Lane.SOURCE] * 2.0:
        asked.append(busy.ask(Lane.SOURCE))
    assert len(asked) == 3  # of half a second each

    def refused() -> float:
        with pytest.raises(Overloaded) as error:
            check_admitted()
        return error.value.retry_seconds

    late = busy.admission.submit(Lane.SOURCE, refused)
    resolving = busy.ask(Lane.RESOLVE)
    busy.go.set()
    assert late.result(30) == pytest.approx(1.5)
    assert resolving.result(30) == "answered"
    busy.admission.shut_down()
    with pytest.raises(RuntimeError):
        busy.ask(Lane.SOURCE)


def test_an_exception_reaches_whoever_waits(busy: Busy) -> None:
    def fail() -> None:
        raise KeyError("x")

    future = busy.admission.submit(Lane.SOURCE, fail)
    busy.go.set()
    with pytest.raises(KeyError):
        future.result(30)
    assert busy.ask(Lane.SOURCE).result(30) == "answered"


def test_every_name_is_that_of_a_method() -> None:
    files = (sourcing_pb2, stock_pb2, reservation_pb2, returns_pb2, node_pb2)
    services = [service for file in files for service in file.DESCRIPTOR.services_by_name.values()]
    methods = {method.name for service in services for method in service.methods}
    assert set(LANES) <= methods
    assert {"ConfirmReservation", "ReleaseReservation", "SetStock"} <= methods - set(LANES)


class Crowd:
    """Calls that stay until they are told to go; who is at work is known."""

    def __init__(self, threads: int) -> None:
        self.admission = Admission(threads, 1_000, 1e9)
        self.go = threading.Event()
        self.at_work = threading.Semaphore(0)

    def stay(self) -> str:
        self.at_work.release()
        assert self.go.wait(30)
        return "done"

    def stay_aside(self) -> str:
        with aside():
            return self.stay()

    def wait_for(self, calls: int) -> None:
        for _ in range(calls):
            assert self.at_work.acquire(timeout=30)

    def end(self, *asked: Future[str]) -> None:
        self.go.set()
        assert {future.result(30) for future in asked} == {"done"}
        self.admission.shut_down()


def test_few_calls_run_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.admission.LONG_SECONDS", 3_600.0)
    crowd = Crowd(8)
    asked = [crowd.admission.submit(Lane.SOURCE, crowd.stay) for _ in range(8)]
    crowd.wait_for(AT_ONCE)
    assert not crowd.at_work.acquire(timeout=0.05)
    assert crowd.admission.waiting_count == 8 - AT_ONCE
    crowd.end(*asked)


def test_a_call_that_waits_lets_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.admission.LONG_SECONDS", 3_600.0)
    crowd = Crowd(8)
    asked = [crowd.admission.submit(Lane.SOURCE, crowd.stay_aside) for _ in range(8 - AT_ONCE)]
    crowd.wait_for(8 - AT_ONCE)
    asked += [crowd.admission.submit(Lane.SOURCE, crowd.stay) for _ in range(3)]
    crowd.wait_for(AT_ONCE)
    assert not crowd.at_work.acquire(timeout=0.05)
    crowd.end(*asked)


def test_a_call_that_takes_long_keeps_nobody_waiting() -> None:
    crowd = Crowd(8)
    asked = [crowd.admission.submit(Lane.BATCH, crowd.stay) for _ in range(7)]
    crowd.wait_for(7)
    assert crowd.admission.submit(Lane.SOURCE, lambda: "quick").result(30) == "quick"
    crowd.end(*asked)


def test_turns_are_given_back() -> None:
    """Many short calls, of which some step aside, after which as many run at a time as before."""
    crowd, running, most = Crowd(4), [0], [0]
    lock = threading.Lock()

    def short(steps_aside: bool) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        with lock:
            running[0] -= 1
        with aside() if steps_aside else nullcontext():
            pass

    asked = [crowd.admission.submit(Lane.SOURCE, short, i % 3 == 0) for i in range(2_000)]
    for future in asked:
        future.result(30)
    stays = [crowd.admission.submit(Lane.SOURCE, crowd.stay) for _ in range(2)]
    crowd.wait_for(2)
    crowd.end(*stays)
    assert most[0] <= 4
