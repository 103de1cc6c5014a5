"""Loading a whole stock at once: what every ledger does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.errors import InvalidInput
from router.ledger import Change, Ledger, ReserveCode, StockLoad, StockRow
from router.ledger_load import MAX_NAMED, updates_of
from server.ledger import MemoryLedger, SqliteLedger
from tests.contract.ledger_tools import (
    VirtualClock,
    all_changes,
    at_once,
    audit,
    held_id,
    hold,
    load_of,
    request,
    stock_of,
    successes,
)

SMALL = load_of({("A", "N2"): (9, 4), ("A", "N1"): (5, 0), ("C", "N1"): (0, 3), ("D", "N1"): (2, 2)})
MANY = load_of({(f"s{i // 30}", f"n{i % 30}"): (i % 7, i % 3) for i in range(0, 1_000, 3)})


def columns_of(ledger: Ledger) -> list[object]:
    columns = ledger.columns()
    cells = [c.tolist() for c in (columns.sku_ix, columns.node_ix, columns.available)]
    return [columns.version, columns.sku_ids, columns.node_ids, *cells]


def assert_empty(ledger: Ledger) -> None:
    assert columns_of(ledger) == [0, [], [], [], [], []]
    assert (ledger.version(), ledger.changes(0), ledger.stock("A")) == (0, [], [])


def test_a_load_is_rows_and_their_changes(ledger: Ledger) -> None:
    assert ledger.load(SMALL) == 3
    assert ledger.stock("A") == [
        StockRow(sku_id="A", node_id="N1", on_hand=5, reserved=0, safety_stock=0),
        StockRow(sku_id="A", node_id="N2", on_hand=9, reserved=0, safety_stock=4),
    ]
    assert ledger.changes(0) == [
        Change(version=1, sku_id="A", node_id="N1", available=5, delta=5, cause="stock"),
        Change(version=2, sku_id="A", node_id="N2", available=5, delta=5, cause="stock"),
        Change(version=3, sku_id="C", node_id="N1", available=-3, delta=-3, cause="stock"),
    ]
    assert ledger.stock("D")[0].available == 0, "a row without units for sale is a row, but no change"
    assert columns_of(ledger) == [
        3,
        ["A", "C", "D"],
        ["N1", "N2"],
        [0, 0, 1, 2],
        [0, 1, 0, 0],
        [5, 5, -3, 0],
    ]
    audit(ledger, "ACD")


def test_life_goes_on_after_a_load(ledger: Ledger, clock: VirtualClock) -> None:
    ledger.load(SMALL)
    first = ledger.reserve(request(hold("A", "N1", 5), hold("A", "N2", 5), request_id="q"))
    assert first.code is ReserveCode.HELD
    assert ledger.reserve(request(hold("A", "N2", 1))).shortages == (hold("A", "N2", 0),)
    # Old rows, a new row of old ids, and new ids.
    new_rows = [stock_of("C", "N1", 8), stock_of("C", "N2", 1), stock_of("B", "N3", 1)]
    assert ledger.update_stock("", new_rows) == 8
    ledger.confirm(held_id(first))
    ledger.reserve(request(hold("B", "N3", 1)))
    clock.now += 60
    assert ledger.expire() == 1
    assert [row.available for row in ledger.stock("C")] == [5, 1]
    audit(ledger, "ABCD")


@pytest.mark.parametrize("load", [SMALL, MANY, load_of({})])
def test_a_load_is_what_the_same_updates_are(ledger: Ledger, clock: VirtualClock, load: StockLoad) -> None:
    spoken_out = MemoryLedger(clock)
    for _, updates in updates_of(load, 20_000):
        spoken_out.update_stock("", updates)
    assert ledger.load(load) == spoken_out.version()
    assert_same(ledger, spoken_out, load)


def assert_same(ledger: Ledger, other: Ledger, load: StockLoad) -> None:
    assert all_changes(ledger) == all_changes(other)
    assert columns_of(ledger) == columns_of(other)
    assert [ledger.stock(sku_id) for sku_id in load.sku_ids] == [other.stock(s) for s in load.sku_ids]


units = st.integers(0, 5) | st.just(10**9)
cells = st.tuples(st.sampled_from(["A", "'", "b\x00", "é", "Z"]), st.sampled_from(["N1", "N2", "N3", "日本"]))


@given(rows=st.dictionaries(cells, st.tuples(units, units)), chunk_rows=st.sampled_from([1, 5, 16, 17, 100]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_load_in_chunks_of_any_size(
    tmp_path_factory: pytest.TempPathFactory,
    rows: dict[tuple[str, str], tuple[int, int]],
    chunk_rows: int,
) -> None:
    load, clock = load_of(rows), VirtualClock()
    ledger = SqliteLedger(tmp_path_factory.mktemp("load") / "ledger.db", clock)
    memory = MemoryLedger(clock)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.ledger.sqlite_load.CHUNK_ROWS", chunk_rows)
        patch.setattr("server.ledger.memory.ROWS_PER_STEP", chunk_rows)
        assert ledger.load(load) == memory.load(load)
    assert_same(ledger, memory, load)
    audit(ledger, load.sku_ids)
    ledger.close()


def test_ids_without_a_row_are_left_out(ledger: Ledger) -> None:
    ledger.load(replace(SMALL, sku_ids=[*SMALL.sku_ids, "unused"], node_ids=[*SMALL.node_ids, "unused"]))
    assert columns_of(ledger)[1:3] == [["A", "C", "D"], ["N1", "N2"]]
    assert ledger.update_stock("", [stock_of("unused", "unused", 1), stock_of("new", "new", 2)]) == 5
    assert [row.on_hand for row in ledger.stock("unused")] == [1]
    audit(ledger, ["A", "C", "D", "new", "unused"])


@pytest.mark.parametrize("on_hand", [0, 1])
def test_only_an_empty_ledger_loads(ledger: Ledger, on_hand: int) -> None:
    ledger.update_stock("", [stock_of("A", "N9", on_hand)])
    before = columns_of(ledger), all_changes(ledger)
    with pytest.raises(InvalidInput) as raised:
        ledger.load(SMALL)
    assert raised.value.reason == "LEDGER_NOT_EMPTY"
    assert (columns_of(ledger), all_changes(ledger)) == before
    assert ledger.reserve(request(hold("A", "N9", 1))).code is (
        ReserveCode.HELD if on_hand else ReserveCode.SOLD_OUT
    )


def test_a_load_without_rows_leaves_an_empty_ledger(ledger: Ledger) -> None:
    assert ledger.load(load_of({})) == 0
    assert_empty(ledger)
    ledger.update_stock("feed", [])
    assert ledger.load(SMALL) == 3
    assert ledger.update_stock("feed", []) == 0, "a retry is answered as the first time"


def test_everything_wrong_is_named_and_nothing_is_loaded(ledger: Ledger) -> None:
    wrong = StockLoad(
        sku_ids=["A", "", "A", "é" * 65],
        node_ids=["N1", "\ud800"],
        sku_ix=np.array([0, 0, 0, 1, 4], np.int32),
        node_ix=np.array([0, 0, -1, 2, 0], np.int32),
        on_hand=np.array([-1, 10**9 + 1, 0, 10**9, 0], np.int32),
        safety_stock=np.array([0, 0, 0, 10**9, -2], np.int32),
    )
    with pytest.raises(InvalidInput) as raised:
        ledger.load(wrong)
    assert [violation.field for violation in raised.value.violations] == [
        "sku_ids[1]",
        "sku_ids[2]",
        "sku_ids[3]",
        "node_ids[1]",
        "sku_ix[4]",
        "node_ix[2]",
        "node_ix[3]",
        "on_hand[0]",
        "on_hand[1]",
        "safety_stock[4]",
        "rows[1]",
        "rows[2]",
    ]
    assert_empty(ledger)


def test_columns_of_different_lengths(ledger: Ledger) -> None:
    with pytest.raises(InvalidInput) as raised:
        ledger.load(replace(SMALL, node_ix=SMALL.node_ix[:2], safety_stock=SMALL.safety_stock[1:]))
    assert [violation.field for violation in raised.value.violations] == ["node_ix", "safety_stock"]
    assert_empty(ledger)


def test_of_very_many_mistakes_the_first_are_named(ledger: Ledger) -> None:
    with pytest.raises(InvalidInput) as raised:
        ledger.load(replace(MANY, on_hand=np.full(len(MANY), -1, np.int32)))
    assert len(raised.value.violations) == MAX_NAMED < len(MANY)
    assert raised.value.violations[-1].field == f"on_hand[{MAX_NAMED - 1}]"


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.ledger.sqlite_load.CHUNK_ROWS", 100)
    monkeypatch.setattr("server.ledger.memory.ROWS_PER_STEP", 100)
    monkeypatch.setattr("server.ledger.postgres.CHUNK_ROWS", 100)


@pytest.mark.usefixtures("small_steps")
def test_progress_is_told(ledger: Ledger) -> None:
    told: list[tuple[int, int]] = []
    ledger.load(MANY, lambda done_count, row_count: told.append((done_count, row_count)))
    assert told == [(100, 334), (200, 334), (300, 334), (334, 334)]


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("at_count", [100, 334])
def test_a_load_that_is_stopped_leaves_nothing(
    ledger: Ledger, stop: type[BaseException], at_count: int
) -> None:
    def progress(done_count: int, row_count: int) -> None:
        if done_count == at_count:
            raise stop

    with pytest.raises(stop):
        ledger.load(MANY, progress)
    assert_empty(ledger)
    assert ledger.update_stock("", [stock_of("s9", "n9", 3)]) == 1
    audit(ledger, ["s9"])


def test_of_two_loads_at_once_one_wins(ledger: Ledger) -> None:
    answers = at_once(4, lambda _: ledger.load(MANY))
    refused = [answer for answer in answers if isinstance(answer, InvalidInput)]
    assert [error.reason for error in refused] == ["LEDGER_NOT_EMPTY"] * 3
    assert successes(answer for answer in answers if answer not in refused) == [ledger.version()]
    audit(ledger, MANY.sku_ids)


def test_a_loaded_file_is_found_again(path: Path, clock: VirtualClock) -> None:
    ledger = SqliteLedger(path, clock)
    ledger.load(MANY)
    before = columns_of(ledger), all_changes(ledger)
    assert ledger.commit_count == 1
    ledger.close()
    ledger = SqliteLedger(path, clock)
    assert (columns_of(ledger), all_changes(ledger)) == before
    audit(ledger, MANY.sku_ids)
    ledger.close()
