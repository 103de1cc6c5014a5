"""What single rules mean, for the oracle."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from router.domain import LineFill, Order, OrderLine
from router.network import Node
from tests.oracle_facts import covers_node, covers_sku, weighted


def rule_bars(rule: Any, node: Node, sku: Any, country: str, method: str, metres: int, left: int) -> bool:
    """Does an eligibility rule keep the node from supplying the SKU by a method to a country so far away,
    ``left`` units remaining?"""
    if rule.kind == "exclude_services" or not covers_sku(rule.skus, sku):
        return False
    covered = covers_node(rule.nodes, node)
    if rule.kind == "allow_nodes":
        return not covered
    against = {
        "exclude_nodes": True,
        "max_distance": rule.kind == "max_distance" and Decimal(metres) / 1000 > rule.km,
        "same_country": node.country != country,
        "allow_methods": rule.kind == "allow_methods" and method not in rule.methods,
        "exclude_methods": rule.kind == "exclude_methods" and method in rule.methods,
        "allow_countries": rule.kind == "allow_countries" and country not in rule.countries,
        "exclude_countries": rule.kind == "exclude_countries" and country in rule.countries,
        "min_remaining": rule.kind == "min_remaining" and left < rule.units,
    }
    return covered and against[rule.kind]


def excluded(order: Order, node: Node, sku_id: str, now_seconds: int) -> bool:
    """Does the order take none of the SKU there?"""
    for stated in order.exclusions:
        over = stated.until_seconds is not None and now_seconds >= stated.until_seconds
        if not over and stated.node_id == node.node_id and stated.sku_id in ("", sku_id):
            return True
    return False


def may_be_missing(strategy: Any, order: Order, lines: Sequence[OrderLine]) -> tuple[bool, bool]:
    """May a group stay out? And may there be a part of it only?"""
    partial = strategy.limits.allow_partial and order.fill is None
    partial = partial and not any(line.fill is LineFill.FILL_OR_KILL for line in lines)
    return partial, partial and all(line.fill is None for line in lines)


def substitution_cents(strategy: Any, goods: Sequence[tuple[OrderLine, int]]) -> int:
    """goods: units of each order line in a parcel."""
    each = sum(
        weighted(goal.cents, goal.weight) for goal in strategy.objectives if goal.kind == "substitution"
    )
    return each * sum(units for line, units in goods if line.ordered_sku_id)


def purchase_cents(strategy: Any, node: Node, goods: Sequence[tuple[Any, int]]) -> int:
    """goods: (SKU, units) of each order line in a parcel."""
    return sum(
        units * weighted(offer.price_cents - offer.price_cents * offer.commission_percent // 100, goal.weight)
        for goal in strategy.objectives
        if goal.kind == "purchase" and covers_node(goal.nodes, node)
        for sku, units in goods
        for offer in node.offers
        if offer.sku_id == sku.sku_id
    )


def duty_cents(strategy: Any, node: Node, country: str, goods: Sequence[tuple[Any, int]]) -> int:
    """goods: (SKU, units) of each order line in a parcel."""
    total = 0
    for goal in strategy.objectives:
        there = node.country != country and goal.kind == "duty"
        if there and covers_node(goal.nodes, node) and (not goal.countries or country in goal.countries):
            for sku, units in goods:
                if covers_sku(goal.skus, sku):
                    each = sku.unit_value_cents * weighted(goal.percent * 10_000, goal.weight) // 1_000_000
                    total += weighted(goal.line_cents, goal.weight) + units * each
    return total
