"""Rankings of returns are exact: equal to brute force, and clean before the verifier."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings

from router.returns import rank_returns
from router.returns_domain import ReturnDecision
from router.returns_programme import Programme
from router.verify.returns import verify_returns
from tests.engine import snapshot_of
from tests.oracle_returns import rank_by_force
from tests.return_worlds import ReturnWorld, random_return, return_worlds


def checked(case: ReturnWorld) -> ReturnDecision:
    """The ranking, compared in every way there is."""
    world, request = case.world, case.request
    decision = rank_returns(request, snapshot_of(world), world.now_seconds)
    right = rank_by_force(request, world.network, world.rules, world.skus, world.stock)
    assert [plan.total_cents for plan in decision.plans] == right[: request.max_plans]
    complaints = verify_returns(
        decision,
        request,
        world.network,
        sku_of=world.sku_of,
        available=world.available,
        rules=world.rules,
        now_seconds=world.now_seconds,
    )
    assert complaints == []
    return decision


@settings(max_examples=150, deadline=None)
@given(return_worlds())
def test_a_ranking_is_that_of_brute_force(case: ReturnWorld) -> None:
    checked(case)


@pytest.mark.parametrize("lines", [1, 3, 4])
def test_seeded_rankings_are_those_of_brute_force(lines: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(400 if lines < 4 else 150):
        case = random_return(np.random.default_rng(seed), lines)
        decision = checked(case)
        for plan in decision.plans:
            seen.update(part.method.name for part in plan.parts)
            seen["SEVERAL PLACES"] += len(plan.parts) > 1
            seen["NEGATIVE"] += plan.total_cents < 0
            seen["RECONDITIONED"] += any(u.reconditioned for part in plan.parts for u in part.units)
        seen["SEVERAL PLANS"] += len(decision.plans) > 1
        seen["UNPLACED"] += bool(decision.unplaced)
        seen["REFUNDS"] += bool(decision.refunds)
    wanted = {"DROP_OFF", "DROP_OFF_TRANSFER", "PARCEL", "NEGATIVE", "RECONDITIONED", "SEVERAL PLANS"}
    wanted |= {"UNPLACED", "REFUNDS"} | ({"SEVERAL PLACES"} if lines > 1 else set())
    assert min(seen[name] for name in wanted) >= 10, seen


@pytest.mark.parametrize("kernel", [True, False])
def test_the_strict_programmes_alone_give_the_same_answers(kernel: bool) -> None:
    """They decide where the fast one would use a node twice; here they must decide everything."""
    asked = 0
    strict = Programme._each_node_once if kernel else Programme._by_columns

    def counted(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return strict(*arguments)

    with (
        patch("router.returns_programme.repeats", lambda parts: True),
        patch.object(Programme, strict.__name__, counted),
        nullcontext() if kernel else patch("router.returns_programme.solve_strict", lambda *_: (0, 0, 0, -1)),
    ):
        for seed in range(1_000, 1_150):
            checked(random_return(np.random.default_rng(seed)))
    assert asked > 300
