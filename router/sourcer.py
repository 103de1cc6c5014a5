"""The product: ``decide(order, snapshot, now) -> Decision``, a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from router.columns import frozen, joined
from router.compile import Compiled
from router.cost import Cost
from router.crowded import may_spread
from router.decide_deliveries import answer_deliveries, by_deliveries, key_of
from router.domain import (
    Certificate,
    CertificateKind,
    Decision,
    Method,
    Order,
    Plan,
    Status,
    Unfilled,
    Versions,
)
from router.kernels.keys import decision_keys
from router.kernels.types import NEEDS_SOLVER, OrderArrays, PlanArrays, World
from router.kits import filled_units
from router.ladder import Answered, Solved, Unsolved, run_kernels, searched, status_of
from router.mistrust import told_apart
from router.orders import check_order, groups_of, order_arrays
from router.plan import plan_from_arrays
from router.problem import build_problem
from router.rooms import fits
from router.snapshot import BIT_FORBIDDEN, Moment, Snapshot, without_nodes
from router.solver.limits import SearchLimits

ENGINE_VERSION = "0.1.0"

NO_LIMITS = SearchLimits()
NO_PLAN = Plan(shipments=(), cost=Cost())


def decide(
    order: Order,
    snapshot: Snapshot,
    now_seconds: int,
    limits: SearchLimits = NO_LIMITS,
    *,
    forbidden_nodes: frozenset[str] = frozenset(),
) -> Decision:
    """The best plan for one order under the rules and the stock of ``snapshot``.

    Raises InvalidInput (fields named as in the API) for an order that is wrong. An order that cannot be
    sourced is an answer with status UNSOURCEABLE.
    """
    return decide_many([order], snapshot, now_seconds, limits, forbidden_nodes=forbidden_nodes)[0]


def decide_many(
    orders: Sequence[Order],
    snapshot: Snapshot,
    now_seconds: int,
    limits: SearchLimits = NO_LIMITS,
    *,
    forbidden_nodes: frozenset[str] = frozenset(),
) -> list[Decision]:
    """Each order decided by itself: none sees what another takes. Raises as ``decide``."""
    apart = [by_deliveries(order, snapshot) for order in orders]
    if any(apart):
        return [
            _decide_deliveries(order, snapshot, now_seconds, limits, forbidden_nodes)
            if own
            else decide(order, snapshot, now_seconds, limits, forbidden_nodes=forbidden_nodes)
            for order, own in zip(orders, apart, strict=True)
        ]
    compiled = snapshot.compiled
    columns = order_arrays(orders, compiled, snapshot.catalogue, now_seconds)
    moment = snapshot.at(now_seconds)
    forbidden = [row for row in (compiled.nodes.find(name) for name in sorted(forbidden_nodes)) if row >= 0]
    rules = without_nodes(moment.world.rules, forbidden, BIT_FORBIDDEN)
    moment = moment._replace(world=moment.world._replace(rules=rules))
    version = snapshot.stock.version
    out = run_kernels(moment, columns)
    keys = np.zeros((len(orders), 2), np.uint64)
    data, offsets = joined([order.order_id for order in orders])
    decision_keys(columns, frozen(data), frozen(offsets), now_seconds, version, rules_key(snapshot), keys)
    versions = versions_of(snapshot.rules_hash, version)
    spread = may_spread(columns, snapshot, now_seconds)
    decisions = []
    for b, order in enumerate(orders):
        key = f"{int(keys[b, 0]):016x}{int(keys[b, 1]):016x}"
        answer = None if spread[b] else _from_kernels(order, columns, b, moment, compiled, out, limits)
        found = answer and answer.found
        if answer is None or (isinstance(found, Solved) and not fits(found.plan, snapshot, now_seconds)):
            decisions.append(_decide_deliveries(order, snapshot, now_seconds, limits, forbidden_nodes))
            continue
        if isinstance(found, Solved):
            plan = told_apart(found.plan, compiled.strategies[answer.tried[-1]], snapshot)
            answer = replace(answer, found=replace(found, plan=plan))
        decisions.append(_decision(order, key, answer, versions, snapshot, now_seconds))
    return decisions


def versions_of(rules_hash: str, stock_version: int) -> Versions:
    """What an answer of this engine is made from."""
    return Versions(rules_hash=rules_hash, stock_version=stock_version, engine_version=ENGINE_VERSION)


def rules_key(snapshot: Snapshot) -> int:
    """The rules' hash as a non-negative int64, for kernels."""
    return int(snapshot.rules_hash[:15], 16)


def _decide_deliveries(
    order: Order,
    snapshot: Snapshot,
    now_seconds: int,
    limits: SearchLimits,
    forbidden_nodes: frozenset[str],
) -> Decision:
    """An order whose deliveries are solved one by one."""
    compiled = snapshot.compiled
    check_order(order, snapshot.network, compiled, snapshot.catalogue, now_seconds)
    answer = answer_deliveries(order, snapshot, now_seconds, limits, forbidden_nodes)
    version = snapshot.stock.version
    versions = versions_of(snapshot.rules_hash, version)
    key = key_of(order, now_seconds, version, compiled.rules_hash)
    return _decision(order, key, answer, versions, snapshot, now_seconds)


def _from_kernels(
    order: Order,
    columns: OrderArrays,
    b: int,
    moment: Moment,
    compiled: Compiled,
    out: PlanArrays,
    limits: SearchLimits,
) -> Answered:
    """Read row b of ``out``; where the kernels stopped, ask the solver, and go on with the fallbacks: also
    from a strategy whose search was stopped before it had a plan. Raises BrokenInvariant."""
    tried = _chain(moment.world, int(out.first_strategy[b]), int(out.strategy[b]))
    status = status_of(out, b, order)
    if status == Status.UNSOURCEABLE:
        return Answered(tried, Unsolved(method=Method.SUBSET_DP))
    if status != NEEDS_SOLVER:
        plan = plan_from_arrays(order, groups_of(order), out, b, compiled)
        return Answered(tried, Solved(plan, plan.total_cents, True, Method.SUBSET_DP))
    t = int(out.strategy[b])
    problem = build_problem(moment.world, columns, b, t, moment.origin_seconds)
    found = searched(problem, order, compiled, limits)
    following = int(moment.world.rules.fallback[t])
    if isinstance(found, Solved) or following < 0:
        return Answered(tried, found)
    one = _single(columns, b)
    later = _from_kernels(order, one, 0, moment, compiled, run_kernels(moment, one, following), limits)
    undecided = ((t, found.stopped_by),) if found.stopped_by else ()
    return Answered(tried + later.tried, later.found, undecided + later.undecided)


def _chain(world: World, first: int, last: int) -> list[int]:
    """Strategies from the first tried to the last, along the fallbacks."""
    tried = [first] if first >= 0 else []
    while tried and tried[-1] != last:
        tried.append(int(world.rules.fallback[tried[-1]]))
    return tried


def _single(columns: OrderArrays, b: int) -> OrderArrays:
    """The columns of one order."""
    lines = slice(int(columns.line_start[b]), int(columns.line_start[b + 1]))
    of_lines = {"sku_ix", "quantity", "unit_value_cents", "group", "alone"}
    picked = {
        name: frozen(np.ascontiguousarray(column[lines] if name in of_lines else column[b : b + 1]))
        for name, column in columns._asdict().items()
        if name != "line_start"
    }
    return OrderArrays(line_start=frozen(np.array([0, lines.stop - lines.start], np.int64)), **picked)


def _certificate(answer: Answered, compiled: Compiled) -> Certificate:
    """What is proven. Where the search of an earlier strategy was stopped that is less: the bound is one of
    the strategy that answered, which is not known to be the one that should have."""
    found = answer.found
    reasons = [f"strategy {compiled.strategies[t].id}: {stopped}" for t, stopped in answer.undecided]
    reasons += [found.stopped_by] * bool(found.stopped_by)
    told = "; ".join(reasons)
    if isinstance(found, Unsolved):
        kind = CertificateKind.BOUNDED if told else CertificateKind.EXACT
        return Certificate(kind=kind, method=found.method, bound_cents=0, stopped_by=told)
    total = found.plan.total_cents
    if found.proven and not answer.undecided:
        return Certificate(kind=CertificateKind.EXACT, method=found.method, bound_cents=total)
    gap = -((found.bound_cents - total) * 1_000_000 // max(1, abs(total)))
    return Certificate(
        kind=CertificateKind.BOUNDED,
        method=found.method,
        bound_cents=found.bound_cents,
        gap_ppm=gap,
        stopped_by=told,
    )


def _decision(
    order: Order, key: str, answer: Answered, versions: Versions, snapshot: Snapshot, now_seconds: int
) -> Decision:
    plan = answer.found.plan if isinstance(answer.found, Solved) else NO_PLAN
    compiled = snapshot.compiled
    picked = filled_units(order, plan, snapshot.catalogue.kits)
    unfilled = tuple(
        Unfilled(
            line_id=line.line_id, sku_id=line.sku_id, quantity=line.quantity - picked.get(line.line_id, 0)
        )
        for line in order.lines
        if line.quantity > picked.get(line.line_id, 0)
    )
    status = Status.UNSOURCEABLE if not plan.shipments else Status.PARTIAL if unfilled else Status.SOURCED
    return Decision(
        decision_id=key,
        order_id=order.order_id,
        status=status,
        strategy_ids=tuple(compiled.strategies[t].id for t in answer.tried),
        plan=plan,
        unfilled=unfilled,
        certificate=_certificate(answer, compiled),
        versions=versions,
        decided_at_seconds=now_seconds,
    )
