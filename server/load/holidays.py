"""Public holidays by country and region, from the package ``holidays``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache

from holidays import country_holidays

from router.rules.validate import did_you_mean

YEARS_BACK, YEARS_AHEAD = 1, 3
"""Holidays are known from the year before the one in which a process starts to the third after it."""

_DEPARTMENTS = [*(f"{n:02d}" for n in range(1, 96) if n != 20), "2A", "2B", "20R", "69M", "75C"]
_ISO_REGIONS = {"FR": dict.fromkeys(_DEPARTMENTS, "") | {"57": "57", "67": "6AE", "68": "6AE"}}
"""Codes of ISO 3166-2 that the package does not have, with its own for them; empty: as the country."""
_MAX_LISTED = 20


def holiday_mistake(country: str, region: str, calendar: str) -> tuple[str, str] | None:
    """Why the holidays of a place are not known: its field that is wrong, ``country`` or ``region``, and how.
    ``calendar`` is the id of the one that keeps them there."""
    regions = _regions(country)
    if regions is None:
        return "country", (
            f"the public holidays of {country} are not known, and calendar {calendar!r} keeps them: "
            "take one with holidays: open that lists their dates under closed"
        )
    if not region or region in regions:
        return None
    if region.removeprefix(f"{country}-") in regions:
        return "region", f"no region {region!r} of {country}; write it without {country + '-'!r}"
    codes = {*regions.values(), *_ISO_REGIONS.get(country, ())} - {""}
    hint = did_you_mean(region, regions) or f"{_listed(sorted(codes))}; empty is the whole country"
    return "region", f"no region {region!r} of {country}{hint}"


def public_holidays(
    places: Iterable[tuple[str, str]], now_seconds: int
) -> dict[tuple[str, str], frozenset[int]]:
    """Dates (ordinals) by (country, region) of every place, and of its country as region ``""``, in the years
    around an instant (epoch seconds). A region's dates are all that hold there, its country's with them.

    Raises KeyError for a place that ``holiday_mistake`` finds fault with."""
    year = datetime.fromtimestamp(now_seconds, UTC).year
    years = range(year - YEARS_BACK, year + YEARS_AHEAD + 1)
    dates: dict[tuple[str, str], frozenset[int]] = {}
    for country, region in sorted(set(places)):
        if (country, "") not in dates:
            dates[country, ""] = _dates(country, "", years)
        code = (_regions(country) or {})[region] if region else ""
        dates[country, region] = _dates(country, code, years) if code else dates[country, ""]
    return dates


@cache
def _regions(country: str) -> Mapping[str, str] | None:
    """The package's code of every region by the names it may have; None for an unknown country."""
    try:
        known = country_holidays(country)
    except NotImplementedError:
        return None
    codes = {code: code for code in known.subdivisions}
    return {**known.subdivisions_aliases, **_ISO_REGIONS.get(country, {}), **codes}


def _dates(country: str, code: str, years: range) -> frozenset[int]:
    """Of a country, or of one of its regions by the package's code."""
    found = country_holidays(country, subdiv=code or None, years=years)
    return frozenset(date.toordinal() for date in found)


def _listed(codes: list[str]) -> str:
    if not codes:
        return ""
    more = ", ..." if len(codes) > _MAX_LISTED else ""
    return f"; known are {', '.join(codes[:_MAX_LISTED])}{more}"
