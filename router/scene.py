"""One delivery of an order as the kernels see it: a small world of its own.

Its nodes are the *sources* of the delivery: nodes with a stock row of one of its SKUs. Its services are the
*ways* to the place, its SKUs those of the order, and its times are levels of what they cost: whatever
calendar, path or method is behind an option, the kernels and the solver weigh tariffs and levels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.calendar import DAY_SECONDS
from router.columns import frozen
from router.domain import Delivery, DeliveryMethod, LineFill, Order
from router.kernels.types import (
    ANYWHERE,
    DAYS_TABLE,
    FAR,
    MAX_GROUPS,
    CatalogueArrays,
    NetworkArrays,
    OrderArrays,
    StockArrays,
    World,
)
from router.network import HOME, PICKUP_POINT
from router.onward import LastLeg
from router.orders import order_arrays
from router.places import Place, part_of
from router.question import Question
from router.receipts import Steps
from router.rules.model import Strategy
from router.scene_rules import Kept, Lanes, border_bits, excluded_bits, scene_rules, states_of
from router.shared import ANY_SKU, NOTHING_SHARED, Pair, Shared, Taker
from router.snapshot import Moment, Snapshot
from router.source_prices import SourcePrices, source_prices
from router.supply import Piles
from router.times import latest_of, times_cents
from router.timetable import HORIZON_DAYS
from router.ways import Finder, Ways

I64 = NDArray[np.int64]
LATE_SECONDS = (DAYS_TABLE + 1) * DAY_SECONDS
"""Where the kernels are told that an option arrives when it is late: beyond every level."""
LEAST_NODES = 16
"""Worlds are padded to few sizes, as each has work space of its own."""


@dataclass(frozen=True, slots=True)
class Scene:
    """moment, columns: what the kernels are given; the only strategy is row 0, the only order row 0.

    order: the delivery's lines as an order of their own. nodes, dates: int64[n], node of each source and
    since when it has its goods (epoch seconds), by both; beyond n the world is padded. ways: of each source.
    skus: int64[s], rows of the catalogue. prices: as of ``source_prices``. late: bool[n, V], after
    latest_seconds (FAR for any time). leg: from the hub on, if the place is one.
    """

    moment: Moment
    columns: OrderArrays
    order: Order
    delivery: Delivery
    place: Place
    strategy: Strategy
    skus: I64
    nodes: I64
    dates: I64
    methods: NDArray[np.int8]
    ways: Ways
    prices: SourcePrices
    late: NDArray[np.bool_]
    latest_seconds: int
    leg: LastLeg | None


def build_scene(question: Question, ix: int, shared: Shared = NOTHING_SHARED, *, later: bool = True) -> Scene:
    """The scene of delivery ``ix``. later: with what the sources will have after the origin, and room for;
    without, the origin alone, whatever room there is."""
    snapshot, order, strategy_ix = question.snapshot, question.order, question.strategy_ix
    delivery, place = question.deliveries[ix], question.places[ix]
    compiled = snapshot.compiled
    part = part_of(order, delivery, place)
    columns = order_arrays([part], compiled, snapshot.catalogue, question.now_seconds)
    skus, sku_of_line = np.unique(columns.sku_ix.astype(np.int64), return_inverse=True)
    origin = question.origin_seconds
    piles = Piles(snapshot.stock, skus, *_growth(question, skus, later=later))
    nodes, dates = piles.nodes, piles.dates
    stock, kept = _stock(piles, shared, ix, question.forbidden)
    ways = Finder(snapshot.network, compiled, strategy_ix, place, nodes, dates).find(delivery, origin)
    strategy = compiled.strategies[strategy_ix]
    leg = LastLeg.of(question, ix) if delivery.onward is not None else None
    time_cents = _times(question, delivery, ways.arrival, leg)
    goes = (ways.tariff >= 0) & (ways.arrival <= origin + HORIZON_DAYS * DAY_SECONDS)
    ways.tariff = np.where(goes, ways.tariff, -1)
    latest = latest_of(part, strategy, delivery)
    late = goes & ((ways.arrival > latest) | (time_cents == FAR))
    methods = methods_of(place, delivery.method, nodes)
    levels = np.unique(time_cents[goes & ~late])[: DAYS_TABLE - 1]
    padded = _padded(nodes)
    lanes = Lanes.of_ways(ways)
    network = _network(snapshot, padded, ways, lanes, late, np.searchsorted(levels, time_cents))
    barred = _barred(question, place, skus, nodes, dates if later else None)
    cents = source_prices(question, place, skus, nodes, dates)
    rules = scene_rules(
        snapshot, strategy_ix, skus, padded, methods, ways, lanes, levels, kept, barred, cents
    )
    rules = rules._replace(
        allow_partial=frozen(np.array([question.allow_partial and leg is None], np.uint8)),
        must_fill=frozen(np.array([_must_fill(part, columns.group)], np.int64)),
        split_cents=rules.split_cents if leg is None else frozen(np.zeros(1, np.int64)),
    )
    deadline = origin + DAYS_TABLE * DAY_SECONDS
    own = columns._replace(
        sku_ix=frozen(sku_of_line.reshape(-1).astype(np.int32)),
        zone=frozen(np.zeros(1, np.int16)),
        deliver_by_seconds=frozen(np.full(1, deadline)),
    )
    world = World(network, _catalogue(snapshot, skus), rules, stock)
    return Scene(
        Moment(world, origin),
        own,
        part,
        delivery,
        place,
        strategy,
        skus,
        nodes,
        dates,
        methods,
        ways,
        cents,
        late,
        latest,
        leg,
    )


def _times(question: Question, delivery: Delivery, arrival: I64, leg: LastLeg | None) -> I64:
    """Weighted cents of arriving then as the last, and of the way on from a hub."""
    if leg is not None:
        return leg.cents(arrival)
    return times_cents(question.snapshot, question.strategy_ix, delivery, arrival, question.origin_seconds)


def _barred(question: Question, place: Place, skus: I64, nodes: I64, dates: I64 | None) -> NDArray[np.uint64]:
    """uint64[s, n]: reasons against SKUs at sources; dates: None to leave out how their nodes are then."""
    barred = border_bits(question, place, skus, nodes) | excluded_bits(question, skus, nodes)
    return barred if dates is None else barred | states_of(question, nodes, dates)


def _catalogue(snapshot: Snapshot, skus: I64) -> CatalogueArrays:
    """Of a scene's SKUs, each a class of its own."""
    own = snapshot.compiled.catalogue
    return CatalogueArrays(
        frozen(own.weight_grams[skus]),
        frozen(own.unit_value_cents[skus]),
        frozen(np.arange(len(skus), dtype=np.int16)),
    )


def _must_fill(part: Order, group: NDArray[np.int16]) -> int:
    """Mask of the groups that every answer fills. An order of more groups than kernels take is the
    solver's."""
    asked = [line.fill is LineFill.FILL_OR_KILL for line in part.lines]
    return sum(1 << g for g in set(group[asked].tolist()) if g < MAX_GROUPS)


def methods_of(place: Place, asked: DeliveryMethod | None, nodes: I64) -> NDArray[np.int8]:
    """The delivery method by which each source serves the place."""
    if place.kind == HOME:
        return np.full(len(nodes), DeliveryMethod.SHIP, np.int8)
    if place.kind == PICKUP_POINT:
        return np.full(len(nodes), DeliveryMethod.PICKUP_POINT, np.int8)
    own = DeliveryMethod.PICKUP if asked in (None, DeliveryMethod.SHIP_TO_STORE) else asked
    return np.where(nodes == place.node_ix, own, DeliveryMethod.SHIP_TO_STORE).astype(np.int8)


def _growth(
    question: Question, skus: I64, *, later: bool
) -> tuple[list[Mapping[int, Steps]], Callable[[int, set[int]], Iterable[int]]]:
    """What there will be of each SKU, and the dates of a node."""
    origin = question.origin_seconds
    growth: list[Mapping[int, Steps]] = [question.supply.growth(sku) for sku in skus.tolist()]
    if later:
        return growth, lambda node, dates: question.rooms.dates(node, {origin, *dates}, question.loads)
    now: list[Mapping[int, Steps]] = [
        {node: [step for step in steps if step[0] <= origin] for node, steps in own.items()} for own in growth
    ]
    return now, lambda node, dates: [origin]


def _stock(
    piles: Piles, shared: Shared, delivery_ix: int, forbidden: frozenset[int]
) -> tuple[StockArrays, Kept]:
    """The rows of the SKUs over the sources, less what is gone; forbidden nodes have nothing."""
    barred = np.isin(piles.nodes, list(forbidden))
    rows, units, prices = [], [], []
    kept: Kept = []
    taken: dict[Pair, dict[Taker, int]] = {}
    for pair, taker, most in shared.allotted:
        taken.setdefault(pair, {})[taker] = most
    caps = {(node, taker, sku): most for node, taker, sku, most in sorted(shared.caps, reverse=True)}
    capped = {node for node, _, _ in caps}
    for i, sku in enumerate(piles.skus.tolist()):
        left = piles.units[i].copy()
        touched = {node for shared_sku, node in taken if shared_sku == sku} | capped
        for row in np.flatnonzero(np.isin(piles.nodes, list(touched)) & piles.has[i]).tolist():
            node, own = int(piles.nodes[row]), Taker(delivery_ix, int(piles.dates[row]))
            takers = taken.get((sku, node), {})
            left[row] = piles.left(i, row, [(t.date_seconds, n) for t, n in takers.items() if t < own])
            limits = [takers.get(own), caps.get((node, own, sku)), caps.get((node, own, ANY_SKU))]
            stated = [most for most in limits if most is not None]
            if stated:
                kept.append((i, row, int(left[row]) - min(stated)))
        left[barred] = 0
        rows.append(np.flatnonzero(piles.has[i]))
        units.append(left[rows[-1]])
        prices.append(piles.price_cents[i][rows[-1]])
    bounds = np.iinfo(np.int32)
    return StockArrays(
        frozen(np.cumsum([0, *(len(own) for own in rows)]).astype(np.int64)),
        frozen(np.concatenate(rows).astype(np.int32)),
        np.clip(np.concatenate(units), bounds.min, bounds.max).astype(np.int32),
        frozen(np.concatenate(prices)),
    ), kept


def _padded(nodes: I64) -> I64:
    """Nodes of the world's rows; those beyond the sources have no stock and never matter."""
    size = max(LEAST_NODES, 1 << max(0, len(nodes) - 1).bit_length())
    return np.concatenate([nodes, np.zeros(size - len(nodes), np.int64)])


def _network(
    snapshot: Snapshot, padded: I64, ways: Ways, lanes: Lanes, late: NDArray[np.bool_], level: I64
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
