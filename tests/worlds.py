"""Small random worlds with every feature of the cost model switched on: network, SKUs, stock, rules, order.

One recipe, two sources of chance: ``random_world(rng)`` for long seeded runs and ``worlds()`` for hypothesis,
where the lowest draw of everything is the dullest, so that failures shrink to something readable.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from router.catalogue import Kit, Sku
from router.domain import (
    Destination,
    Exclusion,
    LineFill,
    NodeType,
    Order,
    OrderFill,
    OrderLine,
    SalesChannel,
)
from router.errors import NotFound
from router.network import Bracket, Lane, LoadKind, Network, Node, Offer, Service, Trust
from router.rules.model import RuleSet
from tests.oracle_capacity import States
from tests.oracle_facts import metres_between
from tests.world_capacity import CapacityRecipe, most_sources
from tests.world_rules import (
    DIVIDED_LINES,
    EVERYTHING,
    MISTRUST,
    NODE_GROUPS,
    NODE_LABELS,
    OMNICHANNEL,
    PRICED,
    PURCHASE,
    SEGMENTS,
    SERVICE_LABELS,
    SKU_LABELS,
    STOCK_PRICE,
    TRUST,
    WHOLE_LINES,
    ZONES,
    Features,
)
from tests.world_supply import Receipts

__all__ = [
    "DIVIDED_LINES",
    "EVERYTHING",
    "NOW_SECONDS",
    "OMNICHANNEL",
    "PRICED",
    "PURCHASE",
    "STOCK_PRICE",
    "TRUST",
    "WHOLE_LINES",
    "Features",
    "World",
    "random_world",
    "worlds",
]

NOW_SECONDS = 1_750_000_000
DAY_SECONDS = 86_400
PLAN_BUDGET = 4_000
"""Most ways to divide the lines of one order over the nodes, so that brute force stays quick."""

PLACES = (
    ("FR", "75001", 48.8566, 2.3522),
    ("FR", "75 020", 48.8650, 2.3990),
    ("FR", "69001", 45.7640, 4.8357),
    ("FR", "13001", 43.2965, 5.3698),
    ("DE", "10115", 52.5200, 13.4050),
    ("DE", "", 50.1109, 8.6821),
    ("BE", "1000", 50.8503, 4.3517),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One order and everything its answer depends on."""

    network: Network
    skus: dict[str, Sku]
    stock: dict[tuple[str, str], int]
    rules: RuleSet
    order: Order
    now_seconds: int
    receipts: Receipts = field(default_factory=dict)
    """(epoch seconds, units) by (SKU id, node id)."""
    free: Mapping[tuple[str, LoadKind, int], int] = field(default_factory=dict)
    """By node id, kind and day (ordinal)."""
    backlog: Mapping[tuple[str, LoadKind], int] = field(default_factory=dict)
    off: Mapping[str, int] = field(default_factory=dict)
    """Until then (epoch seconds), by node id."""
    prices: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Cents of a unit, of those in ``stock``."""

    def sku_of(self, sku_id: str) -> Sku:
        """Raises NotFound."""
        if sku_id not in self.skus:
            raise NotFound(f"unknown SKU {sku_id!r}")
        return self.skus[sku_id]

    def units_in_kit(self, line_id: str) -> int:
        """Components of one kit of a line."""
        [sku_id] = [line.sku_id for line in self.order.lines if line.line_id == line_id]
        kit = self.skus[sku_id].kit
        return 0 if kit is None else sum(units for _, units in kit.components)

    def available(self, sku_id: str, node_id: str) -> int | None:
        """Units available, None without a row."""
        return self.stock.get((sku_id, node_id))

    def price(self, sku_id: str, node_id: str) -> int:
        """Cents of a unit."""
        return self.prices.get((sku_id, node_id), 0)

    def expected(self, sku_id: str, node_id: str) -> tuple[tuple[int, int], ...]:
        """Its receipts."""
        return self.receipts.get((sku_id, node_id), ())


def random_world(rng: np.random.Generator, features: Features = EVERYTHING) -> World:
    """A world from a seeded generator: the same seed, the same world."""
    return _Recipe(lambda low, high: int(rng.integers(low, high + 1)), features).world()


def worlds(features: Features = EVERYTHING) -> st.SearchStrategy[World]:
    """Worlds for hypothesis."""

    @st.composite
    def build(draw: st.DrawFn) -> World:
        return _Recipe(lambda low, high: draw(st.integers(low, high)), features).world()

    return build()


class _Recipe(CapacityRecipe):
    """Builds a world out of integers drawn from inclusive ranges."""

    def world(self) -> World:
        place = self.pick(PLACES[:5])
        destination = Destination(
            country=place[0], postal_code=place[1], latitude=place[2], longitude=place[3]
        )
        zones = tuple(self.some(ZONES, 60))
        if self.chance(30):
            zones = zones[::-1]
        skus = [self.sku(i) for i in range(self.size(self.features.skus))]
        service_ids = [f"S{i}" for i in range(self.size(self.features.services))]
        nodes = self.nodes(service_ids)
        metres = [metres_between(node, destination) for node in nodes]
        network = Network(
            nodes=nodes,
            zones=zones,
            services=tuple(self.service(i, [z.zone_id for z in zones], metres) for i in service_ids),
        )
        now = NOW_SECONDS
        if self.features.deliveries:
            network = self.with_places(network, PLACES)
            metres += [metres_between(nodes[0], node) for node in nodes]
        if self.features.calendars:
            network, now = self.with_calendars(network)
        levels = self.levels()
        stock = {
            (sku.sku_id, node.node_id): self.pick(levels)
            for sku in skus
            for node in nodes
            if not self.chance(8)
        }
        rules = self.rules(network, metres)
        order = self.order(destination, skus, network, now)
        if self.features.deliveries:
            order = self.with_deliveries(order, network, PLACES, now)
        receipts: Receipts = {}
        states, sources = States(), len(nodes)
        if self.features.capacity:
            network, states = self.with_capacity(network, now)
            sources = most_sources(network.nodes, order)
        if self.features.supply:
            receipts = self.receipts(skus, network, now)
            rules = self.with_supply(rules, network, now)
            sources *= 3
        order = self.with_more(order, nodes, skus, now)
        if any(s.limits.line_splits != "never" for p in rules.profiles for s in p.strategies):
            order = within_budget(order, sources)
        kits = self.kits(skus) if self.features.kits else []
        order, skus = self.with_kits(order, kits) if kits else order, [*skus, *kits]
        return World(
            network=network,
            skus={s.sku_id: s for s in skus},
            stock=stock,
            rules=rules,
            order=order,
            now_seconds=now,
            receipts=receipts,
            **{name: getattr(states, name) for name in ("free", "backlog", "off")},
            prices=self.prices(stock),
        )

    def prices(self, stock: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
        if STOCK_PRICE not in self.features.objectives:
            return {}
        return {key: self.pick((0, 0, 300, 75, 801, 1499)) for key in stock}

    def with_more(self, order: Order, nodes: Sequence[Node], skus: Sequence[Sku], now: int) -> Order:
        """With exclusions and substitutes."""
        if self.features.exclusions:
            order = replace(order, exclusions=self.exclusions(nodes, skus, now))
        if self.features.substitutes:
            order = replace(order, lines=tuple(self.with_substitutes(line, skus) for line in order.lines))
        return order

    def kits(self, skus: Sequence[Sku]) -> list[Sku]:
        """Two, of one or two components."""
        found = []
        for i in range(2):
            parts = self.some_of([sku.sku_id for sku in skus])[:2]
            kit = Kit(tuple((name, self.pick((1, 1, 2))) for name in sorted(parts)), self.chance(50))
            found.append(Sku(sku_id=f"Z{i}", weight_grams=1, unit_value_cents=self.pick((0, 900)), kit=kit))
        return found

    def with_kits(self, order: Order, kits: Sequence[Sku]) -> Order:
        """Some lines are of kits."""
        lines = tuple(
            replace(line, sku_id=self.pick(kits).sku_id, substitutes=()) if self.chance(60) else line
            for line in order.lines
        )
        return replace(order, lines=lines)

    def with_substitutes(self, line: OrderLine, skus: Sequence[Sku]) -> OrderLine:
        others = [sku.sku_id for sku in skus if sku.sku_id != line.sku_id]
        return replace(line, substitutes=tuple(self.some(others[:: self.pick((1, -1))], 40)))

    def exclusions(self, nodes: Sequence[Node], skus: Sequence[Sku], now: int) -> tuple[Exclusion, ...]:
        return tuple(
            Exclusion(
                node_id=node.node_id,
                sku_id=self.pick(("", *(sku.sku_id for sku in skus))),
                until_seconds=self.pick((None, now + 1, now + 9999, now, now - 1)),
            )
            for node in self.some(nodes, 40)
        )

    def levels(self) -> tuple[int, ...]:
        """What nodes may have of a SKU."""
        scarce = self.chance(40)
        if self.features.supply:
            return (2, 1, -1, 1, 3, 0, -2, 1, 0, 2, -1)
        if self.features.capacity:
            return (5, 3, 4, 2, 6, 8, 1, 0, 3, -1)
        return (2, 1, 2, 1, 3, 4, 2, 1, 0, -1) if scarce else (5, 3, 4, 8, 2, 6, 3, 2, 4, 0, -2)

    def sku(self, i: int) -> Sku:
        weights = [1000, 0, 1, 250, 500, 501, 999, 1001, 1700, 2000, 3000]
        if self.features.heavy_units:
            weights += [5001, 40_000]
        return Sku(
            sku_id=f"K{i}",
            weight_grams=self.pick(weights),
            unit_value_cents=self.pick((1000, 0, 199, 500, 2500)),
            labels=frozenset(self.some(SKU_LABELS, 15)),
        )

    def nodes(self, service_ids: Sequence[str]) -> tuple[Node, ...]:
        nodes: list[Node] = []
        for i in range(self.size(self.features.nodes)):
            if nodes and self.chance(20):
                nodes.append(replace(nodes[-1], node_id=f"N{i}"))
                continue
            country, postal_code, latitude, longitude = self.pick(PLACES)
            nodes.append(
                Node(
                    node_id=f"N{i}",
                    node_type=self.pick(tuple(NodeType)),
                    country=country,
                    postal_code=postal_code,
                    latitude=latitude,
                    longitude=longitude + self.integer(0, 9) / 97,
                    labels=frozenset(self.some(NODE_LABELS, 40)),
                    groups=frozenset(self.some(NODE_GROUPS, 40)),
                    services=frozenset(self.most(service_ids, 90)),
                    priority=self.integer(1, 4),
                    processing_seconds=self.pick((0, 3600, 50_000, DAY_SECONDS)),
                    shipment_cents=self.integer(0, 300),
                    line_cents=self.pick((0, 7, 55)),
                    unit_cents=self.pick((0, 3, 41)),
                    **self.trust() if MISTRUST in self.features.objectives else {},
                    **self.offers() if PURCHASE in self.features.objectives else {},
                )
            )
        return tuple(nodes)

    def offers(self) -> dict[str, Any]:
        """In a node. Some are of a SKU that is not in the catalogue."""
        return {
            "offers": tuple(
                Offer(
                    sku_id=sku_id,
                    price_cents=self.pick((1000, 333, 2501, 0)),
                    commission_percent=self.pick((0, 15, 7, 100)),
                )
                for sku_id in self.some(("K0", "K1", "K2", "Z"), 40)
            )
        }

    def trust(self) -> dict[str, Any]:
        """In a node."""
        return {
            "acceptance_percent": self.pick((100, 100, 85, 40)),
            "stock_truth_percent": self.pick((100, 97, 100, 60)),
            "trust": tuple(
                Trust(
                    sku_label=label,
                    acceptance_percent=self.pick((100, 71)),
                    stock_truth_percent=self.pick((None, 100, 90, 0)),
                )
                for label in self.some(SKU_LABELS, 20)
            ),
        }

    def service(self, service_id: str, zone_ids: Sequence[str], metres: Sequence[int]) -> Service:
        return Service(
            service_id=service_id,
            labels=frozenset(self.some(SERVICE_LABELS, 40)),
            excluded_sku_labels=frozenset(self.some(SKU_LABELS, 7)),
            lanes=tuple(
                self.lane(zone_ids, metres) for _ in range(self.pick((1, 2, 3, 1, 2, 3, 2, 3, 2, 0)))
            ),
        )

    def lane(self, zone_ids: Sequence[str], metres: Sequence[int]) -> Lane:
        band = self.pick((None, None, None, 900_000, 400_000, 3_000, self.pick(metres)))
        limits = sorted({self.pick((5000, 30_000, 5000, 2000, 1000)), *self.some((500, 1000, 2000), 40)})
        zoned = bool(zone_ids)
        return Lane(
            from_zones=frozenset(self.some_of(zone_ids)) if zoned and self.chance(12) else frozenset(),
            to_zones=frozenset(self.some_of(zone_ids)) if zoned and self.chance(15) else frozenset(),
            max_distance_m=band,
            transit_seconds=self.pick((0, 3600, 43_200, 86_399, 86_400, 86_401, 172_800, 250_000, 400_000)),
            brackets=tuple(Bracket(up_to_grams=g, cents=self.integer(0, 1500)) for g in limits),
        )

    # --- the order ----------------------------------------------------------------------------------

    def order(self, destination: Destination, skus: Sequence[Sku], network: Network, now: int) -> Order:
        lanes = [lane for service in network.services for lane in service.lanes]
        deadline: int | None = None
        if self.features.deadlines and lanes and self.chance(20):
            exact = self.pick(network.nodes).processing_seconds + self.pick(lanes).transit_seconds
            deadline = now + self.pick((exact, 500_000, max(0, exact - 1), 2 * DAY_SECONDS, 300_000))
        return Order(
            order_id="O1",
            lines=tuple(self.line(i, skus) for i in range(self.size(self.features.lines))),
            destination=destination,
            sales_channel=self.pick((SalesChannel.WEB, SalesChannel.STORE)),
            customer_segment=self.pick(SEGMENTS),
            sourcing_profile=self.pick(("", "", "second")),
            deliver_by_seconds=deadline,
            fill=OrderFill.FILL_OR_KILL if self.features.fill and self.chance(10) else None,
        )

    def line(self, i: int, skus: Sequence[Sku]) -> OrderLine:
        together = self.features.together and self.chance(30)
        return OrderLine(
            line_id=f"L{i}",
            sku_id=self.pick(skus).sku_id,
            quantity=self.integer(1, self.features.quantity),
            unit_value_cents=self.pick((None, None, 0, 700)),
            together=self.pick(("a", "b")) if together else "",
            ship_alone=self.features.ship_alone and self.chance(12),
            fill=self.pick((None, *LineFill)) if self.features.fill and self.chance(50) else None,
        )


def within_budget(order: Order, source_count: int) -> Order:
    """The order with quantities lowered, greatest first, until brute force over divided lines is quick."""
    quantities = [line.quantity for line in order.lines]
    while math.prod(math.comb(q + source_count, source_count) for q in quantities) > PLAN_BUDGET:
        greatest = max(quantities)
        if greatest == 1:
            break
        quantities[quantities.index(greatest)] -= 1
    lines = [replace(line, quantity=q) for line, q in zip(order.lines, quantities, strict=True)]
    return replace(order, lines=tuple(lines))
