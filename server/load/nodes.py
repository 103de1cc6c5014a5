"""Nodes, from CSV or Parquet. Few enough to be read row by row; every mistake of every row is told."""

from __future__ import annotations

from pathlib import Path

from router.domain import NodeType, ReturnMethod
from router.errors import InvalidConfig, Violation
from router.ledger_places import split_place
from router.network import LoadKind, Node, Odds
from router.rules.validate import bounded, did_you_mean
from server.load.fields import Known, Row, shown
from server.load.rows import SEPARATOR, Layout, read_rows
from server.load.times import known_zones

MAX_CENTS = 10**9
MAX_UNITS = 10**9
MAX_MINUTES = 527_040
REQUIRED = ("node_id", "node_type", "country", "latitude", "longitude")
TEXTS = ("name", "postal_code", "time_zone", "region", "calendar")
LISTS = ("labels", "groups", "services", "return_methods", "reconditions")
NUMBERS = {
    "priority": (1, 1_000_000, 1),
    "processing_minutes": (0, MAX_MINUTES, 0),
    "shipment_cents": (0, MAX_CENTS, 0),
    "line_cents": (0, MAX_CENTS, 0),
    "unit_cents": (0, MAX_CENTS, 0),
    "safety_stock_units": (0, MAX_UNITS, 0),
    "return_unit_cents": (0, MAX_CENTS, 0),
    "recondition_unit_cents": (0, MAX_CENTS, 0),
}
"""Least, greatest, and what an empty value means."""
CAPACITIES = {f"capacity_{kind.name.lower()}": kind for kind in LoadKind}
PICKUPS = "pickups"
ODDS = "processing_odds"
MOST_OUTCOMES = 6
LEAD = "pickup_lead_minutes"
LAYOUT = Layout("nodes", (*REQUIRED, *TEXTS, *LISTS, PICKUPS, LEAD, ODDS, *CAPACITIES, *NUMBERS), REQUIRED)
RETURN_METHODS = {method.name: method for method in (ReturnMethod.DROP_OFF, ReturnMethod.PARCEL)}
"""What a node may state; a transfer begins at one and ends at the other."""


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
        row = Row("node", where, values, found)
        node = _node(row, known, zones)
        if node is None:
            continue
        if node.node_id in nodes:
            row.wrong("node_id", f"{node.node_id!r} is already the node of {lines[node.node_id]}")
        nodes[node.node_id] = node
        lines.setdefault(node.node_id, where)
    if found:
        raise InvalidConfig(bounded(found, str(path)))
    return tuple(nodes[node_id] for node_id in sorted(nodes))


def _node(row: Row, known: Known, zones: frozenset[str]) -> Node | None:
    """None when something is wrong with it."""
    node_id = row.id("node_id")
    if split_place(node_id)[1] is not None:
        row.wrong("node_id", f"{node_id!r} ends like the name of a receipt: @ and a time")
    node_type = _node_type(row)
    country = row.country()
    latitude, longitude = row.degrees("latitude", 90.0), row.degrees("longitude", 180.0)
    name, postal_code = row.text("name"), row.text("postal_code")
    time_zone = row.time_zone(zones)
    labels, groups, services, return_methods, reconditions = (row.ids(column) for column in LISTS)
    for unknown in sorted(services - known.services.keys()):
        row.wrong("services", f"no service {unknown!r}{did_you_mean(unknown, known.services)}")
    for unknown in sorted(return_methods - RETURN_METHODS.keys()):
        row.wrong("return_methods", f"{shown(unknown)} is not one of {', '.join(RETURN_METHODS)}")
    region, calendar = row.calendar(known, country, services)
    schedules = _schedules(row, known, services)
    lead = row.number(LEAD, 0, MAX_MINUTES)
    odds = _odds(row)
    capacities = [(kind, row.number(column, 1, MAX_UNITS)) for column, kind in CAPACITIES.items()]
    numbers = {column: _number(row, column) for column in NUMBERS}
    if row.is_wrong:
        return None
    return Node(
        node_id=node_id,
        node_type=node_type,
        country=country,
        latitude=latitude,
        longitude=longitude,
        time_zone=time_zone,
        name=name,
        postal_code=postal_code,
        labels=labels,
        groups=groups,
        services=services,
        region=region,
        calendar=calendar,
        schedules=schedules,
        pickup_lead_seconds=None if lead is None else 60 * lead,
        priority=numbers["priority"],
        processing_seconds=60 * numbers["processing_minutes"],
        processing_odds=odds,
        shipment_cents=numbers["shipment_cents"],
        line_cents=numbers["line_cents"],
        unit_cents=numbers["unit_cents"],
        capacity=tuple((kind, limit) for kind, limit in capacities if limit is not None),
        safety_stock_units=numbers["safety_stock_units"],
        return_methods=frozenset(RETURN_METHODS[name] for name in return_methods),
        reconditions=reconditions,
        return_unit_cents=numbers["return_unit_cents"],
        recondition_unit_cents=numbers["recondition_unit_cents"],
    )


def _node_type(row: Row) -> NodeType:
    text = row.values.get("node_type", "")
    if text in NodeType.__members__:
        return NodeType[text]
    allowed = ", ".join(NodeType.__members__)
    hint = did_you_mean(text, list(NodeType.__members__))
    message = (
        f"{shown(text)} is not one of {allowed}{hint}" if text else f"is empty, must be one of {allowed}"
    )
    row.wrong("node_type", message)
    return NodeType.STORE


def _schedules(row: Row, known: Known, services: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """Schedule by service, from ``parcel=evening;freight=noon``."""
    schedules: dict[str, str] = {}
    entries = [entry.strip() for entry in row.values.get(PICKUPS, "").split(SEPARATOR)]
    for entry in filter(None, entries):
        service, equals, schedule = (part.strip() for part in entry.partition("="))
        if not (service and equals and schedule):
            row.wrong(PICKUPS, f"{shown(entry)} must be service=schedule, such as parcel=evening")
        elif service not in known.services:
            row.wrong(PICKUPS, f"no service {service!r}{did_you_mean(service, known.services)}")
        elif service not in services:
            row.wrong(PICKUPS, f"service {service!r} is not among the services of this node")
        elif schedule not in known.schedules:
            row.wrong(PICKUPS, f"no pickups {schedule!r}{did_you_mean(schedule, known.schedules)}")
        elif service in schedules:
            row.wrong(PICKUPS, f"service {service!r} is given twice")
        schedules[service] = schedule
    return tuple(sorted(schedules.items()))


def _odds(row: Row) -> Odds:
    """(seconds, percent) from ``0=80;120=20``, minutes and percents."""
    entries = [entry.strip() for entry in row.values.get(ODDS, "").split(SEPARATOR)]
    found: dict[int, int] = {}
    for entry in filter(None, entries):
        minutes, equals, percent = (part.strip() for part in entry.partition("="))
        known = minutes.isdecimal() and percent.isdecimal() and equals
        if not known or int(minutes) > MAX_MINUTES or 60 * int(minutes) in found:
            row.wrong(ODDS, f"{shown(entry)} must be minutes=percent, such as 120=20, each minutes once")
            return ()
        found[60 * int(minutes)] = int(percent)
    if found and (sum(found.values()) != 100 or len(found) > MOST_OUTCOMES or 0 in found.values()):
        row.wrong(ODDS, f"must be 1 to {MOST_OUTCOMES} percents above 0 that are 100 together")
    return tuple(sorted(found.items()))


def _number(row: Row, column: str) -> int:
    least, greatest, default = NUMBERS[column]
    number = row.number(column, least, greatest)
    return default if number is None else number
