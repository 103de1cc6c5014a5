"""From units per node to a plan: shipments, services, arrivals, and the cost part by part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from router.compile import Compiled
from router.cost import Cost, Part
from router.domain import Order, Pick, Plan, Shipment
from router.kernels import prices
from router.kernels.geo import metres_of
from router.kernels.types import PlanArrays
from router.problem import Problem


def plan_from_arrays(order: Order, groups: list[int], out: PlanArrays, b: int, compiled: Compiled) -> Plan:
    """The plan that the kernels wrote for order b."""
    shipments = []
    for s in range(int(out.ship_start[b]), int(out.ship_start[b + 1])):
        mask = int(out.ship_groups[s])
        shipments.append(
            Shipment(
                node_id=compiled.node_ids[out.ship_node[s]],
                service_id=compiled.service_ids[out.ship_service[s]],
                picks=tuple(
                    Pick(line_id=line.line_id, sku_id=line.sku_id, quantity=line.quantity)
                    for line, g in zip(order.lines, groups, strict=True)
                    if mask >> g & 1
                ),
                parcel_count=int(out.ship_parcels[s]),
                weight_grams=int(out.ship_weight_grams[s]),
                distance_m=int(out.ship_distance_m[s]),
                arrival_seconds=int(out.ship_arrival_seconds[s]),
                cost=Cost.of(out.ship_parts[s].tolist()),
            )
        )
    return Plan(shipments=tuple(shipments), cost=Cost.of(out.parts[b].tolist()))


class Names(Protocol):
    """Ids of the nodes and services of a world."""

    @property
    def node_ids(self) -> Sequence[str]: ...
    @property
    def service_ids(self) -> Sequence[str]: ...


def assemble(
    problem: Problem, order: Order, names: Names, units: NDArray[np.int64], allowed_delay_cents: int
) -> Plan:
    """The plan that takes ``units`` (int64[C, L]) with the cheapest services whose delay costs at most
    ``allowed_delay_cents``; of equal ones the earlier, then the first. Raises ValueError when a shipment has
    no such service."""
    rules, t = problem.world.rules, problem.strategy_ix
    shipments: list[Shipment] = []
    delay = 0
    for row in np.flatnonzero(units.any(axis=1)):
        taken: dict[int, int] = defaultdict(int)
        for loads in _loads(problem, units[row]):
            weight = sum(q * int(problem.lines.unit_weight_grams[line]) for line, q in loads.items())
            service = _service(problem, int(row), loads, weight, allowed_delay_cents)
            delay = max(delay, int(problem.delay_cents[row, service]))
            shipments.append(_shipment(problem, order, names, int(row), loads, taken, service, weight))
    parts = [sum(values) for values in zip(*(s.cost.parts() for s in shipments), strict=True)]
    if not shipments:
        return Plan(shipments=(), cost=Cost())
    parts[Part.SPLIT] = int(rules.split_cents[t]) * (len(shipments) - 1)
    parts[Part.DELAY] = delay
    return Plan(shipments=tuple(shipments), cost=Cost.of(parts))


def _loads(problem: Problem, units: NDArray[np.int64]) -> list[dict[int, int]]:
    """Units by line of each shipment of a node, by first line: the joint one, and one per lone group."""
    joint: dict[int, int] = {}
    alone: dict[int, dict[int, int]] = {}
    for line in np.flatnonzero(units):
        where = alone.setdefault(int(problem.lines.group[line]), {}) if problem.lines.alone[line] else joint
        where[int(line)] = int(units[line])
    return sorted(([joint] if joint else []) + list(alone.values()), key=min)


def _service(problem: Problem, row: int, load: dict[int, int], weight_grams: int, allowed: int) -> int:
    net, rules = problem.world.network, problem.world.rules
    best: tuple[int, int, int] | None = None
    for v, lane in enumerate(problem.lane[row].tolist()):
        if lane < 0 or problem.delay_cents[row, v] > allowed:
            continue
        if not all(problem.lane_takes[lane, line] for line in load):
            continue
        cents = prices.tariff_cents(net, rules.bracket_cents[problem.strategy_ix], lane, weight_grams)
        key = (cents, int(problem.seconds[row, v]), v)
        best = key if best is None else min(best, key)
    if best is None:
        raise ValueError(f"no service carries lines {sorted(load)} from node row {row}")
    return best[2]


def _shipment(
    problem: Problem,
    order: Order,
    names: Names,
    row: int,
    load: dict[int, int],
    taken: dict[int, int],
    service: int,
    weight: int,
) -> Shipment:
    """``taken``: units of each SKU that left this node in earlier shipments; updated."""
    net, rules, t = problem.world.network, problem.world.rules, problem.strategy_ix
    node = int(problem.node_ix[row])
    lane = int(problem.lane[row, service])
    count = sum(load.values())
    chord2 = float(problem.chord2[row])
    depth = goods = worth = 0
    for line, quantity in load.items():
        sku = int(problem.lines.sku_ix[line])
        cls = problem.world.catalogue.sku_class[sku]
        goods += int(rules.line_cents[t, cls, node] + rules.unit_cents[t, cls, node] * quantity)
        worth += quantity * prices.stock_price(problem.world.stock, rules.price_weight[t], sku, node)
        have = int(problem.available[row, line])
        depth += prices.depth_price(rules, t, node, have, taken[sku], quantity)
        taken[sku] += quantity
    seconds = int(problem.seconds[row, service])
    return Shipment(
        node_id=names.node_ids[node],
        service_id=names.service_ids[service],
        picks=tuple(
            Pick(line_id=order.lines[line].line_id, sku_id=order.lines[line].sku_id, quantity=quantity)
            for line, quantity in load.items()
        ),
        parcel_count=prices.parcel_count(net, lane, weight),
        weight_grams=weight,
        distance_m=metres_of(chord2),
        arrival_seconds=problem.origin_seconds + seconds,
        cost=Cost(
            shipping_cents=prices.tariff_cents(net, rules.bracket_cents[t], lane, weight),
            handling_cents=int(
                rules.ship_handling_cents[t, node] + goods - rules.unit_priority_cents[t, node] * count
            ),
            stock_depth_cents=depth,
            stock_price_cents=worth,
            distance_cents=prices.distance_price(rules, t, chord2, 0)
            + count * prices.distance_price(rules, t, chord2, 1),
            node_priority_cents=int(
                rules.ship_priority_cents[t, node] + rules.unit_priority_cents[t, node] * count
            ),
        ),
    )
