"""The plan of an order as plans of its deliveries: each checked by itself, then what joins them. An order
that states no deliveries is a single one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from router.cost import Cost, Part
from router.domain import FromReceipt, Plan
from router.rules.model import Strategy
from router.verify import plan as one
from router.verify.capacity import Slot
from router.verify.case import Case
from router.verify.onward import hub_case, leg_cents, onward_complaints
from router.verify.stock import added, stock_of
from router.verify.supply import stock_complaints


def portions(cases: Sequence[Case], plan: Plan) -> Iterator[tuple[Case, Plan]]:
    """Each delivery with its own part of the plan, empty where it has no shipments; one that goes over a hub
    as a delivery to the hub."""
    known = {own.delivery_id: own for own in plan.deliveries}
    for case in cases:
        if case.delivery is None and not plan.deliveries:
            yield case, plan
            continue
        delivery_id = case.delivery.delivery_id if case.delivery is not None else ""
        shipments = tuple(s for s in plan.shipments if s.delivery_id == delivery_id)
        own = known.get(delivery_id)
        if own is None or own.onward is None:
            yield case, Plan(shipments=shipments, cost=Cost() if own is None else own.cost)
        else:
            there = hub_case(case, own.onward) if own.onward.node_id in case.nodes else case
            yield there, Plan(shipments=shipments, cost=own.cost, deliveries=(own,))


def form_complaints(cases: Sequence[Case], plan: Plan) -> list[str]:
    """Things that do not exist or make no sense. Everything else is checked only without these."""
    ids = [case.delivery.delivery_id if case.delivery else "" for case in cases]
    strays = [s for s in plan.shipments if s.delivery_id not in ids]
    found = [f"{one.title(s)}: unknown delivery {s.delivery_id!r}" for s in strays]
    over_hubs = {own.delivery_id for own in plan.deliveries if own.onward is not None}
    served = [i for i in ids if (i or i in over_hubs) and any(s.delivery_id == i for s in plan.shipments)]
    stated = [own.delivery_id for own in plan.deliveries]
    if stated != served:
        found.append(f"plan: deliveries are {stated}, should be {served}")
    for case, own in portions(cases, plan):
        found += _named(case, one.form_complaints(case, own))
    return found


def plan_complaints(cases: Sequence[Case], strategy: Strategy, plan: Plan) -> list[str]:
    """All that is wrong with a well-formed plan by itself."""
    found = permission_complaints(cases, strategy, plan) + _price_complaints(cases, strategy, plan)
    if not _row_complaints(cases[0], strategy, plan):
        found += content_complaints(cases[0], strategy, plan)
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
    return found + _row_complaints(cases[0], strategy, plan) + _room_complaints(cases, plan)


def _row_complaints(case: Case, strategy: Strategy, plan: Plan) -> list[str]:
    """Units that are not there, or have to stay, over all deliveries."""
    found: list[str] = []
    for (sku_id, node_id), units in taken_by(plan).items():
        complaints = stock_complaints(case, strategy, case.nodes[node_id], {sku_id: units})
        found += [f"node {node_id!r}: {complaint}" for complaint in complaints]
    return found


def _room_complaints(cases: Sequence[Case], plan: Plan) -> list[str]:
    """Days of nodes that are too full for their parts, over all deliveries."""
    loads: Counter[Slot] = Counter()
    for case, own in portions(cases, plan):
        for (node_id, date), shipments in one.parts_of(own).items():
            units: Counter[str] = Counter()
            for pick in (pick for shipment in shipments for pick in shipment.picks):
                units[pick.sku_id] += pick.quantity
            loads += case.rooms.loads(case.nodes[node_id], date, units)
    return cases[0].rooms.complaints(cases[0].nodes, loads)


def taken_by(plan: Plan) -> dict[tuple[str, str], Counter[int]]:
    """Units of each (sku_id, node_id), by date."""
    taken: dict[tuple[str, str], Counter[int]] = {}
    for shipment in plan.shipments:
        for pick in shipment.picks:
            of_row = taken.setdefault((pick.sku_id, shipment.node_id), Counter())
            of_row[shipment.supply_seconds] += pick.quantity
    return taken


def content_complaints(case: Case, strategy: Strategy, plan: Plan) -> list[str]:
    """Picks that say that they are made of something else than they are. There must be stock for them."""
    found: list[str] = []
    for sku_id, node_id in taken_by(plan):
        picks = [
            (shipment.supply_seconds, shipment, pick)
            for shipment in plan.shipments
            for pick in shipment.picks
            if (pick.sku_id, shipment.node_id) == (sku_id, node_id)
        ]
        picks.sort(key=lambda of: of[0])
        stock = stock_of(case, strategy, case.nodes[node_id], sku_id)
        made_of = stock.made_of([(date, pick.quantity) for date, _, pick in picks])
        for (_, shipment, pick), right in zip(picks, made_of, strict=True):
            if (pick.receipts, pick.backordered_quantity) != right:
                said = f"{_said(pick.receipts, pick.backordered_quantity)}, should be {_said(*right)}"
                found.append(f"{one.title(shipment)}: line {pick.line_id!r} is said to be of {said}")
    return found


def _said(receipts: tuple[FromReceipt, ...], backordered: int) -> str:
    return f"receipts {[(r.expected_seconds, r.quantity) for r in receipts]} and {backordered} backordered"


def _price_complaints(cases: Sequence[Case], strategy: Strategy, plan: Plan) -> list[str]:
    """Figures that are not what the cost model makes of the picks."""
    found: list[str] = []
    taken: dict[tuple[str, str], Counter[int]] = {}
    for (case, own), straight in zip(portions(cases, plan), cases, strict=True):
        leg = leg_cents(straight, strategy, own.deliveries[0]) if _goes_on(own) else None
        found += _named(case, one.price_complaints(case, strategy, own, taken, leg))
        for key, units in taken_by(own).items():
            taken[key] = added(taken.get(key, {}), units)
    by_id = {case.delivery.delivery_id if case.delivery else "": case for case in cases}
    for own_plan in plan.deliveries:
        last = max(s.arrival_seconds for s in plan.shipments if s.delivery_id == own_plan.delivery_id)
        wrong = onward_complaints(by_id[own_plan.delivery_id], strategy, own_plan, last)
        found += [f"delivery {own_plan.delivery_id!r}: {complaint}" for complaint in wrong]
        if own_plan.onward is None and own_plan.promise_seconds != last:
            stated = f"promise_seconds is {own_plan.promise_seconds}, should be {last}"
            found.append(f"delivery {own_plan.delivery_id!r}: {stated}")
    if plan.deliveries:
        sums = {part: sum(own.cost.parts()[part] for own in plan.deliveries) for part in Part}
        found += one.part_complaints("plan", plan.cost, sums)
    return found


def _goes_on(plan: Plan) -> bool:
    return any(own.onward is not None for own in plan.deliveries)


def _named(case: Case, complaints: list[str]) -> list[str]:
    """With the name of the delivery, where the order states any."""
    if case.delivery is None:
        return complaints
    return [f"delivery {case.delivery.delivery_id!r}: {complaint}" for complaint in complaints]
