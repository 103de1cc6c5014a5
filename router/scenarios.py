"""What cannot be said within one plan is said as several orders, of which the best answered counts: lines
that may be served with substitutes (docs/cost-model.md, "Substitutes")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from router.domain import Method, Order, OrderLine
from router.ladder import Solved, Unsolved


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


def best_of(answers: Sequence[Solved | Unsolved]) -> Solved | Unsolved:
    """The one that fills most, then costs least, then comes first; proven when all are."""
    solved = [answer for answer in answers if isinstance(answer, Solved)]
    stopped = next((answer.stopped_by for answer in answers if answer.stopped_by), "")
    if not solved:
        return Unsolved(stopped, answers[0].method)
    best = min(solved, key=lambda answer: (-_units(answer), answer.plan.total_cents))
    undecided = [a for a in answers if isinstance(a, Unsolved) and a.stopped_by]
    open_ones = [a for a in solved if not a.proven]
    rivals = [a.bound_cents for a in solved if _units(a) == _units(best) or not a.proven]
    bound = 0 if undecided else min(rivals)
    proven = not undecided and not open_ones
    slow = [a.method for a in solved if a.method is not Method.SUBSET_DP]
    return replace(
        best,
        bound_cents=bound,
        proven=proven,
        stopped_by="" if proven else stopped,
        method=(*slow, best.method)[0],
    )


def _units(answer: Solved) -> int:
    return sum(pick.quantity for shipment in answer.plan.shipments for pick in shipment.picks)
