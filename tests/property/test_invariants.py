"""What must hold between the answers to related questions, on drawn worlds.

Some hold only while no line is divided *when needed*: there, a node that could supply a line whole forbids to
divide it, so that one node more can make an order dearer. That is what the rule says, and not a mistake.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from router.domain import Decision, Status
from router.sourcer import decide, decide_many
from tests.engine import snapshot_of
from tests.property.changed_worlds import (
    plan_renamed,
    renamed,
    with_lines,
    with_more_stock,
    with_rule,
    with_stock_rows,
    without_node,
)
from tests.property.comparison import PATIENT, units_sent
from tests.property.digests import digest
from tests.worlds import EVERYTHING, World, worlds

ROOT = Path(__file__).parents[2]
STEADY = replace(EVERYTHING, line_splits=("never", "free"))
"""Lines are divided always or never."""
ALONE = replace(STEADY, strategies=1)
"""And there is no fallback, which may be cheaper than the strategy before it."""

drawn = settings(max_examples=150, deadline=None, derandomize=True)


def answer(world: World) -> Decision:
    return decide(world.order, snapshot_of(world), world.now_seconds, PATIENT)


def worth(decision: Decision) -> tuple[bool, int, int]:
    """Less is better: an answer before none, then more units, then fewer cents."""
    return (
        decision.status is Status.UNSOURCEABLE,
        -units_sent(decision),
        decision.plan.total_cents,
    )


def substance(decision: Decision) -> Decision:
    """Without the hash of the rules and the id that contains it."""
    return replace(decision, decision_id="", versions=replace(decision.versions, rules_hash=""))


@given(world=worlds(ALONE), data=st.data())
@drawn
def test_more_stock_never_makes_a_sourced_order_dearer(world: World, data: st.DataObject) -> None:
    before = answer(world)
    assume(before.status is Status.SOURCED)
    pairs = [(sku_id, node.node_id) for sku_id in world.skus for node in world.network.nodes]
    more = data.draw(st.dictionaries(st.sampled_from(pairs), st.integers(1, 9), min_size=1))
    after = answer(with_more_stock(world, more))
    assert after.status is Status.SOURCED
    assert after.plan.total_cents <= before.plan.total_cents


@given(world=worlds(), data=st.data())
@drawn
def test_the_order_of_lines_changes_no_cost(world: World, data: st.DataObject) -> None:
    positions = data.draw(st.permutations(range(len(world.order.lines))))
    assert worth(answer(with_lines(world, positions))) == worth(answer(world))


@given(world=worlds(), data=st.data())
@drawn
def test_the_order_of_stock_rows_changes_nothing(world: World, data: st.DataObject) -> None:
    positions = data.draw(st.permutations(range(len(world.stock))))
    assert answer(with_stock_rows(world, positions)) == answer(world)


@given(world=worlds(), data=st.data())
@drawn
def test_the_order_of_nodes_changes_no_cost(world: World, data: st.DataObject) -> None:
    node_ids = [node.node_id for node in world.network.nodes]
    names = dict(zip(node_ids, data.draw(st.permutations(node_ids)), strict=True))
    assert worth(answer(renamed(world, names))) == worth(answer(world))


@given(world=worlds(), data=st.data())
@drawn
def test_names_of_nodes_that_sort_alike_change_nothing(world: World, data: st.DataObject) -> None:
    node_ids = [node.node_id for node in world.network.nodes]
    fresh = st.text("abcxyz-é東", min_size=1, max_size=5)
    others = data.draw(st.lists(fresh, min_size=len(node_ids), max_size=len(node_ids), unique=True))
    names = dict(zip(node_ids, sorted(others), strict=True))
    before, after = answer(world), answer(renamed(world, names))
    assert substance(after) == substance(replace(before, plan=plan_renamed(before.plan, names)))


@given(world=worlds(STEADY))
@drawn
def test_nodes_that_are_not_used_change_no_cost(world: World) -> None:
    before = answer(world)
    used = {shipment.node_id for shipment in before.plan.shipments}
    idle = [node.node_id for node in world.network.nodes if node.node_id not in used]
    assume(used and idle)
    for node_id in idle:
        assert worth(answer(without_node(world, node_id))) == worth(before)


def more_rules(world: World) -> st.SearchStrategy[dict[str, Any]]:
    """Any eligibility rule, about any nodes, SKUs and services of the world."""
    ids = st.lists(st.sampled_from([node.node_id for node in world.network.nodes]), unique=True)
    service_ids = [service.service_id for service in world.network.services]
    skus = st.lists(st.sampled_from(sorted(world.skus)), unique=True)
    kinds: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "allow_nodes": {},
        "exclude_nodes": {},
        "same_country": {},
        "max_distance": {"km": st.integers(1, 900)},
        "min_remaining": {"units": st.integers(1, 4)},
    }
    about = {"name": st.just("one more"), "skus": st.fixed_dictionaries({"ids": skus})}
    return st.one_of(
        *(
            st.fixed_dictionaries(
                {"kind": st.just(kind), "nodes": st.fixed_dictionaries({"ids": ids}), **about, **keys}
            )
            for kind, keys in kinds.items()
        ),
        st.fixed_dictionaries(
            {
                "kind": st.just("exclude_services"),
                "services": st.lists(st.sampled_from(service_ids), unique=True),
                **about,
            }
        ),
    )


@given(world=worlds(ALONE), data=st.data())
@drawn
def test_one_more_rule_never_makes_an_answer_better(world: World, data: st.DataObject) -> None:
    rule = data.draw(more_rules(world))
    assert worth(answer(with_rule(world, rule))) >= worth(answer(world))


@given(world=worlds())
@drawn
def test_a_batch_decides_each_order_as_by_itself(world: World) -> None:
    """A long order, its parts and itself again: none sees another, and none leaves a trace."""
    lines = range(len(world.order.lines))
    parts = [[*lines], *([i] for i in lines), [*reversed(lines)], [*lines][:-1] or [0], [*lines]]
    orders = [replace(with_lines(world, part).order, order_id=f"order {i}") for i, part in enumerate(parts)]
    snapshot = snapshot_of(world)
    together = decide_many(orders, snapshot, world.now_seconds, PATIENT)
    assert together == [decide(order, snapshot, world.now_seconds, PATIENT) for order in orders]
    assert together[-1].plan == together[0].plan


@given(world=worlds())
@drawn
def test_the_same_question_has_the_same_answer(world: World) -> None:
    assert answer(world) == answer(world)


@pytest.mark.parametrize(
    ("world_count", "environment"),
    [
        pytest.param(60, {"PYTHONHASHSEED": "random"}, id="a fresh process"),
        pytest.param(60, {"PYTHONHASHSEED": "1"}, id="another fresh process"),
        pytest.param(60, {"NUMBA_DISABLE_JIT": "1"}, id="kernels as plain Python"),
    ],
)
def test_the_same_question_has_the_same_bytes_in(world_count: int, environment: dict[str, str]) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.property.digests", "0", str(world_count)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [digest(seed) for seed in range(world_count)]
