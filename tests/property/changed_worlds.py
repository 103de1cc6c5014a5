"""Worlds changed in one way: other names, another order of rows, less or more of something."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from router.domain import Plan
from router.network import Network
from router.rules.model import RuleSet
from tests.worlds import World


def with_rules(world: World, change: Callable[[dict[str, Any]], None]) -> World:
    """Every strategy's JSON changed in place."""
    raw = world.rules.model_dump(mode="json")
    for profile in raw["profiles"]:
        for strategy in profile["strategies"]:
            change(strategy)
    return replace(world, rules=RuleSet.model_validate(raw))


def renamed(world: World, names: Mapping[str, str]) -> World:
    """Nodes under other ids, in the network (sorted again), the stock and the rules."""

    def rename(strategy: dict[str, Any]) -> None:
        for rule in [*strategy["eligibility"], *strategy["objectives"]]:
            if "nodes" in rule:
                rule["nodes"]["ids"] = [names[node_id] for node_id in rule["nodes"]["ids"]]

    nodes = [replace(node, node_id=names[node.node_id]) for node in world.network.nodes]
    network = replace(world.network, nodes=tuple(sorted(nodes, key=lambda node: node.node_id)))
    stock = {(sku_id, names[node_id]): units for (sku_id, node_id), units in world.stock.items()}
    return replace(with_rules(world, rename), network=network, stock=stock)


def plan_renamed(plan: Plan, names: Mapping[str, str]) -> Plan:
    """The same shipments from nodes under other ids."""
    shipments = tuple(replace(s, node_id=names[s.node_id]) for s in plan.shipments)
    return replace(plan, shipments=shipments)


def with_lines(world: World, positions: Sequence[int]) -> World:
    """The order's lines in another order, or some of them."""
    lines = tuple(world.order.lines[i] for i in positions)
    return replace(world, order=replace(world.order, lines=lines))


def with_stock_rows(world: World, positions: Sequence[int]) -> World:
    """The same stock, its rows listed in another order."""
    rows = list(world.stock.items())
    return replace(world, stock=dict(rows[i] for i in positions))


def with_more_stock(world: World, more: Mapping[tuple[str, str], int]) -> World:
    """(SKU, node) -> units on top; pairs without a row get one."""
    stock = {key: world.stock.get(key, 0) + units for key, units in more.items()}
    return replace(world, stock=world.stock | stock)


def without_node(world: World, node_id: str) -> World:
    """The world without a node; rules may still name it."""
    nodes = tuple(node for node in world.network.nodes if node.node_id != node_id)
    stock = {key: units for key, units in world.stock.items() if key[1] != node_id}
    network = Network(nodes=nodes, zones=world.network.zones, services=world.network.services)
    return replace(world, network=network, stock=stock)


def with_rule(world: World, rule: dict[str, Any]) -> World:
    """One more eligibility rule in every strategy."""
    return with_rules(world, lambda strategy: strategy["eligibility"].append(rule))
