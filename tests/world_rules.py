"""The part of ``tests.worlds`` that draws: features, chance, and random rule files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from router.domain import DeliveryMethod, NodeType
from router.network import Network, Zone
from router.rules.model import RuleSet

T = TypeVar("T")

ZONES = (
    Zone(zone_id="france", country="FR"),
    Zone(zone_id="paris", country="FR", postal_prefixes=("75",)),
    Zone(zone_id="centre", country="FR", postal_prefixes=("750", "69")),
    Zone(zone_id="twin", country="FR", postal_prefixes=("13", "75")),
    Zone(zone_id="germany", country="DE"),
    Zone(zone_id="berlin", country="DE", postal_prefixes=("1",)),
)
SKU_LABELS = ("cold", "bulky", "hazardous")
NODE_LABELS = ("city", "outlet")
NODE_GROUPS = ("north", "south")
SERVICE_LABELS = ("express", "eco")
SEGMENTS = ("", "gold")
COUNTRIES = ("FR", "DE", "BE")
METHODS = tuple(method.name for method in DeliveryMethod)
RULE_KINDS = (
    "exclude_nodes",
    "min_remaining",
    "max_distance",
    "exclude_services",
    "same_country",
    "min_remaining",
    "allow_nodes",
)


@dataclass(frozen=True, slots=True)
class Features:
    """What a world may contain. The sizes are upper limits."""

    nodes: int = 4
    lines: int = 4
    services: int = 3
    skus: int = 4
    quantity: int = 4
    strategies: int = 3
    line_splits: tuple[str, ...] = ("never", "when_needed", "free")
    partial: bool = True
    together: bool = True
    ship_alone: bool = True
    eligibility: bool = True
    conditions: bool = True
    deadlines: bool = True
    tight_limits: bool = True
    """max_nodes_per_order and min_shipment_value_cents."""
    objectives: tuple[str, ...] = (
        "shipping",
        "handling",
        "delay",
        "split",
        "stock_depth",
        "distance",
        "node_priority",
    )
    heavy_units: bool = True
    """Units above the greatest bracket of some or all lanes."""
    deliveries: int = 0
    """Most deliveries that an order states; stores, pick-up points and paths where that is not 0."""
    kits: bool = False
    """SKUs that are made of others."""
    consolidation: bool = False
    """Strategies that name hubs."""
    substitutes: bool = False
    """Lines for which other SKUs may be sent."""
    exclusions: bool = False
    """Orders that nodes are excluded from."""
    fill: bool = False
    """Orders and lines that say how they are to be filled."""
    borders: bool = False
    """Rules about countries, and duties."""
    supply: bool = False
    """Receipts, rules that count them or promise more, and little stock."""
    capacity: bool = False
    """Limits on the days of nodes, and days that are full; nodes that are switched off."""
    calendars: bool = False
    """Hours, pick-ups and days, and orders placed near a change of the clock."""


EVERYTHING = Features()
MISTRUST = "mistrust"
"""Nodes are trusted differently where it is among the objectives."""
PURCHASE = "purchase"
"""Nodes ask for goods where it is among the objectives."""
STOCK_PRICE = "stock_price"
"""Units have a price where it is among the objectives."""
PRICED = Features(objectives=(*EVERYTHING.objectives, STOCK_PRICE))
TRUST = Features(objectives=(*EVERYTHING.objectives, MISTRUST))
WHOLE_LINES = Features(line_splits=("never",))
"""No line may be divided: what the subset search alone answers."""
OMNICHANNEL = Features(
    lines=3,
    skus=3,
    quantity=3,
    strategies=2,
    objectives=(*EVERYTHING.objectives, "transfer", "lateness", MISTRUST),
    deliveries=2,
    calendars=True,
)
"""Orders to addresses, stores and pick-up points, by the clock."""
DIVIDED_LINES = Features(lines=3, conditions=False, line_splits=("when_needed", "free"))
"""Lines may be divided in every strategy."""


class Chance:
    """Choices made out of integers from inclusive ranges; the lowest draw is always the dullest."""

    def __init__(self, integer: Callable[[int, int], int], features: Features) -> None:
        self.integer = integer
        self.features = features

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.integer(0, len(choices) - 1)]

    def chance(self, percent: int) -> bool:
        return self.integer(0, 99) >= 100 - percent

    def some(self, choices: Sequence[T], percent: int) -> list[T]:
        """Each with this chance."""
        return [choice for choice in choices if self.chance(percent)]

    def most(self, choices: Sequence[T], percent: int) -> list[T]:
        """Each with this chance, all of them at the dullest."""
        return [choice for choice in choices if not self.chance(100 - percent)]

    def size(self, most: int) -> int:
        """1..most, more often large."""
        return max(self.integer(1, most), self.integer(1, most))

    def some_of(self, choices: Sequence[T]) -> list[T]:
        """At least one."""
        first = self.pick(choices)
        return [first, *(c for c in self.some(choices, 25) if c != first)]


class RulesRecipe(Chance):
    """Draws rule files."""

    def rules(self, network: Network, metres: Sequence[int]) -> RuleSet:
        profiles = []
        for profile_id in ("first", "second"):
            count = self.integer(1, self.features.strategies)
            strategies = [self.strategy(i, count, network, metres) for i in range(count)]
            profiles.append({"id": profile_id, "strategies": strategies})
        return RuleSet.model_validate({"version": 1, "default_profile": "first", "profiles": profiles})

    def strategy(self, i: int, count: int, network: Network, metres: Sequence[int]) -> dict[str, Any]:
        later = [f"T{j}" for j in range(i + 1, count)]
        tight, eligibility = self.features.tight_limits, self.features.eligibility
        return {
            "id": f"T{i}",
            "priority": self.pick((100, 100, 50)),
            "when": self.conditions() if self.features.conditions and self.chance(20) else {},
            "eligibility": [
                self.eligibility_rule(f"rule {r}", network, metres)
                for r in range(self.pick((0, 0, 0, 0, 1, 1, 1, 2, 3)) if eligibility else 0)
            ],
            "objectives": [
                self.objective(kind)
                for kind in (
                    *self.most(self.features.objectives, 75),
                    *self.some(self.features.objectives, 15),
                )
            ],
            "limits": {
                **({"max_late_days": self.pick((None, None, 1, 0, 2))} if self.features.deliveries else {}),
                "max_nodes_per_order": self.pick((200, 4, 3, 3, 2, 2, 1)) if tight else 200,
                "min_shipment_value_cents": self.pick((0, 0, 0, 0, 500, 500, 2000)) if tight else 0,
                "line_splits": self.pick(self.features.line_splits),
                "allow_partial": self.features.partial and self.chance(35),
            },
            **({"consolidation": self.hubs(network)} if self.features.consolidation else {}),
            "fallback": self.pick((None, later[0], later[-1])) if later else None,
        }

    def hubs(self, network: Network) -> dict[str, Any] | None:
        return None if self.chance(15) else {"hubs": self.node_selector(network) if self.chance(25) else {}}

    def conditions(self) -> dict[str, Any]:
        return {
            "sales_channels": self.some(("WEB", "STORE"), 15),
            "order_value": {"min_cents": self.pick((0, 1000)), "max_cents": self.pick((10**9, 5000))},
            "destination_countries": self.some(("FR", "DE"), 15),
            "destination_zones": self.some([z.zone_id for z in ZONES], 8),
            "customer_segments": self.some(("gold",), 15),
            **({"delivery_methods": self.some(METHODS, 25)} if self.features.deliveries else {}),
        }

    def eligibility_rule(self, name: str, network: Network, metres: Sequence[int]) -> dict[str, Any]:
        rule: dict[str, Any] = {"name": name}
        by_method = ("allow_methods", "exclude_methods") if self.features.deliveries else ()
        by_country = ("allow_countries", "exclude_countries") if self.features.borders else ()
        rule["kind"] = self.pick((*RULE_KINDS, *by_method, *by_country))
        if self.chance(70):
            rule["skus"] = self.pick(({"labels": self.some_of(SKU_LABELS)}, {"ids": ["K0"]}))
        if rule["kind"] == "exclude_services":
            rule["services"] = self.some([s.service_id for s in network.services], 20)
            rule["labels"] = [] if rule["services"] else self.some_of(SERVICE_LABELS)
            return rule
        rule["nodes"] = self.node_selector(network)
        if rule["kind"] == "max_distance":
            rule["km"] = self.pick((Decimal(500), Decimal(1000), Decimal(max(1, self.pick(metres))) / 1000))
        if rule["kind"] == "min_remaining":
            rule["units"] = self.integer(1, 3)
        if rule["kind"] in by_country:
            rule["countries"] = self.some_of(COUNTRIES)
        if rule["kind"] in by_method:
            rule["methods"] = self.some_of(METHODS)
        return rule

    def node_selector(self, network: Network) -> dict[str, Any]:
        by: dict[str, Sequence[str]] = {
            "ids": [n.node_id for n in network.nodes],
            "types": [t.name for t in NodeType],
            "labels": NODE_LABELS,
            "groups": NODE_GROUPS,
            "countries": COUNTRIES,
        }
        keys = self.some_of(tuple(by))[:2]
        return {key: sorted({*self.some_of(by[key]), *self.some(by[key], 25)}) for key in keys}

    def objective(self, kind: str) -> dict[str, Any]:
        weights = (Decimal(1), Decimal("0.37"), Decimal("1.5"), Decimal(2), Decimal(0))
        objective: dict[str, Any] = {"kind": kind, "weight": self.pick(weights)}
        if kind in ("distance", "node_priority"):
            objective["per"] = self.pick(("shipment", "unit"))
        if kind == "delay":
            objective["free_days"] = self.integer(0, 3)
        if kind in ("delay", "lateness", "waiting"):
            objective["cents_per_day"] = self.pick((0, 99, 350))
        if kind in ("delay", "lateness"):
            days = self.some((1, 2, 3, 5), 30)
            objective["steps"] = [{"from_days": d, "cents": self.integer(0, 900)} for d in days]
        elif kind == MISTRUST:
            objective["resource_cents"] = self.pick((333, 0, 1250))
        elif kind == "split":
            objective["cents"] = self.pick((0, 250, 1001))
        elif kind == "stock_depth":
            objective["nodes"] = self.node_selector_or_all()
            objective["cents"] = self.pick((100, 401, 0))
            objective["target_units"] = self.pick((1, 3, 7, 10))
        elif kind == "node_load":
            objective["nodes"] = self.node_selector_or_all()
            objective["cents"] = self.pick((500, 99, 1500, 0))
            objective["from_percent"] = self.pick((0, 50, 33, 99))
        elif kind == "substitution":
            objective["cents"] = self.pick((70, 333, 0))
        elif kind == PURCHASE:
            objective["nodes"] = self.node_selector_or_all()
        elif kind == "distance":
            objective["cents_per_km"] = self.pick((Decimal(1), Decimal("0.125"), Decimal("0.333")))
        elif kind == "node_priority":
            objective["cents"] = self.pick((50, 111, 0))
        elif kind == "duty":
            objective["nodes"] = self.node_selector_or_all()
            objective["skus"] = self.pick(({}, {"labels": self.some_of(SKU_LABELS)}))
            objective["countries"] = self.some(COUNTRIES, 40)
            objective["percent"] = self.pick((Decimal("2.5"), Decimal(20), Decimal("0.333")))
            objective["line_cents"] = self.pick((0, 150))
        return objective

    def node_selector_or_all(self) -> dict[str, Any]:
        return {"labels": self.some_of(NODE_LABELS)} if self.chance(40) else {}
