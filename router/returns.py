"""Where returned goods should go: ``rank_returns(request, snapshot, now)``, a pure function."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from router.domain import ReturnMethod
from router.errors import BrokenInvariant
from router.refund import refund_lines
from router.returns_domain import (
    Return,
    ReturnCost,
    ReturnDecision,
    ReturnedUnits,
    ReturnPart,
    ReturnPlan,
    UnplacedUnits,
)
from router.returns_problem import ReturnProblem, Way, build_problem, value_of
from router.returns_programme import NOWHERE, Division, Programme
from router.returns_reasons import refusals_of
from router.returns_table import subset_cents
from router.snapshot import Snapshot

_PREFERRED = (ReturnMethod.DROP_OFF, ReturnMethod.PARCEL, ReturnMethod.DROP_OFF_TRANSFER)
"""Of ways that cost the same and arrive at the same time."""


def rank_returns(request: Return, snapshot: Snapshot, now_seconds: int) -> ReturnDecision:
    """The best plans for a return under its profile's rules, most units first, then cheapest.

    Raises InvalidInput (fields named as in the API) for a return that is wrong. Units that no node accepts
    are part of the answer.
    """
    problem = build_problem(request, snapshot, now_seconds)
    units = [sum(problem.portions[p].units for p in group) for group in problem.groups]
    programme = Programme(
        snapshot.at(now_seconds).world,
        subset_cents(problem),
        np.array(units, np.int64),
        problem.costs.split_cents,
        problem.costs.rules.limits.max_places,
    )
    divisions = programme.ranked(request.max_plans)
    left_out = list(range(len(problem.portions)))
    if divisions:
        left_out = [
            p for g, own in enumerate(problem.groups) if divisions[0].places[g] == NOWHERE for p in own
        ]
    drawn = problem.drawn
    return ReturnDecision(
        plans=tuple(_plan(problem, division) for division in divisions),
        unplaced=tuple(
            UnplacedUnits(units=_units(problem, p, NOWHERE), nodes=refusals_of(problem, p)) for p in left_out
        ),
        refunds=refund_lines(request.items, request.original, drawn, lambda pick: value_of(pick, snapshot)),
        decided_at_seconds=now_seconds,
    )


def _plan(problem: ReturnProblem, division: Division) -> ReturnPlan:
    members: dict[int, list[int]] = {}
    for place, group in zip(division.places, problem.groups, strict=True):
        members.setdefault(place, []).extend(group)
    unplaced = members.pop(NOWHERE, [])
    parts = tuple(_part(problem, k, members[k]) for k in sorted(members))
    cost = _sum([part.cost for part in parts], problem.costs.split_cents * (len(parts) - 1))
    if cost.total_cents != division.cents:
        message = f"the programme's cost is {division.cents}, the plan's {cost.total_cents}"
        raise BrokenInvariant(message, metadata={"line_id": problem.portions[0].item.line_id})
    return ReturnPlan(parts=parts, cost=cost, unplaced=tuple(_units(problem, p, NOWHERE) for p in unplaced))


def _part(problem: ReturnProblem, k: int, members: Sequence[int]) -> ReturnPart:
    way = _best_way(problem, k, members)
    network = problem.snapshot.network
    transfers = way.method is ReturnMethod.DROP_OFF_TRANSFER
    return ReturnPart(
        node_id=network.nodes[k].node_id,
        method=way.method,
        drop_off_node_id="" if way.drop_off < 0 else network.nodes[way.drop_off].node_id,
        service_id="" if way.service < 0 else network.return_services[way.service].service_id,
        units=tuple(_units(problem, p, k) for p in members),
        parcel_count=problem.parcel_count(way, members),
        weight_grams=problem.weight_grams(members),
        distance_m=problem.metres(k, way.drop_off if transfers else -1),
        arrival_seconds=problem.arrival_seconds(way),
        cost=_cost(problem, k, way, members),
    )


def _best_way(problem: ReturnProblem, k: int, members: Sequence[int]) -> Way:
    """The cheapest; of equal ones the earliest, then as preferred, by service as stated, by drop-off node."""

    def rank(way: Way) -> tuple[int, int, int, int, int]:
        cents = problem.carriage_cents(way, members) + problem.passing_cents(way, members)
        method = _PREFERRED.index(way.method)
        return cents, problem.arrival_seconds(way), method, way.service, way.drop_off

    return min((way for way in problem.ways(k) if problem.takes(way, members)), key=rank)


def _cost(problem: ReturnProblem, k: int, way: Way, members: Sequence[int]) -> ReturnCost:
    """Of one part, by itself: the split is counted once, in the plan."""
    costs, portions = problem.costs, problem.portions
    carriage = problem.carriage_cents(way, members)
    is_parcel = way.method is ReturnMethod.PARCEL
    units = sum(portions[p].units for p in members)
    node_id = problem.snapshot.compiled.node_ids[k]
    followed = sum(portions[p].units for p in members if portions[p].source == node_id)
    made_good = sum(portions[p].units for p in members if problem.reconditioned[k, p])
    by_sku: dict[int, list[int]] = {}
    for p in members:
        by_sku.setdefault(portions[p].sku_ix, []).append(p)
    return ReturnCost(
        return_shipping_cents=carriage if is_parcel else 0,
        transfer_cents=0 if is_parcel else carriage,
        return_handling_cents=int(costs.handling_cents[k]) * units + problem.passing_cents(way, members),
        reconditioning_cents=int(costs.recondition_cents[k]) * made_good,
        worth_cents=sum(int(problem.worth_cents[k, p]) * portions[p].units for p in members),
        stock_need_cents=sum(int(problem.need_cents(own)[k]) for own in by_sku.values()),
        follow_source_cents=costs.follow_cents * followed,
    )


def _sum(costs: Sequence[ReturnCost], split_cents: int) -> ReturnCost:
    names = [name for name in ReturnCost.__dataclass_fields__ if name != "split_cents"]
    sums = {name: sum(getattr(cost, name) for cost in costs) for name in names}
    return ReturnCost(**sums, split_cents=split_cents)


def _units(problem: ReturnProblem, p: int, k: int) -> ReturnedUnits:
    portion = problem.portions[p]
    return ReturnedUnits(
        line_id=portion.item.line_id,
        sku_id=portion.item.sku_id,
        quantity=portion.units,
        condition=portion.item.condition,
        unit_value_cents=portion.unit_value_cents,
        original_node_id=portion.source,
        reconditioned=k != NOWHERE and bool(problem.reconditioned[k, p]),
    )
