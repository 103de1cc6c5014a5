"""The plan of an order as plans of its deliveries: each checked by itself, then what joins them. An order
that states no deliveries is a single one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from router.domain import Cost, Part, Plan
from router.rules.model import Strategy
from router.verify import plan as one
from router.verify.case import Case
from router.verify.supply import stock_complaints


def portions(cases: Sequence[Case], plan: Plan) -> Iterator[tuple[Case, Plan]]:
    """Each delivery with its own part of the plan, empty where it has no shipments."""
    costs = {own.delivery_id: own.cost for own in plan.deliveries}
    for case in cases:
        if case.delivery is None:
            yield case, plan
        else:
            delivery_id = case.delivery.delivery_id
            shipments = tuple(s for s in plan.shipments if s.delivery_id == delivery_id)
            yield case, Plan(shipments=shipments, cost=costs.get(delivery_id, Cost()))


def form_complaints(cases: Sequence[Case], plan: Plan) -> list[str]:
    """Things that do not exist or make no sense. Everything else is checked only without these."""
    ids = [case.delivery.delivery_id if case.delivery else "" for case in cases]
    strays = [s for s in plan.shipments if s.delivery_id not in ids]
    found = [f"{one.title(s)}: unknown delivery {s.delivery_id!r}" for s in strays]
    served = [i for i in ids if i and any(s.delivery_id == i for s in plan.shipments)]
    stated = [own.delivery_id for own in plan.deliveries]
    if stated != served:
        found.append(f"plan: deliveries are {stated}, should be {served}")
    for case, own in portions(cases, plan):
        found += _named(case, one.form_complaints(case, own))
    return found


def plan_complaints(cases: Sequence[Case], strategy: Strategy, plan: Plan) -> list[str]:
    """All that is wrong with a well-formed plan by itself."""
    found = permission_complaints(cases, strategy, plan) + _price_complaints(cases, strategy, plan)
    for case, own in portions(cases, plan):
        found += _named(case, one.order_complaints(case, own))
    rank = {case.delivery.delivery_id if case.delivery else "": i for i, case in enumerate(cases)}
    turns = [rank[shipment.delivery_id] for shipment in plan.shipments]
    return found + ([] if turns == sorted(turns) else ["plan: shipments are not sorted by delivery"])


def permission_complaints(cases: Sequence[Case], strategy: Strategy, plan: Plan) -> list[str]:
    """What forbids a well-formed plan, apart from units it leaves out."""
    found: list[str] = []
    for case, own in portions(cases, plan):
        found += _named(case, one.permission_complaints(case, strategy, own))
    taken: dict[str, Counter[str]] = {}
    for shipment in plan.shipments:
        for pick in shipment.picks:
            taken.setdefault(shipment.node_id, Counter())[pick.sku_id] += pick.quantity
    for node_id, units in taken.items():
        complaints = stock_complaints(cases[0], strategy, cases[0].nodes[node_id], units)
        found += [f"node {node_id!r}: {complaint}" for complaint in complaints]
    return found


def _price_complaints(cases: Sequence[Case], strategy: Strategy, plan: Plan) -> list[str]:
    """Figures that are not what the cost model makes of the picks."""
    found: list[str] = []
    taken: Counter[tuple[str, str]] = Counter()
    for case, own in portions(cases, plan):
        found += _named(case, one.price_complaints(case, strategy, own, taken))
        for shipment in own.shipments:
            for pick in shipment.picks:
                taken[pick.sku_id, shipment.node_id] += pick.quantity
    for own_plan in plan.deliveries:
        last = max(s.arrival_seconds for s in plan.shipments if s.delivery_id == own_plan.delivery_id)
        if own_plan.promise_seconds != last:
            stated = f"promise_seconds is {own_plan.promise_seconds}, should be {last}"
            found.append(f"delivery {own_plan.delivery_id!r}: {stated}")
    if cases[0].delivery is not None:
        sums = {part: sum(own.cost.parts()[part] for own in plan.deliveries) for part in Part}
        found += one.part_complaints("plan", plan.cost, sums)
    return found


def _named(case: Case, complaints: list[str]) -> list[str]:
    """With the name of the delivery, where the order states any."""
    if case.delivery is None:
        return complaints
    return [f"delivery {case.delivery.delivery_id!r}: {complaint}" for complaint in complaints]
