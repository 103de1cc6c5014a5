"""Single changes to an order's rules, wishes or stock that could let it be sourced: how each is made, and
what it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from router.domain import Decision, Order
from router.rejections import covers
from router.rules import model
from router.rules.model import Strategy
from router.snapshot import Snapshot

DAY_SECONDS = 86_400
ORDER_LEVEL = -1
SPLITS = ("never", "when_needed", "free")


@dataclass(frozen=True, slots=True)
class Situation:
    """What is decided upon: an order, the strategies it goes through (each the fallback of the one before),
    and units that are there beyond the stock."""

    order: Order
    strategies: tuple[Strategy, ...]
    more_units: tuple[tuple[str, str, int], ...] = ()
    """(SKU id, node id, units)."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. ``amount`` runs from ``least`` to ``most`` (days, say); the least that helps is wanted.

    strategy_ix: the strategy changed, ORDER_LEVEL for a change to the order or its stock.
    enough: the amount that a plan found under ``most`` makes use of.
    """

    strategy_ix: int
    words: Callable[[int], str]
    make: Callable[[Situation, int], Situation]
    least: int = 0
    most: int = 0
    enough: Callable[[Decision], int] = lambda _: 0


def changes_for(situation: Situation, snapshot: Snapshot) -> list[Change]:
    """Every single change to rules or wishes that bears on the order, strategy by strategy."""
    found: list[Change] = []
    for ix, strategy in enumerate(situation.strategies):
        prefix = f"strategy {strategy.id!r}: " if len(situation.strategies) > 1 else ""
        found += _without_rules(situation, snapshot, ix, prefix)
        found += _wider_limits(strategy.limits, ix, prefix)
    return [*found, *_softer_wishes(situation.order)]


def _without_rules(situation: Situation, snapshot: Snapshot, ix: int, prefix: str) -> Iterator[Change]:
    """Each eligibility rule off that speaks of a SKU of the order."""
    skus = [snapshot.catalogue.sku(line.sku_id) for line in situation.order.lines]
    for rule in situation.strategies[ix].eligibility:
        if not any(covers(rule.skus, sku) for sku in skus):
            continue

        def make(before: Situation, _: int, name: str = rule.name) -> Situation:
            kept = tuple(r for r in before.strategies[ix].eligibility if r.name != name)
            return _with_strategy(before, ix, eligibility=kept)

        yield Change(ix, _constant(f"{prefix}rule {rule.name!r} off"), make)


def _wider_limits(limits: model.Limits, ix: int, prefix: str) -> Iterator[Change]:
    now = limits.max_nodes_per_order
    if now < 200:
        yield Change(
            ix,
            lambda amount: f"{prefix}max_nodes_per_order {now} -> {amount}",
            lambda before, amount: _with_limits(before, ix, max_nodes_per_order=amount),
            least=now + 1,
            most=200,
            enough=lambda decision: len({s.node_id for s in decision.plan.shipments}),
        )
    if limits.min_shipment_value_cents:
        words = f"{prefix}min_shipment_value_cents {limits.min_shipment_value_cents} -> 0"
        yield Change(
            ix, _constant(words), lambda before, _: _with_limits(before, ix, min_shipment_value_cents=0)
        )
    wider = SPLITS[SPLITS.index(limits.line_splits) + 1 :]
    if wider:
        yield Change(
            ix,
            lambda amount: f"{prefix}line_splits {limits.line_splits} -> {wider[amount]}",
            lambda before, amount: _with_limits(before, ix, line_splits=wider[amount]),
            most=len(wider) - 1,
            enough=lambda _: len(wider) - 1,
        )


def _softer_wishes(order: Order) -> Iterator[Change]:
    """A later deadline; lines that need not stay together."""
    deadline = order.deliver_by_seconds
    if deadline is not None:
        yield Change(
            ORDER_LEVEL,
            lambda amount: f"deliver_by +{amount} day{'' if amount == 1 else 's'}",
            lambda before, amount: replace(
                before, order=replace(before.order, deliver_by_seconds=deadline + amount * DAY_SECONDS)
            ),
            least=1,
            most=100_000,
            enough=lambda decision: -(-(decision.plan.promise_seconds - deadline) // DAY_SECONDS),
        )
    for name in dict.fromkeys(line.together for line in order.lines if line.together):
        members = [line.line_id for line in order.lines if line.together == name]
        if len(members) > 1:
            yield Change(ORDER_LEVEL, _constant(f"lines {', '.join(members)} not together"), _apart(name))


def _apart(name: str) -> Callable[[Situation, int], Situation]:
    def make(before: Situation, _: int) -> Situation:
        lines = tuple(
            replace(line, together="") if line.together == name else line for line in before.order.lines
        )
        return replace(before, order=replace(before.order, lines=lines))

    return make


def more_stock(sku_id: str, node_id: str, units: int, words: str) -> Change:
    """Units that would have to be there."""
    return Change(
        ORDER_LEVEL,
        _constant(words),
        lambda before, _: replace(before, more_units=(*before.more_units, (sku_id, node_id, units))),
    )


def _constant(words: str) -> Callable[[int], str]:
    return lambda _: words


def _with_limits(before: Situation, ix: int, **values: Any) -> Situation:
    limits = before.strategies[ix].limits.model_copy(update=values)
    return _with_strategy(before, ix, limits=limits)


def _with_strategy(before: Situation, ix: int, **values: Any) -> Situation:
    strategies = list(before.strategies)
    strategies[ix] = strategies[ix].model_copy(update=values)
    return replace(before, strategies=tuple(strategies))
