"""Elementary prices, shared by the kernels that search, the kernel that prices the answer, and ``plan``.

Hot helpers take single arrays: a tuple of columns handed over costs a reference count per column.
"""

from __future__ import annotations

import numpy as np

from router.kernels.geo import metres_of
from router.kernels.jit import allocating, inline, kernel
from router.kernels.types import DAYS_TABLE, F64, I32, I64, U8, NetworkArrays, RuleArrays, StockArrays

WEIGHT_SCALE = 10_000
"""Of ``RuleArrays.price_weight``: weights have four decimals."""


@inline
def step_tariff(grams: I64, cents: I64, first: int, stop: int, weight_grams: int) -> int:
    """Price of a shipment under brackets ``first:stop``: full parcels and one for the rest."""
    greatest = grams[stop - 1]
    full = weight_grams // greatest
    rest = weight_grams - full * greatest
    total: int = full * cents[stop - 1]
    if rest > 0 or weight_grams == 0:
        i = first
        while rest > grams[i]:
            i += 1
        total += cents[i]
    return total


@kernel
def tariff_cents(network: NetworkArrays, cents: I64, lane: int, weight_grams: int) -> int:
    """Weighted price of a shipment on a lane. ``cents``: this strategy's row of bracket prices."""
    first, stop = network.bracket_start[lane], network.bracket_start[lane + 1]
    return int(step_tariff(network.bracket_grams, cents, first, stop, weight_grams))


@kernel
def parcel_count(network: NetworkArrays, lane: int, weight_grams: int) -> int:
    """Parcels a shipment is billed as."""
    greatest = network.bracket_grams[network.bracket_start[lane + 1] - 1]
    return int(max(1, (weight_grams + greatest - 1) // greatest))


@inline
def depth_sum(
    cents: I64,
    target: I64,
    applies: U8,
    first: int,
    stop: int,
    node: int,
    available: int,
    taken: int,
    units: int,
) -> int:
    """``depth_price`` under the objectives ``first:stop``."""
    total = 0
    for d in range(first, stop):
        if applies[d, node] != 0:
            for i in range(max(taken + 1, available - target[d] + 1), taken + units + 1):
                total += cents[d] * min(target[d], target[d] - (available - i)) // target[d]
    return total


@kernel
def depth_price(rules: RuleArrays, strategy: int, node: int, available: int, taken: int, units: int) -> int:
    """What taking ``units`` more costs where ``available`` were there and ``taken`` are gone already."""
    return int(
        depth_sum(
            rules.depth_cents,
            rules.depth_target,
            rules.depth_applies,
            rules.depth_start[strategy],
            rules.depth_start[strategy + 1],
            node,
            available,
            taken,
            units,
        )
    )


@inline
def part_of_price(cents: int, weight: int) -> int:
    """A stock price times its weight in units of 1 / WEIGHT_SCALE, rounded half up."""
    return int((np.int64(cents) * weight + WEIGHT_SCALE // 2) // WEIGHT_SCALE)


@inline
def unit_stock_price(sku_start: I64, node_ix: I32, price_cents: I32, weight: int, sku: int, node: int) -> int:
    """What a unit of a SKU at a node is worth to orders to come; 0 for what has no row. O(log nodes)."""
    found = 0
    if weight != 0 and len(price_cents) != 0:
        low, high = sku_start[sku], sku_start[sku + 1]
        end = high
        while low < high:
            middle = (low + high) // 2
            if node_ix[middle] < node:
                low = middle + 1
            else:
                high = middle
        if low < end and node_ix[low] == node:
            found = part_of_price(price_cents[low], weight)
    return found


@kernel
def stock_price(stock: StockArrays, weight: int, sku: int, node: int) -> int:
    """``unit_stock_price``, for callers that are not compiled."""
    return int(unit_stock_price(stock.sku_start, stock.node_ix, stock.price_cents, weight, sku, node))


@inline
def distance_sum(rate: I64, per_unit: U8, first: int, stop: int, metres: int, which: int) -> int:
    """``distance_price`` under the objectives ``first:stop``."""
    total = 0
    for d in range(first, stop):
        if per_unit[d] == which:
            total += metres * rate[d] // 1_000_000
    return total


@kernel
def distance_price(rules: RuleArrays, strategy: int, chord2: float, which: int) -> int:
    """Weighted distance cost of a shipment (``which`` 0) or of one unit (1)."""
    first, stop = rules.distance_start[strategy], rules.distance_start[strategy + 1]
    metres = metres_of(chord2)
    return int(distance_sum(rules.distance_rate, rules.distance_per_unit, first, stop, metres, which))


@allocating
def distance_prices(rules: RuleArrays, strategy: int, chord2: F64, which: int) -> I64:
    """int64[n]: ``distance_price`` of many."""
    out = np.zeros(len(chord2), np.int64)
    for i in range(len(out)):
        out[i] = distance_price(rules, strategy, chord2[i], which)
    return out


@inline
def delay_sum(delay_cents: I64, slope_cents: I64, strategy: int, days: int) -> int:
    """Weighted delay cost of ``days`` started days."""
    over = max(0, days - (DAYS_TABLE - 1))
    total: int = delay_cents[strategy, days - over] + over * slope_cents[strategy]
    return total


@kernel
def delay_price(rules: RuleArrays, strategy: int, days: int) -> int:
    """Weighted delay cost of an order whose last shipment takes ``days`` started days."""
    return int(delay_sum(rules.delay_cents, rules.delay_slope_cents, strategy, days))


@inline
def days_of(seconds: int) -> int:
    """Started days."""
    return (seconds + 86_399) // 86_400
