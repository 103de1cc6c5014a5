"""Networks of one node, one service and one zone, to work out dates by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from router.domain import NodeType
from router.network import Bracket, Calendar, Lane, Network, Node, Opening, Pickup, Schedule, Service, Zone

EVERY_DAY = frozenset(range(7))
WORKDAYS = frozenset(range(5))
HOUR = 3_600
DAY = 24 * HOUR


def utc(text: str) -> int:
    """Epoch seconds of ``2026-03-29 01:00`` in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def days(*texts: str) -> frozenset[int]:
    return frozenset(date.fromisoformat(text).toordinal() for text in texts)


def minute(text: str) -> int:
    hours, minutes = text.split(":")
    return 60 * int(hours) + int(minutes)


def opening(opens: str, closes: str, weekdays: frozenset[int] = EVERY_DAY) -> Opening:
    return Opening(weekdays=weekdays, opens_minute=minute(opens), closes_minute=minute(closes))


def calendar(*openings: Opening, calendar_id: str = "shop", **more: Any) -> Calendar:
    return Calendar(calendar_id=calendar_id, openings=openings, **more)


def special(day: str, *entries: tuple[str, str]) -> dict[int, tuple[tuple[int, int], ...]]:
    (ordinal,) = days(day)
    return {ordinal: tuple((minute(opens), minute(closes)) for opens, closes in entries)}


def pickup(at: str, cut_off: str = "", weekdays: frozenset[int] = EVERY_DAY, days_before: int = 0) -> Pickup:
    return Pickup(
        weekdays=weekdays,
        at_minute=minute(at),
        cut_off_minute=minute(cut_off or at),
        days_before=days_before,
    )


def lane(**transit: Any) -> Lane:
    return Lane(brackets=(Bracket(up_to_grams=1_000, cents=1),), **transit)


def network(
    *calendars: Calendar,
    pickups: tuple[Pickup, ...] = (),
    node: dict[str, Any] | None = None,
    zone: dict[str, Any] | None = None,
    carrier: str = "",
    lanes: tuple[Lane, ...] = (),
    **more: Any,
) -> Network:
    """One node in Paris unless stated otherwise, one service, one zone. The calendar ``shop``, where there is
    one, is the node's, ``door`` the zone's."""
    known = {c.calendar_id for c in calendars}
    at_node = {
        "time_zone": "Europe/Paris",
        "calendar": "shop" if "shop" in known else "",
        "schedules": (("post", "van"),) if pickups else (),
        **(node or {}),
    }
    at_zone = {"calendar": "door" if "door" in known else "", **(zone or {})}
    return Network(
        nodes=(
            Node(
                node_id="N",
                node_type=NodeType.STORE,
                country="FR",
                latitude=0.0,
                longitude=0.0,
                services=frozenset({"post"}),
                **at_node,
            ),
        ),
        zones=(Zone(zone_id="Z", country="FR", **at_zone),),
        services=(Service(service_id="post", calendar=carrier, lanes=lanes),),
        calendars=calendars,
        schedules=(Schedule(schedule_id="van", pickups=pickups),) if pickups else (),
        **more,
    )
