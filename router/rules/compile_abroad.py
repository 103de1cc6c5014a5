"""What strategies say about countries that goods are sent to. Kernels know nothing of it: it is part of a
scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.countries import COUNTRY_CODES
from router.kernels.types import FIRST_RULE_BIT
from router.rules.compile import weighted
from router.rules.compile_eligibility import ClassTable, Universe
from router.rules.model import AllowCountries, Duty, ExcludeCountries, Strategy

I64 = NDArray[np.int64]
PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Barrier:
    """A rule about countries. bit: its reason. where: bool[K, N]."""

    rule: AllowCountries | ExcludeCountries
    bit: int
    where: NDArray[np.bool_]

    def bars(self, country: str) -> bool:
        """Goods that go there?"""
        return (country in self.rule.countries) == isinstance(self.rule, ExcludeCountries)


@dataclass(frozen=True, slots=True)
class Tariff:
    """An objective ``duty``, weighted. rate_ppm: of the value. where: bool[K, N]."""

    countries: frozenset[str]
    rate_ppm: int
    line_cents: int
    where: NDArray[np.bool_]

    def counts(self, country: str) -> bool:
        """For goods that go there?"""
        return not self.countries or country in self.countries


@dataclass(frozen=True, slots=True)
class Abroad:
    """By strategy. touched: bool[countries + 1], destinations of which a strategy says something; touches:
    there are any."""

    barriers: tuple[tuple[Barrier, ...], ...]
    tariffs: tuple[tuple[Tariff, ...], ...]
    touched: NDArray[np.bool_]
    touches: bool

    def bits(self, strategy_ix: int, country: str, sku_class: I64, nodes: I64) -> NDArray[np.uint64]:
        """uint64[k, n]: reasons against SKUs of these classes at these nodes, for a destination."""
        found = np.zeros((len(sku_class), len(nodes)), np.uint64)
        for barrier in self.barriers[strategy_ix]:
            if barrier.bars(country):
                found[barrier.where[np.ix_(sku_class, nodes)]] |= np.uint64(1 << barrier.bit)
        return found

    def cents(
        self,
        strategy_ix: int,
        country: str,
        sku_class: I64,
        value_cents: I64,
        nodes: I64,
        foreign: NDArray[np.bool_],
    ) -> tuple[I64, I64]:
        """(of an order line, of a unit), both int64[k, n]; foreign: bool[n], nodes in other countries."""
        shape = (len(sku_class), len(nodes))
        line, unit = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for tariff in self.tariffs[strategy_ix]:
            if tariff.counts(country):
                here = tariff.where[np.ix_(sku_class, nodes)] & foreign
                line += np.where(here, tariff.line_cents, 0)
                unit += np.where(here, (value_cents * tariff.rate_ppm // PPM)[:, None], 0)
        return line, unit


def compile_abroad(strategies: Sequence[Strategy], universe: Universe, classes: ClassTable) -> Abroad:
    """The rules of all strategies, in their order."""

    def where(rule: AllowCountries | ExcludeCountries | Duty) -> NDArray[np.bool_]:
        return np.outer(classes.matching[rule.skus], universe.nodes(rule.nodes))

    barriers, tariffs = [], []
    for strategy in strategies:
        barriers.append(
            tuple(
                Barrier(rule, FIRST_RULE_BIT + r, where(rule))
                for r, rule in enumerate(strategy.eligibility)
                if isinstance(rule, AllowCountries | ExcludeCountries)
            )
        )
        tariffs.append(
            tuple(
                Tariff(
                    frozenset(goal.countries),
                    weighted(goal.percent * 10_000, goal.weight),
                    weighted(goal.line_cents, goal.weight),
                    where(goal),
                )
                for goal in strategy.objectives
                if isinstance(goal, Duty)
            )
        )
    touched = np.zeros(len(universe.countries) + 1, bool)
    homes = np.array([node.country for node in universe.network.nodes])
    for name in COUNTRY_CODES:
        barred = any(b.bars(name) and b.where.any() for own in barriers for b in own)
        foreign = homes != name
        dear = any(d.counts(name) and d.where[:, foreign].any() for own in tariffs for d in own)
        touched[universe.countries.find(name)] = barred or dear
    return Abroad(tuple(barriers), tuple(tariffs), touched, bool(touched.any()))
