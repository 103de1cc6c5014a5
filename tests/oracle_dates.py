"""The slow calendar: times of shipments by going on minute by minute and asking what the clock on the wall
shows. Shares no code with the engine nor with ``router.verify``.

Every limit is a full local minute, so between one full minute and the next nothing opens or closes; only
durations count in seconds. A time that the clock skips is passed at the change, and one that it shows again
was passed the first time: what counts is how far the clock has *ever* been, ``furthest``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from router.network import Calendar, Lane, Network, Node, Pickup, Service

MINUTES_OF_DAY = 24 * 60
LAST_DAY = 400
NO_DAYS: frozenset[int] = frozenset()

Minute = int
"""Minutes since 1970: of UTC, or as a local clock counts them."""


@lru_cache(maxsize=300_000)
def furthest(time_zone: str, at: Minute) -> Minute:
    """The greatest local minute that the clock has shown up to an instant."""
    shown = datetime.fromtimestamp(at * 60, ZoneInfo(time_zone))
    if shown.fold:  # for the second time: no further than a minute ago
        return furthest(time_zone, at - 1)
    return (
        (shown.toordinal() - date(1970, 1, 1).toordinal()) * MINUTES_OF_DAY + shown.hour * 60 + shown.minute
    )


@lru_cache(maxsize=300_000)
def passed(time_zone: str, local: Minute) -> Minute:
    """The first minute at which the clock has been at a local one."""
    at = local - 30 * 60
    while furthest(time_zone, at + 60) < local:
        at += 60
    while furthest(time_zone, at) < local:
        at += 1
    return at


def local_minute(day: date, minute: int) -> Minute:
    """Of a date, since 1970."""
    return (day - date(1970, 1, 1)).days * MINUTES_OF_DAY + minute


def date_of(local: Minute) -> date:
    """The date that a local minute is on."""
    return date(1970, 1, 1) + timedelta(days=local // MINUTES_OF_DAY)


def minutes(time_zone: str, first: Minute, end: Minute, busy: Callable[[date], bool]) -> Iterator[Minute]:
    """Minute by minute, but half a day at once where nothing is to be seen on any date near."""
    at = first
    while at <= end:
        today = date_of(furthest(time_zone, at))
        if not any(busy(today + timedelta(days=near)) for near in (-1, 0, 1, 2)):
            at += MINUTES_OF_DAY // 2
            continue
        for _ in range(60):
            yield at
            at += 1


class Sign:
    """The sign on a door: its calendar, closures and holidays, and the clock beside it."""

    def __init__(
        self, time_zone: str, calendar: Calendar | None, closed: frozenset[int], holidays: frozenset[int]
    ) -> None:
        self.time_zone = time_zone
        self.calendar = calendar
        self.closed = closed
        self.holidays = holidays
        self.blank = calendar is None and not closed
        self._hours: dict[date, list[tuple[Minute, Minute]]] = {}
        self._open: dict[Minute, bool] = {}
        self._waited: dict[tuple[int, int, Minute], int | None] = {}

    def hours(self, day: date) -> list[tuple[Minute, Minute]]:
        """What is written for a date, in local minutes."""
        if day not in self._hours:
            written = self._written(day)
            self._hours[day] = [
                (local_minute(day, first), local_minute(day, last)) for first, last in written
            ]
        return self._hours[day]

    def _written(self, day: date) -> list[tuple[int, int]]:
        number, calendar = day.toordinal(), self.calendar
        if number in self.closed:
            return []
        if calendar is None:
            return [(0, MINUTES_OF_DAY)]
        for special, entries in calendar.special.items():
            if special == number:
                return list(entries)
        holiday = calendar.keeps_holidays and number in self.holidays
        if holiday or number in calendar.closed:
            return []
        return [(o.opens_minute, o.closes_minute) for o in calendar.openings if day.weekday() in o.weekdays]

    def open_at(self, at: Minute) -> bool:
        """Is it open from this minute to the next?"""
        if self.blank:
            return True
        if at not in self._open:
            local = furthest(self.time_zone, at)
            days = (date_of(local) - timedelta(days=1), date_of(local))
            self._open[at] = any(first <= local < last for day in days for first, last in self.hours(day))
        return self._open[at]

    def open_times(self, day: date) -> list[tuple[Minute, Minute]]:
        """Of a date: from which minute to which, those that no minute belongs to left out."""
        times = [(passed(self.time_zone, a), passed(self.time_zone, b)) for a, b in self.hours(day)]
        return [(first, last) for first, last in times if first < last]

    def open_on(self, day: date) -> bool:
        """Is it an open day?"""
        return self.blank or bool(self.open_times(day))

    def over(self, day: date) -> Minute:
        """When an open day is over."""
        if self.blank:
            return passed(self.time_zone, local_minute(day, MINUTES_OF_DAY))
        return max(last for d in (day - timedelta(days=1), day) for _, last in self.open_times(d))

    def waited(self, seconds: int, wait_seconds: int, end: Minute) -> int | None:
        """When ``wait_seconds`` of open time have gone by; for none the first open instant."""
        if self.blank:
            return seconds + wait_seconds
        key = (seconds, wait_seconds, end)
        if key not in self._waited:
            self._waited[key] = self._watched(*key)
        return self._waited[key]

    def _watched(self, seconds: int, wait_seconds: int, end: Minute) -> int | None:
        left = wait_seconds
        for minute in minutes(self.time_zone, seconds // 60, end, lambda day: bool(self.hours(day))):
            if not self.open_at(minute):
                continue
            begins, ends = max(seconds, minute * 60), minute * 60 + 60
            if left <= ends - begins:
                return begins + left
            left -= ends - begins
        return None


class SlowCalendar:
    """Times in a network for orders placed at one moment."""

    def __init__(self, network: Network, now_seconds: int) -> None:
        self.network = network
        self.origin_seconds = now_seconds
        while network.keeps_time and self.origin_seconds % 60:
            self.origin_seconds += 1
        self.last_seconds = self.origin_seconds + LAST_DAY * MINUTES_OF_DAY * 60
        self._signs: dict[tuple[str, str, str, str, frozenset[int]], Sign] = {}

    def times(
        self, node: Node, service: Service, lane: Lane, zone_id: str | None
    ) -> tuple[int, int, int] | None:
        """Ready, handed over, arrived in a zone; None for never."""
        door = self.door(zone_id, node)
        return self.sent(node, service, lane, door, self.origin_seconds, node.processing_seconds)

    def sent(
        self, node: Node, service: Service, lane: Lane, door: Sign, origin: int, wait_seconds: int
    ) -> tuple[int, int, int] | None:
        """Ready, handed over, arrived behind a door, of goods that the node may begin with at ``origin`` and
        waits for so long; None for never."""
        shop = self.of_node(node)
        carrier = self.sign(node.time_zone, service.calendar, node.country, node.region)
        end = self.last_seconds // 60
        ready = shop.waited(origin, wait_seconds, end)
        if ready is None or ready > self.last_seconds:
            return None
        handed = self.handed_over(node, service, shop, ready, origin)
        if handed is None:
            return None
        if lane.transit_days is None:
            arrived = door.waited(handed + lane.transit_seconds, 0, end)
        else:
            arrived = self.carried(carrier, door, handed, lane.transit_days)
        if arrived is None or arrived > self.last_seconds:
            return None
        return ready, handed, arrived

    def sign(
        self,
        time_zone: str,
        calendar_id: str,
        country: str,
        region: str,
        closed: frozenset[int] = frozenset(),
    ) -> Sign:
        """What is said of a calendar at a place."""
        key = (time_zone, calendar_id, country, region, closed)
        if key not in self._signs:
            calendars = [c for c in self.network.calendars if c.calendar_id == calendar_id]
            of_country = self.network.holidays.get((country, ""), frozenset())
            holidays = self.network.holidays.get((country, region), of_country)
            self._signs[key] = Sign(time_zone, calendars[0] if calendar_id else None, closed, holidays)
        return self._signs[key]

    def of_node(self, node: Node) -> Sign:
        """On the door of a node."""
        return self.sign(node.time_zone, node.calendar, node.country, node.region, node.closed)

    def door(self, zone_id: str | None, node: Node) -> Sign:
        """Of an address in a zone, for goods from a node."""
        for zone in self.network.zones:
            if zone.zone_id == zone_id:
                clock = zone.time_zone or node.time_zone
                return self.sign(clock, zone.calendar, zone.country, zone.region)
        return self.sign(node.time_zone, "", "", "")

    def handed_over(self, node: Node, service: Service, shop: Sign, ready: int, origin: int) -> int | None:
        """Minute by minute: has the clock just come to a pick-up that takes the shipment along?"""
        names = [schedule for carrier, schedule in node.schedules if carrier == service.service_id]
        if not names:
            return ready
        (pickups,) = [s.pickups for s in self.network.schedules if s.schedule_id == names[0]]
        end = self.last_seconds // 60
        for at in minutes(node.time_zone, -(-ready // 60), end, lambda d: comes(pickups, d, shop, origin)):
            for local in range(furthest(node.time_zone, at - 1) + 1, furthest(node.time_zone, at) + 1):
                for day in (date_of(local) - timedelta(days=1), date_of(local)):  # that before ends at 24:00
                    on_time = [p for p in pickups if local_minute(day, p.at_minute) == local]
                    if on_time and comes(on_time, day, shop, origin):
                        return at * 60
        return None

    def carried(self, carrier: Sign, door: Sign, handed: int, days: int) -> int | None:
        """Date by date: the carrier's working days, then the first on which the door is opened in time."""
        day = date_of(furthest(carrier.time_zone, handed // 60))
        last = date_of(self.last_seconds // 60) + timedelta(days=2)
        left = days
        while left:
            day += timedelta(days=1)
            if day > last:
                return None
            left -= carrier.open_on(day)
        while day <= last:
            if door.open_on(day) and door.over(day) * 60 >= handed:
                return door.over(day) * 60
            day += timedelta(days=1)
        return None


def comes(pickups: Sequence[Pickup], day: date, shop: Sign, origin: int) -> bool:
    """Is there a pick-up on a date that takes along what was ordered at ``origin``?"""
    return any(takes(pickup, day, shop, origin) for pickup in pickups)


def takes(pickup: Pickup, day: date, shop: Sign, origin: int) -> bool:
    """Does the carrier come on a date, and was the order placed in time for it?"""
    if day.weekday() not in pickup.weekdays or not shop.open_on(day):
        return False
    ordered_by = local_minute(day - timedelta(days=pickup.days_before), pickup.cut_off_minute)
    return passed(shop.time_zone, ordered_by) * 60 >= origin
