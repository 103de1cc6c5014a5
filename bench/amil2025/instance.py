"""Instances after Amil, Makhdoumi, Wei (Management Science, 2025, doi 10.1287/mnsc.2023.00357), by their
seeds; written from a description, with the same draws.

One thing is settled differently: whoever gets nothing at all is charged one shipment of the refusing node,
like one who lacks some lines, not one for each line. No optimum below is changed by that.
"""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from bench.ma2023.instance import Instance, assemble
from bench.us_network import FIVE_CENTRES, carriage, regions

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

REGIONS, ITEMS, TYPES_PER_SIZE, LONGEST_ORDER = 10, 20, 5, 2
PERIODS = 1_000
CARRY = 0.75
EARTH_RADIUS_MILES = 3959.0
LARGEST_WEIGHT = 999
LEAST_RATE = 1e-5

OPTIMA = (
    *(9744.19, 7360.53, 8002.19, 6402.56, 7782.65, 7000.08, 7446.85, 9998.33, 6888.71, 5472.29),
    *(8040.78, 6990.81, 8641.86, 10341.74, 1742.99),
)
"""Check values: dollars of the package programme for seeds 1 to 15."""
UNITS = (1485, 1018, 1250, 816, 1095, 1033, 904, 1495, 959, 885)
"""Check values: all units laid in, seeds 1 to 10."""


def generate(seed: int) -> Instance:
    """The instance of a seed."""
    places = regions(REGIONS)
    costs = carriage(places.degrees, FIVE_CENTRES, earth_radius_miles=EARTH_RADIUS_MILES)
    kinds, kind_rate = _kinds(seed)
    drawn = np.random.RandomState(seed).binomial(1, CARRY, size=(len(FIVE_CENTRES), ITEMS))
    rate = np.outer(kind_rate, places.population / places.population.sum())
    return assemble(kinds, rate, drawn.T.astype(bool), costs, PERIODS, lambda due: np.ceil(PERIODS * due))


def _kinds(seed: int) -> tuple[list[I64], F64]:
    """Order types and their rates, in the order in which a set of tuples happens to hold them, which is the
    same in every CPython of 64 bits."""
    weight = random.Random(seed).sample(range(1, LARGEST_WEIGHT + 1), LONGEST_ORDER + 1)
    share = np.array(weight) / sum(weight)
    picks, numbers = random.Random(seed), np.random.RandomState(seed)
    kinds: list[I64] = []
    rates: list[F64] = []
    for size in range(1, LONGEST_ORDER + 1):
        found: set[tuple[int, ...]] = set()
        while len(found) < TYPES_PER_SIZE:
            found.add(tuple(sorted(picks.sample(range(ITEMS), size))))
        kinds.extend(np.array(kind) for kind in found)
        drawn = numbers.uniform(LEAST_RATE, share[size], TYPES_PER_SIZE)
        rates.append(share[size] * drawn / drawn.sum())
    return kinds, np.concatenate(rates)
