"""The supply network: nodes, zones, carrier services and their tariffs. Few enough to be objects;
``router.compile`` turns them into columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from router.domain import NodeType


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A place that can supply.

    processing_seconds: from the order to the hand-over to the carrier.
    priority: 1 is tried first by rules that rank by priority.
    shipment_cents, line_cents, unit_cents: handling per shipment, per line in it, per unit.
    safety_stock_units: units of every SKU never offered; a stock row may carry its own figure.
    services: ids of the carrier services that collect here.
    """

    node_id: str
    node_type: NodeType
    country: str
    latitude: float
    longitude: float
    time_zone: str = "UTC"
    name: str = ""
    postal_code: str = ""
    labels: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    priority: int = 1
    processing_seconds: int = 0
    shipment_cents: int = 0
    line_cents: int = 0
    unit_cents: int = 0
    safety_stock_units: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A tariff area. A place belongs to the zone of its country with the longest matching prefix of
    its postal code; ``postal_prefixes`` empty covers the rest of the country."""

    zone_id: str
    country: str
    postal_prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """Parcels of at most ``up_to_grams`` cost ``cents``."""

    up_to_grams: int
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Where a service goes, how fast and at what tariff. Empty sets and None match anything; of the
    lanes that match, the first in the service's order counts.

    brackets: ascending; the last ``up_to_grams`` is the greatest parcel weight. A heavier shipment
    leaves as full parcels of that weight plus one for the rest; no single unit may be heavier.
    """

    from_zones: frozenset[str] = frozenset()
    to_zones: frozenset[str] = frozenset()
    max_distance_m: int | None = None
    transit_seconds: int
    brackets: tuple[Bracket, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A carrier service. SKUs with a label in ``excluded_sku_labels`` do not travel by it."""

    service_id: str
    name: str = ""
    labels: frozenset[str] = frozenset()
    excluded_sku_labels: frozenset[str] = frozenset()
    lanes: tuple[Lane, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Everything that supplies and carries. ``nodes`` are sorted by id: that order breaks ties."""

    nodes: tuple[Node, ...]
    zones: tuple[Zone, ...] = ()
    services: tuple[Service, ...] = field(default=())
