"""Calendars as columns: what a calendar means somewhere, as sorted instants. docs/cost-model.md, "Hours".

Everything is vectorised over instants (epoch seconds); ``NEVER`` stands for what lies beyond the dates that
were laid out. Dates are proleptic ordinals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from router.network import Calendar, Network

I64 = NDArray[np.int64]

NEVER = 2**62
DAY_SECONDS = 86_400
EPOCH_ORDINAL = 719_163
"""1 January 1970."""
ALL_DAY = ((0, 1440),)


@dataclass(frozen=True, slots=True)
class Spot:
    """What dates and holidays depend on."""

    time_zone: str
    country: str
    region: str


@dataclass(frozen=True, slots=True)
class Clock:
    """Local time of a zone for ``days`` dates from ``first_day`` on. midnight: int64[days + 1], the epoch
    seconds at which each date begins."""

    time_zone: str
    first_day: int
    midnight: I64

    @classmethod
    def of(cls, time_zone: str, first_day: int, days: int) -> Clock:
        dates = np.arange(first_day, first_day + days + 1)
        return cls(time_zone, first_day, epochs(time_zone, dates, np.zeros(len(dates), np.int64)))

    def date_of(self, at: I64) -> I64:
        """Ordinal of the local date of an instant; NEVER outside."""
        found = np.searchsorted(self.midnight, at, side="right") - 1
        outside = (found < 0) | (found >= len(self.midnight) - 1)
        return np.where(outside, NEVER, self.first_day + found)

    def end_of(self, date: I64, not_before: I64) -> I64:
        """The instant at which the first date from ``date`` on is over that is not over before another
        instant; NEVER outside."""
        first_end = np.searchsorted(self.midnight, not_before, side="left")
        at = np.maximum(date - self.first_day + 1, first_end)
        outside = (date < self.first_day) | (at >= len(self.midnight))
        return np.where(outside, NEVER, self.midnight[np.where(outside, 0, at)])


@dataclass(frozen=True, slots=True)
class Hours:
    """When something is open: W windows [opens, closes) that neither touch nor overlap, ascending; worked:
    int64[W + 1], open seconds before each. day: int64[D], ordinals of the open days; over: int64[D],
    ascending, the last closing of each or of one before."""

    opens: I64
    closes: I64
    worked: I64
    day: I64
    over: I64

    def after_work(self, at: I64, work_seconds: I64) -> I64:
        """The first instant by which the open seconds since ``at`` amount to ``work_seconds``; for none, the
        first open instant from ``at`` on."""
        if not len(self.opens):
            return np.full(np.broadcast(at, work_seconds).shape, NEVER)
        last = len(self.opens) - 1
        here = np.searchsorted(self.closes, at, side="right")
        row = np.minimum(here, last)
        start = np.maximum(at, self.opens[row])
        target = self.worked[row] + start - self.opens[row] + work_seconds
        there = np.searchsorted(self.worked, target, side="left") - 1
        done = self.opens[np.clip(there, 0, last)] + target - self.worked[np.clip(there, 0, last)]
        found = np.where(work_seconds == 0, start, done)
        return np.where((here > last) | ((work_seconds > 0) & (there > last)), NEVER, found)

    def over_from(self, date: I64, not_before: I64) -> I64:
        """When the first open day from a date on is over that is not over before another instant; NEVER
        beyond."""
        row = np.searchsorted(self.day, date, side="left")
        return self._days_at(np.maximum(row, np.searchsorted(self.over, not_before, side="left")))[1]

    def days_after(self, date: I64, count: I64) -> I64:
        """The ``count``-th open day after a date (0: the date itself)."""
        later, _ = self._days_at(np.searchsorted(self.day, date, side="right") + count - 1)
        return np.where(count == 0, date, later)

    def _days_at(self, row: I64) -> tuple[I64, I64]:
        if not len(self.day):
            return np.full(row.shape, NEVER), np.full(row.shape, NEVER)
        beyond = row >= len(self.day)
        row = np.where(beyond, 0, row)
        return np.where(beyond, NEVER, self.day[row]), np.where(beyond, NEVER, self.over[row])


def hours_of(
    calendar: Calendar | None,
    closed: frozenset[int],
    spot: Spot,
    holidays: Mapping[tuple[str, str], frozenset[int]],
    first_day: int,
    days: int,
) -> Hours | None:
    """The hours of a calendar (None: all day) that is closed on some dates besides, for ``days`` dates from
    ``first_day`` on. None: always open."""
    if calendar is None and not closed:
        return None
    national = holidays.get((spot.country, ""), frozenset())
    off = holidays.get((spot.country, spot.region), national)
    dates: list[int] = []
    opens: list[int] = []
    closes: list[int] = []
    for date in range(first_day, first_day + days):
        for first, last in _entries(calendar, closed, off, date):
            dates.append(date)
            opens.append(first)
            closes.append(last)
    day = np.array(dates, np.int64)
    start = epochs(spot.time_zone, day, np.array(opens, np.int64))
    stop = epochs(spot.time_zone, day, np.array(closes, np.int64))
    real = stop > start
    return _merged(day[real], start[real], stop[real])


def _entries(
    calendar: Calendar | None, closed: frozenset[int], holidays: frozenset[int], date: int
) -> tuple[tuple[int, int], ...]:
    """(opens, closes) in local minutes of one date."""
    if date in closed:
        return ()
    if calendar is None:
        return ALL_DAY
    if date in calendar.special:
        return calendar.special[date]
    if date in calendar.closed or (calendar.keeps_holidays and date in holidays):
        return ()
    weekday = (date - 1) % 7
    return tuple((o.opens_minute, o.closes_minute) for o in calendar.openings if weekday in o.weekdays)


def _merged(day: I64, start: I64, stop: I64) -> Hours:
    """Windows that touch or overlap become one; days keep the last closing of the entries up to theirs."""
    open_days, of_day = np.unique(day, return_inverse=True)
    over = np.zeros(len(open_days), np.int64)
    np.maximum.at(over, of_day, stop)
    over = np.maximum.accumulate(over)
    by_start = np.argsort(start, kind="stable")
    start, stop = start[by_start], np.maximum.accumulate(stop[by_start])
    fresh = np.ones(len(start), bool)
    fresh[1:] = start[1:] > stop[:-1]
    opens = start[fresh]
    closes = stop[np.append(fresh[1:], True)] if len(start) else stop
    worked = np.concatenate([[0], np.cumsum(closes - opens)]).astype(np.int64)
    return Hours(opens, closes, worked, open_days, over)


def epochs(time_zone: str, date: I64, minute: I64) -> I64:
    """The instants of local times. A time that the clock skips is the instant of the change; of one that it
    shows twice, the first."""
    if not len(date):
        return np.zeros(0, np.int64)
    zone = ZoneInfo(time_zone)
    first = int(date.min()) - 2
    noons = np.arange(first, int(date.max()) + 6)
    offset = np.array([_offset(zone, (n - EPOCH_ORDINAL) * DAY_SECONDS) for n in noons.tolist()], np.int64)
    found = (date - EPOCH_ORDINAL) * DAY_SECONDS + 60 * minute - offset[date - first]
    changes = np.flatnonzero(np.diff(offset))
    if len(changes):
        # From two days before a change to two after it, each instant is looked up by itself.
        near = np.zeros(len(noons), bool)
        for change in changes.tolist():
            near[max(0, change - 3) : change + 4] = True
        for i in np.flatnonzero(near[date - first]).tolist():
            found[i] = _epoch(zone, int(date[i]), int(minute[i]))
    return found


def _offset(zone: ZoneInfo, at: int) -> int:
    delta = datetime.fromtimestamp(at, zone).utcoffset()
    return 0 if delta is None else round(delta.total_seconds())


def _epoch(zone: ZoneInfo, date: int, minute: int) -> int:
    local = datetime.fromordinal(date) + timedelta(minutes=minute)
    first, second = (round(local.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    if first <= second:
        return first
    low, high = second, first  # a skipped time: reckoned by the clock before the change it lies after it
    after = _offset(zone, high)
    while low < high:
        middle = (low + high) // 2
        if _offset(zone, middle) == after:
            high = middle
        else:
            low = middle + 1
    return high


def calendars_of(network: Network) -> dict[str, Calendar]:
    """By id."""
    return {c.calendar_id: c for c in network.calendars}
