"""Ways to a store: what closed stores and hubs make of them, by hand, by brute force and by the verifier."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.domain import DeliveryMethod, Status
from router.network import Calendar, Opening, Path
from router.verify import verify
from tests.oracle_decision import decide_by_force
from tests.unit.test_deliveries import DAY, HOUR, ask, shop, to_store
from tests.worlds import NOW_SECONDS, World

NINE_TO_FIVE = Calendar(
    calendar_id="day",
    openings=(Opening(weekdays=frozenset(range(7)), opens_minute=540, closes_minute=1_020),),
)
MORNING = NOW_SECONDS - NOW_SECONDS % DAY + 9 * HOUR
"""Nine o'clock (UTC) of the day of the order."""


def in_days(world: World, service_id: str, days: int) -> World:
    """The service takes so many days."""
    services = tuple(
        replace(v, lanes=tuple(replace(x, transit_seconds=0, transit_days=days) for x in v.lanes))
        if v.service_id == service_id
        else v
        for v in world.network.services
    )
    return replace(world, network=replace(world.network, services=services))


def opened(world: World, node_id: str, lead_seconds: int | None) -> World:
    """The node is open from nine to five."""
    nodes = tuple(
        replace(n, calendar="day", pickup_lead_seconds=lead_seconds) if n.node_id == node_id else n
        for n in world.network.nodes
    )
    return replace(world, network=replace(world.network, nodes=nodes, calendars=(NINE_TO_FIVE,)))


@pytest.mark.parametrize(("lead_seconds", "arrives"), [(0, 0), (1, 1), (HOUR, HOUR), (9 * HOUR, DAY + HOUR)])
def test_what_comes_in_the_course_of_a_day_is_there_when_the_store_opens_next(
    lead_seconds: int, arrives: int
) -> None:
    """A lane in days arrives at the last closing; nobody collects from a closed store."""
    world = opened(in_days(shop(WH=5), "truck", 2), "PARIS", lead_seconds)
    found = ask(world, to_store())
    assert found.plan.promise_seconds == MORNING + 3 * DAY + arrives
    agreed(world, found.plan.promise_seconds)


def test_a_closed_hub_sends_on_when_it_opens() -> None:
    world = opened(in_days(shop(WH=5), "truck", 2), "HUB", None)
    path = replace(world.network.paths[0], hub_seconds=0)
    direct = tuple(
        replace(v, serves=frozenset({"HOME"})) if v.service_id == "truck" else v
        for v in world.network.services
    )
    world = replace(world, network=replace(world.network, paths=(path,), services=direct))
    found = ask(world, to_store())
    assert found.plan.promise_seconds == MORNING + 3 * DAY + (5 + 1) * HOUR  # the van, and the store's lead
    agreed(world, found.plan.promise_seconds)


@pytest.mark.parametrize("hub", ["PARIS", "WH"])
def test_neither_the_store_nor_the_source_is_a_hub(hub: str) -> None:
    world = shop(WH=5)
    path = Path(path_id="over", services=("truck", "van"), hubs=(hub,))
    truck = tuple(replace(v, serves=frozenset({"HOME"})) for v in world.network.services)
    world = replace(world, network=replace(world.network, paths=(path,), services=truck))
    assert ask(world, to_store()).status is Status.UNSOURCEABLE


def agreed(world: World, promise_seconds: int) -> None:
    """Brute force and verifier say so too."""
    order = replace(world.order, deliveries=(to_store(),))
    world = replace(world, order=order)
    truth = decide_by_force(
        world.rules, order, world.network, skus=world.skus, stock=world.stock, now_seconds=NOW_SECONDS
    )
    assert truth.plan.promise_seconds == promise_seconds
    assert truth.plan.shipments[0].method is DeliveryMethod.SHIP_TO_STORE
    found = verify(truth, order, world.network, world.sku_of, world.available, world.rules, world.now_seconds)
    assert found == []
