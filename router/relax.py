"""The smallest sets of changes under which an order would be sourced whole, found by deciding again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice
from typing import Protocol

from router.budget import Budget
from router.changes import ORDER_LEVEL, Change, Situation, changes_for
from router.domain import Decision, Order, Status
from router.explanation import Relaxation
from router.kernels.fill import order_value
from router.orders import order_arrays
from router.rules.model import Conditions, Profile, RuleSet
from router.shortage import missing_stock, with_units
from router.snapshot import Snapshot

MAX_RELAXATIONS = 10
MAX_WITH_STOCK = 20
"""Changes that are tried together with more stock."""
BATCH = 16
"""Situations compiled together."""


class Decide(Protocol):
    """The engine at a fixed time and fixed limits. ``forbidden_nodes`` supply nothing."""

    def __call__(
        self, order: Order, snapshot: Snapshot, *, forbidden_nodes: frozenset[str] = frozenset()
    ) -> Decision: ...


Combination = tuple[Change, ...]


def relaxations_of(
    decide: Decide,
    order: Order,
    snapshot: Snapshot,
    now_seconds: int,
    strategy_ids: Sequence[str],
    budget: Budget,
) -> tuple[Relaxation, ...]:
    """For an order that the strategies ``strategy_ids`` could not source whole: every single change that
    helps; else pairs; else missing stock of several SKUs, or stock and a rule. Empty if none tried helps, as
    long as ``budget`` lasts."""
    by_id = {s.id: s for s in _profile(order, snapshot.rules).strategies}
    skus = snapshot.catalogue.ids.find_many([line.sku_id for line in order.lines])
    own = snapshot.with_stock(snapshot.stock.only(skus))
    situation = Situation(order, tuple(by_id[i] for i in strategy_ids))
    search = _Search(decide, own, now_seconds, situation, budget)
    changes = changes_for(situation, own)
    shortages = list(search.shortages(()))
    for rules, missing in (
        ([(change,) for change in changes], [s for s in shortages if len(s) == 1]),
        (_pairs(changes), [s for s in shortages if len(s) == 2]),
        ([], [s for s in shortages if len(s) > 2]),
    ):
        found = list(islice(search.helpful(rules), MAX_RELAXATIONS))
        found += islice(search.helpful(missing), 1)  # the next ones only add units
        if found:
            return tuple(found)
    with_rule = ((change, *s) for change in changes[:MAX_WITH_STOCK] for s in search.shortages((change,)))
    return tuple(islice(search.helpful(with_rule), 1))


def _pairs(changes: Sequence[Change]) -> list[Combination]:
    """Pairs that could work together: of one strategy, or with a change to the order; those of early changes
    first."""
    pairs = [
        (i, j)
        for i, j in combinations(range(len(changes)), 2)
        if changes[i].strategy_ix == changes[j].strategy_ix or changes[j].strategy_ix == ORDER_LEVEL
    ]
    return [(changes[i], changes[j]) for i, j in sorted(pairs, key=lambda p: (p[0] + p[1], p))]


@dataclass
class _Search:
    """Decides again while the budget lasts."""

    decide: Decide
    snapshot: Snapshot
    now_seconds: int
    start: Situation
    budget: Budget

    def helpful(self, combinations: Iterable[Combination]) -> Iterator[Relaxation]:
        """Those combinations under which the order is sourced whole, with the least amounts found."""
        rest = iter(combinations)
        while (batch := list(islice(rest, BATCH))) and self.budget.lasts():
            loosest = [[change.most for change in combination] for combination in batch]
            outcomes = self._outcomes([self._made(c, m) for c, m in zip(batch, loosest, strict=True)])
            for combination, outcome in zip(batch, outcomes, strict=False):
                if outcome.status == Status.SOURCED:
                    amounts = self._least(combination, outcome)
                    words = [change.words(n) for change, n in zip(combination, amounts, strict=True)]
                    yield Relaxation(changes=tuple(words))

    def shortages(self, before: Combination) -> Iterator[Combination]:
        """Ways to make up for missing stock, after the changes ``before``, strategy by strategy."""
        if not self.budget.lasts():
            return
        situation = self._made(before, [change.most for change in before])
        situation = replace(situation, order=replace(situation.order, sourcing_profile="0"))
        snapshot = self._ruled([situation])
        for ix in range(len(situation.strategies)):
            t = snapshot.compiled.strategies.index(situation.strategies[ix])
            yield from missing_stock(situation, snapshot, t, self.now_seconds)

    def _least(self, combination: Combination, outcome: Decision) -> list[int]:
        """The least amount of each change, the others as they are: by halving, from what the plan uses."""
        amounts = [max(change.least, min(change.most, change.enough(outcome))) for change in combination]
        for i, change in enumerate(combination):
            low = change.least
            while low < amounts[i]:
                middle = (low + amounts[i]) // 2
                trial = [*amounts[:i], middle, *amounts[i + 1 :]]
                outcomes = self._outcomes([self._made(combination, trial)])
                if not outcomes:
                    return amounts
                if outcomes[0].status == Status.SOURCED:
                    amounts[i] = middle
                else:
                    low = middle + 1
        return amounts

    def _made(self, combination: Combination, amounts: Sequence[int]) -> Situation:
        situation = self.start
        for change, amount in zip(combination, amounts, strict=True):
            situation = change.make(situation, amount)
        return situation

    def _outcomes(self, situations: Sequence[Situation]) -> list[Decision]:
        """A decision for each, fewer when the budget ends."""
        snapshot = self._ruled(situations)
        outcomes = []
        for i, situation in enumerate(situations):
            if not self.budget.lasts():
                break
            world = snapshot
            if situation.more_units:
                world = snapshot.with_stock(with_units(snapshot.stock, snapshot, situation.more_units))
            outcome = self.decide(replace(situation.order, sourcing_profile=str(i)), world)
            self.budget.spend(outcome, stock_rows(situation.order, world))
            if outcome.status != Status.SOURCED:
                self.budget.note(outcome.certificate.stopped_by)
            outcomes.append(outcome)
        return outcomes

    def _ruled(self, situations: Sequence[Situation]) -> Snapshot:
        """The snapshot with one profile for each situation, named by its position: compiled once for all."""
        profiles = tuple(
            Profile.model_construct(id=str(i), strategies=s.strategies) for i, s in enumerate(situations)
        )
        return self.snapshot.with_rules(
            RuleSet.model_construct(version=1, default_profile="0", profiles=profiles)
        )


def stock_rows(order: Order, snapshot: Snapshot) -> int:
    """Stock rows of the SKUs of an order, line by line; none of a SKU nobody knows."""
    skus = snapshot.catalogue.ids.find_many([line.sku_id for line in order.lines])
    skus = skus[skus >= 0]
    start = snapshot.stock.sku_start
    return int((start[skus + 1] - start[skus]).sum())


def _profile(order: Order, rules: RuleSet) -> Profile:
    wanted = order.sourcing_profile or rules.default_profile
    return next(p for p in rules.profiles if p.id == wanted)


def unmet_conditions(order: Order, snapshot: Snapshot, now_seconds: int) -> tuple[Relaxation, ...]:
    """For an order that no strategy of its profile applies to: what each would need, in the order tried."""
    world = snapshot.at(now_seconds).world
    orders = order_arrays([order], snapshot.compiled, snapshot.catalogue, now_seconds)
    value, rules, p = int(order_value(orders, 0)), world.rules, int(orders.profile[0])
    zone = int(orders.zone[0])
    zone_id = snapshot.network.zones[zone].zone_id if zone < len(snapshot.network.zones) else "none"
    found = []
    for t in range(int(rules.profile_start[p]), int(rules.profile_start[p + 1])):
        strategy = snapshot.compiled.strategies[t]
        met = {
            "sales_channel": rules.channel_mask[t] >> orders.channel[0] & 1,
            "order_value": rules.value_min_cents[t] <= value <= rules.value_max_cents[t],
            "destination country": rules.country_ok[t, orders.country[0]],
            "destination zone": rules.zone_ok[t, zone],
            "customer_segment": rules.segment_ok[t, orders.segment[0]],
        }
        is_now = {
            "sales_channel": order.sales_channel.name,
            "order_value": f"{value} cents",
            "destination country": order.destination.country,
            "destination zone": zone_id,
            "customer_segment": order.customer_segment or "none",
        }
        wanted = _wanted(strategy.when)
        unmet = [
            f"strategy {strategy.id!r} needs {name} {wanted[name]} (is {is_now[name]})"
            for name, holds in met.items()
            if not holds
        ]
        found.append(Relaxation(changes=tuple(unmet)))
    return tuple(found)


def _wanted(when: Conditions) -> dict[str, str]:
    """What the stated conditions ask for, in words."""
    listed = {
        "sales_channel": when.sales_channels,
        "destination country": when.destination_countries,
        "destination zone": when.destination_zones,
        "customer_segment": when.customer_segments,
    }
    wanted = {name: f"in {', '.join(entries)}" for name, entries in listed.items()}
    if when.order_value is not None:
        wanted["order_value"] = f"within {when.order_value.min_cents}..{when.order_value.max_cents} cents"
    return wanted
