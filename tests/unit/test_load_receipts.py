"""Receipts from files: what a row may say, and what becomes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from router.catalogue import Catalogue, Sku
from router.domain import NodeType
from router.errors import InvalidConfig
from router.ledger import StockUpdate
from router.network import Node
from server.load.receipts import Receipt, read_receipts, receipt_updates

HEAD = "sku_id,node_id,expected_at,units\n"
NODES = tuple(
    Node(
        node_id=node_id,
        node_type=NodeType.STORE,
        country="FR",
        latitude=48.0,
        longitude=2.0,
        safety_stock_units=units,
    )
    for node_id, units in (("paris", 2), ("lyon", 0))
)
EIGHT = int(datetime(2026, 12, 1, 8, tzinfo=UTC).timestamp())


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue.from_skus([Sku(sku_id=sku_id, weight_grams=1) for sku_id in ("tent", "lamp")])


def read(tmp_path: Path, catalogue: Catalogue, rows: str, head: str = HEAD) -> tuple[Receipt, ...]:
    path = tmp_path / "receipts.csv"
    path.write_text(head + rows, encoding="utf-8")
    return read_receipts(path, catalogue, NODES)


def test_receipts_come_in_the_order_of_the_file(tmp_path: Path, catalogue: Catalogue) -> None:
    rows = "tent,paris,2026-12-01T09:00:00+01:00,5\ntent,paris,2026-12-01T08:00:01Z,0\n"
    rows += "lamp,lyon,2026-12-01 08:00:00Z,1\n"
    assert read(tmp_path, catalogue, rows) == (
        Receipt("tent", "paris", EIGHT, 5),
        Receipt("tent", "paris", EIGHT + 1, 0),
        Receipt("lamp", "lyon", EIGHT, 1),
    )


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (",,,", ["sku_id: is empty", "node_id: is empty", "expected_at: is empty", "units: is empty"]),
        ("tents,pari,2026-12-01T08:00:00Z,1", ["sku_id: no SKU 'tents'",
                                               "node_id: no node 'pari'; did you mean 'paris'?"]),
        ("tent,lyon,2026-12-01,1", ['expected_at: must be an instant such as "2026-12-24T18:00:00Z" or '
                                    "\"...+01:00\", is '2026-12-01'"]),
        ("tent,lyon,2026-12-01T08:00:00.5Z,1", ["expected_at: must be an instant such as "
                                                '"2026-12-24T18:00:00Z" or '
                                                "\"...+01:00\", is '2026-12-01T08:00:00.5Z'"]),
        ("tent,lyon,2026-02-30T08:00:00Z,1", ["expected_at: there is no instant '2026-02-30T08:00:00Z'"]),
        ("tent,lyon,1999-12-31T23:59:59Z,1", ["expected_at: 1999-12-31T23:59:59Z is not within "
                                              "2000-01-01..2100-01-01"]),
        ("tent,lyon,2026-12-01T08:00:00Z,-1", ["units: -1 is not within 0..1000000000"]),
        ("tent,paris,2026-12-01T09:00:00+01:00,7", ["expected_at: is the same receipt as in receipts.csv:2"]),
    ],
)  # fmt: skip
def test_mistakes_of_a_receipt_name_line_and_column(
    tmp_path: Path, catalogue: Catalogue, row: str, expected: list[str]
) -> None:
    with pytest.raises(InvalidConfig) as raised:
        read(tmp_path, catalogue, f"tent,paris,2026-12-01T08:00:00Z,1\n{row}\nlamp\n")
    found = [str(violation).replace(f"{tmp_path}/", "") for violation in raised.value.violations]
    wrong = [*(f"receipts.csv:3 {line}" for line in expected), "receipts.csv:4: has 1 values, must have 4"]
    assert sorted(found) == sorted(wrong)


def test_every_column_is_required(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(InvalidConfig) as raised:
        read(tmp_path, catalogue, "", "sku_id,node_id,when,units\n")
    found = [str(violation).replace(f"{tmp_path}/", "") for violation in raised.value.violations]
    assert found == [
        "receipts.csv:1 expected_at: the column is missing",
        "receipts.csv:1: unknown column 'when'; known are sku_id, node_id, expected_at, units",
    ]


def test_receipts_may_be_parquet_with_instants(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "receipts.parquet"
    at = pa.array([datetime(2026, 12, 1, 8, tzinfo=UTC)], pa.timestamp("s", tz="UTC"))
    columns = {"sku_id": ["tent"], "node_id": ["paris"], "expected_at": at, "units": [5]}
    pa_parquet.write_table(pa.table(columns), path)
    assert read_receipts(path, catalogue, NODES) == (Receipt("tent", "paris", EIGHT, 5),)


def test_updates_come_in_steps_and_know_the_safety_stock_of_their_nodes() -> None:
    receipts = [Receipt("tent", "paris", EIGHT, 5), Receipt("tent", "lyon", EIGHT, 6)]
    receipts.append(Receipt("lamp", "paris", EIGHT + 1, 7))
    steps = list(receipt_updates(receipts, NODES, 2))
    assert [done for done, _ in steps] == [2, 3]
    assert [update for _, updates in steps for update in updates] == [
        StockUpdate(sku_id=sku, node_id=place, on_hand=units, new_row_safety_stock=safety)
        for sku, place, units, safety in (
            ("tent", "paris@2026-12-01T08:00:00Z", 5, 2),
            ("tent", "lyon@2026-12-01T08:00:00Z", 6, 0),
            ("lamp", "paris@2026-12-01T08:00:01Z", 7, 2),
        )
    ]
