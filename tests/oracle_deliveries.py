"""Brute force over the deliveries of an order: every plan of each, together, from the stock they share."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from router.cost import Cost
from router.domain import DeliveryPlan, Order, Plan
from router.network import Network
from router.rules.model import Strategy
from tests.oracle import Oracle
from tests.oracle_capacity import Loads, States
from tests.oracle_onward import over_hubs
from tests.oracle_parts import Candidate, Taken
from tests.oracle_supply import Receipts


def best_of_deliveries(
    strategy: Strategy,
    order: Order,
    network: Network,
    *,
    skus: Mapping[str, Any],
    stock: Mapping[tuple[str, str], int],
    now_seconds: int,
    receipts: Receipts | None = None,
    states: States | None = None,
    prices: Mapping[tuple[str, str], int] | None = None,
) -> Plan | None:
    """The plan with the most units, then the least cost; None when there is no answer."""
    world: dict[str, Any] = {"skus": skus, "stock": stock, "receipts": receipts, "now_seconds": now_seconds}
    world |= {"states": states, "prices": prices}
    variants = [
        [
            Oracle(strategy, order, network, delivery=way, **world)
            for way in (delivery, *over_hubs(strategy, order, network, delivery))
        ]
        for delivery in order.deliveries
    ]
    oracles = [straight for straight, *_ in variants]
    wanted = Counter(sku_id for oracle in oracles for sku_id in {line.sku_id for line in oracle.lines})
    shared = {sku_id for sku_id, deliveries in wanted.items() if deliveries > 1}
    best: Sequence[tuple[Oracle, Candidate]] = ()
    best_key = (0, 0)  # minus units, cents
    choices = [[(o, c) for o in ways for c in contenders(o, shared)] for ways in variants]
    for combination in itertools.product(*choices):
        filled = sum(c.filled for _, c in combination)
        if filled == 0 or -filled > best_key[0]:
            continue
        loads: Loads = sum((c.loads for _, c in combination), Counter())
        if not oracles[0].workshop.hold(loads, oracles[0].nodes):
            continue
        taken: Taken = Counter()
        cents = 0
        for oracle, candidate in combination:
            cents += candidate.cents + oracle.shelves.depth_cents(candidate.taken, taken)
            taken += candidate.taken
        if (not best or (-filled, cents) < best_key) and oracles[0].shelves.hold(taken):
            best, best_key = combination, (-filled, cents)
    if not best:
        return None
    plan = joined(best)
    assert plan.total_cents == best_key[1], "the parts add up"
    return plan


def contenders(oracle: Oracle, shared: set[str]) -> list[Candidate]:
    """The plans of one delivery, the empty one among them where that may be; of those with as many units that
    take the same of what is shared, stock and the days of nodes, the cheapest."""
    cheapest: dict[Any, tuple[int, Candidate]] = {}
    for parts in oracle.assignments():
        candidate = oracle.candidate(parts)
        if candidate is not None:
            own = Counter({row: n for row, n in candidate.taken.items() if row[0] not in shared})
            others = frozenset((row, n) for row, n in candidate.taken.items() if row[0] in shared)
            cents = candidate.cents + oracle.shelves.depth_cents(own)
            key = (candidate.filled, others, frozenset(candidate.loads.items()))
            if key not in cheapest or cents < cheapest[key][0]:
                cheapest[key] = (cents, candidate)
    return [candidate for _, candidate in cheapest.values()]


def joined(chosen: Sequence[tuple[Oracle, Candidate]]) -> Plan:
    """One plan of all deliveries, in turn."""
    before: Taken = Counter()
    plans = []
    for oracle, candidate in chosen:
        if candidate.parcels:
            assert oracle.delivery is not None
            plans.append((oracle.delivery.delivery_id, oracle.plan(candidate, before)))
            before += candidate.taken
    sums = [sum(column) for column in zip(*(plan.cost.parts() for _, plan in plans), strict=True)]
    return Plan(
        shipments=tuple(shipment for _, plan in plans for shipment in plan.shipments),
        cost=Cost.of(sums),
        deliveries=tuple(
            DeliveryPlan(delivery_id=name, cost=plan.cost, promise_seconds=plan.promise_seconds)
            for name, plan in plans
        ),
    )
