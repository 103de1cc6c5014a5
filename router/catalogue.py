"""The catalogue: what is known of each SKU, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from router.columns import IdIndex, frozen
from router.errors import InvalidInput, NotFound

MAX_WEIGHT_GRAMS = 10_000_000


@dataclass(frozen=True, slots=True)
class Kit:
    """What a SKU is made of: (SKU id, units) of each component, sorted. apart: they may come from different
    nodes."""

    components: tuple[tuple[str, int], ...]
    apart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """One SKU: the weight and sales value of one unit. kit: None for one that is not made of others."""

    sku_id: str
    weight_grams: int
    unit_value_cents: int = 0
    labels: frozenset[str] = frozenset()
    kit: Kit | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """S SKUs; ``kits`` by SKU id.

    | column | dtype, shape | meaning |
    |---|---|---|
    | weight_grams | int32[S] | weight of one unit, 0..10^7 |
    | unit_value_cents | int64[S] | sales value of one unit |
    | label_set_ix | int16[S] | row of its labels in ``label_sets`` |
    """

    ids: IdIndex
    weight_grams: NDArray[np.int32]
    unit_value_cents: NDArray[np.int64]
    label_set_ix: NDArray[np.int16]
    label_sets: tuple[frozenset[str], ...]
    kits: Mapping[str, Kit] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        ids: IdIndex,
        weight_grams: NDArray[np.int32],
        unit_value_cents: NDArray[np.int64],
        label_set_ix: NDArray[np.int16],
        label_sets: tuple[frozenset[str], ...],
    ) -> Catalogue:
        """Copies, checks and freezes. Raises InvalidInput with the offending row."""
        for name, column, low, high in (
            ("weight_grams", weight_grams, 0, MAX_WEIGHT_GRAMS),
            ("unit_value_cents", unit_value_cents, 0, 1_000_000_000),
            ("label_set_ix", label_set_ix, 0, len(label_sets) - 1),
        ):
            if len(column) != len(ids):
                raise InvalidInput.at(name, f"{len(column)} rows for {len(ids)} SKUs")
            wrong = np.flatnonzero((column < low) | (column > high))
            if len(wrong):
                raise InvalidInput.at(
                    f"{name}[{wrong[0]}]", f"{column[wrong[0]]} is not within {low}..{high}"
                )
        return cls(
            ids,
            frozen(np.array(weight_grams, np.int32)),
            frozen(np.array(unit_value_cents, np.int64)),
            frozen(np.array(label_set_ix, np.int16)),
            label_sets,
        )

    @classmethod
    def from_skus(cls, skus: Sequence[Sku]) -> Catalogue:
        """From objects: for tests and small catalogues."""
        kits = {s.sku_id: s.kit for s in skus if s.kit is not None}
        label_sets = tuple(sorted({s.labels for s in skus} | {frozenset()}, key=sorted))
        found = cls.of(
            IdIndex.of([s.sku_id for s in skus]),
            np.array([s.weight_grams for s in skus], np.int32),
            np.array([s.unit_value_cents for s in skus], np.int64),
            np.array([label_sets.index(s.labels) for s in skus], np.int16),
            label_sets,
        )
        return replace(found, kits=kits)

    def __len__(self) -> int:
        return len(self.ids)

    def sku(self, sku_id: str) -> Sku:
        """Raises NotFound."""
        row = self.ids.find(sku_id)
        if row < 0:
            raise NotFound(f"unknown SKU {sku_id!r}", metadata={"sku_id": sku_id})
        return Sku(
            sku_id=sku_id,
            weight_grams=int(self.weight_grams[row]),
            unit_value_cents=int(self.unit_value_cents[row]),
            labels=self.label_sets[self.label_set_ix[row]],
            kit=self.kits.get(sku_id),
        )
