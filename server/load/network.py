"""The network file (YAML): currency, zones, tariffs, carrier services, paths, calendars, pick-ups. Nodes and
pick-up points have tables of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from router.countries import COUNTRY_CODES
from router.errors import InvalidConfig
from router.network import (
    Bracket,
    Calendar,
    Lane,
    Network,
    Node,
    PickupPoint,
    Schedule,
    Service,
    Zone,
)
from router.rules.model import Country, Id
from router.rules.validate import bounded, did_you_mean, validate
from router.rules.yaml_lines import Path as FieldPath
from router.rules.yaml_lines import parse_yaml
from server.load.calendars import CalendarEntry, Findings, calendar_mistakes, calendar_of, twice
from server.load.closures import read_closures
from server.load.fields import Known
from server.load.files import read_text
from server.load.holidays import holiday_mistake, public_holidays
from server.load.nodes import read_nodes
from server.load.offers import read_offers
from server.load.paths import PathEntry, StatedPaths, path_mistakes
from server.load.pickups import PickupEntry, pickup_mistakes, schedule_of
from server.load.points import read_pickup_points
from server.load.times import known_zones, zone_mistake
from server.load.trust import read_trust

PostalPrefix = Annotated[str, Field(min_length=1, max_length=16)]
PlaceKind = Literal["HOME", "STORE", "PICKUP_POINT"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ZoneEntry(_Model):
    """A tariff area: places of one country whose postal code starts with one of the prefixes."""

    id: Id
    country: Country = Field(description="ISO 3166-1 alpha-2 code.")
    postal_prefixes: tuple[PostalPrefix, ...] = Field(
        default=(), description="In quotes; spaces do not count. None: the rest of the country."
    )
    region: Id | None = Field(
        default=None, description="ISO 3166-2 code without the country, for its public holidays."
    )
    time_zone: Id | None = Field(default=None, description="IANA name; none: that of the sending node.")
    calendar: Id | None = Field(default=None, description="The hours of delivery; none: always.")


class BracketEntry(_Model):
    """Parcels of at most ``up_to_grams`` cost ``cents``."""

    up_to_grams: int = Field(ge=1, le=100_000_000)
    cents: int = Field(ge=0, le=10**9)


class LaneEntry(_Model):
    """Where a service goes, how fast and at what tariff: named, or stated in place."""

    from_zones: tuple[Id, ...] = Field(default=(), description="Zones of the node; none: any place.")
    to_zones: tuple[Id, ...] = Field(default=(), description="Zones of the destination; none: any place.")
    max_distance_km: Annotated[Decimal, Field(gt=0, le=21_000, decimal_places=3)] | None = Field(
        default=None, description="Great circle from node to destination; none: any distance."
    )
    transit_hours: Annotated[Decimal, Field(ge=0, le=8_784, decimal_places=2)] | None = Field(
        default=None, description="From the hand-over to the carrier to the arrival; or give transit_days."
    )
    transit_days: Annotated[int, Field(ge=0, le=366)] | None = Field(
        default=None, description="Working days of the service's calendar after the date of the hand-over."
    )
    tariff: Id | None = Field(default=None, description="A name under tariffs; or give brackets.")
    brackets: tuple[BracketEntry, ...] | None = Field(
        default=None, description="Ascending by weight; the last is the greatest parcel."
    )


class TransitOddsEntry(_Model):
    """One way that transit can turn out."""

    late_days: int = Field(
        ge=0, le=60, description="Working days of the carrier for lanes in days, 24 hours each for others."
    )
    percent: int = Field(ge=1, le=100)


class ServiceEntry(_Model):
    """A carrier service. Of the lanes that match a shipment, the first counts."""

    id: Id
    name: str = Field(default="", max_length=200)
    serves: Annotated[tuple[PlaceKind, ...], Field(min_length=1)] = Field(
        default=("HOME",),
        description="Kinds of places: addresses, nodes where goods are collected, pick-up points.",
    )
    kind: Literal["carrier", "transfer"] = Field(
        default="carrier",
        description="transfer: the retailer's own transport; rules price it by the objective transfer.",
    )
    calendar: Id | None = Field(
        default=None, description="The carrier's working days, for transit_days; none: every day."
    )
    direction: Literal["outbound", "return"] = Field(
        default="outbound",
        description="outbound: from nodes to destinations. return: from where a customer or a drop-off node "
        "is to nodes; orders never travel by it, and returns by no other.",
    )
    labels: tuple[Id, ...] = Field(default=(), description="Names for rules to select it by.")
    excluded_sku_labels: tuple[Id, ...] = Field(
        default=(), description="SKUs with one of these do not travel by it."
    )
    transit_odds: Annotated[tuple[TransitOddsEntry, ...], Field(max_length=6)] = Field(
        default=(), description="How much longer than stated transit takes, how often; 100 percent together."
    )
    lanes: Annotated[tuple[LaneEntry, ...], Field(min_length=1, max_length=10_000)]


class NetworkDocument(_Model):
    """A network file."""

    version: Literal[1]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = Field(
        description="ISO 4217 code of every amount; cents are its hundredths."
    )
    zones: Annotated[tuple[ZoneEntry, ...], Field(max_length=30_000)] = ()
    tariffs: dict[Id, Annotated[tuple[BracketEntry, ...], Field(min_length=1)]] = Field(
        default={},
        description="Lists of brackets by name, ascending by weight; the last is the greatest parcel.",
    )
    services: Annotated[tuple[ServiceEntry, ...], Field(min_length=1, max_length=1_000)]
    paths: Annotated[tuple[PathEntry, ...], Field(max_length=1_000)] = Field(
        default=(), description="Ways to stores that change service at hubs."
    )
    calendars: dict[Id, CalendarEntry] = Field(default={}, description="Hours and working days by name.")
    pickups: dict[Id, Annotated[tuple[PickupEntry, ...], Field(min_length=1, max_length=1_000)]] = Field(
        default={},
        description="Schedules by name, for the column pickups of nodes; ascending within a date.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriage:
    """What a network file states: everything but what has a table. ``currency`` is an ISO 4217 code."""

    currency: str
    zones: tuple[Zone, ...]
    services: tuple[Service, ...]
    paths: StatedPaths
    return_services: tuple[Service, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    schedules: tuple[Schedule, ...] = ()

    def known(self) -> Known:
        """What nodes and pick-up points may refer to."""
        services = (*self.services, *self.return_services)
        return Known(
            services={service.service_id: service.calendar for service in services},
            calendars={calendar.calendar_id: calendar.keeps_holidays for calendar in self.calendars},
            schedules=frozenset(schedule.schedule_id for schedule in self.schedules),
        )

    def with_nodes(
        self,
        path: Path,
        now_seconds: int,
        closures: Path | None = None,
        pickup_points: Path | None = None,
        trust: Path | None = None,
        offers: Path | None = None,
    ) -> Network:
        """Together with nodes, closures, trust, offers and pick-up points, each from a CSV or Parquet file,
        and public holidays in the years around ``now_seconds`` (epoch). Raises InvalidConfig."""
        known = self.known()
        nodes = read_nodes(path, known)
        if closures is not None:
            closed = read_closures(closures, {node.node_id for node in nodes})
            nodes = tuple(replace(n, closed=closed[n.node_id]) if n.node_id in closed else n for n in nodes)
        if trust is not None:
            trusted = read_trust(trust, {node.node_id for node in nodes})
            nodes = tuple(replace(n, trust=trusted.get(n.node_id, ())) for n in nodes)
        if offers is not None:
            offered = read_offers(offers, {node.node_id for node in nodes})
            nodes = tuple(replace(n, offers=offered.get(n.node_id, ())) for n in nodes)
        points = () if pickup_points is None else read_pickup_points(pickup_points, known)
        places = _places_with_holidays(nodes, (*self.zones, *points), known)
        return Network(
            nodes=nodes,
            zones=self.zones,
            services=self.services,
            return_services=self.return_services,
            calendars=self.calendars,
            schedules=self.schedules,
            pickup_points=points,
            paths=self.paths.over(nodes, known.services.keys()),
            holidays=public_holidays(places, now_seconds),
        )


def _places_with_holidays(
    nodes: Collection[Node], others: Collection[Zone | PickupPoint], known: Known
) -> Iterator[tuple[str, str]]:
    for node in nodes:
        if known.holiday_calendar(node.calendar, node.services):
            yield node.country, node.region
    for place in others:
        if known.holiday_calendar(place.calendar):
            yield place.country, place.region


def load_network(
    path: Path,
    nodes_path: Path,
    *,
    now_seconds: int,
    closures: Path | None = None,
    pickup_points: Path | None = None,
    trust: Path | None = None,
    offers: Path | None = None,
) -> tuple[Network, str]:
    """The network and its currency; see ``Carriage.with_nodes``. Raises InvalidConfig."""
    carriage = load_carriage(path)
    network = carriage.with_nodes(nodes_path, now_seconds, closures, pickup_points, trust, offers)
    return network, carriage.currency


def load_carriage(path: Path) -> Carriage:
    """``parse_carriage`` of a file."""
    return parse_carriage(read_text(path), str(path))


def parse_carriage(text: str, source: str) -> Carriage:
    """``source`` names the file in violations: ``source:line:column path``. Raises InvalidConfig."""
    document = parse_yaml(text, source)
    file = validate(document, NetworkDocument)
    findings = sorted(_mistakes(file), key=lambda finding: document.position(finding[0]))
    if findings:
        raise InvalidConfig(
            bounded([document.violation(path, message) for path, message in findings], source)
        )
    return Carriage(
        currency=file.currency,
        zones=tuple(_zone(zone) for zone in file.zones),
        services=_services(file, "outbound"),
        return_services=_services(file, "return"),
        paths=StatedPaths(file.paths, document),
        calendars=tuple(calendar_of(name, entry) for name, entry in file.calendars.items()),
        schedules=tuple(schedule_of(name, entries) for name, entries in file.pickups.items()),
    )


def _mistakes(file: NetworkDocument) -> Findings:
    for key, ids in (("zones", [z.id for z in file.zones]), ("services", [s.id for s in file.services])):
        seen: set[str] = set()
        for at, name in enumerate(ids):
            if name in seen:
                yield (key, at, "id"), f"{name!r} is given twice"
            seen.add(name)
    time_zones = known_zones()
    for at, zone in enumerate(file.zones):
        yield from _zone_mistakes(zone, file.calendars, time_zones, ("zones", at))
    for name, brackets in file.tariffs.items():
        yield from _descents(brackets, ("tariffs", name))
    zone_ids = {zone.id for zone in file.zones}
    for s, service in enumerate(file.services):
        yield from twice(service.serves, ("services", s, "serves"))
        yield from _calendar_mistake(service.calendar, file.calendars, ("services", s))
        if service.transit_odds and sum(one.percent for one in service.transit_odds) != 100:
            yield ("services", s, "transit_odds"), "percents must be 100 together"
        yield from twice([str(x.late_days) for x in service.transit_odds], ("services", s, "transit_odds"))
        for at, lane in enumerate(service.lanes):
            yield from _lane_mistakes(lane, file.tariffs, zone_ids, ("services", s, "lanes", at))
    serves = {s.id: s.serves if s.direction == "outbound" else () for s in file.services}
    yield from path_mistakes(file.paths, serves)
    yield from calendar_mistakes(file.calendars)
    yield from pickup_mistakes(file.pickups)


def _zone_mistakes(
    zone: ZoneEntry, calendars: Mapping[str, CalendarEntry], time_zones: frozenset[str], path: FieldPath
) -> Findings:
    for p, prefix in enumerate(zone.postal_prefixes):
        if not prefix.strip():
            yield (*path, "postal_prefixes", p), "must not be empty"
    if zone.time_zone is not None and (message := zone_mistake(zone.time_zone, time_zones)):
        yield (*path, "time_zone"), message
    yield from _calendar_mistake(zone.calendar, calendars, path)
    if zone.country not in COUNTRY_CODES:
        yield (*path, "country"), f"{zone.country!r} is not an ISO 3166 country code"
    elif (entry := calendars.get(zone.calendar or "")) is not None and entry.holidays == "closed":
        mistake = holiday_mistake(zone.country, zone.region or "", zone.calendar or "")
        if mistake is not None:
            yield (*path, mistake[0]), mistake[1]


def _calendar_mistake(name: str | None, calendars: Mapping[str, CalendarEntry], path: FieldPath) -> Findings:
    if name is not None and name not in calendars:
        yield (*path, "calendar"), f"no calendar {name!r}{did_you_mean(name, calendars.keys())}"


def _lane_mistakes(
    lane: LaneEntry, tariffs: Mapping[str, object], zone_ids: set[str], path: FieldPath
) -> Findings:
    for key, zones in (("from_zones", lane.from_zones), ("to_zones", lane.to_zones)):
        for z, zone in enumerate(zones):
            if zone not in zone_ids:
                yield (*path, key, z), f"no zone {zone!r}{did_you_mean(zone, zone_ids)}"
    if lane.transit_hours is None and lane.transit_days is None:
        yield path, "needs transit_hours, or transit_days"
    elif lane.transit_hours is not None and lane.transit_days is not None:
        yield (*path, "transit_days"), "give transit_hours or transit_days, not both"
    if lane.tariff is not None and lane.brackets is not None:
        yield (*path, "tariff"), "give a tariff or brackets, not both"
    elif lane.tariff is None and lane.brackets is None:
        yield path, "needs a tariff, or brackets"
    elif lane.tariff is not None and lane.tariff not in tariffs:
        yield (*path, "tariff"), f"no tariff {lane.tariff!r}{did_you_mean(lane.tariff, tariffs.keys())}"
    elif lane.brackets is not None and not lane.brackets:
        yield (*path, "brackets"), "has 0 entries, at least 1"
    yield from _descents(lane.brackets or (), (*path, "brackets"))


def _descents(brackets: tuple[BracketEntry, ...], path: FieldPath) -> Findings:
    for at, (before, after) in enumerate(pairwise(brackets), 1):
        if after.up_to_grams <= before.up_to_grams:
            message = f"must be more than {before.up_to_grams} of the bracket before, is {after.up_to_grams}"
            yield (*path, at, "up_to_grams"), message


def _zone(zone: ZoneEntry) -> Zone:
    prefixes = tuple(prefix.replace(" ", "") for prefix in zone.postal_prefixes)
    return Zone(
        zone_id=zone.id,
        country=zone.country,
        postal_prefixes=prefixes,
        region=zone.region or "",
        time_zone=zone.time_zone or "",
        calendar=zone.calendar or "",
    )


def _services(file: NetworkDocument, direction: str) -> tuple[Service, ...]:
    return tuple(_service(s, file.tariffs) for s in file.services if s.direction == direction)


def _service(service: ServiceEntry, tariffs: Mapping[str, tuple[BracketEntry, ...]]) -> Service:
    return Service(
        service_id=service.id,
        name=service.name,
        serves=frozenset(service.serves),
        is_transfer=service.kind == "transfer",
        calendar=service.calendar or "",
        labels=frozenset(service.labels),
        excluded_sku_labels=frozenset(service.excluded_sku_labels),
        transit_odds=tuple((one.late_days, one.percent) for one in service.transit_odds),
        lanes=tuple(
            _lane(lane, lane.brackets if lane.brackets is not None else tariffs[lane.tariff or ""])
            for lane in service.lanes
        ),
    )


def _lane(lane: LaneEntry, brackets: tuple[BracketEntry, ...]) -> Lane:
    return Lane(
        from_zones=frozenset(lane.from_zones),
        to_zones=frozenset(lane.to_zones),
        max_distance_m=None if lane.max_distance_km is None else int(lane.max_distance_km * 1000),
        transit_seconds=int((lane.transit_hours or 0) * 3600),
        transit_days=lane.transit_days,
        brackets=tuple(Bracket(up_to_grams=b.up_to_grams, cents=b.cents) for b in brackets),
    )
