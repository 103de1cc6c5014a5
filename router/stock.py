"""Stock columns: rows by SKU, one writer, any number of readers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.columns import frozen
from router.errors import InvalidInput
from router.kernels.types import StockArrays


@dataclass(slots=True)
class Stock:
    """R rows of S SKUs at N nodes, 8 bytes a row.

    | column | dtype, shape | meaning |
    |---|---|---|
    | sku_start | int64[S + 1] | rows of SKU s are sku_start[s]..sku_start[s + 1] |
    | node_ix | int32[R] | node, ascending within a SKU |
    | available | int32[R] | units that can be promised; may be negative |

    Only ``available`` and ``version`` change, by one writer. A reader may see a row a moment before or after
    its neighbours; the ledger is the truth.
    """

    sku_start: NDArray[np.int64]
    node_ix: NDArray[np.int32]
    available: NDArray[np.int32]
    node_count: int
    version: int

    @classmethod
    def of(
        cls,
        sku_count: int,
        node_count: int,
        sku_ix: NDArray[np.int32],
        node_ix: NDArray[np.int32],
        available: NDArray[np.int32],
        version: int = 0,
    ) -> Stock:
        """From rows in any order. Raises InvalidInput naming a row out of range or named twice."""
        for name, column, count in (("sku_ix", sku_ix, sku_count), ("node_ix", node_ix, node_count)):
            if len(column) and not 0 <= int(column.min()) <= int(column.max()) < count:
                row = int(np.flatnonzero((column < 0) | (column >= count))[0])
                raise InvalidInput.at(f"{name}[{row}]", f"{column[row]} is not within 0..{count - 1}")
        key = sku_ix.astype(np.int64) * node_count + node_ix
        if len(key) > 1 and not bool(np.all(key[1:] > key[:-1])):
            order = np.argsort(key, kind="stable")
            key = key[order]
            same = np.flatnonzero(key[1:] == key[:-1])
            if len(same):
                row = int(order[same[0] + 1])
                raise InvalidInput.at(f"rows[{row}]", "the same SKU and node appear twice")
            node_ix, available = node_ix[order], available[order]
            del order
        sku_start = np.searchsorted(key, np.arange(sku_count + 1, dtype=np.int64) * node_count)
        return cls(
            frozen(sku_start.astype(np.int64)),
            frozen(np.array(node_ix, np.int32)),
            np.array(available, np.int32),
            node_count,
            version,
        )

    def __len__(self) -> int:
        return len(self.node_ix)

    @property
    def sku_count(self) -> int:
        return len(self.sku_start) - 1

    def arrays(self) -> StockArrays:
        """What the kernels read: the live columns."""
        return StockArrays(self.sku_start, self.node_ix, self.available)

    def row(self, sku_ix: int, node_ix: int) -> int:
        """The row of a SKU at a node, -1 when there is none."""
        start, stop = int(self.sku_start[sku_ix]), int(self.sku_start[sku_ix + 1])
        at = start + int(np.searchsorted(self.node_ix[start:stop], node_ix))
        return at if at < stop and int(self.node_ix[at]) == node_ix else -1

    def get(self, sku_ix: int, node_ix: int) -> int | None:
        """Units that can be promised, None without a row."""
        row = self.row(sku_ix, node_ix)
        return None if row < 0 else int(self.available[row])

    def set_available(self, sku_ix: int, node_ix: int, available: int) -> bool:
        """Writer only. False when the pair has no row: use ``with_rows``."""
        row = self.row(sku_ix, node_ix)
        if row < 0:
            return False
        self.available[row] = available
        return True

    def advance(self, version: int) -> None:
        """Writer only: all changes up to ``version`` are in."""
        self.version = version

    def with_rows(
        self, sku_ix: NDArray[np.int32], node_ix: NDArray[np.int32], available: NDArray[np.int32]
    ) -> Stock:
        """A copy with more rows; the new ones must not exist yet (InvalidInput)."""
        own_sku = np.repeat(np.arange(self.sku_count, dtype=np.int32), np.diff(self.sku_start))
        return Stock.of(
            self.sku_count,
            self.node_count,
            np.concatenate([own_sku, np.asarray(sku_ix, np.int32)]),
            np.concatenate([self.node_ix, np.asarray(node_ix, np.int32)]),
            np.concatenate([self.available, np.asarray(available, np.int32)]),
            self.version,
        )

    def only(self, sku_rows: NDArray[np.int32]) -> Stock:
        """A private copy that keeps the rows of a few SKUs: what one explanation needs. -1 stands for a SKU
        nobody knows. O(S + rows kept) time and memory."""
        skus = np.unique(sku_rows)
        skus = skus[skus >= 0]
        starts, stops = self.sku_start[skus], self.sku_start[skus + 1]
        sku_start = np.zeros_like(self.sku_start)
        sku_start[skus + 1] = stops - starts
        np.cumsum(sku_start, out=sku_start)
        parts = [slice(start, stop) for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]
        none = np.empty(0, np.int32)
        return Stock(
            frozen(sku_start),
            frozen(np.concatenate([none, *(self.node_ix[part] for part in parts)])),
            np.concatenate([none, *(self.available[part] for part in parts)]),
            self.node_count,
            self.version,
        )
