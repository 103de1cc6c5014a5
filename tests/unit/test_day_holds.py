"""What plans take of nodes' days, worked out by hand; and which of many plans find room."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from router.cost import Cost
from router.crowded import crowded, may_spread
from router.day_holds import day_holds
from router.domain import Destination, Order, OrderLine, Pick, Plan, Shipment
from router.ladder import run_kernels
from router.ledger import DayHold, Hold
from router.network import LoadKind
from router.node_states import NodeStates
from router.orders import groups_of, order_arrays
from router.plan import plan_from_arrays
from router.rooms import fits
from router.snapshot import Snapshot
from tests.engine import snapshot_of
from tests.property.shopper import busy_shop
from tests.small_shop import small_shop
from tests.worlds import NOW_SECONDS

SATURDAY = 1_785_571_200
"""2026-08-01 08:00 UTC."""
DAY = 86_400


def shop(states: NodeStates | None = None, **capacity: int) -> Snapshot:
    """The small shop, in which A gets ready so much a day."""
    world = small_shop()
    stated = tuple((LoadKind[kind.upper()], units) for kind, units in capacity.items())
    nodes = (replace(world.network.nodes[0], capacity=stated), *world.network.nodes[1:])
    snapshot = snapshot_of(replace(world, network=replace(world.network, nodes=nodes)))
    return replace(snapshot, states=states or NodeStates())


def shipment(node_id: str, *picks: tuple[str, int], at: int = 0, delivery_id: str = "") -> Shipment:
    return Shipment(
        node_id=node_id,
        service_id="post",
        picks=tuple(Pick(line_id=f"{i}", sku_id=sku, quantity=n) for i, (sku, n) in enumerate(picks)),
        parcel_count=1,
        weight_grams=1,
        distance_m=1,
        arrival_seconds=SATURDAY,
        cost=Cost(),
        supply_seconds=at,
        delivery_id=delivery_id,
    )


def holds(snapshot: Snapshot, *shipments: Shipment) -> list[tuple[str, str, int]]:
    found = day_holds(Plan(shipments=shipments, cost=Cost()), snapshot, SATURDAY)
    return [(day.hold.sku_id, day.hold.node_id, day.hold.quantity) for day in found]


def test_every_part_is_a_load_of_its_day() -> None:
    snapshot = shop(orders=9, lines=9, units=99)
    assert holds(
        snapshot,
        shipment("A", ("K", 2), ("L", 1)),
        shipment("A", ("K", 3)),  # the same part, in a parcel of its own
        shipment("A", ("K", 4), at=SATURDAY + DAY),
        shipment("A", ("K", 5), delivery_id="other"),
        shipment("B", ("K", 7)),
    ) == [
        ("#orders", "A@2026-08-01", 2),
        ("#lines", "A@2026-08-01", 3),
        ("#units", "A@2026-08-01", 11),
        ("#orders", "A@2026-08-02", 1),
        ("#lines", "A@2026-08-02", 1),
        ("#units", "A@2026-08-02", 4),
    ]


def test_a_part_too_great_for_any_day_takes_a_whole_one() -> None:
    assert holds(shop(units=5), shipment("A", ("K", 9))) == [("#units", "A@2026-08-01", 5)]


def test_nothing_is_held_where_no_capacity_is_stated() -> None:
    assert holds(shop(), shipment("A", ("K", 9))) == []
    assert holds(shop(units=5), shipment("B", ("K", 9))) == []


def test_what_waits_is_what_rolls_into_the_day() -> None:
    states = NodeStates()
    states.set_backlog(0, LoadKind.UNITS, 12)
    today = SATURDAY // DAY + 719_163
    states.set_free(0, LoadKind.UNITS, today, 8)
    snapshot = shop(states, units=10)
    parts = [shipment("A", ("K", 1), at=SATURDAY + days * DAY) for days in (0, 1, 2)]
    found = day_holds(Plan(shipments=tuple(parts), cost=Cost()), snapshot, SATURDAY)
    # 12 wait for the 8 that are free today, 4 of them for tomorrow.
    assert [day.waiting for day in found] == [12, 4, 0]
    assert found[1] == DayHold(
        hold=Hold(sku_id="#units", node_id="A@2026-08-02", quantity=1), capacity=10, waiting=4
    )


def test_plans_of_a_batch_fit_where_each_alone_does() -> None:
    """Against ``fits``, which looks at one plan, in shops whose nodes are busy; those that may spread over
    days are never left to kernels."""
    found: list[bool] = []
    for seed in range(12):
        snapshot, rng = busy_shop(seed), np.random.default_rng(seed)
        orders = [drawn_order(rng, snapshot, i) for i in range(30)]
        columns = order_arrays(orders, snapshot.compiled, snapshot.catalogue, NOW_SECONDS)
        plans = run_kernels(snapshot.at(NOW_SECONDS), columns)
        full = crowded(plans, columns, snapshot, NOW_SECONDS).tolist()
        spread = may_spread(columns, snapshot, NOW_SECONDS).tolist()
        for b, order in enumerate(orders):
            plan = plan_from_arrays(order, groups_of(order), plans, b, snapshot.compiled)
            assert full[b] == (spread[b] or not fits(plan, snapshot, NOW_SECONDS)), order
        found += full
    assert 0 < sum(found) < len(found)


def drawn_order(rng: np.random.Generator, snapshot: Snapshot, i: int) -> Order:
    lines = tuple(
        OrderLine(
            line_id=f"{k}",
            sku_id=str(rng.choice(snapshot.catalogue.ids.names())),
            quantity=int(rng.integers(1, 4)),
            ship_alone=not rng.integers(4),
        )
        for k in range(rng.integers(1, 4))
    )
    place = Destination(country="FR", postal_code="75001", latitude=48.86, longitude=2.35)
    return Order(order_id=f"o{i}", lines=lines, destination=place)
