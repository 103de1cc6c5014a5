"""Warnings: rules that can never have an effect, or leave nothing to choose, told from the file alone."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from router.domain import DeliveryMethod
from router.rules.check import Finding, covers, exclude, leaves_nothing
from router.rules.model import (
    AllowMethods,
    AllowNodes,
    Delay,
    EligibilityRule,
    ExcludeMethods,
    ExcludeNodes,
    ExcludeServices,
    Lateness,
    MaxDistance,
    MinRemaining,
    Mistrust,
    NodeSelector,
    Profile,
    RuleSet,
    SameCountry,
    Strategy,
)
from router.rules.return_check import return_doubts
from router.rules.supply_check import promises_all, supply_doubts
from router.rules.yaml_lines import Path

_HALF_EARTH_KM = Decimal("20015.087")
"""No two places are further apart on a sphere of radius 6,371 km."""
_METHODS = frozenset(method.name for method in DeliveryMethod)
MethodRule = AllowMethods | ExcludeMethods


def doubts(rules: RuleSet) -> Iterator[Finding]:
    """In the order of the file, profile by profile."""
    for p, profile in enumerate(rules.profiles):
        path: Path = ("profiles", p)
        yield from _shadowed(profile, path)
        by_id = {strategy.id: strategy for strategy in profile.strategies}
        for s, strategy in enumerate(profile.strategies):
            here = (*path, "strategies", s)
            yield from _idle_rules(strategy, here)
            yield from _contradictions(strategy, here)
            yield from _method_doubts(strategy, _methods_asked(profile, strategy), here)
            yield from _idle_costs_and_limits(strategy, here)
            yield from supply_doubts(strategy, _methods_asked(profile, strategy), here)
            following = by_id.get(strategy.fallback or "")
            if following is None or following is strategy:
                continue
            if _relaxes_nothing(strategy, following):
                message = f"{following.id!r} has all the rules and limits of this strategy: it fails too"
                yield (*here, "fallback"), message
            if exclude(strategy.when, following.when):
                message = f"no order of this strategy meets the conditions of {following.id!r}, "
                yield (*here, "fallback"), message + "which is tried all the same"
        if profile.returns is not None:
            yield from return_doubts(profile.returns, (*path, "returns"))


def _shadowed(profile: Profile, path: Path) -> Iterator[Finding]:
    fallbacks = {strategy.fallback for strategy in profile.strategies}
    tried = sorted(range(len(profile.strategies)), key=lambda s: (profile.strategies[s].priority, s))
    for place, s in enumerate(tried):
        strategy = profile.strategies[s]
        before = (profile.strategies[b] for b in tried[:place])
        first = next((b for b in before if covers(b.when, strategy.when)), None)
        if first is not None and strategy.id not in fallbacks:
            message = f"{strategy.id!r} is never used: {first.id!r} comes first and takes all its orders"
            yield (*path, "strategies", s), message


def _idle_rules(strategy: Strategy, path: Path) -> Iterator[Finding]:
    for e, rule in enumerate(strategy.eligibility):
        here = (*path, "eligibility", e)
        if isinstance(rule, ExcludeServices) and not rule.services and not rule.labels:
            yield here, "names no service and no label: it excludes nothing"
        if isinstance(rule, AllowNodes) and covers(rule.nodes, NodeSelector()):
            yield here, "selects every node: it excludes nothing"
        if isinstance(rule, MaxDistance) and rule.km >= _HALF_EARTH_KM:
            yield (*here, "km"), "no place on earth is further away: the rule excludes nothing"
        for other in strategy.eligibility:
            # Of two equal rules the later one is idle.
            equal = _implies(other, rule) and _implies(rule, other)
            earlier = any(seen is other for seen in strategy.eligibility[:e])
            if other is not rule and _implies(other, rule) and (earlier or not equal):
                yield here, f"has no effect: {other.name!r} already excludes all that this rule would"
                break


def _implies(strong: EligibilityRule, weak: EligibilityRule) -> bool:
    """Whether all that ``weak`` forbids is forbidden by ``strong``."""
    if not covers(strong.skus, weak.skus):
        return False
    if isinstance(strong, AllowNodes) and isinstance(weak, AllowNodes):
        return covers(weak.nodes, strong.nodes)
    if isinstance(strong, ExcludeServices) and isinstance(weak, ExcludeServices):
        return set(weak.services) <= set(strong.services) and set(weak.labels) <= set(strong.labels)
    if isinstance(strong, ExcludeServices) or isinstance(weak, ExcludeServices):
        return False
    if isinstance(strong, AllowNodes) or isinstance(weak, AllowNodes):
        return False
    if not covers(strong.nodes, weak.nodes):
        return False
    if isinstance(strong, MethodRule) and isinstance(weak, MethodRule):
        return _forbidden(weak) <= _forbidden(strong)
    if isinstance(strong, ExcludeNodes):
        return True
    if isinstance(strong, MaxDistance) and isinstance(weak, MaxDistance):
        return strong.km <= weak.km
    if isinstance(strong, MinRemaining) and isinstance(weak, MinRemaining):
        return strong.units >= weak.units
    return isinstance(strong, SameCountry) and isinstance(weak, SameCountry)


def _contradictions(strategy: Strategy, path: Path) -> Iterator[Finding]:
    node_rules: list[AllowNodes | ExcludeNodes] = []
    for e, rule in enumerate(strategy.eligibility):
        if not isinstance(rule, AllowNodes | ExcludeNodes):
            continue
        if isinstance(rule, ExcludeNodes) and covers(rule.nodes, NodeSelector()):
            yield (*path, "eligibility", e, "nodes"), "selects every node: nothing can supply these SKUs"
            continue
        clash = next((earlier for earlier in node_rules if leaves_nothing(earlier, rule)), None)
        if clash is not None:
            yield (*path, "eligibility", e), f"together with {clash.name!r} no node is left for these SKUs"
        node_rules.append(rule)


def _methods_asked(profile: Profile, strategy: Strategy) -> frozenset[str]:
    """Methods by which deliveries of its orders may be served; fallbacks take orders of any."""
    stated = strategy.when.delivery_methods
    if not stated or strategy.id in {other.fallback for other in profile.strategies}:
        return _METHODS
    # What asks for no method in a store counts as PICKUP, and may be brought there.
    return frozenset(stated) | ({"SHIP_TO_STORE"} if "PICKUP" in stated else set())


def _method_doubts(strategy: Strategy, asked: frozenset[str], path: Path) -> Iterator[Finding]:
    """Rules about methods that forbid none of those that are asked for, or all."""
    method_rules: list[MethodRule] = []
    for e, rule in enumerate(strategy.eligibility):
        if not isinstance(rule, MethodRule):
            continue
        here = (*path, "eligibility", e)
        forbidden = _forbidden(rule) & asked
        if not forbidden:
            yield (*here, "methods"), "forbids no method of this strategy's deliveries: it excludes nothing"
        elif forbidden == asked and covers(rule.nodes, NodeSelector()):
            yield (*here, "methods"), "leaves no method: nothing can supply these SKUs"
        else:
            clash = next((r for r in method_rules if _leave_no_method(r, rule, asked)), None)
            if clash is not None:
                yield here, f"together with {clash.name!r} no method is left for these SKUs and nodes"
            method_rules.append(rule)


def _leave_no_method(earlier: MethodRule, later: MethodRule, asked: frozenset[str]) -> bool:
    """Neither alone: that excludes nodes, and may be meant."""
    first, second = _forbidden(earlier) & asked, _forbidden(later) & asked
    return (
        asked not in (first, second)
        and first | second == asked
        and (covers(earlier.skus, later.skus) or covers(later.skus, earlier.skus))
        and (covers(earlier.nodes, later.nodes) or covers(later.nodes, earlier.nodes))
    )


def _forbidden(rule: MethodRule) -> frozenset[str]:
    named = frozenset(rule.methods)
    return named if isinstance(rule, ExcludeMethods) else _METHODS - named


def _idle_costs_and_limits(strategy: Strategy, path: Path) -> Iterator[Finding]:
    if not strategy.objectives:
        yield path, "has no objectives: every plan costs nothing, and any of them may be taken"
    for o, objective in enumerate(strategy.objectives):
        if isinstance(objective, Delay | Lateness) and not objective.cents_per_day and not objective.steps:
            yield (*path, "objectives", o), "has neither cents_per_day nor steps: it costs nothing"
        if isinstance(objective, Mistrust) and not objective.resource_cents:
            yield (*path, "objectives", o), "sourcing again costs nothing: so does mistrust"
    limits = strategy.limits
    if limits.max_nodes_per_order == 1:
        if limits.min_shipment_value_cents:
            message = "has no effect: one node never makes parts"
            yield (*path, "limits", "min_shipment_value_cents"), message
        if limits.line_splits == "free":
            yield (*path, "limits", "line_splits"), "has no effect: a line cannot be divided over one node"


def _relaxes_nothing(strategy: Strategy, following: Strategy) -> bool:
    """Whether an order that ``strategy`` cannot source cannot be sourced by ``following`` either."""
    rules = {rule.model_copy(update={"name": "x"}) for rule in strategy.eligibility}
    kept = {rule.model_copy(update={"name": "x"}) for rule in following.eligibility}
    same = rules <= kept and strategy.limits == following.limits
    return same and promises_all(strategy.supply, following.supply)
