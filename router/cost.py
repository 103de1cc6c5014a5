"""What a plan costs, kept apart by part."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum


class Part(IntEnum):
    """The parts of a cost, in the order of every parts vector."""

    SHIPPING = 0
    HANDLING = 1
    DELAY = 2
    SPLIT = 3
    STOCK_DEPTH = 4
    DISTANCE = 5
    NODE_PRIORITY = 6
    STOCK_PRICE = 7
    TRANSFER = 8
    LATENESS = 9
    NODE_LOAD = 10
    WAITING = 11
    DUTY = 12
    MISTRUST = 13
    PURCHASE = 14
    SUBSTITUTION = 15


PART_COUNT = 8
"""The parts that kernels reckon with, the first of ``Part``; the others are worked out from their answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A cost kept apart by part, all in cents; ``total_cents`` is their sum."""

    shipping_cents: int = 0
    handling_cents: int = 0
    delay_cents: int = 0
    split_cents: int = 0
    stock_depth_cents: int = 0
    distance_cents: int = 0
    node_priority_cents: int = 0
    stock_price_cents: int = 0
    transfer_cents: int = 0
    lateness_cents: int = 0
    node_load_cents: int = 0
    waiting_cents: int = 0
    duty_cents: int = 0
    mistrust_cents: int = 0
    purchase_cents: int = 0
    substitution_cents: int = 0

    @property
    def total_cents(self) -> int:
        return sum(self.parts())

    def parts(self) -> tuple[int, ...]:
        """The parts in the order of ``Part``."""
        return tuple(getattr(self, f.name) for f in fields(self))

    def moved(self, source: Part, target: Part, cents: int) -> Cost:
        """With some cents of one part counted as another."""
        parts = list(self.parts())
        parts[source] -= cents
        parts[target] += cents
        return Cost.of(parts)

    @classmethod
    def of(cls, parts: tuple[int, ...] | list[int]) -> Cost:
        """From a vector in the order of ``Part``; parts that are not there are zero."""
        return cls(**{f.name: int(v) for f, v in zip(fields(cls), parts, strict=False)})
