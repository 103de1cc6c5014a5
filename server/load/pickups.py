"""Pick-up schedules of the network file: when a carrier comes, and until when an order is in time for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from pydantic import BaseModel, ConfigDict, Field

from router.network import Pickup, Schedule
from router.rules.yaml_lines import Path as FieldPath
from server.load.calendars import DayNames, Findings, twice, weekdays_of
from server.load.times import DAY_MINUTES, DAY_NAMES, TimeOfDay, clock


class PickupEntry(BaseModel):
    """A carrier comes at one local time on some weekdays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: DayNames
    at: TimeOfDay
    cut_off: TimeOfDay | None = Field(
        default=None, description="Orders until then are in time; none: until the pick-up itself."
    )
    days_before: int = Field(
        default=0, ge=0, le=31, description="How many dates the cut-off comes before the pick-up."
    )

    @property
    def cut_off_minute(self) -> int:
        """Local time of the cut-off, on its own date."""
        return self.at if self.cut_off is None else self.cut_off


def pickup_mistakes(schedules: Mapping[str, Sequence[PickupEntry]]) -> Findings:
    """What the types do not say."""
    for name, entries in schedules.items():
        path = ("pickups", name)
        late = False
        for at, entry in enumerate(entries):
            yield from twice(entry.days, (*path, at, "days"))
            if entry.days_before and entry.cut_off is None:
                yield (*path, at, "days_before"), "needs a cut_off: it says of which date that is"
            elif not entry.days_before and entry.cut_off_minute > entry.at:
                late = True
                message = f"must not be after its pick-up {clock(entry.at)}, is {clock(entry.cut_off_minute)}"
                yield (*path, at, "cut_off"), message
        descents = list(_descents(entries, path))
        yield from descents
        if not late and not descents:
            yield from _overtaking(entries, path)


def _descents(entries: Sequence[PickupEntry], path: FieldPath) -> Findings:
    """Pick-ups that do not come after the one listed before them for the same weekday."""
    last: dict[str, int] = {}
    for at, entry in enumerate(entries):
        for day in dict.fromkeys(entry.days):
            if entry.at <= last.get(day, -1):
                before = f"{clock(last[day])} of the pick-up before on {day}"
                yield (*path, at, "at"), f"must be after {before}, is {clock(entry.at)}"
                break
        last |= dict.fromkeys(entry.days, entry.at)


def _overtaking(entries: Sequence[PickupEntry], path: FieldPath) -> Findings:
    """Cut-offs that come before that of an earlier pick-up, going round the week."""
    stops = sorted((day, entry.at, at) for at, entry in enumerate(entries) for day in weekdays_of(entry.days))
    first_day, *first = stops[0]
    told: set[int] = set()
    for (day_before, _, other), (day, _, at) in pairwise([*stops, (first_day + 7, *first)]):
        earlier, entry = entries[other], entries[at]
        if at not in told and _cut_off(entry, day) < _cut_off(earlier, day_before):
            told.add(at)
            pickup = f"the pick-up before, {DAY_NAMES[day_before]} {clock(earlier.at)}"
            yield (*path, at, "cut_off"), f"comes on {DAY_NAMES[day % 7]} before that of {pickup}"


def _cut_off(entry: PickupEntry, day: int) -> int:
    """For its pick-up on a day, in minutes since the Monday that is day 0."""
    return DAY_MINUTES * (day - entry.days_before) + entry.cut_off_minute


def schedule_of(name: str, entries: Sequence[PickupEntry]) -> Schedule:
    """As the core has it."""
    return Schedule(
        schedule_id=name,
        pickups=tuple(
            Pickup(
                weekdays=weekdays_of(entry.days),
                at_minute=entry.at,
                cut_off_minute=entry.cut_off_minute,
                days_before=entry.days_before,
            )
            for entry in entries
        ),
    )
