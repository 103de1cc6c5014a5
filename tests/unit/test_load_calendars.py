"""Calendars, pick-ups and closures from files: what they become, and how mistakes are told."""

from __future__ import annotations

import sys
import zoneinfo
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from router.errors import InvalidConfig
from router.network import Calendar, Network, Opening, Pickup, Schedule
from server.cli import main
from server.load import holidays
from server.load.fields import Known
from server.load.network import load_network, parse_carriage
from server.load.nodes import read_nodes
from server.load.times import use_packaged_zones

NOW_SECONDS = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
NETWORK = """\
version: 1
currency: EUR
calendars:
  store:
    hours:
      - {days: [MON, SAT], opens: "10:00", closes: "19:00"}
      - {days: [FRI], opens: "18:00", closes: "26:00"}
    holidays: closed
    closed: ["2026-12-24", "2026-08-01..2026-08-03"]
    open:
      - {date: "2026-12-20", opens: "14:00", closes: "18:00"}
      - {date: "2026-12-20", opens: "09:00", closes: "12:00"}
  dock: {hours: [{days: [MON, TUE, WED, THU, FRI], opens: "00:00", closes: "24:00"}]}
pickups:
  evening:
    - {days: [MON, FRI], at: "09:30", cut_off: "22:15", days_before: 1}
    - {days: [MON], at: "17:30", cut_off: "15:00"}
  noon:
    - {days: [SUN], at: "12:00"}
zones:
  - {id: alsace, country: FR, region: "67", time_zone: Europe/Paris, calendar: store}
  - {id: paris, country: FR, postal_prefixes: ["75"], region: "75"}
services:
  - {id: parcel, calendar: dock, lanes: [{transit_days: 2, brackets: [{up_to_grams: 1, cents: 1}]}]}
  - {id: air, lanes: [{transit_hours: 0, brackets: [{up_to_grams: 1, cents: 1}]}]}
"""
NODES = """\
node_id,node_type,country,latitude,longitude,time_zone,region,calendar,services,pickups
b,STORE,FR,1,2,Europe/Paris,57,store,parcel;air,parcel=evening; air = noon
a,STORE,DE,1,2,,BY,dock,parcel,
"""
CLOSURES = """\
node_id,from,to
b,2026-07-01,2026-07-03
b,2026-07-03,
b,2026-09-01,2026-09-01
"""


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def load(folder: Path, network: str = NETWORK, nodes: str = NODES, closures: str = CLOSURES) -> Network:
    texts = {"network.yaml": network, "nodes.csv": nodes, "closures.csv": closures}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    paths = [folder / name for name in texts]
    return load_network(paths[0], paths[1], now_seconds=NOW_SECONDS, closures=paths[2])[0]


def test_a_network_with_hours_is_what_its_files_say(tmp_path: Path) -> None:
    network = load(tmp_path)
    weekdays = Opening(weekdays=frozenset(range(5)), opens_minute=0, closes_minute=1440)
    assert network.calendars == (
        Calendar(
            calendar_id="store",
            openings=(
                Opening(weekdays=frozenset({0, 5}), opens_minute=600, closes_minute=1140),
                Opening(weekdays=frozenset({4}), opens_minute=1080, closes_minute=1560),
            ),
            keeps_holidays=True,
            closed=frozenset(map(day, ("2026-12-24", "2026-08-01", "2026-08-02", "2026-08-03"))),
            special={day("2026-12-20"): ((540, 720), (840, 1080))},
        ),
        Calendar(calendar_id="dock", openings=(weekdays,)),
    )
    morning = Pickup(weekdays=frozenset({0, 4}), at_minute=570, cut_off_minute=1335, days_before=1)
    afternoon = Pickup(weekdays=frozenset({0}), at_minute=1050, cut_off_minute=900)
    noon = Pickup(weekdays=frozenset({6}), at_minute=720, cut_off_minute=720)
    assert network.schedules == (
        Schedule(schedule_id="evening", pickups=(morning, afternoon)),
        Schedule(schedule_id="noon", pickups=(noon,)),
    )
    zone, rest = network.zones
    assert (zone.region, zone.time_zone, zone.calendar) == ("67", "Europe/Paris", "store")
    assert (rest.region, rest.time_zone, rest.calendar) == ("75", "", "")
    parcel, air = network.services
    assert (parcel.calendar, parcel.lanes[0].transit_days, parcel.lanes[0].transit_seconds) == ("dock", 2, 0)
    assert (air.calendar, air.lanes[0].transit_days) == ("", None)
    a, b = network.nodes
    assert (a.region, a.calendar, a.schedules, a.closed) == ("BY", "dock", (), frozenset())
    assert (b.region, b.calendar, b.time_zone) == ("57", "store", "Europe/Paris")
    assert b.schedules == (("air", "noon"), ("parcel", "evening"))
    assert b.closed == frozenset(map(day, ("2026-07-01", "2026-07-02", "2026-07-03", "2026-09-01")))


def test_holidays_are_those_of_the_places_whose_calendars_keep_them(tmp_path: Path) -> None:
    """A zone and a node keep them by the calendar ``store``; node a and the zone paris by none."""
    assert set(load(tmp_path).holidays) == {("FR", ""), ("FR", "67"), ("FR", "57")}
    carrier = NETWORK.replace("dock: {hours", "dock: {holidays: closed, hours")
    assert set(load(tmp_path, carrier).holidays) == {
        *(("FR", region) for region in ("", "57", "67")),
        *(("DE", region) for region in ("", "BY")),
    }
    assert load(tmp_path, NETWORK.replace("holidays: closed", "holidays: open")).holidays == {}


def test_the_holidays_of_a_carrier_are_kept_where_it_collects(tmp_path: Path) -> None:
    network = NETWORK.replace("holidays: closed", "holidays: open")
    network = network.replace("dock: {hours", "dock: {holidays: closed, hours")
    nodes = NODES.replace(",dock,parcel,", ",,parcel,").replace(
        "57,store,parcel;air,parcel=evening; ", "57,store,air,"
    )
    assert set(load(tmp_path, network, nodes).holidays) == {("DE", ""), ("DE", "BY")}


@pytest.fixture
def no_french_holidays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holidays, "_regions", {"DE": {"BY": "BY"}}.get)


NO_HOLIDAYS = (
    "the public holidays of FR are not known, and calendar 'store' keeps them: "
    "take one with holidays: open that lists their dates under closed"
)


@pytest.mark.usefixtures("no_french_holidays")
def test_a_country_without_known_holidays_is_a_mistake_where_a_calendar_keeps_them(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig) as raised:
        load(tmp_path)
    [violation] = raised.value.violations
    assert str(violation) == f"{tmp_path}/network.yaml:21:18 zones[0].country: {NO_HOLIDAYS}"
    with pytest.raises(InvalidConfig) as raised:
        load(tmp_path, NETWORK.replace(", time_zone: Europe/Paris, calendar: store", ""))
    [violation] = raised.value.violations
    assert str(violation) == f"{tmp_path}/nodes.csv:2 country: {NO_HOLIDAYS}"
    assert load(tmp_path, NETWORK.replace("holidays: closed", "holidays: open")).holidays == {}


def network_mistakes(text: str) -> list[str]:
    with pytest.raises(InvalidConfig) as raised:
        parse_carriage(text, "network.yaml")
    return [str(violation) for violation in raised.value.violations]


HOURS = "calendars.store.hours[0]"
CLOSED = "calendars.store.closed"
DATES = "calendars.store.open[0]"
TIME = 'must be a time of day such as "09:30", at most "24:00"'
CLOSING_TIME = 'must be a time of day such as "19:00", at most "48:00"'
PAST = "past midnight goes on to 48:00"
DATE = 'must be a date such as "2026-12-24"'
EVENING = "pickups.evening"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[MON, SAT]", "[MON, SAT, MON]", f"6:27 {HOURS}.days[2]: 'MON' is given twice"),
        ("[MON, SAT]", "[MON, SAY]",
         f"6:22 {HOURS}.days[1]: 'SAY' is not one of MON, TUE, WED, THU, FRI, SAT, SUN; did you mean 'SAT'?"),
        ("[MON, SAT]", "[]", f"6:10 {HOURS}.days: has 0 entries, at least 1"),
        ('"10:00"', '"9:30"', f"6:28 {HOURS}.opens: {TIME}, is '9:30'"),
        ('"10:00"', '"24:30"', f"6:28 {HOURS}.opens: {TIME}, is '24:30'"),
        ('"10:00"', "1000", f"6:28 {HOURS}.opens: must be text, is 1000; write it in quotes"),
        ('"10:00"', "", f"6:28 {HOURS}.opens: is empty, must be text"),
        ('"10:00"', "[a]", f"6:28 {HOURS}.opens: must be text"),
        (', closes: "19:00"', "", f"6:9 {HOURS}.closes: is required"),
        ('"19:00"', '"48:01"', f"6:44 {HOURS}.closes: {CLOSING_TIME}, is '48:01'"),
        ('"19:00"', '"10:00"',
         f"6:44 {HOURS}.closes: must be after 10:00, is 10:00; {PAST}"),
        ('"26:00"', '"02:00"',
         f"7:39 calendars.store.hours[1].closes: must be after 18:00, is 02:00; {PAST}"),
        ("holidays: closed", "holidays: shut",
         "8:5 calendars.store.holidays: 'shut' is not one of open, closed"),
        ('"2026-12-24"', '"24.12.2026"', f"9:14 {CLOSED}[0]: {DATE}, is '24.12.2026'"),
        ('"2026-12-24"', "20261224",
         f"9:14 {CLOSED}[0]: must be text, is 20261224; write it in quotes"),
        ('"2026-12-24"', '"2026-02-29"', f"9:14 {CLOSED}[0]: there is no date '2026-02-29'"),
        ("2026-08-01..", "2026-08-31..",
         f"9:28 {CLOSED}[1]: must not be before 2026-08-31, is 2026-08-03"),
        ("2026-08-01..", "2020-08-01..",
         f"9:28 {CLOSED}[1]: covers 2194 dates, at most 1830"),
        ("2026-08-01..", "..", f"9:28 {CLOSED}[1]: {DATE}, is ''"),
        ('"2026-12-20", opens: "14', '"2026-13-20", opens: "14',
         f"11:10 {DATES}.date: there is no date '2026-13-20'"),
        ('"18:00"}\n      - {date', '"14:00"}\n      - {date',
         f"11:46 {DATES}.closes: must be after 14:00, is 14:00; {PAST}"),
        ('dock: {hours: [{days: [MON, TUE, WED, THU, FRI], opens: "00:00", closes: "24:00"}]}', "dock: {}",
         "13:3 calendars.dock: is never open: needs hours, or dates under open"),
        ('noon:\n    - {days: [SUN], at: "12:00"}', "noon: []",
         "18:3 pickups.noon: has 0 entries, at least 1"),
        ("[SUN]", "[SUN, SUN]", "19:20 pickups.noon[0].days[1]: 'SUN' is given twice"),
        ('at: "12:00"', 'at: "12.00"', f"19:21 pickups.noon[0].at: {TIME}, is '12.00'"),
        ('at: "12:00"', 'at: "12:00", days_before: 1',
         "19:34 pickups.noon[0].days_before: needs a cut_off: it says of which date that is"),
        ('at: "12:00"', 'at: "12:00", days_before: 32',
         "19:34 pickups.noon[0].days_before: must be at most 31, is 32"),
        ("15:00", "17:31", f"17:34 {EVENING}[1].cut_off: must not be after its pick-up 17:30, is 17:31"),
        ("17:30", "09:30",
         f"17:21 {EVENING}[1].at: must be after 09:30 of the pick-up before on MON, is 09:30"),
        ("calendar: store", "calendar: stores",
         "21:70 zones[0].calendar: no calendar 'stores'; did you mean 'store'?"),
        ("Europe/Paris", "Europe/Pariss",
         "21:45 zones[0].time_zone: 'Europe/Pariss' is not an IANA time zone; did you mean 'Europe/Paris'?"),
        ('region: "67"', 'region: "96"', "21:31 zones[0].region: no region '96' of FR; did you mean '976'?"),
        ("calendar: dock", "calendar: docks",
         "24:18 services[0].calendar: no calendar 'docks'; did you mean 'dock'?"),
    ],
)  # fmt: skip
def test_mistakes_of_the_network_file_name_line_and_path(old: str, new: str, expected: str) -> None:
    assert NETWORK.count(old) == 1
    found = network_mistakes(NETWORK.replace(old, new))
    assert f"network.yaml:{expected}" in found


def cut_off_mistakes(*pickups: str) -> list[str]:
    entries = "".join(f"\n    - {{{pickup}}}" for pickup in pickups)
    text = NETWORK.replace('\n    - {days: [SUN], at: "12:00"}', entries)
    return [line.partition(" ")[2] for line in network_mistakes(text)]


SATURDAY = 'days: [SAT], at: "12:00"'
MONDAY = 'days: [MON], at: "09:00", cut_off: "15:00", days_before: '


def test_cut_offs_ascend_with_the_pickups_over_dates_and_weeks() -> None:
    [told] = cut_off_mistakes(SATURDAY, MONDAY + "3")
    where = "pickups.noon[1].cut_off: comes on MON before that of the pick-up before, SAT 12:00"
    assert told == where
    [told] = cut_off_mistakes(MONDAY + "3", SATURDAY)
    assert told == where.replace("[1]", "[0]")
    [told] = cut_off_mistakes(
        'days: [TUE], at: "09:00", cut_off: "20:00", days_before: 1',
        'days: [TUE], at: "18:00", cut_off: "19:59", days_before: 1',
    )
    assert told == "pickups.noon[1].cut_off: comes on TUE before that of the pick-up before, TUE 09:00"


@pytest.mark.parametrize(
    "pickups",
    [
        [SATURDAY, MONDAY + "2"],
        [MONDAY + "31"],
        ['days: [TUE], at: "09:00", cut_off: "20:00", days_before: 1',
         'days: [TUE], at: "18:00", cut_off: "20:00", days_before: 1'],
        ['days: [FRI], at: "18:00"', 'days: [MON], at: "09:00"'],
        ['days: [MON], at: "24:00", cut_off: "24:00"'],
    ],
)  # fmt: skip
def test_cut_offs_in_order_are_no_mistake(pickups: list[str]) -> None:
    entries = "".join(f"\n    - {{{pickup}}}" for pickup in pickups)
    text = NETWORK.replace('\n    - {days: [SUN], at: "12:00"}', entries)
    assert len(parse_carriage(text, "network.yaml").schedules[1].pickups) == len(pickups)


def test_mistakes_of_calendars_and_pickups_come_at_once_in_file_order() -> None:
    text = NETWORK.replace('"26:00"', '"02:00"').replace("15:00", "18:00").replace("[SUN]", "[SUN, SUN]")
    text = text.replace("calendar: store", "calendar: x").replace("calendar: dock", "calendar: y")
    assert [line.split(":")[1] for line in network_mistakes(text)] == ["7", "17", "19", "21", "24"]


KNOWN = Known(
    services={"parcel": "", "freight": "dock"},
    calendars={"store": True, "always": False, "dock": True},
    schedules=frozenset({"evening"}),
)
HEAD = "node_id,node_type,country,latitude,longitude,region,calendar,services,pickups\n"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("FR,1,2,,stor,,", ["calendar: no calendar 'stor'; did you mean 'store'?"]),
        ("FR,1,2,Alsac,store,,", ["region: no region 'Alsac' of FR; did you mean 'Alsace'?"]),
        ("DE,1,2,BYE,,freight,", ["region: no region 'BYE' of DE; did you mean 'BY'?"]),
        ("XX,1,2,BYE,store,,", ["country: 'XX' is not an ISO 3166 country code"]),
        ("FR,1,2,,,parcel,parcel", ["pickups: 'parcel' must be service=schedule, such as parcel=evening"]),
        ("FR,1,2,,,parcel,parcel=", ["pickups: 'parcel=' must be service=schedule, such as parcel=evening"]),
        ("FR,1,2,,,parcel,=evening",
         ["pickups: '=evening' must be service=schedule, such as parcel=evening"]),
        ("FR,1,2,,,parcel,parcle=evening", ["pickups: no service 'parcle'; did you mean 'parcel'?"]),
        ("FR,1,2,,,parcel,freight=evening",
         ["pickups: service 'freight' is not among the services of this node"]),
        ("FR,1,2,,,parcel,parcel=evenin", ["pickups: no pickups 'evenin'; did you mean 'evening'?"]),
        ("FR,1,2,,,parcel,parcel=evening;parcel=evening", ["pickups: service 'parcel' is given twice"]),
        ("FR,1,2,,x,parcel,y=evening;parcel",
         ["calendar: no calendar 'x'", "pickups: no service 'y'",
          "pickups: 'parcel' must be service=schedule, such as parcel=evening"]),
    ],
)  # fmt: skip
def test_mistakes_of_a_node_name_line_and_column(tmp_path: Path, row: str, expected: list[str]) -> None:
    path = tmp_path / "nodes.csv"
    path.write_text(f"{HEAD}n1,STORE,{row}\n", encoding="utf-8")
    with pytest.raises(InvalidConfig) as raised:
        read_nodes(path, KNOWN)
    assert [str(violation) for violation in raised.value.violations] == [f"{path}:2 {e}" for e in expected]


def test_a_region_counts_only_where_holidays_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "nodes.csv"
    path.write_text(f"{HEAD}n1,STORE,FR,1,2,Elsass,always,parcel,\n", encoding="utf-8")
    [node] = read_nodes(path, KNOWN)
    assert (node.region, node.calendar) == ("Elsass", "always")


def test_the_command_takes_time_zones_from_the_package_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoneinfo.reset_tzpath(to=[str(tmp_path)])
    try:
        monkeypatch.setattr(sys, "argv", ["sourcier", "--help"])
        with pytest.raises(SystemExit):
            main()
        assert zoneinfo.TZPATH == ()
    finally:
        use_packaged_zones()
