"""Brute force over returns: every assignment of portions to nodes, each by its cheapest way. Written from
docs/cost-model.md alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from router.catalogue import Sku
from router.domain import Destination, ReturnMethod
from router.network import Lane, Network, Node
from router.returns_domain import Condition, Return, ReturnItem
from router.rules.model import RuleSet
from router.rules.return_model import ReturnRules
from tests.oracle_facts import covers_node, covers_sku, metres_between, tariff, weighted, zone_id

Portion = tuple[int, int, str, int]
"""Row of the item, units, node that sent them, cents of one."""


def portions_by_force(request: Return, skus: Mapping[str, Sku]) -> list[Portion]:
    """Unit by unit: each is taken out of the first shipment that has one."""
    shelf = [
        [s.node_id, pick.line_id, pick.sku_id, pick.unit_value_cents]
        for s in request.original
        for pick in s.picks
        for _ in range(pick.quantity)
    ]
    lines = {(line_id, sku_id) for _, line_id, sku_id, _ in shelf}
    counted: dict[tuple[int, str, int], int] = {}
    rows = sorted(
        range(len(request.items)),
        key=lambda i: ((request.items[i].line_id, request.items[i].sku_id) not in lines, i),
    )
    for row in rows:
        item = request.items[row]
        catalogue = skus[item.sku_id].unit_value_cents
        if not request.original:
            value = catalogue if item.unit_value_cents is None else item.unit_value_cents
            counted[row, item.original_node_id, value] = item.quantity
            continue
        for n in range(item.returned_before + item.quantity):
            at = next(
                i
                for i, (node_id, line_id, sku_id, _) in enumerate(shelf)
                if sku_id == item.sku_id
                and item.original_node_id in ("", node_id)
                and (line_id == item.line_id or (item.line_id, item.sku_id) not in lines)
            )
            node_id, _, _, sold_for = shelf.pop(at)
            if n >= item.returned_before:
                values = (item.unit_value_cents, sold_for, catalogue)
                key = (row, node_id, next(v for v in values if v is not None))
                counted[key] = counted.get(key, 0) + 1
    return sorted((row, units, node_id, value) for (row, node_id, value), units in counted.items())


def rank_by_force(
    request: Return,
    network: Network,
    rules: RuleSet,
    skus: Mapping[str, Sku],
    stock: Mapping[tuple[str, str], int],
) -> list[int]:
    """The cost of every assignment that places the most units, cheapest first."""
    name = request.sourcing_profile or rules.default_profile
    [returns] = [p.returns for p in rules.profiles if p.id == name]
    assert returns is not None
    world = _World(request, network, returns, skus, stock)
    found: list[tuple[int, int]] = []
    places = [None, *network.nodes]
    portions = portions_by_force(request, skus)
    for choice in itertools.product(places, repeat=1 if request.together else len(portions)):
        where = choice * len(portions) if request.together else choice
        loads: dict[str, list[Portion]] = {}
        for portion, node in zip(portions, where, strict=True):
            if node is not None:
                loads.setdefault(node.node_id, []).append(portion)
        costs = [world.cheapest(node_id, load) for node_id, load in loads.items()]
        cents = [c for c in costs if c is not None]
        if not loads or len(loads) > returns.limits.max_places or len(cents) < len(costs):
            continue
        splits = sum(weighted(o.cents, o.weight) for o in returns.objectives if o.kind == "split")
        units = sum(portion[1] for load in loads.values() for portion in load)
        found.append((units, sum(cents) + splits * (len(loads) - 1)))
    most = max((units for units, _ in found), default=0)
    return sorted(cents for units, cents in found if units == most)


class _World:
    def __init__(
        self,
        request: Return,
        network: Network,
        rules: ReturnRules,
        skus: Mapping[str, Sku],
        stock: Mapping[tuple[str, str], int],
    ) -> None:
        self.request, self.network, self.rules, self.skus, self.stock = request, network, rules, skus, stock
        self.nodes = {n.node_id: n for n in network.nodes}
        place = request.from_place
        self.here = place or _place(self.nodes[request.drop_off_node_id])

    def cheapest(self, node_id: str, load: list[Portion]) -> int | None:
        """All of a load at a node, by the cheapest way; None when it cannot be there."""
        node = self.nodes[node_id]
        if not all(self.accepts(node, self.request.items[row]) for row, *_ in load):
            return None
        ways = list(self.carriage(node, load))
        return min(ways) + self.goods(node, load) if ways else None

    def accepts(self, node: Node, item: ReturnItem) -> bool:
        for rule in self.rules.eligibility:
            if not covers_sku(rule.skus, self.skus[item.sku_id]):
                continue
            if rule.conditions and item.condition.name not in rule.conditions:
                continue
            inside = covers_node(rule.nodes, node)
            if rule.kind == "accept_returns" and not inside:
                return False
            if rule.kind == "exclude_returns" and inside:
                return False
            if rule.kind == "max_distance" and inside and metres_between(node, self.here) > rule.km * 1000:
                return False
        return True

    def can_drop_off(self, node: Node) -> bool:
        if ReturnMethod.DROP_OFF not in node.return_methods:
            return False
        if self.request.from_place is None:
            return node.node_id == self.request.drop_off_node_id
        return metres_between(node, self.here) <= self.rules.limits.drop_off_km * 1000

    def carriage(self, node: Node, load: list[Portion]) -> Iterator[int]:
        if self.can_drop_off(node):
            yield 0
        if ReturnMethod.PARCEL not in node.return_methods:
            return
        grams = sum(units * self.sku(row).weight_grams for row, units, *_ in load)
        for service in self.network.return_services:
            if service.service_id not in node.services:
                continue
            if any(service.excluded_sku_labels & self.sku(row).labels for row, *_ in load):
                continue
            heaviest = max(self.sku(row).weight_grams for row, *_ in load)
            if self.request.from_place is not None:
                lane = self.lane(service.lanes, self.here, node)
                if lane is not None and heaviest <= lane.brackets[-1].up_to_grams:
                    yield self.priced(lane, grams, "return_shipping")
            for other in self.network.nodes:
                if other == node or service.service_id not in other.services or not self.can_drop_off(other):
                    continue
                lane = self.lane(service.lanes, _place(other), node)
                if lane is not None and heaviest <= lane.brackets[-1].up_to_grams:
                    passing = sum(units for _, units, *_ in load) * self.each(other, "return_handling")
                    yield self.priced(lane, grams, "transfer") + passing

    def lane(self, lanes: tuple[Lane, ...], start: Destination, node: Node) -> Lane | None:
        origin = zone_id(self.network, start.country, start.postal_code)
        target = zone_id(self.network, node.country, node.postal_code)
        metres = metres_between(node, start)
        return next(
            (
                lane
                for lane in lanes
                if origin in (lane.from_zones or {origin})
                and target in (lane.to_zones or {target})
                and metres <= (metres if lane.max_distance_m is None else lane.max_distance_m)
            ),
            None,
        )

    def goals(self, kind: str) -> list[Any]:
        return [o for o in self.rules.objectives if o.kind == kind]

    def priced(self, lane: Lane, grams: int, kind: str) -> int:
        return sum(tariff(lane, grams, o.weight) for o in self.goals(kind))

    def each(self, node: Node, kind: str) -> int:
        cents = {
            "return_handling": node.return_unit_cents,
            "reconditioning": node.recondition_unit_cents,
        }
        return sum(weighted(cents[kind], o.weight) for o in self.goals(kind))

    def sku(self, row: int) -> Sku:
        return self.skus[self.request.items[row].sku_id]

    def goods(self, node: Node, load: list[Portion]) -> int:
        total, sellable = 0, dict.fromkeys(self.skus, 0)
        for row, units, source, value in load:
            item, sku = self.request.items[row], self.sku(row)
            total += units * self.each(node, "return_handling")
            if source == node.node_id:
                total -= units * sum(weighted(o.cents, o.weight) for o in self.goals("follow_source"))
            worth = next(
                (
                    o
                    for o in self.goals("worth")
                    if covers_node(o.nodes, node)
                    and covers_sku(o.skus, sku)
                    and item.condition.name in (o.conditions or (item.condition.name,))
                ),
                None,
            )
            is_new = item.condition == Condition.NEW
            as_is = 0 if worth is None else weighted(value, worth.percent / 100)
            made_good = None
            knows_how = bool(node.reconditions & {"*", *sku.labels})
            if worth is not None and worth.reconditioned_percent is not None and knows_how and not is_new:
                made_good = weighted(value, worth.reconditioned_percent / 100)
                made_good -= self.each(node, "reconditioning")
            if made_good is not None and made_good > as_is:
                total -= units * made_good
                sellable[sku.sku_id] += units
            else:
                total -= units * as_is
                sellable[sku.sku_id] += units * is_new
        for sku_id, units in sellable.items():
            have = self.stock.get((sku_id, node.node_id))
            for objective in self.goals("stock_need"):
                if have is None or not covers_node(objective.nodes, node):
                    continue
                target, cents = objective.target_units, weighted(objective.cents, objective.weight)
                for i in range(units):
                    total -= cents * max(0, min(target, target - have - i)) // target
        return total


def _place(node: Node) -> Destination:
    return Destination(
        country=node.country,
        postal_code=node.postal_code,
        latitude=node.latitude,
        longitude=node.longitude,
    )
