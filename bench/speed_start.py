"""(g) Start over ten million stock rows: from the copy of the stock and the log since, against reading every
row of the ledger."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from bench.memory import NODES, sku_ids, write_skus
from bench.spec import BenchSpec, Report, Result, Sheet
from bench.synthetic import NOW_SECONDS, RULES, make_network
from router.ledger import StockLoad, StockUpdate
from router.snapshot import Snapshot
from router.solver.limits import SearchLimits
from server.ledger import SqliteLedger
from server.load.catalogue import read_catalogue
from server.opening import Inputs, snapshot_of
from server.stock_copy import columns_with_copy
from server.world import Settings, World

CHANGES = 50_000
"""Since the copy was made."""
SETTINGS = Settings(
    hold_seconds=900,
    collect_hold_seconds=900,
    reserve_attempts=1,
    max_orders_per_call=1,
    search=SearchLimits(),
)


def run(smoke: bool, report: Report) -> Result:
    """Both in one run, over one file."""
    skus = 1_000 if smoke else 200_000
    changes = 100 if smoke else CHANGES
    with tempfile.TemporaryDirectory(prefix="sourcier-bench-") as name:
        folder = Path(name)
        report(f"writing {skus * NODES:,} rows")
        write_skus(folder / "skus.parquet", skus)
        network = make_network(np.random.default_rng(1), NODES)
        inputs = Inputs(network, "EUR", read_catalogue(folder / "skus.parquet"), RULES, ())
        ledger = SqliteLedger(folder / "ledger.db", lambda: NOW_SECONDS)
        names = [node.node_id for node in network.nodes]
        ledger.load(rows_of(skus, names))
        copy = folder / "stock.copy"
        columns_with_copy(ledger, copy)
        report(f"changing {changes:,} rows")
        for start in range(0, changes, 10_000):
            ledger.update_stock(
                "", [changed(i, skus, names) for i in range(start, min(changes, start + 10_000))]
            )
        found: dict[str, tuple[float, Snapshot]] = {}
        for way, path in (("every row of the ledger", None), ("the copy and the log since", copy)):
            report(way)
            began = time.perf_counter()
            snapshot = snapshot_of(columns_with_copy(ledger, path), inputs, NOW_SECONDS)
            world = World(snapshot, ledger, lambda: NOW_SECONDS, SETTINGS)
            world.follow()
            found[way] = time.perf_counter() - began, world.snapshot
        ledger.close()
        size = copy.stat().st_size
    (slow, first), (fast, second) = found.values()
    if not np.array_equal(first.stock.available, second.stock.available):
        raise RuntimeError("the two starts see different stock")
    rows = [(way, f"{seconds:.1f}", f"{slow / seconds:.1f}") for way, (seconds, _) in found.items()]
    title = f"(g) start over {len(first.stock):,} rows, {changes:,} of them changed since the copy was made"
    note = f"the copy has {size / 1e6:,.0f} MB"
    sheet = Sheet(title=title, headings=("reads", "seconds", "times faster"), rows=rows, note=note)
    return Result(sheets=[sheet], figures={"ledger_seconds": slow, "copy_seconds": fast})


def rows_of(skus: int, nodes: list[str]) -> StockLoad:
    """Every SKU at every node."""
    count = skus * len(nodes)
    rng = np.random.default_rng(1)
    rows = np.arange(count, dtype=np.int32)
    return StockLoad(
        sku_ids=sku_ids(skus).to_pylist(),
        node_ids=nodes,
        sku_ix=rows // len(nodes),
        node_ix=rows % len(nodes),
        on_hand=rng.integers(0, 50, count, dtype=np.int32),
        safety_stock=np.zeros(count, np.int32),
    )


def changed(number: int, skus: int, nodes: list[str]) -> StockUpdate:
    """Rows all over the stock."""
    sku = number * 7_919 % skus
    return StockUpdate(sku_id=f"sku-{sku:06d}", node_id=nodes[number % len(nodes)], on_hand=100 + number % 7)


SPEC = BenchSpec(name="start", what="a start over ten million rows", run=run)
