"""Rows of the ledger that tell how nodes are, beside those of stock. Their SKU ids begin with ``#``, which no
SKU of a catalogue may.

| SKU id | place | on hand |
|---|---|---|
| ``#orders``, ``#lines``, ``#units`` | ``NODE@2026-12-01`` | capacity of that date; reserved: what is taken |
| ``#orders-backlog`` and so on | ``NODE`` | load that waits since earlier days |
| ``#off`` | ``NODE`` | minutes from 1970 until which it is switched off, 0 for on |

The row of a day comes into being when something is taken of it; until then it has its capacity.
"""

from __future__ import annotations

from datetime import date

MARK = "#"
LOAD_SKUS = ("#orders", "#lines", "#units")
"""By ``router.network.LoadKind``."""
BACKLOG_SKUS = ("#orders-backlog", "#lines-backlog", "#units-backlog")
"""By ``router.network.LoadKind``."""
OFF_SKU = "#off"
OFF_UNIT_SECONDS = 60
"""So that instants fit into units of a row."""


def is_node_row(sku_id: str) -> bool:
    """Does the row tell how a node is?"""
    return sku_id.startswith(MARK)


def day_place(node_id: str, day: int) -> str:
    """The place of a node's day (ordinal of the local date)."""
    return f"{node_id}@{date.fromordinal(day)}"


def split_day(place_id: str) -> tuple[str, int]:
    """The node of a place that a row about nodes has, and the day, 0 for none."""
    node_id, mark, text = place_id.rpartition("@")
    if mark and len(text) == len("2026-12-01"):
        try:
            return node_id, date.fromisoformat(text).toordinal()
        except ValueError:
            pass
    return place_id, 0
