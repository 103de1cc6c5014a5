"""Supply rules that can have no effect, and which of two lists of them promises more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from router.rules.check import Finding, covers, disjoint
from router.rules.model import AllowNodes, ExcludeNodes, Receipts, Strategy
from router.rules.supply_model import SupplyRule
from router.rules.yaml_lines import Path


def supply_doubts(strategy: Strategy, asked: frozenset[str], path: Path) -> Iterator[Finding]:
    """asked: methods by which deliveries of the strategy's orders may be served."""
    if strategy.supply and asked == {"CARRY_OUT"}:
        yield (*path, "supply"), "has no effect: what is carried out at once cannot wait"
    for s, rule in enumerate(strategy.supply):
        here = (*path, "supply", s)
        barred = next((other for other in strategy.eligibility if _bars(other, rule)), None)
        if barred is not None:
            yield here, f"has no effect: {barred.name!r} keeps these nodes from supplying these SKUs"
            continue
        for o, other in enumerate(strategy.supply):
            # Of two equal rules the later one is idle.
            if other is not rule and _counts_all(other, rule) and (o < s or not _counts_all(rule, other)):
                yield here, f"has no effect: {other.name!r} already counts all that this rule would"
                break


def promises_all(wide: Sequence[SupplyRule], narrow: Sequence[SupplyRule]) -> bool:
    """Whether there is by ``wide`` all that there is by ``narrow``, at the same dates, as far as the words
    alone can tell."""
    left = Counter(_unnamed(rule) for rule in narrow if not isinstance(rule, Receipts))
    left.subtract(_unnamed(rule) for rule in wide)
    receipts = [rule for rule in narrow if isinstance(rule, Receipts)]
    return max(left.values(), default=0) <= 0 and all(
        any(_counts_all(other, rule) for other in wide) for rule in receipts
    )


def _counts_all(wide: SupplyRule, narrow: SupplyRule) -> bool:
    """Whether ``narrow`` adds nothing to ``wide``. A receipt counts once; other rules always add up."""
    return (
        isinstance(wide, Receipts)
        and isinstance(narrow, Receipts)
        and wide.max_days >= narrow.max_days
        and covers(wide.skus, narrow.skus)
        and covers(wide.nodes, narrow.nodes)
    )


def _bars(rule: object, supply: SupplyRule) -> bool:
    """Whether an eligibility rule leaves nothing of what ``supply`` is about."""
    if not isinstance(rule, AllowNodes | ExcludeNodes) or not covers(rule.skus, supply.skus):
        return False
    if isinstance(rule, AllowNodes):
        return disjoint(rule.nodes, supply.nodes)
    return covers(rule.nodes, supply.nodes)


def _unnamed(rule: SupplyRule) -> SupplyRule:
    return rule.model_copy(update={"name": "x"})
