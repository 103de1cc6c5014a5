"""What a clairvoyant would have paid at least, from the orders that came: a proof without any assumption.

For prices that are not negative and stay the same, no way of serving all orders of a cycle from its stock
costs less than

    sum over orders of (cost of the cheapest plan at these prices) - sum over cells of price * units

because a way that uses no more than the stock pays at most price * units in prices, and every order pays at
least its cheapest. Any prices give a valid bound; those of a package programme give a close one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


@dataclass(slots=True, kw_only=True)
class CycleCertificate:
    """Adds a cycle up. stock_price: float64[cells], fixed for the cycle, not negative; stock: float64[cells],
    units at its beginning. Money is in the unit of the prices."""

    stock_price: F64
    stock: F64
    priced_optima: float = field(default=0.0, init=False)
    paid: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        if (self.stock_price < 0).any():
            raise ValueError("with a negative price there is no bound")
        self.stock_price, self.stock = self.stock_price.copy(), self.stock.astype(np.float64)

    def add_order(self, priced_optimum: float, cost: float) -> None:
        """priced_optimum: of the cheapest plan at ``stock_price``, from any node that ever had the goods,
        whatever is left there now; cost: what the order really cost."""
        self.priced_optima += priced_optimum
        self.paid += cost

    def add_stock(self, cell: int, units: float) -> None:
        """A receipt (or a loss, negative)."""
        self.stock[cell] += units

    @property
    def bound(self) -> float:
        """Below what any way of serving these orders costs."""
        return self.priced_optima - float(self.stock_price @ self.stock)

    @property
    def gap(self) -> float:
        """cost <= bound * (1 + gap); inf while the bound proves nothing."""
        return self.paid / self.bound - 1 if self.bound > 0 else math.inf
