"""The product: ``decide(order, snapshot, now) -> Decision``, a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from router.columns import frozen, joined
from router.compile import Compiled
from router.domain import (
    Certificate,
    CertificateKind,
    Cost,
    Decision,
    Method,
    Order,
    Plan,
    Status,
    Unfilled,
    Versions,
)
from router.errors import BrokenInvariant
from router.kernels.decide import decide_all
from router.kernels.keys import decision_keys
from router.kernels.types import FAR, MISCOUNTED, NEEDS_SOLVER, OrderArrays, PlanArrays, World
from router.orders import groups_of, order_arrays
from router.plan import assemble, plan_from_arrays
from router.problem import build_problem
from router.snapshot import Moment, Snapshot
from router.solver.limits import SearchLimits
from router.solver.order_mip import Assignment, solve_order
from router.workspace import plan_arrays, workspace_for

ENGINE_VERSION = "0.1.0"

NO_LIMITS = SearchLimits()
FORBIDDEN_BIT = np.uint64(1 << 7)
"""Reason bit of a node that the caller forbids."""


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
    compiled = snapshot.compiled
    columns = order_arrays(orders, compiled, snapshot.catalogue, now_seconds)
    moment = snapshot.at(now_seconds)
    moment = moment._replace(world=_forbid(moment.world, compiled, forbidden_nodes))
    version = snapshot.stock.version
    out = run_kernels(moment, columns)
    keys = np.zeros((len(orders), 2), np.uint64)
    data, offsets = joined([order.order_id for order in orders])
    decision_keys(columns, frozen(data), frozen(offsets), now_seconds, version, rules_key(snapshot), keys)
    versions = Versions(rules_hash=compiled.rules_hash, stock_version=version, engine_version=ENGINE_VERSION)
    decisions = []
    for b, order in enumerate(orders):
        key = f"{int(keys[b, 0]):016x}{int(keys[b, 1]):016x}"
        step = _from_kernels(order, columns, b, moment, compiled, out, limits)
        decisions.append(_decision(order, key, step, versions, compiled, now_seconds))
    return decisions


def rules_key(snapshot: Snapshot) -> int:
    """The rules' hash as a non-negative int64, for kernels."""
    return int(snapshot.rules_hash[:15], 16)


def run_kernels(moment: Moment, columns: OrderArrays, start_at: int = -1) -> PlanArrays:
    """All orders through the kernels; those left to the solver have status NEEDS_SOLVER."""
    space = workspace_for(moment.world, int(np.diff(columns.line_start).max()))
    out = plan_arrays(len(columns.line_start) - 1, len(columns.sku_ix))
    decide_all(space.hold(moment.world), columns, moment.origin_seconds, start_at, out)
    return out


class _Step:
    """What a step of the ladder found: the tried strategies, a plan, a certificate."""

    __slots__ = ("certificate", "plan", "tried")

    def __init__(self, tried: list[int], plan: Plan, certificate: Certificate) -> None:
        self.tried = tried
        self.plan = plan
        self.certificate = certificate


EMPTY = Plan(shipments=(), cost=Cost())


def _from_kernels(
    order: Order,
    columns: OrderArrays,
    b: int,
    moment: Moment,
    compiled: Compiled,
    out: PlanArrays,
    limits: SearchLimits,
) -> _Step:
    """Read row b of ``out``; where the kernels stopped, ask the solver, and go on with the fallbacks: also
    from a strategy whose search was stopped before it had a plan."""
    world = moment.world
    tried = _chain(world, int(out.first_strategy[b]), int(out.strategy[b]))
    status = int(out.status[b])
    if status == MISCOUNTED:
        raise BrokenInvariant(
            f"order {order.order_id!r}: the programme's cost is not the plan's",
            metadata={"order_id": order.order_id},
        )
    if status != NEEDS_SOLVER:
        plan = plan_from_arrays(order, groups_of(order), out, b, compiled)
        return _Step(tried, plan, _proven(plan.total_cents, Method.SUBSET_DP))
    t = int(out.strategy[b])
    problem = build_problem(world, columns, b, t, moment.origin_seconds)
    answer = solve_order(problem, limits)
    if isinstance(answer, Assignment) and answer.units.any():
        plan = assemble(problem, order, compiled, answer.units, answer.allowed_delay_cents)
        return _Step(tried, plan, _certificate(plan, answer))
    stopped = answer.stopped_by if answer is not None else ""
    following = int(world.rules.fallback[t])
    if following < 0:
        kind = CertificateKind.BOUNDED if stopped else CertificateKind.EXACT
        nothing = Certificate(kind=kind, method=Method.MIP, bound_cents=0, stopped_by=stopped)
        return _Step(tried, EMPTY, nothing)
    one = _single(columns, b)
    step = _from_kernels(order, one, 0, moment, compiled, run_kernels(moment, one, following), limits)
    certificate = step.certificate
    if stopped:
        certificate = _after_undecided(certificate, compiled.strategies[t].id, stopped)
    return _Step(tried + step.tried, step.plan, certificate)


def _after_undecided(certificate: Certificate, strategy_id: str, stopped_by: str) -> Certificate:
    """What is proven where an earlier strategy might have had a plan, had its search not been stopped: the
    bound is one of the strategy that answered, which is not known to be the one that should have."""
    reasons = [f"strategy {strategy_id}: {stopped_by}", certificate.stopped_by]
    return replace(certificate, kind=CertificateKind.BOUNDED, stopped_by="; ".join(filter(None, reasons)))


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


def _proven(total_cents: int, method: Method) -> Certificate:
    return Certificate(kind=CertificateKind.EXACT, method=method, bound_cents=total_cents)


def _certificate(plan: Plan, answer: Assignment) -> Certificate:
    """From a solver's answer; the cost is the recomputed one."""
    total = plan.total_cents
    if answer.proven and answer.bound_cents == total:
        return _proven(total, answer.method)
    bound = min(answer.bound_cents, total)
    gap = -((bound - total) * 1_000_000 // max(1, abs(total)))
    if answer.proven:
        raise BrokenInvariant(f"proven bound {answer.bound_cents}, recomputed cost {total}")
    return Certificate(
        kind=CertificateKind.BOUNDED,
        method=answer.method,
        bound_cents=bound,
        gap_ppm=gap,
        stopped_by=answer.stopped_by,
    )


def _decision(
    order: Order, key: str, step: _Step, versions: Versions, compiled: Compiled, now_seconds: int
) -> Decision:
    picked: dict[str, int] = {}
    for shipment in step.plan.shipments:
        for pick in shipment.picks:
            picked[pick.line_id] = picked.get(pick.line_id, 0) + pick.quantity
    unfilled = tuple(
        Unfilled(
            line_id=line.line_id, sku_id=line.sku_id, quantity=line.quantity - picked.get(line.line_id, 0)
        )
        for line in order.lines
        if line.quantity > picked.get(line.line_id, 0)
    )
    status = Status.UNSOURCEABLE if not picked else Status.PARTIAL if unfilled else Status.SOURCED
    return Decision(
        decision_id=key,
        order_id=order.order_id,
        status=status,
        strategy_ids=tuple(compiled.strategies[t].id for t in step.tried),
        plan=step.plan,
        unfilled=unfilled,
        certificate=step.certificate,
        versions=versions,
        decided_at_seconds=now_seconds,
    )


def _forbid(world: World, compiled: Compiled, node_ids: frozenset[str]) -> World:
    """The same world in which some nodes may supply nothing."""
    if not node_ids:
        return world
    rows = [row for row in (compiled.nodes.find(name) for name in sorted(node_ids)) if row >= 0]
    bits, keep = world.rules.static_bits.copy(), world.rules.keep_units.copy()
    bits[:, :, rows] |= FORBIDDEN_BIT
    keep[:, :, rows] = FAR
    return world._replace(rules=world.rules._replace(static_bits=frozen(bits), keep_units=frozen(keep)))
