"""Which strategy an order that states deliveries is decided by. The kernels choose for all others, alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from router.domain import DeliveryMethod, SalesChannel
from router.rules.model import Conditions, Strategy


@dataclass(frozen=True, slots=True)
class Facts:
    """What conditions look at. Places and methods are those of all deliveries; a zone is None for none."""

    channel: SalesChannel
    value_cents: int
    segment: str
    countries: frozenset[str]
    zones: frozenset[str | None]
    methods: frozenset[DeliveryMethod]


EVERY_ORDER = Conditions()
"""Those that every order matches."""


def first_matching(strategies: Sequence[Strategy], rows: Iterable[int], facts: Facts) -> int:
    """The first of the rows whose conditions match, -1 for none."""
    return next((row for row in rows if matches(strategies[row].when, facts)), -1)


def is_for_all(strategy: Strategy) -> bool:
    """Does it apply whatever is ordered?"""
    return strategy.when == EVERY_ORDER


def matches(when: Conditions, facts: Facts) -> bool:
    """Every stated key matches, for every delivery."""
    value = when.order_value
    return (
        (not when.sales_channels or facts.channel.name in when.sales_channels)
        and (value is None or value.min_cents <= facts.value_cents <= value.max_cents)
        and (not when.destination_countries or facts.countries <= set(when.destination_countries))
        and (not when.destination_zones or facts.zones <= set(when.destination_zones))
        and (not when.customer_segments or facts.segment in when.customer_segments)
        and (not when.delivery_methods or {m.name for m in facts.methods} <= set(when.delivery_methods))
    )
