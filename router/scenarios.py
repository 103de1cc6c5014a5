"""What cannot be said within one plan is said as several orders, of which the best answered counts: lines
that may be served with substitutes (docs/cost-model.md, "Substitutes")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from router.domain import Order, OrderLine


def scenarios(order: Order) -> Iterator[Order]:
    """The order as it may be served, as ordered first. A SKU is never both ordered and a substitute."""
    for lines in product(*map(_served, order.lines)):
        ordered = {line.sku_id for line in lines if not line.ordered_sku_id}
        if ordered.isdisjoint(line.sku_id for line in lines if line.ordered_sku_id):
            yield replace(order, lines=lines)


def _served(line: OrderLine) -> list[OrderLine]:
    """By each SKU in turn."""
    as_ordered = replace(line, substitutes=())
    others = (replace(as_ordered, sku_id=sku, ordered_sku_id=line.sku_id) for sku in line.substitutes)
    return [as_ordered, *others]
