"""(b) Ranking the candidates of a line: the kernel against vectorised NumPy, same columns, same answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np

from bench.rank_numpy import rank_numpy
from bench.spec import BenchSpec, Report, Result, Sheet, Target, interleaved, ratio_of
from bench.synthetic import NOW_SECONDS
from router.kernels.rank import ANSWER_ROWS, LineColumns, rank_candidates

SERVICES = 3
LANES = 12
DEFAULT_MOST = 20
"""Candidates that RankNodes lists when it is not told how many."""
QUANTITY = 2
TARGET_SMALL = 10
HALF_HOUR_SECONDS, DAY_SECONDS = 1_800, 86_400


@dataclass(frozen=True, slots=True)
class Size:
    """counts: candidates of a line. work: candidates ranked between two looks at the clock."""

    counts: tuple[int, ...]
    rounds: int
    work: int


FULL = Size(counts=(200, 1_000, 10_000), rounds=31, work=60_000)
SMOKE = Size(counts=(30, 50), rounds=2, work=100)


def line_columns(count: int, seed: int = 0) -> LineColumns:
    """A line over ``count`` candidates: 15 in 100 are out, tariffs of 4 to 25 euros, six days at most."""
    rng = np.random.default_rng((seed, count))
    per_service = LANES // SERVICES
    lane = (rng.integers(0, per_service, (count, SERVICES)) + per_service * np.arange(SERVICES)).astype(
        np.int32
    )
    lane[rng.random((count, SERVICES)) < 0.1] = -1
    lane[:, 0] = np.where((lane < 0).all(axis=1), 0, lane[:, 0])
    lane_seconds = rng.integers(1, 6, LANES) * (DAY_SECONDS // 2)
    seconds = (rng.integers(0, 48, count) * HALF_HOUR_SECONDS)[:, None] + lane_seconds[lane]
    days = -(-seconds // DAY_SECONDS)
    return LineColumns(
        bits=(rng.random(count) < 0.15).astype(np.uint64),
        available=rng.integers(3, 60, count),
        own_cents=np.stack(
            [
                rng.integers(0, 300, count),
                rng.integers(0, 900, count),
                50 * rng.integers(0, 4, count),
                np.zeros(count, np.int64),
            ]
        ),
        lane=lane,
        delay_cents=np.maximum(0, days - 1) * 99,
        seconds=seconds,
        lane_cents=rng.integers(400, 2_500, LANES),
        depth_applies=np.ones((1, count), np.uint8),
        depth_cents=np.full(1, 150),
        depth_target=np.full(1, 20),
    )


def run(smoke: bool, report: Report) -> Result:
    """For each size, the best 20 and the whole ranking."""
    size = SMOKE if smoke else FULL
    rows: list[tuple[str, ...]] = []
    figures: dict[str, float] = {}
    worst: dict[int, float] = {}
    for count in size.counts:
        for most in (DEFAULT_MOST, count):
            report(f"ranking {count:,} candidates, the first {most:,}")
            kernel, rival = compare(count, most, size)
            ratio = ratio_of(rival, kernel)
            worst[count] = min(ratio, worst.get(count, ratio))
            wanted = "all" if most == count else f"best {most}"
            rows.append(
                (
                    f"{count:,}, {wanted}",
                    f"{median(kernel) * 1e6:,.1f}",
                    f"{median(rival) * 1e6:,.1f}",
                    f"{ratio:,.1f}",
                )
            )
            figures[f"ratio_{count}_{wanted.replace(' ', '_')}"] = ratio
    smallest = size.counts[0]
    targets = [
        Target(name=f"ranking {smallest:,} candidates", value=worst[smallest], limit=TARGET_SMALL, unit="x")
    ]
    targets += [
        Target(name=f"ranking {count:,} candidates", value=worst[count], limit=1.0, unit="x")
        for count in size.counts[1:]
    ]
    sheet = Sheet(
        title="(b) ranking the candidates of a line",
        headings=("candidates", "kernel, microseconds", "NumPy, microseconds", "times faster"),
        rows=rows,
        note="medians over the rounds, each called from Python; equal answers",
    )
    return Result(sheets=[sheet], targets=targets, figures=figures)


def compare(count: int, most: int, size: Size) -> tuple[list[float], list[float]]:
    """Seconds per call in every round, kernel and NumPy. Raises RuntimeError when their answers differ."""
    line = line_columns(count)
    own, other = (np.zeros((ANSWER_ROWS, count), np.int64) for _ in range(2))
    kernel: Callable[[], int] = partial(rank_candidates, *line, NOW_SECONDS, QUANTITY, most, own)
    rival: Callable[[], int] = partial(rank_numpy, line, NOW_SECONDS, QUANTITY, most, other)
    eligible = kernel()
    kept = min(most, eligible)
    if rival() != eligible or not np.array_equal(own[:, :kept], other[:, :kept]):
        raise RuntimeError(f"the rankings of {count} candidates differ")
    calls = max(3, size.work // count)
    seconds = interleaved({"kernel": (kernel, calls), "numpy": (rival, calls)}, size.rounds)
    return seconds["kernel"], seconds["numpy"]


SPEC = BenchSpec(name="rank", what="ranking candidates: kernel against vectorised NumPy", run=run)
