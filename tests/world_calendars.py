"""The part of ``tests.worlds`` that draws hours: calendars, closures, pick-ups and time zones, and
when the order is placed: near a change of the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from router.network import Calendar, Lane, Network, Node, Opening, PickupPoint, Service, Zone
from tests.property.timed import CLOCKS, TimedRecipe, changes
from tests.world_places import PlacesRecipe

SHOP_HOURS = ((range(6), 600, 1_140), (range(5), 540, 1_080), (range(7), 480, 1_320), (range(5), 0, 1_440))


class CalendarRecipe(PlacesRecipe):
    """Draws hours."""

    def with_calendars(self, network: Network) -> tuple[Network, int]:
        """The network with hours, and a moment near a change of one of its clocks."""
        timed = TimedRecipe(self.integer)
        clocks = [self.pick(CLOCKS), self.pick(CLOCKS)]
        change = self.pick(changes(self.pick(clocks)))
        now = change + 60 * self.integer(-2 * 1_440, 1_440) + self.pick((0, 0, 1, 59))
        timed.first_day = datetime.fromtimestamp(now, UTC).toordinal()
        calendars = tuple(self.calendar(name, timed) for name in "AB")
        schedules = tuple(replace(timed.schedule(), schedule_id=name) for name in "XY")
        ids = ("", "A", "A", "B")
        return replace(
            network,
            nodes=tuple(self.hours_of_node(n, network.services, clocks, timed) for n in network.nodes),
            zones=tuple(self.hours_of_zone(zone, clocks) for zone in network.zones),
            services=tuple(self.in_days(service, self.pick(ids)) for service in network.services),
            calendars=calendars,
            schedules=schedules,
            pickup_points=tuple(self.hours_of_point(point, clocks) for point in network.pickup_points),
            holidays={("FR", ""): timed.days(60), ("FR", "BRE"): timed.days(60), ("DE", ""): timed.days(60)},
        ), now

    def calendar(self, calendar_id: str, timed: TimedRecipe) -> Calendar:
        """Usual hours, or any; never so few that brute force waits for years."""
        drawn = timed.calendar(calendar_id)
        if self.chance(35):
            longer = [
                replace(o, closes_minute=max(o.closes_minute, o.opens_minute + 180)) for o in drawn.openings
            ]
            return replace(drawn, openings=tuple(o for o in longer if o.closes_minute <= 2_880))
        days, opens, closes = self.pick(SHOP_HOURS)
        usual = Opening(weekdays=frozenset(days), opens_minute=opens, closes_minute=closes)
        return replace(drawn, openings=(usual,))

    def hours_of_node(
        self, node: Node, services: Sequence[Service], clocks: Sequence[str], timed: TimedRecipe
    ) -> Node:
        comes = [s.service_id for s in services if self.chance(30)]
        return replace(
            node,
            time_zone=self.pick(clocks),
            region=self.pick(("", "BRE", "PAC")),
            calendar=self.pick(("", "A", "A", "B")),
            closed=timed.days(15),
            schedules=tuple((name, self.pick("XY")) for name in comes),
            processing_seconds=self.pick((0, 3_600, 7_201, 40_000)),
        )

    def hours_of_zone(self, zone: Zone, clocks: Sequence[str]) -> Zone:
        return replace(
            zone,
            time_zone=self.pick(("", *clocks)),
            calendar=self.pick(("", "A", "B")),
            region=self.pick(("", "BRE")),
        )

    def hours_of_point(self, point: PickupPoint, clocks: Sequence[str]) -> PickupPoint:
        return replace(
            point,
            time_zone=self.pick(clocks),
            calendar=self.pick(("", "A", "B")),
            region=self.pick(("", "BRE")),
        )

    def in_days(self, service: Service, calendar: str) -> Service:
        """The service with working days, and some lanes that take so many of them."""
        lanes = tuple(self.lane_in_days(lane) for lane in service.lanes)
        return replace(service, calendar=calendar, lanes=lanes)

    def lane_in_days(self, lane: Lane) -> Lane:
        days = self.pick((None, 1, 2, None, 0, 4))
        return lane if days is None else replace(lane, transit_days=days, transit_seconds=0)
