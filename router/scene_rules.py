"""The rules of a scene: those of one strategy, for its SKUs, sources and ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.columns import frozen
from router.domain import DeliveryMethod
from router.kernels.types import BIT_INSUFFICIENT, DAYS_TABLE, DYN_MIN_REMAINING, FAR, RuleArrays
from router.network import LoadKind
from router.places import Place
from router.question import Question
from router.rooms import LEAST_LOAD
from router.snapshot import BIT_EXCLUDED, BIT_NO_CAPACITY, BIT_SWITCHED_OFF, Snapshot
from router.source_prices import SourcePrices
from router.ways import Ways

I64 = NDArray[np.int64]
LANES_STEP = 16
"""Worlds are padded to few sizes, as each has work space of its own."""
Kept = list[tuple[int, int, int]]
"""Units that must remain, of a row of a scene's SKUs at a row of its nodes."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """A lane of the world is a tariff by a way: way, tariff: int64[lanes]; of: int32[n, V], -1 for none."""

    way: I64
    tariff: I64
    of: NDArray[np.int32]

    @classmethod
    def of_ways(cls, ways: Ways) -> Lanes:
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


def states_of(question: Question, nodes: I64, dates: I64) -> NDArray[np.uint64]:
    """uint64[n]: reasons against sources that lie in the state of their node."""
    bits = np.zeros(len(nodes), np.uint64)
    off = np.isin(nodes, question.snapshot.states.off(question.now_seconds))
    bits[off] |= np.uint64(1 << BIT_SWITCHED_OFF)
    known = question.snapshot.network.nodes
    for row, (node, date) in enumerate(zip(nodes.tolist(), dates.tolist(), strict=True)):
        if known[node].capacity and not question.rooms.takes(
            node, question.rooms.day_of(node, date), LEAST_LOAD
        ):
            bits[row] |= np.uint64(1 << BIT_NO_CAPACITY)
    return bits


def border_bits(question: Question, place: Place, skus: I64, nodes: I64) -> NDArray[np.uint64]:
    """uint64[s, n]: reasons against SKUs at sources that lie in where they would go."""
    compiled = question.snapshot.compiled
    sku_class = compiled.catalogue.sku_class[skus].astype(np.int64)
    return compiled.abroad.bits(question.strategy_ix, place.destination.country, sku_class, nodes)


def excluded_bits(question: Question, skus: I64, nodes: I64) -> NDArray[np.uint64]:
    """uint64[s, n]: reasons against SKUs at sources that lie in the order."""
    bits = np.zeros((len(skus), len(nodes)), np.uint64)
    snapshot = question.snapshot
    for exclusion in question.order.exclusions:
        there = nodes == snapshot.compiled.nodes.find(exclusion.node_id)
        about = skus == snapshot.catalogue.ids.find(exclusion.sku_id) if exclusion.sku_id else skus >= 0
        if exclusion.until_seconds is None or question.now_seconds < exclusion.until_seconds:
            bits[np.ix_(about, there)] |= np.uint64(1 << BIT_EXCLUDED)
    return bits


def scene_rules(
    snapshot: Snapshot,
    t: int,
    skus: I64,
    padded: I64,
    methods: NDArray[np.int8],
    ways: Ways,
    lanes: Lanes,
    levels: I64,
    kept: Kept,
    barred: NDArray[np.uint64],
    prices: SourcePrices,
) -> RuleArrays:
    """The strategy alone, for these SKUs, sources and ways. barred: uint64[s, n], reasons that are not rules
    of kernels."""
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
    _add_sources(columns, barred, prices)
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


def _add_sources(columns: dict[str, NDArray[Any]], barred: NDArray[np.uint64], prices: SourcePrices) -> None:
    """Reasons against sources, and the prices of their dates."""
    n = barred.shape[-1]
    columns["static_bits"] = columns["static_bits"].copy()
    columns["static_bits"][:, :, :n] |= barred
    columns["keep_units"] = np.where(columns["static_bits"] != 0, FAR, columns["keep_units"])
    for name, cents in (
        ("ship_handling_cents", prices.load[LoadKind.ORDERS]),
        ("line_cents", prices.load[LoadKind.LINES] + prices.duty_line),
        ("unit_cents", prices.load[LoadKind.UNITS] + prices.unit),
    ):
        columns[name] = columns[name].copy()
        columns[name][..., :n] += cents


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
