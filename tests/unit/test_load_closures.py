"""Closures of single nodes from files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from router.errors import InvalidConfig
from server.load.closures import read_closures


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (",2026-07-01,", ["node_id: is empty"]),
        ("store-pari,2026-07-01,", ["node_id: no node 'store-pari'; did you mean 'store-paris'?"]),
        ("store-paris,,", ["from: is empty"]),
        ("store-paris,1.7.2026,", ['from: must be a date such as "2026-12-24", is \'1.7.2026\'']),
        ("store-paris,2026-07-01,2026-06-31", ["to: there is no date '2026-06-31'"]),
        ("store-paris,2026-07-01,2026-06-30", ["to: must not be before 2026-07-01, is 2026-06-30"]),
        ("store-paris,2026-07-01,2036-07-01", ["to: covers 3654 dates, at most 1830"]),
        ("x,2026-02-30,y", ["node_id: no node 'x'", "from: there is no date '2026-02-30'",
                            'to: must be a date such as "2026-12-24", is \'y\'']),
    ],
)  # fmt: skip
def test_mistakes_of_a_closure_name_line_and_column(tmp_path: Path, row: str, expected: list[str]) -> None:
    path = tmp_path / "closures.csv"
    path.write_text(f"node_id,from,to\nstore-paris,2026-01-01,\n{row}\nstore-paris\n", encoding="utf-8")
    with pytest.raises(InvalidConfig) as raised:
        read_closures(path, {"store-paris"})
    found = [str(violation) for violation in raised.value.violations]
    assert found == [*(f"{path}:3 {line}" for line in expected), f"{path}:4: has 1 values, must have 3"]


def test_closures_need_their_columns_and_may_do_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "closures.csv"
    path.write_text("node_id,from\na,2026-07-01\n", encoding="utf-8")
    assert read_closures(path, {"a", "b"}) == {"a": {date(2026, 7, 1).toordinal()}}
    path.write_text("node,until\n", encoding="utf-8")
    with pytest.raises(InvalidConfig, match=r"node_id: the column is missing.*from: the column is missing"):
        read_closures(path, set())


def test_closures_may_be_parquet_with_dates(tmp_path: Path) -> None:
    path = tmp_path / "closures.parquet"
    first, last = date(2026, 7, 1), date(2026, 7, 2)
    pa_parquet.write_table(
        pa.table({"node_id": ["a", "b"], "from": [first, first], "to": [last, None]}), path
    )
    both = {first.toordinal(), last.toordinal()}
    assert read_closures(path, {"a", "b"}) == {"a": both, "b": {first.toordinal()}}
