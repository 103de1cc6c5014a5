"""An order as the solver sees it: items, what each candidate may take of them, and at what cost.

An *item* is what is decided about as one number: a line that may be divided (its amount counts units), or a
group of lines that is taken whole (its amount is 0 or 1). Weights, units, values and all costs but those of
shipments, lines and stock depth are then linear in the amounts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from router.kernels.types import RuleArrays
from router.problem import Problem

I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Depth:
    """Stock depth in closed form: prefix sums of the price of the unit that leaves ``target - m`` behind."""

    rules: list[tuple[I64, int, Bools]] = field(default_factory=list)
    """(prefix sums int64[target + 1], target, bool[R] rows it speaks of) of each objective."""

    @classmethod
    def of(cls, rules: RuleArrays, t: int, node_ix: I64) -> Depth:
        found = []
        for d in range(int(rules.depth_start[t]), int(rules.depth_start[t + 1])):
            cents, target = int(rules.depth_cents[d]), int(rules.depth_target[d])
            applies = rules.depth_applies[d, node_ix].astype(bool)
            if cents > 0 and applies.any():
                steps = cents * np.arange(target + 1, dtype=np.int64) // target
                found.append((np.cumsum(steps), target, applies))
        return cls(found)

    def only(self, rows: I64) -> Depth:
        """For these rows only."""
        return Depth([(prefix, target, applies[rows]) for prefix, target, applies in self.rules])

    @property
    def greatest_target(self) -> int:
        return max((target for _, target, _ in self.rules), default=0)

    def cents(self, rows: I64, available: I64, units: I64) -> I64:
        """What taking ``units`` (at most ``available``) of a SKU costs at each row; shapes broadcast with
        ``rows`` along the first axis."""
        total = np.zeros(np.broadcast_shapes(available.shape, units.shape), np.int64)
        wide = (slice(None),) + (None,) * (total.ndim - 1)
        for prefix, target, applies in self.rules:
            before = np.clip(target - available, 0, target)
            after = np.clip(target - available + units, 0, target)
            total += np.where(applies[rows][wide], prefix[after] - prefix[before], 0)
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """R rows (candidates that can supply something), I items, J SKUs, V services, Λ lanes.

    | array | dtype, shape | meaning |
    |---|---|---|
    | rows | int64[R] | row of the problem |
    | lines_of | list of int64 | lines of an item |
    | need | int64[I] | amount that fills the item |
    | whole, alone | bool[I] | a group taken whole; travels alone |
    | must_fill, unbroken | bool[I] | every plan fills it; no plan fills a part of it only |
    | units, weight_grams, value_cents | int64[I] | per amount |
    | use | int64[I, J] | units of a SKU per amount |
    | most | int64[R, I] | greatest amount |
    | cents | int64[R, I] | cost per amount: units, and the lines of a whole group |
    | line_cents | int64[R, I] | once for a divided item with units in the row; 0 for a whole one |
    | ship_cents | int64[R] | per shipment before the tariff |
    | cap, available | int64[R, J] | units that may be taken; units that are there |
    | lane | int64[R, V] | -1: none in time |
    | delay_cents | int64[R, V] | |
    | takes | bool[Λ, I] | the item may travel by the lane |
    """

    problem: Problem
    rows: I64
    lines_of: list[I64]
    need: I64
    whole: Bools
    alone: Bools
    must_fill: Bools
    unbroken: Bools
    units: I64
    weight_grams: I64
    value_cents: I64
    use: I64
    most: I64
    cents: I64
    line_cents: I64
    ship_cents: I64
    cap: I64
    available: I64
    lane: I64
    delay_cents: I64
    takes: Bools
    depth: Depth
    split_cents: int
    max_nodes: int
    min_part_value_cents: int
    allow_partial: bool

    def filled_as_asked(self, amounts: I64) -> Bools:
        """bool[...]: do amounts int64[..., I] of the whole plan fill items as they have to be?"""
        full = amounts == self.need
        missing = ~full & (self.must_fill if self.allow_partial else np.ones_like(self.must_fill))
        broken = self.unbroken & ~full & (amounts > 0)
        asked: Bools = ~(missing | broken).any(axis=-1)
        return asked

    def without_broken(self, amounts: I64) -> I64:
        """A plan int64[R, I] without the items of which it has a part, where it must not."""
        filled = amounts.sum(axis=0)
        return np.where(self.unbroken & (filled < self.need), 0, amounts)

    @property
    def joint(self) -> Bools:
        """bool[I]: the item leaves in its node's common shipment."""
        return ~self.alone

    def only(self, rows: I64) -> Choices:
        """The same order with these rows only."""
        kept = (
            "rows",
            "most",
            "cents",
            "line_cents",
            "ship_cents",
            "cap",
            "available",
            "lane",
            "delay_cents",
        )
        return replace(
            self, depth=self.depth.only(rows), **{name: getattr(self, name)[rows] for name in kept}
        )

    def units_of(self, amounts: I64) -> I64:
        """int64[C, L] from amounts int64[R, I]."""
        problem = self.problem
        found = np.zeros((len(problem.node_ix), len(problem.lines.quantity)), np.int64)
        for item, lines in enumerate(self.lines_of):
            per_amount = problem.lines.quantity[lines] if self.whole[item] else np.ones(1, np.int64)
            found[np.ix_(self.rows, lines)] = amounts[:, item, None] * per_amount
        return found


def read_choices(problem: Problem) -> Choices:
    """Drop what no candidate can supply and sum up by item."""
    lines, rules, t = problem.lines, problem.world.rules, problem.strategy_ix
    lines_of = _items(problem)
    first = np.array([item[0] for item in lines_of])
    whole, alone = ~lines.divisible[first], lines.alone[first]
    skus, sku_of = np.unique(lines.sku_ix, return_inverse=True)
    use = np.zeros((len(lines_of), len(skus)), np.int64)
    for item, own in enumerate(lines_of):
        np.add.at(use[item], sku_of[own], lines.quantity[own] if whole[item] else 1)
    takes = np.stack([problem.lane_takes[:, own].all(axis=1) for own in lines_of], axis=1)
    cap = np.zeros((len(problem.node_ix), len(skus)), np.int64)
    available = np.zeros_like(cap)
    for line, j in enumerate(sku_of):
        cap[:, j] = np.maximum(cap[:, j], problem.cap[:, line])
        available[:, j] = problem.available[:, line]
    must_fill = np.array([lines.must_fill[own].any() for own in lines_of])
    unbroken = lines.unbroken[first] & ~whole
    need = np.where(whole, 1, lines.quantity[first])
    most = _most(problem, lines_of, whole, takes)
    most[:, unbroken & (most.sum(axis=0) < need)] = 0
    rows = np.flatnonzero(most.any(axis=1))

    def per_amount(per_unit: I64) -> I64:
        """Of int64[..., L]."""
        totals = [(per_unit[..., own] * lines.quantity[own]).sum(axis=-1) for own in lines_of]
        return np.where(whole, np.stack(totals, axis=-1), per_unit[..., first])

    each_line = np.stack([problem.line_cents[:, own].sum(axis=1) for own in lines_of], axis=1)
    return Choices(
        problem=problem,
        rows=rows,
        lines_of=lines_of,
        need=need,
        whole=whole,
        alone=alone,
        must_fill=must_fill,
        unbroken=unbroken,
        units=per_amount(np.ones_like(lines.quantity)),
        weight_grams=per_amount(lines.unit_weight_grams),
        value_cents=per_amount(lines.unit_value_cents),
        use=use,
        most=most[rows],
        cents=(per_amount(problem.unit_cents) + np.where(whole, each_line, 0))[rows],
        line_cents=np.where(whole, 0, each_line)[rows],
        ship_cents=problem.ship_cents[rows],
        cap=cap[rows],
        available=available[rows],
        lane=problem.lane[rows],
        delay_cents=np.where(problem.lane[rows] >= 0, problem.delay_cents[rows], 0),
        takes=takes,
        depth=Depth.of(rules, t, problem.node_ix[rows]),
        split_cents=int(rules.split_cents[t]),
        max_nodes=int(rules.max_nodes[t]),
        min_part_value_cents=int(rules.min_part_value_cents[t]),
        allow_partial=bool(rules.allow_partial[t]),
    )


def _items(problem: Problem) -> list[I64]:
    group = problem.lines.group
    return [np.flatnonzero(group == g) for g in range(int(group.max()) + 1)]


def _most(problem: Problem, lines_of: list[I64], whole: Bools, takes: Bools) -> I64:
    """int64[C, I]: the greatest amounts, looking at each item alone."""
    lines = problem.lines
    most = np.zeros((len(problem.node_ix), len(lines_of)), np.int64)
    if len(takes) == 0:
        return most
    for item, own in enumerate(lines_of):
        carried = ((problem.lane >= 0) & takes[problem.lane, item]).any(axis=1)
        if whole[item]:
            most[:, item] = carried & (problem.bits[:, own] == 0).all(axis=1)
        else:
            most[:, item] = np.where(carried, np.minimum(problem.cap[:, own[0]], lines.quantity[own[0]]), 0)
    return most
