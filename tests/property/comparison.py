"""One world answered in independent ways, and what differs: the whole ladder against brute force, the subset
programme against the integer programme, every answer before the verifier.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from router.domain import CertificateKind, Decision, Method, Status
from router.kernels.types import NEEDS_SOLVER
from router.orders import order_arrays
from router.plan import assemble
from router.problem import build_problem
from router.solver.limits import SearchLimits
from router.solver.order_mip import Assignment, Undecided, solve_order
from router.sourcer import decide, run_kernels
from router.verify import verify
from tests.engine import snapshot_of
from tests.oracle_decision import decide_by_force
from tests.worlds import DIVIDED_LINES, EVERYTHING, WHOLE_LINES, Features, World, random_world

KINDS: dict[str, Features] = {
    "everything": EVERYTHING,
    "whole lines": WHOLE_LINES,
    "divided lines": DIVIDED_LINES,
    # the same SKU on most lines, and stock that they fight over
    "shared stock": replace(EVERYTHING, skus=2, conditions=False, eligibility=False),
    # neither conditions nor eligibility rules: most orders are sourced, whatever the costs
    "open": replace(EVERYTHING, conditions=False, eligibility=False, deadlines=False, heavy_units=False),
}
"""Worlds that brute force can still answer."""

LARGE = Features(
    nodes=9, lines=7, services=3, skus=6, line_splits=("never",), eligibility=False, conditions=False
)
"""Too large for brute force; the subset and the integer programme both answer."""

PATIENT = SearchLimits(node_limit=1_000_000, time_limit_seconds=120.0)
"""Proofs here must not depend on how busy the machine is."""


def world_of(kind: str, seed: int) -> World:
    """The same kind and seed, the same world."""
    return random_world(np.random.default_rng(seed), KINDS[kind])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the comparison of one world came to. ``against``: where the two answers differ, and what the
    verifier has against the engine's; empty when all agree."""

    status: Status
    method: Method
    strategies_tried: int
    against: tuple[str, ...]


def unfilled_units(decision: Decision) -> int:
    """Ordered units that the plan leaves out."""
    return sum(unfilled.quantity for unfilled in decision.unfilled)


def against_force(world: World) -> Outcome:
    """The engine against brute force and the verifier."""
    decision = decide(world.order, snapshot_of(world), world.now_seconds, PATIENT)
    truth = decide_by_force(
        world.rules,
        world.order,
        world.network,
        skus=world.skus,
        stock=world.stock,
        now_seconds=world.now_seconds,
    )
    facts = {
        "status": (decision.status.name, truth.status.name),
        "units unfilled": (unfilled_units(decision), unfilled_units(truth)),
        "cost in cents": (decision.plan.total_cents, truth.plan.total_cents),
        "strategies": (decision.strategy_ids, truth.strategy_ids),
        "certificate": (decision.certificate.kind.name, CertificateKind.EXACT.name),
    }
    against = [f"{name}: {ours}, should be {right}" for name, (ours, right) in facts.items() if ours != right]
    against += verify(
        decision, world.order, world.network, world.sku_of, world.available, world.rules, world.now_seconds
    )
    return Outcome(decision.status, decision.certificate.method, len(decision.strategy_ids), tuple(against))


@dataclass(frozen=True, slots=True)
class Programmes:
    """The two programmes on the strategies of one world: how many answers were compared, how many of those
    were plans, how many needed branching, and where they differ."""

    compared: int
    plans: int
    searched: int
    against: tuple[str, ...]


def kernels_against_mip(world: World) -> Programmes:
    """Each strategy that the kernels can answer by themselves, put to the integer programme as well."""
    snapshot = snapshot_of(world)
    compiled, arrays = snapshot.compiled, snapshot.arrays()
    columns = order_arrays([world.order], compiled, snapshot.catalogue, world.now_seconds)
    compared = plans = searched = 0
    against: list[str] = []
    for first in range(len(compiled.strategies)):
        out = run_kernels(arrays, columns, world.now_seconds, first)
        status, t = int(out.status[0]), int(out.strategy[0])
        if status == NEEDS_SOLVER:
            continue
        problem = build_problem(arrays, columns, 0, t, world.now_seconds)
        answer = solve_order(problem, PATIENT)
        compared += 1
        picks = [line.quantity for line in world.order.lines]
        groups = columns.group.tolist()
        filled = sum(q for q, g in zip(picks, groups, strict=True) if int(out.filled[0]) >> g & 1)
        ours = (filled, int(out.total_cents[0]))
        theirs: tuple[int, int] | None = (0, 0)
        if isinstance(answer, Undecided):
            theirs = None
        if isinstance(answer, Assignment):
            plan = assemble(problem, world.order, compiled, answer.units, answer.allowed_delay_cents)
            theirs = (int(answer.units.sum()), plan.total_cents)
            plans += 1
            searched += answer.method is Method.MIP
        if theirs != ours:
            against.append(
                f"strategy {compiled.strategies[t].id} of row {t}: kernels fill and cost {ours}, MIP {theirs}"
            )
    return Programmes(compared, plans, searched, tuple(against))
