"""The order of versions against the order of time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.history.case import Case, NotJudged
from bench.history.check import check
from bench.history.effects import Effect, Effects
from bench.history.findings import Law
from bench.history.model import NEVER, Call, Ending, Final, calls_of
from bench.history.order import Order
from router.ledger import Change, Correction
from router.ledger_places import receipt_place
from server.ledger import MemoryLedger
from tests.contract.ledger_tools import stock_of
from tests.history.stage import Stage, asked, held


def log(*rows: str) -> list[Change]:
    """A release of a unit of each row, in order."""
    return [
        Change(version=version, sku_id=sku_id, node_id="N", available=1, delta=1, cause="release")
        for version, sku_id in enumerate(rows, start=1)
    ]


def release(name: str, rows: str, earliest: int, latest: int) -> Effect:
    return Effect(
        cause="release",
        name=name,
        deltas={(sku_id, "N"): 1 for sku_id in rows},
        earliest=earliest,
        latest=latest,
        rank=(latest, name),
        calls=(name,),
    )


def test_one_change_of_two_rows_or_two_of_one_each_whatever_fits() -> None:
    """Both may be first by what they look like; only time tells that the single ones were."""
    single_a, single_b = release("a", "A", 1, 2), release("b", "B", 1, 2)
    both = release("both", "AB", 3, 4)
    assert Order(log("A", "B", "B", "A"), Effects(definite=[both, single_a, single_b])).find() is None
    assert (single_a.first, single_b.first, both.first, both.last) == (1, 2, 3, 4)


def test_a_choice_that_leads_nowhere_is_taken_back() -> None:
    """A and B seem to be the pair that was answered first; but then nothing is left for the C."""
    effects = [release("ab", "AB", 1, 5), release("bc", "BC", 1, 6), release("a", "A", 1, 7)]
    assert Order(log("A", "B", "C", "A", "B"), Effects(definite=effects)).find() is None
    assert [effect.first for effect in effects] == [4, 2, 1]


def test_what_was_answered_before_another_was_called_comes_first() -> None:
    early, later = release("early", "A", 1, 2), release("later", "B", 3, 4)
    assert Order(log("A", "B"), Effects(definite=[early, later])).find() is None
    early, later = release("early", "A", 1, 2), release("later", "B", 3, 4)
    stuck = Order(log("B", "A"), Effects(definite=[early, later])).find()
    assert stuck is not None
    assert stuck.law is Law.SERIAL
    assert (stuck.calls, stuck.rows) == (("early",), ("B@N",))


def test_a_call_without_an_answer_may_come_at_any_time_after() -> None:
    for rows in ("AB", "BA"):
        unheard, later = release("unheard", "A", 1, NEVER), release("later", "B", 3, 4)
        assert Order(log(*rows), Effects(definite=[unheard, later])).find() is None


def unheard_of(call: Call) -> Call:
    """As if the client had died before the answer."""
    return replace(call, ending=Ending.UNKNOWN, answer=None, answered_tick=NEVER, answered_seconds=0)


def history() -> tuple[list[Call], Final]:
    """Four calls on a sound ledger: 5 units, 2 of them held, released, 1 more delivered."""
    stage = Stage(MemoryLedger)
    client = stage.client()
    client.update_stock("first", [stock_of("A", "N", 5)])
    reservation = held(client.reserve(asked(("A", 2), request_id="q")))
    client.release(reservation.reservation_id)
    client.update_stock("", [replace(stock_of("A", "N", 1), relative=True)])
    return calls_of(stage.lines), stage.final()


@pytest.mark.parametrize("lost", range(4))
def test_any_answer_may_get_lost(lost: int) -> None:
    calls, final = history()
    calls[lost] = unheard_of(calls[lost])
    assert list(check(calls, final).findings) == []


def test_effects_that_look_the_same_may_stand_in_for_each_other() -> None:
    """Nobody heard of the first release; the order takes the second for it, which was called after somebody
    had read what came of the first."""
    stage = Stage(MemoryLedger)
    client = stage.client()
    client.update_stock("first", [stock_of("A", "N", 5)])
    first, second = (held(client.reserve(asked(("A", 1), request_id=name))) for name in "qr")
    client.release(first.reservation_id)
    assert client.version() == 4
    client.release(second.reservation_id)
    calls = calls_of(stage.lines)
    calls[3] = unheard_of(calls[3])
    assert list(check(calls, stage.final()).findings) == []


@pytest.mark.parametrize("missing", range(4))
def test_no_call_may_be_missing(missing: int) -> None:
    calls, final = history()
    del calls[missing]
    assert not check(calls, final).clean


def test_what_no_law_covers_is_not_judged() -> None:
    calls, final = history()
    reserve = calls[1]
    corrected = replace(
        reserve.arguments[0], corrections=(Correction(sku_id="A", node_id="N", gone_units=1),)
    )
    place = receipt_place("N", 1_800_000_000)
    for strange in (
        replace(reserve, arguments=(corrected,)),
        replace(calls[0], arguments=("first", (stock_of("A", place, 5),))),
        replace(calls[0], arguments=("first", (stock_of("#off", "N", 5),))),
    ):
        with pytest.raises(NotJudged):
            Case([strange], final)
