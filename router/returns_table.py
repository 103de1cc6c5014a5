"""What every subset of a return's groups costs at every node, by the cheapest way that leads there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from router.domain import ReturnMethod
from router.kernels.types import FAR
from router.returns_problem import ReturnProblem, Way

I64 = NDArray[np.int64]


def subset_cents(problem: ReturnProblem) -> I64:
    """int64[N, E], FAR where the node does not take all of a subset; column 0 is 0. May be negative."""
    carriage, goods = _carriage(problem), _goods(problem)
    total = np.where(carriage < FAR, carriage + goods, FAR)
    refuses = np.array([problem.refused[:, list(group)].any(axis=1) for group in problem.groups])
    for subset in range(1, total.shape[1]):
        total[refuses[members_of(subset)].any(axis=0), subset] = FAR
    total[:, 0] = 0
    return np.asarray(total)


def members_of(subset: int) -> list[int]:
    """The groups of a subset."""
    return [g for g in range(subset.bit_length()) if subset >> g & 1]


def _carriage(problem: ReturnProblem) -> I64:
    """The cheapest way to each node, and handling where it passes. Ways of equal price are looked at once."""
    subsets = [[p for g in members_of(e) for p in problem.groups[g]] for e in range(1 << len(problem.groups))]
    found = np.full((problem.node_count, len(subsets)), FAR, np.int64)
    reached: dict[tuple[ReturnMethod, int, int], tuple[Way, NDArray[np.bool_]]] = {}

    def reach(way: Way, passing: int, nodes: NDArray[np.bool_]) -> None:
        key = (way.method, way.lane, passing)
        _, already = reached.get(key, (way, np.zeros(problem.node_count, bool)))
        reached[key] = (way, already | nodes)

    found[problem.may_drop_off] = 0
    for v, rows in enumerate(problem.customer_lanes):
        for lane in np.unique(rows[rows >= 0]).tolist():
            reach(Way(ReturnMethod.PARCEL, -1, v, lane), 0, rows == lane)
    for d, by_service in problem.transfer_lanes.items():
        passing = int(problem.costs.handling_cents[d])
        for v, rows in enumerate(by_service):
            for lane in np.unique(rows[rows >= 0]).tolist():
                reach(Way(ReturnMethod.DROP_OFF_TRANSFER, d, v, lane), passing, rows == lane)
    for way, nodes in reached.values():
        cents = [
            problem.carriage_cents(way, members) + problem.passing_cents(way, members)
            if problem.takes(way, members)
            else FAR
            for members in subsets
        ]
        found[nodes] = np.minimum(found[nodes], cents)
    return found


def _goods(problem: ReturnProblem) -> I64:
    """What the units cost and are worth at each node, however they come there."""
    costs = problem.costs
    nodes = np.array(problem.snapshot.compiled.node_ids)
    found = np.zeros((problem.node_count, 1 << len(problem.groups)), np.int64)
    for g, group in enumerate(problem.groups):
        own = np.zeros(problem.node_count, np.int64)
        for p in group:
            portion = problem.portions[p]
            each = costs.handling_cents - problem.worth_cents[:, p]
            each = each + np.where(problem.reconditioned[:, p], costs.recondition_cents, 0)
            each = each - np.where(nodes == portion.source, costs.follow_cents, 0)
            own += portion.units * each
        found[:, [e for e in range(found.shape[1]) if e >> g & 1]] += own[:, None]
    if costs.needs:
        _subtract_needs(problem, found)
    return found


def _subtract_needs(problem: ReturnProblem, found: I64) -> None:
    """Units of one SKU fill the same need, whatever lines they are on."""
    for sku in dict.fromkeys(portion.sku_ix for portion in problem.portions):
        known: dict[tuple[int, ...], I64] = {}
        for subset in range(1, found.shape[1]):
            members = tuple(
                p for g in members_of(subset) for p in problem.groups[g] if problem.portions[p].sku_ix == sku
            )
            if members:
                if members not in known:
                    known[members] = problem.need_cents(members)
                found[:, subset] -= known[members]
