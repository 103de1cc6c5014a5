"""Today's greedy policies on the same orders, the same stock and the same cost model as the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.baselines import Assignment, Available, CanSupply
from bench.geography import distance_m
from router.compile import Compiled
from router.domain import Order, Plan
from router.kernels.fill import first_strategy
from router.network import Node
from router.orders import order_arrays
from router.plan import assemble
from router.problem import Problem, build_problem
from router.snapshot import Snapshot
from router.verify.case import Case
from router.verify.supply import can_supply

Walk = Callable[[Order, Sequence[Node], Available, CanSupply], Assignment]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy did with one order. ``plan`` is None when nothing was sent."""

    order: Order
    plan: Plan | None
    units: int

    @property
    def complete(self) -> bool:
        return self.units == sum(line.quantity for line in self.order.lines)


class Rival:
    """A shop that sources by one greedy walk. It has its own copy of the stock and takes from it."""

    def __init__(self, walk: Walk, snapshot: Snapshot, now_seconds: int) -> None:
        self.walk = walk
        self.snapshot = snapshot
        self.now_seconds = now_seconds

    def source(self, order: Order) -> Outcome:
        """Walk, price by the strategy that the engine's rules choose for the order, take the stock."""
        snapshot, compiled = self.snapshot, self.snapshot.compiled
        columns = order_arrays([order], compiled, snapshot.catalogue, self.now_seconds)
        world, origin_seconds = snapshot.at(self.now_seconds)
        strategy_ix = first_strategy(world, columns, 0)
        if strategy_ix < 0:
            return Outcome(order, None, 0)
        strategy = compiled.strategies[strategy_ix]
        case = Case(
            order=order,
            network=snapshot.network,
            sku_of=snapshot.catalogue.sku,
            available=snapshot.available,
            now_seconds=self.now_seconds,
        )
        place = order.destination

        def may(node: Node, units: object) -> bool:
            metres = distance_m(node.latitude, node.longitude, place.latitude, place.longitude)
            return can_supply(case, strategy, node, units, int(metres + 0.5))  # type: ignore[arg-type]

        nodes = self._holders(order)
        assigned = self.walk(order, nodes, snapshot.available, may)
        if not assigned:
            return Outcome(order, None, 0)
        problem = build_problem(world, columns, 0, strategy_ix, origin_seconds)
        plan = _cheapest(problem, order, compiled, assigned)
        self._take(order, assigned)
        return Outcome(order, plan, sum(assigned.values()))

    def _holders(self, order: Order) -> list[Node]:
        """Nodes with a stock row of one of the SKUs: a walk gains nothing from the others."""
        stock, ids = self.snapshot.stock, self.snapshot.catalogue.ids
        rows: set[int] = set()
        for sku_ix in {ids.find(line.sku_id) for line in order.lines}:
            rows.update(stock.node_ix[stock.sku_start[sku_ix] : stock.sku_start[sku_ix + 1]].tolist())
        return [self.snapshot.network.nodes[row] for row in sorted(rows)]

    def _take(self, order: Order, assigned: Assignment) -> None:
        snapshot = self.snapshot
        sku_of = {line.line_id: snapshot.catalogue.ids.find(line.sku_id) for line in order.lines}
        for (line_id, node_id), units in assigned.items():
            sku_ix, node_ix = sku_of[line_id], snapshot.compiled.nodes.find(node_id)
            left = (snapshot.stock.get(sku_ix, node_ix) or 0) - units
            snapshot.stock.set_available(sku_ix, node_ix, left)


def _cheapest(problem: Problem, order: Order, compiled: Compiled, assigned: Assignment) -> Plan:
    """The units as assigned, by the services that make the whole plan cheapest."""
    row_of = {compiled.node_ids[node]: row for row, node in enumerate(problem.node_ix.tolist())}
    line_ix = {line.line_id: i for i, line in enumerate(order.lines)}
    units = np.zeros(problem.cap.shape, np.int64)
    for (line_id, node_id), count in assigned.items():
        units[row_of[node_id], line_ix[line_id]] += count
    plans = []
    for allowed in np.unique(problem.delay_cents[problem.lane >= 0]).tolist():
        try:
            plans.append(assemble(problem, order, compiled, units, allowed))
        except ValueError:  # too little delay allowed for one of the shipments
            continue
    return min(plans, key=lambda plan: plan.total_cents)
