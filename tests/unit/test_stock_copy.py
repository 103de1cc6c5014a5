"""The copy of the stock beside a ledger: what a start makes of it."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from router.ledger import Ledger, StockColumns, StockUpdate
from server import stock_copy
from server.config import Config, load_config
from server.ledger import MemoryLedger, SqliteLedger
from server.opening import open_world, read_inputs
from server.stock_copy import columns_with_copy, read_copy, write_copy
from tests.e2e.files import write_shop

NOW = 1_750_000_000
RECEIPTS = "sku_id,node_id,expected_at,units\nsku-003,dc-lyon,2030-01-01T08:00:00Z,4\n"


def filled(path: Path) -> SqliteLedger:
    ledger = SqliteLedger(path, lambda: NOW)
    ledger.update_stock(
        "", [update("A", "N1", 5), update("A", "é@2030-01-01T00:00:00Z", 3), update("B", "N1", 0)]
    )
    return ledger


def update(sku_id: str, node_id: str, units: int) -> StockUpdate:
    return StockUpdate(sku_id=sku_id, node_id=node_id, on_hand=units)


def rows(columns: StockColumns) -> dict[tuple[str, str], int]:
    cells = zip(columns.sku_ix.tolist(), columns.node_ix.tolist(), columns.available.tolist(), strict=True)
    return {(columns.sku_ids[s], columns.node_ids[n]): units for s, n, units in cells}


def no_read(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on nobody may read all rows."""

    def refuse() -> StockColumns:
        raise AssertionError("all rows were read")

    monkeypatch.setattr(ledger, "columns", refuse)


def test_the_second_start_reads_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, copy = filled(tmp_path / "ledger.db"), tmp_path / "stock.copy"
    first = columns_with_copy(ledger, copy)
    ledger.update_stock("", [update("A", "N1", 4)])
    no_read(ledger, monkeypatch)
    second = columns_with_copy(ledger, copy)
    assert (second.version, rows(second)) == (first.version, rows(first))
    assert {second.sku_ix.dtype, second.node_ix.dtype, second.available.dtype} == {np.dtype(np.int32)}
    assert [change.available for change in ledger.changes(second.version)] == [4]
    assert sorted(file.name for file in tmp_path.glob("stock*")) == ["stock.copy"]
    ledger.close()


def test_a_copy_of_another_ledger_or_of_its_future_is_not_taken(tmp_path: Path) -> None:
    ledger, other = filled(tmp_path / "ledger.db"), filled(tmp_path / "other.db")
    copy = tmp_path / "stock.copy"
    other.update_stock("", [update("A", "N1", 77)])
    write_copy(copy, other.ledger_id(), other.columns())
    assert rows(columns_with_copy(ledger, copy)) == rows(ledger.columns())
    # A ledger that was put back from a backup is behind its copy.
    write_copy(copy, ledger.ledger_id(), replace(other.columns(), version=99))
    assert columns_with_copy(ledger, copy).version == ledger.version()
    assert read_copy(copy, ledger.ledger_id()) is not None
    assert MemoryLedger(lambda: NOW).ledger_id() != MemoryLedger(lambda: NOW).ledger_id()
    ledger.close()
    other.close()


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half a file", None])
def test_a_damaged_copy_is_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    ledger, copy = filled(tmp_path / "ledger.db"), tmp_path / "stock.copy"
    columns_with_copy(ledger, copy)
    whole = copy.read_bytes()
    copy.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert read_copy(copy, ledger.ledger_id()) is None
    assert rows(columns_with_copy(ledger, copy)) == rows(ledger.columns())
    assert read_copy(copy, ledger.ledger_id()) is not None
    ledger.close()


def test_one_that_is_far_behind_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, copy = filled(tmp_path / "ledger.db"), tmp_path / "stock.copy"
    columns_with_copy(ledger, copy)
    monkeypatch.setattr(stock_copy, "MAX_CHANGES", 2)
    for units in (1, 2, 3):
        ledger.update_stock("", [update("A", "N1", units)])
    assert columns_with_copy(ledger, copy).version == ledger.version()
    ledger.close()


def test_where_it_cannot_be_written_there_is_none(tmp_path: Path) -> None:
    ledger = filled(tmp_path / "ledger.db")
    nowhere = tmp_path / "gone" / "stock.copy"
    assert rows(columns_with_copy(ledger, nowhere)) == rows(ledger.columns())
    assert columns_with_copy(ledger, None).version == ledger.version()
    ledger.close()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = write_shop(
        tmp_path / "shop",
        receipts="sku_id,node_id,expected_at,units\nsku-003,dc-lyon,2030-01-01T08:00:00Z,4\n",
    )
    path.write_text(path.read_text().replace("{path: ledger.db}", "{path: ledger.db, stock_copy: kept.copy}"))
    return load_config(path, environ={})


def test_a_server_starts_from_it_with_all_that_happened_since(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = read_inputs(config, NOW)
    first = open_world(config, inputs, lambda: NOW)
    changed = [
        update("sku-001", "store-paris", 1),
        update("nowhere-1", "dc-lyon", 6),
        update("gone", "dc-lyon", 2),
    ]
    first.ledger.update_stock("", changed)
    first.ledger.update_stock("", [update("sku-003", "dc-lyon@2030-01-01T08:00:00Z", 9)])
    first.follow()
    first.ledger.close()
    monkeypatch.setattr(SqliteLedger, "columns", lambda self: threading.Barrier(0))
    again = open_world(config, inputs, lambda: NOW)
    for sku, node in (("sku-001", "store-paris"), ("nowhere-1", "dc-lyon"), ("sku-002", "dc-lyon")):
        assert again.snapshot.available(sku, node) == first.snapshot.available(sku, node)
    assert again.snapshot.stock.version == first.snapshot.stock.version
    sku_ix = again.snapshot.catalogue.ids.find("sku-003")
    assert again.snapshot.receipts.of(sku_ix) == first.snapshot.receipts.of(sku_ix)
    again.ledger.close()
