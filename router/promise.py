"""Dates before purchase: when each item could be had by each delivery, and from where."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from router.calendar import NEVER
from router.columns import frozen
from router.compile import Compiled
from router.domain import Delivery, DeliveryMethod
from router.kernels.geo import unit_vectors
from router.kernels.promise import (
    FOUND,
    NODE,
    STAGE,
    WAY,
    reach_home,
    soonest,
    soonest_of_few,
)
from router.kernels.types import FAR
from router.network import HOME
from router.odds import LIKELY, Trips
from router.places import Place
from router.promise_later import Later
from router.promised import LIKELIHOODS, ORDER_BY, SUPPLY, Dates, Reach, Wanted
from router.scene import methods_of
from router.scene_rules import method_bits
from router.snapshot import BIT_SWITCHED_OFF, Moment, Snapshot
from router.times import latest_of
from router.ways import Finder

I64 = NDArray[np.int64]

MINUTE_SECONDS = 60
Key = tuple[str, str, DeliveryMethod | None, int]
"""Node and pick-up point of a place, method, and row of the strategy."""
FEW = 50
"""Items that are looked at sooner than the interpreter's lock is handed over."""
REASONS = ("NOT_STOCKED", "INSUFFICIENT_STOCK", "NOT_ALLOWED", "NO_SERVICE", "TOO_LATE", "")
"""By the stage that the best candidate came to."""


class Promiser:
    """Remembers how places other than addresses are reached, for as long as times do not change. Safe to use
    from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._compiled: Compiled | None = None
        self._since = 0
        self._reaches: dict[int, dict[Key, Reach]] = {}
        """By the origin that times count from, 0 where they never change."""
        self._asked: dict[Key, tuple[Delivery, Place]] = {}

    def dates(self, wanted: Wanted) -> list[Dates]:
        """When each could be had by each delivery of the context."""
        if wanted.strategy_ix < 0:
            return [Dates.none(len(wanted.items)) for _ in wanted.context.deliveries]
        later = Later(wanted)
        moment = wanted.snapshot.at(wanted.now_seconds)
        found = []
        for delivery, place in zip(wanted.context.deliveries, wanted.places, strict=True):
            reach = self._reach(wanted.snapshot, moment, delivery, place, wanted.strategy_ix)
            dates = _at_once(wanted, moment, delivery, place, reach)
            for i in later.rows(delivery, dates):
                later.look(i, delivery, dates)
            if (wanted.with_order_by or wanted.with_odds) and dates.node_count.any():
                _add_clocks(wanted, delivery, place, dates)
            found.append(dates)
        return found

    def _reach(self, snapshot: Snapshot, moment: Moment, delivery: Delivery, place: Place, t: int) -> Reach:
        if place.kind == HOME:
            return _reach_address(snapshot, moment, place, t)
        compiled = snapshot.compiled
        key = (delivery.node_id, delivery.pickup_point_id, delivery.method, t)
        known = self._known(compiled, moment.origin_seconds if compiled.timetable.keeps_time else 0)
        self._asked[key] = delivery, place
        if key not in known:
            known[key] = _reach_place(snapshot, moment, delivery, place, t)
        return known[key]

    def _known(self, compiled: Compiled, since: int) -> dict[Key, Reach]:
        """Of an origin. Earlier ones, and what was asked for in their time, are forgotten."""
        with self._lock:
            if self._compiled is not compiled:
                self._compiled, self._since, self._reaches, self._asked = compiled, since, {}, {}
            if since > self._since:
                self._since, self._asked = since, {}
                self._reaches = {at: known for at, known in self._reaches.items() if at >= since}
            return self._reaches.setdefault(since, {})

    def prepare(self, snapshot: Snapshot, now_seconds: int, most: int) -> int:
        """Works out how up to ``most`` of the places that were asked for in this minute are reached in the
        next, so that its first callers need not wait for that; how many it did."""
        compiled, origin = snapshot.compiled, snapshot.at(now_seconds).origin_seconds
        if compiled is not self._compiled or not compiled.timetable.keeps_time or origin > self._since:
            return 0
        moment = snapshot.at(origin + MINUTE_SECONDS)
        with self._lock:
            known, asked = self._reaches.setdefault(moment.origin_seconds, {}), tuple(self._asked.items())
        wanted = [(key, *where) for key, where in asked if key not in known][:most]
        for key, delivery, place in wanted:
            known[key] = _reach_place(snapshot, moment, delivery, place, key[-1])
        return len(wanted)


def _reach_address(snapshot: Snapshot, moment: Moment, place: Place, t: int) -> Reach:
    compiled, where = snapshot.compiled, place.destination
    shape = compiled.network.node_service.shape
    seconds, grams = np.empty(shape, np.int64), np.empty(shape, np.int64)
    chord2 = np.empty(shape[0])
    xyz = unit_vectors(np.array([where.latitude]), np.array([where.longitude]))[0]
    target = int(compiled.network.zone_class[place.zone_ix])
    reach_home(moment.world.network, xyz, target, chord2, seconds, grams, shape[0])
    return Reach(
        seconds,
        grams,
        compiled.service_ids,
        chord2,
        methods_of(place, None, np.zeros(shape[0], np.int64)),
        compiled.rules.service_ok[t],
        compiled.rules.static_bits[t],
        compiled.rules.keep_units[t],
    )


def _reach_place(snapshot: Snapshot, moment: Moment, delivery: Delivery, place: Place, t: int) -> Reach:
    compiled = snapshot.compiled
    nodes = np.arange(len(compiled.node_ids))
    origin = moment.origin_seconds
    finder = Finder(snapshot.network, compiled, t, place, nodes)
    ways = finder.find_at(delivery.method, origin, np.full(len(nodes), origin, np.int64))
    goes = (ways.tariff >= 0) & (ways.arrival < NEVER)
    greatest = np.array([tariff.up_to_grams[-1] for tariff in ways.tariffs] or [0], np.int64)
    methods = methods_of(place, delivery.method, nodes)
    classes = np.arange(compiled.rules.static_bits.shape[1])
    bits, keep = method_bits(snapshot, t, classes, nodes, methods)
    service_ok = compiled.rules.service_ok[t]
    way_ok = [service_ok[:, list(used)].all(axis=1) for used in ways.services]
    return Reach(
        np.where(goes, ways.arrival - origin, FAR),
        np.where(goes, greatest[ways.tariff], 0),
        ways.ids,
        finder.chord2(place, nodes),
        methods,
        frozen(np.array(way_ok, np.uint8).reshape(len(ways.ids), len(classes)).T.copy()),
        frozen(np.ascontiguousarray(bits[0])),
        frozen(np.ascontiguousarray(keep[0])),
    )


def _at_once(wanted: Wanted, moment: Moment, delivery: Delivery, place: Place, reach: Reach) -> Dates:
    """From what one node has now."""
    snapshot, t = wanted.snapshot, wanted.strategy_ix
    compiled = snapshot.compiled
    rules = compiled.rules
    latest = latest_of(wanted.context, compiled.strategies[t], delivery)
    bits, off = reach.bits, snapshot.states.off(wanted.now_seconds)
    if off:
        bits = bits.copy()
        bits[:, list(off)] |= np.uint64(1 << BIT_SWITCHED_OFF)
    dates = Dates.none(len(wanted.items), t, reach)
    find = soonest_of_few if len(wanted.items) <= FEW else soonest
    find(
        wanted.items,
        wanted.units,
        snapshot.stock.sku_start,
        snapshot.stock.node_ix,
        snapshot.stock.available,
        compiled.catalogue.sku_class,
        compiled.catalogue.weight_grams,
        reach.seconds,
        reach.grams,
        reach.way_ok,
        bits,
        reach.keep,
        rules.near_chord2[t],
        rules.home_only[t],
        compiled.network.node_country,
        compiled.countries.find(place.destination.country),
        reach.chord2,
        min(FAR, latest - moment.origin_seconds),
        dates.found,
    )
    dates.node_count[:] = dates.found[:, STAGE] == FOUND
    return dates


def _add_clocks(wanted: Wanted, delivery: Delivery, place: Place, dates: Dates) -> None:
    """Until when to order, and how sure that is, of what comes from one node."""
    rows = np.flatnonzero(dates.node_count == 1)
    origin = wanted.snapshot.at(wanted.now_seconds).origin_seconds
    since = np.maximum(dates.times[rows, SUPPLY], origin)
    keys = np.stack([dates.found[rows, NODE], dates.found[rows, WAY], since], axis=1)
    trips, which = np.unique(keys, axis=0, return_inverse=True)
    assert dates.reach is not None
    ways = [dates.reach.ids[way] for way in trips[:, 1].tolist()]
    known = Trips(
        wanted.snapshot, wanted.strategy_ix, delivery, place, origin, trips[:, 0], trips[:, 2], ways
    )
    if wanted.with_order_by:
        order_by = known.order_by()[which.reshape(-1)]
        dates.times[rows, ORDER_BY] = np.where(dates.times[rows, SUPPLY] > 0, 0, order_by)
    if wanted.with_odds:
        dates.times[rows, LIKELIHOODS:] = known.likely(LIKELY)[which.reshape(-1)]
