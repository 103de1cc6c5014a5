"""The verifier: checks a decision against docs/cost-model.md, knowing nothing of how it was made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from router.domain import Certificate, CertificateKind, Decision, LineFill, Order, Plan, Status
from router.network import Network
from router.rules.model import RuleSet, Strategy
from router.verify.case import NOTHING_KNOWN, Case, cases_of, no_price, nothing_expected
from router.verify.deliveries import form_complaints, permission_complaints, plan_complaints, portions
from router.verify.facts import SkuFacts
from router.verify.kits import all_in_components, in_components
from router.verify.plan import distances_m, shipped, title, units_by_line, ways_of
from router.verify.pricing import carriage_cents, time_cents, weight_grams
from router.verify.states import States
from router.verify.strategy import check_strategies
from router.verify.supply import open_ways, simple_answer


def verify(
    decision: Decision,
    order: Order,
    network: Network,
    sku_of: Callable[[str], SkuFacts],
    available: Callable[[str, str], int | None],
    rules: RuleSet,
    now_seconds: int,
    receipts: Callable[[str, str], Sequence[tuple[int, int]]] = nothing_expected,
    states: States = NOTHING_KNOWN,
    stock_price: Callable[[str, str], int] = no_price,
) -> list[str]:
    """Everything in which ``decision`` contradicts the cost model, readable; empty when clean.

    ``available(sku_id, node_id)`` is the stock the decision was made from, net of reservations and safety
    stock, None without a row; ``receipts(sku_id, node_id)`` is what was expected there: (epoch seconds, units
    not promised yet); ``states`` how nodes were; ``stock_price(sku_id, node_id)`` the cents of a unit.
    ``sku_of`` raises for an unknown SKU; that error passes through.
    Slow and plain. Proven are permission, prices and the arithmetic of the certificate, and that no other
    way for a single shipment would be better; not that no other plan is. The order must be right.
    """
    asked = Case(
        order,
        network,
        sku_of,
        available,
        now_seconds,
        receipts=receipts,
        states=states,
        stock_price=stock_price,
    )
    cases, plan, kits, found = served(asked, decision.plan)
    ordered, decision = decision, replace(decision, plan=plan)
    if decision.order_id != order.order_id:
        found.append(f"order_id is {decision.order_id!r}, should be {order.order_id!r}")
    if decision.decided_at_seconds != now_seconds:
        found.append(f"decided_at_seconds is {decision.decided_at_seconds}, should be {now_seconds}")
    strategy_complaints, tried = check_strategies(cases_of(asked), rules, decision)
    found += strategy_complaints
    found += certificate_complaints(decision.certificate, decision.plan.total_cents)
    malformed = form_complaints(cases, decision.plan)
    if malformed:
        return found + malformed
    found += fill_complaints(order, ordered, kits, tried[-1] if tried else None)
    if not tried:
        return found
    found += plan_complaints(cases, tried[-1], decision.plan)
    for case, own in portions(cases, decision.plan):
        if any(delivery.onward is not None for delivery in own.deliveries):
            if not complete(case, own):
                name = own.deliveries[0].delivery_id
                found.append(f"delivery {name!r}: goes over a hub, yet is not whole")
        else:
            found += way_complaints(case, tried[-1], own)
    found += alternative_complaints(asked, tried[-1], decision)
    if any(kits.get(line.line_id, line.quantity) < line.quantity for line in order.lines):
        cases = cases_of(replace(asked, order=all_in_components(order, sku_of)))
    return found + skipped_complaints(cases, tried, decision)


def served(asked: Case, plan: Plan) -> tuple[list[Case], Plan, dict[str, int], list[str]]:
    """The deliveries of the order with the SKUs that a plan sends, components in the place of kits; the plan
    in these terms; how many kits it sends, by line; and what is wrong with what it sends instead of what."""
    order, plan, kits, found = in_components(asked.order, plan, asked.sku_of)
    order, more = as_served(order, plan)
    return cases_of(replace(asked, order=order)), plan, kits, found + more


def as_served(order: Order, plan: Plan) -> tuple[Order, list[str]]:
    """The order with the SKUs that the plan sends, and what is wrong with them: not allowed, several for a
    line, or chosen for another line as ordered. A line of which nothing is sent has any that does not get in
    the way."""
    sent: dict[str, dict[str, None]] = {}
    for shipment in plan.shipments:
        for pick in shipment.picks:
            sent.setdefault(pick.line_id, {})[pick.sku_id] = None
    by_id = {line.line_id: line for line in order.lines}
    chosen = {line_id: next(iter(skus)) for line_id, skus in sent.items() if line_id in by_id}
    as_ordered = {sku_id for line_id, sku_id in chosen.items() if sku_id == by_id[line_id].sku_id}
    instead = set(chosen.values()) - as_ordered
    lines, found = [], []
    for line in order.lines:
        choices = (line.sku_id, *line.substitutes)
        if line.line_id in chosen:
            sku_id = chosen[line.line_id]
            if len(sent[line.line_id]) > 1 or sku_id not in choices:
                found.append(f"line {line.line_id!r} is served with {', '.join(sent[line.line_id])}")
        else:
            free = [sku for sku in choices if sku not in (instead if sku == line.sku_id else as_ordered)]
            sku_id = free[0] if free else line.sku_id
        ordered_sku_id = "" if sku_id == line.sku_id else line.sku_id
        lines.append(replace(line, sku_id=sku_id, ordered_sku_id=ordered_sku_id))
    for line in lines:
        if line.ordered_sku_id and any(line.sku_id == x.sku_id for x in lines if not x.ordered_sku_id):
            found.append(f"line {line.line_id!r} is served with {line.sku_id!r}, which another line orders")
    return replace(order, lines=tuple(lines)), found


def certificate_complaints(certificate: Certificate, cost_cents: int) -> list[str]:
    """The arithmetic of the claim: bound <= cost, equal when exact, gap rounded up."""
    found: list[str] = []
    bound = certificate.bound_cents
    if bound > cost_cents:
        found.append(f"certificate: bound_cents {bound} exceeds the cost {cost_cents}")
    if certificate.kind == CertificateKind.EXACT and bound != cost_cents:
        found.append(f"certificate: EXACT with bound_cents {bound} at cost {cost_cents}")
    if certificate.kind == CertificateKind.EXACT and certificate.stopped_by:
        found.append(f"certificate: EXACT, yet stopped by {certificate.stopped_by!r}")
    gap = -((bound - cost_cents) * 1_000_000 // max(1, abs(cost_cents)))
    if certificate.gap_ppm != gap:
        found.append(f"certificate: gap_ppm is {certificate.gap_ppm}, should be {gap}")
    return found


def fill_complaints(
    order: Order, decision: Decision, kits: Mapping[str, int], strategy: Strategy | None
) -> list[str]:
    """Unfilled is what was ordered and not picked; status says as much. kits: of them so many, by line."""
    found: list[str] = []
    picked = units_by_line(decision.plan) | {line_id: n for line_id, n in kits.items() if n}
    missing = {
        (line.line_id, line.sku_id): line.quantity - picked.get(line.line_id, 0)
        for line in order.lines
        if line.quantity > picked.get(line.line_id, 0)
    }
    stated = {(u.line_id, u.sku_id): u.quantity for u in decision.unfilled}
    if stated != missing or len(stated) < len(decision.unfilled):
        listed = [(u.line_id, u.sku_id, u.quantity) for u in decision.unfilled]
        found.append(f"unfilled is {listed}, should be {[(*key, n) for key, n in missing.items()]}")
    status = Status.UNSOURCEABLE if not picked else Status.PARTIAL if missing else Status.SOURCED
    if decision.status != status:
        found.append(f"status is {decision.status.name}, should be {status.name}")
    if status == Status.PARTIAL and strategy is not None and not strategy.limits.allow_partial:
        found.append(f"units are left unfilled, strategy {strategy.id!r} has no allow_partial")
    if status == Status.PARTIAL:
        found += asked_complaints(order, picked)
    if status != Status.UNSOURCEABLE and strategy is None:
        found.append("no strategy answered, yet units are picked")
    return found


def asked_complaints(order: Order, picked: Mapping[str, int]) -> list[str]:
    """What an answer that leaves something out leaves out though the order asks for it."""
    found = [] if order.fill is None else ["units are left unfilled of an order that is FILL_OR_KILL"]
    for line in order.lines:
        units = picked.get(line.line_id, 0)
        missing = units < line.quantity and (units > 0 or line.fill is LineFill.FILL_OR_KILL)
        if line.fill is not None and missing:
            asked = f"line {line.line_id!r} is {line.fill.name}"
            found.append(f"{asked}, yet has {units} of {line.quantity} units")
    return found


def complete(case: Case, plan: Plan) -> bool:
    """Is all of the delivery sent?"""
    picked = units_by_line(plan)
    return all(picked.get(line_id, 0) == line.quantity for line_id, line in case.lines.items())


def way_complaints(case: Case, strategy: Strategy, plan: Plan) -> list[str]:
    """A shipment of a delivery for which another open way makes the plan cheaper, or as cheap and the
    shipment earlier, or equal in both and is stated first."""
    found: list[str] = []
    metres = distances_m(case, plan)
    for i, (shipment, own) in enumerate(zip(plan.shipments, ways_of(case, plan), strict=True)):
        if own is None:
            continue
        node, units = case.nodes[shipment.node_id], shipped(shipment)
        metres_away, date = metres[node.node_id], shipment.supply_seconds
        others = [s.arrival_seconds for j, s in enumerate(plan.shipments) if j != i]
        stated = list(case.ways(node, metres_away, date))
        ranked: dict[str, tuple[int, int, int]] = {}
        for way in (own, *open_ways(case, strategy, node, list(units), metres_away, date)):
            carriage = carriage_cents(strategy, way, weight_grams(case, units))
            late = time_cents(case, strategy, max([way.arrival_seconds, *others]))
            total_cents = sum(carriage.values()) + sum(late.values())
            ranked[way.way_id] = (total_cents, way.arrival_seconds, stated.index(way.way_id))
        best = min(ranked, key=lambda way_id: ranked[way_id])
        if best != shipment.service_id:
            found.append(f"{title(shipment)}: service {best!r} is the better choice")
    return found


def alternative_complaints(asked: Case, strategy: Strategy, decision: Decision) -> list[str]:
    """Alternatives are sound plans too, and none is better than the plan."""
    found: list[str] = []
    units = sum(units_by_line(decision.plan).values())
    for i, alternative in enumerate(decision.alternatives):
        cases, plan, _, complaints = served(asked, alternative)
        complaints += form_complaints(cases, plan) or plan_complaints(cases, strategy, plan)
        other_units = sum(units_by_line(plan).values())
        if (-other_units, plan.total_cents) < (-units, decision.plan.total_cents):
            complaints.append(f"{other_units} units for {plan.total_cents} cents are better than the plan")
        found += [f"alternatives[{i}]: {complaint}" for complaint in complaints]
    return found


def skipped_complaints(cases: Sequence[Case], tried: Sequence[Strategy], decision: Decision) -> list[str]:
    """A strategy said to have no answer, for which one is at hand: from single nodes, or the plan itself. Of
    one whose search was stopped nothing is said."""
    found: list[str] = []
    silent = tried if decision.status == Status.UNSOURCEABLE else tried[:-1]
    for strategy in silent:
        if undecided(strategy, tried, decision.certificate.stopped_by):
            continue
        no_answer = f"strategy {strategy.id!r} had no answer, yet"
        node_ids = simple_answer(cases, strategy)
        if node_ids:
            found.append(f"{no_answer} {' and '.join(f'node {i!r}' for i in node_ids)} can supply alone")
        picked = units_by_line(decision.plan)
        asked = not decision.unfilled or not asked_complaints(cases[0].order, picked)
        complete = asked and (not decision.unfilled or strategy.limits.allow_partial)
        if decision.plan.shipments and complete and not permission_complaints(cases, strategy, decision.plan):
            found.append(f"{no_answer} allows the plan")
    return found


def undecided(strategy: Strategy, tried: Sequence[Strategy], stopped_by: str) -> bool:
    """The certificate says that the search for a plan of this strategy was stopped: of the last one by the
    limit alone, at the end."""
    reasons = stopped_by.split("; ")
    if strategy is tried[-1]:
        return bool(reasons[-1]) and not reasons[-1].startswith("strategy ")
    return any(reason.startswith(f"strategy {strategy.id}: ") for reason in reasons)
