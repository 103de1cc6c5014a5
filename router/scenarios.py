"""What cannot be said within one plan is said as several orders, of which the best answered counts: lines
that may be served with substitutes (docs/cost-model.md, "Substitutes")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from math import prod

from router.domain import MAX_SCENARIOS, Order, OrderLine
from router.kits import Kits, kit_scenarios


def scenarios(order: Order, kits: Kits, *, partial: bool) -> Iterator[Order]:
    """The order as it may be served, as ordered first, with components in the place of kits; MAX_SCENARIOS at
    most. partial: some kits may be left out. A SKU is never both ordered and a substitute."""
    choices = list(map(_served, order.lines))
    most = max(1, MAX_SCENARIOS // prod(map(len, choices)))
    for lines in product(*choices):
        for served in kit_scenarios(replace(order, lines=lines), kits, most, partial=partial):
            ordered = {line.sku_id for line in served.lines if not line.ordered_sku_id}
            if ordered.isdisjoint(line.sku_id for line in served.lines if line.ordered_sku_id):
                yield served


def _served(line: OrderLine) -> list[OrderLine]:
    """By each SKU in turn."""
    as_ordered = replace(line, substitutes=())
    others = (replace(as_ordered, sku_id=sku, ordered_sku_id=line.sku_id) for sku in line.substitutes)
    return [as_ordered, *others]
