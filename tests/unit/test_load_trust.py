"""Trust in nodes from files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from router.errors import InvalidConfig
from router.network import Trust
from server.load.network import load_network
from server.load.trust import read_trust

HEADER = "node_id,sku_label,acceptance_percent,stock_truth_percent"
NETWORK = """\
version: 1
currency: EUR
services:
  - {id: post, lanes: [{transit_hours: 1, brackets: [{up_to_grams: 1, cents: 1}]}]}
"""
NODES = "node_id,node_type,country,latitude,longitude,acceptance_percent,stock_truth_percent\n"


def written(folder: Path, *rows: str) -> Path:
    path = folder / "trust.csv"
    path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    return path


def test_rows_by_node_and_label(tmp_path: Path) -> None:
    path = written(tmp_path, "b,glass,90,", "a,tall,,80", "b,fresh,,", "a,glass,0,100")
    assert read_trust(path, {"a", "b", "c"}) == {
        "a": (
            Trust(sku_label="glass", acceptance_percent=0, stock_truth_percent=100),
            Trust(sku_label="tall", stock_truth_percent=80),
        ),
        "b": (Trust(sku_label="fresh"), Trust(sku_label="glass", acceptance_percent=90)),
    }


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("stor,glass,,", ["node_id: no node 'stor'; did you mean 'store'?"]),
        ("store,,,", ["sku_label: is empty"]),
        ("store,tall,101,-1", ["acceptance_percent: 101 is not within 0..100",
                               "stock_truth_percent: -1 is not within 0..100"]),
        ("store,tall,many,", ["acceptance_percent: 'many' is not a whole number"]),
        ("store,glass,1,1", ["sku_label: 'glass' of node 'store' is already stated in {file}:2"]),
    ],
)  # fmt: skip
def test_mistakes_name_line_and_column(tmp_path: Path, row: str, expected: list[str]) -> None:
    path = written(tmp_path, "store,glass,,", row)
    with pytest.raises(InvalidConfig) as raised:
        read_trust(path, {"store"})
    found = [str(violation) for violation in raised.value.violations]
    assert found == [f"{path}:3 {line}".replace("{file}", str(path)) for line in expected]


def test_trust_may_be_parquet(tmp_path: Path) -> None:
    path = tmp_path / "trust.parquet"
    columns = {"node_id": ["a"], "sku_label": ["glass"], "stock_truth_percent": [70]}
    pa_parquet.write_table(pa.table(columns), path)
    assert read_trust(path, {"a"}) == {"a": (Trust(sku_label="glass", stock_truth_percent=70),)}


def test_nodes_have_their_own_and_what_differs(tmp_path: Path) -> None:
    (tmp_path / "network.yaml").write_text(NETWORK, encoding="utf-8")
    (tmp_path / "nodes.csv").write_text(
        NODES + "a,STORE,FR,48,2,95,80\nb,STORE,FR,48,2,,\n", encoding="utf-8"
    )
    network, _ = load_network(
        tmp_path / "network.yaml",
        tmp_path / "nodes.csv",
        now_seconds=1_750_000_000,
        trust=written(tmp_path, "a,glass,50,"),
    )
    a, b = network.nodes
    assert (a.acceptance_percent, a.stock_truth_percent) == (95, 80)
    assert a.trust == (Trust(sku_label="glass", acceptance_percent=50),)
    assert (b.acceptance_percent, b.stock_truth_percent, b.trust) == (100, 100, ())
