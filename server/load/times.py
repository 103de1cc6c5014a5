"""Times of day, dates and time zones as files write them: checked and turned into whole numbers.

Minutes count from local midnight; dates are proleptic ordinals (``datetime.date.toordinal``).
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args
from zoneinfo import available_timezones, reset_tzpath

from pydantic import PlainValidator, WithJsonSchema

from router.rules.validate import did_you_mean

DayName = Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
DAY_NAMES: tuple[str, ...] = get_args(DayName)
DAY_MINUTES = 24 * 60
MAX_RANGE_DAYS = 1_830
"""Most dates between two that are written as a range: five years."""

_TIME = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
_CLOSING = r"^(([0-3][0-9]|4[0-7]):[0-5][0-9]|48:00)$"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_INSTANT = rf"{_DATE}[T ][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(Z|[+-][0-9]{{2}}:[0-9]{{2}})"
_DATES = rf"^{_DATE}(\.\.{_DATE})?$"


def use_packaged_zones() -> None:
    """Time zones come from the package ``tzdata`` from here on, never from the machine's own files, so that
    every machine reckons alike. For the start of a process."""
    reset_tzpath(to=())


def zone_mistake(name: str, known: frozenset[str]) -> str:
    """What is wrong with a time zone; empty when nothing is. ``known`` is ``known_zones()``."""
    return "" if name in known else f"{name!r} is not an IANA time zone{did_you_mean(name, known)}"


def known_zones() -> frozenset[str]:
    """Names of the IANA time zones."""
    return frozenset(available_timezones())


def clock(minute: int) -> str:
    """``570`` as ``09:30``."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def day_of(text: str) -> int:
    """The ordinal of a date such as ``2026-12-24``. Raises ValueError that says what is wrong with it."""
    if not re.fullmatch(_DATE, text):
        raise ValueError(f'must be a date such as "2026-12-24", is {text[:60]!r}')
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError as error:
        raise ValueError(f"there is no date {text!r}") from error


def instant_of(text: str) -> int:
    """Epoch seconds of an instant such as ``2026-12-24T18:00:00+01:00`` (RFC 3339). Raises ValueError that
    says what is wrong with it."""
    if not re.fullmatch(_INSTANT, text):
        raise ValueError(
            f'must be an instant such as "2026-12-24T18:00:00Z" or "...+01:00", is {text[:60]!r}'
        )
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError as error:
        raise ValueError(f"there is no instant {text!r}") from error


def days_of(first: int, last: int) -> range:
    """The ordinals of both dates and those between. Raises ValueError when out of order, or too many."""
    if last < first:
        raise ValueError(f"must not be before {date.fromordinal(first)}, is {date.fromordinal(last)}")
    if last - first >= MAX_RANGE_DAYS:
        raise ValueError(f"covers {last - first + 1} dates, at most {MAX_RANGE_DAYS}")
    return range(first, last + 1)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        raise ValueError("is empty, must be text")
    if isinstance(value, dict | list):
        raise ValueError("must be text")
    raise ValueError(f"must be text, is {value!r}; write it in quotes")


def _minute(value: Any, pattern: str, example: str) -> int:
    text = _text(value)
    if not re.fullmatch(pattern, text):
        raise ValueError(f"must be a time of day {example}, is {text[:60]!r}")
    hours, _, minutes = text.partition(":")
    return 60 * int(hours) + int(minutes)


def _time_of_day(value: Any) -> int:
    return _minute(value, _TIME, 'such as "09:30", at most "24:00"')


def _closing_time(value: Any) -> int:
    return _minute(value, _CLOSING, 'such as "19:00", at most "48:00"')


def _single_day(value: Any) -> int:
    return day_of(_text(value))


def _one_or_more_days(value: Any) -> range:
    first, _, last = _text(value).partition("..")
    return days_of(day_of(first), day_of(last or first))


def _written_as(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern})


TimeOfDay = Annotated[int, PlainValidator(_time_of_day), _written_as(_TIME)]
"""``"HH:MM"`` up to ``"24:00"``, as minutes."""
ClosingTime = Annotated[int, PlainValidator(_closing_time), _written_as(_CLOSING)]
"""``"HH:MM"`` up to ``"48:00"``, as minutes: what is past midnight goes on counting."""
Day = Annotated[int, PlainValidator(_single_day), _written_as(f"^{_DATE}$")]
"""``"2026-12-24"``, as an ordinal."""
Days = Annotated[range, PlainValidator(_one_or_more_days), _written_as(_DATES)]
"""``"2026-12-24"``, or ``"2026-08-01..2026-08-15"`` with both dates in it, as ordinals."""
