"""When a shipment is ready, handed over and there: docs/cost-model.md, "Times", walked date by date.

Instants are epoch seconds; dates are proleptic ordinals, as in ``router.network``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import count, takewhile
from zoneinfo import ZoneInfo

from router.network import Calendar, Lane, Network, Node, PickupPoint, Service, Zone

DAY_SECONDS = 86_400
HORIZON_SECONDS = 400 * DAY_SECONDS
"""What arrives later than this after the origin does not arrive."""
LONGEST_REACH_DAYS = 2
"""An entry closes at 48:00 at the latest, when the second date after its own begins."""

Window = tuple[int, int]
"""Open from the first instant to just before the second."""


@dataclass(frozen=True, slots=True)
class Times:
    """Ready for the carrier, handed over to it, arrived: epoch seconds."""

    ready_seconds: int
    handover_seconds: int
    arrival_seconds: int


def origin_seconds(network: Network, now_seconds: int) -> int:
    """The instant that times are reckoned from."""
    return full_minute(network, now_seconds)


def full_minute(network: Network, at: int) -> int:
    """An instant rounded up to a full minute where the network keeps time."""
    return at + (-at % 60 if network.keeps_time else 0)


def begins(node: Node, day: int, after: int, until: int) -> int | None:
    """When a local date of the node begins; None unless that is after an instant and not after another."""
    clock = ZoneInfo(node.time_zone)
    if not local_day(clock, after) < day <= local_day(clock, until):
        return None
    return instant(clock, day, 0)


def times(
    network: Network, node: Node, service: Service, lane: Lane, zone: Zone | None, origin_seconds: int
) -> Times | None:
    """The times of a shipment by the lane of the service, to ``zone``. None: it does not arrive within the
    400 days."""
    there = zone_hours(network, zone, node)
    until = origin_seconds + HORIZON_SECONDS
    return sent(network, node, service, lane, there, origin_seconds, node.processing_seconds, until)


def sent(
    network: Network,
    node: Node,
    service: Service,
    lane: Lane,
    there: Hours,
    release_seconds: int,
    processing_seconds: int,
    until: int,
) -> Times | None:
    """The times of a shipment to a place with the hours ``there`` on which work may begin at
    ``release_seconds``, which counts as its origin. None: it does not arrive by ``until``."""
    at_node = node_hours(network, node)
    ready = at_node.after(release_seconds, processing_seconds, until)
    if ready is None:
        return None
    handover = _handover(network, node, service, ready, release_seconds, until)
    if handover is None:
        return None
    if lane.transit_days is None:
        arrival = there.after(handover + lane.transit_seconds, 0, until)
    else:
        day = carrier_hours(network, service, node).days_after(
            local_day(at_node.clock, handover), lane.transit_days, until
        )
        arrival = None if day is None else there.closing_from(day, handover, until)
    return None if arrival is None or arrival > until else Times(ready, handover, arrival)


def _handover(
    network: Network, node: Node, service: Service, ready: int, origin_seconds: int, until: int
) -> int | None:
    """The first pick-up for which the shipment is ready and was ordered in time; none stated: when ready."""
    schedule_id = dict(node.schedules).get(service.service_id)
    if schedule_id is None:
        return ready
    (schedule,) = [s for s in network.schedules if s.schedule_id == schedule_id]
    hours = node_hours(network, node)
    yesterday = local_day(hours.clock, ready) - 1  # its 24:00 may be still to come
    for day in hours.days_from(yesterday, until):
        in_time = [
            instant(hours.clock, day, pickup.at_minute)
            for pickup in schedule.pickups
            if weekday(day) in pickup.weekdays
            and instant(hours.clock, day, pickup.at_minute) >= ready
            and instant(hours.clock, day - pickup.days_before, pickup.cut_off_minute) >= origin_seconds
        ]
        if in_time and hours.is_open_day(day):
            return min(in_time)
    return None


@dataclass(frozen=True, slots=True)
class Hours:
    """When something is open, where it stands. No calendar: all day but on ``closed`` dates; neither: always.

    closed: closures of its own. holidays: those of where it stands. Answers are searched for up to an instant
    ``until``; None: there is none by then.
    """

    clock: ZoneInfo
    calendar: Calendar | None = None
    closed: frozenset[int] = frozenset()
    holidays: frozenset[int] = frozenset()

    @property
    def always(self) -> bool:
        return self.calendar is None and not self.closed

    def entries(self, day: int) -> list[tuple[int, int]]:
        """(opens, closes) of one date in local minutes."""
        calendar = self.calendar
        if day in self.closed:
            return []
        if calendar is None:
            return [(0, 1440)]
        if day in calendar.special:
            return list(calendar.special[day])
        if day in calendar.closed or (calendar.keeps_holidays and day in self.holidays):
            return []
        return [(o.opens_minute, o.closes_minute) for o in calendar.openings if weekday(day) in o.weekdays]

    def windows(self, day: int) -> list[Window]:
        """The entries of one date as instants, without those that a change of the clock leaves empty."""
        found = [(instant(self.clock, day, a), instant(self.clock, day, b)) for a, b in self.entries(day)]
        return [(opens, closes) for opens, closes in found if opens < closes]

    def is_open_day(self, day: int) -> bool:
        return self.always or bool(self.windows(day))

    def days_from(self, day: int, until: int) -> Iterator[int]:
        """The dates from ``day`` on, some more than begin by ``until``: elsewhere they may begin earlier."""
        last = until + 2 * DAY_SECONDS
        return takewhile(lambda d: instant(self.clock, d, 0) <= last, count(day))

    def stretches(self, at: int, until: int) -> Iterator[Window]:
        """Open time from ``at`` on, ascending; no instant is in two of them."""
        ahead: list[Window] = []
        for day in self.days_from(local_day(self.clock, at) - LONGEST_REACH_DAYS, until):
            ahead = sorted(ahead + self.windows(day))
            while ahead and ahead[0][0] <= instant(self.clock, day + 1, 0):  # no later date opens earlier
                opens, closes = ahead.pop(0)
                if closes > at:
                    yield max(opens, at), closes
                    at = closes

    def after(self, at: int, seconds: int, until: int) -> int | None:
        """The first instant by which the open time since ``at`` amounts to ``seconds``; if these are none,
        the first open instant from ``at`` on."""
        if self.always:
            return at + seconds
        left = seconds
        for opens, closes in self.stretches(at, until):
            if left <= closes - opens:
                return opens + left
            left -= closes - opens
        return None

    def days_after(self, day: int, days: int, until: int) -> int | None:
        """The ``days``-th open day after a date (0: the date itself)."""
        for _ in range(days):
            following = next((d for d in self.days_from(day + 1, until) if self.is_open_day(d)), None)
            if following is None:
                return None
            day = following
        return day

    def closing_from(self, day: int, not_before: int, until: int) -> int | None:
        """When the first open day is over that is not before ``day`` and is over no earlier than
        ``not_before``."""
        closings = (self._closing(d) for d in self.days_from(day, until) if self.is_open_day(d))
        return next((closing for closing in closings if closing >= not_before), None)

    def _closing(self, day: int) -> int:
        """When an open day is over; what opened the date before may close later than what opens on it."""
        if self.always:
            return instant(self.clock, day, 1440)
        return max(closes for _, closes in self.windows(day - 1) + self.windows(day))


def node_hours(network: Network, node: Node) -> Hours:
    """Opening hours and closures of a node."""
    calendar = _calendar(network, node.calendar)
    off = _holidays(network, node.country, node.region)
    return Hours(ZoneInfo(node.time_zone), calendar, node.closed, off)


def carrier_hours(network: Network, service: Service, node: Node) -> Hours:
    """Working days of a carrier, where the node stands."""
    calendar = _calendar(network, service.calendar)
    off = _holidays(network, node.country, node.region)
    return Hours(ZoneInfo(node.time_zone), calendar, frozenset(), off)


def zone_hours(network: Network, zone: Zone | None, node: Node) -> Hours:
    """Hours of delivery in a zone, for goods from a node."""
    if zone is None:
        return Hours(ZoneInfo(node.time_zone))
    calendar = _calendar(network, zone.calendar)
    off = _holidays(network, zone.country, zone.region)
    return Hours(ZoneInfo(zone.time_zone or node.time_zone), calendar, frozenset(), off)


def point_hours(network: Network, point: PickupPoint) -> Hours:
    """Opening hours of a pick-up point."""
    calendar = _calendar(network, point.calendar)
    off = _holidays(network, point.country, point.region)
    return Hours(ZoneInfo(point.time_zone), calendar, frozenset(), off)


def _calendar(network: Network, calendar_id: str) -> Calendar | None:
    """The calendar of an id, None for the empty one."""
    if not calendar_id:
        return None
    (found,) = [c for c in network.calendars if c.calendar_id == calendar_id]
    return found


def _holidays(network: Network, country: str, region: str) -> frozenset[int]:
    """Those of the region; of a region that is not known, the country's."""
    if (country, region) in network.holidays:
        return network.holidays[country, region]
    return network.holidays.get((country, ""), frozenset())


def weekday(day: int) -> int:
    """0 is Monday."""
    return date.fromordinal(day).weekday()


def local_day(clock: ZoneInfo, at: int) -> int:
    """The date at an instant; one that has begun goes on, even if the clock goes back past its midnight."""
    shown = datetime.fromtimestamp(at, clock).toordinal()
    return shown + (instant(clock, shown + 1, 0) <= at)


@lru_cache(maxsize=100_000)
def instant(clock: ZoneInfo, day: int, minute: int) -> int:
    """When the clock shows a local time of a date: at the change if it skips that, and of two the first."""
    local = datetime.fromordinal(day) + timedelta(minutes=minute)
    as_before, as_after = (int(local.replace(tzinfo=clock, fold=fold).timestamp()) for fold in (0, 1))
    if as_before <= as_after:
        return as_before
    # Skipped: reckoned by the clock as it is after the change, the time comes before it, and the other way.
    early, late = as_after, as_before
    while late - early > 1:
        middle = (early + late) // 2
        if datetime.fromtimestamp(middle, clock).replace(tzinfo=None) < local:
            early = middle
        else:
            late = middle
    return late
