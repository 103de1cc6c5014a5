"""From the reason bits of a candidate to words: what was found, and what would have been needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from router.catalogue import Sku
from router.domain import DeliveryMethod, Order, OrderLine
from router.explanation import Rejection
from router.kernels.geo import metres_of
from router.kernels.routes import offer_of
from router.kernels.types import (
    BIT_INSUFFICIENT,
    BIT_NO_SERVICE,
    BIT_TOO_LATE,
    FIRST_RULE_BIT,
    Candidates,
    NetworkArrays,
    OrderArrays,
)
from router.network import HOME, Network, Node, Service
from router.rules import model
from router.snapshot import BIT_EXCLUDED, BIT_NO_CAPACITY, BIT_SWITCHED_OFF, Snapshot

CARRIAGE = 1 << BIT_NO_SERVICE | 1 << BIT_TOO_LATE


class Carriage(Protocol):
    """Why no way takes a line from a row."""

    def obstacles(self, row: int, node: Node) -> tuple[Rejection, set[str]]:
        """NO_SERVICE or TOO_LATE, and the names of the exclude_services rules that bar a way with a lane."""
        ...

    def method(self, row: int) -> DeliveryMethod:
        """By which the row serves the destination."""
        ...


@dataclass(frozen=True, slots=True)
class Refusals:
    """Words for one line shipped by itself, under one strategy. Rows are those of ``found``, which must still
    be what the line's ranking left there; ``nodes`` are those that ``found.node`` counts."""

    network: Network
    nodes: Sequence[Node]
    order: Order
    line: OrderLine
    strategy: model.Strategy
    carriage: Carriage
    found: Candidates

    def of_row(self, row: int) -> tuple[Rejection, ...]:
        """Everything against a candidate: facts first, then rules as they are stated."""
        bits = int(self.found.bits[row, 0])
        node = self.nodes[int(self.found.node[row])]
        available = int(self.found.available[row, 0])
        reasons: list[Rejection] = []
        if bits >> BIT_INSUFFICIENT & 1:
            wanted = f">= {units_text(self.line.quantity)}"
            reasons.append(_rejection("INSUFFICIENT_STOCK", "", units_text(available), wanted))
        if bits >> BIT_EXCLUDED & 1:
            reasons.append(_rejection("EXCLUDED", "", "", self._asked_again(node)))
        if bits >> BIT_SWITCHED_OFF & 1:
            reasons.append(_rejection("SWITCHED_OFF", "", "off", "on"))
        if bits >> BIT_NO_CAPACITY & 1:
            reasons.append(_rejection("NO_CAPACITY", "", "no room on that day", "room for one more"))
        barring: set[str] = set()
        if bits & CARRIAGE:
            fact, barring = self.carriage.obstacles(row, node)
            reasons.append(fact)
        for r, rule in enumerate(self.strategy.eligibility):
            if isinstance(rule, model.ExcludeServices):
                if rule.name in barring:
                    reasons.append(self._excluded_services(rule, node))
            elif bits >> (FIRST_RULE_BIT + r) & 1:
                value, threshold = self._words(rule, row, node, available)
                reasons.append(_rejection(rule.kind.upper(), rule.name, value, threshold))
        return tuple(reasons)

    def _asked_again(self, node: Node) -> str:
        """When an excluded node is."""
        until = [
            e.until_seconds
            for e in self.order.exclusions
            if e.node_id == node.node_id and e.sku_id in ("", self.line.sku_id)
        ]
        latest = max((seconds for seconds in until if seconds is not None), default=0)
        return "another node" if None in until else f"an order at {time_text(latest)} or later"

    def _words(self, rule: model.EligibilityRule, row: int, node: Node, available: int) -> tuple[str, str]:
        """Value and threshold of a rule that looks at nodes."""
        if isinstance(rule, model.AllowNodes):
            return facts_text(rule.nodes, node, failing=True), selector_text(rule.nodes)
        if isinstance(rule, model.ExcludeNodes):
            wanted = selector_text(rule.nodes)
            return facts_text(rule.nodes, node, failing=False), f"not ({wanted})" if wanted else "no node"
        if isinstance(rule, model.MaxDistance):
            return km_text(metres_of(self.found.chord2[row])), f"<= {plain(rule.km)} km"
        if isinstance(rule, model.SameCountry):
            return node.country, self.order.destination.country
        if isinstance(rule, model.MinRemaining):
            return f"{units_text(available - self.line.quantity)} left", f">= {units_text(rule.units)} left"
        if isinstance(rule, model.AllowMethods):
            return self.carriage.method(row).name, f"in {', '.join(rule.methods)}"
        if isinstance(rule, model.ExcludeMethods):
            return self.carriage.method(row).name, f"not in {', '.join(rule.methods)}"
        if isinstance(rule, model.AllowCountries):
            return self.order.destination.country, f"in {', '.join(rule.countries)}"
        if isinstance(rule, model.ExcludeCountries):
            return self.order.destination.country, f"not in {', '.join(rule.countries)}"
        raise TypeError(type(rule))

    def _excluded_services(self, rule: model.ExcludeServices, node: Node) -> Rejection:
        named = [
            service.service_id
            for service in self.network.services
            if service.service_id in node.services and names_service(rule, service)
        ]
        listed = ", ".join([*rule.services, *(f"label {label}" for label in rule.labels)])
        return _rejection("EXCLUDE_SERVICES", rule.name, ", ".join(named), f"a service other than {listed}")


@dataclass(frozen=True, slots=True)
class HomeCarriage:
    """Of order ``ix`` of ``orders``, one without deliveries; columns as they were ranked with."""

    snapshot: Snapshot
    order: Order
    sku: Sku
    orders: OrderArrays
    ix: int
    strategy_ix: int
    network: NetworkArrays
    origin_seconds: int
    found: Candidates

    def method(self, row: int) -> DeliveryMethod:
        return DeliveryMethod.SHIP

    def obstacles(self, row: int, node: Node) -> tuple[Rejection, set[str]]:
        said, barring = [], set()
        soonest: int | None = None
        for v, service in enumerate(self.snapshot.network.services):
            if service.service_id not in node.services or HOME not in service.serves:
                continue
            lane = self._lane(row, v)
            if lane < 0:
                said.append(f"{service.service_id} does not go there")
                continue
            obstacles, rules = exclusions(self.snapshot, self.strategy_ix, self.sku, service)
            barring.update(rules)
            arrays = self.network
            greatest = int(arrays.bracket_grams[arrays.bracket_start[lane + 1] - 1])
            if self.sku.weight_grams > greatest:
                obstacles.append(
                    f"takes at most {kg_text(greatest)}, a unit weighs {kg_text(self.sku.weight_grams)}"
                )
            if obstacles:
                said.append(f"{service.service_id} {' and '.join(obstacles)}")
                continue
            arrival = self.origin_seconds + int(self.found.seconds[row, v])
            soonest = arrival if soonest is None else min(soonest, arrival)
        return not_carried(said, soonest, self.order.deliver_by_seconds), barring

    def _lane(self, row: int, v: int) -> int:
        """The lane of a service that collects here, in time or not; -1 for none."""
        if self.found.lane[row, v] >= 0 or not self.found.late[row, v]:
            return int(self.found.lane[row, v])
        target = int(self.network.zone_class[self.orders.zone[self.ix]])
        offer = offer_of(self.network, target, int(self.found.node[row]), float(self.found.chord2[row]))
        return int(self.network.offer_lane[offer, v])


def exclusions(
    snapshot: Snapshot, strategy_ix: int, sku: Sku, service: Service
) -> tuple[list[str], list[str]]:
    """Why a service does not take a SKU, its weight aside, in words; and the names of the rules among it."""
    refused = sorted(service.excluded_sku_labels & sku.labels)
    said = [f"refuses {', '.join(refused)}"] if refused else []
    rules = [
        rule.name
        for rule in snapshot.compiled.strategies[strategy_ix].eligibility
        if isinstance(rule, model.ExcludeServices) and covers(rule.skus, sku) and names_service(rule, service)
    ]
    return said + [f"is excluded by rule {name!r}" for name in rules], rules


def not_carried(said: Sequence[str], soonest: int | None, latest: int | None) -> Rejection:
    """No way takes the line (``said``: why), or the soonest arrives too late (epoch seconds)."""
    if soonest is not None and latest is not None:
        return _rejection("TOO_LATE", "", time_text(soonest), f"<= {time_text(latest)}")
    value = "; ".join(said) or "no service collects here"
    return _rejection("NO_SERVICE", "", value, "a service that takes the line")


def _rejection(reason: str, rule_name: str, value: str, threshold: str) -> Rejection:
    return Rejection(reason=reason, rule_name=rule_name, value=value, threshold=threshold)


def covers(selector: model.SkuSelector, sku: Sku) -> bool:
    """Does a selector speak of a SKU?"""
    return (not selector.ids or sku.sku_id in selector.ids) and (
        not selector.labels or not sku.labels.isdisjoint(selector.labels)
    )


def names_service(rule: model.ExcludeServices, service: Service) -> bool:
    """By id or by label."""
    return service.service_id in rule.services or not service.labels.isdisjoint(rule.labels)


def selector_text(selector: model.NodeSelector) -> str:
    """``type in STORE, SUPPLIER and label in city``; empty for a selector that matches every node."""
    keys = (
        ("id", selector.ids),
        ("type", selector.types),
        ("group", selector.groups),
        ("label", selector.labels),
        ("country", selector.countries),
    )
    return " and ".join(f"{name} in {', '.join(wanted)}" for name, wanted in keys if wanted)


def facts_text(selector: model.NodeSelector, node: Node, *, failing: bool) -> str:
    """What a node has under the keys that a selector states; only those it fails, if asked."""
    keys: tuple[tuple[str, tuple[str, ...], frozenset[str]], ...] = (
        ("id", selector.ids, frozenset({node.node_id})),
        ("type", selector.types, frozenset({node.node_type.name})),
        ("group", selector.groups, node.groups),
        ("label", selector.labels, node.labels),
        ("country", selector.countries, frozenset({node.country})),
    )
    said = [
        f"{name} {', '.join(sorted(has)) or 'none'}"
        for name, wanted, has in keys
        if wanted and not (failing and not has.isdisjoint(wanted))
    ]
    return "; ".join(said) or "any node"


def units_text(units: int) -> str:
    """``1 unit``, ``3 units``."""
    return f"{units} unit" if units == 1 else f"{units} units"


def km_text(metres: int) -> str:
    """``412.307 km``."""
    return f"{metres // 1000}.{metres % 1000:03d} km"


def kg_text(grams: int) -> str:
    """``1.500 kg``."""
    return f"{grams // 1000}.{grams % 1000:03d} kg"


def time_text(seconds: int) -> str:
    """``2026-01-31T08:00:00Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(number: Decimal) -> str:
    """Without exponent or trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
