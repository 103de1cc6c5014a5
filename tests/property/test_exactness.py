"""The engine is exact: equal to brute force on thousands of random worlds with every feature of the cost
model, clean before the verifier, and its two programmes agree wherever both apply.

``python -m bench.exactness`` does the same for as long as one likes.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.property.comparison import (
    KINDS,
    LARGE,
    against_force,
    only_the_integer_programme,
    programmes_against_each_other,
    world_of,
)
from tests.worlds import WHOLE_LINES, Features, random_world

WORLDS = {
    "everything": 1_800,
    "whole lines": 800,
    "divided lines": 800,
    "shared stock": 600,
    "open": 600,
    "trust": 600,
    "prices": 600,
    "delays": 400,
    "many lines": 200,
}
"""Seeds 0, 1, ... of each kind."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_is_that_of_brute_force(kind: str) -> None:
    seen: Counter[str] = Counter()
    for seed in range(WORLDS[kind]):
        outcome = against_force(world_of(kind, seed))
        assert outcome.against == (), f"world_of({kind!r}, {seed})"
        seen[outcome.status.name] += 1
        seen["FALLBACK"] += outcome.strategies_tried > 1
        seen["STOCK_PRICE"] += outcome.plan.cost.stock_price_cents > 0
        seen["MISTRUST"] += outcome.plan.cost.mistrust_cents > 0
    wanted = {"SOURCED", "UNSOURCEABLE", "FALLBACK"} | ({"PARTIAL"} if KINDS[kind].partial else set())
    wanted |= {"trust": {"MISTRUST"}, "prices": {"STOCK_PRICE"}}.get(kind, set())
    assert min(seen[name] for name in wanted) >= 20, seen


@pytest.mark.parametrize(
    ("kind", "searched"),
    [("divided lines", 30), ("open", 30), ("trust", 20), ("prices", 20), ("many lines", 5)],
)
def test_the_integer_programme_alone_gives_the_answer_of_brute_force(kind: str, searched: int) -> None:
    """It takes the orders that are too large for the others; here it must take small ones."""
    methods: Counter[str] = Counter()
    with only_the_integer_programme():
        for seed in range(1_000, 1_200):
            outcome = against_force(world_of(kind, seed))
            assert outcome.against == (), f"world_of({kind!r}, {seed}), only the integer programme"
            methods[outcome.method.name] += 1
    assert methods["MIP"] >= searched, methods


@pytest.mark.parametrize(
    ("features", "seeds"),
    [
        pytest.param(WHOLE_LINES, 150, id="whole lines"),
        pytest.param(LARGE["large, whole"], 40, id="too large for brute force, whole"),
        pytest.param(LARGE["large, divided"], 40, id="too large for brute force, divided"),
    ],
)
def test_the_programmes_agree_with_each_other(features: Features, seeds: int) -> None:
    plans = searched = 0
    for seed in range(seeds):
        found = programmes_against_each_other(random_world(np.random.default_rng(seed), features))
        assert found.against == (), f"random_world(np.random.default_rng({seed}), {features})"
        plans += found.plans
        searched += found.searched
    assert plans >= seeds
    assert searched >= seeds // 4
