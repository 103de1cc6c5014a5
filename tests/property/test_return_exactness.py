"""Rankings of returns are exact: equal to brute force, and clean before the verifier."""

from __future__ import annotations

from collections import Counter
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


def test_the_strict_programme_alone_gives_the_same_answers() -> None:
    """It decides where the kernel would use a node twice; here it must decide everything."""

    def never(*_: object) -> tuple[int, int, int, int]:
        return 0, 0, 0, 2  # two parts of one node, whatever the scratch holds

    strict = Programme._strict
    asked = 0

    def counted(programme: Programme, supply: object) -> object:
        nonlocal asked
        asked += 1
        return strict(programme, supply)  # type: ignore[arg-type]

    with (
        patch("router.returns_programme.solve", never),
        patch("router.returns_programme.repeats", lambda parts: True),
        patch.object(Programme, "_strict", counted),
    ):
        for seed in range(1_000, 1_150):
            checked(random_return(np.random.default_rng(seed)))
    assert asked > 300
