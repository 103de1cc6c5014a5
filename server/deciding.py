"""Decisions on the running world: made, remembered, and made again to be explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from router.domain import Decision, Order
from router.explain import explain_order
from router.explanation import Explanation
from router.snapshot import Snapshot
from router.solver.limits import SearchLimits
from router.sourcer import decide
from server.decision_log import Remembered, Taken, as_it_was, named_after, plan_hash, private_copy
from server.status import CannotExplain
from server.world import World


class Decided(NamedTuple):
    """A decision, what it was made from, and why if that was asked."""

    decision: Decision
    explanation: Explanation | None
    snapshot: Snapshot


def decide_now(world: World, order: Order, now_seconds: int, *, with_explanation: bool) -> Decided:
    """On the stock as it is. Raises InvalidInput.

    An explanation looks at the stock many times, so it gets a copy that nobody writes to.
    """
    limits = world.settings.search
    if not with_explanation:
        return world.read(lambda s: Decided(decide(order, s, now_seconds, limits), None, s))
    sku_ids = [line.sku_id for line in order.lines]
    private = world.read(lambda s: private_copy(s, sku_ids))
    return Decided(*explain(order, private, now_seconds, limits), private)


def explain(
    order: Order, snapshot: Snapshot, now_seconds: int, limits: SearchLimits
) -> tuple[Decision, Explanation]:
    """The decision with its alternatives, and why. Raises InvalidInput."""

    def at_now(
        order: Order, snapshot: Snapshot, *, forbidden_nodes: frozenset[str] = frozenset()
    ) -> Decision:
        return decide(order, snapshot, now_seconds, limits, forbidden_nodes=forbidden_nodes)

    return explain_order(at_now, order, snapshot, now_seconds)


def quote(
    world: World, order: Order, order_bytes: bytes, now_seconds: int, *, with_explanation: bool
) -> Decided:
    """Decides and remembers; nothing is held. Raises InvalidInput."""
    decided = decide_now(world, order, now_seconds, with_explanation=with_explanation)
    world.decisions.remember(entry_of(decided.decision, order_bytes, decided.snapshot))
    return decided


def entry_of(
    decision: Decision, order_bytes: bytes, snapshot: Snapshot, taken: tuple[Taken, ...] = ()
) -> Remembered:
    """What ExplainDecision needs to make the decision again."""
    return Remembered(
        decision_id=decision.decision_id,
        order_bytes=order_bytes,
        now_seconds=decision.decided_at_seconds,
        stock_version=decision.versions.stock_version,
        rules=snapshot.rules,
        compiled=snapshot.compiled,
        plan_hash=plan_hash(decision.plan),
        taken=taken,
    )


def explain_again(
    world: World, decision_id: str, parse: Callable[[bytes, int], Order]
) -> tuple[Decision, Explanation]:
    """A remembered decision made once more from what it was made from, and why.

    Raises NotFound, CannotExplain.
    """
    entry = world.decisions.get(decision_id)
    order = parse(entry.order_bytes, entry.now_seconds)
    sku_ids = [line.sku_id for line in order.lines]
    private = world.read(lambda snapshot: private_copy(snapshot, sku_ids))
    before = as_it_was(entry, private, world.ledger)
    decision, explanation = explain(order, before, entry.now_seconds, world.settings.search)
    decision = named_after(decision, entry.taken)
    if decision.decision_id != decision_id or plan_hash(decision.plan) != entry.plan_hash:
        raise CannotExplain("stock changed while the decision was made; it cannot be made again exactly")
    return decision, explanation
