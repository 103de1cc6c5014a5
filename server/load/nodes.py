"""Nodes, from CSV or Parquet. Few enough to be read row by row; every mistake of every row is told."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import pyarrow as pa
import pyarrow.parquet as pa_parquet

from router.countries import COUNTRY_CODES
from router.domain import NodeType, ReturnMethod
from router.errors import InvalidConfig, Violation
from router.network import Node
from router.rules.validate import bounded, did_you_mean
from server.load.files import read_text, unreadable
from server.load.header import check_header, id_mistake

MAX_NODES = 1_000_000
MAX_CENTS = 10**9
MAX_UNITS = 10**9
SEPARATOR = ";"
"""Between the entries of a list, such as ``labels``."""

REQUIRED = ("node_id", "node_type", "country", "latitude", "longitude")
TEXTS = ("name", "postal_code", "time_zone")
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
RETURN_METHODS = {method.name: method for method in (ReturnMethod.DROP_OFF, ReturnMethod.PARCEL)}
"""What a node may state; a transfer begins at one and ends at the other."""
COLUMNS = (*REQUIRED, *TEXTS, *LISTS, *NUMBERS)
_MAX_TEXT = 200


def read_nodes(path: Path, service_ids: frozenset[str]) -> tuple[Node, ...]:
    """Nodes sorted by id. ``service_ids`` are those a node may name.

    Raises InvalidConfig with violations such as ``nodes.csv:7 latitude``, at most MAX_VIOLATIONS of them and
    then how many more there are.
    """
    found: list[Violation] = []
    nodes: dict[str, Node] = {}
    lines: dict[str, str] = {}
    zones = frozenset(available_timezones())
    for where, values in _rows(path, found):
        row = _Row(where, values, found)
        node = row.node(service_ids, zones)
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

    def node(self, service_ids: frozenset[str], zones: frozenset[str]) -> Node | None:
        """None when something is wrong with it."""
        node_id = self._id("node_id")
        node_type = self._node_type()
        country = self._country()
        latitude = self._degrees("latitude", 90.0)
        longitude = self._degrees("longitude", 180.0)
        texts = {name: self._text(name) for name in TEXTS}
        if texts["time_zone"] not in zones | {""}:
            hint = did_you_mean(texts["time_zone"], zones)
            self.wrong("time_zone", f"{texts['time_zone']!r} is not an IANA time zone{hint}")
        lists = {name: self._list(name) for name in LISTS}
        for unknown in sorted(lists["services"] - service_ids):
            self.wrong("services", f"no service {unknown!r}{did_you_mean(unknown, service_ids)}")
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


def _rows(path: Path, found: list[Violation]) -> Iterator[tuple[str, dict[str, str]]]:
    """Where each row stands, and its values by column. Rows that do not fit the header are noted."""
    if path.suffix.lower() in {".parquet", ".pq"}:
        yield from _parquet_rows(path)
        return
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    count = 0
    try:
        header = next(reader, [])
        check_header(header, f"{path}:1", COLUMNS, REQUIRED)
        line = reader.line_num + 1
        for values in reader:
            where, line = f"{path}:{line}", reader.line_num + 1
            if not values:
                continue
            count += 1
            if count > MAX_NODES:
                raise InvalidConfig.at(where, f"more than {MAX_NODES} nodes")
            if len(values) != len(header):
                found.append(Violation(where, f"has {len(values)} values, must have {len(header)}"))
                continue
            yield where, dict(zip(header, values, strict=True))
    except csv.Error as error:
        raise InvalidConfig([*found, Violation(f"{path}:{reader.line_num}", f"not CSV: {error}")]) from error


def _parquet_rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    try:
        table = pa_parquet.read_table(path)
    except OSError as error:
        raise unreadable(path, error) from error
    except pa.ArrowException as error:
        raise InvalidConfig.at(str(path), f"cannot be read: {str(error).splitlines()[0]}") from error
    check_header(list(table.column_names), str(path), COLUMNS, REQUIRED)
    for number, row in enumerate(table.to_pylist(), 1):
        yield f"{path} row {number}", {name: _as_text(value) for name, value in row.items()}


def _as_text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list):
        return SEPARATOR.join(_as_text(entry) for entry in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 60 else repr(text[:60]) + "..."
