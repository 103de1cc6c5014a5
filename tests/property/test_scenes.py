"""An order to an address is decided alike whether it states a delivery or not: the small world of a delivery
gives the kernels the same problem, ties included."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from router.domain import SEE_DELIVERIES, Decision, Delivery
from router.sourcer import decide
from tests.engine import snapshot_of
from tests.worlds import random_world


def said(decision: Decision) -> tuple[object, ...]:
    """Everything but names: id, delivery, order of proof."""
    shipments = [replace(s, delivery_id="") for s in decision.plan.shipments]
    return (decision.status, decision.strategy_ids, decision.unfilled, decision.plan.cost, shipments)


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_with_and_without_a_delivery(first: int) -> None:
    for seed in range(first, first + 50):
        world = random_world(np.random.default_rng(seed))
        snapshot, order = snapshot_of(world), world.order
        home = Delivery(
            delivery_id="home", destination=order.destination, latest_seconds=order.deliver_by_seconds
        )
        stated = replace(order, destination=SEE_DELIVERIES, deliveries=(home,), deliver_by_seconds=None)
        plain = decide(order, snapshot, world.now_seconds)
        assert said(decide(stated, snapshot, world.now_seconds)) == said(plain), seed
        assert plain.certificate.bound_cents <= plain.plan.total_cents
