"""When shipments arrive: docs/cost-model.md, "Times", for everything that could be sent at a moment.

Calendars, time zones and cut-offs end here: kernels see seconds since the origin, for each *offer* and
service. An offer is what the nodes of one departure (equal hours, processing time and schedules) offer to
destinations with equal hours: a lane for each service.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.calendar import (
    DAY_SECONDS,
    EPOCH_ORDINAL,
    NEVER,
    Clock,
    Hours,
    Spot,
    calendars_of,
    epochs,
    hours_of,
)
from router.network import Lane, Network, Node, Schedule, Zone

I64 = NDArray[np.int64]
I32 = NDArray[np.int32]

HORIZON_DAYS = 400
"""What arrives later than this after the origin does not arrive."""
MINUTE_SECONDS = 60
LAID_OUT_DAYS = 30
"""Calendars are laid out anew for every so many days."""


@dataclass(frozen=True, slots=True)
class Departure:
    """How a node gets goods ready and hands them over; nodes with equal ones are alike in time.

    schedules: (service id, schedule id), sorted.
    """

    calendar: str
    closed: frozenset[int]
    spot: Spot
    processing_seconds: int
    schedules: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, node: Node) -> Departure:
        spot = Spot(node.time_zone, node.country, node.region)
        return cls(node.calendar, node.closed, spot, node.processing_seconds, tuple(sorted(node.schedules)))

    def later(self, seconds: int) -> Departure:
        """With so much more open time until goods are ready."""
        return replace(self, processing_seconds=self.processing_seconds + seconds) if seconds else self


@dataclass(frozen=True, slots=True)
class Arrival:
    """The hours of a destination. time_zone: empty for that of the sending node. lead_seconds: open time of a
    node until goods are ready there, None elsewhere."""

    calendar: str = ""
    time_zone: str = ""
    country: str = ""
    region: str = ""
    closed: frozenset[int] = frozenset()
    lead_seconds: int | None = None

    @classmethod
    def of(cls, zone: Zone | None) -> Arrival:
        if zone is None:
            return cls()
        if not zone.calendar:
            return cls(time_zone=zone.time_zone)
        return cls(zone.calendar, zone.time_zone, zone.country, zone.region)

    @classmethod
    def at_node(cls, node: Node, lead_seconds: int) -> Arrival:
        return cls(node.calendar, node.time_zone, node.country, node.region, node.closed, lead_seconds)


@dataclass(frozen=True, slots=True)
class Offers:
    """F distinct offers. lane: int32[F, V], -1 for none. departure, arrival: int32[F]."""

    departures: tuple[Departure, ...]
    arrivals: tuple[Arrival, ...]
    departure: I32
    arrival: I32
    lane: I32


@dataclass(frozen=True, slots=True)
class OfferTimes:
    """lane: int32[F, V], -1 also where nothing arrives. seconds: int64[F, V] from the origin to the arrival.
    kind: int32[F], offers with equal lanes and started days share one."""

    lane: I32
    seconds: I64
    kind: I32


class Slack(NamedTuple):
    """How much later things go than is stated: open time of the sending node, and days of transit by
    service."""

    processing_seconds: int = 0
    transit_days: Mapping[int, int] = {}


NO_SLACK = Slack()


@dataclass(slots=True)
class Layout:
    """Calendars of a network as columns, for dates around a first day; made when first asked for."""

    network: Network
    first_day: int
    _hours: dict[tuple[str, frozenset[int], Spot], Hours | None] = field(default_factory=dict)
    _clocks: dict[str, Clock] = field(default_factory=dict)
    _pickups: dict[tuple[str, str, frozenset[int], Spot], tuple[I64, I64]] = field(default_factory=dict)

    DAYS = HORIZON_DAYS + LAID_OUT_DAYS + 8
    """Some to spare on both sides, for time zones and for openings past midnight."""

    @classmethod
    def around(cls, network: Network, at_seconds: int) -> Layout:
        day = at_seconds // DAY_SECONDS // LAID_OUT_DAYS * LAID_OUT_DAYS
        return cls(network, EPOCH_ORDINAL + day - 4)

    def hours(self, calendar: str, closed: frozenset[int], spot: Spot) -> Hours | None:
        """None: always open."""
        key = (calendar, closed, spot)
        if key not in self._hours:
            known = calendars_of(self.network)
            self._hours[key] = hours_of(
                known[calendar] if calendar else None,
                closed,
                spot,
                self.network.holidays,
                self.first_day,
                self.DAYS,
            )
        return self._hours[key]

    def clock(self, time_zone: str) -> Clock:
        if time_zone not in self._clocks:
            self._clocks[time_zone] = Clock.of(time_zone, self.first_day, self.DAYS)
        return self._clocks[time_zone]

    def pickups(self, schedule: Schedule, departure: Departure) -> tuple[I64, I64]:
        """(cut-offs, pick-ups), both int64[M] ascending."""
        key = (schedule.schedule_id, departure.calendar, departure.closed, departure.spot)
        if key not in self._pickups:
            hours = self.hours(departure.calendar, departure.closed, departure.spot)
            days = np.arange(self.first_day, self.first_day + self.DAYS)
            dates = days if hours is None else hours.day
            cuts, ats = [], []
            for pickup in schedule.pickups:
                own = dates[np.isin((dates - 1) % 7, list(pickup.weekdays))]
                zone = departure.spot.time_zone
                ats.append(epochs(zone, own, np.full(len(own), pickup.at_minute)))
                cut = np.full(len(own), pickup.cut_off_minute)
                cuts.append(epochs(zone, own - pickup.days_before, cut))
            at, cut = np.concatenate(ats), np.concatenate(cuts)
            order = np.lexsort((cut, at))
            self._pickups[key] = (cut[order], at[order])
        return self._pickups[key]


class Timetable:
    """The times of a network's offers, minute by minute. Safe to use from several threads."""

    KEPT = 4
    """Minutes remembered."""

    def __init__(self, network: Network, offers: Offers) -> None:
        self._network = network
        self.keeps_time = network.keeps_time
        self._offers = offers
        self._lanes: list[Lane] = [lane for service in network.services for lane in service.lanes]
        self._schedules = {s.schedule_id: s for s in network.schedules}
        self._lock = threading.Lock()
        self._layouts: dict[int, Layout] = {}
        self._made: dict[int, OfferTimes] = {}

    def origin(self, now_seconds: int) -> int:
        """The instant that times are reckoned from."""
        if not self.keeps_time:
            return now_seconds
        return -(-now_seconds // MINUTE_SECONDS) * MINUTE_SECONDS

    def at(self, origin_seconds: int) -> OfferTimes:
        """What is offered by an order that counts from ``origin_seconds``."""
        if not self.keeps_time:
            origin_seconds = 0
        with self._lock:
            if origin_seconds not in self._made:
                while len(self._made) >= self.KEPT:
                    self._made.pop(next(iter(self._made)))
                self._made[origin_seconds] = self._make(origin_seconds)
            return self._made[origin_seconds]

    def layout(self, at_seconds: int) -> Layout:
        """Calendars around an instant."""
        around = Layout.around(self._network, at_seconds)
        found = self._layouts.get(around.first_day)
        if found is None:
            while len(self._layouts) >= self.KEPT:
                self._layouts.pop(next(iter(self._layouts), 0), None)
            found = self._layouts.setdefault(around.first_day, around)
        return found

    @cached_property
    def _legs(self) -> tuple[I64, I64]:
        """(legs, leg of offer): distinct (departure, service, lane, arrival), int64[U, 4], and which of them
        each offer and service has, int64[F, V], -1 for none."""
        o = self._offers
        at = np.argwhere(o.lane >= 0)
        rows = np.stack(
            [o.departure[at[:, 0]], at[:, 1], o.lane[at[:, 0], at[:, 1]], o.arrival[at[:, 0]]], axis=1
        ).astype(np.int64)
        legs, which = np.unique(rows, axis=0, return_inverse=True)
        of_offer = np.full(o.lane.shape, -1, np.int64)
        of_offer[at[:, 0], at[:, 1]] = which.reshape(-1)
        return legs, of_offer

    def _make(self, origin_seconds: int) -> OfferTimes:
        legs, of_offer = self._legs
        release = np.full(len(legs), origin_seconds, np.int64)
        o = self._offers
        seconds = self.leg_times(o.departures, o.arrivals, legs, release) - origin_seconds
        none = of_offer < 0
        found = np.append(seconds, NEVER)[np.where(none, -1, of_offer)]
        gone = none | (found > HORIZON_DAYS * DAY_SECONDS)
        lane = np.where(gone, np.int32(-1), self._offers.lane)
        found = np.where(gone, 0, found)
        what = np.concatenate([lane, -(-found // DAY_SECONDS)], axis=1)
        kind = np.unique(what, axis=0, return_inverse=True)[1] if what.shape[1] else np.zeros(len(what))
        columns = (lane, found.astype(np.int64), kind.reshape(-1).astype(np.int32))
        for column in columns:
            column.setflags(write=False)
        return OfferTimes(*columns)

    def leg_times(
        self,
        departures: Sequence[Departure],
        arrivals: Sequence[Arrival],
        legs: I64,
        release: I64,
        slack: Slack = NO_SLACK,
    ) -> I64:
        """int64[n]: the instant at which goods that may leave from ``release`` on arrive by each leg
        int64[n, 4] (departure, service, lane, arrival); NEVER beyond the calendars."""
        out = np.empty(len(legs), np.int64)
        if not len(legs):
            return out
        layout = self.layout(int(release.min()))
        by_departure = np.unique(legs[:, :2], axis=0, return_inverse=True)[1].reshape(-1)
        for i in np.unique(by_departure):
            rows = np.flatnonzero(by_departure == i)
            departure = departures[int(legs[rows[0], 0])].later(slack.processing_seconds)
            late_days = slack.transit_days.get(int(legs[rows[0], 1]), 0)
            handed = self._handover(layout, departure, int(legs[rows[0], 1]), release[rows])
            for arrival in np.unique(legs[rows, 3]):
                own = legs[rows, 3] == arrival
                out[rows[own]] = self._arrive(
                    layout, departure, legs[rows[own]], arrivals[int(arrival)], handed[own], late_days
                )
        return out

    def ready(self, departure: Departure, release: I64, lead_seconds: int = 0) -> I64:
        """The instants at which goods are ready for the carrier, and have been for ``lead_seconds`` of open
        time; NEVER beyond the calendars."""
        if not len(release):
            return release
        return _ready(self.layout(int(release.min())), departure, release, lead_seconds)

    def dates_after(self, time_zone: str, at_seconds: int, days: int) -> I64:
        """int64[days]: the instants at which the local dates after that of an instant begin."""
        clock = self.layout(at_seconds).clock(time_zone)
        first = int(clock.date_of(np.array([at_seconds], np.int64))[0]) - clock.first_day + 1
        return clock.midnight[first : first + days]

    def beginning_of(self, day: date, time_zone: str, near_seconds: int) -> int:
        """The instant at which a local date begins; NEVER for one far from ``near_seconds``, 0 for one
        before."""
        clock = self.layout(near_seconds).clock(time_zone)
        at = day.toordinal() - clock.first_day
        if at < 0:
            return 0
        return int(clock.midnight[at]) if at < len(clock.midnight) else NEVER

    def _handover(self, layout: Layout, departure: Departure, service_ix: int, release: I64) -> I64:
        ready = _ready(layout, departure, release, 0)
        service = self._network.services[service_ix]
        name = dict(departure.schedules).get(service.service_id)
        if name is None:
            return ready
        cut_off, at = layout.pickups(self._schedules[name], departure)
        first = np.maximum(
            np.searchsorted(cut_off, release, side="left"), np.searchsorted(at, ready, side="left")
        )
        beyond = (first >= len(at)) | (ready >= NEVER)
        return np.where(beyond, NEVER, np.append(at, NEVER)[np.where(beyond, len(at), first)])

    def _arrive(
        self,
        layout: Layout,
        departure: Departure,
        legs: I64,
        arrival: Arrival,
        handed: I64,
        late_days: int,
    ) -> I64:
        """Of legs with equal departure, service and arrival."""
        service = self._network.services[int(legs[0, 1])]
        lanes = [self._lanes[i] for i in legs[:, 2].tolist()]
        stated = [lane.transit_days for lane in lanes]
        days = np.array([-1 if d is None else d + late_days for d in stated], np.int64)
        transit = np.array([lane.transit_seconds for lane in lanes], np.int64) + late_days * DAY_SECONDS
        gone = handed >= NEVER
        safe = np.where(gone, 0, handed)
        zone = arrival.time_zone or departure.spot.time_zone
        spot = Spot(zone, arrival.country, arrival.region)
        hours = layout.hours(arrival.calendar, arrival.closed, spot)
        there = safe + transit
        if hours is not None:
            there = hours.after_work(there, np.zeros(len(there), np.int64))
        if (days >= 0).any():
            date = layout.clock(departure.spot.time_zone).date_of(safe)
            if service.calendar:
                working = layout.hours(service.calendar, frozenset(), departure.spot)
                assert working is not None
                date = working.days_after(date, np.maximum(days, 0))
            else:
                date = date + np.maximum(days, 0)
            over = layout.clock(zone).end_of if hours is None else hours.over_from
            last = over(date, safe)
            there = np.where(days >= 0, np.where(date >= NEVER, NEVER, last), there)
        gone |= there >= NEVER
        if arrival.lead_seconds is not None:
            there = _worked(hours, np.where(gone, handed, there), arrival.lead_seconds)
        return np.where(gone, NEVER, there)


def _ready(layout: Layout, departure: Departure, release: I64, lead_seconds: int) -> I64:
    hours = layout.hours(departure.calendar, departure.closed, departure.spot)
    return _worked(hours, release, departure.processing_seconds + lead_seconds)


def _worked(hours: Hours | None, at: I64, seconds: int) -> I64:
    if hours is None:
        return at + seconds
    return hours.after_work(at, np.full(len(at), seconds, np.int64))
