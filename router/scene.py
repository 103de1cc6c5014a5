"""One delivery of an order as the kernels see it: a small world of its own.

Its nodes are the *sources* of the delivery: nodes with a stock row of one of its SKUs. Its services are the
*ways* to the place, its SKUs those of the order, and its times are levels of what they cost: whatever
calendar, path or method is behind an option, the kernels and the solver weigh tariffs and levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.calendar import DAY_SECONDS, NEVER
from router.columns import frozen
from router.domain import Delivery, DeliveryMethod, Order
from router.kernels.types import (
    ANYWHERE,
    BIT_INSUFFICIENT,
    DAYS_TABLE,
    DYN_MIN_REMAINING,
    FAR,
    CatalogueArrays,
    NetworkArrays,
    OrderArrays,
    RuleArrays,
    StockArrays,
    World,
)
from router.network import HOME, PICKUP_POINT
from router.orders import order_arrays
from router.places import Place, part_of
from router.rules.compile import weighted
from router.rules.model import Lateness, Strategy
from router.snapshot import Moment, Snapshot
from router.supply import Piles, Supply
from router.timetable import HORIZON_DAYS
from router.ways import Finder, Ways

I64 = NDArray[np.int64]
LATE_SECONDS = (DAYS_TABLE + 1) * DAY_SECONDS
"""Where the kernels are told that an option arrives when it is late: beyond every level."""
LEAST_NODES, LANES_STEP = 16, 16
"""Worlds are padded to few sizes, as each has work space of its own."""


@dataclass(frozen=True, slots=True)
class Scene:
    """moment, columns: what the kernels are given; the only strategy is row 0, the only order row 0.

    order: the delivery's lines as an order of their own. nodes, dates: int64[n], node of each source and
    since when it has its goods (epoch seconds), by both; beyond n the world is padded. ways: of each source.
    late: bool[n, V], after latest_seconds (FAR for any time).
    """

    moment: Moment
    columns: OrderArrays
    order: Order
    delivery: Delivery
    place: Place
    strategy: Strategy
    nodes: I64
    dates: I64
    methods: NDArray[np.int8]
    ways: Ways
    late: NDArray[np.bool_]
    latest_seconds: int


class Taker(NamedTuple):
    """A part that takes of a node: of the delivery at that place in the order, at that date (epoch seconds).
    In this order they find what those before them leave."""

    delivery_ix: int
    date_seconds: int


Shares = Mapping[tuple[int, int], Mapping[Taker, int]]
"""Most units that takers may take, by (sku row, node row): so many are gone for those after them."""


def build_scene(
    snapshot: Snapshot,
    order: Order,
    delivery: Delivery,
    place: Place,
    strategy_ix: int,
    now_seconds: int,
    shares: Shares,
    forbidden: frozenset[int] = frozenset(),
    *,
    delivery_ix: int = 0,
    later: bool = True,
) -> Scene:
    """The scene of one delivery under one strategy. later: with what the sources will have after the
    origin."""
    compiled = snapshot.compiled
    part = part_of(order, delivery, place)
    columns = order_arrays([part], compiled, snapshot.catalogue, now_seconds)
    skus, sku_of_line = np.unique(columns.sku_ix.astype(np.int64), return_inverse=True)
    origin = compiled.timetable.origin(now_seconds)
    supply = Supply(snapshot, strategy_ix, now_seconds)
    piles = Piles(snapshot.stock, [supply.growth(sku) for sku in skus.tolist()], skus, origin, later=later)
    nodes, dates = piles.nodes, piles.dates
    stock, kept = _stock(piles, shares, delivery_ix, forbidden)
    ways = Finder(snapshot.network, compiled, strategy_ix, place, nodes, dates).find(delivery, origin)
    strategy = compiled.strategies[strategy_ix]
    time_cents = times_cents(snapshot, strategy_ix, delivery, ways.arrival, origin)
    goes = (ways.tariff >= 0) & (ways.arrival <= origin + HORIZON_DAYS * DAY_SECONDS)
    ways.tariff = np.where(goes, ways.tariff, -1)
    latest = latest_of(part, strategy, delivery)
    late = goes & (ways.arrival > latest)
    methods = methods_of(place, delivery.method, nodes)
    levels = np.unique(time_cents[goes & ~late])[: DAYS_TABLE - 1]
    padded = _padded(nodes)
    lanes = _Lanes.of_ways(ways)
    network = _network(snapshot, padded, ways, lanes, late, np.searchsorted(levels, time_cents))
    rules = _rules(snapshot, strategy_ix, skus, padded, methods, ways, lanes, levels, kept)
    catalogue = CatalogueArrays(
        frozen(compiled.catalogue.weight_grams[skus]),
        frozen(compiled.catalogue.unit_value_cents[skus]),
        frozen(np.arange(len(skus), dtype=np.int16)),
    )
    deadline = origin + DAYS_TABLE * DAY_SECONDS
    own = columns._replace(
        sku_ix=frozen(sku_of_line.reshape(-1).astype(np.int32)),
        zone=frozen(np.zeros(1, np.int16)),
        deliver_by_seconds=frozen(np.full(1, deadline)),
    )
    world = World(network, catalogue, rules, stock)
    return Scene(
        Moment(world, origin), own, part, delivery, place, strategy, nodes, dates, methods, ways, late, latest
    )


def latest_of(part: Order, strategy: Strategy, delivery: Delivery) -> int:
    """The last arrival that is allowed."""
    stated = [t for t in (part.deliver_by_seconds, delivery.latest_seconds) if t is not None]
    latest = min(stated, default=FAR)
    days = strategy.limits.max_late_days
    if delivery.requested_seconds is not None and days is not None:
        latest = min(latest, delivery.requested_seconds + days * DAY_SECONDS)
    return latest


def methods_of(place: Place, asked: DeliveryMethod | None, nodes: I64) -> NDArray[np.int8]:
    """The delivery method by which each source serves the place."""
    if place.kind == HOME:
        return np.full(len(nodes), DeliveryMethod.SHIP, np.int8)
    if place.kind == PICKUP_POINT:
        return np.full(len(nodes), DeliveryMethod.PICKUP_POINT, np.int8)
    own = DeliveryMethod.PICKUP if asked in (None, DeliveryMethod.SHIP_TO_STORE) else asked
    return np.where(nodes == place.node_ix, own, DeliveryMethod.SHIP_TO_STORE).astype(np.int8)


def times_cents(
    snapshot: Snapshot, strategy_ix: int, delivery: Delivery, arrival: I64, origin_seconds: int
) -> I64:
    """Weighted cents of arriving then as the last: delay from the origin on, lateness from the requested
    time on."""
    rules = snapshot.compiled.rules
    known = np.minimum(arrival - origin_seconds, 2 * HORIZON_DAYS * DAY_SECONDS)
    days = -(-known // DAY_SECONDS)
    cents = rules.delay_cents[strategy_ix, np.minimum(days, DAYS_TABLE - 1)]
    cents = cents + rules.delay_slope_cents[strategy_ix] * np.maximum(0, days - (DAYS_TABLE - 1))
    total: I64 = cents + late_cents(snapshot.compiled.strategies[strategy_ix], delivery, arrival)
    return total


def late_cents(strategy: Strategy, delivery: Delivery, arrival: I64) -> I64:
    """Weighted cents of arriving after the requested time."""
    cents = np.zeros(arrival.shape, np.int64)
    if delivery.requested_seconds is None:
        return cents
    days = np.maximum(0, -(-(np.minimum(arrival, NEVER // 2) - delivery.requested_seconds) // DAY_SECONDS))
    for goal in strategy.objectives:
        if isinstance(goal, Lateness):
            cents = cents + weighted(goal.cents_per_day, goal.weight) * days
            for step in goal.steps:
                cents = cents + weighted(step.cents, goal.weight) * (days >= step.from_days)
    return cents


Kept = list[tuple[int, int, int]]
"""Units that must remain, of a row of a scene's SKUs at a row of its nodes."""


def _stock(
    piles: Piles, shares: Shares, delivery_ix: int, forbidden: frozenset[int]
) -> tuple[StockArrays, Kept]:
    """The rows of the SKUs over the sources, less what is gone; forbidden nodes have nothing."""
    barred = np.isin(piles.nodes, list(forbidden))
    rows, units = [], []
    kept: Kept = []
    for i, sku in enumerate(piles.skus.tolist()):
        left = piles.units[i].copy()
        for (shared, node), takers in shares.items():
            if shared != sku:
                continue
            for row in np.flatnonzero((piles.nodes == node) & piles.has[i]).tolist():
                own = Taker(delivery_ix, int(piles.dates[row]))
                left[row] = piles.left(i, row, [(t.date_seconds, n) for t, n in takers.items() if t < own])
                if own in takers:
                    kept.append((i, row, int(left[row]) - takers[own]))
        left[barred] = 0
        rows.append(np.flatnonzero(piles.has[i]))
        units.append(left[rows[-1]])
    bounds = np.iinfo(np.int32)
    return StockArrays(
        frozen(np.cumsum([0, *(len(own) for own in rows)]).astype(np.int64)),
        frozen(np.concatenate(rows).astype(np.int32)),
        np.clip(np.concatenate(units), bounds.min, bounds.max).astype(np.int32),
    ), kept


def _padded(nodes: I64) -> I64:
    """Nodes of the world's rows; those beyond the sources have no stock and never matter."""
    size = max(LEAST_NODES, 1 << max(0, len(nodes) - 1).bit_length())
    return np.concatenate([nodes, np.zeros(size - len(nodes), np.int64)])


@dataclass(frozen=True, slots=True)
class _Lanes:
    """A lane of the world is a tariff by a way: way, tariff: int64[lanes]; of: int32[n, V], -1 for none."""

    way: I64
    tariff: I64
    of: NDArray[np.int32]

    @classmethod
    def of_ways(cls, ways: Ways) -> _Lanes:
        pairs = np.argwhere(ways.tariff >= 0)
        keys = np.stack([pairs[:, 1], ways.tariff[pairs[:, 0], pairs[:, 1]]], axis=1)
        lanes, which = np.unique(keys, axis=0, return_inverse=True)
        of = np.full(ways.tariff.shape, -1, np.int32)
        of[pairs[:, 0], pairs[:, 1]] = which.reshape(-1)
        return cls(lanes[:, 0], lanes[:, 1], of)

    @property
    def spare(self) -> int:
        """Lanes of nobody, at the end."""
        return -len(self.way) % LANES_STEP


def _network(
    snapshot: Snapshot, padded: I64, ways: Ways, lanes: _Lanes, late: NDArray[np.bool_], level: I64
) -> NetworkArrays:
    own, shape, count = snapshot.compiled.network, (len(padded), len(ways.ids)), len(late)
    lane, collects = np.full(shape, -1, np.int32), np.zeros(shape, np.uint8)
    seconds = np.zeros(shape, np.int64)
    lane[:count], collects[:count] = lanes.of, lanes.of >= 0
    seconds[:count] = np.where(late, LATE_SECONDS, (level + 1) * DAY_SECONDS)
    rows = np.arange(len(padded) + 1, dtype=np.int32)
    brackets = [ways.tariffs[i].up_to_grams for i in lanes.tariff.tolist()] + [(1,)] * lanes.spare
    service = np.concatenate([lanes.way, np.zeros(lanes.spare, np.int64)])
    return NetworkArrays(
        node_xyz=frozen(np.ascontiguousarray(own.node_xyz[:, padded])),
        node_country=frozen(own.node_country[padded]),
        node_service=frozen(collects),
        node_carrier=frozen(rows[:-1].copy()),
        carrier_count=len(padded),
        route_start=frozen(rows),
        route_chord2=frozen(np.full(len(padded), ANYWHERE)),
        route_offer=frozen(rows[:-1].copy()),
        offer_lane=frozen(lane),
        offer_seconds=frozen(seconds),
        offer_kind=frozen(rows[:-1].copy()),
        zone_class=frozen(np.zeros(1, np.int16)),
        lane_service=frozen(service.astype(np.int32)),
        bracket_start=frozen(np.cumsum([0, *(len(b) for b in brackets)]).astype(np.int32)),
        bracket_grams=frozen(np.array([grams for b in brackets for grams in b], np.int64)),
    )


def _rules(
    snapshot: Snapshot,
    t: int,
    skus: I64,
    padded: I64,
    methods: NDArray[np.int8],
    ways: Ways,
    lanes: _Lanes,
    levels: I64,
    kept: Kept,
) -> RuleArrays:
    """The strategy alone, for these SKUs, sources and ways."""
    compiled = snapshot.compiled
    rules = compiled.rules
    sku_class = compiled.catalogue.sku_class[skus].astype(np.int64)
    here = np.ix_(sku_class, padded)
    columns = {name: column[t : t + 1] for name, column in rules._asdict().items()}
    for name in ("near_chord2", "home_only", "line_cents", "unit_cents"):
        columns[name] = columns[name][0][here][None]
    columns["static_bits"], columns["keep_units"] = method_bits(snapshot, t, sku_class, padded, methods)
    for name in ("ship_handling", "ship_priority", "unit_priority"):
        columns[f"{name}_cents"] = columns[f"{name}_cents"][:, padded]
    for kind in ("dynamic", "distance", "depth"):
        start = columns.pop(f"{kind}_start")
        first, stop = getattr(rules, f"{kind}_start")[t : t + 2].tolist()
        for name in (n for n in columns if n.startswith(f"{kind}_") and n not in _BY_STRATEGY):
            columns[name] = getattr(rules, name)[first:stop]
        columns[f"{kind}_start"] = np.array([0, stop - first], start.dtype)
    columns["dynamic_applies"] = columns["dynamic_applies"][:, sku_class][:, :, padded]
    _keep_back(columns, kept)
    columns["depth_applies"] = columns["depth_applies"][:, padded]
    columns["depth_profile"] = columns["depth_profile"][:, padded]
    columns["depth_below"] = rules.depth_below
    columns["service_ok"] = np.stack(
        [rules.service_ok[t][sku_class][:, list(used)].all(axis=1) for used in ways.services]
        or [np.zeros(len(skus), bool)],
        axis=1,
    )[None, :, : len(ways.ids)].astype(np.uint8)
    columns["service_bits"] = columns["service_bits"][:, sku_class]
    tariffs = [ways.tariffs[i] for i in lanes.tariff.tolist()]
    cents = [a + b for x in tariffs for a, b in zip(x.shipping_cents, x.transfer_cents, strict=True)]
    columns["bracket_cents"] = np.array([cents + [0] * lanes.spare], np.int64)
    table = np.zeros(DAYS_TABLE, np.int64)
    if len(levels):
        table[1 : len(levels) + 1] = levels
        table[len(levels) + 1 :] = levels[-1]
    columns["delay_cents"], columns["delay_slope_cents"] = table[None], np.zeros(1, np.int64)
    columns["profile_start"], columns["fallback"] = np.array([0, 1], np.int32), np.full(1, -1, np.int32)
    return RuleArrays(**{name: frozen(np.ascontiguousarray(a)) for name, a in columns.items()})


def _keep_back(columns: dict[str, NDArray[Any]], kept: Kept) -> None:
    """As rules about what must remain, of which the customer hears that there is too little."""
    applies = np.zeros((len(kept), *columns["dynamic_applies"].shape[1:]), np.uint8)
    for d, (sku, node, least) in enumerate(kept):
        applies[d, sku, node] = 1
        columns["keep_units"][0, sku, node] = max(columns["keep_units"][0, sku, node], least)
    each = np.ones(len(kept), np.int64)
    for name, column in (
        ("kind", each * DYN_MIN_REMAINING),
        ("bit", each * BIT_INSUFFICIENT),
        ("units", np.array([least for _, _, least in kept], np.int64)),
        ("chord2", np.zeros(len(kept))),
        ("applies", applies),
    ):
        columns[f"dynamic_{name}"] = np.concatenate([columns[f"dynamic_{name}"], column])
    columns["dynamic_start"] = columns["dynamic_start"] + np.array([0, len(kept)], np.int32)


_BY_STRATEGY = frozenset({"depth_profile", "depth_below"})


def method_bits(
    snapshot: Snapshot, t: int, sku_class: I64, padded: I64, methods: NDArray[np.int8]
) -> tuple[NDArray[np.uint64], I64]:
    """static_bits and keep_units, each source by its own method."""
    compiled = snapshot.compiled
    here = np.ix_(sku_class, padded)
    if compiled.by_method is None:
        return compiled.rules.static_bits[t][here][None], compiled.rules.keep_units[t][here][None]
    method = np.full(len(padded), DeliveryMethod.SHIP, np.int64)
    method[: len(methods)] = methods
    static = compiled.by_method.static_bits[t][method[None, :], sku_class[:, None], padded[None, :]]
    keep = np.where(static != 0, FAR, compiled.by_method.keep_units[t][here])
    return static[None], keep[None]
