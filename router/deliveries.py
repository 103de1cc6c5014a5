"""Orders that state deliveries: each is decided by itself, unless two ask for the same SKU.

Deliveries have dates, splits and node limits of their own, so the cheapest plan of an order is made of the
cheapest plans of its deliveries. Only stock joins them: where two take the same SKU from the same node, what
one takes is not there for the other. Such conflicts are branched on, best bound first: one of the two does
without, or the earlier takes all it wants there and the later finds the rest.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, count

import numpy as np

from router.domain import Cost, Delivery, DeliveryMethod, DeliveryPlan, Method, Order, Part, Plan, Shipment
from router.ladder import Names, Solved, Unsolved, solve_world
from router.places import Place, lines_of
from router.scene import Scene, Taken, build_scene, late_cents
from router.snapshot import Snapshot
from router.solver.limits import SearchLimits

ALL = 2**40
"""More units than any node has."""
MAX_BRANCHES = 64
"""Most ways to share stock between deliveries that are looked at; then the bound is told."""

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


@dataclass(frozen=True, slots=True)
class _Branch:
    """taken: what each delivery must do without. settled: conflicts (pair, earlier, later) that are accounted
    for."""

    taken: tuple[Taken, ...]
    settled: frozenset[tuple[Pair, int, int]] = frozenset()


@dataclass(slots=True)
class _Search:
    question: Question
    memo: dict[tuple[int, frozenset[tuple[Pair, int]]], Solved | Unsolved] = field(default_factory=dict)

    def solve(self, ix: int, taken: Taken) -> Solved | Unsolved:
        """Delivery ``ix`` by itself, with some stock gone."""
        key = (ix, frozenset(taken.items()))
        if key not in self.memo:
            self.memo[key] = solve_delivery(self.question, ix, taken)
        return self.memo[key]


def solve_order_of_deliveries(question: Question) -> Solved | Unsolved:
    """The best plan: most units first, then least cost. Without ``allow_partial`` every delivery is sourced
    whole, or the order is not."""
    search = _Search(question)
    partial = question.snapshot.compiled.strategies[question.strategy_ix].limits.allow_partial
    wanted = _wanted(question)
    tie = count()
    heap: list[tuple[int, int, int, _Branch, list[Solved | Unsolved]]] = []
    stopped = ""

    def push(branch: _Branch) -> None:
        nonlocal stopped
        answers = [search.solve(ix, taken) for ix, taken in enumerate(branch.taken)]
        failed = [a for a in answers if isinstance(a, Unsolved)]
        stopped = next((a.stopped_by for a in failed if a.stopped_by), stopped)
        if (failed and not partial) or len(failed) == len(answers):
            return
        units, bound = _worth(answers)
        heapq.heappush(heap, (-units, bound, next(tie), branch, answers))

    push(_Branch(tuple({} for _ in question.deliveries)))
    gap: tuple[int, int] | None = None  # what the branches left out may be worth: (-units, cents)
    for _ in range(MAX_BRANCHES):
        if not heap:
            break
        fewer, least, _, branch, answers = heapq.heappop(heap)
        conflict = _conflict(question, branch, answers)
        if conflict is None:
            complete = gap is None or gap >= (fewer, least)
            return _joined(question, answers, least if complete or gap is None else gap[1], complete)
        pair, first, second, units = conflict
        if units < wanted[first].get(pair[0], 0):
            gap = min(gap or (fewer, least), (fewer, least))
        for child in _children(question, branch, pair, first, second, wanted):
            push(child)
    if heap or gap is not None:
        stopped = stopped or "branches"
        open_bounds = [entry[1] for entry in heap[:1]] + ([gap[1]] if gap else [])
        found = _greedy(question, search)
        if found is not None:
            return replace(found, bound_cents=min(*open_bounds, found.plan.total_cents), proven=False)
    return Unsolved(stopped)


def _worth(answers: Sequence[Solved | Unsolved]) -> tuple[int, int]:
    """Units filled, and a lower bound in cents."""
    solved = [a for a in answers if isinstance(a, Solved)]
    units = sum(p.quantity for a in solved for s in a.plan.shipments for p in s.picks)
    return units, sum(a.bound_cents for a in solved)


def _wanted(question: Question) -> list[dict[int, int]]:
    """Units of each SKU row that each delivery asks for."""
    ids = question.snapshot.catalogue.ids
    found: list[dict[int, int]] = []
    for delivery in question.deliveries:
        own: dict[int, int] = {}
        for line in lines_of(question.order, delivery):
            sku = ids.find(line.sku_id)
            own[sku] = own.get(sku, 0) + line.quantity
        found.append(own)
    return found


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


def _conflict(
    question: Question, branch: _Branch, answers: Sequence[Solved | Unsolved]
) -> tuple[Pair, int, int, int] | None:
    """The first (pair, earlier, later, units of the earlier) that is not settled."""
    drawn = [_drawn(question, answer) for answer in answers]
    for first, second in combinations(range(len(drawn)), 2):
        for pair in sorted(drawn[first].keys() & drawn[second].keys()):
            if (pair, first, second) not in branch.settled:
                return pair, first, second, drawn[first][pair]
    return None


def _children(
    question: Question, branch: _Branch, pair: Pair, first: int, second: int, wanted: list[dict[int, int]]
) -> list[_Branch]:
    """One does without the pair; or the earlier takes all it wants of the SKU there, and the later what is
    left."""

    def without(ix: int) -> _Branch:
        taken = [dict(t) for t in branch.taken]
        taken[ix][pair] = ALL
        return replace(branch, taken=tuple(taken))

    sku, node = pair
    stock = question.snapshot.stock
    rows = stock.node_ix[int(stock.sku_start[sku]) : int(stock.sku_start[sku + 1])].tolist()
    taken = [dict(t) for t in branch.taken]
    for other in rows:
        if other != node:
            taken[first][sku, other] = ALL
    taken[second][pair] = taken[second].get(pair, 0) + wanted[first].get(sku, 0)
    both = _Branch(tuple(taken), branch.settled | {(pair, first, second)})
    return [without(first), without(second), both]


def _greedy(question: Question, search: _Search) -> Solved | None:
    """Deliveries one after the other, each with what the ones before have left."""
    gone: dict[Pair, int] = {}
    answers: list[Solved | Unsolved] = []
    partial = question.snapshot.compiled.strategies[question.strategy_ix].limits.allow_partial
    for ix in range(len(question.deliveries)):
        answer = search.solve(ix, dict(gone))
        if isinstance(answer, Unsolved) and not partial:
            return None
        for pair, units in _drawn(question, answer).items():
            gone[pair] = gone.get(pair, 0) + units
        answers.append(answer)
    if not any(isinstance(a, Solved) for a in answers):
        return None
    return _joined(question, answers, 0, False)


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


def solve_delivery(question: Question, ix: int, taken: Taken) -> Solved | Unsolved:
    """One delivery, with some stock gone."""
    delivery, place = question.deliveries[ix], question.places[ix]
    scene = build_scene(
        question.snapshot,
        question.order,
        delivery,
        place,
        question.strategy_ix,
        question.now_seconds,
        taken,
        question.forbidden,
    )
    if not len(scene.nodes) or not scene.ways.ids:
        return Unsolved()
    node_ids = question.snapshot.compiled.node_ids
    names = Names(tuple(node_ids[n] for n in scene.nodes.tolist()), tuple(scene.ways.ids))
    seconds = scene.ways.arrival - scene.moment.origin_seconds
    found = solve_world(scene.moment, scene.columns, scene.order, names, seconds, question.limits)
    if isinstance(found, Unsolved):
        return found
    return replace(found, plan=finished(scene, names, found.plan))


def finished(scene: Scene, names: Names, plan: Plan) -> Plan:
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
