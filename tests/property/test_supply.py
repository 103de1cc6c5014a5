"""The engine is exact with supply by date: equal to brute force, with a proof, and clean before the verifier;
goods that are owed already, receipts at the same time, overdue ones and parts at several dates among them.

``python -m bench.exactness`` does the same for as long as one likes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from router.domain import Pick, Plan, Shipment
from tests.property.comparison import SUPPLY_KINDS, against_force, world_of
from tests.worlds import World

WORLDS = {
    "supply": 250,
    "open supply": 250,
    "whole supply": 200,
    "supply in parts": 250,
    "supply at a price": 150,
    "supply by the clock": 100,
    "supply of deliveries": 480,
    "scarce supply": 250,
    "supply everywhere": 110,
}
"""Seeds 0, 1, ... of each kind."""
RARE = {
    "supply": {"UNSOURCEABLE", "FALLBACK", "owed"},
    "open supply": {"owed", "several parts"},
    "whole supply": {"PARTIAL", "FALLBACK", "owed"},
    "supply in parts": {"a node at two dates", "mixed", "PARTIAL"},
    "supply at a price": {"stock price"},
    "supply by the clock": {"several parts", "mixed", "owed"},
    "supply of deliveries": {"window", "PICKUP", "SHIP_TO_STORE", "PICKUP_POINT"},
    "scarce supply": {"stock of one row", "PARTIAL"},
    "supply everywhere": {"PARTIAL", "FALLBACK"},
}
"""What has to be seen several times, besides goods that wait, of receipts and backordered, for a price."""
ONCE = {"supply by the clock": {"at the origin"}}
"""What has to be seen at all."""


def features(world: World, plan: Plan) -> Iterator[str]:
    """What is special about an answer."""
    waiting = [s for s in plan.shipments if s.supply_seconds]
    picks = [(s, pick) for s in plan.shipments for pick in s.picks]
    yield from {s.method.name for s in waiting}
    if waiting:
        yield "later"
    if plan.cost.waiting_cents:
        yield "priced"
    if len({(s.delivery_id, s.node_id, s.supply_seconds) for s in plan.shipments}) > len(
        {s.delivery_id for s in plan.shipments}
    ):
        yield "several parts"
    if len({(s.delivery_id, s.node_id, s.supply_seconds) for s in plan.shipments}) > len(
        {(s.delivery_id, s.node_id) for s in plan.shipments}
    ):
        yield "a node at two dates"
    windows = {d.delivery_id for d in world.order.deliveries if d.earliest_seconds}
    if any(s.delivery_id in windows for s in waiting):
        yield "window"
    rows = {(s.delivery_id, s.node_id, pick.sku_id) for s, pick in picks}
    if waiting and len({row[1:] for row in rows}) < len(rows):
        yield "stock of one row"
    for shipment, pick in picks:
        yield from made_of(world, shipment, pick)


def made_of(world: World, shipment: Shipment, pick: Pick) -> Iterator[str]:
    """What is special about where units come from."""
    if pick.receipts:
        yield "receipts"
        if not shipment.supply_seconds:
            yield "at the origin"
    if pick.backordered_quantity:
        yield "backordered"
    if (pick.on_hand_quantity > 0) + bool(pick.receipts) + (pick.backordered_quantity > 0) > 1:
        yield "mixed"
    if world.stock.get((pick.sku_id, shipment.node_id), 0) < 0:
        yield "owed"


@pytest.mark.parametrize("kind", SUPPLY_KINDS)
def test_every_answer_is_that_of_brute_force(kind: str) -> None:
    seen: Counter[str] = Counter()
    for seed in range(WORLDS[kind]):
        world = world_of(kind, seed)
        outcome = against_force(world)
        assert outcome.against == (), f"world_of({kind!r}, {seed})"
        seen[outcome.status.name] += 1
        seen["FALLBACK"] += outcome.strategies_tried > 1
        seen["stock price"] += outcome.plan.cost.stock_price_cents > 0
        seen.update(set(features(world, outcome.plan)))
    wanted = RARE[kind] | {"SOURCED", "later", "receipts", "backordered", "priced"}
    assert min(seen[name] for name in wanted) >= 3, seen
    assert ONCE.get(kind, set()) <= set(seen), seen
