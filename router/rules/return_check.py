"""What the models cannot see in a ``returns:`` section: repeated names, unknown ones, and rules that can have
no effect."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from router.rules.return_model import (
    AcceptReturns,
    ExcludeReturns,
    MaxReturnDistance,
    ReturnEligibilityRule,
    ReturnRules,
    StockNeed,
    Worth,
)
from router.rules.selectors import NodeSelector, SkuSelector
from router.rules.yaml_lines import Path

Found = tuple[Path, str]
"""Where below the section, and what is wrong."""


def node_selectors(returns: ReturnRules, path: Path) -> Iterator[tuple[Path, NodeSelector]]:
    """Every selector of nodes, and where it stands."""
    for e, rule in enumerate(returns.eligibility):
        yield (*path, "eligibility", e, "nodes"), rule.nodes
    for o, goal in enumerate(returns.objectives):
        if isinstance(goal, Worth | StockNeed):
            yield (*path, "objectives", o, "nodes"), goal.nodes


def sku_selectors(returns: ReturnRules, path: Path) -> Iterator[tuple[Path, SkuSelector]]:
    """Every selector of SKUs, and where it stands."""
    for e, rule in enumerate(returns.eligibility):
        yield (*path, "eligibility", e, "skus"), rule.skus
    for o, goal in enumerate(returns.objectives):
        if isinstance(goal, Worth):
            yield (*path, "objectives", o, "skus"), goal.skus


def repeated_names(returns: ReturnRules, path: Path) -> Iterator[Found]:
    """A name of a rule that an earlier one has."""
    seen: set[str] = set()
    for e, rule in enumerate(returns.eligibility):
        if rule.name in seen:
            yield (*path, "eligibility", e, "name"), f"{rule.name!r} is the name of an earlier rule here"
        seen.add(rule.name)


def return_doubts(returns: ReturnRules, path: Path) -> Iterator[Found]:
    """Rules that can never have an effect, or leave nothing to choose."""
    for e, rule in enumerate(returns.eligibility):
        here = (*path, "eligibility", e)
        if isinstance(rule, AcceptReturns) and _is_empty(rule.nodes):
            yield here, "selects every node: it excludes nothing"
        if isinstance(rule, ExcludeReturns) and _is_empty(rule.nodes):
            yield (*here, "nodes"), "selects every node: nothing accepts these goods"
        others = chain(
            ((other, True) for other in returns.eligibility[:e]),
            ((other, False) for other in returns.eligibility[e + 1 :]),
        )
        for other, is_earlier in others:
            if _implies(other, rule) and (is_earlier or not _implies(rule, other)):
                yield here, f"has no effect: {other.name!r} already excludes all that this rule would"
                break
    if not returns.objectives:
        yield path, "has no objectives: every return costs nothing, and any of them may be taken"
    kinds = {goal.kind for goal in returns.objectives}
    if "return_shipping" in kinds and "transfer" not in kinds:
        yield path, "has no transfer objective: goods that are dropped off are sent on for nothing"
    worths: list[Worth] = []
    for o, goal in enumerate(returns.objectives):
        if isinstance(goal, Worth):
            if any(_speaks_of_all(earlier, goal) for earlier in worths):
                yield (*path, "objectives", o), "has no effect: an earlier worth speaks of all these goods"
            worths.append(goal)


def _implies(strong: ReturnEligibilityRule, weak: ReturnEligibilityRule) -> bool:
    """Whether all that ``weak`` forbids is forbidden by ``strong``."""
    if not _covers(strong.skus, weak.skus) or not _covers_any(strong.conditions, weak.conditions):
        return False
    if isinstance(strong, AcceptReturns) or isinstance(weak, AcceptReturns):
        both = isinstance(strong, AcceptReturns) and isinstance(weak, AcceptReturns)
        return both and _covers(weak.nodes, strong.nodes)
    if not _covers(strong.nodes, weak.nodes):
        return False
    if isinstance(strong, MaxReturnDistance):
        return isinstance(weak, MaxReturnDistance) and strong.km <= weak.km
    return True


def _speaks_of_all(earlier: Worth, later: Worth) -> bool:
    return (
        _covers(earlier.nodes, later.nodes)
        and _covers(earlier.skus, later.skus)
        and _covers_any(earlier.conditions, later.conditions)
    )


def _covers(wide: NodeSelector | SkuSelector, narrow: NodeSelector | SkuSelector) -> bool:
    """Whether all that ``narrow`` selects is selected by ``wide``, as far as the words alone can tell."""
    return all(_covers_any(getattr(wide, key), getattr(narrow, key)) for key in type(wide).model_fields)


def _covers_any(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    """For a list in which nothing stated means everything."""
    return not wide or (bool(narrow) and set(narrow) <= set(wide))


def _is_empty(selector: NodeSelector) -> bool:
    return selector == NodeSelector()
