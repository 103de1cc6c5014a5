"""Many callers at once: one winner per unit, and few transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from router.errors import BrokenInvariant, InvalidInput
from router.ledger import Ledger, ReserveCode, ReserveOutcome, ResolveCode, ResolveOutcome
from server.ledger import SqliteLedger
from server.ledger.group_commit import GroupCommit
from tests.contract.ledger_tools import (
    VirtualClock,
    at_once,
    audit,
    held_id,
    hold,
    request,
    stock_of,
    successes,
)

THREADS = 8


def test_the_last_unit_has_one_winner(ledger: Ledger) -> None:
    sku_ids = [f"S{i}" for i in range(40)]
    ledger.update_stock("", [stock_of(sku_id, "N1", 1) for sku_id in sku_ids])
    for sku_id in sku_ids:
        outcomes = at_once(THREADS, lambda _, sku_id=sku_id: ledger.reserve(request(hold(sku_id, "N1", 1))))
        codes = [outcome.code for outcome in successes(outcomes)]
        assert sorted(codes) == [ReserveCode.HELD] + [ReserveCode.SOLD_OUT] * (THREADS - 1)
    audit(ledger, sku_ids)


def test_stock_and_its_version_are_read_at_once(ledger: Ledger) -> None:
    """Each update makes two changes: units of both SKUs and the version always fit together."""
    ledger.update_stock("", [stock_of(sku_id, "N1", 1) for sku_id in "AB"])
    done = threading.Event()

    def write() -> None:
        for units in range(2, 400):
            ledger.update_stock("", [stock_of(sku_id, "N1", units) for sku_id in "AB"])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while not done.is_set():
        version, rows = ledger.stock_of(["A", "B"])
        seen.append((version, *(row.on_hand for row in rows)))
    writer.join()
    assert [reading for reading in seen if reading != (2 * reading[1], reading[1], reading[1])] == []


def test_two_rows_taken_in_opposite_order_are_both_decided(ledger: Ledger) -> None:
    ledger.update_stock("", [stock_of("A", "N1", 40), stock_of("B", "N1", 40)])
    pair = (hold("A", "N1", 1), hold("B", "N1", 1))

    def take(ix: int) -> int:
        codes = [ledger.reserve(request(*(pair if ix % 2 else pair[::-1]))).code for _ in range(10)]
        return codes.count(ReserveCode.HELD)

    taken = at_once(THREADS, take)
    assert sum(successes(taken)) == 40
    assert ledger.stock("A")[0].available == ledger.stock("B")[0].available == 0
    audit(ledger, "AB")


def test_one_request_id_makes_one_reservation(ledger: Ledger) -> None:
    ledger.update_stock("", [stock_of("A", "N1", 100)])
    asked = request(hold("A", "N1", 1), request_id="q", payload=b"plan")
    outcomes = at_once(THREADS, lambda _: ledger.reserve(asked))
    replays = [outcome.replayed for outcome in successes(outcomes)]
    assert sorted(replays) == [False] + [True] * (THREADS - 1)
    assert {held_id(outcome) for outcome in successes(outcomes)} == {"r-000000000001"}
    assert ledger.stock("A")[0].reserved == 1


def test_confirm_and_release_have_one_winner(ledger: Ledger) -> None:
    ledger.update_stock("", [stock_of("A", "N1", 100)])
    for _ in range(20):
        reservation_id = held_id(ledger.reserve(request(hold("A", "N1", 1))))
        outcomes = at_once(
            THREADS,
            lambda ix, it=reservation_id: (ledger.confirm if ix % 2 else ledger.release)(it),
        )
        codes = [outcome.code for outcome in successes(outcomes)]
        assert len(codes) == THREADS
        assert codes.count(ResolveCode.DONE) == 1
    audit(ledger, ["A"])


def test_readers_see_whole_transactions_while_others_write(ledger: Ledger) -> None:
    """Every request takes one unit of each SKU, so both always have the same number left."""
    ledger.update_stock("", [stock_of("A", "N1", 200), stock_of("B", "N1", 200)])

    def work(ix: int) -> list[tuple[int, int]]:
        seen = []
        for _ in range(25):
            if ix % 2:
                ledger.reserve(request(hold("A", "N1", 1), hold("B", "N1", 1)))
            else:
                columns = ledger.columns()
                seen.append((columns.version, len(set(columns.available.tolist()))))
        return seen

    seen = [pair for pairs in successes(at_once(6, work)) for pair in pairs]
    assert len(seen) == 75
    assert {distinct for _, distinct in seen} == {1}
    assert {version % 2 for version, _ in seen} == {0}


class _Gate(VirtualClock):
    """A clock whose first reader waits until the gate opens: a transaction that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.armed = False
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> int:
        if self.armed:
            self.armed = False
            self.entered.set()
            assert self.open.wait(60)
        return self.now


def run_behind_a_gate(ledger: SqliteLedger, gate: _Gate, calls: list[Callable[[], object]]) -> list[object]:
    """The first call begins a transaction; the others arrive while it is under way."""
    answers: list[object] = [None] * len(calls)

    def run(ix: int) -> None:
        try:
            answers[ix] = calls[ix]()
        except Exception as error:
            answers[ix] = error

    threads = [threading.Thread(target=run, args=(ix,)) for ix in range(len(calls))]
    gate.armed = True
    threads[0].start()
    assert gate.entered.wait(60)
    for ix, thread in enumerate(threads[1:], start=1):
        thread.start()
        while ledger.waiting_count < ix:  # in order, so that the answers are known
            thread.join(0.001)
            assert thread.is_alive()
    gate.open.set()
    for thread in threads:
        thread.join()
    return answers


def test_calls_that_arrive_together_share_one_commit(path: Path) -> None:
    gate = _Gate()
    ledger = SqliteLedger(path, gate)
    ledger.update_stock("", [stock_of("A", "N1", 20)])
    commits_before = ledger.commit_count
    answers = run_behind_a_gate(ledger, gate, [lambda: ledger.reserve(request(hold("A", "N1", 1)))] * 30)
    codes = [answer.code for answer in answers if isinstance(answer, ReserveOutcome)]
    assert codes == [ReserveCode.HELD] * 20 + [ReserveCode.SOLD_OUT] * 10
    assert ledger.commit_count - commits_before == 2
    assert ledger.waiting_count == 0
    audit(ledger, ["A"])
    ledger.close()


def test_a_mistake_or_a_failure_spoils_nobody_else_of_the_group(path: Path) -> None:
    gate = _Gate()
    ledger = SqliteLedger(path, gate)
    ledger.update_stock("", [stock_of("A", "N1", 2)])
    unstorable = request(hold("A", "N1", 1), request_id="q", fingerprint="\ud800")
    answers = run_behind_a_gate(
        ledger,
        gate,
        [
            lambda: ledger.reserve(request(hold("A", "N1", 1), ttl_seconds=60)),
            lambda: ledger.update_stock("", [stock_of("A", "N1", -1)]),
            lambda: ledger.reserve(request(hold("A", "N1", 0))),
            lambda: ledger.update_stock("", [stock_of("B", "N2", 1)]),  # two ids that are new
            lambda: ledger.reserve(unstorable),
            lambda: ledger.reserve(request(hold("A", "N1", 1))),
            lambda: ledger.confirm("r-000000000001"),
            lambda: ledger.release("r-000000000009"),
        ],
    )
    first, negative, nothing, version, odd, second, confirmed, missing = answers
    assert isinstance(first, ReserveOutcome)
    assert isinstance(negative, InvalidInput)
    assert isinstance(nothing, InvalidInput)
    assert version == 3
    assert isinstance(odd, UnicodeEncodeError)
    assert isinstance(second, ReserveOutcome)
    assert (held_id(first), held_id(second)) == ("r-000000000001", "r-000000000002")
    assert isinstance(confirmed, ResolveOutcome)
    assert confirmed.code is ResolveCode.DONE
    assert isinstance(missing, ResolveOutcome)
    assert missing.code is ResolveCode.NOT_FOUND
    assert ledger.update_stock("", [stock_of("C", "N3", 1)]) == 5
    audit(ledger, "ABC")
    ledger.close()


class _Stop(BaseException):
    """As a keyboard interrupt would come."""


def test_a_leader_that_is_interrupted_leaves_nobody_waiting() -> None:
    entered, go_on = threading.Event(), threading.Event()
    group: GroupCommit[int, int]

    def execute(items: list[int] | tuple[int, ...]) -> list[int]:
        if 0 in items:
            entered.set()
            assert go_on.wait(60)
        if 1 in items:
            raise _Stop
        return [item * 10 for item in items]

    group = GroupCommit(lambda items: execute(list(items)))
    answers: dict[int, object] = {}

    def submit(item: int) -> None:
        try:
            answers[item] = group.submit(item)
        except (Exception, _Stop) as error:
            answers[item] = type(error)

    threads = [threading.Thread(target=submit, args=(item,)) for item in range(4)]
    threads[0].start()
    assert entered.wait(60)
    for ix, thread in enumerate(threads[1:], start=1):
        thread.start()
        while group.waiting_count < ix:
            thread.join(0.001)
            assert thread.is_alive()
    go_on.set()
    for thread in threads:
        thread.join()
    assert answers == {0: 0, 1: _Stop, 2: BrokenInvariant, 3: BrokenInvariant}
    assert group.submit(5) == 50


@pytest.mark.parametrize("count", [1, 5])
def test_answers_reach_their_own_callers(count: int) -> None:
    group: GroupCommit[int, int] = GroupCommit(lambda items: [item * 10 for item in items])
    answers = at_once(count, lambda ix: [group.submit(100 * ix + i) for i in range(50)])
    assert answers == [[10 * (100 * ix + i) for i in range(50)] for ix in range(count)]
