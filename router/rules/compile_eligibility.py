"""Hard rules to bits: who may supply what, by which services and methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.catalogue import Catalogue
from router.columns import IdIndex
from router.domain import DeliveryMethod
from router.kernels.geo import chord2_within
from router.kernels.types import (
    ANYWHERE,
    BIT_INSUFFICIENT,
    DYN_MAX_DISTANCE,
    DYN_MIN_REMAINING,
    DYN_SAME_COUNTRY,
    FIRST_RULE_BIT,
)
from router.network import Network, Node, Service
from router.rules import model
from router.rules.model import NodeSelector, SkuSelector, Strategy

ELSEWHERE = (
    model.ExcludeServices,
    model.AllowMethods,
    model.ExcludeMethods,
    model.AllowCountries,
    model.ExcludeCountries,
)
"""See _services, MethodRules and compile_abroad."""


def matches_node(selector: NodeSelector, node: Node) -> bool:
    """Every stated key must match; within a key any entry is enough."""
    return (
        (not selector.ids or node.node_id in selector.ids)
        and (not selector.types or node.node_type.name in selector.types)
        and (not selector.groups or not node.groups.isdisjoint(selector.groups))
        and (not selector.labels or not node.labels.isdisjoint(selector.labels))
        and (not selector.countries or node.country in selector.countries)
    )


@dataclass(frozen=True, slots=True)
class Universe:
    """What rules may speak of."""

    network: Network
    countries: IdIndex
    segments: IdIndex

    def nodes(self, selector: NodeSelector) -> NDArray[np.bool_]:
        """bool[N]."""
        return np.array([matches_node(selector, n) for n in self.network.nodes], bool)


@dataclass(frozen=True, slots=True)
class ClassTable:
    """SKUs that all selectors treat alike share one of ``count`` = K classes. ``class_of_sku`` is int16[S];
    ``matching[selector]`` and ``service_excludes[service id]`` are bool[K]."""

    count: int
    class_of_sku: NDArray[np.int16]
    matching: dict[SkuSelector, NDArray[np.bool_]]
    service_excludes: dict[str, NDArray[np.bool_]]

    @classmethod
    def of(cls, catalogue: Catalogue, network: Network, strategies: Sequence[Strategy]) -> ClassTable:
        """Label sets are told apart once; only SKUs that a rule names by id are looked at singly."""
        duties = (goal for t in strategies for goal in t.objectives if isinstance(goal, model.Duty))
        ruled = (rule for t in strategies for rule in (*t.eligibility, *t.supply))
        selectors = sorted({rule.skus for rule in (*ruled, *duties)}, key=repr)
        services = network.services
        named = sorted({sku_id for s in selectors for sku_id in s.ids})
        class_of: dict[tuple[bool, ...], int] = {}

        def class_ix(sku_id: str | None, labels: frozenset[str]) -> int:
            key = tuple(
                (not s.ids or sku_id in s.ids) and (not s.labels or not labels.isdisjoint(s.labels))
                for s in selectors
            ) + tuple(not labels.isdisjoint(v.excluded_sku_labels) for v in services)
            return class_of.setdefault(key, len(class_of))

        by_label_set = np.array([class_ix(None, labels) for labels in catalogue.label_sets], np.int16)
        class_of_sku = by_label_set[catalogue.label_set_ix]
        for sku_id in named:
            row = catalogue.ids.find(sku_id)
            if row >= 0:
                labels = catalogue.label_sets[catalogue.label_set_ix[row]]
                class_of_sku[row] = class_ix(sku_id, labels)
        table = np.array(list(class_of), bool).reshape(len(class_of), len(selectors) + len(services))
        return cls(
            len(class_of),
            class_of_sku,
            {s: table[:, i] for i, s in enumerate(selectors)},
            {v.service_id: table[:, len(selectors) + i] for i, v in enumerate(services)},
        )


def eligibility_columns(
    strategies: Sequence[Strategy], universe: Universe, classes: ClassTable
) -> dict[str, NDArray[Any]]:
    nodes = universe.network.nodes
    shape = (len(strategies), classes.count, len(nodes))
    static = np.zeros(shape, np.uint64)
    near = np.full(shape, ANYWHERE)
    keep = np.zeros(shape, np.int64)
    home = np.zeros(shape, np.uint8)
    soft = np.full(len(strategies), 1 << BIT_INSUFFICIENT, np.uint64)
    start, kinds, bits, units, chords, applies = [0], [], [], [], [], []
    for t, strategy in enumerate(strategies):
        for r, rule in enumerate(strategy.eligibility):
            bit = FIRST_RULE_BIT + r
            lines = classes.matching[rule.skus]
            if isinstance(rule, ELSEWHERE):
                continue
            where = np.outer(lines, universe.nodes(rule.nodes))
            if isinstance(rule, model.AllowNodes):
                static[t][np.outer(lines, ~universe.nodes(rule.nodes))] |= np.uint64(1 << bit)
            elif isinstance(rule, model.ExcludeNodes):
                static[t][where] |= np.uint64(1 << bit)
            else:
                kind, count, chord = _dynamic(rule)
                if kind == DYN_MIN_REMAINING:
                    soft[t] |= np.uint64(1 << bit)
                    keep[t][where] = np.maximum(keep[t][where], count)
                elif kind == DYN_MAX_DISTANCE:
                    near[t][where] = np.minimum(near[t][where], chord)
                else:
                    home[t][where] = 1
                kinds.append(kind)
                bits.append(bit)
                units.append(count)
                chords.append(chord)
                applies.append(where)
        start.append(len(kinds))
    return {
        "static_bits": static,
        "soft_bits": soft,
        "near_chord2": near,
        "keep_units": keep,
        "home_only": home,
        "dynamic_start": np.array(start, np.int32),
        "dynamic_kind": np.array(kinds, np.int64),
        "dynamic_bit": np.array(bits, np.int64),
        "dynamic_units": np.array(units, np.int64),
        "dynamic_chord2": np.array(chords, np.float64),
        "dynamic_applies": np.array(applies, np.uint8).reshape(len(kinds), classes.count, len(nodes)),
        **_services(strategies, universe.network.services, classes),
    }


def _services(
    strategies: Sequence[Strategy], services: Sequence[Service], classes: ClassTable
) -> dict[str, NDArray[Any]]:
    """Which services take which SKUs, and the rules among the reasons."""
    service_ok = np.ones((len(strategies), classes.count, len(services)), np.uint8)
    service_bits = np.zeros((len(strategies), classes.count), np.uint64)
    for t, strategy in enumerate(strategies):
        for v, service in enumerate(services):
            service_ok[t, classes.service_excludes[service.service_id], v] = 0
        for r, rule in enumerate(strategy.eligibility):
            if isinstance(rule, model.ExcludeServices):
                lines = classes.matching[rule.skus]
                for v, service in enumerate(services):
                    if _names_service(rule, service):
                        service_ok[t, lines, v] = 0
                service_bits[t, lines] |= np.uint64(1 << (FIRST_RULE_BIT + r))
    return {"service_ok": service_ok, "service_bits": service_bits}


def _names_service(rule: model.ExcludeServices, service: Service) -> bool:
    return service.service_id in rule.services or not service.labels.isdisjoint(rule.labels)


def _dynamic(rule: model.MaxDistance | model.SameCountry | model.MinRemaining) -> tuple[int, int, float]:
    """Kind, units and squared chord of a rule that looks at the order."""
    if isinstance(rule, model.MaxDistance):
        return DYN_MAX_DISTANCE, 0, chord2_within(int(rule.km * 1000))
    if isinstance(rule, model.SameCountry):
        return DYN_SAME_COUNTRY, 0, 0.0
    return DYN_MIN_REMAINING, rule.units, 0.0


@dataclass(frozen=True, slots=True)
class MethodRules:
    """static_bits: uint64[T, methods + 1, K, N], as in RuleArrays, for each delivery method. keep_units:
    int64[T, K, N], not looking at static_bits."""

    static_bits: NDArray[np.uint64]
    keep_units: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        strategies: Sequence[Strategy],
        universe: Universe,
        classes: ClassTable,
        eligibility: dict[str, NDArray[Any]],
    ) -> MethodRules | None:
        """None when no rule speaks of methods. ``eligibility``: what the other rules make."""
        kinds = (model.AllowMethods, model.ExcludeMethods)
        if not any(isinstance(rule, kinds) for t in strategies for rule in t.eligibility):
            return None
        methods = len(DeliveryMethod) + 1
        static = np.repeat(eligibility["static_bits"][:, None], methods, axis=1)
        for t, strategy in enumerate(strategies):
            for r, rule in enumerate(strategy.eligibility):
                if not isinstance(rule, kinds):
                    continue
                named = {DeliveryMethod[name] for name in rule.methods}
                where = np.outer(classes.matching[rule.skus], universe.nodes(rule.nodes))
                for method in DeliveryMethod:
                    if (method in named) == isinstance(rule, model.ExcludeMethods):
                        static[t, method][where] |= np.uint64(1 << (FIRST_RULE_BIT + r))
        return cls(static, eligibility["keep_units"])
