"""Brute force over the deliveries of an order: every plan of each, together, from the stock they share."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from router.domain import Cost, DeliveryPlan, Order, Plan
from router.network import Network
from router.rules.model import Strategy
from tests.oracle import Oracle
from tests.oracle_parts import Candidate, Taken


def best_of_deliveries(
    strategy: Strategy,
    order: Order,
    network: Network,
    *,
    skus: Mapping[str, Any],
    stock: Mapping[tuple[str, str], int],
    now_seconds: int,
) -> Plan | None:
    """The plan with the most units, then the least cost; None when there is no answer."""
    oracles = [
        Oracle(strategy, order, network, skus=skus, stock=stock, now_seconds=now_seconds, delivery=delivery)
        for delivery in order.deliveries
    ]
    wanted = Counter(sku_id for oracle in oracles for sku_id in {line.sku_id for line in oracle.lines})
    shared = {sku_id for sku_id, deliveries in wanted.items() if deliveries > 1}
    best: Sequence[Candidate] = ()
    best_key = (0, 0)  # minus units, cents
    for combination in itertools.product(*(contenders(oracle, shared) for oracle in oracles)):
        filled = sum(c.filled for c in combination)
        if filled == 0 or -filled > best_key[0]:
            continue
        taken: Taken = sum((c.taken for c in combination), Counter())
        cents = sum(c.cents for c in combination) + oracles[0].depth_cents(taken)
        if (not best or (-filled, cents) < best_key) and there_is(oracles, shared, taken):
            best, best_key = combination, (-filled, cents)
    if not best:
        return None
    plan = joined(oracles, best)
    assert plan.total_cents == best_key[1], "the parts add up"
    return plan


def contenders(oracle: Oracle, shared: set[str]) -> list[Candidate]:
    """The plans of one delivery, the empty one among them where that may be; of those with as many units that
    take the same of what is shared, the cheapest."""
    cheapest: dict[Any, tuple[int, Candidate]] = {}
    for parts in oracle.assignments():
        candidate = oracle.candidate(parts)
        if candidate is not None:
            own = {pair: n for pair, n in candidate.taken.items() if pair[0] not in shared}
            others = frozenset((pair, n) for pair, n in candidate.taken.items() if pair[0] in shared and n)
            cents = candidate.cents + oracle.depth_cents(own)
            key = (candidate.filled, others)
            if key not in cheapest or cents < cheapest[key][0]:
                cheapest[key] = (cents, candidate)
    return [candidate for _, candidate in cheapest.values()]


def there_is(oracles: Sequence[Oracle], shared: set[str], taken: Taken) -> bool:
    """Stock, and the least that rules leave, of what several deliveries ask for."""
    for oracle in oracles:
        for i, line in enumerate(oracle.lines):
            for node_ix, node in enumerate(oracle.network.nodes):
                units = taken[line.sku_id, node.node_id]
                if line.sku_id not in shared or not units:
                    continue
                left = oracle.stock[line.sku_id, node.node_id] - units
                keeps = [r for r in oracle.strategy.eligibility if r.kind == "min_remaining"]
                if left < 0 or any(oracle.rule_bars(rule, node_ix, i, left) for rule in keeps):
                    return False
    return True


def joined(oracles: Sequence[Oracle], chosen: Sequence[Candidate]) -> Plan:
    """One plan of all deliveries, in turn."""
    before: Taken = Counter()
    plans = []
    for oracle, candidate in zip(oracles, chosen, strict=True):
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
