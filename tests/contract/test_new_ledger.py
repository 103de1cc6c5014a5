"""A ledger that does not exist yet: what is left of an older one, and several processes at once."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from router.errors import LedgerUnusable
from router.ledger import Ledger
from server.config import Config, load_config
from server.ledger import SqliteLedger
from server.ledger.sqlite_file import beside
from server.opening import Inputs, open_ledger, read_inputs, silent
from tests.contract.ledger_tools import START, VirtualClock, hold, request
from tests.e2e.files import write_shop

ROW_COUNT = 1_200
"""Of the shop's stock file."""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(write_shop(tmp_path / "shop"), environ={})


@pytest.fixture
def inputs(config: Config) -> Inputs:
    return read_inputs(config, START)


@pytest.fixture
def path(config: Config) -> Path:
    assert config.ledger is not None
    return config.ledger


def rows_of(ledger: Ledger) -> int:
    count = len(ledger.columns().sku_ix)
    ledger.close()
    return count


def crash(path: Path, ledger: Ledger) -> None:
    """What a process that is killed leaves behind."""
    copies = [(beside(path, suffix), path.parent / f"kept{suffix}") for suffix in ("", "-wal", "-shm")]
    for file, copy in copies:
        shutil.copy(file, copy)
    ledger.close()
    for file, copy in copies:
        shutil.move(copy, file)


@pytest.mark.parametrize("emptied", [False, True])
def test_the_log_of_a_ledger_that_is_gone_is_neither_lost_nor_played_again(
    config: Config, inputs: Inputs, path: Path, clock: VirtualClock, emptied: bool
) -> None:
    ledger = open_ledger(config, inputs, clock)
    ledger.reserve(request(hold("sku-001", "store-paris", 7)))
    crash(path, ledger)
    away = path.with_name("away")
    path.rename(away)
    if emptied:
        path.touch()
    log = beside(path, "-wal").read_bytes()
    for stock in (config.stock, None):
        with pytest.raises(LedgerUnusable, match=r"remove ledger\.db\* to begin anew"):
            open_ledger(_with_stock(config, stock), inputs, clock)
    assert beside(path, "-wal").read_bytes() == log
    # Put back: nothing is lost.
    away.rename(path)
    again = open_ledger(config, inputs, clock)
    assert [row.reserved for row in again.stock("sku-001", ["store-paris"])] == [7]
    crash(path, again)
    # Removed with all that belongs to it: nothing comes back.
    for file in path.parent.glob("ledger.db*"):
        file.unlink()
    fresh = open_ledger(config, inputs, clock)
    assert [row.reserved for row in fresh.stock("sku-001", ["store-paris"])] == [0]
    assert rows_of(fresh) == ROW_COUNT


def _with_stock(config: Config, stock: Path | None) -> Config:
    values = {name: getattr(config, name) for name in config.__dataclass_fields__}
    return Config(**{**values, "stock": stock})


def test_a_journal_that_was_left_is_not_played_into_a_new_ledger(
    config: Config, inputs: Inputs, path: Path, clock: VirtualClock
) -> None:
    other = path.with_name("other")
    with closing(sqlite3.connect(other)) as db:
        db.executescript("PRAGMA cache_size = 1; CREATE TABLE t (x); BEGIN;")
        db.executemany("INSERT INTO t VALUES (?)", [("x" * 1_000,) for _ in range(500)])
        shutil.copy(beside(other, "-journal"), beside(path, "-journal"))
    assert beside(path, "-journal").stat().st_size > 0
    beside(path, "-shm").write_bytes(b"\1" * 32_768)
    assert rows_of(open_ledger(config, inputs, clock)) == ROW_COUNT
    assert rows_of(open_ledger(config, inputs, clock)) == ROW_COUNT


def test_an_empty_file_is_no_ledger_yet(
    config: Config, inputs: Inputs, path: Path, clock: VirtualClock
) -> None:
    path.touch()
    assert rows_of(open_ledger(config, inputs, clock)) == ROW_COUNT


def test_a_folder_that_cannot_be_written_is_told(
    config: Config, inputs: Inputs, path: Path, clock: VirtualClock
) -> None:
    making = path.with_name("ledger.db.making")
    making.mkdir()
    with pytest.raises(LedgerUnusable, match="cannot be made"):
        open_ledger(config, inputs, clock)


def test_of_several_first_starts_one_makes_the_ledger_and_the_others_open_it(
    config: Config, inputs: Inputs, path: Path, clock: VirtualClock
) -> None:
    writing, waiting = threading.Event(), threading.Event()
    steps: dict[str, list[str]] = {"first": [], "second": []}
    ledgers: dict[str, SqliteLedger] = {}

    def start(name: str) -> None:
        def report(step: str) -> object:
            steps[name].append(step)
            if step.startswith("waiting"):
                waiting.set()
            if step == "writing stock" and name == "first":
                writing.set()
                assert waiting.wait(30), "the second one went ahead"
            return silent(step)

        ledgers[name] = open_ledger(config, inputs, clock, report)  # type: ignore[arg-type,assignment]

    threads = [threading.Thread(target=start, args=(name,)) for name in steps]
    threads[0].start()
    assert writing.wait(30)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert steps["first"] == ["reading stock", "writing stock"]
    assert steps["second"] == ["waiting for the ledger that another process makes"]
    taken = ledgers["first"].reserve(request(hold("sku-001", "store-paris", 3)))
    assert taken.reservation is not None
    assert ledgers["second"].find(taken.reservation.reservation_id) == taken.reservation
    assert [rows_of(ledger) for ledger in ledgers.values()] == [ROW_COUNT, ROW_COUNT]
    assert sorted(file.name for file in path.parent.glob("ledger.db*")) == ["ledger.db"]


def test_what_a_killed_first_start_left_is_no_hindrance(
    config: Config, inputs: Inputs, path: Path, clock: VirtualClock
) -> None:
    SqliteLedger(path.with_name("ledger.db.making"), clock).close()
    beside(path, ".making-wal").write_bytes(b"half a log")
    assert rows_of(open_ledger(config, inputs, clock)) == ROW_COUNT
    assert sorted(file.name for file in path.parent.glob("ledger.db*")) == ["ledger.db"]
