"""What strategies may promise besides what is there, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.rules.compile_eligibility import ClassTable, Universe
from router.rules.model import Backorder, NodeLoad, Preorder, Receipts, Strategy


@dataclass(frozen=True, slots=True)
class SupplyRow:
    """A supply rule. nodes: bool[N], classes: bool[K], those that it is about."""

    rule: Receipts | Backorder | Preorder
    nodes: NDArray[np.bool_]
    classes: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SupplyRules:
    """rows: of each strategy. receipts: a strategy counts receipts. more: bool[K], classes of which a
    strategy may promise more than is known to come; touches_skus: there are any. prices_load: a strategy
    has an objective ``node_load``."""

    rows: tuple[tuple[SupplyRow, ...], ...]
    receipts: bool
    more: NDArray[np.bool_]
    touches_skus: bool
    prices_load: bool


def compile_supply(strategies: Sequence[Strategy], universe: Universe, classes: ClassTable) -> SupplyRules:
    """The rules of all strategies, in their order."""

    def row_of(rule: Receipts | Backorder | Preorder) -> SupplyRow:
        return SupplyRow(rule, universe.nodes(rule.nodes), classes.matching[rule.skus])

    rows = tuple(tuple(map(row_of, strategy.supply)) for strategy in strategies)
    each = [row for own in rows for row in own]
    more = np.zeros(classes.count, bool)
    for row in each:
        if not isinstance(row.rule, Receipts):
            more |= row.classes
    return SupplyRules(
        rows,
        receipts=any(isinstance(row.rule, Receipts) for row in each),
        more=more,
        touches_skus=bool(more.any()),
        prices_load=any(isinstance(goal, NodeLoad) for t in strategies for goal in t.objectives),
    )
