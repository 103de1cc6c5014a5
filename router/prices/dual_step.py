"""Prices that move with every decision.

A cycle has ``horizon`` periods; in each at most one order comes. After a period a cell's price follows how
its stock is used against how it ought to be used to last exactly:

    price <- max(0, price + step * (units used - stock left / periods left))

Most cells are touched by no order for many periods, in which their price only falls. Falls add up, also
when they end at 0, so a cell is brought up to date when it is looked at: the price after any number of idle
periods costs one subtraction of ``idle_rates``. The result is that of moving every cell in every period.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.kernels.jit import kernel

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

STEP_FACTOR = 0.6


class StockPrices(NamedTuple):
    """Prices within a cycle, changed in place.

    price: float64[cells], as of the beginning of period ``as_of``: int64[cells]. stock: int64[cells], units
    left. idle_rate: float64[horizon + 1], see ``idle_rates``. step: money per unit.
    """

    price: F64
    as_of: I64
    stock: I64
    idle_rate: F64
    step: float


def advised_step(fixed_cost: float, horizon: int) -> float:
    """A step close to the best for horizons from 300 to 100,000 periods: 0.6 times the fixed cost of a
    shipment over the root of the number of periods. Raises ValueError for a horizon below 1."""
    if horizon < 1:
        raise ValueError(f"horizon must be at least 1, not {horizon}")
    return STEP_FACTOR * fixed_cost / math.sqrt(horizon)


def idle_rates(horizon: int) -> F64:
    """float64[horizon + 1]: how often a stock of one unit would have been due before each period: the sum of
    1 / (horizon - t) over the periods t before it."""
    rates = np.zeros(horizon + 1)
    np.cumsum(1.0 / np.arange(horizon, 0, -1), out=rates[1:])
    return rates


def stock_prices(price: F64, stock: I64, *, step: float, horizon: int) -> StockPrices:
    """Prices at the beginning of a cycle; copies. Raises ValueError for negative prices or a negative
    step."""
    if step < 0 or (price < 0).any():
        raise ValueError("prices and step must not be negative")
    cells = len(stock)
    return StockPrices(
        np.array(price, dtype=np.float64),
        np.zeros(cells, dtype=np.int64),
        np.array(stock, dtype=np.int64),
        idle_rates(horizon),
        step,
    )


@kernel
def price_at(prices: Any, cell: int, period: int) -> float:
    """Brings a cell's price up to the beginning of a period and returns it."""
    since = prices.as_of[cell]
    if since < period:
        due = prices.stock[cell] * (prices.idle_rate[period] - prices.idle_rate[since])
        prices.price[cell] = max(0.0, prices.price[cell] - prices.step * due)
        prices.as_of[cell] = period
    price: float = prices.price[cell]
    return price


@kernel
def take(prices: Any, cell: int, units: int, period: int) -> None:
    """Takes units of a cell in a period and moves its price to the beginning of the next. The caller has seen
    to it that they are there."""
    price = price_at(prices, cell, period)
    due = prices.stock[cell] * (prices.idle_rate[period + 1] - prices.idle_rate[period])
    prices.price[cell] = max(0.0, price + prices.step * (units - due))
    prices.as_of[cell] = period + 1
    prices.stock[cell] -= units


def prices_now(prices: StockPrices, period: int) -> F64:
    """float64[cells]: every price at the beginning of a period; changes nothing."""
    due = prices.stock * (prices.idle_rate[period] - prices.idle_rate[prices.as_of])
    now: F64 = np.maximum(0.0, prices.price - prices.step * due)
    return now


def reprice(prices: StockPrices, solved_price: F64, period: int, *, learned_share: float) -> None:
    """Blends the prices of a new programme with those learned since the last. learned_share: from 0, only the
    programme's, to 1, only the learned. Raises ValueError for a share outside."""
    if not 0 <= learned_share <= 1:
        raise ValueError(f"learned_share must be from 0 to 1, not {learned_share}")
    prices.price[:] = learned_share * prices_now(prices, period) + (1 - learned_share) * solved_price
    prices.as_of[:] = period
