"""Orders by deliveries: each is decided by itself, unless two want the same.

Deliveries have dates, splits and node limits of their own, so the cheapest plan of an order is made of the
cheapest plans of its deliveries. Only stock and the days of busy nodes join them: where two take the same SKU
from the same node, what one takes is not there for the other. So it is with the parts that a node supplies to
one delivery at several dates. Such conflicts are branched on, best bound first: how many units the earlier
takes there, which the later then does not find; or which of them takes less of a day that is too full.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from router.cost import Cost
from router.domain import DeliveryPlan, Method, Plan, Shipment
from router.ladder import Solved, Unsolved
from router.question import Question
from router.shared import NOTHING_SHARED, Shared
from router.sharing import Sharing
from router.supply import with_sources

MAX_BRANCHES = 256
"""Most ways to share that are looked at; then the bound is told."""


def solve_order_of_deliveries(question: Question) -> Solved | Unsolved:
    """The best plan: most units first, then least cost. Where nothing may be left out every delivery is
    sourced whole, or the order is not."""
    sharing = Sharing(question)
    tie = count()
    heap: list[tuple[int, int, int, Shared, list[Solved | Unsolved]]] = []
    stopped = ""

    def push(shared: Shared) -> None:
        nonlocal stopped
        answers = [sharing.solve(ix, shared) for ix in range(len(question.deliveries))]
        failed = {ix: a for ix, a in enumerate(answers) if isinstance(a, Unsolved)}
        stopped = next((a.stopped_by for a in failed.values() if a.stopped_by), stopped)
        if len(failed) == len(answers) or not all(map(question.may_stay_out, failed)):
            return
        units, bound = _worth(answers)
        heapq.heappush(heap, (-units, bound, next(tie), shared, answers))

    push(NOTHING_SHARED)
    left_out = (0, 0)  # ways that are not looked at are worth no more: (-units, cents)
    for _ in range(MAX_BRANCHES):
        if not question.limits.goes_on():
            break
        if not heap:
            return Unsolved(stopped or ("branches" if left_out[0] else ""))
        fewer, least, _, shared, answers = heapq.heappop(heap)
        branches = sharing.children(shared, answers)
        if branches is None:
            return _joined(question, answers, *_bounded((fewer, least), left_out))
        children, complete = branches
        if not complete:
            left_out = min(left_out, (fewer, least))
        for child in children:
            push(child)
    return _greedy(question, sharing, min(left_out, heap[0][:2] if heap else (0, 0)))


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


def _greedy(question: Question, sharing: Sharing, left_out: tuple[int, int]) -> Solved | Unsolved:
    """Deliveries one after the other, each with what the ones before have left; and their parts likewise."""
    shared = NOTHING_SHARED
    answers: list[Solved | Unsolved] = []
    for ix in range(len(question.deliveries)):
        following: Shared | None = shared
        while following is not None:
            shared = following
            answer = sharing.solve(ix, shared)
            if isinstance(answer, Unsolved) and not question.may_stay_out(ix):
                return Unsolved(answer.stopped_by or "branches")
            following = sharing.yielding(shared, [*answers, answer])
        answers.append(answer)
        shared = sharing.keeping(shared, answers, ix)
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
        own = DeliveryPlan(
            delivery_id=delivery.delivery_id,
            cost=answer.plan.cost,
            promise_seconds=answer.plan.promise_seconds,
        )
        plans += [replace(told, cost=answer.plan.cost) for told in answer.plan.deliveries] or [own]
    cost = Cost.of([sum(values) for values in zip(*(p.cost.parts() for p in plans), strict=True)])
    told = question.order.deliveries or any(own.onward for own in plans)
    plan = with_sources(
        Plan(shipments=tuple(shipments), cost=cost, deliveries=tuple(plans) if told else ()),
        question.snapshot,
        question.supply,
    )
    methods = {a.method for _, a in solved}
    stopped = next((a.stopped_by for _, a in solved if a.stopped_by), "" if complete else "branches")
    proven = complete and all(a.proven for _, a in solved)
    proven = proven and not any(isinstance(a, Unsolved) and a.stopped_by for a in answers)
    return Solved(plan, bound_cents, proven, max(methods, key=_RANK.index), "" if proven else stopped)


_RANK = [Method.SUBSET_DP, Method.MIP, Method.GREEDY]
"""From the strongest to the weakest."""
