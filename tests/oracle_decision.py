"""Whole answers by brute force: which strategy an order gets, and the decision that comes of it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from router.cost import Cost
from router.domain import (
    Certificate,
    CertificateKind,
    Decision,
    LineFill,
    Method,
    Order,
    Plan,
    Status,
    Unfilled,
    Versions,
)
from router.network import Network
from router.rules.model import RuleSet, Strategy
from tests.oracle import Oracle
from tests.oracle_capacity import States
from tests.oracle_deliveries import best_of_deliveries
from tests.oracle_facts import unit_value_cents
from tests.oracle_onward import over_hubs
from tests.oracle_supply import Receipts, Shelves
from tests.oracle_ways import Target

NO_SHIPMENTS = Plan(shipments=(), cost=Cost())


def first_strategy(
    rules: RuleSet, order: Order, network: Network, skus: Mapping[str, Any]
) -> tuple[Strategy | None, dict[str, Strategy]]:
    """The strategy that an order starts with, and all of its profile by id."""
    wanted = order.sourcing_profile or rules.default_profile
    (profile,) = [p for p in rules.profiles if p.id == wanted]
    worth = sum(line.quantity * unit_value_cents(line, skus) for line in order.lines)
    targets = [Target(network, order, delivery) for delivery in order.deliveries or (None,)]
    facts = {
        "sales_channels": {order.sales_channel.name},
        "destination_countries": {target.where.country for target in targets},
        "destination_zones": {target.zone for target in targets},
        "customer_segments": {order.customer_segment},
        "delivery_methods": {target.counts_as().name for target in targets},
    }
    matching = [
        (strategy.priority, position, strategy)
        for position, strategy in enumerate(profile.strategies)
        if all(
            set(getattr(strategy.when, key)) >= fact
            for key, fact in facts.items()
            if getattr(strategy.when, key)
        )
        and (
            strategy.when.order_value is None
            or strategy.when.order_value.min_cents <= worth <= strategy.when.order_value.max_cents
        )
    ]
    first = min(matching, key=lambda m: m[:2])[2] if matching else None
    return first, {s.id: s for s in profile.strategies}


def served_orders(order: Order) -> Iterator[Order]:
    """With every choice among substitutes."""
    for chosen in itertools.product(*((x.sku_id, *x.substitutes) for x in order.lines)):
        pairs = list(zip(chosen, order.lines, strict=True))
        lines = [replace(x, sku_id=s, ordered_sku_id="" if s == x.sku_id else x.sku_id) for s, x in pairs]
        yield replace(order, lines=tuple(lines))


def is_clear(order: Order) -> bool:
    """No SKU is both ordered, or in a kit, and a substitute."""
    substitutes = {line.sku_id for line in order.lines if line.ordered_sku_id}
    return not substitutes & {line.sku_id for line in order.lines if not line.ordered_sku_id}


def of_components(order: Order, skus: Mapping[str, Any], partial: bool) -> Iterator[Order]:
    """With components of every number of kits that may be sent."""
    kits = [skus[line.sku_id].kit for line in order.lines]
    counts: list[Any] = []
    for line, kit in zip(order.lines, kits, strict=True):
        fewer = kit is not None and partial and line.fill is not LineFill.FILL_OR_KILL
        counts.append(range(line.quantity + 1) if fewer else [line.quantity])
        if fewer and line.fill is LineFill.WHOLE:
            counts[-1] = [0, line.quantity]
    for chosen in itertools.product(*counts):
        lines: list[Any] = []
        for line, kit, count in zip(order.lines, kits, chosen, strict=True):
            if kit is None:
                lines.append(line)
                continue
            for sku_id, n in kit.components if count else ():
                group = line.together or (line.line_id if not kit.apart else "")
                part = {"sku_id": sku_id, "quantity": n * count, "together": group, "unit_value_cents": None}
                lines.append(
                    replace(line, line_id=f"{line.line_id}/{sku_id}", fill=LineFill.FILL_OR_KILL, **part)
                )
        if lines:
            named = {line.delivery_id for line in lines}
            left = tuple(d for d in order.deliveries if d.delivery_id in named or len(order.deliveries) == 1)
            yield replace(order, lines=tuple(lines), deliveries=left)


def picked(plan: Plan) -> Counter[tuple[str, str]]:
    """Units by line and SKU."""
    found: Counter[tuple[str, str]] = Counter()
    for shipment in plan.shipments:
        for pick in shipment.picks:
            found[pick.line_id, pick.sku_id] += pick.quantity
    return found


def units_of(plan: Plan) -> int:
    return sum(pick.quantity for shipment in plan.shipments for pick in shipment.picks)


def decide_by_force(
    rules: RuleSet,
    order: Order,
    network: Network,
    *,
    skus: Mapping[str, Any],
    stock: Mapping[tuple[str, str], int],
    now_seconds: int,
    receipts: Receipts | None = None,
    states: States | None = None,
    prices: Mapping[tuple[str, str], int] | None = None,
) -> Decision:
    """The whole answer: the first strategy that applies, then its fallbacks until one has a plan."""
    strategy, by_id = first_strategy(rules, order, network, skus)
    world: dict[str, Any] = {"skus": skus, "stock": stock, "receipts": receipts or {}}
    world["now_seconds"] = now_seconds
    tried: list[str] = []
    plan: Plan | None = None
    while strategy is not None and plan is None and strategy.id not in tried:
        tried.append(strategy.id)
        plans = [
            best_of_deliveries(strategy, served, network, states=states, prices=prices, **world)
            if served.deliveries
            else Oracle(strategy, served, network, states=states, prices=prices, delivery=way, **world).best()
            for chosen in served_orders(order)
            for served in of_components(chosen, skus, strategy.limits.allow_partial and order.fill is None)
            if is_clear(served)
            for way in (None, *(() if order.deliveries else over_hubs(strategy, order, network)))
        ]
        plan = min(filter(None, plans), key=lambda p: (-units_of(p), p.total_cents), default=None)
        plan = plan and Shelves(strategy, network, **world).made_of(plan)
        strategy = by_id[strategy.fallback] if strategy.fallback else None
    plan = plan or NO_SHIPMENTS
    missing = Counter({line.line_id: line.quantity for line in order.lines})
    for (line_id, sku_id), units in picked(plan).items():
        if "/" not in line_id:
            missing[line_id] -= units
            continue
        kit = skus[next(x.sku_id for x in order.lines if x.line_id == line_id.split("/")[0])].kit
        if sku_id == kit.components[0][0]:
            missing[line_id.split("/")[0]] -= units // kit.components[0][1]
    ordered = {line.line_id: line.sku_id for line in order.lines}
    unfilled = tuple(Unfilled(line_id=i, sku_id=ordered[i], quantity=n) for i, n in missing.items() if n)
    status = Status.PARTIAL if unfilled else Status.SOURCED
    return Decision(
        decision_id="by-force",
        order_id=order.order_id,
        status=status if plan.shipments else Status.UNSOURCEABLE,
        strategy_ids=tuple(tried),
        plan=plan,
        unfilled=unfilled,
        certificate=Certificate(
            kind=CertificateKind.EXACT, method=Method.SUBSET_DP, bound_cents=plan.total_cents
        ),
        versions=Versions(rules_hash="", stock_version=0, engine_version=""),
        decided_at_seconds=now_seconds,
    )


def optimum(
    strategy: Strategy,
    order: Order,
    network: Network,
    *,
    skus: Mapping[str, Any],
    stock: Mapping[tuple[str, str], int],
    now_seconds: int,
) -> tuple[int, int] | None:
    """(units filled, cost in cents) of the best plan of one strategy; None when unsourceable."""
    plan = Oracle(strategy, order, network, skus=skus, stock=stock, now_seconds=now_seconds).best()
    return None if plan is None else (units_filled(plan), plan.total_cents)


def units_filled(plan: Plan) -> int:
    """Units in all shipments."""
    return sum(pick.quantity for shipment in plan.shipments for pick in shipment.picks)
