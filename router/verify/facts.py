"""What the verifier knows about one order: the vocabulary looked up by id, and the plain facts (distance,
zone, selectors, weighted prices) worked out afresh, by the letter of docs/cost-model.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Protocol

from router.domain import Destination, Order, OrderLine
from router.network import Lane, Network, Node, Service, Zone
from router.rules.model import NodeSelector, SkuSelector
from router.verify.dates import DAY_SECONDS, Times, origin_seconds, times

EARTH_RADIUS_M = 6_371_000


class SkuFacts(Protocol):
    """What is asked of a SKU: grams and cents are those of one unit."""

    @property
    def sku_id(self) -> str: ...
    @property
    def weight_grams(self) -> int: ...
    @property
    def unit_value_cents(self) -> int: ...
    @property
    def labels(self) -> frozenset[str]: ...


@dataclass(frozen=True)
class Case:
    """One order and everything its answer depends on besides the rules.

    sku_of: the SKU of an id; raises for an unknown one. available: units of (sku_id, node_id) net of
    reservations and safety stock, None without a row, possibly negative.
    """

    order: Order
    network: Network
    sku_of: Callable[[str], SkuFacts]
    available: Callable[[str, str], int | None]
    now_seconds: int

    @cached_property
    def nodes(self) -> dict[str, Node]:
        return {n.node_id: n for n in self.network.nodes}

    @cached_property
    def services(self) -> dict[str, Service]:
        return {s.service_id: s for s in self.network.services}

    @cached_property
    def lines(self) -> dict[str, OrderLine]:
        return {line.line_id: line for line in self.order.lines}

    @cached_property
    def line_position(self) -> dict[str, int]:
        return {line.line_id: i for i, line in enumerate(self.order.lines)}

    @cached_property
    def groups(self) -> tuple[tuple[OrderLine, ...], ...]:
        """Lines that share a ``together`` text, every other line by itself; by first line."""
        by_key: dict[tuple[str, str], list[OrderLine]] = {}
        for line in self.order.lines:
            key = ("together", line.together) if line.together else ("line", line.line_id)
            by_key.setdefault(key, []).append(line)
        return tuple(tuple(lines) for lines in by_key.values())

    @cached_property
    def group_of(self) -> dict[str, int]:
        """Line id -> position in ``groups``."""
        return {line.line_id: g for g, lines in enumerate(self.groups) for line in lines}

    @cached_property
    def alone(self) -> tuple[bool, ...]:
        """For each group: it never shares a parcel."""
        return tuple(any(line.ship_alone for line in lines) for lines in self.groups)

    @cached_property
    def distances_m(self) -> dict[str, int]:
        """Node id -> metres to the destination."""
        place = self.order.destination
        return {n.node_id: great_circle_m(n, place) for n in self.network.nodes}

    @cached_property
    def destination_zone(self) -> str | None:
        place = self.order.destination
        return zone_of(self.network, place.country, place.postal_code)

    @cached_property
    def zone(self) -> Zone | None:
        """The zone of the destination."""
        return next((z for z in self.network.zones if z.zone_id == self.destination_zone), None)

    @cached_property
    def origin_seconds(self) -> int:
        """The instant that times are reckoned from."""
        return origin_seconds(self.network, self.now_seconds)

    @cached_property
    def _known_times(self) -> dict[tuple[str, str, int, int | None], Times | None]:
        return {}

    def times(self, node: Node, service: Service, lane: Lane) -> Times | None:
        """Of a shipment from the node by the lane of the service; None where it does not arrive."""
        key = (node.node_id, service.service_id, lane.transit_seconds, lane.transit_days)
        if key not in self._known_times:
            found = times(self.network, node, service, lane, self.zone, self.origin_seconds)
            self._known_times[key] = found
        return self._known_times[key]

    @cached_property
    def node_zones(self) -> dict[str, str | None]:
        return {n.node_id: zone_of(self.network, n.country, n.postal_code) for n in self.network.nodes}

    def unit_value_cents(self, line: OrderLine) -> int:
        """The order's own value, or else the catalogue's."""
        if line.unit_value_cents is not None:
            return line.unit_value_cents
        return self.sku_of(line.sku_id).unit_value_cents

    def days(self, arrival_seconds: int) -> int:
        """Started days from the origin."""
        return math.ceil(Fraction(arrival_seconds - self.origin_seconds, DAY_SECONDS))


def great_circle_m(node: Node, place: Destination) -> int:
    """Haversine metres, rounded half up."""
    lat_a, lon_a = math.radians(node.latitude), math.radians(node.longitude)
    lat_b, lon_b = math.radians(place.latitude), math.radians(place.longitude)
    half_chord = (
        math.sin((lat_b - lat_a) / 2) ** 2
        + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    )
    return math.floor(2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half_chord))) + 0.5)


def zone_of(network: Network, country: str, postal_code: str) -> str | None:
    """The zone with the longest prefix that fits; the first stated of equally long ones."""
    code = postal_code.replace(" ", "")
    best: str | None = None
    best_length = -1
    for zone in network.zones:
        if zone.country != country:
            continue
        prefixes = [p.replace(" ", "") for p in zone.postal_prefixes] or [""]
        fitting = [len(p) for p in prefixes if code.startswith(p)]
        if fitting and max(fitting) > best_length:
            best, best_length = zone.zone_id, max(fitting)
    return best


def selects_node(selector: NodeSelector, node: Node) -> bool:
    """Every stated key matches; within a key any entry is enough."""
    return (
        (not selector.ids or node.node_id in selector.ids)
        and (not selector.types or node.node_type.name in selector.types)
        and (not selector.groups or any(g in node.groups for g in selector.groups))
        and (not selector.labels or any(label in node.labels for label in selector.labels))
        and (not selector.countries or node.country in selector.countries)
    )


def selects_sku(selector: SkuSelector, sku: SkuFacts) -> bool:
    """Every stated key matches; within a key any entry is enough."""
    return (not selector.ids or sku.sku_id in selector.ids) and (
        not selector.labels or any(label in sku.labels for label in selector.labels)
    )


def rounded_half_up(price: int | Decimal, weight: Decimal, scale: int = 1) -> int:
    """price x weight x scale, exactly, then to the nearest integer."""
    return math.floor(Fraction(price) * Fraction(weight) * scale + Fraction(1, 2))
