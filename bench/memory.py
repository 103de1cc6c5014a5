"""Ten million stock rows: seconds to load, bytes a row that stay, and bytes a row at the worst moment.

Measured in a process of its own that has everything else in memory before: catalogue, network, the libraries
and the kernels, each used once on a small file.
"""

from __future__ import annotations

import ctypes
import gc
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.spec import BenchSpec, Report, Result, Sheet, Target
from bench.synthetic import RULES, make_network
from router.catalogue import Catalogue
from router.network import Network
from router.snapshot import Snapshot
from router.stock import Stock
from server.load.catalogue import read_catalogue
from server.load.stock import read_stock

NODES = 50
TARGET_BYTES_PER_ROW = 20
TARGET_SECONDS = 20
ORDERINGS = ("by SKU", "by node", "shuffled")
_WARM_SKUS = 20


@dataclass(frozen=True, slots=True)
class Loaded:
    """Of one load. retained_bytes, peak_bytes: resident memory above that of the process before (0 where the
    machine does not tell); array_bytes: of the stock's columns."""

    rows: int
    read_seconds: float
    build_seconds: float
    retained_bytes: int
    peak_bytes: int
    array_bytes: int


def run(smoke: bool, report: Report) -> Result:
    """The same rows from three files that differ in their order."""
    skus = 2_000 if smoke else 200_000
    found: dict[str, Loaded] = {}
    with tempfile.TemporaryDirectory(prefix="sourcier-bench-") as name:
        folder = Path(name)
        write_skus(folder / "skus.parquet", skus)
        for ordering in ORDERINGS:
            report(f"writing {skus * NODES:,} stock rows {ordering}")
            write_stock(folder / "stock.parquet", skus, ordering)
            report(f"loading them ({ordering})")
            command = [sys.executable, "-m", "bench.memory", str(folder)]
            answer = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            found[ordering] = Loaded(**json.loads(answer.stdout))
    sheet = Sheet(
        title=f"memory: {skus * NODES:,} stock rows from Parquet, {skus:,} SKUs at {NODES} nodes",
        headings=(
            "rows in the file",
            "read, s",
            "build, s",
            "bytes a row kept",
            "of them columns",
            "at the peak",
        ),
        rows=[
            (
                ordering,
                f"{loaded.read_seconds:.2f}",
                f"{loaded.build_seconds:.2f}",
                *(
                    f"{count / loaded.rows:.1f}"
                    for count in (loaded.retained_bytes, loaded.array_bytes, loaded.peak_bytes)
                ),
            )
            for ordering, loaded in found.items()
        ],
        note="kept and peak: resident memory above that of the process before the load",
    )
    kept = max(loaded.retained_bytes / loaded.rows for loaded in found.values())
    seconds = max(loaded.read_seconds + loaded.build_seconds for loaded in found.values())
    targets = [
        Target(name="memory kept", value=kept, limit=TARGET_BYTES_PER_ROW, unit=" bytes a row", at_most=True),
        Target(name="load", value=seconds, limit=TARGET_SECONDS, unit=" s", at_most=True),
    ]
    figures = {
        f"{ordering}_{key}": value
        for ordering, loaded in found.items()
        for key, value in asdict(loaded).items()
    }
    return Result(sheets=[sheet], targets=targets, figures=figures)


# ------------------------------------------------------------------------------------------------ files


def write_skus(path: Path, skus: int) -> None:
    """A SKU file."""
    pq.write_table(pa.table({"sku_id": sku_ids(skus), "weight_grams": np.full(skus, 500)}), path)


def write_stock(path: Path, skus: int, ordering: str, seed: int = 1) -> None:
    """Every SKU at every node, rows ordered as one of ORDERINGS."""
    rng = np.random.default_rng(seed)
    rows = np.arange(skus * NODES, dtype=np.int32)
    if ordering == "by node":
        sku_ix, node_ix = rows % skus, rows // skus
    else:
        rows = rng.permutation(rows) if ordering == "shuffled" else rows
        sku_ix, node_ix = rows // NODES, rows % NODES
    nodes = pa.array([f"node-{i:05d}" for i in range(NODES)])
    table = pa.table(
        {
            "sku_id": _take(sku_ids(skus), sku_ix),
            "node_id": _take(nodes, node_ix),
            "on_hand": rng.integers(0, 50, len(rows), dtype=np.int32),
        }
    )
    pq.write_table(table, path)


def sku_ids(count: int) -> pa.Array:
    """Ids by row."""
    return pa.array([f"sku-{i:06d}" for i in range(count)])


def _take(values: pa.Array, rows: NDArray[np.int32]) -> pa.ChunkedArray:
    return pa.chunked_array([values.take(pa.array(part)) for part in np.array_split(rows, 16)])


# -------------------------------------------------------------------------------------- the measured process


def load(path: Path, catalogue: Catalogue, network: Network) -> tuple[Stock, float, float]:
    """As the server does: the feed, then the stock. Also the seconds of both."""
    start = time.perf_counter()
    feed = read_stock(path, catalogue, network.nodes)
    read = time.perf_counter()
    stock = Stock.of(
        len(catalogue), len(network.nodes), feed.sku_ix, feed.node_ix, feed.on_hand - feed.safety_stock
    )
    return stock, read - start, time.perf_counter() - read


def measure(folder: Path) -> Loaded:
    """Loads ``stock.parquet`` of a folder into a snapshot."""
    network = make_network(np.random.default_rng(1), NODES)
    catalogue = read_catalogue(folder / "skus.parquet")
    small = folder / "small.parquet"
    write_stock(small, _WARM_SKUS, "shuffled")
    snapshot = Snapshot.build(network, catalogue, RULES, load(small, catalogue, network)[0])
    before = resident_bytes()
    reset_peak()
    stock, read_seconds, build_seconds = load(folder / "stock.parquet", catalogue, network)
    snapshot = snapshot.with_stock(stock)
    peak = _status_bytes("VmHWM")
    after = resident_bytes()
    kept = snapshot.stock
    return Loaded(
        rows=len(kept),
        read_seconds=read_seconds,
        build_seconds=build_seconds,
        retained_bytes=after - before,
        peak_bytes=peak - before,
        array_bytes=array_bytes(kept),
    )


def array_bytes(stock: Stock) -> int:
    """Of the columns."""
    return stock.sku_start.nbytes + stock.node_ix.nbytes + stock.available.nbytes


def resident_bytes() -> int:
    """After everything that is free has been given back to the machine; 0 where it does not tell."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:  # glibc has it, others need it less
            trim(0)
    return _status_bytes("VmRSS")


def reset_peak() -> None:
    """Lets VmHWM count from now on, where the machine allows it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _status_bytes(key: str) -> int:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(key + ":")), 0)


SPEC = BenchSpec(name="memory", what="ten million stock rows: seconds and bytes", run=run)


if __name__ == "__main__":
    print(json.dumps(asdict(measure(Path(sys.argv[1])))))
