"""What the sources of a scene cost besides what rules say of their nodes: for their dates, for the
border between them and the place, and for their offers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.calendar import DAY_SECONDS
from router.cost import Part
from router.network import LoadKind
from router.places import Place
from router.question import Question
from router.rules.compile import weighted
from router.rules.compile_eligibility import matches_node
from router.rules.model import NodeLoad, Substitution, Waiting

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SourcePrices:
    """Weighted cents by source, for kernels a part of handling. load: int64[kinds, n], of a shipment, a line
    and a unit, for how busy its day is. waiting: int64[n], of a unit, for the days until its date. duty_line,
    duty_unit, goods: int64[s, n], of an order line, a unit and a unit of the scene's SKUs; goods by the
    offers of nodes. substitution: int64[s], of a unit."""

    load: I64
    waiting: I64
    duty_line: I64
    duty_unit: I64
    goods: I64
    substitution: I64

    @property
    def unit(self) -> I64:
        """int64[s, n]: of a unit, by all but the load."""
        return self.waiting + self.duty_unit + self.goods + self.substitution[:, None]

    def told(self, source: int, picks: Iterable[tuple[int, int]]) -> dict[Part, int]:
        """Cents of a shipment of (row of a SKU, units) for each order line."""
        lines = list(picks)
        units = sum(n for _, n in lines)
        duty = sum(self.duty_line[s, source] + self.duty_unit[s, source] * n for s, n in lines)
        return {
            Part.NODE_LOAD: int(self.load[:, source] @ (1, len(lines), units)),
            Part.WAITING: int(self.waiting[source]) * units,
            Part.DUTY: int(duty),
            Part.PURCHASE: int(sum(self.goods[s, source] * n for s, n in lines)),
            Part.SUBSTITUTION: int(sum(self.substitution[s] * n for s, n in lines)),
        }


def source_prices(question: Question, place: Place, skus: I64, nodes: I64, dates: I64) -> SourcePrices:
    """Of sources for a place."""
    snapshot, goals = question.snapshot, question.strategy.objectives
    each = sum(weighted(goal.cents_per_day, goal.weight) for goal in goals if isinstance(goal, Waiting))
    days = -(-(dates - question.origin_seconds) // DAY_SECONDS)
    compiled, country = snapshot.compiled, place.destination.country
    foreign = compiled.network.node_country[nodes] != compiled.countries.find(country)
    line, unit = compiled.abroad.cents(
        question.strategy_ix,
        country,
        compiled.catalogue.sku_class[skus].astype(np.int64),
        compiled.catalogue.unit_value_cents[skus].astype(np.int64),
        nodes,
        foreign,
    )
    asked = compiled.offers.unit_cents(question.strategy_ix, skus, nodes)
    load = _load_prices(question, nodes, dates)
    return SourcePrices(load, each * days, line, unit, asked, _substitution(question, skus))


def _substitution(question: Question, skus: I64) -> I64:
    cents = sum(
        weighted(g.cents, g.weight) for g in question.strategy.objectives if isinstance(g, Substitution)
    )
    instead = [line.sku_id for line in question.order.lines if line.ordered_sku_id]
    return np.where(np.isin(skus, question.snapshot.catalogue.ids.find_many(instead)), cents, 0)


def _load_prices(question: Question, nodes: I64, dates: I64) -> I64:
    goals = question.strategy.objectives
    busy = [(g, weighted(g.cents, g.weight)) for g in goals if isinstance(g, NodeLoad)]
    load = np.zeros((len(LoadKind), len(nodes)), np.int64)
    for row, (node, date) in enumerate(zip(nodes.tolist(), dates.tolist(), strict=True) if busy else ()):
        known = question.snapshot.network.nodes[node]
        for kind, capacity in known.capacity:
            room = question.rooms.room(node, kind, question.rooms.day_of(node, date))
            for goal, most in busy:
                taken = 100 * (capacity - room) - goal.from_percent * capacity
                if taken > 0 and matches_node(goal.nodes, known):
                    load[kind, row] += min(most, most * taken // ((100 - goal.from_percent) * capacity))
    return load
