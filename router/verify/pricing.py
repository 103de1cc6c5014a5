"""What a given plan costs under a strategy: one function per row of the table in docs/cost-model.md.
All amounts are integer cents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal

from router.cost import Part
from router.network import Bracket, Lane, LoadKind, Node
from router.rules.model import (
    Delay,
    Distance,
    Duty,
    Handling,
    Lateness,
    Mistrust,
    NodeLoad,
    NodePriority,
    Purchase,
    Shipping,
    Split,
    StockDepth,
    StockPrice,
    Strategy,
    Substitution,
    Transfer,
    Waiting,
)
from router.verify.case import Case
from router.verify.facts import rounded_half_up, selects_node, selects_sku
from router.verify.ways import Way


def weight_grams(case: Case, units_by_line: Mapping[str, int]) -> int:
    """Weight of the goods."""
    return sum(case.sku_of(case.lines[i].sku_id).weight_grams * n for i, n in units_by_line.items())


def parcels_grams(way: Way, grams: int) -> list[int]:
    """Full parcels of the greatest weight, and one for the rest; weightless goods need one too."""
    greatest = way.greatest_grams
    if greatest is None:
        return [grams]
    full, rest = divmod(grams, greatest)
    return [greatest] * full + ([rest] if rest or not full else [])


def parcel_count(way: Way, grams: int) -> int:
    """Parcels of a shipment."""
    return len(parcels_grams(way, grams))


def carriage_cents(strategy: Strategy, way: Way, grams: int) -> dict[Part, int]:
    """The tariffs along the way for one shipment, and its hubs: of carriers, and of the retailer's own
    transport."""
    cents = {Part.SHIPPING: 0, Part.TRANSFER: 0}
    for parcel, times in Counter(parcels_grams(way, grams)).items():
        for objective in strategy.objectives:
            if isinstance(objective, Shipping | Transfer):
                own = isinstance(objective, Transfer)
                each = sum(
                    rounded_half_up(_bracket(lane, parcel).cents, objective.weight)
                    for service, lane in way.legs
                    if service.is_transfer == own
                )
                if own:
                    each += sum(rounded_half_up(hub, objective.weight) for hub in way.hub_cents)
                cents[Part.TRANSFER if own else Part.SHIPPING] += each * times
    return cents


def _bracket(lane: Lane, grams: int) -> Bracket:
    """The smallest that holds a parcel."""
    return next(b for b in lane.brackets if b.up_to_grams >= grams)


def handling_cents(strategy: Strategy, node: Node, *, line_count: int, unit_count: int) -> int:
    """The node's work on one shipment."""
    total = 0
    for objective in strategy.objectives:
        if isinstance(objective, Handling):
            total += rounded_half_up(node.shipment_cents, objective.weight)
            total += rounded_half_up(node.line_cents, objective.weight) * line_count
            total += rounded_half_up(node.unit_cents, objective.weight) * unit_count
    return total


def mistrust_cents(case: Case, strategy: Strategy, node: Node, line_ids: Iterable[str]) -> int:
    """The chances that one shipment, or one of its lines, has to be sourced again."""
    total = 0
    for objective in strategy.objectives:
        if isinstance(objective, Mistrust):
            percents = [100 - node.acceptance_percent]
            for line_id in line_ids:
                labels = case.sku_of(case.lines[line_id].sku_id).labels
                truths, acceptances = [], [100]
                for trust in node.trust:
                    if trust.sku_label in labels:
                        acceptances.append(trust.acceptance_percent)
                        if trust.stock_truth_percent is not None:
                            truths.append(trust.stock_truth_percent)
                truth = min(truths) if truths else node.stock_truth_percent
                percents.append((100 - truth) + (100 - min(acceptances)))
            for percent in percents:
                total += rounded_half_up(Decimal(objective.resource_cents) * percent / 100, objective.weight)
    return total


def distance_cents(strategy: Strategy, *, distance_m: int, unit_count: int) -> int:
    """The way of one shipment, per shipment or per unit."""
    total = 0
    for objective in strategy.objectives:
        if isinstance(objective, Distance):
            rate = rounded_half_up(objective.cents_per_km, objective.weight, scale=1000)
            once = distance_m * rate // 1_000_000
            total += once * (unit_count if objective.per == "unit" else 1)
    return total


def node_priority_cents(strategy: Strategy, node: Node, *, unit_count: int) -> int:
    """The rank of the node, per shipment or per unit."""
    total = 0
    for objective in strategy.objectives:
        if isinstance(objective, NodePriority):
            once = rounded_half_up(objective.cents, objective.weight) * (node.priority - 1)
            total += once * (unit_count if objective.per == "unit" else 1)
    return total


def duty_cents(case: Case, strategy: Strategy, node: Node, units_by_line: Mapping[str, int]) -> int:
    """The border that the goods of one shipment cross, if they do."""
    country, total = case.place.country, 0
    if node.country == country:
        return 0
    for objective in strategy.objectives:
        if not isinstance(objective, Duty) or not selects_node(objective.nodes, node):
            continue
        if objective.countries and country not in objective.countries:
            continue
        rate = rounded_half_up(objective.percent, objective.weight, scale=10_000)
        for line_id, units in units_by_line.items():
            sku = case.sku_of(case.lines[line_id].sku_id)
            if selects_sku(objective.skus, sku):
                total += rounded_half_up(objective.line_cents, objective.weight)
                total += sku.unit_value_cents * rate // 1_000_000 * units
    return total


def purchase_cents(case: Case, strategy: Strategy, node: Node, units_by_line: Mapping[str, int]) -> int:
    """What the node is paid for the goods of one shipment."""
    asked = {offer.sku_id: offer for offer in node.offers}
    total = 0
    for objective in strategy.objectives:
        if isinstance(objective, Purchase) and selects_node(objective.nodes, node):
            for line_id, units in units_by_line.items():
                offer = asked.get(case.lines[line_id].sku_id)
                if offer is not None:
                    share = offer.price_cents * offer.commission_percent // 100
                    total += rounded_half_up(offer.price_cents - share, objective.weight) * units
    return total


def substitution_cents(case: Case, strategy: Strategy, units_by_line: Mapping[str, int]) -> int:
    """Units of one shipment that are sent in the place of others."""
    instead = sum(units for line_id, units in units_by_line.items() if case.lines[line_id].ordered_sku_id)
    goals = [objective for objective in strategy.objectives if isinstance(objective, Substitution)]
    return instead * sum(rounded_half_up(goal.cents, goal.weight) for goal in goals)


def stock_depth_cents(strategy: Strategy, node: Node, *, available: int, unit_count: int) -> int:
    """Taking ``unit_count`` units of a SKU that has ``available`` at the node."""
    total = 0
    for objective in strategy.objectives:
        if isinstance(objective, StockDepth) and selects_node(objective.nodes, node):
            cents, target = rounded_half_up(objective.cents, objective.weight), objective.target_units
            for taken in range(1, unit_count + 1):
                missing = min(target, max(0, target - (available - taken)))
                total += cents * missing // target
    return total


def stock_price_cents(case: Case, strategy: Strategy, node: Node, units_by_line: Mapping[str, int]) -> int:
    """What the units of one shipment are worth to orders to come. Weights of several objectives add up
    before the price of a unit is rounded."""
    weight = sum((o.weight for o in strategy.objectives if isinstance(o, StockPrice)), Decimal(0))
    return sum(
        rounded_half_up(case.stock_price(case.lines[line_id].sku_id, node.node_id), weight) * units
        for line_id, units in units_by_line.items()
    )


def node_load_cents(
    case: Case, strategy: Strategy, node: Node, *, date: int, line_count: int, unit_count: int
) -> int:
    """How busy the node is on the day of the date, for one shipment."""
    goals = [o for o in strategy.objectives if isinstance(o, NodeLoad) and selects_node(o.nodes, node)]
    day = case.rooms.day_of(node, date) if goals else None
    if day is None:
        return 0
    counts = {LoadKind.ORDERS: 1, LoadKind.LINES: line_count, LoadKind.UNITS: unit_count}
    total = 0
    for objective in goals:
        cents, free_percent = rounded_half_up(objective.cents, objective.weight), objective.from_percent
        for kind, capacity in node.capacity:
            taken = capacity - case.rooms.room(node, kind, day)
            above = max(0, 100 * taken - free_percent * capacity)
            total += min(cents, cents * above // ((100 - free_percent) * capacity)) * counts[kind]
    return total


def waiting_cents(case: Case, strategy: Strategy, *, date: int, unit_count: int) -> int:
    """The started days until the date (0 for the origin) of one shipment's part."""
    each = sum(
        rounded_half_up(o.cents_per_day, o.weight) for o in strategy.objectives if isinstance(o, Waiting)
    )
    return each * (case.days(date) if date else 0) * unit_count


def delay_cents(strategy: Strategy, days: int) -> int:
    """A last shipment that arrives on the ``days``-th day."""
    total = 0
    for objective in strategy.objectives:
        if isinstance(objective, Delay):
            past_free = max(0, days - objective.free_days)
            total += rounded_half_up(objective.cents_per_day, objective.weight) * past_free
            total += _steps_cents(objective, days)
    return total


def lateness_cents(strategy: Strategy, days: int) -> int:
    """A last shipment that arrives on the ``days``-th day after the requested time; 0 when in time."""
    total = 0
    for objective in strategy.objectives:
        if isinstance(objective, Lateness) and days > 0:
            total += rounded_half_up(objective.cents_per_day, objective.weight) * days
            total += _steps_cents(objective, days)
    return total


def _steps_cents(objective: Delay | Lateness, days: int) -> int:
    return sum(rounded_half_up(s.cents, objective.weight) for s in objective.steps if s.from_days <= days)


def time_cents(case: Case, strategy: Strategy, last_arrival_seconds: int) -> dict[Part, int]:
    """What a delivery costs for when its last shipment arrives."""
    return {
        Part.DELAY: delay_cents(strategy, case.days(last_arrival_seconds)),
        Part.LATENESS: lateness_cents(strategy, case.late_days(last_arrival_seconds)),
    }


def split_cents(strategy: Strategy, shipment_count: int) -> int:
    """Every shipment of a delivery beyond the first."""
    each = sum(rounded_half_up(o.cents, o.weight) for o in strategy.objectives if isinstance(o, Split))
    return each * max(0, shipment_count - 1)


def shipment_cents(
    case: Case,
    strategy: Strategy,
    node: Node,
    units_by_line: Mapping[str, int],
    *,
    way: Way,
    distance_m: int,
    date: int = 0,
) -> dict[Part, int]:
    """All parts of one shipment but for stock depth; those that only a whole delivery causes are 0."""
    line_count, unit_count = len(units_by_line), sum(units_by_line.values())
    nothing = {part: 0 for part in Part if part != Part.STOCK_DEPTH}
    return nothing | {
        **carriage_cents(strategy, way, weight_grams(case, units_by_line)),
        Part.HANDLING: handling_cents(strategy, node, line_count=line_count, unit_count=unit_count),
        Part.MISTRUST: mistrust_cents(case, strategy, node, units_by_line),
        Part.DISTANCE: distance_cents(strategy, distance_m=distance_m, unit_count=unit_count),
        Part.NODE_PRIORITY: node_priority_cents(strategy, node, unit_count=unit_count),
        Part.STOCK_PRICE: stock_price_cents(case, strategy, node, units_by_line),
        Part.NODE_LOAD: node_load_cents(
            case, strategy, node, date=date, line_count=line_count, unit_count=unit_count
        ),
        Part.WAITING: waiting_cents(case, strategy, date=date, unit_count=unit_count),
        Part.DUTY: duty_cents(case, strategy, node, units_by_line),
        Part.PURCHASE: purchase_cents(case, strategy, node, units_by_line),
        Part.SUBSTITUTION: substitution_cents(case, strategy, units_by_line),
    }
