"""How policies grow with volume: the same instances over 300 to 100,000 periods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.ma2023.instance import NETWORKS, generate
from bench.ma2023.policies import ONLINE, Policy, Run, draw, package_prices, prepare
from bench.ma2023.study import FIRST_SEED
from bench.us_network import SHIPMENT_DOLLARS
from router.prices.dual_step import advised_step

F64 = NDArray[np.float64]

HORIZONS = (300, 1_000, 3_000, 10_000, 30_000, 100_000)
STEPS = ("0.02", "0.05", "0.1", "0.2", "0.5")
GREEDY, FIXED, ADVISED = "greedy", "fixed", "advised"


def _advised(run: Run) -> float:
    return package_prices(run, advised_step(SHIPMENT_DOLLARS, run.case.instance.periods))


POLICIES: dict[str, Policy] = {
    GREEDY: ONLINE["P6 greedy, exact plan"],
    FIXED: partial(package_prices, step=0.0),
    **{step: partial(package_prices, step=float(step)) for step in STEPS},
    ADVISED: _advised,
}


def run_horizons(
    *,
    instances: int,
    sequences: int,
    told: Callable[[], None],
    horizons: Sequence[int] = HORIZONS,
) -> dict[int, dict[str, F64]]:
    """Periods -> policy -> float64[instances], cost over the bound in hindsight, mean over sequences. told:
    called after each sequence."""
    found: dict[int, dict[str, F64]] = {}
    for periods in horizons:
        ratios = {name: np.zeros(instances) for name in POLICIES}
        for ix in range(instances):
            seed = FIRST_SEED + ix
            case = prepare(generate(NETWORKS["small"], seed, periods), seed, with_item_lp=False)
            for sequence in range(sequences):
                run = draw(case, sequence)
                for name, policy in POLICIES.items():
                    ratios[name][ix] += policy(run) / run.hindsight / sequences
                told()
        found[periods] = ratios
    return found
