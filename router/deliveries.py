"""Orders by deliveries: each is decided by itself, unless two ask for the same SKU.

Deliveries have dates, splits and node limits of their own, so the cheapest plan of an order is made of the
cheapest plans of its deliveries. Only stock joins them: where two take the same SKU from the same node, what
one takes is not there for the other. So it is with the parts that a node supplies to one delivery at
several dates. Such conflicts are branched on, best bound first: how many units the earlier takes there, which
the later then does not find.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.domain import Cost, Delivery, DeliveryMethod, DeliveryPlan, Method, Order, Part, Plan, Shipment
from router.ladder import Solved, Unsolved, divisible_lines, solve_world
from router.places import Place, lines_of
from router.receipts import Steps
from router.rules.model import MinRemaining, StockDepth
from router.scene import Scene, Shares, Taker, build_scene, late_cents
from router.snapshot import Snapshot
from router.solver.limits import SearchLimits
from router.supply import Supply, with_sources

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

    @property
    def origin_seconds(self) -> int:
        return self.snapshot.compiled.timetable.origin(self.now_seconds)

    @property
    def shared_costs(self) -> bool:
        """Does it matter what others take where there is enough for all?"""
        strategy = self.snapshot.compiled.strategies[self.strategy_ix]
        return any(isinstance(g, StockDepth) for g in strategy.objectives) or any(
            isinstance(rule, MinRemaining) for rule in strategy.eligibility
        )


Allotted = Mapping[tuple[Pair, Taker], int]
"""Most units of a pair that a taker takes; those after it find as many less."""

Drawn = Mapping[Pair, Mapping[Taker, int]]
"""Units that the takers of a plan take."""


@dataclass(slots=True)
class _Search:
    question: Question
    answers: dict[tuple[int, frozenset[tuple[Pair, Taker, int]]], Solved | Unsolved] = field(
        default_factory=dict
    )
    whole: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    growth: dict[int, Mapping[int, Steps]] = field(default_factory=dict)

    def solve(self, ix: int, allotted: Allotted) -> Solved | Unsolved:
        """Delivery ``ix`` by itself, with its share of the stock."""
        own = {key: units for key, units in allotted.items() if key[1].delivery_ix <= ix}
        known = (ix, frozenset((*key, units) for key, units in own.items()))
        if known not in self.answers:
            shares: dict[Pair, dict[Taker, int]] = {}
            for (pair, taker), units in own.items():
                shares.setdefault(pair, {})[taker] = units
            self.answers[known] = self._solve(ix, shares)
        return self.answers[known]

    def _solve(self, ix: int, shares: Shares) -> Solved | Unsolved:
        question = self.question
        scene = _scene(question, ix, shares)
        if not len(scene.nodes) or not scene.ways.ids:
            return Unsolved()
        names = SceneNames(tuple(map(str, range(len(scene.nodes)))), tuple(scene.ways.ids))
        origin = scene.moment.origin_seconds
        divisible = self.divisible(ix) if shares or (scene.dates > origin).any() else None
        seconds = scene.ways.arrival - origin
        found = solve_world(
            scene.moment, scene.columns, scene.order, names, seconds, question.limits, divisible
        )
        if isinstance(found, Unsolved):
            return found
        return replace(found, plan=finished(scene, question.snapshot.compiled.node_ids, names, found.plan))

    def divisible(self, ix: int) -> NDArray[np.bool_]:
        """bool[L]: lines of a delivery that may be divided. A line that a node can supply whole at once stays
        whole, even if another delivery empties that node."""
        if ix not in self.whole:
            scene = _scene(self.question, ix, {}, later=False)
            if scene.ways.ids:
                self.whole[ix] = divisible_lines(scene.moment, scene.columns)
            else:
                self.whole[ix] = np.zeros(len(scene.columns.sku_ix), bool)
        return self.whole[ix]

    def supply_of(self, pair: Pair, date_seconds: int) -> int:
        """Units of a pair by a date."""
        sku, node = pair
        if sku not in self.growth:
            question = self.question
            supply = Supply(question.snapshot, question.strategy_ix, question.now_seconds)
            self.growth[sku] = supply.growth(sku)
        grown = sum(units for date, units in self.growth[sku].get(node, ()) if date <= date_seconds)
        return (self.question.snapshot.stock.get(*pair) or 0) + grown

    def amounts(self, taker: Taker, pair: Pair) -> list[int]:
        """Units that a part may take of a pair: sums of lines of its delivery, or of parts of those that may
        be divided. When they are more than MAX_AMOUNTS, some of them."""
        snapshot = self.question.snapshot
        have = self.supply_of(pair, taker.date_seconds)
        sums = {0}
        ix = taker.delivery_ix
        lines = lines_of(self.question.order, self.question.deliveries[ix])
        for line, divisible in zip(lines, self.divisible(ix).tolist(), strict=True):
            if snapshot.catalogue.ids.find(line.sku_id) == pair[0]:
                most = min(line.quantity, MAX_AMOUNTS)
                parts = range(most + 1) if divisible else (0, line.quantity)
                sums = {total + part for total in sums for part in parts if total + part <= have}
            if len(sums) > MAX_AMOUNTS:
                break
        return sorted(sums)

    def conflict(self, allotted: Allotted, drawn: Drawn) -> tuple[Pair, Taker, Taker] | None:
        """A pair that a taker whose amount is still open shares with a later one, where that matters."""
        for pair in sorted(drawn):
            takers = sorted(drawn[pair])
            if len(takers) < 2 or not (self.question.shared_costs or self._overdrawn(pair, drawn[pair])):
                continue
            for taker, following in pairwise(takers):
                if (pair, taker) not in allotted:
                    return pair, taker, following
        return None

    def _overdrawn(self, pair: Pair, takers: Mapping[Taker, int]) -> bool:
        dates = {taker.date_seconds for taker in takers}
        return any(
            sum(units for taker, units in takers.items() if taker.date_seconds <= date)
            > self.supply_of(pair, date)
            for date in dates
        )


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
        drawn = _drawn(question, answers)
        conflict = search.conflict(allotted, drawn)
        if conflict is None:
            return _joined(question, answers, *_bounded((fewer, least), left_out))
        pair, first, second = conflict
        amounts = search.amounts(first, pair)
        if len(amounts) > MAX_AMOUNTS:
            left_out = min(left_out, (fewer, least))
            have = search.supply_of(pair, second.date_seconds)
            amounts = sorted({0, drawn[pair][first], max(0, have - drawn[pair][second])})
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


def _drawn(question: Question, answers: Sequence[Solved | Unsolved]) -> dict[Pair, dict[Taker, int]]:
    """Units of the plans by SKU and node, and who takes them."""
    found: dict[Pair, dict[Taker, int]] = {}
    skus, nodes = question.snapshot.catalogue.ids, question.snapshot.compiled.nodes
    for ix, answer in enumerate(answers):
        for shipment in answer.plan.shipments if isinstance(answer, Solved) else ():
            taker = Taker(ix, shipment.supply_seconds or question.origin_seconds)
            for pick in shipment.picks:
                takers = found.setdefault((skus.find(pick.sku_id), nodes.find(shipment.node_id)), {})
                takers[taker] = takers.get(taker, 0) + pick.quantity
    return found


def _greedy(question: Question, search: _Search, left_out: tuple[int, int]) -> Solved | Unsolved:
    """Deliveries one after the other, each with what the ones before have left; and their parts likewise."""
    allotted: dict[tuple[Pair, Taker], int] = {}
    answers: list[Solved | Unsolved] = []
    partial = question.snapshot.compiled.strategies[question.strategy_ix].limits.allow_partial
    for ix in range(len(question.deliveries)):
        while True:
            answer = search.solve(ix, allotted)
            if isinstance(answer, Unsolved) and not partial:
                return Unsolved(answer.stopped_by or "branches")
            drawn = _drawn(question, [*answers, answer])
            conflict = search.conflict(allotted, drawn)
            if conflict is None:
                break
            pair, first, _ = conflict
            allotted[pair, first] = drawn[pair][first]
        answers.append(answer)
        for pair, takers in drawn.items():
            allotted |= {(pair, taker): units for taker, units in takers.items() if taker.delivery_ix == ix}
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
    stated = tuple(plans) if question.order.deliveries else ()
    plan = with_sources(
        Plan(shipments=tuple(shipments), cost=cost, deliveries=stated),
        question.snapshot,
        Supply(question.snapshot, question.strategy_ix, question.now_seconds),
    )
    methods = {a.method for _, a in solved}
    stopped = next((a.stopped_by for _, a in solved if a.stopped_by), "" if complete else "branches")
    proven = complete and all(a.proven for _, a in solved)
    proven = proven and not any(isinstance(a, Unsolved) and a.stopped_by for a in answers)
    return Solved(plan, bound_cents, proven, max(methods, key=_RANK.index), "" if proven else stopped)


_RANK = [Method.SUBSET_DP, Method.MIP, Method.GREEDY]
"""From the strongest to the weakest."""


class SceneNames(NamedTuple):
    """The rows of a scene's sources, as text, and the ids of its ways."""

    node_ids: tuple[str, ...]
    service_ids: tuple[str, ...]


def _scene(question: Question, ix: int, shares: Shares, *, later: bool = True) -> Scene:
    return build_scene(
        question.snapshot,
        question.order,
        question.deliveries[ix],
        question.places[ix],
        question.strategy_ix,
        question.now_seconds,
        shares,
        question.forbidden,
        delivery_ix=ix,
        later=later,
    )


def finished(scene: Scene, node_ids: Sequence[str], names: SceneNames, plan: Plan) -> Plan:
    """The plan with what the kernels do not tell apart: dates, methods, transfers, lateness."""
    shipments = []
    transfers = 0
    for shipment in plan.shipments:
        row, way = int(shipment.node_id), names.service_ids.index(shipment.service_id)
        date_seconds = int(scene.dates[row])
        tariff = scene.ways.tariffs[int(scene.ways.tariff[row, way])]
        transfer = tariff.price(tariff.transfer_cents, shipment.weight_grams)
        transfers += transfer
        shipments.append(
            replace(
                shipment,
                node_id=node_ids[int(scene.nodes[row])],
                supply_seconds=date_seconds if date_seconds > scene.moment.origin_seconds else 0,
                cost=shipment.cost.moved(Part.SHIPPING, Part.TRANSFER, transfer),
                delivery_id=scene.delivery.delivery_id,
                method=DeliveryMethod(int(scene.methods[row])),
            )
        )
    last = np.array([plan.promise_seconds], np.int64)
    late = int(late_cents(scene.strategy, scene.delivery, last)[0])
    cost = plan.cost.moved(Part.SHIPPING, Part.TRANSFER, transfers).moved(Part.DELAY, Part.LATENESS, late)
    return Plan(shipments=tuple(shipments), cost=cost)
