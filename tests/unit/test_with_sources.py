"""What a pick is made of when others took goods after it was planned: nothing is called backordered that no
rule lets anybody wait for, so that the ledger can refuse it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.domain import Delivery, FromReceipt, Pick
from router.sourcer import decide
from router.supply import Supply, with_sources
from tests.engine import snapshot_of
from tests.small_shop import rules_of
from tests.unit.test_deliveries import ADDRESS, DAY, NOW_SECONDS, shop

HOME = Delivery(delivery_id="home", destination=ADDRESS)
RECEIPTS = {"kind": "receipts", "name": "coming", "max_days": 30}
BACKORDER = {"kind": "backorder", "name": "later", "lead_days": 10, "max_units": 4}
SOON = NOW_SECONDS + DAY


@pytest.mark.parametrize(
    ("rules", "expected"),
    [([RECEIPTS], (((SOON, 2),), 0)), ([RECEIPTS, BACKORDER], (((SOON, 2),), 4)), ([BACKORDER], ((), 4))],
)
def test_units_that_are_gone_are_not_backordered(
    rules: list[dict[str, object]], expected: tuple[tuple[tuple[int, int], ...], int]
) -> None:
    world = shop(WH=1)
    world = replace(
        world, rules=rules_of({"id": "main", "supply": rules}), receipts={("K", "WH"): ((SOON, 2),)}
    )
    snapshot = snapshot_of(world)
    late = NOW_SECONDS + 20 * DAY
    pick = Pick(line_id="L", sku_id="K", quantity=9)
    plan = decide(replace(world.order, deliveries=(HOME,)), snapshot, NOW_SECONDS).plan
    [shipment] = plan.shipments[:1]
    planned = replace(shipment, node_id="WH", picks=(pick,), supply_seconds=late)
    found = with_sources(replace(plan, shipments=(planned,)), snapshot, Supply(snapshot, 0, NOW_SECONDS))
    [told] = found.shipments[0].picks
    steps, backordered = expected
    assert told.receipts == tuple(FromReceipt(expected_seconds=at, quantity=n) for at, n in steps)
    assert told.backordered_quantity == backordered
