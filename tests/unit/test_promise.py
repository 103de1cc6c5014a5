"""GetPromise, worked out by hand in the shop of test_deliveries, and against decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from router.domain import Delivery, OrderLine
from router.errors import InvalidInput
from router.sourcer import decide
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import delivery_to_proto
from server.promise_desk import PromiseDesk
from tests.engine import snapshot_of
from tests.small_shop import rules_of
from tests.unit.test_deliveries import ADDRESS, HOUR, NOW_SECONDS, shop
from tests.worlds import World

HOME = Delivery(delivery_id="home", destination=ADDRESS)
PARIS = Delivery(delivery_id="paris", node_id="PARIS")
KIOSK = Delivery(delivery_id="kiosk", pickup_point_id="kiosk")


def promise(world: World, *items: tuple[str, int], to: tuple[Delivery, ...], **more: Any) -> Any:
    request = sourcing_pb2.GetPromiseRequest(
        items=[sourcing_pb2.PromiseItem(sku_id=sku, quantity=units) for sku, units in items],
        deliveries=[delivery_to_proto(delivery) for delivery in to],
        **more,
    )
    answer = PromiseDesk().answer(request, snapshot_of(world), NOW_SECONDS)
    return sourcing_pb2.GetPromiseResponse.FromString(answer)


def told(response: Any) -> list[tuple[Any, ...]]:
    """Item, delivery, method, node, way, hours, nodes, reason."""
    return [
        (
            p.item_ix,
            p.delivery_ix,
            sourcing_pb2.DeliveryMethod.Name(p.delivery_method).removeprefix("DELIVERY_METHOD_"),
            p.node_id,
            p.service_id,
            (p.earliest_time.seconds - NOW_SECONDS) // HOUR if p.HasField("earliest_time") else None,
            p.node_count,
            p.reason,
        )
        for p in response.promises
    ]


def test_every_item_by_every_delivery() -> None:
    answer = promise(shop(PARIS=2, WH=9, J_WH=1), ("K", 1), ("J", 1), to=(HOME, PARIS, KIOSK))
    assert told(answer) == [
        (0, 0, "SHIP", "WH", "post", 24, 1, ""),
        (1, 0, "SHIP", "WH", "post", 24, 1, ""),
        (0, 1, "PICKUP", "PARIS", "", 3, 1, ""),
        (1, 1, "SHIP_TO_STORE", "WH", "truck", 31, 1, ""),
        (0, 2, "PICKUP_POINT", "WH", "point", 48, 1, ""),
        (1, 2, "PICKUP_POINT", "WH", "point", 48, 1, ""),
    ]
    assert [(d.ready_time.seconds - NOW_SECONDS) // HOUR for d in answer.deliveries] == [24, 31, 48]
    assert {d.strategy_id for d in answer.deliveries} == {"main"}


def test_units_of_several_nodes_count_from_the_last() -> None:
    world = shop(PARIS=2, LYON=3)
    assert told(promise(world, ("K", 4), to=(HOME,))) == [(0, 0, "SHIP", "PARIS", "post", 26, 2, "")]
    whole = {"id": "main", "limits": {"line_splits": "never"}}
    found = promise(replace(world, rules=rules_of(whole)), ("K", 4), to=(HOME,))
    assert [p.reason for p in found.promises] == ["INSUFFICIENT_STOCK"]
    assert not found.deliveries[0].HasField("ready_time")


@pytest.mark.parametrize(
    ("world", "to", "reason"),
    [
        (shop(J_WH=1), HOME, "NOT_STOCKED"),
        (shop(WH=0), HOME, "INSUFFICIENT_STOCK"),
        (shop(LYON=9), PARIS, "NO_SERVICE"),
        (shop(WH=9), replace(PARIS, latest_seconds=NOW_SECONDS + HOUR), "TOO_LATE"),
    ],
)
def test_why_not(world: World, to: Delivery, reason: str) -> None:
    assert [p.reason for p in promise(world, ("K", 1), to=(to,)).promises] == [reason]


def test_rules_bar_nodes_by_method() -> None:
    rule = {"kind": "exclude_methods", "name": "no transfers", "methods": ["SHIP_TO_STORE"]}
    world = replace(shop(WH=9), rules=rules_of({"id": "main", "eligibility": [rule]}))
    assert [p.reason for p in promise(world, ("K", 1), to=(PARIS, HOME)).promises] == ["NOT_ALLOWED", ""]


def test_no_decision_is_earlier_than_promised() -> None:
    """With time as the only cost a decision meets the promise; SKUs, quantities and places at random."""
    rng = np.random.default_rng(3)
    hurry = rules_of({"id": "main", "objectives": [{"kind": "delay", "cents_per_day": 1}]})
    for _ in range(60):
        stock = {name: int(rng.integers(0, 4)) for name in ("PARIS", "LYON", "WH") if rng.random() < 0.8}
        world = replace(shop(**stock), rules=hurry)
        to, units = (HOME, PARIS, KIOSK)[rng.integers(3)], int(rng.integers(1, 5))
        [found] = promise(world, ("K", units), to=(to,)).promises
        line = OrderLine(line_id="L", sku_id="K", quantity=units)
        order = replace(world.order, lines=(line,), deliveries=(to,))
        decided = decide(order, snapshot_of(world), NOW_SECONDS)
        assert bool(decided.plan.shipments) == (found.node_count > 0)
        assert decided.plan.promise_seconds >= found.earliest_time.seconds
        if decided.plan.shipments:
            days = -(-(decided.plan.promise_seconds - NOW_SECONDS) // 86_400)
            assert days == -(-(found.earliest_time.seconds - NOW_SECONDS) // 86_400)


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        promise(
            shop(WH=1), ("?", 1), ("K", 0), to=(Delivery(delivery_id="a", node_id="?"),), sourcing_profile="?"
        )
    assert [violation.field for violation in caught.value.violations] == [
        "items[0].sku_id",
        "items[1].quantity",
        "sourcing_profile",
        "deliveries[0].pickup_node_id",
    ]
    with pytest.raises(InvalidInput) as caught:
        promise(shop(WH=1), to=())
    assert [violation.field for violation in caught.value.violations] == ["items", "deliveries"]
