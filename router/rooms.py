"""How much a node can still get ready on a day (docs/cost-model.md, "Capacity")."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from router.calendar import Hours
from router.domain import Order, Plan, Shipment
from router.network import LoadKind, Node
from router.places import deliveries_of, lines_of
from router.snapshot import Snapshot
from router.timetable import Departure

DAYS_AHEAD = 7
"""Open days besides that of a date, on which a part may be got ready."""


class Load(NamedTuple):
    """Of a part, or of a whole order; by ``LoadKind``."""

    orders: int
    lines: int
    units: int


LEAST_LOAD = Load(1, 1, 1)
"""Of any part."""


class Rooms:
    """The room of nodes, for orders placed at an instant."""

    def __init__(self, snapshot: Snapshot, now_seconds: int) -> None:
        self._snapshot = snapshot
        self._timetable = snapshot.compiled.timetable
        self.origin_seconds = self._timetable.origin(now_seconds)
        self._days: dict[tuple[int, int], int] = {}
        self._hours: dict[int, Hours | None] = {}
        self._room: dict[tuple[int, int, LoadKind], tuple[int, int]] = {}
        """The room, and the load that rolls into the day."""

    def day_of(self, node_ix: int, date_seconds: int) -> int:
        """The day (ordinal) on which a part of that date is got ready; 0 when never."""
        key = (int(self._snapshot.compiled.routes.departure[node_ix]), date_seconds)
        if key not in self._days:
            node, hours = self._node(node_ix)
            at = np.array([date_seconds], np.int64)
            if hours is not None:
                at = hours.after_work(at, np.zeros(1, np.int64))
            clock = self._timetable.layout(self.origin_seconds).clock(node.time_zone)
            found = int(clock.date_of(at)[0])
            self._days[key] = found if found < 2**31 else 0
        return self._days[key]

    def days_after(self, node_ix: int, day: int) -> list[int]:
        """The beginnings (epoch seconds) of the open days that follow a day, DAYS_AHEAD of them."""
        node, hours = self._node(node_ix)
        clock = self._timetable.layout(self.origin_seconds).clock(node.time_zone)
        if hours is None:
            days = np.arange(day + 1, day + 1 + DAYS_AHEAD)
        else:
            first = int(np.searchsorted(hours.day, day, side="right"))
            days = hours.day[first : first + DAYS_AHEAD]
        days = days[days - clock.first_day < len(clock.midnight)]
        return [int(at) for at in clock.midnight[days - clock.first_day]]

    def room(self, node_ix: int, kind: LoadKind, day: int) -> int:
        """What may still be taken of a day's capacity, 0 or less for nothing. The node must state that
        kind."""
        return self._of_day(node_ix, kind, day)[0]

    def waiting(self, node_ix: int, kind: LoadKind, day: int) -> int:
        """Load of earlier days that comes first on a day. The node must state that kind."""
        return self._of_day(node_ix, kind, day)[1]

    def _of_day(self, node_ix: int, kind: LoadKind, day: int) -> tuple[int, int]:
        key = (node_ix, day, kind)
        if key not in self._room:
            self._fill(node_ix, kind, day)
        return self._room[key]

    def _fill(self, node_ix: int, kind: LoadKind, last_day: int) -> None:
        """The rooms of all days from the origin's on, as backlog rolls from open day to open day. What is
        opened past midnight may be got ready on a day that is no open one."""
        states, (node, hours) = self._snapshot.states, self._node(node_ix)
        capacity, free = dict(node.capacity)[kind], states.free.get((node_ix, kind), {})
        over = states.backlog.get((node_ix, kind), 0)
        first_day = self.day_of(node_ix, self.origin_seconds)
        days = range(first_day, max(last_day, first_day + DAYS_AHEAD) + 1)
        worked = days if hours is None else {first_day, *hours.day.tolist()}
        for day in days:
            left = free.get(day, capacity) - over
            self._room[node_ix, day, kind] = left, over
            if day in worked:
                over = max(0, -left)
        self._room.setdefault((node_ix, last_day, kind), (0, 0))

    def takes(self, node_ix: int, day: int, load: Sequence[int]) -> bool:
        """Is there room for a load, by kind?"""
        if not day:
            return False
        return all(
            min(load[kind], capacity) <= self.room(node_ix, kind, day)
            for kind, capacity in self._snapshot.network.nodes[node_ix].capacity
        )

    def dates(self, node_ix: int, dates: Iterable[int], loads: Sequence[Load]) -> list[int]:
        """With the dates that a node has because of its capacity, for an order that could bring it these
        loads."""
        found = set(dates)
        capacities = self._snapshot.network.nodes[node_ix].capacity
        for date in sorted(found) if capacities else ():
            day = self.day_of(node_ix, date)
            if day and any(
                sum(min(load[kind], most) for load in loads) > self.room(node_ix, kind, day)
                for kind, most in capacities
            ):
                found.update(self.days_after(node_ix, day))
        return sorted(found)

    def _node(self, node_ix: int) -> tuple[Node, Hours | None]:
        """The node, and its opening hours if it has any."""
        node = self._snapshot.network.nodes[node_ix]
        departure = int(self._snapshot.compiled.routes.departure[node_ix])
        if departure not in self._hours:
            leaving = Departure.of(node)
            layout = self._timetable.layout(self.origin_seconds)
            self._hours[departure] = layout.hours(leaving.calendar, leaving.closed, leaving.spot)
        return node, self._hours[departure]


def loads_of_order(order: Order) -> tuple[Load, ...]:
    """As much as one node could be given, for each delivery."""
    parts = [lines_of(order, delivery) for delivery in deliveries_of(order)]
    return tuple(
        Load(1, len({line.sku_id for line in lines}), sum(line.quantity for line in lines)) for lines in parts
    )


def load_of(shipments: Iterable[Shipment]) -> Load:
    """Of one part."""
    picks = [pick for shipment in shipments for pick in shipment.picks]
    return Load(1, len({pick.sku_id for pick in picks}), sum(pick.quantity for pick in picks))


def fits(plan: Plan, snapshot: Snapshot, now_seconds: int) -> bool:
    """Is there room for a plan whose parts all leave as soon as they can, for one delivery?"""
    rooms: Rooms | None = None
    rows = snapshot.compiled.node_rows
    for node_id in {shipment.node_id for shipment in plan.shipments}:
        if not snapshot.network.nodes[rows[node_id]].capacity:
            continue
        rooms = rooms or Rooms(snapshot, now_seconds)
        load = load_of(s for s in plan.shipments if s.node_id == node_id)
        if not rooms.takes(rows[node_id], rooms.day_of(rows[node_id], rooms.origin_seconds), load):
            return False
    return True
