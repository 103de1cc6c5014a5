"""Strategies to columns: soft rules become cents; weights are applied here, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.columns import frozen
from router.domain import DeliveryMethod, LineSplits, SalesChannel
from router.kernels.prices import WEIGHT_SCALE
from router.kernels.types import (
    DAYS_TABLE,
    FAR,
    RuleArrays,
)
from router.network import Lane, Node, Service
from router.rules import model
from router.rules.compile_eligibility import (
    ClassTable,
    MethodRules,
    Universe,
    eligibility_columns,
    matches_node,
)
from router.rules.model import Strategy
from router.rules.trust import expected_cents, missing_percent, rejected_percent


def weighted(price: int | Decimal, weight: Decimal) -> int:
    """An elementary price times its weight, rounded half up."""
    return int((Decimal(price) * weight).to_integral_value(ROUND_HALF_UP))


def compile_strategies(
    strategies: Sequence[Strategy],
    profile_start: Sequence[int],
    universe: Universe,
    classes: ClassTable,
    lanes: Sequence[tuple[Service, Lane]],
) -> tuple[RuleArrays, MethodRules | None]:
    """Strategies (those of a profile together, in the order tried) to columns: those for orders that are
    shipped to an address, and what is different by other methods (None: nothing)."""
    columns: dict[str, Any] = {"profile_start": np.array(profile_start, np.int32)}
    columns["fallback"] = np.array(_fallbacks(strategies, profile_start), np.int32)
    columns.update(_conditions(strategies, universe))
    eligibility = eligibility_columns(strategies, universe, classes)
    by_method = MethodRules.of(strategies, universe, classes, eligibility)
    if by_method is not None:
        eligibility["static_bits"] = by_method.static_bits[:, DeliveryMethod.SHIP]
    static = eligibility["static_bits"]
    eligibility["keep_units"] = np.where(static != 0, FAR, eligibility["keep_units"])
    columns.update(eligibility)
    columns["same_country"] = columns["home_only"].any(axis=(1, 2)).astype(np.uint8)
    columns.update(_node_costs(strategies, universe, classes, lanes))
    columns.update(_listed_costs(strategies, universe))
    columns.update(_limits(strategies))
    arrays = RuleArrays(**{name: frozen(np.ascontiguousarray(a)) for name, a in columns.items()})
    return arrays, by_method


def _fallbacks(strategies: Sequence[Strategy], profile_start: Sequence[int]) -> list[int]:
    found = []
    for first, stop in pairwise(profile_start):
        row = {strategies[i].id: i for i in range(first, stop)}
        found += [row.get(strategies[i].fallback or "", -1) for i in range(first, stop)]
    return found


def _conditions(strategies: Sequence[Strategy], universe: Universe) -> dict[str, NDArray[Any]]:
    def table(
        entries: Callable[[Strategy], Sequence[str]], rows: Callable[[Sequence[str]], Any], size: int
    ) -> Any:
        ok = np.zeros((len(strategies), size), np.uint8)
        for t, strategy in enumerate(strategies):
            named = entries(strategy)
            if named:
                ok[t, [r for r in rows(named) if r >= 0]] = 1
            else:
                ok[t] = 1
        return ok

    zone_ids = [z.zone_id for z in universe.network.zones]
    zone_row = {zone_id: ix for ix, zone_id in enumerate(zone_ids)}
    every = sum(1 << int(c) for c in SalesChannel)
    values = [t.when.order_value or model.ValueRange() for t in strategies]
    unbounded = [t.when.order_value is None for t in strategies]
    return {
        "channel_mask": np.array(
            [
                0
                if t.when.delivery_methods and "SHIP" not in t.when.delivery_methods
                else sum(1 << int(SalesChannel[c]) for c in set(t.when.sales_channels)) or every
                for t in strategies
            ],
            np.int64,
        ),
        "value_min_cents": np.array([v.min_cents for v in values], np.int64),
        "value_max_cents": np.array(
            [2**62 if free else v.max_cents for v, free in zip(values, unbounded, strict=True)], np.int64
        ),
        "country_ok": table(
            lambda t: t.when.destination_countries,
            lambda names: universe.countries.find_many(list(names)),
            len(universe.countries) + 1,
        ),
        "zone_ok": table(
            lambda t: t.when.destination_zones,
            lambda names: [zone_row.get(name, -1) for name in names],
            len(zone_ids) + 1,
        ),
        "segment_ok": table(
            lambda t: t.when.customer_segments,
            lambda names: universe.segments.find_many(list(names)),
            len(universe.segments) + 1,
        ),
    }


def _node_costs(
    strategies: Sequence[Strategy],
    universe: Universe,
    classes: ClassTable,
    lanes: Sequence[tuple[Service, Lane]],
) -> dict[str, NDArray[Any]]:
    nodes = universe.network.nodes
    brackets = np.array([b.cents for _, lane in lanes for b in lane.brackets], np.int64)
    own = np.array([service.is_transfer for service, lane in lanes for _ in lane.brackets], bool)
    by_node = {
        name: np.zeros((len(strategies), len(nodes)), np.int64)
        for name in ("ship_handling", "ship_priority", "unit_priority", "line", "unit")
    }
    bracket_cents = np.zeros((len(strategies), len(brackets)), np.int64)
    for t, strategy in enumerate(strategies):
        for goal in strategy.objectives:
            if isinstance(goal, model.Shipping | model.Transfer):
                priced = np.array([weighted(c, goal.weight) for c in brackets.tolist()], np.int64)
                bracket_cents[t] += np.where(own == isinstance(goal, model.Transfer), priced, 0)
            elif isinstance(goal, model.Handling):
                for name, each in (
                    ("ship_handling", [n.shipment_cents for n in nodes]),
                    ("line", [n.line_cents for n in nodes]),
                    ("unit", [n.unit_cents for n in nodes]),
                ):
                    by_node[name][t] += np.array([weighted(c, goal.weight) for c in each], np.int64)
            elif isinstance(goal, model.Mistrust):
                each = [weighted(expected_cents(goal, rejected_percent(n)), goal.weight) for n in nodes]
                by_node["ship_handling"][t] += np.array(each, np.int64)
            elif isinstance(goal, model.NodePriority):
                name = "ship_priority" if goal.per == "shipment" else "unit_priority"
                step = weighted(goal.cents, goal.weight)
                by_node[name][t] += np.array([step * (n.priority - 1) for n in nodes], np.int64)
    by_node["unit"] += by_node["unit_priority"]
    for name in ("line", "unit"):
        by_node[name] = np.repeat(by_node[name][:, None, :], classes.count, axis=1)
    by_node["line"] += _mistrusted_lines(strategies, nodes, classes)
    return {"bracket_cents": bracket_cents, **{f"{name}_cents": a for name, a in by_node.items()}}


def _mistrusted_lines(
    strategies: Sequence[Strategy], nodes: Sequence[Node], classes: ClassTable
) -> NDArray[np.int64]:
    """int64[T, K, N]: what a line costs for the chance that it must be sourced again."""
    cents = np.zeros((len(strategies), classes.count, len(nodes)), np.int64)
    for t, strategy in enumerate(strategies):
        for goal in strategy.objectives:
            if isinstance(goal, model.Mistrust):
                for k, labels in enumerate(classes.trusted_labels):
                    each = [expected_cents(goal, missing_percent(node, labels)) for node in nodes]
                    cents[t, k] += np.array([weighted(c, goal.weight) for c in each], np.int64)
    return cents


def _listed_costs(strategies: Sequence[Strategy], universe: Universe) -> dict[str, NDArray[Any]]:
    """Distance and stock depth as lists per strategy, delay as a table, split as a figure."""
    nodes = universe.network.nodes
    distance_start, rates, per_unit = [0], [], []
    depth_start, depth_cents, targets, applies = [0], [], [], []
    delay = np.zeros((len(strategies), DAYS_TABLE), np.int64)
    slope = np.zeros(len(strategies), np.int64)
    split = np.zeros(len(strategies), np.int64)
    price = np.zeros(len(strategies), np.int64)
    days = np.arange(DAYS_TABLE)
    for t, strategy in enumerate(strategies):
        for goal in strategy.objectives:
            if isinstance(goal, model.Distance):
                rates.append(weighted(goal.cents_per_km * 1000, goal.weight))
                per_unit.append(goal.per == "unit")
            elif isinstance(goal, model.StockDepth):
                depth_cents.append(weighted(goal.cents, goal.weight))
                targets.append(goal.target_units)
                applies.append(universe.nodes(goal.nodes))
            elif isinstance(goal, model.Split):
                split[t] += weighted(goal.cents, goal.weight)
            elif isinstance(goal, model.StockPrice):
                price[t] += int(goal.weight * WEIGHT_SCALE)
            elif isinstance(goal, model.Delay):
                each = weighted(goal.cents_per_day, goal.weight)
                delay[t] += each * np.maximum(0, days - goal.free_days)
                slope[t] += each
                for step in goal.steps:
                    delay[t] += weighted(step.cents, goal.weight) * (days >= step.from_days)
        distance_start.append(len(rates))
        depth_start.append(len(targets))
    return {
        "distance_start": np.array(distance_start, np.int32),
        "distance_rate": np.array(rates, np.int64),
        "distance_per_unit": np.array(per_unit, np.uint8),
        "depth_start": np.array(depth_start, np.int32),
        "depth_cents": np.array(depth_cents, np.int64),
        "depth_target": np.array(targets, np.int64),
        "depth_applies": np.array(applies, np.uint8).reshape(len(targets), len(nodes)),
        **_depth_tables(strategies, universe),
        "delay_cents": delay,
        "delay_slope_cents": slope,
        "split_cents": split,
        "price_weight": price,
    }


def _depth_tables(strategies: Sequence[Strategy], universe: Universe) -> dict[str, NDArray[Any]]:
    """Stock depth by what is left behind, summed up: taking any number of units is one subtraction."""
    goals = [[g for g in t.objectives if isinstance(g, model.StockDepth)] for t in strategies]
    width = max((g.target_units for own in goals for g in own), default=0)
    left = np.arange(width)
    profile_of: dict[tuple[tuple[int, int], ...], int] = {(): 0}
    rows = np.zeros((len(strategies), len(universe.network.nodes)), np.int32)
    for t, own in enumerate(goals):
        for k, node in enumerate(universe.network.nodes):
            key = tuple(
                (weighted(g.cents, g.weight), g.target_units) for g in own if matches_node(g.nodes, node)
            )
            rows[t, k] = profile_of.setdefault(key, len(profile_of))
    below = np.zeros((len(profile_of), width + 1), np.int64)
    for key, row in profile_of.items():
        price = sum((cents * np.maximum(0, target - left) // target for cents, target in key), 0 * left)
        np.cumsum(price, out=below[row, 1:])
    return {"depth_profile": rows, "depth_below": below}


def _limits(strategies: Sequence[Strategy]) -> dict[str, NDArray[Any]]:
    limits = [t.limits for t in strategies]
    return {
        "max_nodes": np.array([x.max_nodes_per_order for x in limits], np.int64),
        "min_part_value_cents": np.array([x.min_shipment_value_cents for x in limits], np.int64),
        "line_splits": np.array([int(LineSplits[x.line_splits.upper()]) for x in limits], np.int64),
        "allow_partial": np.array([x.allow_partial for x in limits], np.uint8),
        "must_fill": np.zeros(len(limits), np.int64),
    }
