"""The brute force against the verifier: they share no code and must agree."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from router.cost import Cost, Part
from router.domain import Decision, Pick, Plan, Shipment, Status
from router.rules.model import Strategy
from router.verify import verify
from router.verify.case import Case
from router.verify.deliveries import permission_complaints
from router.verify.pricing import (
    delay_cents,
    parcel_count,
    shipment_cents,
    split_cents,
    stock_depth_cents,
    weight_grams,
)
from tests.oracle import Oracle
from tests.oracle_decision import decide_by_force, units_filled
from tests.worlds import (
    DIVIDED_LINES,
    EVERYTHING,
    OMNICHANNEL,
    TRUST,
    WHOLE_LINES,
    Features,
    World,
    random_world,
    worlds,
)

DELIVERIES = replace(OMNICHANNEL, calendars=False)


def answer_of(world: World) -> Decision:
    return decide_by_force(
        world.rules,
        world.order,
        world.network,
        skus=world.skus,
        stock=world.stock,
        now_seconds=world.now_seconds,
        receipts=world.receipts,
    )


def complaints(decision: Decision, world: World) -> list[str]:
    return verify(
        decision,
        world.order,
        world.network,
        world.sku_of,
        world.available,
        world.rules,
        world.now_seconds,
        world.expected,
    )


@pytest.mark.parametrize(
    ("features", "count"),
    [
        (EVERYTHING, 400),
        (WHOLE_LINES, 400),
        (DIVIDED_LINES, 400),
        (TRUST, 400),
        (DELIVERIES, 400),
        (OMNICHANNEL, 40),
    ],
    ids=["all", "whole", "divided", "trust", "deliveries", "omnichannel"],
)
def test_the_verifier_finds_nothing_wrong_with_the_oracle(features: Features, count: int) -> None:
    rng = np.random.default_rng(7)
    for i in range(count):
        world = random_world(rng, features)
        assert complaints(answer_of(world), world) == [], f"world {i}: {world}"


@given(world=worlds())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_the_verifier_finds_nothing_wrong_with_the_oracle_on_drawn_worlds(world: World) -> None:
    assert complaints(answer_of(world), world) == []


def test_random_worlds_are_varied() -> None:
    rng = np.random.default_rng(11)
    seen: Counter[str] = Counter()
    for _ in range(600):
        decision = answer_of(random_world(rng))
        seen[decision.status.name] += 1
        seen["no strategy"] += not decision.strategy_ids
        seen["fallback"] += len(decision.strategy_ids) > 1 and decision.status != Status.UNSOURCEABLE
        shipments = decision.plan.shipments
        seen["several nodes"] += len({s.node_id for s in shipments}) > 1
        seen["alone"] += len({s.node_id for s in shipments}) < len(shipments)
        seen["divided"] += len({p.line_id for s in shipments for p in s.picks}) < sum(
            len(s.picks) for s in shipments
        )
        seen["several parcels"] += any(s.parcel_count > 1 for s in shipments)
        for part in Part:
            seen[part.name] += decision.plan.cost.parts()[part] > 0
    expected = {
        "SOURCED",
        "PARTIAL",
        "UNSOURCEABLE",
        "no strategy",
        "fallback",
        "several nodes",
        "alone",
        "divided",
    }
    expected |= {"several parcels"} | {kind.upper() for kind in EVERYTHING.objectives}
    assert not {key: seen[key] for key in expected if seen[key] < 8}


def test_the_same_seed_gives_the_same_world() -> None:
    assert random_world(np.random.default_rng(3)) == random_world(np.random.default_rng(3))


def test_services_chosen_by_last_arrival_are_the_best_of_all_combinations() -> None:
    rng = np.random.default_rng(5)
    compared = 0
    for _ in range(300):
        world = random_world(rng, WHOLE_LINES)
        for strategy in world.rules.profiles[0].strategies:
            oracle = Oracle(
                strategy,
                world.order,
                world.network,
                skus=world.skus,
                stock=world.stock,
                now_seconds=world.now_seconds,
            )
            for parts in itertools.islice(oracle.assignments(), 5):
                found = oracle.candidate(parts) if parts else None
                if found is None:
                    continue
                totals = [
                    oracle.plan(replace(found, options=list(options))).total_cents
                    for options in itertools.product(*(p.options for p in found.parcels))
                ]
                cents = found.cents + oracle.shelves.depth_cents(found.taken)
                assert cents == min(totals) == oracle.plan(found).total_cents
                compared += len(totals) > 1
    assert compared > 100


TINY = Features(nodes=2, lines=2, services=2, quantity=2, strategies=1, conditions=False)


def test_the_oracle_misses_no_plan_that_the_verifier_allows() -> None:
    """Of all plans that can be written down, those the verifier permits: the best is the oracle's."""
    rng = np.random.default_rng(9)
    split = 0
    for i in range(500):
        world = random_world(rng, TINY)
        strategy = world.rules.profiles[world.order.sourcing_profile == "second"].strategies[0]
        best: tuple[int, int] | None = None
        for plan in writable_plans(world, strategy):
            key = (-units_filled(plan), plan.total_cents)
            best = key if best is None else min(best, key)
        found = answer_of(world).plan
        expected = (-units_filled(found), found.total_cents) if found.shipments else None
        assert best == expected, f"world {i}: {world}"
        split += len(found.shipments) > 1
    assert split > 30


def writable_plans(world: World, strategy: Strategy) -> Iterator[Plan]:
    """Every well-formed plan permitted by the verifier, priced by it: any units of any line from any node,
    each alone group in a shipment of its own, by any service."""
    case = Case(world.order, world.network, world.sku_of, world.available, world.now_seconds)
    nodes, lines = world.network.nodes, world.order.lines
    cells = list(itertools.product(nodes, lines))
    ordered = sum(line.quantity for line in lines)
    for amounts in itertools.product(*(range(line.quantity + 1) for _, line in cells)):
        per_line: Counter[str] = Counter()
        parcels: dict[tuple[str, int], dict[str, int]] = {}
        for (node, line), units in zip(cells, amounts, strict=True):
            per_line[line.line_id] += units
            group = case.group_of[line.line_id]
            if units:
                parcels.setdefault((node.node_id, group if case.alone[group] else -1), {})[line.line_id] = (
                    units
                )
        filled = sum(amounts)
        if any(per_line[line.line_id] > line.quantity for line in lines) or filled == 0:
            continue
        if filled < ordered and not strategy.limits.allow_partial:
            continue
        for services in itertools.product(world.network.services, repeat=len(parcels)):
            chosen = [
                (k, units, s.service_id) for ((k, _), units), s in zip(parcels.items(), services, strict=True)
            ]
            plan = priced(case, strategy, chosen)
            if plan is not None and not permission_complaints([case], strategy, plan):
                yield plan


def priced(case: Case, strategy: Strategy, chosen: list[tuple[str, dict[str, int], str]]) -> Plan | None:
    """A plan with the verifier's prices, the stock depth of a SKU at its node's last shipment of it."""
    shipments: list[Shipment] = []
    depth_cents = 0
    taken: Counter[tuple[str, str]] = Counter()
    for node_id, units, service_id in chosen:
        node, metres = case.nodes[node_id], case.distances_m[node_id]
        way = case.ways(node, metres).get(service_id)
        if way is None:
            return None
        own = shipment_cents(case, strategy, node, units, way=way, distance_m=metres)
        grams = weight_grams(case, units)
        picks = [Pick(line_id=i, sku_id=case.lines[i].sku_id, quantity=n) for i, n in units.items()]
        for pick in picks:
            taken[pick.sku_id, node_id] += pick.quantity
        shipments.append(
            Shipment(
                node_id=node_id,
                service_id=service_id,
                picks=tuple(picks),
                parcel_count=parcel_count(way, grams),
                weight_grams=grams,
                distance_m=metres,
                arrival_seconds=way.arrival_seconds,
                cost=Cost.of([own.get(part, 0) for part in Part]),
            )
        )
    for (sku_id, node_id), units_taken in taken.items():
        available = case.available(sku_id, node_id)
        if available is None:
            return None
        node = case.nodes[node_id]
        depth_cents += stock_depth_cents(strategy, node, available=available, unit_count=units_taken)
    sums = Cost.of([sum(column) for column in zip(*(s.cost.parts() for s in shipments), strict=True)])
    days = case.days(max(s.arrival_seconds for s in shipments))
    cost = replace(
        sums,
        stock_depth_cents=depth_cents,
        split_cents=split_cents(strategy, len(shipments)),
        delay_cents=delay_cents(strategy, days),
    )
    return Plan(shipments=tuple(shipments), cost=cost)
