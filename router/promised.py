"""What is asked for a promise, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.domain import Order
from router.kernels.promise import ANSWER_COLUMNS, BARRED, STAGE
from router.odds import LIKELY
from router.snapshot import Snapshot

I64 = NDArray[np.int64]


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
    ANSWER_COLUMNS]. node_count: int64[I]. date_seconds, order_by_seconds: int64[I], likely_seconds: int64[I,
    len(LIKELY)], epoch seconds or 0: since when the goods are there, and what ``router.odds`` says."""

    strategy_ix: int
    reach: Reach | None
    found: I64
    node_count: I64
    date_seconds: I64
    order_by_seconds: I64
    likely_seconds: I64

    @classmethod
    def none(cls, count: int, strategy_ix: int = -1, reach: Reach | None = None) -> Dates:
        """Nothing can be had, by no rule."""
        found, likely = np.zeros((count, ANSWER_COLUMNS), np.int64), np.zeros((count, len(LIKELY)), np.int64)
        found[:, STAGE] = BARRED
        node_count, since, order_by = np.zeros((3, count), np.int64)
        return cls(strategy_ix, reach, found, node_count, since, order_by, likely)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: lines of a ``context`` that is right, their SKU rows and units, int64[I] each, under
    the strategy that applies (-1: none)."""

    context: Order
    items: I64
    units: I64
    snapshot: Snapshot
    now_seconds: int
    strategy_ix: int
    with_order_by: bool = False
    with_odds: bool = False
