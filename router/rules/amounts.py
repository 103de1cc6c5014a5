"""Figures that int64 cannot hold: cents times weight times units, shipments, metres or priority.

The bound holds for the dearest plan an order may have, so that every sum of costs that a decision makes
stays far below 2**63: no sum of a plan is greater than MAX_PLAN_CENTS, and no step towards it than 2**62.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from router.domain import MAX_LINES, MAX_QUANTITY, MAX_STOCK_PRICE_CENTS, MAX_UNIT_VALUE_CENTS
from router.network import Network
from router.rules.check import Finding
from router.rules.model import (
    Delay,
    Distance,
    Duty,
    Handling,
    Lateness,
    Mistrust,
    NodeLoad,
    NodePriority,
    Objective,
    Purchase,
    RuleSet,
    Shipping,
    Split,
    StockDepth,
    StockPrice,
    Substitution,
    Transfer,
    Waiting,
)

MAX_PLAN_CENTS = 10**18
MAX_CENTS_PER_KM = 10**8
"""Weighted: metres times the rate per thousand kilometres are then below 2**62."""
MOST_UNITS = MAX_LINES * MAX_QUANTITY
MOST_SHIPMENTS = 2 * MAX_LINES
"""One from each node, and one of each line that travels alone."""
MOST_LINES = MAX_LINES * MAX_LINES
"""Every line from every node."""
MOST_DAYS = 401
MOST_DELIVERIES = MAX_LINES
"""Each has a date of its own."""
MOST_KM = 20_016


@dataclass(frozen=True, slots=True)
class Greatest:
    """The greatest figures of a network, 0 without one. ``priority`` is at least 2: priorities all alike make
    a rule about them idle, not small."""

    bracket_cents: int = 0
    shipment_cents: int = 0
    line_cents: int = 0
    unit_cents: int = 0
    payable_cents: int = 0
    """Of offers."""
    priority: int = 2
    path_cents: int = 0
    """Of a path's hubs; its services are counted with the brackets."""
    path_services: int = 1

    @classmethod
    def of(cls, network: Network | None) -> Greatest:
        if network is None:
            return cls()
        nodes = network.nodes
        lanes = [lane for service in network.services for lane in service.lanes]
        return cls(
            bracket_cents=max((b.cents for lane in lanes for b in lane.brackets), default=0),
            shipment_cents=max((node.shipment_cents for node in nodes), default=0),
            line_cents=max((node.line_cents for node in nodes), default=0),
            unit_cents=max((node.unit_cents for node in nodes), default=0),
            payable_cents=max((o.payable_cents for node in nodes for o in node.offers), default=0),
            priority=max([2, *(node.priority for node in nodes)]),
            path_cents=max((len(path.hubs) * path.hub_cents for path in network.paths), default=0),
            path_services=max([1, *(len(path.services) for path in network.paths)]),
        )


def too_great(rules: RuleSet, network: Network | None) -> Iterator[Finding]:
    """Objectives by which a plan could cost more than MAX_PLAN_CENTS, by themselves or with those before
    them. Without a network what depends on its figures is left out."""
    greatest = Greatest.of(network)
    for p, profile in enumerate(rules.profiles):
        for s, strategy in enumerate(profile.strategies):
            total = 0
            for o, objective in enumerate(strategy.objectives):
                path = ("profiles", p, "strategies", s, "objectives", o)
                per_km = objective.cents_per_km * objective.weight if isinstance(objective, Distance) else 0
                most = most_cents(objective, greatest)
                if per_km > MAX_CENTS_PER_KM:
                    yield path, f"{per_km:f} cents per km with the weight, at most {MAX_CENTS_PER_KM}"
                elif most > MAX_PLAN_CENTS:
                    yield path, f"a plan could cost {most} cents by this, at most {MAX_PLAN_CENTS}"
                elif total + most > MAX_PLAN_CENTS:
                    text = f"a plan could cost {total + most} cents by this and the objectives before it"
                    yield path, f"{text}, at most {MAX_PLAN_CENTS}"
                else:
                    total += most


def most_cents(objective: Objective, greatest: Greatest) -> int:
    """Upper bound on what an objective adds to the cost of a plan."""

    def weighted(cents: int | Decimal) -> int:
        return ceil(cents * objective.weight)

    if isinstance(objective, Shipping | Transfer):
        # Only a unit or the rest of a shipment begins a parcel.
        by_brackets = (
            weighted(greatest.bracket_cents) * greatest.path_services * (MOST_UNITS + MOST_SHIPMENTS)
        )
        return by_brackets + weighted(greatest.path_cents) * MOST_SHIPMENTS
    if isinstance(objective, Handling):
        by_lines = weighted(greatest.line_cents) * MOST_LINES
        by_units = weighted(greatest.unit_cents) * MOST_UNITS
        return weighted(greatest.shipment_cents) * MOST_SHIPMENTS + by_lines + by_units
    if isinstance(objective, Mistrust):
        # A shipment is rejected, a line neither there nor accepted.
        return weighted(objective.resource_cents) * (MOST_SHIPMENTS + 2 * MOST_LINES)
    if isinstance(objective, Delay | Lateness):
        steps = sum(weighted(step.cents) for step in objective.steps)
        return (weighted(objective.cents_per_day) * MOST_DAYS + steps) * MOST_DELIVERIES
    if isinstance(objective, Split):
        return weighted(objective.cents) * MOST_SHIPMENTS
    if isinstance(objective, Waiting):
        return weighted(objective.cents_per_day) * MOST_DAYS * MOST_UNITS
    if isinstance(objective, NodeLoad):
        return weighted(objective.cents) * (MOST_UNITS + MOST_LINES + MOST_SHIPMENTS)
    if isinstance(objective, Duty):
        by_value = weighted(MAX_UNIT_VALUE_CENTS * objective.percent / 100) * MOST_UNITS
        return by_value + weighted(objective.line_cents) * MOST_LINES
    if isinstance(objective, Substitution):
        return weighted(objective.cents) * MOST_UNITS
    if isinstance(objective, Purchase):
        return weighted(greatest.payable_cents) * MOST_UNITS
    if isinstance(objective, StockDepth):
        return weighted(objective.cents) * MOST_UNITS
    if isinstance(objective, StockPrice):
        return weighted(MAX_STOCK_PRICE_CENTS) * MOST_UNITS
    count = MOST_UNITS if objective.per == "unit" else MOST_SHIPMENTS
    if isinstance(objective, NodePriority):
        return weighted(objective.cents) * (greatest.priority - 1) * count
    return weighted(objective.cents_per_km * MOST_KM) * count
