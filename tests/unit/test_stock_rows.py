"""Stock columns: the private copy with the rows of a few SKUs."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from router.stock import Stock


def some_stock(sku_count: int, node_count: int, row_count: int) -> Stock:
    rng = np.random.default_rng(row_count)
    key = rng.choice(sku_count * node_count, row_count, replace=False)
    sku_ix, node_ix = np.divmod(key.astype(np.int32), node_count)
    available = rng.integers(-3, 99, row_count, dtype=np.int32)
    return Stock.of(sku_count, node_count, sku_ix.astype(np.int32), node_ix.astype(np.int32), available, 7)


@pytest.mark.parametrize(
    "kept", [[], [0], [19], [3, 4], [11, 2, 7], [5, 5, 1], [-1], [8, -1, 0], list(range(20))]
)
def test_only_keeps_the_rows_of_the_named_skus(kept: list[int]) -> None:
    stock = some_stock(20, 10, 90)
    copy = stock.only(np.array(kept, np.int32))
    for sku in range(20):
        for node in range(10):
            assert copy.get(sku, node) == (stock.get(sku, node) if sku in kept else None)
    assert (copy.sku_count, copy.node_count, copy.version) == (20, 10, 7)
    assert len(copy) == sum(len(part) for part in np.split(stock.node_ix, stock.sku_start[1:-1])) - sum(
        int(stock.sku_start[sku + 1] - stock.sku_start[sku]) for sku in range(20) if sku not in kept
    )
    for name in ("sku_start", "node_ix", "available"):
        assert getattr(copy, name).dtype == getattr(stock, name).dtype


def test_only_is_a_copy_of_its_own() -> None:
    stock = some_stock(20, 10, 90)
    sku, node = 3, int(stock.node_ix[stock.sku_start[3]])
    before = stock.get(sku, node)
    copy = stock.only(np.array([sku], np.int32))
    assert copy.set_available(sku, node, 1_000)
    assert (copy.get(sku, node), stock.get(sku, node)) == (1_000, before)
    assert not copy.node_ix.flags.writeable
    assert not copy.sku_start.flags.writeable


def test_only_takes_memory_for_what_it_keeps() -> None:
    stock = some_stock(100, 10_000, 500_000)
    wanted = np.array([7, 50], np.int32)
    kept_bytes = 8 * sum(int(stock.sku_start[sku + 1] - stock.sku_start[sku]) for sku in wanted)
    tracemalloc.start()
    try:
        copy = stock.only(wanted)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 8 * len(copy) == kept_bytes
    assert peak_bytes < 2 * kept_bytes < 500_000, "a byte for every row would be more"
