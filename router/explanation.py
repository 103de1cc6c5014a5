"""What an explanation is made of. ``router.explain`` fills it from a decision's own problem."""

from __future__ import annotations

from dataclasses import dataclass

from router.cost import Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """One reason why a node may not supply a line: INSUFFICIENT_STOCK, NO_SERVICE, TOO_LATE or the
    rule's kind in upper case; ``value`` was found where ``threshold`` was needed."""

    reason: str
    rule_name: str
    value: str
    threshold: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A node looked at for one line shipped whole and by itself. ``cost``, ``service_id`` and
    ``arrival_seconds`` are None, empty and 0 for a node with rejections. ``taken_quantity``: units of the
    line that the explained plan takes here; a node that sends a part may be rejected for the whole.
    ``supply_seconds``: as in a shipment, for the date at which the node does best."""

    node_id: str
    available: int
    distance_m: int
    service_id: str
    arrival_seconds: int
    cost: Cost | None
    rejections: tuple[Rejection, ...]
    taken_quantity: int = 0
    supply_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCandidates:
    """Nodes with a stock row of the line's SKU: eligible ones by cost, arrival, stock (deepest
    first), node id; then the rejected by node id."""

    line_id: str
    sku_id: str
    quantity: int
    candidates: tuple[Candidate, ...]
    eligible_count: int
    rejected_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """Changes (rules by name, limits, missing stock) that together would let every unit be sourced."""

    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a decision came out as it did. ``strategy_id`` is the one that answered, the last one tried, empty
    for none: ``lines`` are candidates under its rules. ``relaxations`` is empty when every unit is sourced.
    ``stopped_by`` names the limits that cut it short, divided by ``, ``: empty when nothing is missing."""

    strategy_id: str
    lines: tuple[LineCandidates, ...]
    relaxations: tuple[Relaxation, ...]
    stopped_by: str = ""
