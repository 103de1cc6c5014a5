"""What a part of a return costs and is worth under a ``returns:`` section: one function per row of the table
in docs/cost-model.md. All amounts are integer cents."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from router.network import Lane, Node
from router.returns_domain import Condition
from router.rules.return_model import (
    FollowSource,
    Reconditioning,
    ReturnHandling,
    ReturnRules,
    ReturnShipping,
    ReturnSplit,
    StockNeed,
    Transfer,
    Worth,
)
from router.verify.facts import SkuFacts, rounded_half_up, selects_node, selects_sku


def tariff_cents(rules: ReturnRules, lane: Lane, grams: int, *, is_transfer: bool) -> int:
    """Full parcels of the greatest weight and one for the rest."""
    full, rest = divmod(grams, lane.brackets[-1].up_to_grams)
    total = 0
    for goal in rules.objectives:
        if isinstance(goal, Transfer if is_transfer else ReturnShipping):
            total += full * rounded_half_up(lane.brackets[-1].cents, goal.weight)
            if rest > 0 or grams == 0:
                holding = next(b for b in lane.brackets if b.up_to_grams >= rest)
                total += rounded_half_up(holding.cents, goal.weight)
    return total


def handling_cents(rules: ReturnRules, node: Node) -> int:
    """Taking one unit in."""
    goals = (goal for goal in rules.objectives if isinstance(goal, ReturnHandling))
    return sum(rounded_half_up(node.return_unit_cents, goal.weight) for goal in goals)


def reconditioning_cents(rules: ReturnRules, node: Node) -> int:
    """Making one unit sellable again."""
    goals = (goal for goal in rules.objectives if isinstance(goal, Reconditioning))
    return sum(rounded_half_up(node.recondition_unit_cents, goal.weight) for goal in goals)


def worth_cents(
    rules: ReturnRules, node: Node, sku: SkuFacts, condition: Condition, value_cents: int
) -> tuple[int, bool]:
    """What one unit is worth there, and whether it is reconditioned for that."""
    for goal in rules.objectives:
        if (
            isinstance(goal, Worth)
            and selects_node(goal.nodes, node)
            and selects_sku(goal.skus, sku)
            and (not goal.conditions or condition.name in goal.conditions)
        ):
            as_is = _percent_of(value_cents, goal.percent)
            if goal.reconditioned_percent is None or not can_recondition(node, sku, condition):
                return as_is, False
            made_good = _percent_of(value_cents, goal.reconditioned_percent)
            pays = made_good - reconditioning_cents(rules, node) > as_is
            return (made_good, True) if pays else (as_is, False)
    return 0, False


def can_recondition(node: Node, sku: SkuFacts, condition: Condition) -> bool:
    """The goods are not as new, and the node knows how."""
    knows = "*" in node.reconditions or any(label in node.reconditions for label in sku.labels)
    return condition is not Condition.NEW and knows


def need_cents(rules: ReturnRules, node: Node, available: int | None, units: int) -> int:
    """What so many sellable units of a SKU are worth where ``available`` are; None: it is not kept there."""
    total = 0
    for goal in rules.objectives:
        if isinstance(goal, StockNeed) and selects_node(goal.nodes, node) and available is not None:
            cents, target = rounded_half_up(goal.cents, goal.weight), goal.target_units
            for found in range(available, available + units):
                missing = min(target, max(0, target - found))
                total += cents * missing // target
    return total


def follow_cents(rules: ReturnRules) -> int:
    """Saved for a unit that goes back to the node that sent it."""
    return _fixed(goal for goal in rules.objectives if isinstance(goal, FollowSource))


def split_cents(rules: ReturnRules, places: int) -> int:
    """Every place beyond the first."""
    return _fixed(goal for goal in rules.objectives if isinstance(goal, ReturnSplit)) * max(0, places - 1)


def _fixed(goals: Iterable[FollowSource | ReturnSplit]) -> int:
    return sum(rounded_half_up(goal.cents, goal.weight) for goal in goals)


def _percent_of(value_cents: int, percent: Decimal) -> int:
    return rounded_half_up(value_cents, percent / 100)
