"""Test worlds as snapshots of the engine."""

from __future__ import annotations

import numpy as np

from router.catalogue import Catalogue
from router.snapshot import Snapshot
from router.stock import Stock
from tests.worlds import World


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
    return Snapshot.build(world.network, catalogue, world.rules, stock)
