"""A lower bound by prices: what would an order cost if every item could be had at a price?

Each item gets a price per amount; every node then decides by itself which shipment, if any, pays off at
those prices. What the nodes gain, taken from the worth of the whole order, is a lower bound on every plan,
whatever the prices. Polyak's subgradient steps (1969) raise it. The capacity of a shipment is a fractional
knapsack.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from router.kernels.jit import allocating
from router.kernels.types import F64, I64, U8

PATIENCE = 12
"""Steps without a better bound before they get shorter."""
SHORTEST = 1e-3
NOWHERE = 1e15
"""Cost of a shipment from a node that has none in time."""


class Market(NamedTuple):
    """R rows, I items, T takes (row and item; row r has ``take_first[r]:take_first[r + 1]``), S steps of
    tariffs (row r has ``step_first[r]:step_first[r + 1]``), D delay costs, one of which every plan pays."""

    need: I64  # [I] amounts
    weight: I64  # [I] per amount
    take_first: I64  # [R + 1]
    item: I64  # [T]
    most: I64  # [T]
    cents: F64  # [T] per amount
    line_cents: I64  # [T] once, where it is used
    step_first: I64  # [R + 1]
    high: I64  # [S] weight
    step_cents: I64  # [S]
    delay: I64  # [S]
    endless: U8  # [S] more parcels may be added
    willing: U8  # [S, I]
    levels: I64  # [D] ascending
    max_nodes: int


@allocating
def sort_takes(m: Market, price: F64, row: int, order: I64) -> None:
    """The row's takes by falling gain per weight; they are nearly sorted from the last time."""
    first = m.take_first[row]
    for a in range(first + 1, m.take_first[row + 1]):
        k = order[a]
        gain, grams = price[m.item[k]] - m.cents[k], m.weight[m.item[k]]
        b = a - 1
        while b >= first:
            other = order[b]
            rival = price[m.item[other]] - m.cents[other]
            if rival * grams >= gain * m.weight[m.item[other]]:
                break
            order[b + 1] = other
            b -= 1
        order[b + 1] = k


@allocating
def load_step(m: Market, price: F64, row: int, s: int, order: I64, amount: F64) -> float:
    """The most that a shipment by step s can gain; writes the amounts it takes."""
    gain, room = 0.0, float(m.high[s])
    for at in range(m.take_first[row], m.take_first[row + 1]):
        k = order[at]
        amount[k] = 0.0
        i = m.item[k]
        each = price[i] - m.cents[k]
        if each <= 0.0 or m.willing[s, i] == 0:
            continue
        units = float(m.most[k])
        if m.weight[i] > 0 and m.endless[s] == 0:
            units = min(units, float(m.high[s] // m.weight[i]), room / m.weight[i])
        worth = each * units - m.line_cents[k]
        if units <= 0.0 or worth <= 0.0:
            continue
        amount[k] = units
        gain += worth
        if m.endless[s] == 0:
            room -= units * m.weight[i]
    return gain


@allocating
def price_rows(m: Market, price: F64, order: I64, amount: F64, value: F64, chosen: F64) -> None:
    """``value[d, r]``: the least that a shipment of row r costs net of what it gains, with a delay of at most
    ``levels[d]``; ``chosen[d, take]``: what it takes."""
    value[:] = NOWHERE
    chosen[:] = 0.0
    for r in range(len(m.take_first) - 1):
        first, stop = m.take_first[r], m.take_first[r + 1]
        sort_takes(m, price, r, order)
        for s in range(m.step_first[r], m.step_first[r + 1]):
            net = m.step_cents[s] - load_step(m, price, r, s, order, amount)
            for d in range(len(m.levels)):
                if m.delay[s] <= m.levels[d] and net < value[d, r]:
                    value[d, r] = net
                    chosen[d, first:stop] = amount[first:stop]


@allocating
def level_bound(m: Market, price: F64, net: F64, d: int) -> float:
    """The bound at prices for plans of at most delay cost ``levels[d]``, from its row of ``price_rows``."""
    gains = np.sort(np.minimum(net, 0.0))[: m.max_nodes]
    return float(m.levels[d] + gains.sum() + (price * m.need).sum())


@allocating
def raise_bound(m: Market, target: float, steps: int, price: F64, value: F64) -> float:
    """The best bound found in so many steps from the prices given, which become those of the bound, and
    ``value`` float64[D, R] their ``price_rows``. target: cost of a plan."""
    order = np.arange(len(m.item))
    amount, chosen = np.zeros(len(m.item)), np.zeros((len(m.levels), len(m.item)))
    now, used = price.copy(), np.zeros(len(m.need))
    best, length, failures = -np.inf, 1.0, 0
    for _ in range(steps):
        price_rows(m, now, order, amount, value, chosen)
        bound, at = np.inf, 0
        for d in range(len(m.levels)):
            total = level_bound(m, now, value[d], d)
            if total < bound:
                bound, at = total, d
        failures = 0 if bound > best + 0.5 else failures + 1
        if bound > best:
            best = bound
            price[:] = now
        gains = np.sort(value[at])
        worst = min(0.0, gains[min(m.max_nodes, len(gains)) - 1])
        used[:] = 0.0
        for r in range(len(gains)):
            if value[at, r] <= worst:
                for k in range(m.take_first[r], m.take_first[r + 1]):
                    used[m.item[k]] += chosen[at, k]
        square = ((m.need - used) ** 2).sum()
        if failures > PATIENCE:
            length, failures = length / 2, 0
            now[:] = price
        if square == 0.0 or length < SHORTEST or target <= best:
            break
        now[:] = np.maximum(0.0, now + length * (target - bound) / square * (m.need - used))
    price_rows(m, price, order, amount, value, chosen)
    return best
