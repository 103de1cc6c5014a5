"""Brute force: the cheapest plan of a tiny order, by trying every plan that docs/cost-model.md allows.

Written for being obviously right. Shares no code with the engine nor with ``router.verify``.
Meant for at most 4 lines, 4 nodes and 3 services, and quantities of at most 4 where lines may be divided.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from router.domain import Cost, Order, OrderLine, Pick, Plan, Shipment
from router.network import Lane, Network, Node, Service
from router.rules.model import Strategy
from tests.oracle_dates import SlowCalendar
from tests.oracle_facts import (
    covers_node,
    covers_sku,
    delay_cents,
    grouped,
    metres_between,
    split_cents,
    split_weight,
    tariff,
    unit_depth_cents,
    unit_value_cents,
    weighted,
    zone_id,
)

Units = tuple[int, ...]
"""Units of each order line, by position."""


@dataclass(frozen=True)
class Option:
    """A service that may carry a parcel, with its tariff."""

    shipping_cents: int
    arrival_seconds: int
    service_ix: int
    service_id: str
    parcel_count: int

    def rank(self) -> tuple[int, int, int]:
        """Less is better, at equal arrival days."""
        return (self.shipping_cents, self.arrival_seconds, self.service_ix)


@dataclass(frozen=True)
class Parcel:
    """A shipment without its service: what leaves one node together."""

    node: Node
    units: Units
    weight_grams: int
    handling_cents: int
    stock_depth_cents: int
    distance_cents: int
    node_priority_cents: int
    options: tuple[Option, ...]

    @property
    def fixed_cents(self) -> int:
        """What it costs by whatever service."""
        return self.handling_cents + self.stock_depth_cents + self.distance_cents + self.node_priority_cents


class Oracle:
    """One order under one strategy. ``stock[sku_id, node_id]``: units available, absent without a row."""

    def __init__(
        self,
        strategy: Strategy,
        order: Order,
        network: Network,
        *,
        skus: Mapping[str, Any],
        stock: Mapping[tuple[str, str], int],
        now_seconds: int,
    ) -> None:
        self.strategy = strategy
        self.order = order
        self.network = network
        self.stock = stock
        self.calendar = SlowCalendar(network, now_seconds)
        self.lines: tuple[OrderLine, ...] = order.lines
        self.skus = [skus[line.sku_id] for line in self.lines]
        self.values = [unit_value_cents(line, skus) for line in self.lines]
        self.metres = [metres_between(node, order.destination) for node in network.nodes]
        place = order.destination
        self.to_zone = zone_id(network, place.country, place.postal_code)
        self.groups = grouped(self.lines)
        self.alone = [any(self.lines[i].ship_alone for i in group) for group in self.groups]
        self._parts: dict[tuple[int, Units], list[Parcel] | None] = {}

    def best(self) -> Plan | None:
        """The plan with the most units, then the least cost; None when there is no answer."""
        best: Plan | None = None
        best_key = (0, 0)  # minus units, cents
        for parts in self.assignments():
            filled = sum(sum(units) for units in parts.values())
            if filled == 0 or -filled > best_key[0]:
                continue
            if not self.limits_hold(parts):
                continue
            parcels: list[Parcel] = []
            for node_ix in sorted(parts):
                part = self.part(node_ix, parts[node_ix])
                if part is None:
                    break
                parcels += part
            else:
                cents, options = self.cheapest_services(parcels)
                if best is None or (-filled, cents) < best_key:
                    best, best_key = self.plan(parcels, options), (-filled, cents)
        return best

    # --- which units from where ---------------------------------------------------------------------

    def assignments(self) -> Iterator[dict[int, Units]]:
        """Every way to give each group to nodes: node -> units of each line."""
        for combination in itertools.product(*(self.group_choices(group) for group in self.groups)):
            parts: dict[int, list[int]] = {}
            for node_ix, line_ix, units in itertools.chain.from_iterable(combination):
                parts.setdefault(node_ix, [0] * len(self.lines))[line_ix] += units
            yield {node_ix: tuple(units) for node_ix, units in parts.items()}

    def group_choices(self, group: list[int]) -> list[list[tuple[int, int, int]]]:
        """The ways to fill one group, each a list of (node, line, units)."""
        partial = self.strategy.limits.allow_partial
        nodes = range(len(self.network.nodes))
        if self.divisible(group):
            (line,) = group
            ordered = self.lines[line].quantity
            possible = [[n for n in range(ordered + 1) if n == 0 or self.takes(k, line, n)] for k in nodes]
            return [
                [(k, line, n) for k, n in enumerate(shares) if n > 0]
                for shares in itertools.product(*possible)
                if sum(shares) == ordered or (partial and sum(shares) < ordered)
            ]
        whole = [
            [(k, line, self.lines[line].quantity) for line in group]
            for k in nodes
            if all(self.takes(k, line, self.lines[line].quantity) for line in group)
        ]
        return whole + ([[]] if partial else [])

    def takes(self, node_ix: int, line: int, units: int) -> bool:
        """The node can send these units of the line, considering the line alone."""
        only = tuple(units if i == line else 0 for i in range(len(self.lines)))
        return self.part(node_ix, only) is not None

    def divisible(self, group: list[int]) -> bool:
        """May the group come from several nodes, or be filled in part?"""
        splits = self.strategy.limits.line_splits
        if splits == "never" or len(group) > 1 or self.lines[group[0]].ship_alone:
            return False
        if splits == "free":
            return True
        return not any(
            self.takes(k, group[0], self.lines[group[0]].quantity) for k in range(len(self.network.nodes))
        )

    def limits_hold(self, parts: Mapping[int, Units]) -> bool:
        """Nodes used, and the worth of each part of a split order."""
        limits = self.strategy.limits
        if len(parts) > limits.max_nodes_per_order:
            return False
        return len(parts) == 1 or all(
            sum(n * value for n, value in zip(units, self.values, strict=True))
            >= limits.min_shipment_value_cents
            for units in parts.values()
        )

    # --- what one node sends ------------------------------------------------------------------------

    def part(self, node_ix: int, units: Units) -> list[Parcel] | None:
        """The shipments that these units make at the node; None when it cannot send them."""
        key = (node_ix, units)
        if key not in self._parts:
            self._parts[key] = self._part(node_ix, units)
        return self._parts[key]

    def _part(self, node_ix: int, units: Units) -> list[Parcel] | None:
        node = self.network.nodes[node_ix]
        taken: Counter[str] = Counter()
        for line, n in zip(self.lines, units, strict=True):
            taken[line.sku_id] += n
        for i, n in enumerate(units):
            if n == 0:
                continue
            left = self.stock.get((self.lines[i].sku_id, node.node_id), -1) - taken[self.lines[i].sku_id]
            if left < 0 or any(self.rule_bars(rule, node_ix, i, left) for rule in self.strategy.eligibility):
                return None
        in_parcels: list[list[int]] = []
        shared: list[int] = []
        for group, alone in zip(self.groups, self.alone, strict=True):
            sent = [i for i in group if units[i] > 0]
            if alone and sent:
                in_parcels.append(sent)
            else:
                shared += sent
        if shared:
            in_parcels.append(sorted(shared))
        before: Counter[str] = Counter()
        parcels: list[Parcel] = []
        for sent in sorted(in_parcels):
            parcel = self._parcel(node_ix, units, sent, before)
            if not parcel.options:
                return None
            parcels.append(parcel)
        return parcels

    def rule_bars(self, rule: Any, node_ix: int, line: int, left: int) -> bool:
        """Does an eligibility rule keep the node from supplying the line, ``left`` units remaining?"""
        node = self.network.nodes[node_ix]
        if rule.kind == "exclude_services" or not covers_sku(rule.skus, self.skus[line]):
            return False
        covered = covers_node(rule.nodes, node)
        if rule.kind == "allow_nodes":
            return not covered
        if rule.kind == "exclude_nodes":
            return covered
        if rule.kind == "max_distance":
            return covered and Decimal(self.metres[node_ix]) / 1000 > rule.km
        if rule.kind == "same_country":
            return covered and node.country != self.order.destination.country
        if rule.kind == "min_remaining":
            return covered and left < rule.units
        raise AssertionError(rule.kind)

    def _parcel(self, node_ix: int, units: Units, sent: list[int], before: Counter[str]) -> Parcel:
        """``before`` counts the units of each SKU in the node's earlier parcels, and is carried forward."""
        node = self.network.nodes[node_ix]
        own = tuple(n if i in sent else 0 for i, n in enumerate(units))
        count, grams = sum(own), sum(n * sku.weight_grams for n, sku in zip(own, self.skus, strict=True))
        handling = distance = priority = depth = 0
        for objective in self.strategy.objectives:
            if objective.kind == "handling":
                handling += weighted(node.shipment_cents, objective.weight)
                handling += weighted(node.line_cents, objective.weight) * len(sent)
                handling += weighted(node.unit_cents, objective.weight) * count
            elif objective.kind == "distance":
                rate = weighted(objective.cents_per_km * 1000, objective.weight)
                times = count if objective.per == "unit" else 1
                distance += times * (self.metres[node_ix] * rate // 1_000_000)
            elif objective.kind == "node_priority":
                times = count if objective.per == "unit" else 1
                priority += times * weighted(objective.cents, objective.weight) * (node.priority - 1)
        for i in sent:
            sku_id = self.lines[i].sku_id
            for _ in range(own[i]):
                before[sku_id] += 1
                depth += unit_depth_cents(
                    self.strategy, node, self.stock[sku_id, node.node_id] - before[sku_id]
                )
        return Parcel(
            node=node,
            units=own,
            weight_grams=grams,
            handling_cents=handling,
            stock_depth_cents=depth,
            distance_cents=distance,
            node_priority_cents=priority,
            options=tuple(self.options(node_ix, sent, grams)),
        )

    # --- services -----------------------------------------------------------------------------------

    def options(self, node_ix: int, sent: list[int], grams: int) -> Iterator[Option]:
        """The services that may carry these lines from the node in time."""
        node = self.network.nodes[node_ix]
        for ix, service in enumerate(self.network.services):
            if service.service_id not in node.services:
                continue
            lane = self.first_lane(node_ix, service)
            if lane is None or any(self.refuses(service, lane, i) for i in sent):
                continue
            arrival = self.calendar.arrival(node, service, lane, self.to_zone)
            due = self.order.deliver_by_seconds
            if arrival is None or (due is not None and arrival > due):
                continue
            prices = [tariff(lane, grams, o.weight) for o in self.strategy.objectives if o.kind == "shipping"]
            yield Option(sum(prices), arrival, ix, service.service_id, len(split_weight(lane, grams)))

    def first_lane(self, node_ix: int, service: Service) -> Lane | None:
        node = self.network.nodes[node_ix]
        from_zone = zone_id(self.network, node.country, node.postal_code)
        for lane in service.lanes:
            if lane.from_zones and from_zone not in lane.from_zones:
                continue
            if lane.to_zones and self.to_zone not in lane.to_zones:
                continue
            if lane.max_distance_m is not None and self.metres[node_ix] > lane.max_distance_m:
                continue
            return lane
        return None

    def refuses(self, service: Service, lane: Lane, line: int) -> bool:
        """The line's SKU does not travel by the service on this lane."""
        sku = self.skus[line]
        if sku.weight_grams > max(b.up_to_grams for b in lane.brackets):
            return True
        if not service.excluded_sku_labels.isdisjoint(sku.labels):
            return True
        for rule in self.strategy.eligibility:
            if rule.kind == "exclude_services" and covers_sku(rule.skus, sku):
                named = service.service_id in rule.services
                if named or not service.labels.isdisjoint(rule.labels):
                    return True
        return False

    # --- the whole plan -----------------------------------------------------------------------------

    def cheapest_services(self, parcels: list[Parcel]) -> tuple[int, list[Option]]:
        """The cost of the plan, and the services that give it.

        Every arrival is tried as the last one allowed. Delay never falls with time, so pricing it at the
        bound instead of the true last arrival is never too low, and exact at the optimum's own bound.
        """
        fixed = sum(p.fixed_cents for p in parcels) + split_cents(self.strategy, len(parcels))
        best: tuple[int, list[Option]] | None = None
        for bound in sorted({o.arrival_seconds for p in parcels for o in p.options}):
            chosen: list[Option] = []
            for parcel in parcels:
                in_time = [o for o in parcel.options if o.arrival_seconds <= bound]
                if in_time:
                    chosen.append(min(in_time, key=Option.rank))
            if len(chosen) < len(parcels):
                continue
            cents = (
                fixed
                + sum(o.shipping_cents for o in chosen)
                + delay_cents(self.strategy, bound - self.calendar.origin_seconds)
            )
            if best is None or cents < best[0]:
                best = (cents, chosen)
        assert best is not None, "every parcel has an option, so the latest bound serves all"
        return best

    def plan(self, parcels: list[Parcel], options: list[Option]) -> Plan:
        """In the words of the domain."""
        shipments = [
            Shipment(
                node_id=parcel.node.node_id,
                service_id=option.service_id,
                picks=tuple(
                    Pick(line_id=line.line_id, sku_id=line.sku_id, quantity=n)
                    for line, n in zip(self.lines, parcel.units, strict=True)
                    if n > 0
                ),
                parcel_count=option.parcel_count,
                weight_grams=parcel.weight_grams,
                distance_m=self.metres[self.network.nodes.index(parcel.node)],
                arrival_seconds=option.arrival_seconds,
                cost=Cost(
                    shipping_cents=option.shipping_cents,
                    handling_cents=parcel.handling_cents,
                    stock_depth_cents=parcel.stock_depth_cents,
                    distance_cents=parcel.distance_cents,
                    node_priority_cents=parcel.node_priority_cents,
                ),
            )
            for parcel, option in zip(parcels, options, strict=True)
        ]
        sums = [sum(column) for column in zip(*(s.cost.parts() for s in shipments), strict=True)]
        plan_seconds = max(o.arrival_seconds for o in options) - self.calendar.origin_seconds
        order_level = Cost(
            delay_cents=delay_cents(self.strategy, plan_seconds),
            split_cents=split_cents(self.strategy, len(shipments)),
        )
        both = [a + b for a, b in zip(sums, order_level.parts(), strict=True)]
        return Plan(shipments=tuple(shipments), cost=Cost.of(both))


def optimum(
    strategy: Strategy,
    order: Order,
    network: Network,
    *,
    skus: Mapping[str, Any],
    stock: Mapping[tuple[str, str], int],
    now_seconds: int,
) -> tuple[int, int] | None:
    """(units filled, cost in cents) of the best plan of one strategy; None when unsourceable."""
    plan = Oracle(strategy, order, network, skus=skus, stock=stock, now_seconds=now_seconds).best()
    return None if plan is None else (units_filled(plan), plan.total_cents)


def units_filled(plan: Plan) -> int:
    """Units in all shipments."""
    return sum(pick.quantity for shipment in plan.shipments for pick in shipment.picks)
