"""Which strategies an order goes through, and whether a decision went through those."""

from __future__ import annotations

from itertools import pairwise

from router.domain import Decision, Status
from router.rules.model import Conditions, RuleSet, Strategy
from router.verify.facts import Case


def check_strategies(case: Case, rules: RuleSet, decision: Decision) -> tuple[list[str], list[Strategy]]:
    """Complaints about ``strategy_ids``, and the strategies they name (none when one is unknown)."""
    profile_id = case.order.sourcing_profile or rules.default_profile
    profile = next((p for p in rules.profiles if p.id == profile_id), None)
    if profile is None:
        return [f"profile {profile_id!r} does not exist"], []
    ranked = sorted(profile.strategies, key=lambda s: s.priority)
    first = next((s for s in ranked if applies(case, s.when)), None)
    ids = decision.strategy_ids
    if first is None:
        return ([f"no strategy applies, yet {list(ids)} answered"] if ids else []), []
    by_id = {s.id: s for s in profile.strategies}
    unknown = [i for i in ids if i not in by_id]
    if unknown or not ids:
        return [f"strategies {list(ids)}: expected {first.id!r} first, and only those of the profile"], []
    found: list[str] = []
    if ids[0] != first.id:
        found.append(f"strategy {ids[0]!r} tried first, {first.id!r} applies before it")
    for before, after in pairwise(ids):
        if by_id[before].fallback != after:
            found.append(
                f"strategy {after!r} tried after {before!r}, whose fallback is {by_id[before].fallback!r}"
            )
    if len(set(ids)) < len(ids):
        found.append(f"strategies {list(ids)}: one was tried twice")
    last = by_id[ids[-1]]
    if decision.status == Status.UNSOURCEABLE and last.fallback is not None and last.fallback not in ids:
        found.append(f"unsourceable, yet the fallback {last.fallback!r} of {last.id!r} was not tried")
    return found, [by_id[i] for i in ids]


def applies(case: Case, when: Conditions) -> bool:
    """Every stated condition matches the order."""
    order = case.order
    if when.sales_channels and order.sales_channel.name not in when.sales_channels:
        return False
    if when.order_value is not None:
        value_cents = sum(case.unit_value_cents(line) * line.quantity for line in order.lines)
        if not when.order_value.min_cents <= value_cents <= when.order_value.max_cents:
            return False
    if when.destination_countries and order.destination.country not in when.destination_countries:
        return False
    if when.destination_zones and case.destination_zone not in when.destination_zones:
        return False
    return not when.customer_segments or order.customer_segment in when.customer_segments
