"""The engine is exact: equal to brute force on thousands of random worlds with every feature of the cost
model, clean before the verifier, and its two programmes agree wherever both apply.

``python -m bench.exactness`` does the same for as long as one likes.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.property.comparison import KINDS, LARGE, against_force, kernels_against_mip, world_of
from tests.worlds import WHOLE_LINES, random_world

WORLDS = {"everything": 1200, "whole lines": 700, "divided lines": 500, "shared stock": 400, "open": 400}
"""Seeds 0, 1, ... of each kind."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_is_that_of_brute_force(kind: str) -> None:
    seen: Counter[str] = Counter()
    for seed in range(WORLDS[kind]):
        outcome = against_force(world_of(kind, seed))
        assert outcome.against == (), f"world_of({kind!r}, {seed})"
        seen[outcome.status.name] += 1
        seen[outcome.method.name] += 1
        seen["FALLBACK"] += outcome.strategies_tried > 1
    programmes = {"SUBSET_DP"} if kind == "whole lines" else {"SUBSET_DP", "MIP"}
    common = {"SOURCED", "PARTIAL", "UNSOURCEABLE", "FALLBACK"} | programmes
    assert min(seen[name] for name in common) >= 20, seen


def test_the_two_programmes_agree_on_whole_lines() -> None:
    compared = plans = searched = 0
    for seed in range(250):
        found = kernels_against_mip(random_world(np.random.default_rng(seed), WHOLE_LINES))
        assert found.against == (), f"random_world(np.random.default_rng({seed}), WHOLE_LINES)"
        compared, plans = compared + found.compared, plans + found.plans
        searched += found.searched
    assert compared > 500
    assert plans > 150
    assert searched > 30


def test_the_two_programmes_agree_on_orders_too_large_for_brute_force() -> None:
    plans = searched = 0
    for seed in range(60):
        found = kernels_against_mip(random_world(np.random.default_rng(seed), LARGE))
        assert found.against == (), f"random_world(np.random.default_rng({seed}), LARGE)"
        plans += found.plans
        searched += found.searched
    assert plans > 50
    assert searched > 20
