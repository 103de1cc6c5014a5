"""Single kernels under pytest-benchmark, for whoever changes one: ``pytest bench/test_kernels.py``.

Figures are those of the machine at hand; ``--benchmark-autosave`` and ``--benchmark-compare`` compare runs.
Not part of ``make test``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.rank_numpy import rank_numpy
from bench.speed_rank import DEFAULT_MOST, QUANTITY, line_columns
from bench.synthetic import NOW_SECONDS, make_orders, make_snapshot
from router.domain import Status
from router.kernels.rank import ANSWER_ROWS, rank_candidates
from router.ladder import run_kernels
from router.orders import order_arrays
from router.snapshot import Snapshot
from router.sourcer import decide

Benchmark = Callable[..., Any]
BATCH = 100


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """300 nodes, half of them stocking each of 1,000 SKUs."""
    return make_snapshot(nodes=300, skus=1_000, share=0.5)


@pytest.mark.parametrize("lines", [1, 2, 3, 5, 8, 10])
def test_decide_a_batch(benchmark: Benchmark, snapshot: Snapshot, lines: int) -> None:
    """A hundred orders in one kernel call."""
    orders = make_orders(snapshot, BATCH, lines)
    columns = order_arrays(orders, snapshot.compiled, snapshot.catalogue, NOW_SECONDS)
    plans = benchmark(run_kernels, snapshot.at(NOW_SECONDS), columns)
    assert (plans.status == Status.SOURCED).all()


@pytest.mark.parametrize("lines", [1, 3, 8])
def test_decide_one_order_from_python(benchmark: Benchmark, snapshot: Snapshot, lines: int) -> None:
    order = make_orders(snapshot, 1, lines)[0]
    decision = benchmark(decide, order, snapshot, NOW_SECONDS)
    assert decision.status is Status.SOURCED


def test_lay_out_a_batch(benchmark: Benchmark, snapshot: Snapshot) -> None:
    """A hundred orders as columns."""
    orders = make_orders(snapshot, BATCH, 3)
    columns = benchmark(order_arrays, orders, snapshot.compiled, snapshot.catalogue, NOW_SECONDS)
    assert len(columns.sku_ix) == 3 * BATCH


@pytest.mark.parametrize("most", [DEFAULT_MOST, 100_000], ids=["best", "all"])
@pytest.mark.parametrize("count", [200, 1_000, 10_000])
@pytest.mark.parametrize("by", ["kernel", "numpy"])
def test_rank(benchmark: Benchmark, by: str, count: int, most: int) -> None:
    line = line_columns(count)
    out = np.zeros((ANSWER_ROWS, count), np.int64)
    arguments = (
        (*line, NOW_SECONDS, QUANTITY, most, out)
        if by == "kernel"
        else (line, NOW_SECONDS, QUANTITY, most, out)
    )
    eligible = benchmark(rank_candidates if by == "kernel" else rank_numpy, *arguments)
    assert eligible == np.count_nonzero(line.bits == 0)
