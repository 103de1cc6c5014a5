"""Orders that state deliveries: each is decided by itself, unless two ask for the same SKU.

Deliveries have dates, splits and node limits of their own, so the cheapest plan of an order is made of the
cheapest plans of its deliveries. Only stock joins them: where two take the same SKU from the same node, what
one takes is not there for the other. Such conflicts are branched on, best bound first: how many units the
earlier takes there, which the later then does not find.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.domain import Cost, Delivery, DeliveryMethod, DeliveryPlan, Method, Order, Part, Plan, Shipment
from router.ladder import Solved, Unsolved, divisible_lines, solve_world
from router.mistrust import told_apart
from router.places import Place, lines_of
from router.scene import Scene, Share, Shares, build_scene, late_cents
from router.snapshot import Snapshot
from router.solver.limits import SearchLimits

MAX_BRANCHES = 256
"""Most ways to share stock between deliveries that are looked at; then the bound is told."""
MAX_AMOUNTS = 32
"""Most amounts of a SKU that a delivery may take of a node for each to be looked at; else a few are."""

Pair = tuple[int, int]
"""SKU row and node row."""


@dataclass(frozen=True, slots=True)
class Question:
    """An order under one strategy, and everything its answer depends on."""

    order: Order
    deliveries: tuple[Delivery, ...]
    places: tuple[Place, ...]
    snapshot: Snapshot
    strategy_ix: int
    now_seconds: int
    limits: SearchLimits
    forbidden: frozenset[int]
    """Rows of nodes that may supply nothing."""


class SceneNames(NamedTuple):
    """Ids of the nodes and services of a scene."""

    node_ids: tuple[str, ...]
    service_ids: tuple[str, ...]


Allotted = Mapping[tuple[Pair, int], int]
"""Most units of a pair that a delivery (its place in the order) takes; those after it find as many less."""


@dataclass(slots=True)
class _Search:
    question: Question
    answers: dict[tuple[int, frozenset[tuple[Pair, Share]]], Solved | Unsolved] = field(default_factory=dict)
    whole: dict[int, NDArray[np.bool_]] = field(default_factory=dict)

    def solve(self, ix: int, allotted: Allotted) -> Solved | Unsolved:
        """Delivery ``ix`` by itself, with its share of the stock."""
        shares: dict[Pair, Share] = {}
        for (pair, taker), units in allotted.items():
            gone, most = shares.get(pair, Share(0, None))
            if taker < ix:
                shares[pair] = Share(gone + units, most)
            elif taker == ix:
                shares[pair] = Share(gone, units)
        key = (ix, frozenset(shares.items()))
        if key not in self.answers:
            divisible = self.divisible(ix) if shares else None
            self.answers[key] = solve_delivery(self.question, ix, shares, divisible)
        return self.answers[key]

    def divisible(self, ix: int) -> NDArray[np.bool_]:
        """bool[L]: lines of a delivery that may be divided. A line that a node can supply whole stays whole,
        even if another delivery empties that node."""
        if ix not in self.whole:
            scene = _scene(self.question, ix, {})
            self.whole[ix] = divisible_lines(scene.moment, scene.columns)
        return self.whole[ix]

    def amounts(self, ix: int, pair: Pair) -> list[int]:
        """Units that a delivery may take of a pair: sums of its lines, or of parts of those that may be
        divided. When they are more than MAX_AMOUNTS, some of them."""
        snapshot = self.question.snapshot
        have = snapshot.stock.get(*pair) or 0
        sums = {0}
        lines = lines_of(self.question.order, self.question.deliveries[ix])
        for line, divisible in zip(lines, self.divisible(ix).tolist(), strict=True):
            if snapshot.catalogue.ids.find(line.sku_id) == pair[0]:
                most = min(line.quantity, MAX_AMOUNTS)
                parts = range(most + 1) if divisible else (0, line.quantity)
                sums = {total + part for total in sums for part in parts if total + part <= have}
            if len(sums) > MAX_AMOUNTS:
                break
        return sorted(sums)


def solve_order_of_deliveries(question: Question) -> Solved | Unsolved:
    """The best plan: most units first, then least cost. Without ``allow_partial`` every delivery is sourced
    whole, or the order is not."""
    search = _Search(question)
    partial = question.snapshot.compiled.strategies[question.strategy_ix].limits.allow_partial
    tie = count()
    heap: list[tuple[int, int, int, Allotted, list[Solved | Unsolved]]] = []
    stopped = ""

    def push(allotted: Allotted) -> None:
        nonlocal stopped
        answers = [search.solve(ix, allotted) for ix in range(len(question.deliveries))]
        failed = [a for a in answers if isinstance(a, Unsolved)]
        stopped = next((a.stopped_by for a in failed if a.stopped_by), stopped)
        if (failed and not partial) or len(failed) == len(answers):
            return
        units, bound = _worth(answers)
        heapq.heappush(heap, (-units, bound, next(tie), allotted, answers))

    push({})
    left_out = (0, 0)  # ways that are not looked at are worth no more: (-units, cents)
    for _ in range(MAX_BRANCHES):
        if not heap:
            return Unsolved(stopped or ("branches" if left_out[0] else ""))
        fewer, least, _, allotted, answers = heapq.heappop(heap)
        drawn = [_drawn(question, answer) for answer in answers]
        conflict = _conflict(allotted, drawn)
        if conflict is None:
            return _joined(question, answers, *_bounded((fewer, least), left_out))
        pair, first, second = conflict
        amounts = search.amounts(first, pair)
        if len(amounts) > MAX_AMOUNTS:
            left_out = min(left_out, (fewer, least))
            have = question.snapshot.stock.get(*pair) or 0
            amounts = sorted({0, drawn[first][pair], max(0, have - drawn[second][pair])})
        for units in amounts:
            push({**allotted, (pair, first): units})
    return _greedy(question, search, min(left_out, heap[0][:2] if heap else (0, 0)))


def _bounded(worth: tuple[int, int], left_out: tuple[int, int]) -> tuple[int, bool]:
    """A lower bound for a plan of that worth (-units, cents), and whether none is better."""
    if worth <= left_out:
        return worth[1], True
    return (left_out[1] if left_out[0] == worth[0] else 0), False


def _worth(answers: Sequence[Solved | Unsolved]) -> tuple[int, int]:
    """Units filled, and a lower bound in cents."""
    solved = [a for a in answers if isinstance(a, Solved)]
    units = sum(p.quantity for a in solved for s in a.plan.shipments for p in s.picks)
    return units, sum(a.bound_cents for a in solved)


def _drawn(question: Question, answer: Solved | Unsolved) -> dict[Pair, int]:
    """Units by SKU and node of a plan."""
    found: dict[Pair, int] = {}
    if isinstance(answer, Unsolved):
        return found
    skus, nodes = question.snapshot.catalogue.ids, question.snapshot.compiled.nodes
    for shipment in answer.plan.shipments:
        for pick in shipment.picks:
            pair = (skus.find(pick.sku_id), nodes.find(shipment.node_id))
            found[pair] = found.get(pair, 0) + pick.quantity
    return found


def _conflict(allotted: Allotted, drawn: Sequence[Mapping[Pair, int]]) -> tuple[Pair, int, int] | None:
    """A pair of which two deliveries take, where the amount of the first of them is still open."""
    for first, second in combinations(range(len(drawn)), 2):
        for pair in sorted(drawn[first].keys() & drawn[second].keys()):
            if (pair, first) not in allotted:
                return pair, first, second
    return None


def _greedy(question: Question, search: _Search, left_out: tuple[int, int]) -> Solved | Unsolved:
    """Deliveries one after the other, each with what the ones before have left."""
    allotted: dict[tuple[Pair, int], int] = {}
    answers: list[Solved | Unsolved] = []
    partial = question.snapshot.compiled.strategies[question.strategy_ix].limits.allow_partial
    for ix in range(len(question.deliveries)):
        answer = search.solve(ix, allotted)
        if isinstance(answer, Unsolved) and not partial:
            return Unsolved(answer.stopped_by or "branches")
        for pair, units in _drawn(question, answer).items():
            allotted[pair, ix] = units
        answers.append(answer)
    if not any(isinstance(a, Solved) for a in answers):
        return Unsolved("branches")
    units, cents = _worth(answers)
    return _joined(question, answers, *_bounded((-units, cents), left_out))


def _joined(
    question: Question, answers: Sequence[Solved | Unsolved], bound_cents: int, complete: bool
) -> Solved:
    """One plan of all deliveries."""
    shipments: list[Shipment] = []
    plans: list[DeliveryPlan] = []
    solved = [(d, a) for d, a in zip(question.deliveries, answers, strict=True) if isinstance(a, Solved)]
    for delivery, answer in solved:
        shipments += answer.plan.shipments
        plans.append(
            DeliveryPlan(
                delivery_id=delivery.delivery_id,
                cost=answer.plan.cost,
                promise_seconds=answer.plan.promise_seconds,
            )
        )
    cost = Cost.of([sum(values) for values in zip(*(p.cost.parts() for p in plans), strict=True)])
    plan = Plan(shipments=tuple(shipments), cost=cost, deliveries=tuple(plans))
    methods = {a.method for _, a in solved}
    stopped = next((a.stopped_by for _, a in solved if a.stopped_by), "" if complete else "branches")
    proven = complete and all(a.proven for _, a in solved)
    proven = proven and not any(isinstance(a, Unsolved) and a.stopped_by for a in answers)
    return Solved(plan, bound_cents, proven, max(methods, key=_RANK.index), "" if proven else stopped)


_RANK = [Method.SUBSET_DP, Method.MIP, Method.GREEDY]
"""From the strongest to the weakest."""


def solve_delivery(
    question: Question, ix: int, shares: Shares, divisible: NDArray[np.bool_] | None = None
) -> Solved | Unsolved:
    """One delivery with its share of the stock. divisible: as for ``solve_world``."""
    scene = _scene(question, ix, shares)
    if not len(scene.nodes) or not scene.ways.ids:
        return Unsolved()
    node_ids = question.snapshot.compiled.node_ids
    names = SceneNames(tuple(node_ids[n] for n in scene.nodes.tolist()), tuple(scene.ways.ids))
    seconds = scene.ways.arrival - scene.moment.origin_seconds
    found = solve_world(scene.moment, scene.columns, scene.order, names, seconds, question.limits, divisible)
    if isinstance(found, Unsolved):
        return found
    plan = told_apart(finished(scene, names, found.plan), scene.strategy, question.snapshot)
    return replace(found, plan=plan)


def _scene(question: Question, ix: int, shares: Shares) -> Scene:
    return build_scene(
        question.snapshot,
        question.order,
        question.deliveries[ix],
        question.places[ix],
        question.strategy_ix,
        question.now_seconds,
        shares,
        question.forbidden,
    )


def finished(scene: Scene, names: SceneNames, plan: Plan) -> Plan:
    """The plan with what the kernels do not tell apart: methods, transfers, lateness."""
    shipments = []
    transfers = 0
    for shipment in plan.shipments:
        row, way = names.node_ids.index(shipment.node_id), names.service_ids.index(shipment.service_id)
        tariff = scene.ways.tariffs[int(scene.ways.tariff[row, way])]
        transfer = tariff.price(tariff.transfer_cents, shipment.weight_grams)
        transfers += transfer
        shipments.append(
            replace(
                shipment,
                cost=shipment.cost.moved(Part.SHIPPING, Part.TRANSFER, transfer),
                delivery_id=scene.delivery.delivery_id,
                method=DeliveryMethod(int(scene.methods[row])),
            )
        )
    last = np.array([plan.promise_seconds], np.int64)
    late = int(late_cents(scene.strategy, scene.delivery, last)[0])
    cost = plan.cost.moved(Part.SHIPPING, Part.TRANSFER, transfers).moved(Part.DELAY, Part.LATENESS, late)
    return Plan(shipments=tuple(shipments), cost=cost)
