"""The engine is exact where nodes' days are full: equal to brute force, with a proof, and clean before the
verifier; backlog that rolls on, nodes that are switched off, deliveries that fight over a day, and prices of
busy nodes among them, with and without goods that come later.

``python -m bench.exactness`` does the same for as long as one likes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from router.domain import Decision, Plan, Shipment
from router.sourcer import decide
from tests.engine import snapshot_of
from tests.oracle_capacity import Loads, States, Workshop
from tests.oracle_dates import SlowCalendar
from tests.property.comparison import CAPACITY_KINDS, PATIENT, against_force, world_of
from tests.worlds import World

WORLDS = {
    "capacity": 150,
    "open capacity": 150,
    "quick capacity": 220,
    "split by capacity": 150,
    "busy nodes": 180,
    "capacity by the clock": 50,
    "capacity of deliveries": 150,
    "scarce days": 120,
    "capacity and supply": 150,
    "capacity everywhere": 50,
}
"""Seeds 0, 1, ... of each kind."""
RARE = {
    "capacity": {"UNSOURCEABLE", "FALLBACK", "switched off"},
    "open capacity": {"load price", "waiting price", "backlog", "full to the last"},
    "quick capacity": {
        "nothing for want of room",
        "backlog",
        "greater than a day",
    },
    "split by capacity": {"more parts", "later", "at once"},
    "busy nodes": {"load price", "waiting price", "PARTIAL", "FALLBACK"},
    "capacity by the clock": {"load price", "backlog"},
    "capacity of deliveries": {"PARTIAL", "one day for two", "load price", "backlog"},
    "scarce days": {"one day for two", "PARTIAL"},
    "capacity and supply": {"receipts", "waiting price", "backlog"},
    "capacity everywhere": {"switched off", "FALLBACK"},
}
"""What has to be seen several times, besides orders that wait for room and others that do not."""


def parts_of(plan: Plan) -> dict[tuple[str, str, int], list[Shipment]]:
    """By delivery, node and date."""
    parts: dict[tuple[str, str, int], list[Shipment]] = {}
    for shipment in plan.shipments:
        key = (shipment.delivery_id, shipment.node_id, shipment.supply_seconds)
        parts.setdefault(key, []).append(shipment)
    return parts


def features(world: World, plan: Plan) -> Iterator[str]:
    """What is special about an answer."""
    parts = parts_of(plan)
    if parts:
        yield "later" if any(date for _, _, date in parts) else "at once"
    if len({part[:2] for part in parts}) < len(parts):
        yield "at two dates"
    if plan.cost.node_load_cents:
        yield "load price"
    if plan.cost.waiting_cents:
        yield "waiting price"
    if any(pick.receipts for shipment in plan.shipments for pick in shipment.picks):
        yield "receipts"
    off = {node_id for node_id, until in world.off.items() if until > world.now_seconds}
    if any(world.stock.get((line.sku_id, node_id), 0) > 0 for line in world.order.lines for node_id in off):
        yield "switched off"
    yield from of_days(world, parts)


def of_days(world: World, parts: dict[tuple[str, str, int], list[Shipment]]) -> Iterator[str]:
    """What is special about the days of its nodes."""
    workshop = Workshop(world.network, world.now_seconds, States(world.free, world.backlog, world.off))
    nodes = {node.node_id: node for node in world.network.nodes}
    loads: Loads = Counter()
    takers: Counter[tuple[str, object]] = Counter()
    for (_, node_id, date), shipments in parts.items():
        units: Counter[str] = Counter()
        for pick in (pick for shipment in shipments for pick in shipment.picks):
            units[pick.sku_id] += pick.quantity
        at = date or SlowCalendar(world.network, world.now_seconds).origin_seconds
        own = workshop.brought(nodes[node_id], at, units)
        loads += own
        takers.update({(node_id, day) for _, day, _ in own})
        if any(most < sum(units.values()) and kind.name == "UNITS" for kind, most in nodes[node_id].capacity):
            yield "greater than a day"
        if any(world.backlog.get((node_id, kind), 0) for kind, _ in nodes[node_id].capacity):
            yield "backlog"
    if any(load == workshop.room(nodes[name], kind, day) for (name, day, kind), load in loads.items()):
        yield "full to the last"
    if takers and max(takers.values()) > 1:
        yield "one day for two"


def unlimited(world: World) -> Decision:
    """The answer where every day of every node has room."""
    nodes = tuple(replace(node, capacity=()) for node in world.network.nodes)
    free = replace(world, network=replace(world.network, nodes=nodes), free={}, backlog={})
    return decide(free.order, snapshot_of(free), free.now_seconds, PATIENT)


@pytest.mark.parametrize("kind", CAPACITY_KINDS)
def test_every_answer_is_that_of_brute_force(kind: str) -> None:
    seen: Counter[str] = Counter()
    for seed in range(WORLDS[kind]):
        world = world_of(kind, seed)
        outcome = against_force(world)
        assert outcome.against == (), f"world_of({kind!r}, {seed})"
        seen[outcome.status.name] += 1
        seen["FALLBACK"] += outcome.strategies_tried > 1
        seen.update(set(features(world, outcome.plan)))
        without = unlimited(world).plan
        seen["more parts"] += len(parts_of(outcome.plan)) > len(parts_of(without)) > 0
        seen["nothing for want of room"] += not outcome.plan.shipments and bool(without.shipments)
    wanted = RARE[kind] | {"SOURCED", "later", "at once"}
    assert min(seen[name] for name in wanted) >= 3, seen
