"""What is asked for a promise, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.domain import Order
from router.kernels.promise import ANSWER_COLUMNS, BARRED, STAGE
from router.odds import LIKELY
from router.places import Place
from router.snapshot import Snapshot

I64 = NDArray[np.int64]
SUPPLY, ORDER_BY, LIKELIHOODS = 0, 1, 2
"""Columns of ``Dates.times``; the last stands for those of LIKELY."""
TIME_COLUMNS = LIKELIHOODS + len(LIKELY)


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
    ANSWER_COLUMNS]. node_count: int64[I]. times: int64[I, TIME_COLUMNS], epoch seconds or 0: since
    when the goods are there, and what ``router.odds`` says."""

    strategy_ix: int
    reach: Reach | None
    found: I64
    node_count: I64
    times: I64

    @classmethod
    def none(cls, count: int, strategy_ix: int = -1, reach: Reach | None = None) -> Dates:
        """Nothing can be had, by no rule."""
        found, times = np.zeros((count, ANSWER_COLUMNS), np.int64), np.zeros((count, TIME_COLUMNS), np.int64)
        found[:, STAGE] = BARRED
        return cls(strategy_ix, reach, found, np.zeros(count, np.int64), times)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: SKU rows and units, int64[I] each, in a ``context`` that is right, by deliveries
    to ``places`` under the strategy that applies (-1: none)."""

    context: Order
    places: Sequence[Place]
    items: I64
    units: I64
    snapshot: Snapshot
    now_seconds: int
    strategy_ix: int
    with_order_by: bool = False
    with_odds: bool = False
