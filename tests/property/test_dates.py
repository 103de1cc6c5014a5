"""Dates on drawn networks, around changes of the clock: three independent ways to reckon them agree, and what
must hold between related ones does."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from router.network import Calendar, Network, Opening, Zone
from router.timetable import Arrival, Departure, Offers, Timetable
from router.verify.dates import HORIZON_SECONDS, Times, origin_seconds, times
from tests.oracle_dates import SlowCalendar
from tests.property.timed import TimedRecipe, Way

drawn = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def seeded(seed: int) -> Way:
    """The same seed, the same way."""
    return TimedRecipe(random.Random(seed).randint).way()


@st.composite
def dull(draw: st.DrawFn) -> Way:
    """Ways that shrink to something readable, but are seldom rich."""
    return TimedRecipe(lambda low, high: draw(st.integers(low, high))).way()


def ways() -> st.SearchStrategy[Way]:
    """Ways for hypothesis."""
    return dull() | st.builds(seeded, st.integers(0, 2**32))


def verified(way: Way, at: int | None = None) -> Times | None:
    """By the verifier."""
    origin = origin_seconds(way.network, way.now_seconds) if at is None else at
    return times(way.network, way.node, way.service, way.lane, way.zone, origin)


def arrival(way: Way, at: int | None = None) -> int | float:
    """By the verifier; infinite for never."""
    found = verified(way, at)
    return float("inf") if found is None else found.arrival_seconds


def tabled(way: Way) -> int | None:
    """By the engine's timetable."""
    none = np.zeros(1, np.int32)
    offers = Offers((Departure.of(way.node),), (Arrival.of(way.zone),), none, none, none.reshape(1, 1))
    timetable = Timetable(way.network, offers)
    origin = timetable.origin(way.now_seconds)
    found = timetable.at(origin)
    return None if found.lane[0, 0] < 0 else origin + int(found.seconds[0, 0])


def test_drawn_ways_are_varied() -> None:
    seen: Counter[str] = Counter()
    for way in map(seeded, range(400)):
        found = verified(way)
        if found is not None:
            seen["arrives"] += 1
            seen["is carried by days"] += way.lane.transit_days is not None
            seen["waits for a pick-up"] += found.handover_seconds > found.ready_seconds
            worked = found.ready_seconds - origin_seconds(way.network, way.now_seconds)
            seen["waits for opening"] += worked > way.node.processing_seconds
        seen[f"clock {way.node.time_zone}"] += 1
    assert 200 <= seen["arrives"] <= 380
    assert all(count >= 60 for name, count in seen.items() if not name.startswith("clock"))
    assert len([name for name in seen if name.startswith("clock")]) >= 12


@given(way=ways())
@drawn
def test_the_verifier_agrees_with_the_slow_calendar(way: Way) -> None:
    slow = SlowCalendar(way.network, way.now_seconds)
    assert slow.origin_seconds == origin_seconds(way.network, way.now_seconds)
    found = slow.times(way.node, way.service, way.lane, "Z" if way.zone else None)
    assert verified(way) == (None if found is None else Times(*found))


@given(way=ways())
@drawn
def test_the_timetable_agrees_with_the_verifier(way: Way) -> None:
    found = verified(way)
    assert tabled(way) == (None if found is None else found.arrival_seconds)


@given(way=ways())
@drawn
def test_goods_are_ready_then_handed_over_then_there(way: Way) -> None:
    found = verified(way)
    assume(found is not None)
    assert found is not None
    origin = origin_seconds(way.network, way.now_seconds)
    assert origin + way.node.processing_seconds <= found.ready_seconds <= found.handover_seconds
    assert found.handover_seconds <= found.arrival_seconds <= origin + HORIZON_SECONDS


@given(way=ways(), minutes=st.integers(1, 3 * 1_440))
@drawn
def test_a_later_order_never_arrives_earlier(way: Way, minutes: int) -> None:
    """Work counts from later on, fewer pick-ups are left, and each later step is the first of what is left;
    a date never begins before one that is earlier, and is over no earlier than that."""
    origin = origin_seconds(way.network, way.now_seconds)
    before, after = arrival(way, origin), arrival(way, origin + 60 * minutes)
    # what never arrives for the earlier order would have after its last day
    assert after >= min(before, origin + HORIZON_SECONDS)


def widened(network: Network, calendar_id: str, opening: Opening) -> Network:
    """With a calendar ``W``: another with one opening more, and nothing but its ``special`` dates apart."""
    (calendar,) = [c for c in network.calendars if c.calendar_id == calendar_id]
    wide: Calendar = replace(
        calendar,
        calendar_id="W",
        openings=(*calendar.openings, opening),
        keeps_holidays=False,
        closed=frozenset(),
    )
    return replace(network, calendars=(*network.calendars, wide))


@st.composite
def openings(draw: st.DrawFn) -> Opening:
    opens = draw(st.integers(0, 2_879))
    closes = draw(st.integers(opens + 1, 2_880))
    weekdays = draw(st.frozensets(st.integers(0, 6), min_size=1))
    return Opening(weekdays=weekdays, opens_minute=opens, closes_minute=closes)


@given(way=ways(), opening=openings())
@drawn
def test_longer_hours_of_a_node_never_make_it_later(way: Way, opening: Opening) -> None:
    name = way.node.calendar or "A"
    before = replace(way, node=replace(way.node, calendar=name))
    node = replace(way.node, calendar="W", closed=frozenset())
    after = replace(way, network=widened(way.network, name, opening), node=node)
    assert arrival(after) <= arrival(before)


@given(way=ways(), opening=openings(), transit_days=st.integers(1, 9))
@drawn
def test_more_days_of_a_carrier_never_make_it_later(way: Way, opening: Opening, transit_days: int) -> None:
    name = way.service.calendar or "A"
    lane = replace(way.lane, transit_days=transit_days)
    before = replace(way, service=replace(way.service, calendar=name), lane=lane)
    service = replace(way.service, calendar="W")
    after = replace(way, network=widened(way.network, name, opening), service=service, lane=lane)
    assert arrival(after) <= arrival(before)


@given(way=ways(), opening=openings())
@drawn
def test_longer_hours_of_a_destination_never_make_hours_of_transit_later(way: Way, opening: Opening) -> None:
    """Of days of transit that is not true: the goods are there when the date closes."""
    zone = way.zone or Zone(zone_id="Z", country="FR")
    name = zone.calendar or "A"
    lane = replace(way.lane, transit_days=None)
    before = replace(way, zone=replace(zone, calendar=name), lane=lane)
    wide = widened(way.network, name, opening)
    after = replace(way, network=wide, zone=replace(zone, calendar="W"), lane=lane)
    assert arrival(after) <= arrival(before)
