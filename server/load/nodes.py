"""Nodes, from CSV or Parquet. Few enough to be read row by row; every mistake of every row is told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from router.countries import COUNTRY_CODES
from router.domain import NodeType, ReturnMethod
from router.errors import InvalidConfig, Violation
from router.network import Node
from router.rules.validate import bounded, did_you_mean
from server.load.header import id_mistake
from server.load.holidays import holiday_mistake
from server.load.rows import SEPARATOR, Layout, read_rows
from server.load.times import known_zones, zone_mistake

MAX_CENTS = 10**9
MAX_UNITS = 10**9
REQUIRED = ("node_id", "node_type", "country", "latitude", "longitude")
TEXTS = ("name", "postal_code", "time_zone", "region", "calendar")
LISTS = ("labels", "groups", "services", "return_methods", "reconditions")
NUMBERS = {
    "priority": (1, 1_000_000, 1),
    "processing_minutes": (0, 527_040, 0),
    "shipment_cents": (0, MAX_CENTS, 0),
    "line_cents": (0, MAX_CENTS, 0),
    "unit_cents": (0, MAX_CENTS, 0),
    "safety_stock_units": (0, MAX_UNITS, 0),
    "return_unit_cents": (0, MAX_CENTS, 0),
    "recondition_unit_cents": (0, MAX_CENTS, 0),
}
"""Least, greatest, and what an empty value means."""
PICKUPS = "pickups"
LAYOUT = Layout("nodes", (*REQUIRED, *TEXTS, *LISTS, PICKUPS, *NUMBERS), REQUIRED)
RETURN_METHODS = {method.name: method for method in (ReturnMethod.DROP_OFF, ReturnMethod.PARCEL)}
"""What a node may state; a transfer begins at one and ends at the other."""
_MAX_TEXT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What nodes may refer to.

    services: ids, each with the id of the carrier's calendar or empty. calendars: ids, and whether each keeps
    holidays. schedules: ids.
    """

    services: Mapping[str, str]
    calendars: Mapping[str, bool] = field(default_factory=dict)
    schedules: frozenset[str] = frozenset()

    def holiday_calendar(self, calendar: str, services: Iterable[str]) -> str:
        """The id of a calendar that keeps the holidays of a node's place: its own, or that of a service which
        collects there. Empty when none does."""
        carriers = sorted(self.services.get(service, "") for service in services)
        return next((name for name in (calendar, *carriers) if self.calendars.get(name)), "")


def read_nodes(path: Path, known: Known) -> tuple[Node, ...]:
    """Nodes sorted by id.

    Raises InvalidConfig with violations such as ``nodes.csv:7 latitude``, at most MAX_VIOLATIONS of them and
    then how many more there are.
    """
    found: list[Violation] = []
    nodes: dict[str, Node] = {}
    lines: dict[str, str] = {}
    zones = known_zones()
    for where, values in read_rows(path, LAYOUT, found):
        row = _Row(where, values, found)
        node = row.node(known, zones)
        if node is None:
            continue
        if node.node_id in nodes:
            row.wrong("node_id", f"{node.node_id!r} is already the node of {lines[node.node_id]}")
        nodes[node.node_id] = node
        lines.setdefault(node.node_id, where)
    if found:
        raise InvalidConfig(bounded(found, str(path)))
    return tuple(nodes[node_id] for node_id in sorted(nodes))


@dataclass(slots=True)
class _Row:
    """One row: each getter notes what is wrong and goes on with something harmless."""

    where: str
    values: dict[str, str]
    found: list[Violation]
    is_wrong: bool = field(default=False)

    def wrong(self, column: str, message: str) -> None:
        self.is_wrong = True
        self.found.append(Violation(f"{self.where} {column}", message))

    def node(self, known: Known, zones: frozenset[str]) -> Node | None:
        """None when something is wrong with it."""
        node_id = self._id("node_id")
        node_type = self._node_type()
        country = self._country()
        latitude = self._degrees("latitude", 90.0)
        longitude = self._degrees("longitude", 180.0)
        texts = {name: self._text(name) for name in TEXTS}
        if texts["time_zone"] and (message := zone_mistake(texts["time_zone"], zones)):
            self.wrong("time_zone", message)
        lists = {name: self._list(name) for name in LISTS}
        for unknown in sorted(lists["services"] - known.services.keys()):
            self.wrong("services", f"no service {unknown!r}{did_you_mean(unknown, known.services)}")
        self._check_calendar(known, country, texts["region"], texts["calendar"], lists["services"])
        schedules = self._schedules(known, lists["services"])
        for unknown in sorted(lists["return_methods"] - RETURN_METHODS.keys()):
            allowed = ", ".join(RETURN_METHODS)
            self.wrong("return_methods", f"{_shown(unknown)} is not one of {allowed}")
        numbers = {name: self._number(name) for name in NUMBERS}
        if self.is_wrong:
            return None
        return Node(
            node_id=node_id,
            node_type=node_type,
            country=country,
            latitude=latitude,
            longitude=longitude,
            time_zone=texts["time_zone"] or "UTC",
            name=texts["name"],
            postal_code=texts["postal_code"],
            labels=lists["labels"],
            groups=lists["groups"],
            services=lists["services"],
            region=texts["region"],
            calendar=texts["calendar"],
            schedules=schedules,
            priority=numbers["priority"],
            processing_seconds=60 * numbers["processing_minutes"],
            shipment_cents=numbers["shipment_cents"],
            line_cents=numbers["line_cents"],
            unit_cents=numbers["unit_cents"],
            safety_stock_units=numbers["safety_stock_units"],
            return_methods=frozenset(RETURN_METHODS[name] for name in lists["return_methods"]),
            reconditions=lists["reconditions"],
            return_unit_cents=numbers["return_unit_cents"],
            recondition_unit_cents=numbers["recondition_unit_cents"],
        )

    def _check_calendar(
        self, known: Known, country: str, region: str, calendar: str, services: frozenset[str]
    ) -> None:
        if calendar and calendar not in known.calendars:
            self.wrong("calendar", f"no calendar {calendar!r}{did_you_mean(calendar, known.calendars)}")
        keeper = known.holiday_calendar(calendar, services)
        if keeper and country in COUNTRY_CODES:
            mistake = holiday_mistake(country, region, keeper)
            if mistake is not None:
                self.wrong(*mistake)

    def _schedules(self, known: Known, services: frozenset[str]) -> tuple[tuple[str, str], ...]:
        """Schedule by service, from ``parcel=evening;freight=noon``."""
        schedules: dict[str, str] = {}
        entries = [entry.strip() for entry in self.values.get(PICKUPS, "").split(SEPARATOR)]
        for entry in filter(None, entries):
            service, equals, schedule = (part.strip() for part in entry.partition("="))
            if not (service and equals and schedule):
                self.wrong(PICKUPS, f"{_shown(entry)} must be service=schedule, such as parcel=evening")
            elif service not in known.services:
                self.wrong(PICKUPS, f"no service {service!r}{did_you_mean(service, known.services)}")
            elif service not in services:
                self.wrong(PICKUPS, f"service {service!r} is not among the services of this node")
            elif schedule not in known.schedules:
                self.wrong(PICKUPS, f"no pickups {schedule!r}{did_you_mean(schedule, known.schedules)}")
            elif service in schedules:
                self.wrong(PICKUPS, f"service {service!r} is given twice")
            schedules[service] = schedule
        return tuple(sorted(schedules.items()))

    def _id(self, column: str) -> str:
        text = self.values.get(column, "")
        message = id_mistake(text)
        if message:
            self.wrong(column, message)
        return text

    def _node_type(self) -> NodeType:
        text = self.values.get("node_type", "")
        if text in NodeType.__members__:
            return NodeType[text]
        allowed = ", ".join(NodeType.__members__)
        hint = did_you_mean(text, list(NodeType.__members__))
        message = (
            f"{_shown(text)} is not one of {allowed}{hint}" if text else f"is empty, must be one of {allowed}"
        )
        self.wrong("node_type", message)
        return NodeType.STORE

    def _country(self) -> str:
        text = self.values.get("country", "")
        if text not in COUNTRY_CODES:
            hint = "; write it in capital letters" if text.upper() in COUNTRY_CODES else ""
            self.wrong("country", f"{text!r} is not an ISO 3166 country code{hint}" if text else "is empty")
        return text

    def _degrees(self, column: str, limit: float) -> float:
        text = self.values.get(column, "")
        if not text:
            self.wrong(column, "is empty: a node needs coordinates")
            return 0.0
        try:
            degrees = float(text)
        except ValueError:
            hint = "; write a decimal point" if "," in text else ""
            self.wrong(column, f"{_shown(text)} is not a number{hint}")
            return 0.0
        if not math.isfinite(degrees) or abs(degrees) > limit:
            self.wrong(column, f"{_shown(text)} is not within -{limit:.0f}..{limit:.0f} degrees")
        return degrees

    def _text(self, column: str) -> str:
        text = self.values.get(column, "")
        if len(text) > _MAX_TEXT:
            self.wrong(column, f"has {len(text)} characters, at most {_MAX_TEXT}")
        return text

    def _list(self, column: str) -> frozenset[str]:
        entries = [entry.strip() for entry in self.values.get(column, "").split(SEPARATOR)]
        for entry in entries:
            message = id_mistake(entry) if entry else ""
            if message:
                self.wrong(column, f"{_shown(entry)} {message}")
        return frozenset(entry for entry in entries if entry)

    def _number(self, column: str) -> int:
        least, greatest, default = NUMBERS[column]
        text = self.values.get(column, "")
        if not text:
            return default
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
            self.wrong(column, f"{_shown(text)} is not a whole number")
            return default
        if not least <= int(text) <= greatest:
            self.wrong(column, f"{text} is not within {least}..{greatest}")
        return int(text)


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 60 else repr(text[:60]) + "..."
