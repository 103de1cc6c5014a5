"""Decisions on the running world: made, remembered, and made again to be explained."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from router.budget import Budget
from router.domain import Decision, Order
from router.explain import explain_order
from router.explanation import Explanation
from router.snapshot import Snapshot
from router.solver.limits import SearchLimits
from router.sourcer import decide
from server.calls import Stage, decided, stage
from server.decision_log import Remembered, as_it_was, named_after, plan_hash, private_copy
from server.guard import Call, check_wanted
from server.snapshot_rows import RowUnits
from server.status import CannotExplain
from server.world import World

MAX_EXPLAIN_SECONDS = 5.0
"""A net: an explanation is ended by its budget first, as a rule."""


class Decided(NamedTuple):
    """A decision, what it was made from, and why if that was asked."""

    decision: Decision
    explanation: Explanation | None
    snapshot: Snapshot


def decide_now(world: World, order: Order, now_seconds: int, *, explain_to: Call | None) -> Decided:
    """On the stock as it is, with an explanation if a call waits for one. Raises InvalidInput, CallExpired.

    An explanation looks at the stock many times, so it gets a copy that nobody writes to.
    """
    limits = world.search
    if explain_to is None:
        with stage(Stage.DECIDE):
            made = world.read(lambda s: Decided(decide(order, s, now_seconds, limits), None, s))
    else:
        sku_ids = order.sku_ids
        with stage(Stage.SNAPSHOT):
            private = world.read(lambda s: private_copy(s, sku_ids))
        with stage(Stage.DECIDE):
            made = Decided(*explain(order, private, now_seconds, limits, explain_to), private)
    decided(made.decision)
    return made


def explain(
    order: Order, snapshot: Snapshot, now_seconds: int, limits: SearchLimits, call: Call
) -> tuple[Decision, Explanation]:
    """The decision with its alternatives, and why. Raises InvalidInput; CallExpired when ``call`` is over
    before the explanation."""
    wanted = patience(call)
    brief = limits.brief()

    def again(order: Order, snapshot: Snapshot, *, forbidden_nodes: frozenset[str] = frozenset()) -> Decision:
        return decide(order, snapshot, now_seconds, brief, forbidden_nodes=forbidden_nodes)

    decision = decide(order, snapshot, now_seconds, limits)
    return explain_order(decision, again, order, snapshot, now_seconds, Budget(wanted=wanted))


def patience(call: Call, clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """Whether to go on explaining: for MAX_EXPLAIN_SECONDS, or half the time that the call has if that is
    less, so that what there is by then still arrives. Raises CallExpired once nobody waits any more."""
    remaining_seconds = call.time_remaining()
    seconds = MAX_EXPLAIN_SECONDS
    if remaining_seconds is not None:
        seconds = min(seconds, remaining_seconds / 2)
    end = clock() + seconds

    def wanted() -> bool:
        check_wanted(call)
        return clock() < end

    return wanted


def quote(
    world: World, order: Order, order_bytes: bytes, now_seconds: int, *, explain_to: Call | None = None
) -> Decided:
    """Decides and remembers; nothing is held. Raises InvalidInput, CallExpired."""
    made = decide_now(world, order, now_seconds, explain_to=explain_to)
    world.decisions.remember(entry_of(made.decision, order_bytes, made.snapshot))
    return made


def entry_of(
    decision: Decision, order_bytes: bytes, snapshot: Snapshot, taken: tuple[RowUnits, ...] = ()
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
    world: World, decision_id: str, parse: Callable[[bytes, int], Order], call: Call
) -> tuple[Decision, Explanation]:
    """A remembered decision made once more from what it was made from, and why.

    Raises NotFound, CannotExplain, CallExpired.
    """
    entry, order, before = _restored(world, decision_id, parse)
    decision, explanation = explain(order, before, entry.now_seconds, world.search, call)
    return _as_named(decision, entry), explanation


def decide_again(
    world: World, decision_id: str, parse: Callable[[bytes, int], Order]
) -> tuple[Order, Decision]:
    """The order of a remembered decision, and the decision made once more. Raises NotFound, CannotExplain."""
    entry, order, before = _restored(world, decision_id, parse)
    decision = decide(order, before, entry.now_seconds, world.search)
    return order, _as_named(decision, entry)


def _restored(
    world: World, decision_id: str, parse: Callable[[bytes, int], Order]
) -> tuple[Remembered, Order, Snapshot]:
    """A remembered decision, its order, and what it was made from."""
    entry = world.decisions.get(decision_id)
    order = parse(entry.order_bytes, entry.now_seconds)
    sku_ids = order.sku_ids
    private = world.read(lambda snapshot: private_copy(snapshot, sku_ids))
    return entry, order, as_it_was(entry, private, world.ledger)


def _as_named(decision: Decision, entry: Remembered) -> Decision:
    """The decision under its id. Raises CannotExplain when it came out otherwise than before."""
    decision = named_after(decision, entry.taken)
    if decision.decision_id != entry.decision_id or plan_hash(decision.plan) != entry.plan_hash:
        raise CannotExplain("stock changed while the decision was made; it cannot be made again exactly")
    return decision
