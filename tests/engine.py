"""Test worlds as snapshots of the engine, and explained by it."""

from __future__ import annotations

from typing import Any

import numpy as np

from router.budget import Budget
from router.catalogue import Catalogue
from router.domain import Decision, Order
from router.explain import explain_order
from router.explanation import Explanation
from router.node_states import NodeStates
from router.snapshot import Snapshot
from router.sourcer import decide
from router.stock import Stock
from tests.worlds import NOW_SECONDS, World


def snapshot_of(world: World) -> Snapshot:
    """The engine's view of a test world; nodes are sorted by id, as loading does."""
    catalogue = Catalogue.from_skus(list(world.skus.values()))
    node_row = {n.node_id: i for i, n in enumerate(world.network.nodes)}
    rows = [
        (catalogue.ids.find(sku_id), node_row[node_id], units)
        for (sku_id, node_id), units in world.stock.items()
    ]
    columns = np.array(rows, np.int32).reshape(-1, 3)
    stock = Stock.of(len(catalogue), len(node_row), columns[:, 0], columns[:, 1], columns[:, 2])
    if world.prices:
        price = np.zeros(len(stock), np.int32)
        for (sku_id, node_id), cents in world.prices.items():
            price[stock.row(catalogue.ids.find(sku_id), node_row[node_id])] = cents
        stock = stock.with_prices(price)
    states = states_of(world)
    return Snapshot.build(world.network, catalogue, world.rules, stock, world.receipts, states)


def states_of(world: World) -> NodeStates:
    """Its nodes' states, by row."""
    states, row = NodeStates(), {n.node_id: i for i, n in enumerate(world.network.nodes)}
    for (node_id, kind, day), units in world.free.items():
        states.set_free(row[node_id], kind, day, units)
    for (node_id, kind), units in world.backlog.items():
        states.set_backlog(row[node_id], kind, units)
    for node_id, until in world.off.items():
        states.set_off(row[node_id], until)
    return states


def explained(world: World, **options: Any) -> tuple[Decision, Explanation]:
    """The world's order decided, and why. ``options`` are those of the budget."""

    def at_now(
        order: Order, snapshot: Snapshot, *, forbidden_nodes: frozenset[str] = frozenset()
    ) -> Decision:
        return decide(order, snapshot, NOW_SECONDS, forbidden_nodes=forbidden_nodes)

    snapshot = snapshot_of(world)
    decision = at_now(world.order, snapshot)
    return explain_order(decision, at_now, world.order, snapshot, NOW_SECONDS, Budget(**options))
