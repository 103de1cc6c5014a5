"""The part of ``tests.worlds`` that draws what comes later: receipts, and rules that count them or promise
more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from router.catalogue import Sku
from router.network import Network
from router.rules.model import RuleSet
from tests.world_calendars import CalendarRecipe
from tests.world_rules import SKU_LABELS

DAY_SECONDS = 86_400

Receipts = dict[tuple[str, str], tuple[tuple[int, int], ...]]


class SupplyRecipe(CalendarRecipe):
    """Draws supply by date."""

    def receipts(self, skus: Sequence[Sku], network: Network, now: int) -> Receipts:
        """Few moments, so that receipts meet; some are overdue, or come before the origin."""
        moments = [
            now + DAY_SECONDS,
            *(now + self.pick((2 * DAY_SECONDS, 90_061, DAY_SECONDS + 1, 5 * DAY_SECONDS)) for _ in range(2)),
            now + self.pick((-now % 60, 1, -now % 60, 30, 0, -3_600)),
        ]
        found: Receipts = {}
        for sku in skus:
            for node in network.nodes:
                times = {self.pick(moments) for _ in range(self.pick((1, 0, 1, 2, 2)))}
                if times:
                    units = {at: self.pick((1, 2, 1, 3, 0)) for at in sorted(times)}
                    found[sku.sku_id, node.node_id] = tuple(units.items())
        return found

    def with_supply(self, rules: RuleSet, network: Network, now: int) -> RuleSet:
        """The rules with supply in most strategies."""
        said = rules.model_dump()
        for profile in said["profiles"]:
            for strategy in profile["strategies"]:
                strategy["supply"] = [
                    self.supply_rule(f"more {i}", network, now) for i in range(self.pick((1, 2, 0, 1, 2, 3)))
                ]
        return RuleSet.model_validate(said)

    def supply_rule(self, name: str, network: Network, now: int) -> dict[str, Any]:
        rule: dict[str, Any] = {
            "name": name,
            "kind": self.pick(("receipts", "receipts", "backorder", "preorder", "receipts")),
        }
        if self.chance(35):
            rule["nodes"] = self.node_selector(network)
        if self.chance(20):
            rule["skus"] = self.pick(({"labels": self.some_of(SKU_LABELS)}, {"ids": ["K0"]}))
        if rule["kind"] == "receipts":
            return rule | {"max_days": self.pick((365, 1, 2, 5))}
        rule["max_units"] = self.pick((1, 2, 1_000_000))
        if rule["kind"] == "backorder":
            return rule | {"lead_days": self.pick((2, 1, 3, 5, 365))}
        today = datetime.fromtimestamp(now, UTC).date()
        return rule | {"available_on": today + timedelta(days=self.pick((1, 2, 0, -1, 3, 410)))}
