"""What a given plan costs under a strategy: one function per row of the table in docs/cost-model.md.
All amounts are integer cents.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.domain import Part
from router.network import Lane, Node
from router.rules.model import (
    Delay,
    Distance,
    Handling,
    NodePriority,
    Shipping,
    Split,
    StockDepth,
    Strategy,
)
from router.verify.facts import Case, rounded_half_up, selects_node


def weight_grams(case: Case, units_by_line: Mapping[str, int]) -> int:
    """Weight of the goods."""
    return sum(case.sku_of(case.lines[i].sku_id).weight_grams * n for i, n in units_by_line.items())


def parcel_count(lane: Lane, grams: int) -> int:
    """Full parcels of the greatest weight, and one for the rest; weightless goods need one too."""
    greatest = lane.brackets[-1].up_to_grams
    return max(1, -(-grams // greatest))


def shipping_cents(strategy: Strategy, lane: Lane, grams: int) -> int:
    """The lane's tariff for one shipment."""
    full, rest = divmod(grams, lane.brackets[-1].up_to_grams)
    total = 0
    for objective in strategy.objectives:
        if not isinstance(objective, Shipping):
            continue
        total += full * rounded_half_up(lane.brackets[-1].cents, objective.weight)
        if rest > 0 or grams == 0:
            holding = next(b for b in lane.brackets if b.up_to_grams >= rest)
            total += rounded_half_up(holding.cents, objective.weight)
    return total


def handling_cents(strategy: Strategy, node: Node, *, line_count: int, unit_count: int) -> int:
    """The node's work on one shipment."""
    total = 0
    for objective in strategy.objectives:
        if isinstance(objective, Handling):
            total += rounded_half_up(node.shipment_cents, objective.weight)
            total += rounded_half_up(node.line_cents, objective.weight) * line_count
            total += rounded_half_up(node.unit_cents, objective.weight) * unit_count
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


def delay_cents(strategy: Strategy, days: int) -> int:
    """An order whose last shipment arrives on the ``days``-th day."""
    total = 0
    for objective in strategy.objectives:
        if isinstance(objective, Delay):
            late_days = max(0, days - objective.free_days)
            total += rounded_half_up(objective.cents_per_day, objective.weight) * late_days
            total += sum(
                rounded_half_up(s.cents, objective.weight) for s in objective.steps if s.from_days <= days
            )
    return total


def split_cents(strategy: Strategy, shipment_count: int) -> int:
    """Every shipment beyond the first."""
    each = sum(rounded_half_up(o.cents, o.weight) for o in strategy.objectives if isinstance(o, Split))
    return each * max(0, shipment_count - 1)


def shipment_cents(
    case: Case,
    strategy: Strategy,
    node: Node,
    units_by_line: Mapping[str, int],
    *,
    lane: Lane,
    distance_m: int,
) -> dict[Part, int]:
    """The parts that one shipment causes by itself: all but stock depth, split and delay."""
    unit_count = sum(units_by_line.values())
    return {
        Part.SHIPPING: shipping_cents(strategy, lane, weight_grams(case, units_by_line)),
        Part.HANDLING: handling_cents(strategy, node, line_count=len(units_by_line), unit_count=unit_count),
        Part.DISTANCE: distance_cents(strategy, distance_m=distance_m, unit_count=unit_count),
        Part.NODE_PRIORITY: node_priority_cents(strategy, node, unit_count=unit_count),
    }
