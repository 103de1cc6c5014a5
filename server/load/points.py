"""Pick-up points, from CSV or Parquet; every mistake of every row is told."""

from __future__ import annotations

from pathlib import Path

from router.errors import InvalidConfig, Violation
from router.network import PickupPoint
from router.rules.validate import bounded
from server.load.fields import Known, Row
from server.load.rows import Layout, read_rows
from server.load.times import known_zones

REQUIRED = ("point_id", "country", "latitude", "longitude")
LAYOUT = Layout(
    "pick-up points", (*REQUIRED, "name", "postal_code", "time_zone", "region", "calendar"), REQUIRED
)


def read_pickup_points(path: Path, known: Known) -> tuple[PickupPoint, ...]:
    """Pick-up points sorted by id. Raises InvalidConfig with violations such as
    ``pickup_points.csv:7 latitude``."""
    found: list[Violation] = []
    points: dict[str, PickupPoint] = {}
    lines: dict[str, str] = {}
    zones = known_zones()
    for where, values in read_rows(path, LAYOUT, found):
        row = Row("pick-up point", where, values, found)
        point = _point(row, known, zones)
        if point is None:
            continue
        if point.point_id in points:
            row.wrong(
                "point_id", f"{point.point_id!r} is already the pick-up point of {lines[point.point_id]}"
            )
        points[point.point_id] = point
        lines.setdefault(point.point_id, where)
    if found:
        raise InvalidConfig(bounded(found, str(path)))
    return tuple(points[point_id] for point_id in sorted(points))


def _point(row: Row, known: Known, zones: frozenset[str]) -> PickupPoint | None:
    """None when something is wrong with it."""
    point_id = row.id("point_id")
    country = row.country()
    latitude, longitude = row.degrees("latitude", 90.0), row.degrees("longitude", 180.0)
    name, postal_code = row.text("name"), row.text("postal_code")
    time_zone = row.time_zone(zones)
    region, calendar = row.calendar(known, country)
    if row.is_wrong:
        return None
    return PickupPoint(
        point_id=point_id,
        country=country,
        latitude=latitude,
        longitude=longitude,
        name=name,
        postal_code=postal_code,
        time_zone=time_zone,
        region=region,
        calendar=calendar,
    )
