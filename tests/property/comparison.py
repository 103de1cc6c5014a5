"""One world answered in independent ways, and what differs: the engine against brute force, its programmes
against each other, every answer before the verifier.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from unittest.mock import patch

import numpy as np

from router.compile import Compiled
from router.domain import CertificateKind, Decision, Method, Plan, Status
from router.kernels.types import NEEDS_SOLVER, PlanArrays
from router.ladder import run_kernels
from router.orders import order_arrays
from router.plan import assemble
from router.problem import Problem, build_problem
from router.solver.limits import SearchLimits
from router.solver.order_mip import Assignment, Undecided, solve_order
from router.sourcer import decide
from tests.engine import snapshot_of
from tests.hand_worked import complaints
from tests.oracle_capacity import States as OracleStates
from tests.oracle_decision import decide_by_force
from tests.worlds import (
    DIVIDED_LINES,
    EVERYTHING,
    OMNICHANNEL,
    PRICED,
    PURCHASE,
    STOCK_PRICE,
    TRUST,
    WHOLE_LINES,
    Features,
    World,
    random_world,
)

KINDS: dict[str, Features] = {
    "everything": EVERYTHING,
    "whole lines": WHOLE_LINES,
    "divided lines": DIVIDED_LINES,
    # the same SKU on most lines, and stock that they fight over
    "shared stock": replace(EVERYTHING, skus=2, conditions=False, eligibility=False),
    # neither conditions nor eligibility rules: most orders are sourced, whatever the costs
    "open": replace(EVERYTHING, conditions=False, eligibility=False, deadlines=False, heavy_units=False),
    # nodes that reject shipments, or do not have what they say
    "trust": replace(TRUST, conditions=False),
    "prices": replace(PRICED, conditions=False),
    # cheap and slow against dear and fast, and nothing else to pay for
    "delays": replace(
        WHOLE_LINES,
        objectives=("shipping", "delay"),
        partial=False,
        conditions=False,
        eligibility=False,
        tight_limits=False,
        heavy_units=False,
    ),
    # more groups than the subset programme takes
    "many lines": replace(
        WHOLE_LINES,
        lines=13,
        skus=13,
        nodes=2,
        quantity=1,
        partial=False,
        conditions=False,
        eligibility=False,
        heavy_units=False,
    ),
}
"""Worlds that brute force can still answer."""

SOURCED_EASILY = replace(OMNICHANNEL, conditions=False, eligibility=False, heavy_units=False, calendars=False)
BUSY = ("node_load", "node_load", "waiting")
OMNICHANNEL_KINDS: dict[str, Features] = {
    "omnichannel": OMNICHANNEL,
    "deliveries": SOURCED_EASILY,
    # all deliveries want the same SKU, and there is little of it
    "scarce deliveries": replace(SOURCED_EASILY, skus=1, deliveries=3, tight_limits=False),
    "whole deliveries": replace(SOURCED_EASILY, skus=2, line_splits=("never",), partial=False),
    "prices for deliveries": replace(
        SOURCED_EASILY, skus=2, objectives=(*SOURCED_EASILY.objectives, STOCK_PRICE)
    ),
    # orders without deliveries
    "hours": replace(EVERYTHING, calendars=True),
    "fill": replace(EVERYTHING, fill=True, heavy_units=False, strategies=2, tight_limits=False),
    "fill of deliveries": replace(SOURCED_EASILY, fill=True, skus=2),
    "all at once": replace(
        OMNICHANNEL,
        lines=2,
        nodes=2,
        skus=2,
        quantity=2,
        tight_limits=False,
        heavy_units=False,
        consolidation=True,
        kits=True,
        substitutes=True,
        exclusions=True,
        fill=True,
        borders=True,
        supply=True,
        capacity=True,
        objectives=(*OMNICHANNEL.objectives, *BUSY, "duty", PURCHASE, "substitution", "waiting"),
    ),
    "kits": replace(
        EVERYTHING, kits=True, fill=True, heavy_units=False, lines=2, nodes=3, skus=3, quantity=2
    ),
    "kits for deliveries": replace(
        OMNICHANNEL, kits=True, calendars=False, lines=2, nodes=2, skus=2, quantity=2
    ),
    "hubs": replace(
        OMNICHANNEL,
        consolidation=True,
        calendars=False,
        deliveries=1,
        conditions=False,
        lines=3,
        nodes=3,
        quantity=2,
        skus=3,
        heavy_units=False,
    ),
    "hubs by the clock": replace(OMNICHANNEL, consolidation=True, deliveries=2, lines=2, nodes=2, skus=2),
    "substitutes": replace(
        EVERYTHING,
        substitutes=True,
        heavy_units=False,
        lines=3,
        objectives=(*EVERYTHING.objectives, "substitution"),
    ),
    "substitutes for deliveries": replace(
        OMNICHANNEL,
        substitutes=True,
        calendars=False,
        lines=2,
        objectives=(*OMNICHANNEL.objectives, "substitution"),
    ),
    "exclusions": replace(EVERYTHING, exclusions=True, heavy_units=False),
    "exclusions of deliveries": replace(OMNICHANNEL, exclusions=True, calendars=False),
    "borders": replace(
        EVERYTHING, borders=True, heavy_units=False, objectives=(*EVERYTHING.objectives, "duty", "duty")
    ),
    "offers": replace(EVERYTHING, heavy_units=False, objectives=(*EVERYTHING.objectives, PURCHASE, PURCHASE)),
    "offers for deliveries": replace(
        OMNICHANNEL, calendars=False, objectives=(*OMNICHANNEL.objectives, PURCHASE)
    ),
}
"""Likewise: with stores, pick-up points and dates."""

WAITING = replace(
    EVERYTHING,
    nodes=3,
    lines=3,
    skus=2,
    quantity=3,
    strategies=2,
    supply=True,
    objectives=(*EVERYTHING.objectives, "waiting"),
)
WAITING_SOON = replace(WAITING, conditions=False, eligibility=False, heavy_units=False)
SEVERAL = ("transfer", "lateness")
SUPPLY_KINDS: dict[str, Features] = {
    "supply": WAITING,
    "open supply": WAITING_SOON,
    "whole supply": replace(WAITING_SOON, lines=3, line_splits=("never",)),
    # what is there leaves before the rest, or waits for it
    "supply in parts": replace(
        WAITING_SOON,
        nodes=2,
        skus=1,
        quantity=4,
        line_splits=("free", "when_needed"),
        objectives=("shipping", "delay", "stock_depth", "waiting"),
        tight_limits=False,
    ),
    "supply at a price": replace(WAITING_SOON, objectives=(*WAITING.objectives, STOCK_PRICE)),
    # every date of a node depends on its clock
    "supply by the clock": replace(WAITING_SOON, nodes=2, calendars=True),
    "supply of deliveries": replace(
        WAITING_SOON, deliveries=2, quantity=2, objectives=(*WAITING.objectives, *SEVERAL)
    ),
    # all deliveries want the same SKU
    "scarce supply": replace(
        WAITING,
        nodes=2,
        lines=3,
        skus=1,
        quantity=2,
        deliveries=3,
        conditions=False,
        heavy_units=False,
        tight_limits=False,
    ),
    "supply everywhere": replace(
        OMNICHANNEL, nodes=3, skus=2, supply=True, objectives=(*OMNICHANNEL.objectives, "waiting")
    ),
}
"""Likewise: orders that may wait for what comes later."""

FULL = replace(
    EVERYTHING,
    nodes=2,
    lines=2,
    skus=2,
    quantity=3,
    strategies=2,
    capacity=True,
    objectives=(*EVERYTHING.objectives, *BUSY),
)
FULL_SOON = replace(FULL, conditions=False, eligibility=False, heavy_units=False, deadlines=False)
CAPACITY_KINDS: dict[str, Features] = {
    "capacity": FULL,
    "open capacity": FULL_SOON,
    # no price of busy nodes: kernels alone answer what finds room
    "quick capacity": replace(FULL_SOON, objectives=EVERYTHING.objectives),
    # several nodes have everything, but none of them time for it
    "split by capacity": replace(
        FULL_SOON,
        nodes=3,
        lines=3,
        skus=3,
        strategies=1,
        partial=False,
        together=False,
        tight_limits=False,
        objectives=("waiting", *BUSY),
    ),
    # one price against another, and nothing else
    "busy nodes": replace(FULL_SOON, nodes=3, line_splits=("never",), objectives=("shipping", *BUSY)),
    "capacity by the clock": replace(FULL_SOON, calendars=True),
    # all deliveries want the same days
    "capacity of deliveries": replace(
        FULL_SOON, lines=3, deliveries=2, quantity=2, objectives=(*FULL.objectives, *SEVERAL)
    ),
    "scarce days": replace(
        FULL_SOON,
        nodes=1,
        lines=3,
        skus=1,
        quantity=2,
        deliveries=3,
        tight_limits=False,
        objectives=("shipping", *BUSY, *SEVERAL),
    ),
    "capacity and supply": replace(FULL_SOON, quantity=2, supply=True),
    "capacity everywhere": replace(
        OMNICHANNEL,
        nodes=2,
        lines=2,
        skus=2,
        supply=True,
        capacity=True,
        borders=True,
        objectives=(*OMNICHANNEL.objectives, *BUSY, "duty"),
    ),
}
"""Likewise: nodes whose days are full."""

LARGE: dict[str, Features] = {
    "large, whole": Features(
        nodes=9, lines=7, skus=6, line_splits=("never",), eligibility=False, conditions=False
    ),
    "large, divided": Features(
        nodes=7, lines=5, skus=5, line_splits=("when_needed", "free"), eligibility=False, conditions=False
    ),
}
"""Too large for brute force, but not for the programmes."""

PATIENT = SearchLimits(node_limit=1_000_000, time_limit_seconds=120.0)
"""Proofs here must not depend on how busy the machine is."""


def world_of(kind: str, seed: int) -> World:
    """The same kind and seed, the same world."""
    return random_world(
        np.random.default_rng(seed), (KINDS | OMNICHANNEL_KINDS | SUPPLY_KINDS | CAPACITY_KINDS)[kind]
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the comparison of one world came to. ``against``: where the two answers differ, and what the
    verifier has against the engine's; empty when all agree."""

    status: Status
    method: Method
    strategies_tried: int
    plan: Plan
    against: tuple[str, ...]


@contextmanager
def only_the_integer_programme() -> Iterator[None]:
    """What the subset programme leaves over is not taken by the programme over amounts either, as if every
    order were too large for it; and without a greedy plan no simple bound closes the case. Small orders would
    else never get as far as the integer programme."""
    with (
        patch("router.solver.order_mip.solve_exactly", lambda *_: None),
        patch("router.solver.order_mip.greedy", lambda *_: None),
    ):
        yield


def units_sent(decision: Decision) -> int:
    """By its plan; of kits their components."""
    return sum(pick.quantity for shipment in decision.plan.shipments for pick in shipment.picks)


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
        receipts=world.receipts,
        states=OracleStates(world.free, world.backlog, world.off),
        prices=world.prices,
    )
    facts = {
        "status": (decision.status.name, truth.status.name),
        "units sent": (units_sent(decision), units_sent(truth)),
        "cost in cents": (decision.plan.total_cents, truth.plan.total_cents),
        "strategies": (decision.strategy_ids, truth.strategy_ids),
        "certificate": (decision.certificate.kind.name, CertificateKind.EXACT.name),
    }
    against = [f"{name}: {ours}, should be {right}" for name, (ours, right) in facts.items() if ours != right]
    against += complaints(decision, world)
    tried = len(decision.strategy_ids)
    return Outcome(decision.status, decision.certificate.method, tried, decision.plan, tuple(against))


@dataclass(frozen=True, slots=True)
class Programmes:
    """The programmes on the strategies of one world: how many questions were put to several, how many of
    those have a plan, how many took branching; how many of each method; and where they differ."""

    compared: int
    plans: int
    searched: int
    against: tuple[str, ...]


Answer = tuple[int, int]
"""Units filled and cents; zeroes for no plan."""


def programmes_against_each_other(world: World) -> Programmes:
    """Each strategy put to the subset programme, to the ladder after it, and to the integer programme."""
    snapshot = snapshot_of(world)
    compiled, arrays = snapshot.compiled, snapshot.at(world.now_seconds).world
    columns = order_arrays([world.order], compiled, snapshot.catalogue, world.now_seconds)
    plans = searched = 0
    against: list[str] = []
    for first in range(len(compiled.strategies)):
        out = run_kernels(snapshot.at(world.now_seconds), columns, first)
        t = int(out.strategy[0])
        problem = build_problem(arrays, columns, 0, t, world.now_seconds)
        ladder = solve_order(problem, PATIENT)
        with only_the_integer_programme():
            searching = solve_order(problem, PATIENT)
        answers = {
            "ladder": worth(ladder, problem, world, compiled),
            "integer programme": worth(searching, problem, world, compiled),
        }
        if int(out.status[0]) != NEEDS_SOLVER:
            answers["subset programme"] = of_kernels(out, columns.group.tolist(), world)
        if len(set(answers.values())) > 1:
            against.append(f"strategy row {t}, from row {first} on: (units, cents) {answers}")
        plans += isinstance(searching, Assignment)
        searched += isinstance(searching, Assignment) and searching.method is Method.MIP
    return Programmes(len(compiled.strategies), plans, searched, tuple(against))


def of_kernels(out: PlanArrays, groups: list[int], world: World) -> Answer:
    """What the subset programme says."""
    filled = int(out.filled[0])
    units = (line.quantity for line, g in zip(world.order.lines, groups, strict=True) if filled >> g & 1)
    return sum(units), int(out.total_cents[0])


def worth(
    answer: Assignment | Undecided | None, problem: Problem, world: World, compiled: Compiled
) -> Answer | str:
    """What an answer of the solver comes to, recomputed; the limit that stopped it, if any."""
    if answer is None:
        return 0, 0
    if isinstance(answer, Undecided) or not answer.proven:
        return f"stopped by {answer.stopped_by!r}"
    plan = assemble(problem, world.order, compiled, answer.units, answer.allowed_delay_cents)
    return int(answer.units.sum()), plan.total_cents
