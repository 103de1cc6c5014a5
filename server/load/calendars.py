"""Calendars of the network file: opening hours by weekday, holidays, dates closed and dates open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from router.network import Calendar, Opening
from router.rules.yaml_lines import Path as FieldPath
from server.load.times import DAY_NAMES, ClosingTime, Day, DayName, Days, TimeOfDay, clock

Findings = Iterator[tuple[FieldPath, str]]
"""Places in a document, and what is wrong there."""
DayNames = Annotated[tuple[DayName, ...], Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HoursEntry(_Model):
    """Open on some weekdays from one local time to another."""

    days: DayNames
    opens: TimeOfDay
    closes: ClosingTime = Field(description="After opens; 26:00 is two in the morning of the date after.")


class OpenDateEntry(_Model):
    """The hours of one date, instead of all that is said of it elsewhere."""

    date: Day
    opens: TimeOfDay
    closes: ClosingTime


class CalendarEntry(_Model):
    """When something is open, by the local date where it stands. Entries of a date add up."""

    hours: Annotated[tuple[HoursEntry, ...], Field(max_length=1_000)] = ()
    holidays: Literal["open", "closed"] = Field(
        default="open", description="On the public holidays of the country and region where it is used."
    )
    closed: Annotated[tuple[Days, ...], Field(max_length=10_000)] = Field(
        default=(), description="Dates, or ranges of dates with both ends in them."
    )
    open: Annotated[tuple[OpenDateEntry, ...], Field(max_length=10_000)] = Field(
        default=(), description="Hours of single dates; they count before everything else."
    )


def calendar_mistakes(calendars: Mapping[str, CalendarEntry]) -> Findings:
    """What the types do not say."""
    for name, calendar in calendars.items():
        if not (calendar.hours or calendar.open):
            yield ("calendars", name), "is never open: needs hours, or dates under open"
        for at, hours in enumerate(calendar.hours):
            yield from twice(hours.days, ("calendars", name, "hours", at, "days"))
        entries: dict[str, Sequence[HoursEntry | OpenDateEntry]] = {
            "hours": calendar.hours,
            "open": calendar.open,
        }
        for key, listed in entries.items():
            for at, entry in enumerate(listed):
                if entry.closes <= entry.opens:
                    message = f"must be after {clock(entry.opens)}, is {clock(entry.closes)}"
                    more = "; past midnight goes on to 48:00"
                    yield ("calendars", name, key, at, "closes"), message + more


def twice(names: Sequence[str], path: FieldPath) -> Findings:
    """Every name that was there before."""
    for at, name in enumerate(names):
        if name in names[:at]:
            yield (*path, at), f"{name!r} is given twice"


def weekdays_of(days: Sequence[str]) -> frozenset[int]:
    """0 is Monday."""
    return frozenset(DAY_NAMES.index(day) for day in days)


def calendar_of(name: str, entry: CalendarEntry) -> Calendar:
    """As the core has it."""
    special: dict[int, list[tuple[int, int]]] = {}
    for opening in entry.open:
        special.setdefault(opening.date, []).append((opening.opens, opening.closes))
    return Calendar(
        calendar_id=name,
        openings=tuple(
            Opening(weekdays=weekdays_of(hours.days), opens_minute=hours.opens, closes_minute=hours.closes)
            for hours in entry.hours
        ),
        keeps_holidays=entry.holidays == "closed",
        closed=frozenset(day for days in entry.closed for day in days),
        special={day: tuple(sorted(openings)) for day, openings in special.items()},
    )
