"""Prices that move, against moving every cell in every period."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.prices.dual_step import (
    advised_step,
    price_at,
    prices_now,
    reprice,
    stock_prices,
    take,
)

HORIZON = 30
CELLS = 3


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    step=st.floats(0, 3),
    chance=st.floats(0, 1),
)
def test_lazy_is_the_same_as_every_cell_in_every_period(seed: int, step: float, chance: float) -> None:
    rng = np.random.default_rng(seed)
    price, stock = rng.uniform(0, 2, CELLS), rng.integers(0, 20, CELLS)
    lazy = stock_prices(price, stock, step=step, horizon=HORIZON)
    for period in range(HORIZON):
        used = ((rng.random(CELLS) < chance) & (stock > 0)).astype(np.int64)
        for cell in np.flatnonzero(rng.random(CELLS) < 0.3):
            assert price_at(lazy, cell, period) == pytest.approx(price[cell], abs=1e-9)
        for cell in np.flatnonzero(used):
            take(lazy, cell, 1, period)
        price = np.maximum(0.0, price - step * (stock / (HORIZON - period) - used))
        stock = stock - used
        assert prices_now(lazy, period + 1) == pytest.approx(price, abs=1e-9)
    assert lazy.stock.tolist() == stock.tolist()
    assert (lazy.stock >= 0).all()


def test_use_at_the_due_rate_leaves_the_price_alone() -> None:
    prices = stock_prices(np.array([4.0]), np.array([10]), step=0.5, horizon=10)
    for period in range(10):
        take(prices, 0, 1, period)
    assert prices.price[0] == pytest.approx(4.0)


def test_use_faster_than_due_raises_the_price_and_idleness_lowers_it_to_zero_at_most() -> None:
    prices = stock_prices(np.array([1.0]), np.array([5]), step=0.5, horizon=100)
    for period in range(3):
        take(prices, 0, 1, period)
    raised = prices.price[0]
    assert raised > 2.3
    assert prices_now(prices, 60)[0] < raised
    assert prices_now(prices, 100)[0] == 0.0


def test_nothing_moves_without_a_step() -> None:
    prices = stock_prices(np.array([1.5, 0.0]), np.array([5, 5]), step=0.0, horizon=10)
    take(prices, 0, 3, 2)
    assert prices_now(prices, 10).tolist() == [1.5, 0.0]
    assert prices.stock.tolist() == [2, 5]


def test_new_prices_are_blended_with_the_learned() -> None:
    prices = stock_prices(np.array([2.0]), np.array([10]), step=0.1, horizon=10)
    learned = prices_now(prices, 4)[0]
    reprice(prices, np.array([6.0]), 4, learned_share=0.25)
    assert prices_now(prices, 4)[0] == pytest.approx(0.25 * learned + 4.5)
    with pytest.raises(ValueError, match="learned_share"):
        reprice(prices, np.array([6.0]), 4, learned_share=1.5)


def test_what_is_given_is_not_changed() -> None:
    price, stock = np.array([1.0]), np.array([3])
    take(stock_prices(price, stock, step=1.0, horizon=5), 0, 1, 0)
    assert (price[0], stock[0]) == (1.0, 3)


def test_the_advised_step_falls_with_the_root_of_the_horizon() -> None:
    assert advised_step(8.759, 10_000) == pytest.approx(0.0526, abs=1e-4)
    assert advised_step(8.0, 400) == pytest.approx(10 * advised_step(8.0, 40_000))
    with pytest.raises(ValueError, match="horizon"):
        advised_step(8.0, 0)


def test_negative_prices_and_steps_are_refused() -> None:
    for price, step in ((-1.0, 0.0), (1.0, -0.1)):
        with pytest.raises(ValueError, match="negative"):
            stock_prices(np.array([price]), np.array([1]), step=step, horizon=5)
