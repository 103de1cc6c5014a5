"""Tiny menus, and what is best for them by trying everything."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from router.prices.plans import UNLIMITED, Menu

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


def random_menu(rng: np.random.Generator, kinds: int = 4, skus: int = 3, nodes: int = 3) -> Menu:
    """Order types over a few SKUs; the last node refuses, at a high cost. Cells: sku * (nodes - 1) + node."""
    lines = [rng.permutation(skus)[: rng.integers(1, skus + 1)] for _ in range(kinds)]
    sku = np.concatenate(lines)
    cost = rng.integers(1, 9, (len(sku), nodes)).astype(float)
    cost[rng.random(cost.shape) < 0.2] = np.inf
    cost[:, -1] = 20.0
    cell = np.full(cost.shape, UNLIMITED)
    cell[:, :-1] = sku[:, None] * (nodes - 1) + np.arange(nodes - 1)
    fixed = np.append(rng.integers(2, 12, nodes - 1), 15).astype(float)
    return Menu(np.cumsum([0, *map(len, lines)]), cost, cell, fixed)


def all_plans(menu: Menu, kind: int) -> list[tuple[float, tuple[int, ...]]]:
    """Cost and cells of every way to serve a type."""
    first, last = (int(x) for x in menu.line_start[kind : kind + 2])
    found = []
    for nodes in itertools.product(range(len(menu.fixed_cost)), repeat=last - first):
        cost = sum(menu.fixed_cost[k] for k in set(nodes))
        cost += sum(menu.line_cost[first + line, k] for line, k in enumerate(nodes))
        cells = (int(menu.line_cell[first + line, k]) for line, k in enumerate(nodes))
        if np.isfinite(cost):
            found.append((float(cost), tuple(cell for cell in cells if cell != UNLIMITED)))
    return found


def clairvoyant(menu: Menu, orders: Sequence[int], stock: I64) -> float:
    """The least that these orders cost, with all of them known."""
    if not orders:
        return 0.0
    best = np.inf
    for cost, cells in all_plans(menu, orders[0]):
        left = stock.copy()
        np.subtract.at(left, list(cells), 1)
        if (left >= 0).all():
            best = min(best, cost + clairvoyant(menu, orders[1:], left))
    return best
