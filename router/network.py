"""The supply network: nodes, zones, carrier services and their tariffs. Few enough to be objects;
``router.compile`` turns them into columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from router.domain import NodeType, ReturnMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Open from ``opens_minute`` to ``closes_minute`` (minutes since local midnight, 0..2880, ascending) on
    some weekdays (0 is Monday)."""

    weekdays: frozenset[int]
    opens_minute: int
    closes_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When something is open, by local date: see docs/cost-model.md, "Hours". Dates are proleptic ordinals
    (``datetime.date.toordinal``).

    keeps_holidays: closed on the public holidays of the country and region where it is used.
    closed: dates without any opening. special: openings of single dates, as (opens, closes) minutes; they
    count before everything else.
    """

    calendar_id: str
    openings: tuple[Opening, ...]
    keeps_holidays: bool = False
    closed: frozenset[int] = frozenset()
    special: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickup:
    """A carrier comes at ``at_minute`` (since local midnight) on some weekdays, for what was ordered by
    ``cut_off_minute`` of the date ``days_before`` earlier."""

    weekdays: frozenset[int]
    at_minute: int
    cut_off_minute: int
    days_before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Pick-ups in ascending order within a date, by name; their cut-offs ascend too."""

    schedule_id: str
    pickups: tuple[Pickup, ...]


Odds = tuple[tuple[int, int], ...]
"""(how much later, percent) for each way it can turn out; the percents are 100 together. Empty: as stated."""


class LoadKind(IntEnum):
    """What a node's day is measured in."""

    ORDERS = 0
    LINES = 1
    UNITS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """How far a node is trusted with SKUs that have a label; percent, None for the node's own."""

    sku_label: str
    acceptance_percent: int = 100
    stock_truth_percent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a supplier or a marketplace seller asks for a unit, and the retailer's share of it."""

    sku_id: str
    price_cents: int
    commission_percent: int = 0

    @property
    def payable_cents(self) -> int:
        """What it is paid for a unit."""
        return self.price_cents - self.price_cents * self.commission_percent // 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A place that can supply.

    processing_seconds: open time of the node from the order to being ready for the carrier.
    calendar: id of the node's opening hours; empty for always. closed: dates (ordinals) closed besides.
    region: of the country, for its holidays (ISO 3166-2 without the country).
    schedules: schedule id of each service that comes at stated times; the others come when called.
    pickup_lead_seconds: open time from goods being there to the customer collecting them; None where nothing
    can be collected.
    priority: 1 is tried first by rules that rank by priority.
    shipment_cents, line_cents, unit_cents: handling per shipment, per line in it, per unit.
    processing_odds: how much longer than processing_seconds it takes, in seconds.
    capacity: how much it gets ready a day, by kind of load; a kind that is not there has no limit.
    safety_stock_units: units of every SKU never offered; a stock row may carry its own figure.
    services: ids of the carrier services that collect here, and of the return services that call here.
    acceptance_percent: of its shipments, those it does not reject. stock_truth_percent: of its lines, those
    that are there. trust: what differs for some SKUs.
    offers: what it asks for units, sorted by SKU; nothing where none is stated.
    return_methods: DROP_OFF takes goods from customers, PARCEL from return services; empty takes none.
    reconditions: SKU labels of the goods it can recondition; ``*`` for all.
    return_unit_cents, recondition_unit_cents: taking a unit in, making it sellable again.
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
    region: str = ""
    calendar: str = ""
    closed: frozenset[int] = frozenset()
    schedules: tuple[tuple[str, str], ...] = ()
    pickup_lead_seconds: int | None = None
    priority: int = 1
    processing_seconds: int = 0
    shipment_cents: int = 0
    line_cents: int = 0
    unit_cents: int = 0
    processing_odds: Odds = ()
    capacity: tuple[tuple[LoadKind, int], ...] = ()
    safety_stock_units: int = 0
    acceptance_percent: int = 100
    stock_truth_percent: int = 100
    trust: tuple[Trust, ...] = ()
    offers: tuple[Offer, ...] = ()
    return_methods: frozenset[ReturnMethod] = frozenset()
    reconditions: frozenset[str] = frozenset()
    return_unit_cents: int = 0
    recondition_unit_cents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A tariff area. A place belongs to the zone of its country with the longest matching prefix of
    its postal code; ``postal_prefixes`` empty covers the rest of the country.

    calendar: id of the hours of delivery; empty for always. time_zone: empty for that of the sending node.
    """

    zone_id: str
    country: str
    postal_prefixes: tuple[str, ...] = ()
    region: str = ""
    time_zone: str = ""
    calendar: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """Parcels of at most ``up_to_grams`` cost ``cents``."""

    up_to_grams: int
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Where a service goes, how fast and at what tariff. Empty sets and None match anything; of the
    lanes that match, the first in the service's order counts.

    transit_seconds: from the hand-over to the arrival; with transit_days, open days of the carrier instead.
    brackets: ascending; the last ``up_to_grams`` is the greatest parcel weight. A heavier shipment
    leaves as full parcels of that weight plus one for the rest; no single unit may be heavier.
    """

    from_zones: frozenset[str] = frozenset()
    to_zones: frozenset[str] = frozenset()
    max_distance_m: int | None = None
    transit_seconds: int = 0
    transit_days: int | None = None
    brackets: tuple[Bracket, ...]


HOME, STORE, PICKUP_POINT = "HOME", "STORE", "PICKUP_POINT"
"""What a service may serve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A carrier service. SKUs with a label in ``excluded_sku_labels`` do not travel by it.

    calendar: id of the carrier's working days; empty for every day. serves: kinds of destination: HOME,
    STORE, PICKUP_POINT. is_transfer: the retailer's own transport, priced by the objective ``transfer``.
    transit_odds: how many days longer than stated it takes, working days for lanes in days.
    """

    service_id: str
    serves: frozenset[str] = frozenset({HOME})
    is_transfer: bool = False
    name: str = ""
    calendar: str = ""
    labels: frozenset[str] = frozenset()
    excluded_sku_labels: frozenset[str] = frozenset()
    lanes: tuple[Lane, ...] = ()
    transit_odds: Odds = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PickupPoint:
    """A place where parcels are collected; it holds no stock."""

    point_id: str
    country: str
    latitude: float
    longitude: float
    name: str = ""
    postal_code: str = ""
    time_zone: str = "UTC"
    region: str = ""
    calendar: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A way to a store that changes service at hubs: services[0] to hubs[0], services[1] on from there.

    hub_seconds: open time of the hub between arrival and readiness, at each. hub_cents: price of each.
    """

    path_id: str
    services: tuple[str, ...]
    hubs: tuple[str, ...]
    hub_seconds: int = 0
    hub_cents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Everything that supplies and carries. ``nodes`` are sorted by id: that order breaks ties.

    return_services: lead from where a customer or a drop-off node is to a node; ids differ from ``services``.
    holidays: dates (ordinals) by (country, region); a region that is not there has its country's, ``""``.
    """

    nodes: tuple[Node, ...]
    zones: tuple[Zone, ...] = ()
    services: tuple[Service, ...] = ()
    return_services: tuple[Service, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    pickup_points: tuple[PickupPoint, ...] = ()
    paths: tuple[Path, ...] = ()
    holidays: Mapping[tuple[str, str], frozenset[int]] = field(default_factory=dict)

    @property
    def keeps_time(self) -> bool:
        """Some date depends on a clock: the origin of times is then a full minute."""
        in_days = any(lane.transit_days is not None for v in self.services for lane in v.lanes)
        return bool(in_days or self.calendars or self.schedules or any(n.closed for n in self.nodes))
