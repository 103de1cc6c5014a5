"""Brute force: the cheapest plan of a tiny order, by trying every plan that docs/cost-model.md allows.

Written for being obviously right. Shares no code with the engine nor with ``router.verify``.
Meant for at most 4 lines, 4 sources (nodes, each at every date at which it has more than before) and 3
services, and quantities of at most 4 where lines may be divided. With capacity a full day adds 7 dates.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from router.cost import Cost
from router.domain import Delivery, DeliveryMethod, Order, OrderLine, Pick, Plan, Shipment
from router.network import Network, Node
from router.rules.model import Strategy
from tests.oracle_capacity import Loads, States, Workshop
from tests.oracle_carriage import Carriage
from tests.oracle_dates import SlowCalendar
from tests.oracle_facts import (
    grouped,
    metres_between,
    mistrust_cents,
    unit_depth_cents,
    unit_price_cents,
    unit_value_cents,
    weighted,
)
from tests.oracle_onward import Leg
from tests.oracle_parts import Candidate, Option, Parcel, Source, Taken, Units, units_in
from tests.oracle_rules import (
    duty_cents,
    excluded,
    may_be_missing,
    purchase_cents,
    rule_bars,
    substitution_cents,
)
from tests.oracle_supply import Receipts, Shelves
from tests.oracle_ways import Target, Ways


class Oracle(Carriage):
    """One order, or one of its deliveries, under one strategy. ``stock[sku_id, node_id]``: units available,
    absent without a row; ``receipts[sku_id, node_id]``: (epoch seconds, units); ``states`` of nodes;
    ``prices[sku_id, node_id]``: cents of a unit."""

    def __init__(
        self,
        strategy: Strategy,
        order: Order,
        network: Network,
        *,
        skus: Mapping[str, Any],
        stock: Mapping[tuple[str, str], int],
        now_seconds: int,
        delivery: Delivery | None = None,
        receipts: Receipts | None = None,
        states: States | None = None,
        prices: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        self.strategy = strategy
        self.order = order
        self.delivery = delivery
        self.network = network
        self.nodes = {node.node_id: node for node in network.nodes}
        self.stock = stock
        self.prices = prices or {}
        self.calendar = SlowCalendar(network, now_seconds)
        self.target = Target(network, order, delivery)
        self.ways = Ways(self.target, self.calendar)
        only = delivery is None or len(order.deliveries) == 1
        self.lines: tuple[OrderLine, ...] = tuple(
            line for line in order.lines if only or (delivery and line.delivery_id == delivery.delivery_id)
        )
        self.skus = [skus[line.sku_id] for line in self.lines]
        self.values = [unit_value_cents(line, skus) for line in self.lines]
        self.metres = [metres_between(node, self.target.where) for node in network.nodes]
        self.shelves = Shelves(
            strategy, network, skus=skus, stock=stock, receipts=receipts or {}, now_seconds=now_seconds
        )
        self.workshop = Workshop(network, now_seconds, states or States())
        self.sources = [
            Source(ix, node, at)
            for ix, node in enumerate(network.nodes)
            if self.workshop.is_on(node)
            for at in self.dates(node)
        ]
        self.groups = grouped(self.lines)
        self.alone = [any(self.lines[i].ship_alone for i in group) for group in self.groups]
        self._parts: dict[tuple[int, Units], list[Parcel] | None] = {}
        goes_on = delivery is not None and delivery.onward is not None
        self.leg = Leg(self, self.refuses, self.is_late) if goes_on else None

    def dates(self, node: Node) -> list[int]:
        """When the node may begin to work on something."""
        if self.target.method(node) == DeliveryMethod.CARRY_OUT:
            return [self.calendar.origin_seconds]
        dates = self.shelves.dates(node, {line.sku_id for line in self.lines})
        further = [self.workshop.further(node, at, self.order) for at in dates]
        return sorted({*dates, *itertools.chain.from_iterable(further)})

    def best(self) -> Plan | None:
        """The plan with the most units, then the least cost; None when there is no answer."""
        best: Candidate | None = None
        best_key = (0, 0)  # minus units, cents
        for parts in self.assignments():
            filled = sum(sum(units) for units in parts.values())
            candidate = self.candidate(parts) if 0 < filled >= -best_key[0] else None
            if candidate is not None:
                key = (-filled, candidate.cents + self.shelves.depth_cents(candidate.taken))
                if best is None or key < best_key:
                    best, best_key = candidate, key
        if best is None:
            return None
        plan = self.plan(best)
        assert plan.total_cents == best_key[1], "the parts add up"
        return plan

    def candidate(self, parts: Mapping[int, Units]) -> Candidate | None:
        """The cheapest plan with these units of each source; None where that is not allowed."""
        whole = sum(map(sum, parts.values())) == sum(line.quantity for line in self.lines)
        if not self.limits_hold(parts) or (self.leg is not None and not whole):
            return None
        parcels: list[Parcel] = []
        taken: Taken = Counter()
        loads: Loads = Counter()
        for source_ix in sorted(parts):
            part, source = self.part(source_ix, parts[source_ix]), self.sources[source_ix]
            if part is None:
                return None
            parcels += part
            units: Counter[str] = Counter()
            for line, n in zip(self.lines, parts[source_ix], strict=True):
                units[line.sku_id] += n
            taken.update({(sku, source.node.node_id, source.at): n for sku, n in units.items() if n})
            loads.update(self.workshop.brought(source.node, source.at, units))
        if not self.workshop.hold(loads, self.nodes) or not self.shelves.hold(taken):
            return None
        cents, options = self.cheapest_ways(parcels)
        return Candidate(sum(taken.values()), cents, taken, loads, parcels, options)

    # --- which units from where ---------------------------------------------------------------------

    def assignments(self) -> Iterator[dict[int, Units]]:
        """Every way to give each group to sources: source -> units of each line."""
        for combination in itertools.product(*(self.group_choices(group) for group in self.groups)):
            parts: dict[int, list[int]] = {}
            for source_ix, line_ix, units in itertools.chain.from_iterable(combination):
                parts.setdefault(source_ix, [0] * len(self.lines))[line_ix] += units
            yield {source_ix: tuple(units) for source_ix, units in parts.items()}

    def group_choices(self, group: list[int]) -> list[list[tuple[int, int, int]]]:
        """The ways to fill one group, each a list of (source, line, units)."""
        partial, broken = may_be_missing(self.strategy, self.order, [self.lines[i] for i in group])
        sources = range(len(self.sources))
        if self.divisible(group):
            (line,) = group
            ordered = self.lines[line].quantity
            possible = [[n for n in range(1, ordered + 1) if self.takes(k, line, n)] for k in sources]
            shares: list[list[tuple[int, int, int]]] = [[]]
            for k in sources:
                shares += [
                    [*s, (k, line, n)] for s in shares for n in possible[k] if units_in(s) + n <= ordered
                ]
            return [s for s in shares if units_in(s) == ordered or (broken if s else partial)]
        whole = [
            [(k, line, self.lines[line].quantity) for line in group]
            for k in sources
            if all(self.takes(k, line, self.lines[line].quantity) for line in group)
        ]
        return whole + ([[]] if partial else [])

    def takes(self, source_ix: int, line: int, units: int) -> bool:
        """The source can send these units of the line, considering the line alone."""
        only = tuple(units if i == line else 0 for i in range(len(self.lines)))
        return self.part(source_ix, only) is not None

    def divisible(self, group: list[int]) -> bool:
        """May the group come from several sources, or be filled in part?"""
        splits = self.strategy.limits.line_splits
        if splits == "never" or len(group) > 1 or self.lines[group[0]].ship_alone:
            return False
        if splits == "free":
            return True
        return not any(
            self.takes(k, group[0], self.lines[group[0]].quantity)
            for k, source in enumerate(self.sources)
            if source.at == self.calendar.origin_seconds
        )

    def limits_hold(self, parts: Mapping[int, Units]) -> bool:
        """Sources used, and the worth of each part of a split order."""
        limits = self.strategy.limits
        if len(parts) > limits.max_nodes_per_order:
            return False
        return len(parts) == 1 or all(
            sum(n * value for n, value in zip(units, self.values, strict=True))
            >= limits.min_shipment_value_cents
            for units in parts.values()
        )

    # --- what one node sends at one date ------------------------------------------------------------

    def part(self, source_ix: int, units: Units) -> list[Parcel] | None:
        """The shipments that these units make at the source; None when it cannot send them."""
        key = (source_ix, units)
        if key not in self._parts:
            self._parts[key] = self._part(self.sources[source_ix], units)
        return self._parts[key]

    def _part(self, source: Source, units: Units) -> list[Parcel] | None:
        taken: Counter[str] = Counter()
        for line, n in zip(self.lines, units, strict=True):
            taken[line.sku_id] += n
        for i, n in enumerate(units):
            if n == 0:
                continue
            sku_id = self.lines[i].sku_id
            left = self.shelves.there(sku_id, source.node.node_id, source.at) - taken[sku_id]
            rules = self.strategy.eligibility
            if left < 0 or excluded(self.order, source.node, sku_id, self.workshop.now_seconds):
                return None
            if any(self.rule_bars(rule, source.node_ix, i, left) for rule in rules):
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
        parcels: list[Parcel] = []
        for sent in sorted(in_parcels):
            parcel = self._parcel(source, units, sent)
            if not parcel.options:
                return None
            parcels.append(parcel)
        return parcels

    def rule_bars(self, rule: Any, node_ix: int, line: int, left: int) -> bool:
        """Does an eligibility rule keep the node from supplying the line, ``left`` units remaining?"""
        node = self.network.nodes[node_ix]
        country, method = self.target.where.country, self.target.method(node).name
        return rule_bars(rule, node, self.skus[line], country, method, self.metres[node_ix], left)

    def _parcel(self, source: Source, units: Units, sent: list[int]) -> Parcel:
        node = source.node
        own = tuple(n if i in sent else 0 for i, n in enumerate(units))
        count, grams = sum(own), sum(n * sku.weight_grams for n, sku in zip(own, self.skus, strict=True))
        handling = distance = priority = 0
        for objective in self.strategy.objectives:
            if objective.kind == "handling":
                handling += weighted(node.shipment_cents, objective.weight)
                handling += weighted(node.line_cents, objective.weight) * len(sent)
                handling += weighted(node.unit_cents, objective.weight) * count
            elif objective.kind == "distance":
                rate = weighted(objective.cents_per_km * 1000, objective.weight)
                times = count if objective.per == "unit" else 1
                distance += times * (self.metres[source.node_ix] * rate // 1_000_000)
            elif objective.kind == "node_priority":
                times = count if objective.per == "unit" else 1
                priority += times * weighted(objective.cents, objective.weight) * (node.priority - 1)
        return Parcel(
            source=source,
            units=own,
            weight_grams=grams,
            cost=Cost(
                handling_cents=handling,
                distance_cents=distance,
                node_priority_cents=priority,
                node_load_cents=self.workshop.price(self.strategy, node, source.at, len(sent), count),
                waiting_cents=self.shelves.waiting_cents(source.at, count),
                duty_cents=duty_cents(
                    self.strategy, node, self.target.where.country, [(self.skus[i], own[i]) for i in sent]
                ),
                substitution_cents=substitution_cents(self.strategy, [(self.lines[i], own[i]) for i in sent]),
                purchase_cents=purchase_cents(self.strategy, node, [(self.skus[i], own[i]) for i in sent]),
                stock_price_cents=sum(
                    n * unit_price_cents(self.strategy, self.prices.get((line.sku_id, node.node_id), 0))
                    for line, n in zip(self.lines, own, strict=True)
                ),
                mistrust_cents=mistrust_cents(self.strategy, node, [self.skus[i].labels for i in sent]),
            ),
            options=tuple(self.options(source.node_ix, sent, grams, source.at)),
        )

    # --- the whole plan -----------------------------------------------------------------------------

    def plan(self, candidate: Candidate, before: Taken | None = None) -> Plan:
        """In the words of the domain. before: units that other deliveries take first."""
        gone: Taken = Counter(before)
        shipments = []
        for parcel, option in zip(candidate.parcels, candidate.options, strict=True):
            depth = 0
            node, at = parcel.source.node, parcel.source.at
            for line, n in zip(self.lines, parcel.units, strict=True):
                for _ in range(n):
                    # what other parcels of the part took is gone too
                    finds = self.shelves.found(line.sku_id, node.node_id, at, gone)
                    depth += unit_depth_cents(self.strategy, node, finds - 1)
                    gone[line.sku_id, node.node_id, at] += 1
            shipments.append(self._shipment(parcel, option, depth))
        sums = [sum(column) for column in zip(*(s.cost.parts() for s in shipments), strict=True)]
        ready = max(s.arrival_seconds for s in shipments)
        _, last, *leg = (self.leg and self.leg.parts(ready)) or (0, ready, 0, 0, 0)
        delay, late = self.time_cents(last)
        joint = Cost(
            delay_cents=delay,
            lateness_cents=late,
            split_cents=self.split_cents(shipments),
            shipping_cents=leg[0],
            transfer_cents=leg[1],
            handling_cents=leg[2],
        )
        both = [a + b for a, b in zip(sums, joint.parts(), strict=True)]
        return Plan(shipments=tuple(shipments), cost=Cost.of(both))

    def _shipment(self, parcel: Parcel, option: Option, depth_cents: int) -> Shipment:
        at = parcel.source.at
        return Shipment(
            node_id=parcel.source.node.node_id,
            service_id=option.way_id,
            picks=tuple(
                Pick(line_id=line.line_id, sku_id=line.sku_id, quantity=n)
                for line, n in zip(self.lines, parcel.units, strict=True)
                if n > 0
            ),
            parcel_count=option.parcel_count,
            weight_grams=parcel.weight_grams,
            distance_m=self.metres[parcel.source.node_ix],
            arrival_seconds=option.arrival_seconds,
            cost=replace(
                parcel.cost,
                shipping_cents=option.shipping_cents,
                stock_depth_cents=depth_cents,
                transfer_cents=option.transfer_cents,
            ),
            delivery_id="" if self.delivery is None else self.delivery.delivery_id,
            method=self.target.method(parcel.source.node),
            supply_seconds=0 if at == self.calendar.origin_seconds else at,
        )
