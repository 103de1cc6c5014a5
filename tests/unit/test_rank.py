"""Ranking: the kernel against NumPy and plain sorting; whole rankings against the cost model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.rank_numpy import rank_numpy
from router.cost import Cost, Part
from router.domain import OrderLine
from router.errors import InvalidInput
from router.explanation import Candidate, Rejection
from router.kernels.rank import (
    ANSWER_ROWS,
    ARRIVAL,
    FIRST_PART,
    ROW,
    SERVICE,
    SHORT_LIST,
    TOTAL,
    LineColumns,
    rank_candidates,
)
from router.kernels.types import FAR
from router.network import Network
from router.rank import rank
from router.rules.model import Strategy
from tests.engine import snapshot_of
from tests.oracle import Oracle
from tests.oracle_decision import first_strategy
from tests.oracle_facts import covers_sku
from tests.small_shop import rules_of, small_shop
from tests.worlds import NOW_SECONDS, World, random_world


def random_columns(
    rng: np.random.Generator, count: int, *, spread: int, quantity: int, services: int = 3
) -> LineColumns:
    """A line over ``count`` candidates. A small ``spread`` makes many ties; every row that is eligible has a
    service and stock."""
    lanes = 4 * services
    lane = rng.integers(0, 4, (count, services)) + 4 * np.arange(services)
    lane[rng.random((count, services)) < 0.3] = -1
    lane_cents = rng.integers(0, spread, lanes)
    lane_cents[rng.random(lanes) < 0.2] = FAR
    lane_cents[0] = spread // 2
    lane[:, 0] = np.where((lane_cents[lane] < FAR).any(axis=1, where=lane >= 0), lane[:, 0], 0)
    objectives = int(rng.integers(0, 3))
    return LineColumns(
        bits=(rng.random(count) < 0.2).astype(np.uint64) * np.uint64(1 << 9),
        available=quantity + rng.integers(0, 6, count),
        own_cents=rng.integers(0, spread, (4, count)),
        lane=lane.astype(np.int32),
        delay_cents=rng.integers(0, spread, (count, services)),
        seconds=rng.integers(0, 3, (count, 1)) * 3600 + rng.integers(0, 4, lanes)[lane] * 43_200,
        lane_cents=lane_cents,
        depth_applies=rng.integers(0, 2, (objectives, count)).astype(np.uint8),
        depth_cents=rng.integers(0, spread, objectives),
        depth_target=rng.integers(1, 12, objectives),
    )


def ranked_plainly(line: LineColumns, quantity: int) -> list[list[int]]:
    """Every eligible candidate as an answer column, in order, by the definition."""
    answers = []
    for row in range(len(line.bits)):
        if line.bits[row]:
            continue
        options = [
            (int(line.lane_cents[lane] + line.delay_cents[row, v]), int(line.seconds[row, v]), v)
            for v, lane in enumerate(line.lane[row])
            if lane >= 0 and line.lane_cents[lane] < FAR
        ]
        cents, seconds, v = min(options)
        depth = sum(
            int(line.depth_cents[d])
            * max(0, min(int(target), int(target) - int(line.available[row]) + i))
            // int(target)
            for d, target in enumerate(line.depth_target)
            if line.depth_applies[d, row]
            for i in range(1, quantity + 1)
        )
        own = [int(x) for x in line.own_cents[:, row]]
        answer = [0] * ANSWER_ROWS
        answer[ROW], answer[SERVICE] = row, v
        answer[ARRIVAL] = NOW_SECONDS + seconds
        answer[TOTAL] = cents + depth + sum(own)
        answer[FIRST_PART + Part.SHIPPING] = int(line.lane_cents[line.lane[row, v]])
        answer[FIRST_PART + Part.HANDLING] = own[0]
        answer[FIRST_PART + Part.DELAY] = int(line.delay_cents[row, v])
        answer[FIRST_PART + Part.STOCK_DEPTH] = depth
        answer[FIRST_PART + Part.DISTANCE] = own[1]
        answer[FIRST_PART + Part.NODE_PRIORITY] = own[2]
        answer[FIRST_PART + Part.STOCK_PRICE] = own[3]
        answers.append(answer)
    return sorted(answers, key=lambda a: (a[TOTAL], a[ARRIVAL], -int(line.available[a[ROW]]), a[ROW]))


@pytest.mark.parametrize("spread", [1, 3, 40, 2_000, 10**12, 10**15])
@pytest.mark.parametrize("count", [0, 1, 2, 16, 17, 33, 200, 900])
def test_the_kernel_numpy_and_plain_sorting_agree(count: int, spread: int) -> None:
    rng = np.random.default_rng([count, spread % 2**31])
    for quantity in (1, 3):
        line = random_columns(rng, count, spread=spread, quantity=quantity)
        expected = ranked_plainly(line, quantity)
        for most in (1, 5, SHORT_LIST, SHORT_LIST + 1, count + 1):
            kept = min(most, len(expected))
            for ranker in (lambda *a: rank_candidates(*a[0], *a[1:]), rank_numpy):
                out = np.full((ANSWER_ROWS, max(1, min(most, count))), -7, np.int64)
                assert ranker(line, NOW_SECONDS, quantity, most, out) == len(expected)
                assert out[:, :kept].T.tolist() == expected[:kept]


def test_long_runs_of_equal_totals_are_sorted_by_arrival_stock_and_node() -> None:
    """Thousands of candidates of equal cost: wide digits, then the radix sort of the run."""
    rng = np.random.default_rng(5)
    line = random_columns(rng, 5_000, spread=1, quantity=1)
    line = line._replace(own_cents=np.repeat(rng.integers(0, 2, (4, 50)), 100, axis=1))
    out, rival = (np.zeros((ANSWER_ROWS, 5_000), np.int64) for _ in range(2))
    eligible = rank_candidates(*line, NOW_SECONDS, 1, 5_000, out)
    assert eligible == rank_numpy(line, NOW_SECONDS, 1, 5_000, rival)
    assert np.array_equal(out, rival)
    keys = list(zip(out[TOTAL], out[ARRIVAL], -line.available[out[ROW]], out[ROW], strict=True))[:eligible]
    assert keys == sorted(keys)
    assert len({k[0] for k in keys}) < 5


# --- whole rankings against the cost model ---------------------------------------------------------------


def expected_reasons(oracle: Oracle, node_ix: int) -> list[tuple[str, str]]:
    """(reason, rule name) of everything against the order's only line at a node, by docs/cost-model.md."""
    node, line, sku = oracle.network.nodes[node_ix], oracle.lines[0], oracle.skus[0]
    left = oracle.stock[line.sku_id, node.node_id] - line.quantity
    found = [("INSUFFICIENT_STOCK", "")] if left < 0 else []
    ways = list(oracle.ways.of(node))
    passing = [service for way in ways for service, _ in way.legs]
    barred: list[tuple[str, str]] = []
    if not list(oracle.options(node_ix, [0], line.quantity * sku.weight_grams)):
        late = any(not oracle.refuses(way, 0) for way in ways)
        found.append(("TOO_LATE" if late else "NO_SERVICE", ""))
        barred = [
            (rule.kind.upper(), rule.name)
            for rule in oracle.strategy.eligibility
            if rule.kind == "exclude_services" and covers_sku(rule.skus, sku)
            if any(s.service_id in rule.services or s.labels & set(rule.labels) for s in passing)
        ]
    for rule in oracle.strategy.eligibility:
        if oracle.rule_bars(rule, node_ix, 0, left):
            found.append((rule.kind.upper(), rule.name))
        found += [reason for reason in barred if reason[1] == rule.name]
    return found


def check_line(world: World, strategy: Strategy, line: OrderLine, candidates: tuple[Candidate, ...]) -> int:
    """Each candidate as the oracle sees it; returns how many are eligible."""
    order = replace(world.order, lines=(line,))
    oracle = Oracle(
        strategy, order, world.network, skus=world.skus, stock=world.stock, now_seconds=NOW_SECONDS
    )
    eligible = []
    for candidate in candidates:
        (node_ix,) = [i for i, n in enumerate(world.network.nodes) if n.node_id == candidate.node_id]
        reasons = expected_reasons(oracle, node_ix)
        assert [(r.reason, r.rule_name) for r in candidate.rejections] == reasons
        assert candidate.available == world.stock[line.sku_id, candidate.node_id]
        assert candidate.distance_m == oracle.metres[node_ix]
        if reasons:
            assert all(r.value and r.threshold for r in candidate.rejections)
            assert (candidate.cost, candidate.service_id, candidate.arrival_seconds) == (None, "", 0)
            continue
        here = {key: units for key, units in world.stock.items() if key[1] == candidate.node_id}
        plan = Oracle(
            strategy, order, world.network, skus=world.skus, stock=here, now_seconds=NOW_SECONDS
        ).best()
        assert plan is not None
        (shipment,) = plan.shipments
        assert candidate.cost == plan.cost
        assert candidate.service_id == shipment.service_id
        assert candidate.arrival_seconds == shipment.arrival_seconds
        eligible.append((plan.total_cents, shipment.arrival_seconds, -candidate.available, node_ix))
    assert eligible == sorted(eligible)
    return len(eligible)


def test_rankings_of_random_worlds_agree_with_the_oracle() -> None:
    rng = np.random.default_rng(20_26)
    seen = {"eligible": 0, "rejected": 0, "unmatched": 0}
    for _ in range(400):
        world = random_world(rng)
        ranking = rank(world.order, snapshot_of(world), NOW_SECONDS, include_rejected=True)
        strategy, _ = first_strategy(world.rules, world.order, world.network, world.skus)
        assert ranking.strategy_id == (strategy.id if strategy else "")
        assert [(r.line_id, r.sku_id, r.quantity) for r in ranking.lines] == [
            (line.line_id, line.sku_id, line.quantity) for line in world.order.lines
        ]
        for line, ranked in zip(world.order.lines, ranking.lines, strict=True):
            if strategy is None:
                seen["unmatched"] += 1
                assert (ranked.candidates, ranked.eligible_count, ranked.rejected_count) == ((), 0, 0)
                continue
            stocked = [n for s, n in world.stock if s == line.sku_id]
            assert sorted(c.node_id for c in ranked.candidates) == sorted(stocked)
            count = check_line(world, strategy, line, ranked.candidates)
            assert [bool(c.rejections) for c in ranked.candidates] == [False] * count + [True] * (
                len(stocked) - count
            )
            assert (ranked.eligible_count, ranked.rejected_count) == (count, len(stocked) - count)
            seen["eligible"] += count
            seen["rejected"] += len(stocked) - count
    assert min(seen.values()) > 20


# --- one world by hand: words and counts -----------------------------------------------------------------


def said(world: World) -> dict[str, list[Rejection]]:
    ranking = rank(world.order, snapshot_of(world), NOW_SECONDS, include_rejected=True)
    return {c.node_id: list(c.rejections) for c in ranking.lines[0].candidates}


def refusal(reason: str, rule_name: str, value: str, threshold: str) -> Rejection:
    return Rejection(reason=reason, rule_name=rule_name, value=value, threshold=threshold)


def test_reasons_say_what_was_found_and_what_was_needed() -> None:
    assert said(small_shop()) == {
        "A": [],
        "B": [refusal("MIN_REMAINING", "shelf", "1 unit left", ">= 2 units left")],
        "C": [
            refusal("INSUFFICIENT_STOCK", "", "1 unit", ">= 2 units"),
            refusal("MAX_DISTANCE", "near", "391.499 km", "<= 300.5 km"),
            refusal("EXCLUDE_NODES", "no outlet", "label outlet", "not (label in outlet)"),
        ],
        "D": [
            refusal("NO_SERVICE", "", "no service collects here", "a service that takes the line"),
            refusal(
                "ALLOW_NODES",
                "ours",
                "type SUPPLIER; country DE",
                "type in STORE, WAREHOUSE and country in FR",
            ),
            refusal("SAME_COUNTRY", "home", "DE", "FR"),
        ],
    }


def test_a_late_service_is_named_by_its_arrival() -> None:
    world = small_shop()
    order = replace(world.order, deliver_by_seconds=1_750_086_399)
    assert said(replace(world, order=order))["A"] == [
        refusal("TOO_LATE", "", "2025-06-16T15:06:40Z", "<= 2025-06-16T15:06:39Z")
    ]


def test_services_that_refuse_say_why() -> None:
    world = small_shop()
    heavy = replace(world.skus["K"], weight_grams=5_001, labels=frozenset({"cold", "bulky"}))
    (post,) = world.network.services
    post = replace(post, excluded_sku_labels=frozenset({"cold"}), labels=frozenset({"slow"}))
    nearby = replace(post.lanes[0], max_distance_m=1_000)
    services = (post, replace(post, service_id="van", lanes=(nearby,)))
    nodes = [replace(n, services=frozenset({"post", "van"})) for n in world.network.nodes]
    bulky, hazardous = {"labels": ["bulky"]}, {"labels": ["hazardous"]}
    rules = [
        {"kind": "exclude_services", "name": "no slow bulk", "labels": ["slow"], "skus": bulky},
        {"kind": "exclude_services", "name": "hazards", "services": ["post"], "skus": hazardous},
    ]
    world = replace(
        world,
        network=Network(nodes=tuple(nodes), services=services),
        skus={"K": heavy},
        rules=rules_of({"id": "main", "eligibility": rules}),
    )
    weight = "takes at most 5.000 kg, a unit weighs 5.001 kg"
    both = f"refuses cold and is excluded by rule 'no slow bulk' and {weight}"
    assert said(world)["A"] == [
        refusal("NO_SERVICE", "", f"post {both}; van {both}", "a service that takes the line"),
        refusal("EXCLUDE_SERVICES", "no slow bulk", "post, van", "a service other than label slow"),
    ]
    far = said(world)["D"][0]
    assert far.value == f"post {both}; van does not go there"


def test_only_the_first_are_listed_but_all_are_counted() -> None:
    world = small_shop()
    costs = [{"kind": "shipping"}, {"kind": "handling"}]
    world = replace(world, rules=rules_of({"id": "main", "objectives": costs}))
    ranking = rank(world.order, snapshot_of(world), NOW_SECONDS, 1)
    (line,) = ranking.lines
    assert (line.eligible_count, line.rejected_count) == (2, 2)
    assert [(c.node_id, c.cost) for c in line.candidates] == [
        ("A", Cost(shipping_cents=700, handling_cents=50))
    ]
    with_rejected = rank(world.order, snapshot_of(world), NOW_SECONDS, 1, include_rejected=True)
    assert [c.node_id for c in with_rejected.lines[0].candidates] == ["A", "C", "D"]


def test_each_line_is_looked_at_alone() -> None:
    """Together the lines need 12 units of 9; alone each can be had. The strategy is the whole order's."""
    world = small_shop()
    lines = tuple(
        OrderLine(line_id=i, sku_id="K", quantity=6, together="t", unit_value_cents=100) for i in ("L1", "L2")
    )
    small = {"id": "small", "priority": 1, "when": {"order_value": {"max_cents": 1_199}}}
    world = replace(world, order=replace(world.order, lines=lines), rules=rules_of(small, {"id": "main"}))
    ranking = rank(world.order, snapshot_of(world), NOW_SECONDS)
    assert ranking.strategy_id == "main"
    assert [[c.node_id for c in line.candidates] for line in ranking.lines] == [["A"], ["A"]]
    assert [line.rejected_count for line in ranking.lines] == [3, 3]


def test_a_ranking_of_none_is_refused() -> None:
    world = small_shop()
    with pytest.raises(InvalidInput, match="max_per_line: 0 is below 1"):
        rank(world.order, snapshot_of(world), NOW_SECONDS, 0)


def test_a_sku_without_stock_has_no_candidates() -> None:
    world = small_shop()
    ranking = rank(world.order, snapshot_of(replace(world, stock={})), NOW_SECONDS, include_rejected=True)
    (line,) = ranking.lines
    assert (line.candidates, line.eligible_count, line.rejected_count) == ((), 0, 0)
