"""What the nodes' offers cost under each strategy. Kernels know nothing of it: it is part of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from router.columns import IdIndex
from router.network import Network
from router.rules.compile import weighted
from router.rules.compile_eligibility import matches_node
from router.rules.model import Purchase, Strategy

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Offers:
    """cents: of a unit of a SKU row at a node row, weighted, by strategy; what is not there costs nothing.
    touched: bool[S], SKUs that cost something somewhere; touches: there are any."""

    cents: tuple[dict[tuple[int, int], int], ...]
    touched: NDArray[np.bool_]
    touches: bool

    def unit_cents(self, strategy_ix: int, skus: I64, nodes: I64) -> I64:
        """int64[s, n]: of units of these SKUs at these nodes."""
        found = np.zeros((len(skus), len(nodes)), np.int64)
        own = self.cents[strategy_ix]
        for s in np.flatnonzero(self.touched[skus]) if own else ():
            sku = int(skus[s])
            found[s] = [own.get((sku, node), 0) for node in nodes.tolist()]
        return found


def compile_offers(strategies: Sequence[Strategy], network: Network, sku_ids: IdIndex) -> Offers:
    """Of all strategies, in their order. An offer of a SKU that is not in the catalogue counts nowhere."""
    touched = np.zeros(len(sku_ids), bool)
    offering = [(n, node) for n, node in enumerate(network.nodes) if node.offers]
    by_strategy = []
    for strategy in strategies:
        cents: dict[tuple[int, int], int] = {}
        goals = [goal for goal in strategy.objectives if isinstance(goal, Purchase)]
        for goal, (n, node) in product(goals, offering):
            for offer in node.offers if matches_node(goal.nodes, node) else ():
                sku = sku_ids.find(offer.sku_id)
                own = weighted(offer.payable_cents, goal.weight)
                if sku >= 0 and own:
                    cents[sku, n] = cents.get((sku, n), 0) + own
                    touched[sku] = True
        by_strategy.append(cents)
    return Offers(tuple(by_strategy), touched, bool(touched.any()))
