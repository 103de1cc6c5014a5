"""Receipts: units that nodes expect, by SKU. One writer, any number of readers, as for stock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Steps = Sequence[tuple[int, int]]
"""(epoch seconds, units) by time."""


@dataclass(slots=True)
class Receipts:
    """What of the receipts is not promised yet. known: bool[S], whether a SKU has any units left; with none
    its orders are decided as if it never had, so that a decision can be made again later."""

    known: NDArray[np.bool_]
    _of_sku: dict[int, dict[int, dict[int, int]]] = field(default_factory=dict)

    @classmethod
    def none(cls, sku_count: int) -> Receipts:
        """Nothing is expected."""
        return cls(np.zeros(sku_count, bool))

    def of(self, sku_ix: int) -> Mapping[int, Steps]:
        """The receipts of a SKU by node row, those with units left."""
        found = ((node, sorted(units.items())) for node, units in list(self._of_sku.get(sku_ix, {}).items()))
        return {node: tuple((at, n) for at, n in steps if n > 0) for node, steps in found}

    def get(self, sku_ix: int, node_ix: int, expected_seconds: int) -> int:
        """Units of one receipt that are not promised; 0 for one that nobody knows."""
        return self._of_sku.get(sku_ix, {}).get(node_ix, {}).get(expected_seconds, 0)

    def set(self, sku_ix: int, node_ix: int, expected_seconds: int, units: int) -> None:
        """Writer only. Readers see all of a SKU as it was before or as it is after."""
        of_sku = dict(self._of_sku.get(sku_ix, {}))
        of_node = {**of_sku.pop(node_ix, {}), expected_seconds: units}
        if not units:
            del of_node[expected_seconds]
        if of_node:
            of_sku[node_ix] = of_node
        if of_sku:
            self._of_sku[sku_ix] = of_sku
        else:
            self._of_sku.pop(sku_ix, None)
        self.known[sku_ix] = bool(of_sku)

    def only(self, sku_rows: Iterable[int]) -> Receipts:
        """A private copy for a few SKUs."""
        copy = Receipts.none(len(self.known))
        for sku in sku_rows:
            if sku in self._of_sku:
                copy._of_sku[sku] = self._of_sku[sku]
                copy.known[sku] = True
        return copy
