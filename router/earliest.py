"""The soonest that units of one SKU could be had by a delivery, whatever that costs: over every node and
date, whole or together (docs/cost-model.md, allowed plans)."""

from __future__ import annotations

from bisect import bisect_left
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.calendar import NEVER
from router.kernels.promise import BARRED, FOUND, LATE, NO_WAY, NOT_STOCKED, SHORT
from router.kernels.types import BIT_NO_SERVICE, BIT_TOO_LATE
from router.network import LoadKind
from router.problem import Problem, build_problem
from router.question import Question
from router.scene import Scene, build_scene

I64 = NDArray[np.int64]


class Earliest(NamedTuple):
    """The part that arrives last. node_ix: -1 for none. way: its id. seconds: epoch seconds of the arrival.
    available: units there then. date_seconds: since when its goods are there. node_count: parts, 0 for none.
    stage: of router.kernels.promise."""

    stage: int
    node_ix: int = -1
    way: str = ""
    seconds: int = NEVER
    available: int = 0
    date_seconds: int = 0
    node_count: int = 0


class Source(NamedTuple):
    """A node at a date, from which a part could come. day: on which it would be got ready, 0 where that does
    not matter. units: that are there by then. room: the most of them that may leave that day. row: of the
    problem."""

    node: int
    day: int
    units: int
    room: int
    arrival_seconds: int
    row: int


def earliest(question: Question) -> Earliest:
    """Of an order with one delivery and one line."""
    scene = build_scene(question, 0)
    problem = build_problem(scene.moment.world, scene.columns, 0, 0, scene.moment.origin_seconds)
    need = int(problem.lines.quantity[0])
    goes = (problem.lane >= 0) & np.append(problem.lane_takes[:, 0], False)[problem.lane]
    arrival = np.where(goes, scene.ways.arrival[problem.node_ix], NEVER)
    sources = _sources(question, scene, problem, arrival.min(axis=1, initial=NEVER))
    parts = 1
    if question.strategy.limits.line_splits != "never":
        value = int(problem.lines.unit_value_cents[0])
        least = -(-question.strategy.limits.min_shipment_value_cents // max(1, value))
        parts = max(1, min(question.strategy.limits.max_nodes_per_order, need // max(1, least)))
    times = sorted({source.arrival_seconds for source in sources})
    at = bisect_left(times, True, key=lambda t: _parts(sources, t, need, parts) > 0)
    if at == len(times):
        return Earliest(_stage(problem, need))
    last = max((s for s in sources if s.arrival_seconds == times[at]), key=lambda s: min(s.units, s.room))
    way, source = int(arrival[last.row].argmin()), int(problem.node_ix[last.row])
    count = _parts(sources, times[at], need, parts)
    date = int(scene.dates[source])
    name = scene.ways.ids[way]
    return Earliest(FOUND, last.node, name, times[at], int(problem.available[last.row, 0]), date, count)


def _sources(question: Question, scene: Scene, problem: Problem, arrival: I64) -> list[Source]:
    """By node, then date."""
    found = []
    for row, source in enumerate(problem.node_ix.tolist()):
        node, units = int(scene.nodes[source]), int(problem.cap[row, 0])
        if units > 0 and arrival[row] < NEVER:
            day, room = 0, units
            capacity = dict(question.snapshot.network.nodes[node].capacity).get(LoadKind.UNITS)
            if capacity is not None:
                day = question.rooms.day_of(node, int(scene.dates[source]))
                left = question.rooms.room(node, LoadKind.UNITS, day)
                room = units if left >= capacity else left
            found.append(Source(node, day, units, room, int(arrival[row]), row))
    return found


def _parts(sources: list[Source], by_seconds: int, need: int, most: int) -> int:
    """The fewest parts, at most ``most``, in which the units needed arrive by then; 0 when they do not."""
    here = [s for s in sources if s.arrival_seconds <= by_seconds]
    if any(min(s.units, s.room) >= need for s in here):
        return 1
    most = min(most, len(here))
    together = np.zeros(most + 1, np.int64)  # by number of parts
    for _, dates in groupby(here, key=lambda s: s.node):
        own = np.zeros(1, np.int64)
        for source in {source.day: source for source in dates}.values():
            more = np.minimum(source.units, own + source.room)
            own = np.maximum(np.append(own, 0), np.append(0, more))
        choices = [
            np.append(np.full(n, -1), together[: most + 1 - n] + units)
            for n, units in enumerate(own[: most + 1].tolist())
        ]
        together = np.max(choices, axis=0)
    enough = np.flatnonzero(together >= need)
    return int(enough[0]) if len(enough) else 0


def _stage(problem: Problem, need: int) -> int:
    """How far the best candidate came."""
    if not len(problem.node_ix):
        return NOT_STOCKED
    bits = problem.bits[problem.available[:, 0] >= need, 0]
    if not len(bits):
        return SHORT
    of_ways = np.uint64(1 << BIT_NO_SERVICE | 1 << BIT_TOO_LATE)
    on_the_way = bits[bits & ~of_ways == 0]
    if not len(on_the_way):
        return BARRED
    return LATE if (on_the_way & np.uint64(1 << BIT_TOO_LATE)).any() else NO_WAY
