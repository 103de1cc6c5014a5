"""A database that has no ledger yet: it is filled once, whole or not at all, whoever comes first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.postgres_server import drop_database, new_database
from router.errors import LedgerUnusable
from router.ledger import Ledger
from server.config import Config, load_config
from server.config_ledger import Database
from server.opening import Inputs, open_ledger, read_inputs, silent
from tests.contract.ledger_tools import START, VirtualClock, hold, request
from tests.e2e.files import write_shop

ROW_COUNT = 1_200
"""Of the shop's stock file."""
RECEIPTS = "sku_id,node_id,expected_at,units\nsku-001,store-paris,2030-01-01T08:00:00Z,40\n"


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Config]:
    (tmp_path / "receipts.csv").write_text(RECEIPTS)
    url = new_database()
    shop = load_config(write_shop(tmp_path / "shop"), environ={})
    yield replace(shop, ledger=Database(url), receipts=tmp_path / "receipts.csv")
    drop_database(url)


@pytest.fixture
def inputs(config: Config) -> Inputs:
    return read_inputs(config, START)


def rows_of(ledger: Ledger) -> list[tuple[str, int]]:
    return [(row.node_id, row.on_hand) for row in ledger.stock("sku-001")]


def test_a_new_database_gets_stock_and_receipts_once(
    config: Config, inputs: Inputs, clock: VirtualClock
) -> None:
    steps: list[str] = []

    def report(step: str) -> Callable[[int, int | None], None]:
        steps.append(step)
        return silent(step)  # type: ignore[return-value]

    first = open_ledger(config, inputs, clock, report)
    assert steps == ["reading stock", "writing stock"]
    assert ("store-paris@2030-01-01T08:00:00Z", 40) in rows_of(first)
    assert len(first.columns().sku_ix) == ROW_COUNT + 1
    taken = first.reserve(request(hold("sku-001", "store-paris", 3))).reservation
    assert taken is not None
    first.close()
    again = open_ledger(config, inputs, clock, report)
    assert steps == ["reading stock", "writing stock"]
    assert again.find(taken.reservation_id) == taken
    again.close()


def test_of_several_first_starts_one_fills_it(config: Config, inputs: Inputs, clock: VirtualClock) -> None:
    ready, ledgers = threading.Barrier(3), list[Ledger]()

    def report(step: str) -> Callable[[int, int | None], None]:
        if step == "writing stock":
            ready.wait(60)
        return silent(step)  # type: ignore[return-value]

    def start() -> None:
        ledgers.append(open_ledger(config, inputs, clock, report))

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(ledger.columns().sku_ix) for ledger in ledgers] == [ROW_COUNT + 1] * 3
    assert len({ledger.version() for ledger in ledgers}) == 1
    for ledger in ledgers:
        ledger.close()


def test_a_fill_that_breaks_off_leaves_nothing(config: Config, inputs: Inputs, clock: VirtualClock) -> None:
    class KilledError(Exception):
        pass

    def killing(step: str) -> Callable[[int, int | None], None]:
        def told(done: int, total: int | None) -> None:
            if step == "writing stock":
                raise KilledError

        return told

    with pytest.raises(KilledError):
        open_ledger(config, inputs, clock, killing)
    whole = open_ledger(config, inputs, clock)
    assert len(whole.columns().sku_ix) == ROW_COUNT + 1
    whole.close()


def test_a_database_that_is_not_there_is_told_without_its_password(
    config: Config, inputs: Inputs, clock: VirtualClock
) -> None:
    nowhere = replace(config, ledger=Database("postgresql://me:hush@localhost:1/stock"))
    with pytest.raises(LedgerUnusable, match="ledger in PostgreSQL") as refused:
        open_ledger(nowhere, inputs, clock)
    assert "hush" not in str(refused.value)
