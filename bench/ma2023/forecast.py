"""Prices from a wrong forecast: noise by class, totals too low or too high. Orders come, and stock was laid
in, by the true rates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.ma2023.instance import NETWORKS, generate
from bench.ma2023.online import run_priced
from bench.ma2023.policies import RESOLVES, Run, draw, prepare, resolver, solve_for
from bench.ma2023.study import FIRST_SEED

F64 = NDArray[np.float64]

NOISE = 0.5
"""Standard deviation of the logarithm of a class's rate."""
ERRORS = {
    "none": (0.0, 1.0),
    "noise": (NOISE, 1.0),
    "20 % low": (0.0, 0.8),
    "20 % high": (0.0, 1.2),
    "noise, 20 % high": (NOISE, 1.2),
    "noise, 20 % low": (NOISE, 0.8),
}
"""Noise and total of each forecast."""
WAYS = {
    "fixed": (0.0, 0, 0.0),
    "solved": (0.0, RESOLVES, 0.0),
    "0.05": (0.05, 0, 0.0),
    "0.1": (0.1, 0, 0.0),
    "both": (0.05, RESOLVES, 0.0),
    "blended": (0.05, RESOLVES, 0.5),
    "blended 0.1": (0.1, RESOLVES, 0.5),
}
"""Step, new programmes, share of the learned prices in the blend."""


def wrong_rate(rate: F64, noise: float, total: float, seed: int) -> F64:
    """float64[classes]: a forecast whose noise has mean 1."""
    rng = np.random.default_rng((seed, 2))
    factor = np.exp(noise * rng.standard_normal(len(rate)) - noise**2 / 2)
    return rate * factor * total


def run_forecasts(*, instances: int, sequences: int, told: Callable[[], None]) -> dict[str, dict[str, F64]]:
    """Error -> way -> float64[instances], cost over the bound in hindsight, mean over sequences. told: called
    after each sequence of each error."""
    found = {error: {way: np.zeros(instances) for way in WAYS} for error in ERRORS}
    for ix in range(instances):
        seed = FIRST_SEED + ix
        case = prepare(generate(NETWORKS["small"], seed), seed, with_item_lp=False)
        for sequence in range(sequences):
            run = draw(case, sequence)
            for error, (noise, total) in ERRORS.items():
                rate = wrong_rate(case.instance.rate, noise, total, seed)
                for way, ratio in _ratios(run, rate).items():
                    found[error][way][ix] += ratio / sequences
                told()
    return found


def _ratios(run: Run, rate: F64) -> dict[str, float]:
    instance = run.case.instance
    believed = solve_for(instance, rate * instance.periods, start=run.case.package, gap=1e-7)
    resolve = resolver(run.case, rate, believed)
    return {
        way: run_priced(
            instance,
            run.sequence,
            believed.stock_price,
            step=step,
            resolve=resolve,
            resolves=resolves,
            learned_share=learned,
        )[0]
        / run.hindsight
        for way, (step, resolves, learned) in WAYS.items()
    }
