"""The plain facts that the verifier reckons with, worked out afresh by the letter of docs/cost-model.md:
distance, zone, selectors, weighted prices.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from router.network import Network, Node
from router.rules.model import NodeSelector, SkuSelector

EARTH_RADIUS_M = 6_371_000


class KitFacts(Protocol):
    """What is asked of a kit: (SKU id, units) of its components, and whether they may come from different
    nodes."""

    @property
    def components(self) -> tuple[tuple[str, int], ...]: ...
    @property
    def apart(self) -> bool: ...


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
    @property
    def kit(self) -> KitFacts | None: ...


class Located(Protocol):
    """Anything with a place on the globe, in degrees."""

    @property
    def latitude(self) -> float: ...
    @property
    def longitude(self) -> float: ...


def great_circle_m(a: Located, b: Located) -> int:
    """Haversine metres, rounded half up."""
    lat_a, lon_a = math.radians(a.latitude), math.radians(a.longitude)
    lat_b, lon_b = math.radians(b.latitude), math.radians(b.longitude)
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
