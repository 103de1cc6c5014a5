"""The earliest time at which items could be had by one delivery: a pass over their stock rows."""

from __future__ import annotations

from router.kernels.jit import brief, kernel
from router.kernels.routes import offer_of
from router.kernels.types import F64, FAR, I16, I32, I64, U8, U64, NetworkArrays

NODE, WAY, SECONDS, AVAILABLE, STAGE = range(5)
"""Columns of the answer."""
ANSWER_COLUMNS = 5

NOT_STOCKED, SHORT, BARRED, NO_WAY, LATE, FOUND = range(6)
"""How far the best candidate came."""


@brief
def reach_home(
    net: NetworkArrays, xyz: F64, target: int, chord2: F64, seconds: I64, grams: I64, nodes: int
) -> None:
    """For a place of destination class ``target``: squared chords float64[N], and for each node and service
    the time to arrive (FAR: never) and the greatest parcel, both int64[N, V]."""
    starts, greatest = net.bracket_start, net.bracket_grams
    for n in range(nodes):
        x, y, z = xyz[0] - net.node_xyz[0, n], xyz[1] - net.node_xyz[1, n], xyz[2] - net.node_xyz[2, n]
        chord2[n] = x * x + y * y + z * z
        offer = offer_of(net, target, n, chord2[n])
        for v in range(seconds.shape[1]):
            lane = net.offer_lane[offer, v]
            seconds[n, v], grams[n, v] = FAR, 0
            if lane >= 0:
                seconds[n, v] = net.offer_seconds[offer, v]
                grams[n, v] = greatest[starts[lane + 1] - 1]


@kernel
def soonest(
    sku_ix: I64,
    quantity: I64,
    stock_start: I64,
    stock_node: I32,
    stock_units: I32,
    sku_class: I16,
    weight_grams: I32,
    seconds: I64,
    grams: I64,
    way_ok: U8,
    bits: U64,
    keep: I64,
    near: F64,
    home: U8,
    node_country: I16,
    country: int,
    chord2: F64,
    latest: int,
    out: I64,
) -> None:
    """Write the best node of each of I items into ``out``, int64[I, ANSWER_COLUMNS]: the soonest, then the
    first node and way. seconds, grams: as ``reach_home`` writes them, for W ways. way_ok: uint8[K, W]. bits,
    keep, near, home: [K, N], as in RuleArrays. latest: seconds after which nothing may arrive."""
    ways = seconds.shape[1]
    for i in range(len(sku_ix)):
        s, need = sku_ix[i], quantity[i]
        cls, weight = sku_class[s], weight_grams[s]
        best, stage = FAR, NOT_STOCKED
        out[i, NODE], out[i, WAY], out[i, AVAILABLE] = -1, -1, 0
        for r in range(stock_start[s], stock_start[s + 1]):
            n, have = stock_node[r], stock_units[r]
            if have < need:
                stage = max(stage, SHORT)
                continue
            if (
                bits[cls, n] != 0
                or have - need < keep[cls, n]
                or not chord2[n] < near[cls, n]
                or (home[cls, n] != 0 and node_country[n] != country)
            ):
                stage = max(stage, BARRED)
                continue
            stage = max(stage, NO_WAY)
            for w in range(ways):
                if way_ok[cls, w] == 0 or weight > grams[n, w] or seconds[n, w] >= FAR:
                    continue
                stage = max(stage, LATE)
                if seconds[n, w] <= latest and seconds[n, w] < best:
                    best, stage = seconds[n, w], FOUND
                    out[i, NODE], out[i, WAY], out[i, AVAILABLE] = n, w, have
        out[i, SECONDS], out[i, STAGE] = best, stage


@brief
def soonest_of_few(
    sku_ix: I64,
    quantity: I64,
    stock_start: I64,
    stock_node: I32,
    stock_units: I32,
    sku_class: I16,
    weight_grams: I32,
    seconds: I64,
    grams: I64,
    way_ok: U8,
    bits: U64,
    keep: I64,
    near: F64,
    home: U8,
    node_country: I16,
    country: int,
    chord2: F64,
    latest: int,
    out: I64,
) -> None:
    """``soonest`` for a few items."""
    soonest(
        sku_ix,
        quantity,
        stock_start,
        stock_node,
        stock_units,
        sku_class,
        weight_grams,
        seconds,
        grams,
        way_ok,
        bits,
        keep,
        near,
        home,
        node_country,
        country,
        chord2,
        latest,
        out,
    )
