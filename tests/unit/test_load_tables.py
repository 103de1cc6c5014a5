"""SKU tables and stock feeds: what they become, and where their mistakes are said to be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.catalogue import Catalogue, Sku
from router.columns import IdIndex
from router.domain import NodeType
from router.errors import InvalidConfig
from router.network import Node
from router.rules.validate import MAX_VIOLATIONS
from server.load.catalogue import read_catalogue
from server.load.stock import read_stock

CATALOGUE = Catalogue.from_skus([Sku(sku_id=f"S{i}", weight_grams=1) for i in range(3)])
NODES = [
    Node(
        node_id=f"n{i}",
        node_type=NodeType.STORE,
        country="FR",
        latitude=0.0,
        longitude=0.0,
        safety_stock_units=i,
    )
    for i in range(3)
]


def mistakes(path: Path, read: Callable[[Path], object]) -> list[str]:
    with pytest.raises(InvalidConfig) as raised:
        read(path)
    return [str(violation).replace(str(path), path.name) for violation in raised.value.violations]


def sku_mistakes(tmp_path: Path, text: str | bytes) -> list[str]:
    path = tmp_path / "skus.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return mistakes(path, read_catalogue)


def stock_mistakes(tmp_path: Path, text: str | bytes) -> list[str]:
    path = tmp_path / "stock.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return mistakes(path, lambda p: read_stock(p, CATALOGUE, NODES))


def test_skus_become_columns(tmp_path: Path) -> None:
    path = tmp_path / "skus.csv"
    path.write_text(
        "\ufeffsku_id,labels,weight_grams,unit_value_cents\n"
        'B,cold; bulky,500,1999\n\n"A,1",,0,\né,bulky;cold,7,0\n',
        encoding="utf-8",
    )
    catalogue = read_catalogue(path)
    assert catalogue.ids.names() == ["B", "A,1", "é"]
    assert catalogue.sku("B") == Sku(
        sku_id="B", weight_grams=500, unit_value_cents=1999, labels=frozenset({"bulky", "cold"})
    )
    assert catalogue.sku("A,1") == Sku(sku_id="A,1", weight_grams=0)
    assert catalogue.sku("é").labels == {"bulky", "cold"}
    assert catalogue.label_sets == (frozenset(), frozenset({"bulky", "cold"}))


def test_optional_columns_of_skus_may_be_absent_and_a_table_may_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "skus.csv"
    path.write_text("weight_grams,sku_id\n5,A\n", encoding="utf-8")
    assert read_catalogue(path).sku("A") == Sku(sku_id="A", weight_grams=5)
    path.write_text("weight_grams,sku_id\n", encoding="utf-8")
    assert len(read_catalogue(path)) == 0


def test_all_mistakes_of_skus_at_once_with_their_lines(tmp_path: Path) -> None:
    text = (
        "sku_id,weight_grams,unit_value_cents,labels\n"
        "A,1,1,\n"
        "\n"
        "A,2,1,\n"
        ",3,1,\n"
        " B,,1,\n"
        "C,-1,1000000001,\n"
        "D,1,1\n"
        f"E,10000001,1,{'x' * 129};y\n"
        "F\x01,1.5,1,\n"
        "G,12kg,9223372036854775808,ok\n"
        "#orders,1,1,\n"
    )
    assert sku_mistakes(tmp_path, text) == [
        "skus.csv:4 sku_id: 'A' is given twice",
        "skus.csv:5 sku_id: is empty",
        "skus.csv:6 sku_id: must not begin or end with a space",
        "skus.csv:6 weight_grams: is empty",
        "skus.csv:7 weight_grams: -1 is not within 0..10000000",
        "skus.csv:7 unit_value_cents: 1000000001 is not within 0..1000000000",
        "skus.csv:8: has 3 values, must have 4",
        f"skus.csv:9 labels: '{'x' * 128}' is longer than 128 bytes",
        "skus.csv:9 weight_grams: 10000001 is not within 0..10000000",
        "skus.csv:10 sku_id: must not hold control characters",
        "skus.csv:10 weight_grams: '1.5' is not a whole number",
        "skus.csv:11 weight_grams: '12kg' is not a whole number",
        "skus.csv:11 unit_value_cents: '9223372036854775808' is not a whole number",
        "skus.csv:12 sku_id: must not begin with '#': rows about nodes do in the ledger",
    ]


def test_stock_becomes_columns_with_the_nodes_safety_stock(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_bytes(
        b"sku_id,node_id,on_hand,safety_stock\r\nS2,n1,7,\r\nS0,n2,0,5\r\n\r\nS2,n0,1000000000,0\r\n"
    )
    feed = read_stock(path, CATALOGUE, NODES)
    assert len(feed) == 3
    assert feed.sku_ix.tolist() == [2, 0, 2]
    assert feed.node_ix.tolist() == [1, 2, 0]
    assert feed.on_hand.tolist() == [7, 0, 1_000_000_000]
    assert feed.safety_stock.tolist() == [1, 5, 0]
    assert feed.is_stated.tolist() == [False, True, True]
    assert {c.dtype for c in (feed.sku_ix, feed.node_ix, feed.on_hand, feed.safety_stock)} == {
        np.dtype(np.int32)
    }
    path.write_text("sku_id,node_id,on_hand\nS0,n2,4\n", encoding="utf-8")
    feed = read_stock(path, CATALOGUE, NODES)
    assert (feed.safety_stock.tolist(), feed.is_stated.tolist()) == ([2], [False])


def test_all_mistakes_of_a_feed_at_once_with_their_lines(tmp_path: Path) -> None:
    text = (
        "sku_id,node_id,on_hand,safety_stock\n"
        "S0,n0,1,\n"
        "\n"
        "S9,n0,1,\n"
        "S1,nine,-5,\n"
        "S0,n0,2,\n"
        "S1,n1\n"
        ",n1,,x\n"
        "S1,n2,1000000001,-2\n"
        '"S2","n2",1e3,1\n'
        "S0,n0,3,\n"
    )
    assert stock_mistakes(tmp_path, text) == [
        "stock.csv:4 sku_id: no SKU 'S9'",
        "stock.csv:5 node_id: no node 'nine'",
        "stock.csv:5 on_hand: -5 is not within 0..1000000000",
        "stock.csv:6 node_id: 'S0' at node 'n0' is given twice",
        "stock.csv:7: has 2 values, must have 4",
        "stock.csv:8 sku_id: is empty",
        "stock.csv:8 on_hand: is empty",
        "stock.csv:8 safety_stock: 'x' is not a whole number",
        "stock.csv:9 on_hand: 1000000001 is not within 0..1000000000",
        "stock.csv:9 safety_stock: -2 is not within 0..1000000000",
        "stock.csv:10 on_hand: '1e3' is not a whole number",
        "stock.csv:11 node_id: 'S0' at node 'n0' is given twice",
    ]


def test_lines_are_right_across_batches_and_all_mistakes_are_counted(tmp_path: Path) -> None:
    """Some 9 MB: three blocks of the reader. Lines of other widths and blank lines shift the rows."""
    skus = Catalogue.from_skus([Sku(sku_id=f"S{i:06d}", weight_grams=1) for i in range(300_000)])
    pad = "0" * 15
    lines = ["sku_id,node_id,on_hand"] + [f"S{i:06d},n1,{pad}{i % 10}" for i in range(300_000)]
    lines[100] = ""
    lines[150_000] = "S000001,n1"
    lines[299_000] = f"X,n1,{pad}1"
    path = tmp_path / "stock.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert mistakes(path, lambda p: read_stock(p, skus, NODES)) == [
        "stock.csv:150001: has 2 values, must have 3",
        "stock.csv:299001 sku_id: no SKU 'X'",
    ]
    lines[1_000:] = [line.replace(",n1,", ",n7,") for line in lines[1_000:]]
    path.write_text("\n".join(lines), encoding="utf-8")
    found = mistakes(path, lambda p: read_stock(p, skus, NODES))
    assert found[0] == "stock.csv:1001 node_id: no node 'n7'"
    assert found[-2] == "stock.csv:1100 node_id: no node 'n7'"
    # 299,001 lines from 1,000 on have the node (but for the short one, which is wrong by itself) and one SKU.
    assert found[-1] == f"stock.csv: and {299_001 + 1 - MAX_VIOLATIONS} more"


def test_a_file_of_other_widths_throughout_is_told_in_full(tmp_path: Path) -> None:
    text = "sku_id,node_id,on_hand\n" + "".join(f"S0,n{i}\n" for i in range(3_000))
    found = stock_mistakes(tmp_path, text)
    assert found[:2] == ["stock.csv:2: has 2 values, must have 3", "stock.csv:3: has 2 values, must have 3"]
    assert found[MAX_VIOLATIONS:] == [f"stock.csv: and {3_000 - MAX_VIOLATIONS} more"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", ["stock.csv:1: is empty, must begin with a header line"]),
        (
            b"sku_id\tnode_id\ton_hand\n",
            ["stock.csv:1: its columns are separated by tabs, must be by commas"],
        ),
        (
            b"sku,node_id,on_hand,saftey_stock\n",
            [
                "stock.csv:1 sku_id: the column is missing",
                "stock.csv:1: unknown column 'sku'; did you mean 'sku_id'?",
                "stock.csv:1: unknown column 'saftey_stock'; did you mean 'safety_stock'?",
            ],
        ),
        (b"sku_id,node_id,on_hand\nS0,n0,1\nS\xe9,n0,1\n", ["stock.csv:3: is not UTF-8 text"]),
        ("sku_id,node_id\n".encode("utf-16"), ["stock.csv:1: is not UTF-8 text with a header line"]),
    ],
)
def test_feeds_that_cannot_be_read_say_why(tmp_path: Path, text: bytes, expected: list[str]) -> None:
    assert stock_mistakes(tmp_path, text) == expected


def test_missing_files_and_false_parquet_are_invalid_config(tmp_path: Path) -> None:
    (tmp_path / "stock.parquet").write_bytes(b"PAR1 not at all")
    for name in ("none.csv", "none.parquet", "stock.parquet"):
        (found,) = mistakes(tmp_path / name, lambda p: read_stock(p, CATALOGUE, NODES))
        assert found.startswith(f"{name}: cannot be read: ")


def parquet(path: Path, **columns: Any) -> Path:
    pa_parquet.write_table(pa.table(columns), path)
    return path


def test_parquet_feeds_of_any_fitting_type(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "stock.parquet",
        sku_id=pa.array(["S1", "S0"]).dictionary_encode(),
        node_id=pa.array(["n2", "n0"], pa.large_string()),
        on_hand=pa.array([4, 5], pa.uint8()),
        safety_stock=pa.array([float("nan"), 3.0]),
    )
    feed = read_stock(path, CATALOGUE, NODES)
    assert [feed.sku_ix.tolist(), feed.node_ix.tolist()] == [[1, 0], [2, 0]]
    assert [feed.on_hand.tolist(), feed.safety_stock.tolist()] == [[4, 5], [2, 3]]
    assert feed.is_stated.tolist() == [False, True]


def test_mistakes_of_parquet_feeds_name_the_row(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "stock.parquet",
        sku_id=["S1", None, "S0", "S0"],
        node_id=["n2", "n0", "n7", "n1"],
        on_hand=pa.array([1.5, 2.0, None, 2e30]),
        safety_stock=pa.array(["1", "", "?", None]),
    )
    assert mistakes(path, lambda p: read_stock(p, CATALOGUE, NODES)) == [
        "stock.parquet row 1 on_hand: 1.5 is not a whole number",
        "stock.parquet row 2 sku_id: is empty",
        "stock.parquet row 3 node_id: no node 'n7'",
        "stock.parquet row 3 on_hand: is empty",
        "stock.parquet row 3 safety_stock: '?' is not a whole number",
        "stock.parquet row 4 on_hand: 2e+30 is not a whole number",
    ]
    path = parquet(path, sku_id=[1], node_id=["n1"], on_hand=[True])
    assert mistakes(path, lambda p: read_stock(p, CATALOGUE, NODES)) == [
        "stock.parquet sku_id: must be a column of text, is int64",
        "stock.parquet on_hand: must be a column of whole numbers, is bool",
    ]


@pytest.fixture(scope="module")
def many_skus() -> Catalogue:
    count = 400_000
    ids = IdIndex.of([f"S{i:07d}" for i in range(count)])
    no_labels = np.zeros(count, np.int16)
    return Catalogue.of(ids, np.zeros(count, np.int32), np.zeros(count, np.int64), no_labels, (frozenset(),))


@pytest.mark.parametrize("name", ["stock.csv", "stock.parquet"])
def test_progress_rises_to_the_whole(tmp_path: Path, many_skus: Catalogue, name: str) -> None:
    count = len(many_skus)
    sku_ids = [f"S{i:07d}" for i in range(count)]
    columns = pa.table({"sku_id": sku_ids, "node_id": ["n1"] * count, "on_hand": [1] * count})
    path = tmp_path / name
    if name == "stock.csv":
        pa_csv.write_csv(columns, path)
    else:
        pa_parquet.write_table(columns, path)
    told: list[tuple[int, int]] = []
    assert len(read_stock(path, many_skus, NODES, lambda done, total: told.append((done, total)))) == 400_000
    done = [d for d, _ in told]
    assert len(told) > 1
    assert done == sorted(done)
    assert told[-1][0] == told[-1][1] == (path.stat().st_size if name == "stock.csv" else 400_000)
    assert all(d < total for d, total in told[:-1])


ROW = st.tuples(st.sampled_from(["S0", "S1", "S2"]), st.sampled_from(["n0", "n1", "n2"]), st.integers(0, 99))
JUNK = st.binary(max_size=12) | st.sampled_from(
    [b'"', b",", b"\n", b"\r", b"\r\n", b"\x00", b"\xff", b"-", b"9" * 30]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, max_size=6, unique_by=lambda r: r[:2]), at=st.integers(0, 90), junk=JUNK)
def test_any_bytes_load_or_are_invalid_config(
    tmp_path: Path, rows: list[tuple[str, str, int]], at: int, junk: bytes
) -> None:
    text = b"sku_id,node_id,on_hand\n" + b"".join(f"{s},{n},{q}\n".encode() for s, n, q in rows)
    path = tmp_path / "any.csv"
    path.write_bytes(text)
    assert len(read_stock(path, CATALOGUE, NODES)) == len(rows)
    path.write_bytes(text[:at] + junk + text[at:])
    try:
        read_stock(path, CATALOGUE, NODES)
    except InvalidConfig as error:
        fields = [violation.field for violation in error.violations]
    else:
        fields = []
    assert all(field.startswith(str(path)) for field in fields)
