"""Public holidays by country and region, and what is said where they are not known."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from router.countries import COUNTRY_CODES
from server.load.holidays import holiday_mistake, public_holidays

NOW_SECONDS = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())


def dates(country: str, region: str, year: int = 2026) -> set[str]:
    known = public_holidays([(country, region)], NOW_SECONDS)[country, region]
    return {str(date.fromordinal(d)) for d in known if date.fromordinal(d).year == year}


def test_alsace_and_moselle_have_two_holidays_more_than_the_rest_of_france() -> None:
    france = dates("FR", "")
    assert france == {
        f"2026-{month_and_day}"
        for month_and_day in (
            *(
                "01-01",
                "04-06",
                "05-01",
                "05-08",
                "05-14",
                "05-25",
                "07-14",
                "08-15",
                "11-01",
                "11-11",
                "12-25",
            ),
        )
    }
    for region in ("67", "68", "57", "6AE", "Alsace", "Moselle"):
        assert dates("FR", region) - france == {"2026-04-03", "2026-12-26"}
        assert france < dates("FR", region)
    for region in ("75", "75C", "01", "2A", "95", "69"):
        assert dates("FR", region) == france
    assert dates("FR", "67", 2027) - dates("FR", "", 2027) == {"2027-03-26", "2027-12-26"}


def test_holidays_of_other_countries() -> None:
    assert "2026-11-01" in dates("DE", "BY")
    assert "2026-11-01" not in dates("DE", "BE")
    assert {"2026-07-21", "2026-11-11"} < dates("BE", "")


def test_holidays_are_known_from_the_year_before_to_the_third_after() -> None:
    years = {date.fromordinal(d).year for d in public_holidays([("FR", "")], NOW_SECONDS)["FR", ""]}
    assert years == {2025, 2026, 2027, 2028, 2029}
    last_second = int(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
    assert public_holidays([("FR", "")], last_second) == public_holidays([("FR", "")], NOW_SECONDS)
    assert public_holidays([("FR", "")], last_second + 1) != public_holidays([("FR", "")], NOW_SECONDS)


def test_the_holidays_of_every_country_are_known() -> None:
    assert [code for code in COUNTRY_CODES if holiday_mistake(code, "", "c") is not None] == []


@pytest.mark.parametrize(
    ("country", "region", "expected"),
    [
        ("FR", "Alsac", "no region 'Alsac' of FR; did you mean 'Alsace'?"),
        ("DE", "by", "no region 'by' of DE; did you mean 'BY'?"),
        ("FR", "FR-67", "no region 'FR-67' of FR; write it without 'FR-'"),
        ("BE", "BRU", "no region 'BRU' of BE; known are Flemish, French, German; empty is the whole country"),
        ("LU", "L", "no region 'L' of LU; empty is the whole country"),
        ("FR", "99", "no region '99' of FR; known are 01, 02, 03, 04, 05, 06, 07, 08, 09, 10, 11, 12, 13, "
                     "14, 15, 16, 17, 18, 19, 20R, ...; empty is the whole country"),
    ],
)  # fmt: skip
def test_an_unknown_region_is_told_with_near_names(country: str, region: str, expected: str) -> None:
    assert holiday_mistake(country, region, "store") == ("region", expected)
