"""May this node supply these units, and by which services: stock, eligibility rules, carriage, deadline.
Questions are answered with complaints; an empty list is a yes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from router.errors import BrokenInvariant
from router.network import Lane, Node, Service
from router.rules.model import (
    AllowNodes,
    EligibilityRule,
    ExcludeNodes,
    ExcludeServices,
    MaxDistance,
    MinRemaining,
    SameCountry,
    Strategy,
)
from router.verify.facts import Case, SkuFacts, selects_node, selects_sku


def stock_complaints(
    case: Case, strategy: Strategy, node: Node, units_by_line: Mapping[str, int], distance_m: int
) -> list[str]:
    """What forbids the node to supply these units: rules, or stock taken jointly over the lines."""
    units_by_sku: dict[str, int] = {}
    for line_id, units in units_by_line.items():
        sku_id = case.lines[line_id].sku_id
        units_by_sku[sku_id] = units_by_sku.get(sku_id, 0) + units
    found: list[str] = []
    for sku_id, units in units_by_sku.items():
        available = case.available(sku_id, node.node_id)
        if available is None or units > available:
            found.append(f"stock: {units} units of {sku_id!r} taken, available {available}")
            continue
        sku = case.sku_of(sku_id)
        found += [
            f"rule {rule.name!r} ({rule.kind}) forbids {units} units of {sku_id!r}"
            for rule in strategy.eligibility
            if selects_sku(rule.skus, sku)
            and _forbids(case, rule, node, distance_m=distance_m, remaining=available - units)
        ]
    return found


def _forbids(case: Case, rule: EligibilityRule, node: Node, *, distance_m: int, remaining: int) -> bool:
    """Does the rule bar the node, for a SKU that the rule is about?"""
    if isinstance(rule, ExcludeServices):
        return False  # a matter of carriage
    selected = selects_node(rule.nodes, node)
    if isinstance(rule, AllowNodes):
        return not selected
    if not selected or isinstance(rule, ExcludeNodes):
        return selected
    if isinstance(rule, MaxDistance):
        return distance_m > rule.km * 1000
    if isinstance(rule, SameCountry):
        return node.country != case.order.destination.country
    return isinstance(rule, MinRemaining) and remaining < rule.units


def lane_of(case: Case, node: Node, service: Service, distance_m: int) -> Lane | None:
    """The first lane of the service that leads from the node to the destination, if goods arrive by it."""
    for lane in service.lanes:
        if (
            (not lane.from_zones or case.node_zones[node.node_id] in lane.from_zones)
            and (not lane.to_zones or case.destination_zone in lane.to_zones)
            and (lane.max_distance_m is None or distance_m <= lane.max_distance_m)
        ):
            return lane if case.times(node, service, lane) is not None else None
    return None


def excludes(strategy: Strategy, service: Service, sku: SkuFacts) -> bool:
    """The SKU does not travel by the service: the service's own doing, or a rule's."""
    if service.excluded_sku_labels & sku.labels:
        return True
    return any(
        isinstance(rule, ExcludeServices)
        and selects_sku(rule.skus, sku)
        and (service.service_id in rule.services or any(label in service.labels for label in rule.labels))
        for rule in strategy.eligibility
    )


def carriage_complaints(
    case: Case,
    strategy: Strategy,
    node: Node,
    line_ids: Sequence[str],
    *,
    service: Service,
    lane: Lane | None,
) -> list[str]:
    """What forbids a shipment of these lines from the node by the service on its ``lane``."""
    name = service.service_id
    if name not in node.services:
        return [f"carriage: service {name!r} does not collect there"]
    if lane is None:
        return [f"carriage: service {name!r} has no lane"]
    found: list[str] = []
    greatest = lane.brackets[-1].up_to_grams
    for line_id in line_ids:
        sku = case.sku_of(case.lines[line_id].sku_id)
        if excludes(strategy, service, sku):
            found.append(f"carriage: service {name!r} excludes SKU {sku.sku_id!r}")
        if sku.weight_grams > greatest:
            found.append(
                f"carriage: a unit of {sku.sku_id!r} weighs {sku.weight_grams} g, {name!r} takes {greatest} g"
            )
    deadline, arrival = case.order.deliver_by_seconds, arrival_seconds(case, node, service, lane)
    if deadline is not None and arrival > deadline:
        found.append(f"deadline: arrives at {arrival} by {name!r}, due by {deadline}")
    return found


def arrival_seconds(case: Case, node: Node, service: Service, lane: Lane) -> int:
    """When a shipment is there by the service on its ``lane_of``. Raises BrokenInvariant for one by which it
    never is."""
    found = case.times(node, service, lane)
    if found is None:
        raise BrokenInvariant(f"service {service.service_id!r} does not arrive from node {node.node_id!r}")
    return found.arrival_seconds


def open_services(
    case: Case, strategy: Strategy, node: Node, line_ids: Sequence[str], distance_m: int
) -> Iterator[tuple[Service, Lane]]:
    """The services, as stated, that may carry a shipment of these lines in time, with their lanes."""
    for service in case.network.services:
        lane = lane_of(case, node, service, distance_m)
        if lane is not None and not carriage_complaints(
            case, strategy, node, line_ids, service=service, lane=lane
        ):
            yield service, lane


def can_supply(
    case: Case, strategy: Strategy, node: Node, units_by_line: Mapping[str, int], distance_m: int
) -> bool:
    """The node can send exactly these units, each alone group and the rest in shipments of their own."""
    if stock_complaints(case, strategy, node, units_by_line, distance_m):
        return False
    parcels: dict[int | None, list[str]] = {}
    for line_id in units_by_line:
        group = case.group_of[line_id]
        parcels.setdefault(group if case.alone[group] else None, []).append(line_id)
    return all(any(open_services(case, strategy, node, ids, distance_m)) for ids in parcels.values())


def may_divide(case: Case, strategy: Strategy, line_id: str, distances_m: Mapping[str, int]) -> bool:
    """May the line come from several nodes, or be filled in part?"""
    group = case.group_of[line_id]
    splits = strategy.limits.line_splits
    if len(case.groups[group]) > 1 or case.alone[group] or splits == "never":
        return False
    whole = {line_id: case.lines[line_id].quantity}
    return splits == "free" or not any(
        can_supply(case, strategy, node, whole, distances_m[node.node_id]) for node in case.network.nodes
    )


def simple_answer(case: Case, strategy: Strategy) -> str | None:
    """A node that by itself gives the strategy an answer: it supplies the whole order or, where partial
    answers are allowed, some group. None proves nothing."""
    groups = case.groups if strategy.limits.allow_partial else (case.order.lines,)
    for node in case.network.nodes:
        for lines in groups:
            whole = {line.line_id: line.quantity for line in lines}
            if can_supply(case, strategy, node, whole, case.distances_m[node.node_id]):
                return node.node_id
    return None
