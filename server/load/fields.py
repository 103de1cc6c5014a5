"""Values of a table's row: ids, coordinates, calendars, numbers. What is wrong is noted, row after row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from router.countries import COUNTRY_CODES
from router.errors import Violation
from router.rules.validate import did_you_mean
from server.load.header import id_mistake
from server.load.holidays import holiday_mistake
from server.load.rows import SEPARATOR
from server.load.times import zone_mistake

_MAX_TEXT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What rows may refer to.

    services: ids, each with the id of the carrier's calendar or empty. calendars: ids, and whether each keeps
    holidays. schedules: ids.
    """

    services: Mapping[str, str]
    calendars: Mapping[str, bool] = field(default_factory=dict)
    schedules: frozenset[str] = frozenset()

    def holiday_calendar(self, calendar: str, services: Iterable[str] = ()) -> str:
        """The id of a calendar that keeps the holidays of a place: its own, or that of a service which
        collects there. Empty when none does."""
        carriers = sorted(self.services.get(service, "") for service in services)
        return next((name for name in (calendar, *carriers) if self.calendars.get(name)), "")


@dataclass(slots=True)
class Row:
    """One row: each getter notes what is wrong and goes on with something harmless. what: "node"."""

    what: str
    where: str
    values: dict[str, str]
    found: list[Violation]
    is_wrong: bool = field(default=False)

    def wrong(self, column: str, message: str) -> None:
        """Notes a mistake."""
        self.is_wrong = True
        self.found.append(Violation(f"{self.where} {column}", message))

    def text(self, column: str) -> str:
        """Anything of some length."""
        text = self.values.get(column, "")
        if len(text) > _MAX_TEXT:
            self.wrong(column, f"has {len(text)} characters, at most {_MAX_TEXT}")
        return text

    def id(self, column: str) -> str:
        """A name, never empty."""
        text = self.values.get(column, "")
        message = id_mistake(text)
        if message:
            self.wrong(column, message)
        return text

    def ids(self, column: str) -> frozenset[str]:
        """Names between semicolons."""
        entries = [entry.strip() for entry in self.values.get(column, "").split(SEPARATOR)]
        for entry in entries:
            message = id_mistake(entry) if entry else ""
            if message:
                self.wrong(column, f"{shown(entry)} {message}")
        return frozenset(entry for entry in entries if entry)

    def country(self) -> str:
        """An ISO 3166 code."""
        text = self.values.get("country", "")
        if text not in COUNTRY_CODES:
            hint = "; write it in capital letters" if text.upper() in COUNTRY_CODES else ""
            self.wrong("country", f"{text!r} is not an ISO 3166 country code{hint}" if text else "is empty")
        return text

    def degrees(self, column: str, limit: float) -> float:
        """Of latitude or longitude, at most ``limit`` away from 0."""
        text = self.values.get(column, "")
        if not text:
            self.wrong(column, f"is empty: a {self.what} needs coordinates")
            return 0.0
        try:
            degrees = float(text)
        except ValueError:
            hint = "; write a decimal point" if "," in text else ""
            self.wrong(column, f"{shown(text)} is not a number{hint}")
            return 0.0
        if not math.isfinite(degrees) or abs(degrees) > limit:
            self.wrong(column, f"{shown(text)} is not within -{limit:.0f}..{limit:.0f} degrees")
        return degrees

    def time_zone(self, zones: frozenset[str]) -> str:
        """One of the ``known_zones()``; UTC when empty."""
        text = self.text("time_zone")
        if text and (message := zone_mistake(text, zones)):
            self.wrong("time_zone", message)
        return text or "UTC"

    def calendar(self, known: Known, country: str, services: frozenset[str] = frozenset()) -> tuple[str, str]:
        """The region and the calendar of a place where ``services`` collect; their holidays must be known."""
        region, calendar = self.text("region"), self.text("calendar")
        if calendar and calendar not in known.calendars:
            self.wrong("calendar", f"no calendar {calendar!r}{did_you_mean(calendar, known.calendars)}")
        keeper = known.holiday_calendar(calendar, services)
        if keeper and country in COUNTRY_CODES:
            mistake = holiday_mistake(country, region, keeper)
            if mistake is not None:
                self.wrong(*mistake)
        return region, calendar

    def number(self, column: str, least: int, greatest: int) -> int | None:
        """A whole number; None when empty."""
        text = self.values.get(column, "")
        if not text:
            return None
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
            self.wrong(column, f"{shown(text)} is not a whole number")
            return None
        if not least <= int(text) <= greatest:
            self.wrong(column, f"{text} is not within {least}..{greatest}")
        return int(text)


def shown(text: str) -> str:
    """Quoted, and not too long."""
    return repr(text) if len(text) <= 60 else repr(text[:60]) + "..."
