"""Explaining a decision: every candidate, the plans next to the best, and what would have helped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from router.budget import Budget
from router.domain import Decision, Order, Plan, Status
from router.explanation import Candidate, Explanation, LineCandidates, Relaxation
from router.kits import with_components
from router.one_delivery import divisible_of
from router.places import lines_of
from router.question import Question
from router.rank import rank_lines
from router.relax import Decide, relaxations_of, stock_rows, unmet_conditions
from router.snapshot import Snapshot

MAX_ALTERNATIVES = 10
"""Nodes of the plan that are avoided in turn."""
BEST_LISTED = 20
"""Candidates listed of a line where there is no room for all."""


def explain_order(
    decision: Decision,
    again: Decide,
    order: Order,
    snapshot: Snapshot,
    now_seconds: int,
    budget: Budget | None = None,
) -> tuple[Decision, Explanation]:
    """A decision just made, with its alternatives, and why it came out so under the strategy that answered.

    ``again`` decides variations of the order, as often as ``budget`` lasts (by default a whole one). Reads
    the stock of ``snapshot`` many times: it should not change meanwhile. Raises what ``budget.wanted`` does.
    """
    budget = budget or Budget()
    t = strategy_row(order, snapshot, decision.strategy_ids[-1]) if decision.strategy_ids else -1
    parts = with_components(order, snapshot.catalogue.kits)
    lines = candidates_of(parts, snapshot, now_seconds, t, decision.plan, budget)
    found = alternatives(again, order, snapshot, now_seconds, decision, budget)
    relaxations: tuple[Relaxation, ...] = ()
    if t < 0:
        relaxations = unmet_conditions(order, snapshot, now_seconds)
    elif decision.status != Status.SOURCED:
        relaxations = relaxations_of(again, parts, snapshot, now_seconds, decision.strategy_ids, budget)
    explanation = Explanation(
        strategy_id=decision.strategy_ids[-1] if decision.strategy_ids else "",
        lines=lines,
        relaxations=relaxations,
        stopped_by=", ".join(budget.stopped_by),
    )
    return replace(decision, alternatives=found), explanation


def candidates_of(
    order: Order, snapshot: Snapshot, now_seconds: int, t: int, plan: Plan, budget: Budget
) -> tuple[LineCandidates, ...]:
    """Every candidate of each line under strategy t, with what the plan takes there; only the best of lines
    for which the budget is too small."""
    lines = []
    for line in order.lines:
        taken: dict[str, int] = defaultdict(int)
        for shipment in plan.shipments:
            taken[shipment.node_id] += sum(
                p.quantity
                for p in shipment.picks
                if p.line_id == (line.kit_line_id or line.line_id)
                and (not line.kit_line_id or p.sku_id == line.sku_id)
            )

        def marked(candidate: Candidate, taken: Mapping[str, int] = taken) -> Candidate:
            units = taken.get(candidate.node_id, 0)
            return replace(candidate, taken_quantity=units) if units else candidate

        every = budget.may_list(stock_rows(replace(order, lines=(line,)), snapshot))
        (ranked,) = rank_lines(
            replace(order, lines=(line,)),
            snapshot,
            now_seconds,
            t,
            max_per_line=max(1, len(snapshot.network.nodes)) if every else BEST_LISTED,
            include_rejected=every,
        )
        lines.append(replace(ranked, candidates=tuple(map(marked, ranked.candidates))))
    return tuple(lines)


def strategy_row(order: Order, snapshot: Snapshot, strategy_id: str) -> int:
    """Row of a strategy of the order's profile in the compiled rules."""
    compiled = snapshot.compiled
    p = compiled.profiles.find(order.sourcing_profile) if order.sourcing_profile else compiled.default_profile
    first, stop = int(compiled.rules.profile_start[p]), int(compiled.rules.profile_start[p + 1])
    return next(t for t in range(first, stop) if compiled.strategies[t].id == strategy_id)


def alternatives(
    again: Decide, order: Order, snapshot: Snapshot, now_seconds: int, decision: Decision, budget: Budget
) -> tuple[Plan, ...]:
    """For each node of the plan the best plan found that avoids it, under the same strategy: most units
    first, then cheapest."""
    found: dict[Plan, tuple[int, int]] = {}
    rows = stock_rows(order, snapshot)
    nodes = dict.fromkeys(shipment.node_id for shipment in decision.plan.shipments)
    for node_id in list(nodes)[:MAX_ALTERNATIVES]:
        if not budget.lasts():
            break
        other = again(order, snapshot, forbidden_nodes=frozenset({node_id}))
        budget.spend(other, rows)
        budget.note(other.certificate.stopped_by)
        better = _rank(other.plan) < _rank(decision.plan)  # possible where the decision is not proven
        if other.strategy_ids == decision.strategy_ids and other.plan.shipments and not better:
            found[other.plan] = _rank(other.plan)
    if not found:
        return ()
    t = strategy_row(order, snapshot, decision.strategy_ids[-1])
    question = Question(order, snapshot, t, now_seconds)
    divisible = {
        line.line_id: may
        for ix, delivery in enumerate(question.deliveries)
        for line, may in zip(lines_of(order, delivery), divisible_of(question, ix).tolist(), strict=True)
    }
    allowed = [plan for plan in found if _divides_only(plan, order, divisible)]
    return tuple(sorted(allowed, key=lambda plan: found[plan]))


def _rank(plan: Plan) -> tuple[int, int]:
    """Less is better."""
    units = sum(pick.quantity for shipment in plan.shipments for pick in shipment.picks)
    return -units, plan.total_cents


def _divides_only(plan: Plan, order: Order, divisible: Mapping[str, bool]) -> bool:
    """Does the plan divide only lines that may be, while no node is forbidden? (Without a node, another line
    can become one that no node supplies whole.)"""
    units: dict[str, list[int]] = defaultdict(list)
    for shipment in plan.shipments:
        for pick in shipment.picks:
            units[pick.line_id].append(pick.quantity)
    return all(
        divisible[line.line_id] or units[line.line_id] in ([], [line.quantity]) for line in order.lines
    )
