"""Explaining a decision: every candidate, the plans next to the best, and what would have helped."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from router.domain import Decision, Order, Plan, Status
from router.explanation import Explanation, Relaxation
from router.orders import order_arrays
from router.problem import build_problem
from router.rank import rank_lines
from router.relax import MAX_DECISIONS, Decide, relaxations_of, unmet_conditions
from router.snapshot import Snapshot

MAX_ALTERNATIVES = 10
"""Nodes of the plan that are avoided in turn."""


def explain_order(
    decide: Decide,
    order: Order,
    snapshot: Snapshot,
    now_seconds: int,
    *,
    max_decisions: int = MAX_DECISIONS,
) -> tuple[Decision, Explanation]:
    """The decision with its alternatives, and why it came out so under the strategy that answered.

    ``decide`` is asked once per node of the plan, and at most ``max_decisions`` times for relaxations. Reads
    the stock of ``snapshot`` many times: it should not change meanwhile. Raises InvalidInput as ``decide``.
    """
    decision = decide(order, snapshot)
    t = strategy_row(order, snapshot, decision.strategy_ids[-1]) if decision.strategy_ids else -1
    lines = rank_lines(
        order,
        snapshot,
        now_seconds,
        t,
        max_per_line=max(1, len(snapshot.network.nodes)),
        include_rejected=True,
    )
    relaxations: tuple[Relaxation, ...] = ()
    if t < 0:
        relaxations = unmet_conditions(order, snapshot, now_seconds)
    elif decision.status != Status.SOURCED:
        relaxations = relaxations_of(
            decide, order, snapshot, now_seconds, decision.strategy_ids, max_decisions
        )
    found = alternatives(decide, order, snapshot, now_seconds, decision)
    return replace(decision, alternatives=found), Explanation(lines=lines, relaxations=relaxations)


def strategy_row(order: Order, snapshot: Snapshot, strategy_id: str) -> int:
    """Row of a strategy of the order's profile in the compiled rules."""
    compiled = snapshot.compiled
    p = compiled.profiles.find(order.sourcing_profile) if order.sourcing_profile else compiled.default_profile
    first, stop = int(compiled.rules.profile_start[p]), int(compiled.rules.profile_start[p + 1])
    return next(t for t in range(first, stop) if compiled.strategies[t].id == strategy_id)


def alternatives(
    decide: Decide, order: Order, snapshot: Snapshot, now_seconds: int, decision: Decision
) -> tuple[Plan, ...]:
    """For each node of the plan the best plan that avoids it, under the same strategy: most units first, then
    cheapest."""
    found: dict[Plan, tuple[int, int]] = {}
    nodes = dict.fromkeys(shipment.node_id for shipment in decision.plan.shipments)
    for node_id in list(nodes)[:MAX_ALTERNATIVES]:
        other = decide(order, snapshot, forbidden_nodes=frozenset({node_id}))
        better = _rank(other.plan) < _rank(decision.plan)  # possible where the decision is not proven
        if other.strategy_ids == decision.strategy_ids and other.plan.shipments and not better:
            found[other.plan] = _rank(other.plan)
    if not found:
        return ()
    t = strategy_row(order, snapshot, decision.strategy_ids[-1])
    orders = order_arrays([order], snapshot.compiled, snapshot.catalogue, now_seconds)
    moment = snapshot.at(now_seconds)
    divisible = build_problem(moment.world, orders, 0, t, moment.origin_seconds).lines.divisible
    allowed = [plan for plan in found if _divides_only(plan, order, divisible)]
    return tuple(sorted(allowed, key=lambda plan: found[plan]))


def _rank(plan: Plan) -> tuple[int, int]:
    """Less is better."""
    units = sum(pick.quantity for shipment in plan.shipments for pick in shipment.picks)
    return -units, plan.total_cents


def _divides_only(plan: Plan, order: Order, divisible: NDArray[np.bool_]) -> bool:
    """Does the plan divide only lines that may be, while no node is forbidden? (Without a node, another line
    can become one that no node supplies whole.)"""
    units: dict[str, list[int]] = defaultdict(list)
    for shipment in plan.shipments:
        for pick in shipment.picks:
            units[pick.line_id].append(pick.quantity)
    return all(
        may or units[line.line_id] in ([], [line.quantity])
        for line, may in zip(order.lines, divisible, strict=True)
    )
