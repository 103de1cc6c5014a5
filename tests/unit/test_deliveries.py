"""Every delivery method, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.catalogue import Sku
from router.domain import (
    CertificateKind,
    Decision,
    Delivery,
    DeliveryMethod,
    Destination,
    NodeType,
    Order,
    OrderLine,
    SalesChannel,
    Status,
)
from router.errors import InvalidInput
from router.network import (
    HOME,
    PICKUP_POINT,
    STORE,
    Bracket,
    Lane,
    Network,
    Node,
    Path,
    PickupPoint,
    Service,
)
from router.rank import rank
from router.sourcer import decide
from tests.engine import snapshot_of
from tests.small_shop import LYON, PARIS, rules_of
from tests.worlds import NOW_SECONDS, World

HOUR, DAY = 3_600, 86_400
ADDRESS = Destination(country="FR", postal_code="75002", latitude=48.87, longitude=2.34)


def lane(cents: int, hours: int, up_to: int = 10_000) -> Lane:
    return Lane(transit_seconds=hours * HOUR, brackets=(Bracket(up_to_grams=up_to, cents=cents),))


def shop(**stock: int) -> World:
    """A store in Paris, one in Lyon, a warehouse and a hub. ``stock``: units of K by node, of J as J_node."""
    fr: dict[str, Any] = {"country": "FR"}
    van, post = frozenset({"van"}), frozenset({"post"})
    nodes = (
        Node(node_id="HUB", node_type=NodeType.DISTRIBUTION_CENTER, services=van, **fr, **LYON),
        Node(
            node_id="LYON", node_type=NodeType.STORE, services=post, pickup_lead_seconds=HOUR, **fr, **LYON
        ),
        Node(
            node_id="PARIS",
            node_type=NodeType.STORE,
            services=frozenset({"post", "van"}),
            processing_seconds=2 * HOUR,
            pickup_lead_seconds=HOUR,
            **fr,
            **PARIS,
        ),
        Node(
            node_id="WH",
            node_type=NodeType.WAREHOUSE,
            services=frozenset({"post", "truck", "point"}),
            shipment_cents=100,
            **fr,
            **LYON,
        ),
    )  # fmt: skip
    services = (
        Service(service_id="point", serves=frozenset({PICKUP_POINT}), lanes=(lane(300, 48),)),
        Service(service_id="post", serves=frozenset({HOME}), lanes=(lane(700, 24),)),
        Service(service_id="truck", serves=frozenset({STORE}), is_transfer=True, lanes=(lane(200, 30),)),
        Service(service_id="van", serves=frozenset({STORE}), is_transfer=True, lanes=(lane(90, 5, 4_000),)),
    )
    goals = [{"kind": k} for k in ("shipping", "handling", "transfer")]
    delay = {"kind": "delay", "cents_per_day": 10}
    amounts = {tuple(name.split("_")) if "_" in name else ("K", name): n for name, n in stock.items()}
    skus = {s: Sku(sku_id=s, weight_grams=500, unit_value_cents=1_000, labels=frozenset()) for s in "JK"}
    return World(
        network=Network(
            nodes=nodes,
            services=services,
            pickup_points=(PickupPoint(point_id="kiosk", **fr, **PARIS),),
            paths=(
                Path(path_id="over", services=("truck", "van"), hubs=("HUB",), hub_seconds=HOUR, hub_cents=7),
            ),
        ),
        skus=skus,
        stock={(s, n): units for (s, n), units in amounts.items()},
        rules=rules_of({"id": "main", "objectives": [*goals, delay]}),
        order=Order(order_id="O", lines=(OrderLine(line_id="L", sku_id="K", quantity=2),)),
        now_seconds=NOW_SECONDS,
    )


def ask(world: World, *deliveries: Delivery, lines: tuple[OrderLine, ...] = (), **changes: Any) -> Decision:
    order = replace(world.order, deliveries=deliveries, **changes)
    return decide(replace(order, lines=lines or order.lines), snapshot_of(world), world.now_seconds)


def to_store(node_id: str = "PARIS", method: DeliveryMethod | None = None, **more: Any) -> Delivery:
    return Delivery(delivery_id="d", node_id=node_id, method=method, **more)


def only(decision: Decision) -> tuple[str, str, DeliveryMethod, int, int]:
    """Node, service, method, hours from now and cost of a single shipment."""
    [shipment] = decision.plan.shipments
    assert decision.certificate.kind is CertificateKind.EXACT
    hours = (shipment.arrival_seconds - NOW_SECONDS) / HOUR
    return shipment.node_id, shipment.service_id, shipment.method, int(hours), decision.plan.total_cents


def test_click_and_collect_takes_the_stores_own_stock() -> None:
    found = ask(shop(PARIS=5, WH=5), to_store())
    assert only(found) == ("PARIS", "", DeliveryMethod.PICKUP, 3, 10)
    assert found.plan.deliveries[0].promise_seconds == NOW_SECONDS + 3 * HOUR


def test_ship_to_store_is_a_transfer_and_then_the_lead_of_the_store() -> None:
    found = ask(shop(WH=5), to_store())
    assert only(found) == ("WH", "truck", DeliveryMethod.SHIP_TO_STORE, 31, 320)
    cost = found.plan.cost
    assert (cost.transfer_cents, cost.shipping_cents, cost.handling_cents, cost.delay_cents) == (
        200,
        0,
        100,
        20,
    )


def test_a_path_over_a_hub_has_the_tariffs_and_times_of_its_legs() -> None:
    world = shop(WH=5)
    direct = Service(service_id="truck", serves=frozenset({STORE}), is_transfer=True, lanes=(
        replace(lane(200, 30), max_distance_m=100_000),
    ))  # fmt: skip
    services = tuple(direct if s.service_id == "truck" else s for s in world.network.services)
    found = ask(replace(world, network=replace(world.network, services=services)), to_store())
    # truck to the hub 30 h and 200, an hour there and 7, van 5 h and 90, an hour in the store
    assert only(found) == ("WH", "over", DeliveryMethod.SHIP_TO_STORE, 37, 200 + 7 + 90 + 100 + 20)
    assert found.plan.cost.transfer_cents == 297


def test_a_pick_up_point() -> None:
    found = ask(shop(WH=5, PARIS=5), Delivery(delivery_id="d", pickup_point_id="kiosk"))
    assert only(found) == ("WH", "point", DeliveryMethod.PICKUP_POINT, 48, 300 + 100 + 20)


def test_carry_out_is_from_the_selling_store_at_once() -> None:
    taken = to_store(method=DeliveryMethod.CARRY_OUT)
    found = ask(shop(PARIS=5, WH=5), taken, selling_node_id="PARIS", sales_channel=SalesChannel.STORE)
    assert only(found) == ("PARIS", "", DeliveryMethod.CARRY_OUT, 0, 0)
    assert ask(shop(WH=5), taken, selling_node_id="PARIS").status is Status.UNSOURCEABLE


def test_reserve_and_collect_is_from_the_store_only() -> None:
    asked = to_store(method=DeliveryMethod.RESERVE_AND_COLLECT)
    assert only(ask(shop(PARIS=5, WH=5), asked))[2] is DeliveryMethod.RESERVE_AND_COLLECT
    assert ask(shop(WH=5), asked).status is Status.UNSOURCEABLE


def test_an_asked_for_transfer_does_not_take_the_stores_stock() -> None:
    asked = to_store(method=DeliveryMethod.SHIP_TO_STORE)
    assert only(ask(shop(PARIS=5, WH=5), asked))[0] == "WH"


def test_lines_from_several_nodes_meet_in_the_store_and_the_last_one_counts() -> None:
    lines = (OrderLine(line_id="a", sku_id="K", quantity=1), OrderLine(line_id="b", sku_id="J", quantity=1))
    found = ask(shop(PARIS=5, J_WH=5), to_store(), lines=lines)
    assert [s.method for s in found.plan.shipments] == [DeliveryMethod.PICKUP, DeliveryMethod.SHIP_TO_STORE]
    assert found.plan.promise_seconds == NOW_SECONDS + 31 * HOUR


def test_a_mix_of_methods_in_one_order() -> None:
    lines = (
        OrderLine(line_id="a", sku_id="K", quantity=1, delivery_id="home"),
        OrderLine(line_id="b", sku_id="J", quantity=1, delivery_id="d"),
    )
    home = Delivery(delivery_id="home", destination=ADDRESS)
    found = ask(shop(LYON=1, J_PARIS=1), home, to_store(), lines=lines)
    assert found.status is Status.SOURCED
    assert [(s.node_id, s.method.name, s.delivery_id) for s in found.plan.shipments] == [
        ("LYON", "SHIP", "home"),
        ("PARIS", "PICKUP", "d"),
    ]
    assert [p.cost.total_cents for p in found.plan.deliveries] == [710, 10]
    assert found.plan.total_cents == 720


def test_deliveries_that_want_the_same_units_share_them_at_the_least_cost() -> None:
    """Paris has two units: collecting them saves the transfer, shipping them saves the handling."""
    lines = (
        OrderLine(line_id="a", sku_id="K", quantity=2, delivery_id="home"),
        OrderLine(line_id="b", sku_id="K", quantity=2, delivery_id="d"),
    )
    home = Delivery(delivery_id="home", destination=ADDRESS)
    found = ask(shop(PARIS=2, WH=9), home, to_store(), lines=lines)
    assert [(s.node_id, s.delivery_id) for s in found.plan.shipments] == [("WH", "home"), ("PARIS", "d")]
    assert found.plan.total_cents == (700 + 100 + 10) + 10
    assert found.certificate.kind is CertificateKind.EXACT
    scarce = ask(shop(PARIS=3), home, to_store(), lines=lines)
    assert scarce.status is Status.UNSOURCEABLE


def test_goods_wait_for_the_window() -> None:
    home = Delivery(delivery_id="d", destination=ADDRESS, earliest_seconds=NOW_SECONDS + 3 * DAY)
    found = ask(shop(LYON=5), home)
    arrival = found.plan.promise_seconds
    assert arrival >= NOW_SECONDS + 3 * DAY
    assert (arrival - DAY) % DAY == 0  # a day on the way from midnight (UTC) of the day it leaves


def test_late_is_refused_and_told() -> None:
    asked = to_store(latest_seconds=NOW_SECONDS + DAY)
    world = shop(WH=5)
    assert ask(world, asked).status is Status.UNSOURCEABLE
    order = replace(world.order, deliveries=(asked,))
    [line] = rank(order, snapshot_of(world), NOW_SECONDS, include_rejected=True).lines
    assert [r.reason for c in line.candidates for r in c.rejections] == ["TOO_LATE"]


def test_ranking_prices_each_node_by_its_way() -> None:
    world = shop(PARIS=5, WH=5, LYON=5)
    order = replace(world.order, deliveries=(to_store(),))
    [line] = rank(order, snapshot_of(world), NOW_SECONDS, include_rejected=True).lines
    first, second, lyon = line.candidates
    assert (first.node_id, first.service_id, first.cost and first.cost.total_cents) == ("PARIS", "", 10)
    assert (second.node_id, second.service_id, second.cost and second.cost.transfer_cents) == (
        "WH",
        "truck",
        200,
    )
    assert [r.reason for r in lyon.rejections] == ["NO_SERVICE"]


@pytest.mark.parametrize(
    ("deliveries", "field"),
    [
        ((Delivery(delivery_id="d"),), "order.deliveries[0]"),
        ((to_store("WH"),), "order.deliveries[0].pickup_node_id"),
        ((to_store("?"),), "order.deliveries[0].pickup_node_id"),
        ((to_store(method=DeliveryMethod.SHIP),), "order.deliveries[0].delivery_method"),
        ((to_store(method=DeliveryMethod.CARRY_OUT),), "order.deliveries[0].delivery_method"),
        ((Delivery(delivery_id="d", pickup_point_id="?"),), "order.deliveries[0].pickup_point_id"),
        ((to_store(), to_store()), "order.deliveries[1].delivery_id"),
        ((to_store(earliest_seconds=NOW_SECONDS),), "order.deliveries[0].earliest_time"),
        ((to_store(), replace(to_store(), delivery_id="e")), "order.lines[0].delivery_id"),
    ],
)
def test_what_is_wrong_with_a_delivery_is_named(deliveries: tuple[Delivery, ...], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ask(shop(PARIS=5), *deliveries)
    assert field in [violation.field for violation in caught.value.violations]
