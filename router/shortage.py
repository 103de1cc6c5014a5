"""What stock would have to be there for an order to be sourced under a strategy as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.changes import Change, Situation, more_stock
from router.orders import order_arrays
from router.problem import build_problem
from router.rejections import units_text
from router.snapshot import Snapshot
from router.stock import Stock

PLENTY = 1_000_000_000
"""Units that suffice for any order."""


@dataclass(frozen=True, slots=True)
class _Need:
    """A SKU of the order: ``may[k]`` tells whether node k could supply all lines of it, given stock;
    ``spare[k]`` is how many units it can give now (negative: so many are missing before the first)."""

    sku_id: str
    quantities: tuple[int, ...]
    """Of its lines."""
    may: NDArray[np.bool_]
    spare: NDArray[np.int64]

    @property
    def units(self) -> int:
        return sum(self.quantities)


def missing_stock(
    situation: Situation, snapshot: Snapshot, strategy_ix: int, now_seconds: int
) -> Iterator[tuple[Change, ...]]:
    """Ways to make up for what is short, a change per SKU and node, from the fewest units to the most: enough
    in all; each line whole at one node; the whole order at one node. Whether one helps a decision has to say.

    ``strategy_ix`` is the row of the strategy in ``snapshot``, whose rules are those of the situation.
    """
    sku_ids = list(dict.fromkeys(line.sku_id for line in situation.order.lines))
    skus = snapshot.catalogue.ids.find_many(sku_ids)
    nodes = len(snapshot.compiled.node_ids)
    everywhere = Stock.of(
        len(snapshot.catalogue),
        nodes,
        np.repeat(skus, nodes),
        np.tile(np.arange(nodes, dtype=np.int32), len(skus)),
        np.full(len(skus) * nodes, PLENTY, np.int32),
    )
    orders = order_arrays([situation.order], snapshot.compiled, snapshot.catalogue, now_seconds)
    moment = snapshot.with_stock(everywhere).at(now_seconds)
    problem = build_problem(moment.world, orders, 0, strategy_ix, moment.origin_seconds)
    needs = []
    for sku_id, sku_ix in zip(sku_ids, skus, strict=True):
        own = [i for i, line in enumerate(situation.order.lines) if line.sku_id == sku_id]
        start, stop = snapshot.stock.sku_start[sku_ix], snapshot.stock.sku_start[sku_ix + 1]
        have = np.zeros(nodes, np.int64)
        have[snapshot.stock.node_ix[start:stop]] = snapshot.stock.available[start:stop]
        needs.append(
            _Need(
                sku_id=sku_id,
                quantities=tuple(situation.order.lines[i].quantity for i in own),
                may=(problem.bits[:, own] == 0).all(axis=1),
                spare=have - (PLENTY - problem.cap[:, own[0]]),
            )
        )
    if not all(need.may.any() for need in needs):
        return
    offered: set[tuple[tuple[str, int, int], ...]] = set()
    for amounts in (
        _in_all(needs, problem.chord2),
        _each_line(needs, problem.chord2),
        _at_one(needs, problem.chord2),
    ):
        key = tuple((need.sku_id, *amount) for need, amount in amounts)
        if key and key not in offered:
            offered.add(key)
            yield tuple(
                _change(need, snapshot.compiled.node_ids[node], units) for need, (node, units) in amounts
            )


Amounts = list[tuple[_Need, tuple[int, int]]]
"""What is short: the SKU, the node, and units to be added there."""


def _in_all(needs: Sequence[_Need], chord2: NDArray[np.float64]) -> Amounts:
    """Units are short over all nodes together: the rest at the node that has most."""
    amounts: Amounts = []
    for need in needs:
        short = need.units - int(np.maximum(need.spare, 0)[need.may].sum())
        if short > 0:
            node = _best(need.may, np.maximum(need.units - need.spare, 0), chord2)
            amounts.append((need, (node, short + max(0, -int(need.spare[node])))))
    return amounts


def _each_line(needs: Sequence[_Need], chord2: NDArray[np.float64]) -> Amounts:
    """Lines placed one by one, the greatest first, each whole where it lacks least."""
    amounts: Amounts = []
    for need in needs:
        left = need.spare.copy()
        added: dict[int, int] = {}
        for units in sorted(need.quantities, reverse=True):
            short = np.maximum(units - left, 0)
            node = _best(need.may, short, chord2)
            if short[node] > 0:
                added[node] = added.get(node, 0) + int(short[node])
            left[node] += short[node] - units
        amounts += [(need, item) for item in sorted(added.items())]
    return amounts


def _at_one(needs: Sequence[_Need], chord2: NDArray[np.float64]) -> Amounts:
    """The whole order at the node that lacks least of it."""
    may = np.logical_and.reduce([need.may for need in needs])
    if not may.any():
        return []
    shorts = [np.maximum(need.units - need.spare, 0) for need in needs]
    node = _best(may, np.add.reduce(shorts), chord2)
    return [
        (need, (node, int(short[node]))) for need, short in zip(needs, shorts, strict=True) if short[node] > 0
    ]


def _best(may: NDArray[np.bool_], short: NDArray[np.int64], chord2: NDArray[np.float64]) -> int:
    """Of the nodes that may, the one that lacks least; then the nearest; then the first."""
    nodes = np.flatnonzero(may)
    return int(nodes[np.lexsort((chord2[nodes], short[nodes]))[0]])


def _change(need: _Need, node_id: str, units: int) -> Change:
    have = int(np.maximum(need.spare, 0)[need.may].sum())
    words = (
        f"{units_text(units).replace(' ', ' more ', 1)} of {need.sku_id} at {node_id}"
        f" ({have} of {need.units} at eligible nodes)"
    )
    return more_stock(need.sku_id, node_id, units, words)


def with_units(stock: Stock, snapshot: Snapshot, more: Sequence[tuple[str, str, int]]) -> Stock:
    """A copy with so many units more at each (SKU id, node id); rows are made where there are none."""
    pairs = [(snapshot.catalogue.ids.find(s), snapshot.compiled.nodes.find(k)) for s, k, _ in more]
    new = np.array([pair for pair in dict.fromkeys(pairs) if stock.row(*pair) < 0], np.int32).reshape(-1, 2)
    copy = stock.with_rows(new[:, 0], new[:, 1], np.zeros(len(new), np.int32))
    for pair, (_, _, units) in zip(pairs, more, strict=True):
        copy.available[copy.row(*pair)] += units
    return copy
