"""May this node supply these units, and by which ways: stock, eligibility rules, carriage, deadline.
Questions are answered with complaints; an empty list is a yes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from router.domain import OrderLine
from router.network import Node, Service
from router.rules.model import (
    AllowCountries,
    AllowMethods,
    AllowNodes,
    EligibilityRule,
    ExcludeCountries,
    ExcludeMethods,
    ExcludeNodes,
    ExcludeServices,
    MaxDistance,
    MinRemaining,
    SameCountry,
    Strategy,
)
from router.verify.capacity import Slot
from router.verify.case import Case
from router.verify.facts import SkuFacts, selects_node, selects_sku
from router.verify.stock import Taken, added, dates_of, stock_of
from router.verify.ways import Way


def units_by_sku(case: Case, units_by_line: Mapping[str, int]) -> Counter[str]:
    """Units of each SKU, over all lines."""
    found: Counter[str] = Counter()
    for line_id, units in units_by_line.items():
        found[case.lines[line_id].sku_id] += units
    return found


def stock_complaints(case: Case, strategy: Strategy, node: Node, taken: Mapping[str, Taken]) -> list[str]:
    """What is wrong with taking so many units of each SKU at the node, at so many dates. Nothing but stock is
    asked of the case: the units may be those of several deliveries."""
    found: list[str] = []
    for sku_id, by_date in taken.items():
        sku, stock = case.sku_of(sku_id), stock_of(case, strategy, node, sku_id)
        kept = [
            rule
            for rule in strategy.eligibility
            if isinstance(rule, MinRemaining)
            and selects_sku(rule.skus, sku)
            and selects_node(rule.nodes, node)
        ]
        for date in sorted(by_date):
            count = sum(units for other, units in by_date.items() if other <= date)
            left = stock.by(date) - count
            if left < 0:
                found.append(f"stock: {count} units of {sku_id!r} taken{_by(date)}, available {left + count}")
            else:
                found += [_forbidden(rule, sku_id, count) for rule in kept if left < rule.units]
    return found


def _by(date: int) -> str:
    return f" by {date}" if date else ""


def rule_complaints(
    case: Case, strategy: Strategy, node: Node, units: Mapping[str, int], distance_m: int
) -> list[str]:
    """What keeps the node from supplying the SKUs to the place, whatever the stock: that it is off, what the
    order excludes, rules."""
    found = [f"switched off until {case.states.off_until[node.node_id]}"] if case.is_off(node) else []
    for excluded in case.order.exclusions:
        over = excluded.until_seconds is not None and excluded.until_seconds <= case.now_seconds
        if excluded.node_id == node.node_id and not over:
            named = [sku_id for sku_id in units if excluded.sku_id in ("", sku_id)]
            found += [f"the order takes no {sku_id!r} from {node.node_id!r}" for sku_id in named]
    return found + [
        _forbidden(rule, sku_id, count)
        for sku_id, count in units.items()
        for rule in strategy.eligibility
        if selects_sku(rule.skus, case.sku_of(sku_id)) and _bars(case, rule, node, distance_m)
    ]


def _forbidden(rule: EligibilityRule, sku_id: str, units: int) -> str:
    return f"rule {rule.name!r} ({rule.kind}) forbids {units} units of {sku_id!r}"


def _bars(case: Case, rule: EligibilityRule, node: Node, distance_m: int) -> bool:
    """Does the rule bar the node, for a SKU that the rule is about?"""
    if isinstance(rule, ExcludeServices | MinRemaining):
        return False  # matters of carriage and of stock
    selected = selects_node(rule.nodes, node)
    if isinstance(rule, AllowNodes):
        return not selected
    if not selected or isinstance(rule, ExcludeNodes):
        return selected
    if isinstance(rule, MaxDistance):
        return distance_m > rule.km * 1000
    if isinstance(rule, AllowMethods):
        return case.method(node).name not in rule.methods
    if isinstance(rule, ExcludeMethods):
        return case.method(node).name in rule.methods
    if isinstance(rule, AllowCountries):
        return case.place.country not in rule.countries
    if isinstance(rule, ExcludeCountries):
        return case.place.country in rule.countries
    return isinstance(rule, SameCountry) and node.country != case.place.country


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
    way_id: str,
    distance_m: int,
    date: int = 0,
) -> list[str]:
    """What forbids a shipment of these lines from the node, at a date, by the way of that id."""
    way = case.ways(node, distance_m, date).get(way_id)
    if way is None:
        collects = way_id not in case.services or way_id in node.services
        return [f"carriage: {_noun(way_id)} {'has no lane' if collects else 'does not collect'} there"]
    found: list[str] = []
    for line_id in line_ids:
        sku = case.sku_of(case.lines[line_id].sku_id)
        if any(excludes(strategy, service, sku) for service, _ in way.legs):
            found.append(f"carriage: {_noun(way_id)} excludes SKU {sku.sku_id!r}")
        if way.greatest_grams is not None and sku.weight_grams > way.greatest_grams:
            found.append(
                f"carriage: a unit of {sku.sku_id!r} weighs {sku.weight_grams} g, "
                f"{way_id!r} takes {way.greatest_grams} g"
            )
    latest = case.latest_seconds(strategy)
    if latest is not None and way.arrival_seconds > latest:
        found.append(f"deadline: arrives at {way.arrival_seconds} by {way_id!r}, due by {latest}")
    return found


def _noun(way_id: str) -> str:
    return f"service {way_id!r}" if way_id else "collecting"


def open_ways(
    case: Case, strategy: Strategy, node: Node, line_ids: Sequence[str], distance_m: int, date: int
) -> Iterator[Way]:
    """The ways, as stated, that a shipment of these lines may take and be in time."""
    for way_id, way in case.ways(node, distance_m, date).items():
        if not carriage_complaints(
            case, strategy, node, line_ids, way_id=way_id, distance_m=distance_m, date=date
        ):
            yield way


def can_supply(
    case: Case,
    strategy: Strategy,
    node: Node,
    units_by_line: Mapping[str, int],
    distance_m: int,
    date: int = 0,
) -> bool:
    """The node can send exactly these units at a date, each alone group and the rest in shipments of their
    own."""
    units = units_by_sku(case, units_by_line)
    if stock_complaints(case, strategy, node, {sku_id: {date: n} for sku_id, n in units.items()}):
        return False
    if rule_complaints(case, strategy, node, units, distance_m):
        return False
    parcels: dict[int | None, list[str]] = {}
    for line_id in units_by_line:
        group = case.group_of[line_id]
        parcels.setdefault(group if case.alone[group] else None, []).append(line_id)
    return all(any(open_ways(case, strategy, node, ids, distance_m, date)) for ids in parcels.values())


def may_divide(case: Case, strategy: Strategy, line_id: str, distances_m: Mapping[str, int]) -> bool:
    """May the line come from several nodes or at several dates, or be filled in part?"""
    group = case.group_of[line_id]
    splits = strategy.limits.line_splits
    if len(case.groups[group]) > 1 or case.alone[group] or splits == "never":
        return False
    whole = {line_id: case.lines[line_id].quantity}
    return splits == "free" or not any(
        can_supply(case, strategy, node, whole, distances_m[node.node_id]) for node in case.network.nodes
    )


def simple_answer(cases: Sequence[Case], strategy: Strategy) -> list[str]:
    """Nodes that give the strategy an answer: one that supplies some group, where partial answers are
    allowed, or else one for each delivery that supplies all of it, at one date. Empty proves nothing."""
    partial = strategy.limits.allow_partial
    if partial and cases[0].order.states_fill:
        return []
    taken: dict[tuple[str, str], Taken] = {}
    loads: Counter[Slot] = Counter()
    found: list[str] = []
    for case in cases:
        groups = case.groups if partial else (tuple(case.lines.values()),)
        node_id = next((n for lines in groups if (n := _supplier(case, strategy, lines, taken, loads))), None)
        if node_id is not None:
            found.append(node_id)
        if (node_id is None) != partial:
            return found if partial else []
    return found


def _supplier(
    case: Case,
    strategy: Strategy,
    lines: Sequence[OrderLine],
    taken: dict[tuple[str, str], Taken],
    loads: Counter[Slot],
) -> str | None:
    """A node that supplies the lines whole from what ``taken`` and ``loads`` leave, which they are added
    to."""
    whole = {line.line_id: line.quantity for line in lines}
    units = units_by_sku(case, whole)
    for node in case.network.nodes:
        for date in dates_of(case, strategy, node):
            if can_supply(case, strategy, node, whole, case.distances_m[node.node_id], date):
                together = {
                    sku_id: added(taken.get((sku_id, node.node_id), {}), {date: n})
                    for sku_id, n in units.items()
                }
                own = case.rooms.loads(node, date, units)
                too_full = case.rooms.complaints(case.nodes, loads + own)
                if not too_full and not stock_complaints(case, strategy, node, together):
                    loads.update(own)
                    taken.update({(sku_id, node.node_id): all_of for sku_id, all_of in together.items()})
                    return node.node_id
    return None
