"""Times worked out by hand: the verifier's dates and the slow calendar have the same."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from router.network import Lane, Network, Opening
from router.verify.dates import HORIZON_SECONDS, Times, origin_seconds, times
from tests.dated_network import (
    DAY,
    HOUR,
    WORKDAYS,
    calendar,
    days,
    lane,
    network,
    opening,
    pickup,
    special,
    utc,
)
from tests.oracle_dates import SlowCalendar


def sent(world: Network, now: str | int, way: Lane | None = None) -> Times | None:
    """The times of a shipment by either calendar, which agree."""
    node, service, way = world.nodes[0], world.services[0], way or lane()
    now_seconds = utc(now) if isinstance(now, str) else now
    found = times(world, node, service, way, world.zones[0], origin_seconds(world, now_seconds))
    slow = SlowCalendar(world, now_seconds).times(node, service, way, "Z")
    told = None if found is None else (found.ready_seconds, found.handover_seconds, found.arrival_seconds)
    assert told == slow
    return found


def ready(world: Network, now: str) -> int:
    found = sent(world, now)
    assert found is not None
    return found.ready_seconds


def handed(world: Network, now: str) -> int:
    found = sent(world, now)
    assert found is not None
    return found.handover_seconds


def arrives(world: Network, now: str | int, way: Lane) -> int:
    found = sent(world, now, way)
    assert found is not None
    return found.arrival_seconds


# --- the origin -------------------------------------------------------------------------------------


def test_without_calendars_times_are_sums() -> None:
    plain = network(node={"processing_seconds": 7})
    now = utc("2026-03-29 00:59") + 59
    assert origin_seconds(plain, now) == now
    assert sent(plain, now, lane(transit_seconds=11)) == Times(now + 7, now + 7, now + 18)


@pytest.mark.parametrize(
    "kept",
    [
        network(calendar(opening("09:00", "18:00"))),
        network(pickups=(pickup("18:00"),)),
        network(node={"closed": days("2026-01-01")}),
        network(lanes=(lane(transit_days=1),)),
    ],
    ids=["calendar", "pick-up", "closure", "days"],
)
def test_a_network_that_keeps_time_counts_from_full_minutes(kept: Network) -> None:
    assert origin_seconds(kept, utc("2026-01-05 10:00")) == utc("2026-01-05 10:00")
    assert origin_seconds(kept, utc("2026-01-05 10:00") + 1) == utc("2026-01-05 10:01")
    assert origin_seconds(kept, utc("2026-01-05 10:00") + 59) == utc("2026-01-05 10:01")


# --- hours ------------------------------------------------------------------------------------------

NIGHT = opening("01:30", "03:30")


@pytest.mark.parametrize(
    ("where", "opens", "now", "work_seconds", "expected"),
    [
        # Paris goes from 02:00 to 03:00 at 01:00 UTC: 01:30-03:30 is one hour.
        ("Europe/Paris", NIGHT, "2026-03-29 00:00", 0, "2026-03-29 00:30"),
        ("Europe/Paris", NIGHT, "2026-03-29 00:00", HOUR, "2026-03-29 01:30"),
        ("Europe/Paris", NIGHT, "2026-03-29 00:00", HOUR + 60, "2026-03-29 23:31"),
        # 02:15 does not exist; it is the instant of the change.
        ("Europe/Paris", opening("02:15", "04:00"), "2026-03-29 00:00", 0, "2026-03-29 01:00"),
        ("Europe/Paris", opening("01:00", "02:45"), "2026-03-29 00:00", HOUR, "2026-03-29 01:00"),
        # Nothing is left of 02:15-02:45 on that date.
        ("Europe/Paris", opening("02:15", "02:45"), "2026-03-29 00:00", 0, "2026-03-30 00:15"),
        # From 03:00 back to 02:00 at 01:00 UTC: 01:30-03:30 is three hours.
        ("Europe/Paris", NIGHT, "2026-10-24 23:00", 3 * HOUR, "2026-10-25 02:30"),
        # 02:15 is shown at 00:15 and at 01:15 UTC; the first counts, for opening and for closing.
        ("Europe/Paris", opening("02:15", "04:00"), "2026-10-24 23:00", 0, "2026-10-25 00:15"),
        ("Europe/Paris", opening("02:15", "04:00"), "2026-10-25 01:05", 0, "2026-10-25 01:05"),
        ("Europe/Paris", opening("00:30", "02:15"), "2026-10-25 01:00", 0, "2026-10-25 23:30"),
        # Lord Howe goes from 02:00 to 01:30 on 5 April (at 15:00 UTC) and back on 4 October (at 15:30 UTC).
        ("Australia/Lord_Howe", opening("01:00", "03:00"), "2026-04-04 13:00", 9_000, "2026-04-04 16:30"),
        ("Australia/Lord_Howe", opening("01:45", "03:00"), "2026-04-04 15:10", 0, "2026-04-04 15:10"),
        ("Australia/Lord_Howe", opening("01:45", "03:00"), "2026-04-04 14:00", 0, "2026-04-04 14:45"),
        ("Australia/Lord_Howe", opening("02:10", "04:00"), "2026-10-03 15:00", 0, "2026-10-03 15:30"),
        ("Australia/Lord_Howe", opening("02:40", "04:00"), "2026-10-03 15:00", 0, "2026-10-03 15:40"),
        # India: five hours and a half, never anything else.
        ("Asia/Kolkata", opening("09:00", "17:00"), "2026-03-29 00:00", HOUR, "2026-03-29 04:30"),
        ("Asia/Kolkata", opening("09:00", "17:00"), "2026-10-25 11:00", HOUR, "2026-10-26 04:00"),
        # Apia went from the end of 29 December to 31 December 2011, at 10:00 UTC.
        ("Pacific/Apia", opening("09:00", "17:00"), "2011-12-30 03:00", 60, "2011-12-30 19:01"),
        ("Pacific/Apia", opening("22:00", "26:00"), "2011-12-30 09:00", 3 * HOUR, "2011-12-30 12:00"),
    ],
)
def test_open_time_by_local_clocks(
    where: str, opens: Opening, now: str, work_seconds: int, expected: str
) -> None:
    world = network(calendar(opens), node={"time_zone": where, "processing_seconds": work_seconds})
    assert ready(world, now) == utc(expected)


MONDAY_TO_FRIDAY = opening("09:00", "18:00", WORKDAYS)


@pytest.mark.parametrize(
    ("hours", "node", "now", "expected"),
    [
        # 2026-11-06 is a Friday; Paris is one hour ahead of UTC. Two hours of work.
        ({}, {}, "2026-11-06 10:00", "2026-11-06 12:00"),
        ({}, {}, "2026-11-06 15:00", "2026-11-06 17:00"),
        ({}, {}, "2026-11-06 15:01", "2026-11-09 08:01"),
        ({}, {}, "2026-11-07 12:00", "2026-11-09 10:00"),
        # Wednesday 2026-11-11 is a holiday in France, the 10th one in Brittany besides.
        ({"keeps_holidays": True}, {}, "2026-11-11 10:00", "2026-11-12 10:00"),
        ({"keeps_holidays": False}, {}, "2026-11-11 10:00", "2026-11-11 12:00"),
        ({"keeps_holidays": True}, {}, "2026-11-10 10:00", "2026-11-10 12:00"),
        ({"keeps_holidays": True}, {"region": "BRE"}, "2026-11-10 10:00", "2026-11-12 10:00"),
        ({"keeps_holidays": True}, {"region": "IDF"}, "2026-11-10 18:00", "2026-11-12 10:00"),
        # Closed by the calendar, closed by the node, open all the same.
        ({"closed": days("2026-11-06")}, {}, "2026-11-06 10:00", "2026-11-09 10:00"),
        ({}, {"closed": days("2026-11-06")}, "2026-11-06 10:00", "2026-11-09 10:00"),
        (
            {"keeps_holidays": True, "special": special("2026-11-11", ("10:00", "12:30"))},
            {},
            "2026-11-11 08:00",
            "2026-11-11 11:00",
        ),
        (
            {"closed": days("2026-11-06"), "special": special("2026-11-06", ("16:00", "20:00"))},
            {},
            "2026-11-06 10:00",
            "2026-11-06 17:00",
        ),
        (
            {"special": special("2026-11-06", ("16:00", "20:00"))},
            {"closed": days("2026-11-06")},
            "2026-11-06 10:00",
            "2026-11-09 10:00",
        ),
        # Special openings stand instead of the usual ones; those that overlap count once.
        (
            {"special": special("2026-11-06", ("09:00", "10:30"), ("10:00", "11:00"), ("20:00", "21:00"))},
            {},
            "2026-11-06 08:00",
            "2026-11-06 10:00",
        ),
        (
            {"special": special("2026-11-06", ("09:00", "10:00"), ("20:00", "21:00"))},
            {},
            "2026-11-06 08:00",
            "2026-11-06 20:00",
        ),
    ],
)
def test_what_counts_of_a_date(hours: dict[str, Any], node: dict[str, Any], now: str, expected: str) -> None:
    world = network(
        calendar(MONDAY_TO_FRIDAY, **hours),
        node={"processing_seconds": 2 * HOUR, **node},
        holidays={("FR", ""): days("2026-11-11"), ("FR", "BRE"): days("2026-11-10", "2026-11-11")},
    )
    assert ready(world, now) == utc(expected)


def test_openings_past_midnight_belong_to_their_own_date() -> None:
    friday = network(calendar(opening("22:00", "26:00", frozenset({4}))), node={"processing_seconds": HOUR})
    assert ready(friday, "2026-11-07 00:00") == utc("2026-11-07 01:00")  # until 02:00 in Paris
    assert ready(friday, "2026-11-07 00:30") == utc("2026-11-13 21:30")
    to_the_end = network(calendar(opening("24:00", "48:00", frozenset({4}))))
    assert ready(to_the_end, "2026-11-07 22:59") == utc("2026-11-07 22:59")
    assert ready(to_the_end, "2026-11-07 23:00") == utc("2026-11-13 23:00")


def test_an_opening_that_lies_in_one_of_the_day_before_counts_once() -> None:
    long_friday = opening("22:00", "46:00", frozenset({4}))
    saturday = opening("09:00", "10:00", frozenset({5}))
    world = network(calendar(saturday, long_friday), node={"processing_seconds": 24 * HOUR + 60})
    assert ready(world, "2026-11-06 12:00") == utc("2026-11-13 21:01")


def test_closures_alone_leave_all_day_open() -> None:
    world = network(node={"closed": days("2026-03-29"), "processing_seconds": 3 * HOUR})
    assert ready(world, "2026-03-28 22:00") == utc("2026-03-30 00:00")
    assert ready(world, "2026-03-28 20:00") == utc("2026-03-28 23:00")


def test_work_that_ends_at_closing_time_is_done() -> None:
    world = network(calendar(opening("09:00", "18:00")), node={"processing_seconds": HOUR})
    assert ready(world, "2026-11-06 16:00") == utc("2026-11-06 17:00")
    assert ready(world, "2026-11-06 16:01") == utc("2026-11-07 08:01")


def test_without_work_goods_are_ready_when_it_is_open() -> None:
    world = network(calendar(opening("09:00", "18:00")))
    assert ready(world, "2026-11-06 16:59") == utc("2026-11-06 16:59")
    assert ready(world, "2026-11-06 17:00") == utc("2026-11-07 08:00")


# --- pick-ups ---------------------------------------------------------------------------------------


def test_a_cut_off_is_met_exactly_and_missed_by_a_minute() -> None:
    world = network(pickups=(pickup("18:00", "16:00"),))
    assert handed(world, "2026-11-06 15:00") == utc("2026-11-06 17:00")
    assert handed(world, "2026-11-06 14:59:01") == utc("2026-11-06 17:00")
    assert handed(world, "2026-11-06 15:00:01") == utc("2026-11-07 17:00")


def test_a_cut_off_on_an_earlier_date() -> None:
    world = network(pickups=(pickup("08:00", "20:00", WORKDAYS, days_before=1),))
    assert handed(world, "2026-11-05 19:00") == utc("2026-11-06 07:00")
    assert handed(world, "2026-11-05 19:01") == utc("2026-11-09 07:00")  # Friday for Monday
    assert handed(world, "2026-11-08 19:00") == utc("2026-11-09 07:00")
    assert handed(world, "2026-11-08 19:01") == utc("2026-11-10 07:00")


def test_goods_must_be_ready_for_the_pick_up() -> None:
    twice = (pickup("12:00", "10:00"), pickup("18:00", "16:00"))
    world = network(pickups=twice, node={"processing_seconds": 2 * HOUR})
    assert handed(world, "2026-11-06 09:00") == utc("2026-11-06 11:00")
    world = network(pickups=twice, node={"processing_seconds": 2 * HOUR + 1})
    assert handed(world, "2026-11-06 09:00") == utc("2026-11-06 17:00")


def test_pick_ups_are_on_open_days_of_the_node_only() -> None:
    world = network(
        calendar(MONDAY_TO_FRIDAY, keeps_holidays=True),
        pickups=(pickup("20:00"),),
        node={"closed": days("2026-11-10")},
        holidays={("FR", ""): days("2026-11-11")},
    )
    assert handed(world, "2026-11-06 12:00") == utc("2026-11-06 19:00")  # after closing: the date counts
    assert handed(world, "2026-11-06 19:01") == utc("2026-11-09 19:00")
    assert handed(world, "2026-11-09 19:01") == utc("2026-11-12 19:00")


def test_pick_ups_by_local_time_across_changes() -> None:
    world = network(pickups=(pickup("02:30"),))
    assert handed(world, "2026-03-28 12:00") == utc("2026-03-29 01:00")
    assert handed(world, "2026-10-24 12:00") == utc("2026-10-25 00:30")
    assert handed(world, "2026-10-25 00:31") == utc("2026-10-26 01:30")
    # a skipped cut-off is the change, and one that comes twice has been when it comes again
    world = network(pickups=(pickup("18:00", "02:30"),))
    assert handed(world, "2026-03-29 01:00") == utc("2026-03-29 16:00")
    assert handed(world, "2026-03-29 01:01") == utc("2026-03-30 16:00")
    assert handed(world, "2026-10-25 01:30") == utc("2026-10-26 17:00")


def test_midnight_is_the_end_of_the_date_of_a_pick_up() -> None:
    world = network(pickups=(pickup("24:00", weekdays=frozenset({4})),))
    assert handed(world, "2026-11-06 23:00") == utc("2026-11-06 23:00")
    assert handed(world, "2026-11-06 23:01") == utc("2026-11-13 23:00")


def test_other_services_come_when_called() -> None:
    world = network(pickups=(pickup("18:00"),), node={"schedules": (("other", "van"),)})
    assert handed(world, "2026-11-06 12:00") == utc("2026-11-06 12:00")


# --- arrivals ---------------------------------------------------------------------------------------


def test_hours_of_transit_end_within_delivery_hours() -> None:
    door = calendar(opening("08:00", "12:00"), opening("14:00", "20:00"), calendar_id="door")
    world = network(door)
    assert (
        arrives(world, "2026-11-06 06:00", lane(transit_seconds=5 * HOUR - 1)) == utc("2026-11-06 11:00") - 1
    )
    assert arrives(world, "2026-11-06 06:00", lane(transit_seconds=5 * HOUR)) == utc("2026-11-06 13:00")
    assert arrives(world, "2026-11-06 06:00", lane(transit_seconds=14 * HOUR)) == utc("2026-11-07 07:00")


def test_the_destination_has_its_own_clock_country_and_region() -> None:
    door = calendar(opening("08:00", "20:00"), calendar_id="door", keeps_holidays=True)
    way = lane(transit_seconds=HOUR)
    holidays = {("FR", ""): days("2026-11-06"), ("FR", "BRE"): frozenset[int]()}
    assert arrives(network(door, holidays=holidays), "2026-11-06 10:00", way) == utc("2026-11-07 07:00")
    breton = network(door, holidays=holidays, zone={"region": "BRE"})
    assert arrives(breton, "2026-11-06 10:00", way) == utc("2026-11-06 11:00")
    reunion = network(door, zone={"time_zone": "Indian/Reunion"})  # four hours ahead of UTC
    assert arrives(reunion, "2026-11-06 15:00", way) == utc("2026-11-07 04:00")


def test_days_of_transit_leave_out_weekends_and_holidays() -> None:
    carrier = calendar(opening("00:00", "24:00", WORKDAYS), calendar_id="carrier", keeps_holidays=True)
    world = network(carrier, carrier="carrier", holidays={("FR", ""): days("2026-11-11")})
    friday, way = "2026-11-06 12:00", lane(transit_days=1)
    assert arrives(world, friday, way) == utc("2026-11-09 23:00")  # the end of Monday in Paris
    assert arrives(world, friday, lane(transit_days=2)) == utc("2026-11-10 23:00")
    assert arrives(world, friday, lane(transit_days=3)) == utc("2026-11-12 23:00")
    assert arrives(world, friday, lane(transit_days=0)) == utc("2026-11-06 23:00")
    assert arrives(world, "2026-11-07 12:00", lane(transit_days=0)) == utc("2026-11-07 23:00")
    assert arrives(world, "2026-11-05 22:59", way) == utc("2026-11-06 23:00")
    assert arrives(world, "2026-11-05 23:00", way) == utc("2026-11-09 23:00")  # Friday has begun


def test_days_of_transit_without_calendars_are_dates() -> None:
    world = network(lanes=(lane(transit_days=2),))
    assert arrives(world, "2026-03-27 12:00", world.services[0].lanes[0]) == utc("2026-03-29 22:00")


def test_a_destination_closed_on_sundays() -> None:
    but_sundays = frozenset(range(6))
    openings = opening("14:00", "19:30", but_sundays), opening("08:00", "12:00", but_sundays)
    world = network(calendar(*openings, calendar_id="door"))
    assert arrives(world, "2026-11-06 12:00", lane(transit_days=1)) == utc("2026-11-07 18:30")
    assert arrives(world, "2026-11-07 12:00", lane(transit_days=1)) == utc("2026-11-09 18:30")
    assert arrives(world, "2026-11-07 12:00", lane(transit_days=2)) == utc("2026-11-09 18:30")


def test_goods_do_not_arrive_before_they_are_handed_over() -> None:
    door = calendar(opening("08:00", "12:00"), calendar_id="door")
    same_day = lane(transit_days=0)
    assert arrives(network(door), "2026-11-06 11:00", same_day) == utc("2026-11-06 11:00")
    assert arrives(network(door), "2026-11-06 11:01", same_day) == utc("2026-11-07 11:00")
    # 20:00 on Friday in Los Angeles is 17:00 on Saturday in Auckland
    far = network(door, node={"time_zone": "America/Los_Angeles"}, zone={"time_zone": "Pacific/Auckland"})
    assert arrives(far, "2026-11-07 04:00", lane(transit_days=1)) == utc("2026-11-07 23:00")
    no_hours = network(
        lanes=(lane(transit_days=0),),
        node={"time_zone": "America/Los_Angeles"},
        zone={"time_zone": "Pacific/Auckland"},
    )
    assert arrives(no_hours, "2026-11-06 11:00", lane(transit_days=0)) == utc("2026-11-06 11:00")
    assert arrives(no_hours, "2026-11-06 11:01", lane(transit_days=0)) == utc("2026-11-07 11:00")


def test_an_opening_of_the_day_before_may_close_later() -> None:
    long_friday = opening("22:00", "46:00", frozenset({4}))
    saturday = opening("09:00", "10:00", frozenset({5}))
    world = network(calendar(long_friday, saturday, calendar_id="door"))
    assert arrives(world, "2026-11-06 12:00", lane(transit_days=0)) == utc("2026-11-07 21:00")
    assert arrives(world, "2026-11-06 12:00", lane(transit_days=1)) == utc("2026-11-07 21:00")


def test_what_takes_longer_than_400_days_does_not_arrive() -> None:
    now = utc("2026-11-06 12:00")
    way = lane(transit_seconds=HORIZON_SECONDS)
    assert arrives(network(), now, way) == now + 400 * DAY
    assert sent(network(), now, lane(transit_seconds=HORIZON_SECONDS + 1)) is None
    assert sent(network(calendar(opening("09:00", "10:00", frozenset()))), now) is None
    assert sent(network(calendar(calendar_id="door")), now) is None
    assert sent(network(calendar(calendar_id="door")), now, lane(transit_days=1)) is None
    assert sent(network(calendar(calendar_id="never"), carrier="never"), now, lane(transit_days=1)) is None
    assert sent(network(pickups=(pickup("18:00", weekdays=frozenset()),)), now) is None
    once = calendar(special=special("2027-12-11", ("11:00", "12:00")))  # 400 days later, 10:00 UTC
    assert ready(network(once), "2026-11-06 12:00") == utc("2027-12-11 10:00")
    assert sent(network(once), "2026-11-06 09:00") is None


def test_the_hand_made_dates_are_what_they_say() -> None:
    assert date(2026, 11, 6).weekday() == 4
    assert date(2026, 11, 11).weekday() == 2
    assert utc("2026-11-06 12:00") + 400 * DAY == utc("2027-12-11 12:00")
    assert timedelta(seconds=HORIZON_SECONDS) == timedelta(days=400)


def test_a_date_that_has_begun_goes_on() -> None:
    """St John's went back from 00:01 on 7 November 2010 to 23:01 on the 6th, at 02:31 UTC."""
    world = network(lanes=(lane(transit_days=1),), node={"time_zone": "America/St_Johns"})
    way = world.services[0].lanes[0]
    assert arrives(world, "2010-11-07 02:29", way) == utc("2010-11-08 03:30")
    assert arrives(world, "2010-11-07 02:30", way) == utc("2010-11-09 03:30")
    assert arrives(world, "2010-11-07 02:31", way) == utc("2010-11-09 03:30")


def test_longer_hours_at_the_destination_may_be_later() -> None:
    """Goods carried by days are there when the date is over; that is when it closes."""
    short, long = (calendar(opening("08:00", closes), calendar_id="door") for closes in ("12:00", "20:00"))
    way = lane(transit_days=1)
    assert arrives(network(short), "2026-11-06 11:00", way) < arrives(network(long), "2026-11-06 11:00", way)
