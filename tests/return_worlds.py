"""Small random worlds in which something comes back: those of ``tests.worlds``, with return services, nodes
that take returns, a ``returns:`` section, and a return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import strategies as st

from router.domain import ReturnMethod
from router.network import Bracket, Lane, Network, Service
from router.returns_domain import Condition, OriginalPick, OriginalShipment, Return, ReturnItem
from router.rules.model import RuleSet
from router.rules.return_model import ReturnRules
from tests.oracle_facts import metres_between
from tests.world_rules import NODE_LABELS, SKU_LABELS, Chance
from tests.worlds import EVERYTHING, World, random_world, worlds

METHODS = (ReturnMethod.DROP_OFF, ReturnMethod.PARCEL)
CONDITIONS = tuple(Condition)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnWorld:
    """A world and a return in it; the world's order plays no part."""

    world: World
    request: Return


def random_return(rng: np.random.Generator, lines: int = 3) -> ReturnWorld:
    """The same generator, the same world."""
    world = random_world(rng)
    return _Recipe(lambda low, high: int(rng.integers(low, high + 1)), world, lines).build()


def return_worlds(lines: int = 3) -> st.SearchStrategy[ReturnWorld]:
    """For hypothesis."""

    @st.composite
    def build(draw: st.DrawFn) -> ReturnWorld:
        world = draw(worlds())
        return _Recipe(lambda low, high: draw(st.integers(low, high)), world, lines).build()

    return build()


class _Recipe(Chance):
    def __init__(self, integer: Callable[[int, int], int], world: World, lines: int) -> None:
        super().__init__(integer, EVERYTHING)
        self.world = world
        self.lines = lines

    def build(self) -> ReturnWorld:
        network = self.network()
        place = self.world.order.destination
        self.metres = [metres_between(node, place) for node in network.nodes]
        rules = self.rules()
        request = self.request(network)
        return ReturnWorld(world=replace(self.world, network=network, rules=rules), request=request)

    def network(self) -> Network:
        network = self.world.network
        zone_ids = [zone.zone_id for zone in network.zones]
        services = tuple(self.service(f"R{i}", zone_ids) for i in range(self.integer(0, 2)))
        nodes = tuple(
            replace(
                node,
                services=node.services | set(self.most([s.service_id for s in services], 85)),
                return_methods=frozenset(self.most(METHODS, 80)),
                reconditions=frozenset(self.some((*SKU_LABELS, "*", "*"), 30)),
                return_unit_cents=self.pick((0, 10, 95)),
                recondition_unit_cents=self.pick((0, 60, 400)),
            )
            for node in network.nodes
        )
        return replace(network, nodes=nodes, return_services=services)

    def service(self, service_id: str, zone_ids: Sequence[str]) -> Service:
        lanes = tuple(self.lane(zone_ids) for _ in range(self.pick((1, 2, 1, 2, 3, 0))))
        labels = frozenset(self.some(SKU_LABELS, 10))
        return Service(service_id=service_id, excluded_sku_labels=labels, lanes=lanes)

    def lane(self, zone_ids: Sequence[str]) -> Lane:
        limits = sorted({self.pick((5000, 30_000, 2000, 1000)), *self.some((500, 1000, 2000), 40)})
        zoned = bool(zone_ids)
        return Lane(
            from_zones=frozenset(self.some_of(zone_ids)) if zoned and self.chance(15) else frozenset(),
            to_zones=frozenset(self.some_of(zone_ids)) if zoned and self.chance(15) else frozenset(),
            max_distance_m=self.pick((None, None, None, 900_000, 400_000, 3_000)),
            transit_seconds=self.pick((86_400, 0, 43_200, 250_000)),
            brackets=tuple(Bracket(up_to_grams=g, cents=self.integer(0, 1500)) for g in limits),
        )

    def rules(self) -> RuleSet:
        rules = self.world.rules
        profiles = tuple(p.model_copy(update={"returns": self.section()}) for p in rules.profiles)
        return rules.model_copy(update={"profiles": profiles})

    def section(self) -> ReturnRules:
        kinds = ("return_shipping", "transfer", "return_handling", "reconditioning", "worth", "worth")
        kinds += ("stock_need", "follow_source", "split")
        picked = [*self.most(kinds, 75), *self.some(("worth", "stock_need", "split"), 20)]
        return ReturnRules.model_validate(
            {
                "eligibility": [self.rule(i) for i in range(self.pick((0, 0, 0, 1, 1, 2)))],
                "objectives": [self.objective(kind) for kind in picked],
                "limits": {
                    "max_places": self.pick((200, 3, 2, 1)),
                    "drop_off_km": self.pick((Decimal(25), Decimal(1), Decimal(700), self.some_km())),
                },
            }
        )

    def some_km(self) -> Decimal:
        return max(Decimal(self.pick(self.metres)), Decimal(1)) / 1000

    def selector(self) -> dict[str, Any]:
        choices: tuple[dict[str, Any], ...] = (
            {},
            {"types": ["STORE", "WAREHOUSE"]},
            {"labels": [self.pick(NODE_LABELS)]},
            {"ids": [self.pick(self.world.network.nodes).node_id]},
        )
        return self.pick(choices)

    def skus(self) -> dict[str, Any]:
        return {"labels": [self.pick(SKU_LABELS)]} if self.chance(20) else {}

    def conditions(self) -> list[str]:
        return [c.name for c in self.some_of(CONDITIONS)] if self.chance(40) else []

    def rule(self, i: int) -> dict[str, Any]:
        kind = self.pick(("exclude_returns", "accept_returns", "max_distance"))
        more = {"km": self.pick((Decimal(300), self.some_km()))} if kind == "max_distance" else {}
        return {
            "kind": kind,
            "name": f"rule {i}",
            "nodes": self.selector(),
            "skus": self.skus(),
            "conditions": self.conditions(),
            **more,
        }

    def objective(self, kind: str) -> dict[str, Any]:
        weight = {"kind": kind, "weight": self.pick((1, 1, Decimal("0.37"), 2))}
        if kind == "worth":
            return {
                "kind": kind,
                "nodes": self.selector(),
                "skus": self.skus(),
                "conditions": self.conditions(),
                "percent": self.pick((100, 50, Decimal("12.5"), 0)),
                "reconditioned_percent": self.pick((None, 90, 100)),
            }
        if kind == "stock_need":
            return {
                **weight,
                "nodes": self.selector(),
                "cents": self.pick((100, 333, 5)),
                "target_units": self.pick((4, 1, 9)),
            }
        if kind in ("follow_source", "split"):
            return {**weight, "cents": self.pick((150, 40, 1000))}
        return weight

    def request(self, network: Network) -> Return:
        items = [self.item(i) for i in range(self.size(self.lines))]
        at_home = self.chance(65)
        original: tuple[OriginalShipment, ...] = ()
        if self.chance(50):
            original = self.original(items)
            items = [
                replace(item, original_node_id="")
                if any(p.line_id == item.line_id for s in original for p in s.picks)
                else replace(item, original_node_id="", returned_before=0)
                for item in items
            ]
        return Return(
            items=tuple(items),
            from_place=self.world.order.destination if at_home else None,
            drop_off_node_id="" if at_home else self.pick(network.nodes).node_id,
            original=original,
            together=self.chance(20),
            sourcing_profile=self.pick(("", "second")),
            max_plans=self.pick((1, 3, 8)),
        )

    def item(self, i: int) -> ReturnItem:
        nodes = self.world.network.nodes
        return ReturnItem(
            line_id=f"L{i}",
            sku_id=self.pick(tuple(self.world.skus)),
            quantity=self.integer(1, 3),
            condition=self.pick(CONDITIONS),
            unit_value_cents=self.pick((None, None, 700, 1999)),
            original_node_id=self.pick(("", self.pick(nodes).node_id)),
            returned_before=self.pick((0, 0, 1)),
        )

    def original(self, items: Sequence[ReturnItem]) -> tuple[OriginalShipment, ...]:
        """One or two shipments that sent enough of everything: under the item's line, or another."""
        nodes = self.world.network.nodes
        shares: list[list[OriginalPick]] = [[], []]
        for item in items:
            units = item.quantity + item.returned_before + self.integer(0, 1)
            first = self.integer(0, units)
            line_id = item.line_id if self.chance(70) else f"other {item.line_id}"
            for share, count in zip(shares, (first, units - first), strict=True):
                if count:
                    value = self.pick((None, 500, 0))
                    share.append(
                        OriginalPick(
                            line_id=line_id, sku_id=item.sku_id, quantity=count, unit_value_cents=value
                        )
                    )
        return tuple(
            OriginalShipment(
                node_id=self.pick(nodes).node_id,
                service_id="S0",
                picks=tuple(share),
                shipping_cents=self.integer(0, 999),
            )
            for share in shares
            if share
        )
