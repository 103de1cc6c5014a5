"""The engine is exact with every place, method and date: equal to brute force, with a proof, and clean before
the verifier; deliveries that fight over stock, paths, windows and lateness among them.

``python -m bench.exactness`` does the same for as long as one likes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from router.domain import DeliveryMethod, LineFill, Plan
from tests.property.comparison import OMNICHANNEL_KINDS, against_force, world_of
from tests.worlds import World

WORLDS = {
    "omnichannel": 120,
    "deliveries": 500,
    "scarce deliveries": 200,
    "whole deliveries": 300,
    "prices for deliveries": 150,
    "hours": 60,
    "borders": 200,
    "exclusions": 150,
    "all at once": 60,
    "kits": 400,
    "kits for deliveries": 100,
    "hubs": 250,
    "hubs by the clock": 60,
    "substitutes": 200,
    "substitutes for deliveries": 120,
    "exclusions of deliveries": 150,
    "offers": 150,
    "offers for deliveries": 150,
    "fill": 300,
    "fill of deliveries": 200,
}
"""Seeds 0, 1, ... of each kind."""
RARE = {
    "omnichannel": {"SOURCED", "UNSOURCEABLE", "no deliveries"},
    "deliveries": {
        "PARTIAL",
        "path",
        "transfer",
        "late",
        "mistrust",
        "window",
        *(m.name for m in DeliveryMethod),
    },
    "scarce deliveries": {"SOURCED", "PARTIAL", "PICKUP", "SHIP_TO_STORE", "stock of one row"},
    "whole deliveries": {"SOURCED", "UNSOURCEABLE", "FALLBACK"},
    "prices for deliveries": {"SOURCED", "FALLBACK", "stock price"},
    "hours": {"SOURCED", "PARTIAL", "UNSOURCEABLE", "FALLBACK", "no deliveries"},
    "fill": {"SOURCED", "PARTIAL", "UNSOURCEABLE", "FALLBACK", "whole line in a partial answer"},
    "fill of deliveries": {"SOURCED", "PARTIAL", "UNSOURCEABLE"},
    "offers": {"SOURCED", "PARTIAL", "FALLBACK", "purchase"},
    "offers for deliveries": {"SOURCED", "FALLBACK", "purchase"},
    "all at once": {"SOURCED", "FALLBACK", "UNSOURCEABLE"},
    "kits": {"SOURCED", "PARTIAL", "UNSOURCEABLE", "kits", "some kits"},
    "kits for deliveries": {"SOURCED", "UNSOURCEABLE", "kits"},
    "hubs": {"SOURCED", "FALLBACK", "over a hub", "put together"},
    "hubs by the clock": {"SOURCED", "UNSOURCEABLE", "over a hub"},
    "substitutes": {"SOURCED", "PARTIAL", "FALLBACK", "UNSOURCEABLE", "substitute", "substitution"},
    "substitutes for deliveries": {"SOURCED", "UNSOURCEABLE", "substitute"},
    "exclusions": {"SOURCED", "PARTIAL", "FALLBACK", "UNSOURCEABLE"},
    "exclusions of deliveries": {"SOURCED", "FALLBACK", "UNSOURCEABLE"},
    "borders": {"SOURCED", "PARTIAL", "UNSOURCEABLE", "FALLBACK", "duty"},
}
"""What has to be seen several times."""


def features(world: World, plan: Plan) -> Iterator[str]:
    """What is special about an answer."""
    if not world.order.deliveries:
        yield "no deliveries"
    yield from {shipment.method.name for shipment in plan.shipments}
    if {shipment.service_id for shipment in plan.shipments} & {p.path_id for p in world.network.paths}:
        yield "path"
    if plan.cost.transfer_cents:
        yield "transfer"
    whole = {line.line_id: line.quantity for line in world.order.lines if line.fill is LineFill.WHOLE}
    picked: Counter[str] = Counter()
    for shipment in plan.shipments:
        for pick in shipment.picks:
            picked[pick.line_id] += pick.quantity
    left_out = any(picked[line.line_id] < line.quantity for line in world.order.lines)
    if left_out and any(picked[line_id] == units for line_id, units in whole.items()):
        yield "whole line in a partial answer"
    if plan.cost.duty_cents:
        yield "duty"
    ordered = {line.line_id: line.sku_id for line in world.order.lines}
    if any(pick.sku_id != ordered[pick.line_id] for s in plan.shipments for pick in s.picks):
        yield "substitute"
    kits = {line.line_id: line.quantity for line in world.order.lines if world.skus[line.sku_id].kit}
    sent: Counter[str] = Counter()
    for pick in (p for s in plan.shipments for p in s.picks if p.line_id in kits):
        sent[pick.line_id] += pick.quantity
    if sent:
        yield "kits"
        if any(units < kits[line_id] * world.units_in_kit(line_id) for line_id, units in sent.items()):
            yield "some kits"
    for own in plan.deliveries:
        if own.onward is not None:
            yield "over a hub"
            if len([s for s in plan.shipments if s.delivery_id == own.delivery_id]) > 1:
                yield "put together"
    if plan.cost.substitution_cents:
        yield "substitution"
    if plan.cost.stock_price_cents:
        yield "stock price"
    if plan.cost.purchase_cents:
        yield "purchase"
    if plan.cost.lateness_cents:
        yield "late"
    if plan.cost.mistrust_cents:
        yield "mistrust"
    served = {own.delivery_id for own in plan.deliveries}
    if any(d.earliest_seconds and d.delivery_id in served for d in world.order.deliveries):
        yield "window"
    rows = {(s.delivery_id, s.node_id, pick.sku_id) for s in plan.shipments for pick in s.picks}
    if len({row[1:] for row in rows}) < len(rows):
        yield "stock of one row"


@pytest.mark.parametrize("kind", OMNICHANNEL_KINDS)
def test_every_answer_is_that_of_brute_force(kind: str) -> None:
    seen: Counter[str] = Counter()
    for seed in range(WORLDS[kind]):
        world = world_of(kind, seed)
        outcome = against_force(world)
        assert outcome.against == (), f"world_of({kind!r}, {seed})"
        seen[outcome.status.name] += 1
        seen["FALLBACK"] += outcome.strategies_tried > 1
        seen.update(features(world, outcome.plan))
    assert min(seen[name] for name in RARE[kind]) >= 3, seen
