"""What the oracle puts plans together from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from router.cost import Cost
from router.network import Node
from tests.oracle_capacity import Loads

Units = tuple[int, ...]
"""Units of each order line, by position."""
Taken = Counter[tuple[str, str, int]]
"""Units of each (SKU id, node id) at each date (epoch seconds)."""


@dataclass(frozen=True)
class Source:
    """A node at a date."""

    node_ix: int
    node: Node
    at: int


@dataclass(frozen=True)
class Option:
    """A way that a parcel may take, with its tariff."""

    shipping_cents: int
    transfer_cents: int
    arrival_seconds: int
    way_ix: int
    way_id: str
    parcel_count: int

    def rank(self) -> tuple[int, int, int]:
        """Less is better, at equal arrival days."""
        return (self.shipping_cents + self.transfer_cents, self.arrival_seconds, self.way_ix)


@dataclass(frozen=True)
class Parcel:
    """A shipment without its way: what leaves one node together."""

    source: Source
    units: Units
    weight_grams: int
    cost: Cost
    """Of what does not depend on the way, but for stock depth."""
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Candidate:
    """A plan that is allowed, as far as its own delivery goes. cents: all but stock depth."""

    filled: int
    cents: int
    taken: Taken
    loads: Loads
    parcels: list[Parcel]
    options: list[Option]


def units_in(share: list[tuple[int, int, int]]) -> int:
    """Of (source, line, units)."""
    return sum(n for _, _, n in share)
