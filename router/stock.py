"""Stock columns: rows by SKU, one writer, any number of readers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from router.columns import frozen
from router.domain import MAX_STOCK_PRICE_CENTS
from router.errors import InvalidInput
from router.kernels.types import StockArrays

NO_PRICES: NDArray[np.int32] = frozen(np.empty(0, np.int32))


@dataclass(slots=True)
class Stock:
    """R rows of S SKUs at N nodes, 8 bytes a row and 4 more with prices.

    | column | dtype, shape | meaning |
    |---|---|---|
    | sku_start | int64[S + 1] | rows of SKU s are sku_start[s]..sku_start[s + 1] |
    | node_ix | int32[R] | node, ascending within a SKU |
    | available | int32[R] | units that can be promised; may be negative |
    | price_cents | int32[R], or [0] for none | what a unit is worth to orders to come |

    Only ``available`` and ``version`` change, by one writer. A reader may see a row a moment before or after
    its neighbours; the ledger is the truth.
    """

    sku_start: NDArray[np.int64]
    node_ix: NDArray[np.int32]
    available: NDArray[np.int32]
    node_count: int
    version: int
    price_cents: NDArray[np.int32] = field(default_factory=lambda: NO_PRICES)

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
        return StockArrays(self.sku_start, self.node_ix, self.available, self.price_cents)

    def row(self, sku_ix: int, node_ix: int) -> int:
        """The row of a SKU at a node, -1 when there is none."""
        start, stop = int(self.sku_start[sku_ix]), int(self.sku_start[sku_ix + 1])
        at = start + int(np.searchsorted(self.node_ix[start:stop], node_ix))
        return at if at < stop and int(self.node_ix[at]) == node_ix else -1

    def get(self, sku_ix: int, node_ix: int) -> int | None:
        """Units that can be promised, None without a row."""
        row = self.row(sku_ix, node_ix)
        return None if row < 0 else int(self.available[row])

    def price(self, sku_ix: int, node_ix: int) -> int:
        """Cents of a unit, 0 without a row or without prices."""
        row = self.row(sku_ix, node_ix) if len(self.price_cents) else -1
        return 0 if row < 0 else int(self.price_cents[row])

    def with_prices(self, price_cents: NDArray[np.int32] | None) -> Stock:
        """The same live rows under other prices, int32[R]; None for no prices. Raises InvalidInput for a
        column of another length or a price that is not within 0..MAX_STOCK_PRICE_CENTS."""
        if price_cents is None:
            return replace(self, price_cents=NO_PRICES)
        if len(price_cents) != len(self):
            raise InvalidInput.at("price_cents", f"{len(price_cents)} prices for {len(self)} rows of stock")
        wrong = np.flatnonzero((price_cents < 0) | (price_cents > MAX_STOCK_PRICE_CENTS))
        if len(wrong):
            row = int(wrong[0])
            text = f"{price_cents[row]} is not within 0..{MAX_STOCK_PRICE_CENTS}"
            raise InvalidInput.at(f"price_cents[{row}]", text)
        return replace(self, price_cents=frozen(np.array(price_cents, np.int32)))

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
        """A copy with more rows, which have a price of 0; they must not exist yet (InvalidInput)."""
        own_sku = np.repeat(np.arange(self.sku_count, dtype=np.int32), np.diff(self.sku_start))
        longer = Stock.of(
            self.sku_count,
            self.node_count,
            np.concatenate([own_sku, np.asarray(sku_ix, np.int32)]),
            np.concatenate([self.node_ix, np.asarray(node_ix, np.int32)]),
            np.concatenate([self.available, np.asarray(available, np.int32)]),
            self.version,
        )
        return longer.with_prices_of(self)

    def with_prices_of(self, other: Stock) -> Stock:
        """These rows at the prices that another stock of the same SKUs and nodes has for them, 0 for a row
        that it does not have."""
        if not len(other.price_cents):
            return self.with_prices(None)
        own, known = self._keys(), other._keys()
        at = np.minimum(np.searchsorted(known, own), max(0, len(known) - 1))
        found = np.equal(known[at], own) if len(known) else np.zeros(len(own), bool)
        return self.with_prices(np.where(found, other.price_cents[at] if len(known) else 0, 0))

    def _keys(self) -> NDArray[np.int64]:
        """Of the rows: SKU and node in one figure, ascending."""
        skus = np.repeat(np.arange(self.sku_count, dtype=np.int64), np.diff(self.sku_start))
        return skus * self.node_count + self.node_ix

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
            frozen(np.concatenate([none, *(self.price_cents[part] for part in parts)])),
        )
