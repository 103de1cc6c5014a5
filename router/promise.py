"""Dates before purchase: when each item could be had by each delivery, and from where."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.calendar import NEVER
from router.columns import frozen
from router.compile import Compiled
from router.domain import Delivery, LineSplits, Order
from router.kernels.geo import unit_vectors
from router.kernels.promise import (
    ANSWER_COLUMNS,
    AVAILABLE,
    BARRED,
    FOUND,
    NODE,
    SECONDS,
    STAGE,
    WAY,
    reach_home,
    soonest,
)
from router.kernels.types import FAR
from router.network import HOME
from router.places import Place
from router.scene import latest_of, methods_of
from router.scene_rules import method_bits
from router.snapshot import Moment, Snapshot
from router.ways import Finder

I64 = NDArray[np.int64]

REASONS = ("NOT_STOCKED", "INSUFFICIENT_STOCK", "NOT_ALLOWED", "NO_SERVICE", "TOO_LATE", "")
"""By the stage that the best candidate came to."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How all N nodes reach one place by W ways under a strategy.

    seconds, grams: int64[N, W], time to arrive (FAR: never) and greatest parcel. ids: of the ways. chord2:
    float64[N]. methods: int8[N]. way_ok: uint8[K, W]; bits, keep: [K, N] as in RuleArrays.
    """

    seconds: I64
    grams: I64
    ids: Sequence[str]
    chord2: NDArray[np.float64]
    methods: NDArray[np.int8]
    way_ok: NDArray[np.uint8]
    bits: NDArray[np.uint64]
    keep: I64


@dataclass(frozen=True, slots=True)
class Dates:
    """The answer for one delivery; ``reach`` is None where no strategy applies. found: int64[I,
    ANSWER_COLUMNS]; node_count: int64[I]."""

    strategy_ix: int
    reach: Reach | None
    found: I64
    node_count: I64


class Promiser:
    """Remembers how places other than addresses are reached, for as long as times do not change. Safe to use
    from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: tuple[Compiled, int] | None = None
        self._reaches: dict[tuple[Any, ...], Reach] = {}

    def dates(
        self,
        context: Order,
        delivery: Delivery,
        place: Place,
        snapshot: Snapshot,
        now_seconds: int,
        strategy_ix: int,
        items: I64,
        units: I64,
    ) -> Dates:
        """When SKU rows ``items`` could be had, ``units`` of each, both int64[I], by one delivery of a
        ``context`` that is right."""
        moment, count = snapshot.at(now_seconds), len(items)
        found = np.zeros((count, ANSWER_COLUMNS), np.int64)
        if strategy_ix < 0:
            found[:, STAGE] = BARRED
            return Dates(-1, None, found, np.zeros(count, np.int64))
        reach = self._reach(snapshot, moment, delivery, place, strategy_ix)
        latest = latest_of(context, snapshot.compiled.strategies[strategy_ix], delivery)
        hurry = min(FAR, latest - moment.origin_seconds)
        compiled, t = snapshot.compiled, strategy_ix
        rules = compiled.rules
        soonest(
            items,
            units,
            *snapshot.stock.arrays(),
            compiled.catalogue.sku_class,
            compiled.catalogue.weight_grams,
            reach.seconds,
            reach.grams,
            reach.way_ok,
            reach.bits,
            reach.keep,
            rules.near_chord2[t],
            rules.home_only[t],
            compiled.network.node_country,
            compiled.countries.find(place.destination.country),
            reach.chord2,
            hurry,
            found,
        )
        node_count = (found[:, STAGE] == FOUND).astype(np.int64)
        if rules.line_splits[t] != LineSplits.NEVER:
            for i in np.flatnonzero((node_count == 0) & (units > 1)).tolist():
                item = int(items[i]), int(units[i])
                node_count[i] = _divide(snapshot, reach, place, t, item, hurry, found[i])
        return Dates(t, reach, found, node_count)

    def _reach(self, snapshot: Snapshot, moment: Moment, delivery: Delivery, place: Place, t: int) -> Reach:
        if place.kind == HOME:
            return _reach_address(snapshot, moment, place, t)
        compiled = snapshot.compiled
        key = (delivery.node_id, delivery.pickup_point_id, delivery.method, t)
        with self._lock:
            if self._of is None or self._of[0] is not compiled or self._of[1] != moment.origin_seconds:
                self._of, self._reaches = (compiled, moment.origin_seconds), {}
            known = self._reaches
        if key not in known:
            known[key] = _reach_place(snapshot, moment, delivery, place, t)
        return known[key]


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
        methods_of(place, None, np.zeros(0, np.int64)),
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


def _divide(
    snapshot: Snapshot,
    reach: Reach,
    place: Place,
    t: int,
    item: tuple[int, int],
    hurry: int,
    found: I64,
) -> int:
    """An item (SKU row, units) that no node has whole: the soonest nodes that have it together, as many as
    rules allow. Returns how many; 0 leaves ``found`` as it is."""
    sku, need = item
    compiled, stock = snapshot.compiled, snapshot.stock
    rules, cls = compiled.rules, int(compiled.catalogue.sku_class[sku])
    rows = slice(int(stock.sku_start[sku]), int(stock.sku_start[sku + 1]))
    nodes, have = stock.node_ix[rows].astype(np.int64), stock.available[rows].astype(np.int64)
    way = np.where(
        (reach.way_ok[cls] != 0) & (compiled.catalogue.weight_grams[sku] <= reach.grams[nodes]),
        reach.seconds[nodes],
        FAR,
    )
    if not way.size:
        return 0
    time = way.min(axis=1)
    country = compiled.countries.find(place.destination.country)
    cap = have - reach.keep[cls, nodes]
    may = (cap > 0) & (time <= hurry) & (time < FAR) & (reach.bits[cls, nodes] == 0)
    may &= reach.chord2[nodes] < rules.near_chord2[t, cls, nodes]
    may &= (rules.home_only[t, cls, nodes] == 0) | (compiled.network.node_country[nodes] == country)
    own = np.flatnonzero(may)
    own = own[np.lexsort((-cap[own], time[own]))][: int(rules.max_nodes[t])]
    together = np.cumsum(cap[own])
    if len(own) == 0 or together[-1] < need:
        return 0
    last = int(np.searchsorted(together, need))
    row = own[last]
    found[[NODE, WAY, SECONDS, AVAILABLE, STAGE]] = (
        nodes[row],
        int(way[row].argmin()),
        time[row],
        have[row],
        FOUND,
    )
    return last + 1
