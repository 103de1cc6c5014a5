"""Which strategies an order goes through, and whether a decision went through those."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from router.domain import Decision, Status
from router.rules.model import Conditions, RuleSet, Strategy
from router.verify.case import Case
from router.verify.ways import usual_method


def check_strategies(
    cases: Sequence[Case], rules: RuleSet, decision: Decision
) -> tuple[list[str], list[Strategy]]:
    """Complaints about ``strategy_ids``, and the strategies they name (none when one is unknown)."""
    profile_id = cases[0].order.sourcing_profile or rules.default_profile
    profile = next((p for p in rules.profiles if p.id == profile_id), None)
    if profile is None:
        return [f"profile {profile_id!r} does not exist"], []
    ranked = sorted(profile.strategies, key=lambda s: s.priority)
    first = next((s for s in ranked if applies(cases, s.when)), None)
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


def applies(cases: Sequence[Case], when: Conditions) -> bool:
    """Every stated condition matches the order, and every delivery of it."""
    order = cases[0].order
    if when.sales_channels and order.sales_channel.name not in when.sales_channels:
        return False
    if when.order_value is not None:
        value_cents = sum(cases[0].unit_value_cents(line) * line.quantity for line in order.lines)
        if not when.order_value.min_cents <= value_cents <= when.order_value.max_cents:
            return False
    if when.customer_segments and order.customer_segment not in when.customer_segments:
        return False
    return all(_reaches(case, when) for case in cases)


def _reaches(case: Case, when: Conditions) -> bool:
    """The conditions on place and method match a delivery."""
    method = (case.delivery.method if case.delivery else None) or usual_method(case.place)
    return (
        (not when.destination_countries or case.place.country in when.destination_countries)
        and (not when.destination_zones or case.place.zone_id in when.destination_zones)
        and (not when.delivery_methods or method.name in when.delivery_methods)
    )
