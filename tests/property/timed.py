"""Random networks with one way to send goods, full of hours, holidays, pick-ups and changes of the clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from router.domain import NodeType
from router.network import Bracket, Calendar, Lane, Network, Node, Opening, Pickup, Schedule, Service, Zone

T = TypeVar("T")

CLOCKS = (
    "Europe/Paris",
    "UTC",
    "Asia/Kolkata",
    "America/New_York",
    "Australia/Lord_Howe",  # changes by half an hour
    "Europe/London",
    "America/Nuuk",  # changes at midnight, to an hour of the date before
    "America/Havana",  # skips midnight
    "Asia/Beirut",
    "Atlantic/Azores",
    "Pacific/Chatham",  # a quarter of an hour off, and changes at a quarter to three
    "Africa/Casablanca",
    "America/St_Johns",
    "Antarctica/Troll",  # changes by two hours
    "Pacific/Auckland",
    "America/Los_Angeles",
)
APIA = "Pacific/Apia"
"""Has no 30 December 2011."""
FIRST_YEAR, LAST_YEAR = 2012, 2034
"""No clock goes back past a midnight that it has shown."""


@dataclass(frozen=True, slots=True)
class Way:
    """A network, and the only way in it."""

    network: Network
    node: Node
    service: Service
    lane: Lane
    zone: Zone | None
    now_seconds: int


@cache
def changes(clock: str) -> tuple[int, ...]:
    """When the clock is put forward or back."""
    zone, step = ZoneInfo(clock), timedelta(days=1)
    found: list[int] = []
    at = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    while at.year < LAST_YEAR:
        offset = at.astimezone(zone).utcoffset()
        if (at + step).astimezone(zone).utcoffset() != offset:
            moment = at
            while moment.astimezone(zone).utcoffset() == offset:
                moment += timedelta(minutes=15)
            found.append(int(moment.timestamp()))
        at += step
    return tuple(found) or (int(datetime(2026, 2, 28, tzinfo=UTC).timestamp()),)


class TimedRecipe:
    """Builds ways out of integers drawn from inclusive ranges; the lowest is the dullest."""

    def __init__(self, draw: Callable[[int, int], int]) -> None:
        self.draw = draw
        self.first_day = 0

    def pick(self, values: Sequence[T]) -> T:
        return values[self.draw(0, len(values) - 1)]

    def chance(self, percent: int) -> bool:
        return self.draw(0, 99) >= 100 - percent

    def way(self, clocks: Sequence[str] = (*CLOCKS, APIA)) -> Way:
        """Around a change of one of its clocks."""
        here, there = self.pick(clocks), self.pick(("", *clocks))
        change = self.pick(changes(self.pick((here, there)) or here))
        if APIA in (here, there) and self.chance(70):
            change = int(datetime(2011, 12, 30, 10, tzinfo=UTC).timestamp())
        now = change + 60 * self.draw(-4 * 1440, 2 * 1440) + self.pick((0, 0, 1, 59))
        self.first_day = datetime.fromtimestamp(now, UTC).toordinal()
        calendars = tuple(self.calendar(name) for name in "ABC")
        schedule = self.schedule()
        node = Node(
            node_id="N",
            node_type=NodeType.STORE,
            country="FR",
            latitude=0.0,
            longitude=0.0,
            time_zone=here,
            region=self.pick(("", "BRE", "PAC")),
            calendar=self.pick(("", "A", "A", "B")),
            closed=self.days(20),
            schedules=(("V", "P"),) if self.chance(50) else (),
            processing_seconds=self.pick((0, 1, 59, 60, 3_600, 5_400, 12_345, 86_400, 200_000)),
        )
        lane = Lane(
            transit_seconds=self.pick((0, 60, 3_601, 3_600, 86_399, 250_000, 2_000_000, 34_560_000)),
            transit_days=self.pick((None, None, 0, 1, 2, 3, 7, 40)),
            brackets=(Bracket(up_to_grams=1, cents=1),),
        )
        service = Service(service_id="V", calendar=self.pick(("", "C", "A")), lanes=(lane,))
        zone = Zone(
            zone_id="Z",
            country=self.pick(("FR", "DE")),
            region=self.pick(("", "BRE")),
            time_zone=there,
            calendar=self.pick(("", "B", "A")),
        )
        zones = (zone,) if self.chance(80) else ()
        return Way(
            network=Network(
                nodes=(node,),
                zones=zones,
                services=(service,),
                calendars=calendars,
                schedules=(schedule,),
                holidays={
                    ("FR", ""): self.days(60),
                    ("FR", "BRE"): self.days(60),
                    ("DE", ""): self.days(60),
                },
            ),
            node=node,
            service=service,
            lane=lane,
            zone=zones[0] if zones else None,
            now_seconds=now,
        )

    def days(self, percent: int) -> frozenset[int]:
        """Some dates near the first, more often none."""
        if not self.chance(percent):
            return frozenset()
        return frozenset(self.first_day + self.draw(-3, 9) for _ in range(self.draw(1, 5)))

    def calendar(self, calendar_id: str) -> Calendar:
        return Calendar(
            calendar_id=calendar_id,
            openings=tuple(
                Opening(weekdays=self.weekdays(), opens_minute=opens, closes_minute=closes)
                for opens, closes in (self.entry() for _ in range(self.pick((1, 2, 3, 1, 0))))
            ),
            keeps_holidays=self.chance(50),
            closed=self.days(30),
            special={day: (self.entry(), self.entry()) for day in self.days(30)},
        )

    def entry(self) -> tuple[int, int]:
        """(opens, closes), often in the night."""
        opens = self.pick((540, 0, 60, 120, 150, 1_320, 1_440, 1_500, self.draw(0, 2_879)))
        longer = self.pick((480, 1, 30, 60, 180, 1_440, self.draw(1, 2_880)))
        return opens, min(2_880, opens + longer)

    def weekdays(self) -> frozenset[int]:
        return self.pick(
            (frozenset(range(7)), frozenset(range(5)), frozenset({5, 6}), frozenset({self.draw(0, 6)}))
        )

    def schedule(self) -> Schedule:
        """All cut-offs as long before their pick-ups, so that they ascend as these do."""
        lead = self.pick((0, 60, 300, 1_440, 3_000))
        pickups = []
        for at in sorted(
            {self.pick((1_020, 0, 120, 150, 180, 1_440, self.draw(0, 1_440))) for _ in range(3)}
        ):
            days_before, cut_off = divmod(lead - at, 1_440)
            pickups.append(
                Pickup(
                    weekdays=self.weekdays(),
                    at_minute=at,
                    cut_off_minute=(1_440 - cut_off) % 1_440 if lead else at,
                    days_before=(days_before + (cut_off > 0)) if lead else 0,
                )
            )
        return Schedule(schedule_id="P", pickups=tuple(pickups))
