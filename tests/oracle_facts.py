"""The plain facts that the oracle reckons with: distance, zone, selectors, tariff, rounding, groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from router.domain import Destination, OrderLine
from router.network import Lane, Network, Node
from router.rules.model import NodeSelector, SkuSelector, Strategy


def weighted(price: int | Decimal, weight: Decimal) -> int:
    """price x weight, rounded half up."""
    return int((Decimal(price) * weight).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def bracket_cents(lane: Lane, grams: int) -> int:
    """The price of a parcel: that of the smallest bracket that holds it."""
    return next(b.cents for b in lane.brackets if grams <= b.up_to_grams)


def delay_cents(strategy: Strategy, seconds: int) -> int:
    """The price of a last arrival ``seconds`` from the origin: a started day counts."""
    days = -(-seconds // 86_400)
    total = 0
    for objective in strategy.objectives:
        if objective.kind == "delay":
            if days > objective.free_days:
                per_day = weighted(objective.cents_per_day, objective.weight)
                total += per_day * (days - objective.free_days)
            for step in objective.steps:
                if days >= step.from_days:
                    total += weighted(step.cents, objective.weight)
    return total


def lateness_cents(strategy: Strategy, seconds: int) -> int:
    """The price of a last arrival ``seconds`` after the requested time, negative before."""
    days = max(0, -(-seconds // 86_400))
    total = 0
    for objective in strategy.objectives:
        if objective.kind == "lateness":
            total += weighted(objective.cents_per_day, objective.weight) * days
            for step in objective.steps:
                if days >= step.from_days:
                    total += weighted(step.cents, objective.weight)
    return total


def mistrust_cents(strategy: Strategy, node: Node, lines: Sequence[Set[str]]) -> int:
    """The price of the doubts about a shipment whose lines have SKUs with these labels."""
    doubts = [100 - node.acceptance_percent]
    for labels in lines:
        said = [t for t in node.trust if t.sku_label in labels]
        truth = min(
            [t.stock_truth_percent for t in said if t.stock_truth_percent is not None]
            or [node.stock_truth_percent]
        )
        doubts.append(100 - truth + max([100 - t.acceptance_percent for t in said], default=0))
    return sum(
        weighted(Decimal(o.resource_cents * doubt) / Decimal(100), o.weight)
        for o in strategy.objectives
        if o.kind == "mistrust"
        for doubt in doubts
    )


def split_cents(strategy: Strategy, shipment_count: int) -> int:
    """The price of all shipments but one."""
    splits = [o for o in strategy.objectives if o.kind == "split"]
    return sum(weighted(o.cents, o.weight) * (shipment_count - 1) for o in splits)


def unit_depth_cents(strategy: Strategy, node: Node, left: int) -> int:
    """The price of taking a unit that leaves ``left`` units behind."""
    total = 0
    for objective in strategy.objectives:
        if objective.kind == "stock_depth" and covers_node(objective.nodes, node):
            target = objective.target_units
            total += weighted(objective.cents, objective.weight) * max(0, target - left) // target
    return total


def unit_price_cents(strategy: Strategy, price_cents: int) -> int:
    """What a unit with this price adds to the cost."""
    weights = [o.weight for o in strategy.objectives if o.kind == "stock_price"]
    return weighted(price_cents, sum(weights, Decimal(0)))


def metres_between(node: Node, place: Destination) -> int:
    """Great circle on a sphere of 6,371,000 m, rounded half up to whole metres."""
    phi, psi = math.radians(node.latitude), math.radians(place.latitude)
    d_phi, d_lambda = psi - phi, math.radians(place.longitude - node.longitude)
    a = math.sin(d_phi / 2) ** 2 + math.cos(phi) * math.cos(psi) * math.sin(d_lambda / 2) ** 2
    metres = 2 * 6_371_000 * math.atan2(math.sqrt(a), math.sqrt(max(0.0, 1 - a)))
    return math.floor(metres + 0.5)


def zone_id(network: Network, country: str, postal_code: str) -> str | None:
    """The zone of the country whose prefix fits at the greatest length, the earlier of equal ones."""
    fits = [
        (len(prefix.replace(" ", "")), -ix, zone.zone_id)
        for ix, zone in enumerate(network.zones)
        if zone.country == country
        for prefix in (zone.postal_prefixes or ("",))
        if postal_code.replace(" ", "").startswith(prefix.replace(" ", ""))
    ]
    return max(fits)[2] if fits else None


def covers_node(selector: NodeSelector, node: Node) -> bool:
    stated = [
        (selector.ids, {node.node_id}),
        (selector.types, {node.node_type.name}),
        (selector.groups, node.groups),
        (selector.labels, node.labels),
        (selector.countries, {node.country}),
    ]
    return all(set(wanted) & set(has) for wanted, has in stated if wanted)


def covers_sku(selector: SkuSelector, sku: Any) -> bool:
    stated = [(selector.ids, {sku.sku_id}), (selector.labels, sku.labels)]
    return all(set(wanted) & set(has) for wanted, has in stated if wanted)


def unit_value_cents(line: OrderLine, skus: Mapping[str, Any]) -> int:
    """The order's own figure, or the catalogue's."""
    own = line.unit_value_cents
    return skus[line.sku_id].unit_value_cents if own is None else own


def grouped(lines: tuple[OrderLine, ...]) -> list[list[int]]:
    """Positions of the lines of each group, by first line."""
    groups: list[list[int]] = []
    for i, line in enumerate(lines):
        mates = [g for g in groups if line.together and lines[g[0]].together == line.together]
        if mates:
            mates[0].append(i)
        else:
            groups.append([i])
    return groups
