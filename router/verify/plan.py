"""Is the plan of one delivery allowed by a strategy, and is it priced as docs/cost-model.md says?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from router.cost import Cost, Part
from router.domain import Plan, Shipment
from router.rules.model import Strategy
from router.verify.case import Case
from router.verify.dates import HORIZON_SECONDS
from router.verify.pricing import (
    parcel_count,
    shipment_cents,
    split_cents,
    stock_depth_cents,
    time_cents,
    weight_grams,
)
from router.verify.stock import Taken, added, dates_of, stock_of
from router.verify.supply import carriage_complaints, may_divide, rule_complaints, units_by_sku
from router.verify.ways import Way

DISTANCE_TOLERANCE_M = 1


def units_by_line(plan: Plan) -> dict[str, int]:
    """Units picked of each line that the plan touches."""
    picked: dict[str, int] = {}
    for shipment in plan.shipments:
        for line_id, units in shipped(shipment).items():
            picked[line_id] = picked.get(line_id, 0) + units
    return picked


def shipped(shipment: Shipment) -> dict[str, int]:
    """Line id -> units."""
    return {pick.line_id: pick.quantity for pick in shipment.picks}


def title(shipment: Shipment) -> str:
    """How complaints name a shipment."""
    return f"shipment {shipment.node_id!r} by {shipment.service_id!r}{_at(shipment.supply_seconds)}"


def _at(date: int) -> str:
    return f" at {date}" if date else ""


def form_complaints(case: Case, plan: Plan) -> list[str]:
    """Things that do not exist or make no sense. Everything else is checked only without these."""
    found: list[str] = []
    for shipment in plan.shipments:
        name = title(shipment)
        if shipment.node_id not in case.nodes:
            found.append(f"{name}: unknown node")
        if shipment.service_id not in {"", *case.services, *(p.path_id for p in case.network.paths)}:
            found.append(f"{name}: unknown service")
        latest = case.origin_seconds + HORIZON_SECONDS
        if shipment.supply_seconds and not case.origin_seconds < shipment.supply_seconds <= latest:
            found.append(f"{name}: supply_seconds is not within 400 days after {case.origin_seconds}")
        if not shipment.picks:
            found.append(f"{name}: carries nothing")
        if len(shipped(shipment)) < len(shipment.picks):
            found.append(f"{name}: picks a line twice")
        for pick in shipment.picks:
            line = case.lines.get(pick.line_id)
            if line is None or line.sku_id != pick.sku_id:
                found.append(f"{name}: no line {pick.line_id!r} with SKU {pick.sku_id!r}")
            if pick.quantity < 1:
                found.append(f"{name}: picks {pick.quantity} units of line {pick.line_id!r}")
    for line_id, units in units_by_line(plan).items():
        line = case.lines.get(line_id)
        if line is not None and units > line.quantity:
            found.append(f"line {line_id!r}: {units} units picked, {line.quantity} ordered")
    return found


def distances_m(case: Case, plan: Plan) -> dict[str, int]:
    """Metres from each node: as reported where that is right to a metre, else as recomputed."""
    trusted = dict(case.distances_m)
    for shipment in plan.shipments:
        if abs(shipment.distance_m - case.distances_m[shipment.node_id]) <= DISTANCE_TOLERANCE_M:
            trusted[shipment.node_id] = shipment.distance_m
    return trusted


def permission_complaints(case: Case, strategy: Strategy, plan: Plan) -> list[str]:
    """What forbids the plan, apart from stock and from units it leaves out. The plan must be well-formed."""
    metres = distances_m(case, plan)
    parts = parts_of(plan)
    found: list[str] = []
    for (node_id, date), shipments in parts.items():
        node, part = case.nodes[node_id], f"node {node_id!r}{_at(date)}"
        if date and date not in dates_of(case, strategy, node):
            found.append(f"{part}: supply_seconds is no date of the node for this delivery")
        units: dict[str, int] = {}
        for shipment in shipments:
            for line_id, n in shipped(shipment).items():
                units[line_id] = units.get(line_id, 0) + n
            carried, way_id = list(shipped(shipment)), shipment.service_id
            complaints = carriage_complaints(
                case, strategy, node, carried, way_id=way_id, distance_m=metres[node_id], date=date
            )
            found += [f"{title(shipment)}: {complaint}" for complaint in complaints]
        together = units_by_sku(case, units)
        barred = rule_complaints(case, strategy, node, together, metres[node_id])
        found += [f"{part}: {complaint}" for complaint in barred]
        found += _parcel_complaints(case, part, shipments)
        worth = sum(case.unit_value_cents(case.lines[i]) * n for i, n in units.items())
        if len(parts) > 1 and worth < strategy.limits.min_shipment_value_cents:
            least = strategy.limits.min_shipment_value_cents
            found.append(f"{part}: min_shipment_value_cents is {least}, its part is worth {worth}")
    if len(parts) > strategy.limits.max_nodes_per_order:
        most = strategy.limits.max_nodes_per_order
        found.append(f"max_nodes_per_order is {most}, the plan uses {len(parts)}")
    return found + _division_complaints(case, strategy, plan, metres)


def parts_of(plan: Plan) -> dict[tuple[str, int], list[Shipment]]:
    """(node id, date) -> what it supplies then."""
    parts: dict[tuple[str, int], list[Shipment]] = {}
    for shipment in plan.shipments:
        parts.setdefault((shipment.node_id, shipment.supply_seconds), []).append(shipment)
    return parts


def _parcel_complaints(case: Case, part: str, shipments: list[Shipment]) -> list[str]:
    """Alone groups travel alone, everything else of a part in one shipment."""
    found: list[str] = []
    shared = 0
    for shipment in shipments:
        groups = {case.group_of[line_id] for line_id in shipped(shipment)}
        if not any(case.alone[g] for g in groups):
            shared += 1
        elif len(groups) > 1:
            found.append(f"{title(shipment)}: ship_alone goods share it with another group")
    if shared > 1:
        found.append(f"{part}: {shared} shipments of goods that leave together")
    return found


def _division_complaints(case: Case, strategy: Strategy, plan: Plan, metres: Mapping[str, int]) -> list[str]:
    """Groups come whole from one node in one shipment, or not at all, but for lines that may be divided."""
    found: list[str] = []
    picked = units_by_line(plan)
    for group in case.groups:
        ids = [line.line_id for line in group]
        carriers = [s for s in plan.shipments if any(i in shipped(s) for i in ids)]
        complete = all(picked.get(line.line_id, 0) == line.quantity for line in group)
        if not carriers or (complete and len(carriers) == 1):
            continue
        if not (len(group) == 1 and may_divide(case, strategy, ids[0], metres)):
            units = [picked.get(i, 0) for i in ids]
            found.append(
                f"lines {ids}: divided ({units} units in {len(carriers)} shipments), which line_splits "
                f"{strategy.limits.line_splits!r} does not allow"
            )
    return found


def price_complaints(
    case: Case,
    strategy: Strategy,
    plan: Plan,
    taken: Mapping[tuple[str, str], Taken],
    leg: Mapping[Part, int] | None = None,
) -> list[str]:
    """Figures that are not what the cost model makes of the picks. The plan must be well-formed. taken: units
    of (sku_id, node_id) that other deliveries have before this one. leg: what the way on from a hub costs, if
    the plan's shipments go to one."""
    metres = distances_m(case, plan)
    found: list[str] = []
    for shipment, way in zip(plan.shipments, ways_of(case, plan), strict=True):
        node, name = case.nodes[shipment.node_id], title(shipment)
        recomputed = case.distances_m[node.node_id]
        if abs(shipment.distance_m - recomputed) > DISTANCE_TOLERANCE_M:
            found.append(f"{name}: distance_m is {shipment.distance_m}, should be {recomputed}")
        if shipment.method != case.method(node):
            found.append(f"{name}: method is {shipment.method.name}, should be {case.method(node).name}")
        if way is None:
            continue  # complained of as carriage
        units = shipped(shipment)
        grams = weight_grams(case, units)
        for label, stated, right in (
            ("weight_grams", shipment.weight_grams, grams),
            ("parcel_count", shipment.parcel_count, parcel_count(way, grams)),
            ("arrival_seconds", shipment.arrival_seconds, way.arrival_seconds),
        ):
            if stated != right:
                found.append(f"{name}: {label} is {stated}, should be {right}")
        distance_m, date = metres[node.node_id], shipment.supply_seconds
        own = shipment_cents(case, strategy, node, units, way=way, distance_m=distance_m, date=date)
        found += part_complaints(name, shipment.cost, own)
    return (
        found + _depth_complaints(case, strategy, plan, taken) + _total_complaints(case, strategy, plan, leg)
    )


def part_complaints(name: str, cost: Cost, right: Mapping[Part, int]) -> list[str]:
    """Parts of a cost that are not the right ones."""
    stated = cost.parts()
    return [
        f"{name}: {part.name.lower()}_cents is {stated[part]}, should be {cents}"
        for part, cents in right.items()
        if stated[part] != cents
    ]


def _depth_complaints(
    case: Case, strategy: Strategy, plan: Plan, taken: Mapping[tuple[str, str], Taken]
) -> list[str]:
    """Stock depth, shipment by shipment; shipments of a part that share a SKU share its depth in any way."""
    found: list[str] = []
    before = {key: added(units) for key, units in taken.items()}
    for (node_id, date), shipments in sorted(parts_of(plan).items()):
        skus = [{p.sku_id for p in s.picks} for s in shipments]
        clusters: list[tuple[set[str], list[Shipment]]] = []
        for shipment, sku_ids in zip(shipments, skus, strict=True):
            members = [shipment]
            for cluster in [c for c in clusters if c[0] & sku_ids]:
                clusters.remove(cluster)
                sku_ids, members = sku_ids | cluster[0], cluster[1] + members  # noqa: PLW2901
            clusters.append((sku_ids, members))
        for sku_ids, members in clusters:
            right = 0
            for sku_id in sorted(sku_ids):
                units = sum(p.quantity for s in members for p in s.picks if p.sku_id == sku_id)
                others = before.setdefault((sku_id, node_id), Counter())
                available = stock_of(case, strategy, case.nodes[node_id], sku_id).left(date, others)
                right += stock_depth_cents(
                    strategy, case.nodes[node_id], available=available, unit_count=units
                )
                others[date] += units
            stated = sum(s.cost.stock_depth_cents for s in members)
            if stated != right:
                names = " and ".join(title(s) for s in members)
                found.append(f"{names}: stock_depth_cents is {stated}, should be {right}")
    return found


def _total_complaints(
    case: Case, strategy: Strategy, plan: Plan, leg: Mapping[Part, int] | None
) -> list[str]:
    """The plan's parts are the sums of its shipments' parts, plus split and what the last arrival costs, or
    the way on from a hub."""
    sums = {part: sum(s.cost.parts()[part] for s in plan.shipments) for part in Part}
    if leg is None:
        sums[Part.SPLIT] = split_cents(strategy, len(plan.shipments))
    for part, cents in (leg or {}).items():
        sums[part] += cents
    if plan.shipments:
        sums |= time_cents(case, strategy, plan.promise_seconds)
    return part_complaints("plan", plan.cost, sums)


def order_complaints(case: Case, plan: Plan) -> list[str]:
    """Shipments stand by node as in the network, then by date, then by the first line they carry."""
    rank = {node.node_id: i for i, node in enumerate(case.network.nodes)}
    keys = [
        (rank[s.node_id], s.supply_seconds, min(case.line_position[i] for i in shipped(s)))
        for s in plan.shipments
    ]
    return [] if keys == sorted(keys) else ["plan: shipments are not sorted by node, date, first line"]


def ways_of(case: Case, plan: Plan) -> list[Way | None]:
    """The way that each shipment takes; None where there is no such way."""
    metres = distances_m(case, plan)
    return [
        case.ways(case.nodes[s.node_id], metres[s.node_id], s.supply_seconds).get(s.service_id)
        for s in plan.shipments
    ]
