"""Mistrust told apart. The kernels and the solver count it among handling: per shipment and per line it is a
price of the node like any other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from router.cost import Part
from router.domain import Plan
from router.rules.compile import weighted
from router.rules.model import Mistrust, Strategy
from router.rules.trust import expected_cents, missing_percent, rejected_percent
from router.snapshot import Snapshot


def has_mistrust(strategy: Strategy) -> bool:
    """Whether it prices mistrust at all."""
    return any(isinstance(goal, Mistrust) for goal in strategy.objectives)


def told_apart(plan: Plan, strategy: Strategy, snapshot: Snapshot) -> Plan:
    """A plan as the kernels reckon it, of an order or of one delivery, with mistrust as a part of its own."""
    if not has_mistrust(strategy):
        return plan
    cents = [
        mistrust_cents(s.node_id, [p.sku_id for p in s.picks], strategy, snapshot) for s in plan.shipments
    ]
    shipments = tuple(
        replace(shipment, cost=shipment.cost.moved(Part.HANDLING, Part.MISTRUST, own))
        for shipment, own in zip(plan.shipments, cents, strict=True)
    )
    return replace(plan, shipments=shipments, cost=plan.cost.moved(Part.HANDLING, Part.MISTRUST, sum(cents)))


def mistrust_cents(node_id: str, sku_ids: Iterable[str], strategy: Strategy, snapshot: Snapshot) -> int:
    """Of one shipment with a line of each of the SKUs."""
    node = snapshot.network.nodes[snapshot.compiled.node_rows[node_id]]
    chances = [rejected_percent(node)]
    chances += [missing_percent(node, snapshot.catalogue.sku(sku_id).labels) for sku_id in sku_ids]
    return sum(
        weighted(expected_cents(goal, chance), goal.weight)
        for goal in strategy.objectives
        if isinstance(goal, Mistrust)
        for chance in chances
    )
