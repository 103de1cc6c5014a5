"""What the services take from the config."""

from __future__ import annotations

from dataclasses import replace

from router.domain import Delivery, DeliveryMethod, Order, OrderLine
from router.solver.limits import SearchLimits
from server.world import Settings


def test_what_is_reserved_to_collect_is_held_for_a_time_of_its_own() -> None:
    settings = Settings(
        hold_seconds=900,
        collect_hold_seconds=3_600,
        reserve_attempts=1,
        max_orders_per_call=1,
        search=SearchLimits(),
    )
    line = OrderLine(line_id="L", sku_id="K", quantity=1)
    collected = Delivery(delivery_id="d", node_id="PARIS", method=DeliveryMethod.PICKUP)
    order = Order(order_id="O", lines=(line,), deliveries=(collected,))
    assert settings.hold_of(order) == 900
    reserved = replace(collected, delivery_id="e", method=DeliveryMethod.RESERVE_AND_COLLECT)
    assert settings.hold_of(replace(order, deliveries=(collected, reserved))) == 3_600
