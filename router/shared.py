"""What the parts of an order settle between each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple


class Taker(NamedTuple):
    """A part that takes of a node: of the delivery at that place in the order, at that date (epoch seconds).
    In this order they find what those before them leave."""

    delivery_ix: int
    date_seconds: int


Pair = tuple[int, int]
"""SKU row and node row."""
ANY_SKU = -1


@dataclass(frozen=True, slots=True)
class Shared:
    """What is settled between takers. allotted: most units of a pair that a taker takes; those after it find
    as many less. caps: (node row, taker, SKU row or ANY_SKU) and the most units that it takes there."""

    allotted: frozenset[tuple[Pair, Taker, int]] = frozenset()
    caps: frozenset[tuple[int, Taker, int, int]] = frozenset()

    def allotting(self, pair: Pair, taker: Taker, units: int) -> Shared:
        """With that settled, too."""
        return replace(self, allotted=self.allotted | {(pair, taker, units)})

    def capped(self, node: int, taker: Taker, sku: int, most: int) -> Shared:
        """With that settled, too."""
        return replace(self, caps=self.caps | {(node, taker, sku, most)})

    def is_allotted(self, pair: Pair, taker: Taker) -> bool:
        return any(known == pair and whose == taker for known, whose, _ in self.allotted)

    def up_to(self, ix: int) -> Shared:
        """What delivery ``ix`` has to know."""
        return Shared(
            frozenset(x for x in self.allotted if x[1].delivery_ix <= ix),
            frozenset(x for x in self.caps if x[1].delivery_ix == ix),
        )


NOTHING_SHARED = Shared()
