"""Which plain orders kernels cannot answer by themselves: those that dates, borders,
offers or hubs matter to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from router.snapshot import Snapshot


def beyond_kernels(
    snapshot: Snapshot, sku_ix: NDArray[np.int32], country: NDArray[np.int16]
) -> NDArray[np.bool_] | None:
    """bool[L]: lines for whose SKU, or for the country that it goes to, a strategy may promise what is not
    there, prices a busy day or an offer, says something of the border, or names hubs. None where that is no
    line."""
    rules, abroad, offers = snapshot.compiled.supply, snapshot.compiled.abroad, snapshot.compiled.offers
    if rules.prices_load or snapshot.compiled.consolidates:
        return np.ones(len(sku_ix), bool)
    is_kit = snapshot.compiled.is_kit
    if not (len(is_kit) or rules.receipts or rules.touches_skus or abroad.touches or offers.touches):
        return None
    found: NDArray[np.bool_] = abroad.touched[country] | offers.touched[sku_ix]
    if len(is_kit):
        found |= is_kit[sku_ix]
    found = found | rules.more[snapshot.compiled.catalogue.sku_class[sku_ix]]
    return found | snapshot.receipts.known[sku_ix] if rules.receipts else found
