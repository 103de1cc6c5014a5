"""What several nodes send is put together at a hub, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.domain import Decision, Delivery, Destination, Onward, OrderLine, Status
from router.network import HOME, STORE, Bracket, Lane, Network, Node, NodeType, Service
from router.sourcer import decide
from router.verify import verify
from server.convert_decision import plan_to_proto
from tests.engine import snapshot_of
from tests.small_shop import LYON, PARIS, rules_of, small_shop
from tests.worlds import NOW_SECONDS, World

HOUR = 3_600
HUBS = {"ids": ["H"]}


def lane(hours: int, *brackets: tuple[int, int]) -> Lane:
    return Lane(
        transit_seconds=hours * HOUR,
        brackets=tuple(Bracket(up_to_grams=grams, cents=cents) for grams, cents in brackets),
    )


def shop(**strategy: Any) -> World:
    """K lies in A, L in B, 500 g each. Parcels cost 700 up to 800 g, 900 up to 5 kg, 1,500 by night; the van
    to the hub costs 100."""
    base = small_shop()
    fr: dict[str, Any] = {"country": "FR", "node_type": NodeType.STORE}
    nodes = (
        Node(node_id="A", services=frozenset({"post", "van"}), **fr, **PARIS),
        Node(node_id="B", services=frozenset({"post", "van"}), **fr, **PARIS),
        Node(
            node_id="H",
            services=frozenset({"post", "night"}),
            pickup_lead_seconds=HOUR,
            processing_seconds=9 * HOUR,
            shipment_cents=60,
            **fr,
            **LYON,
        ),
    )
    services = (
        Service(service_id="post", lanes=(lane(24, (800, 700), (5_000, 900)),)),
        Service(service_id="night", lanes=(lane(8, (5_000, 1_500)),), serves=frozenset({HOME})),
        Service(
            service_id="van", is_transfer=True, serves=frozenset({STORE}), lanes=(lane(4, (9_000, 100)),)
        ),
    )
    sku = replace(base.skus["K"], weight_grams=500)
    objectives = [{"kind": kind} for kind in ("shipping", "transfer", "handling")]
    objectives.append({"kind": "split", "cents": 250})
    rules = {"id": "main", "objectives": objectives, "consolidation": {"hubs": HUBS}, **strategy}
    lines = (
        OrderLine(line_id="1", sku_id="K", quantity=1),
        OrderLine(line_id="2", sku_id="L", quantity=1),
    )
    return replace(
        base,
        network=Network(nodes=nodes, services=services),
        skus={name: replace(sku, sku_id=name) for name in "KL"},
        stock={("K", "A"): 5, ("L", "B"): 5},
        rules=rules_of(rules),
        order=replace(base.order, lines=lines),
    )


def decided(world: World) -> Decision:
    """Clean before the verifier."""
    found = decide(world.order, snapshot_of(world), NOW_SECONDS)
    told = verify(found, world.order, world.network, world.sku_of, world.available, world.rules, NOW_SECONDS)
    assert told == []
    return found


def test_two_parcels_become_one() -> None:
    found = decided(shop())
    plan = found.plan
    assert [(s.node_id, s.service_id, s.method.name) for s in plan.shipments] == [
        ("A", "van", "SHIP_TO_STORE"),
        ("B", "van", "SHIP_TO_STORE"),
    ]
    [own] = plan.deliveries
    ready = NOW_SECONDS + (4 + 1) * HOUR
    assert own.onward == Onward(
        node_id="H", service_id="post", ready_seconds=ready, parcel_count=1, weight_grams=1_000
    )
    assert plan.promise_seconds == own.promise_seconds == ready + 24 * HOUR
    cost = plan.cost
    assert (cost.transfer_cents, cost.shipping_cents, cost.handling_cents, cost.split_cents) == (
        200,
        900,
        60,
        0,
    )
    assert found.certificate.bound_cents == plan.total_cents == 1_160
    message = plan_to_proto(plan).deliveries[0].onward
    assert (message.node_id, message.service_id, message.ready_time.seconds) == ("H", "post", ready)


@pytest.mark.parametrize(
    "strategy",
    [
        {"consolidation": None},
        {"consolidation": {"hubs": {"ids": ["A"]}}},  # nothing can be collected there
        {"eligibility": [{"kind": "exclude_methods", "name": "no van", "methods": ["SHIP_TO_STORE"]}]},
    ],
)
def test_otherwise_there_are_two(strategy: dict[str, Any]) -> None:
    found = decided(shop(**strategy))
    assert found.plan.deliveries == ()
    assert found.plan.total_cents == 2 * 700 + 250


def test_a_faster_service_is_taken_where_days_cost_more() -> None:
    """29 hours are two days, by night it is one."""
    objectives = [{"kind": kind} for kind in ("shipping", "transfer", "handling")]
    objectives += [{"kind": "split", "cents": 2_500}, {"kind": "delay", "cents_per_day": 700}]
    plan = decided(shop(objectives=objectives)).plan
    onward = plan.deliveries[0].onward
    assert onward is not None
    assert onward.service_id == "night"
    assert plan.cost.delay_cents == 700


@pytest.mark.parametrize(("hours", "service_id"), [(29, "post"), (13, "night"), (12, None)])
def test_the_deadline_looks_at_the_last_arrival(hours: int, service_id: str | None) -> None:
    world = shop(limits={"max_nodes_per_order": 2})
    order = replace(world.order, deliver_by_seconds=NOW_SECONDS + hours * HOUR)
    found = decided(replace(world, order=order))
    onwards = [own.onward.service_id for own in found.plan.deliveries if own.onward is not None]
    assert onwards == ([] if service_id is None else [service_id])
    assert found.status is (Status.UNSOURCEABLE if service_id is None else Status.SOURCED)


def test_only_all_of_a_delivery_is_put_together() -> None:
    world = shop(limits={"allow_partial": True})
    lines = (replace(world.order.lines[0], quantity=9), world.order.lines[1])
    found = decided(replace(world, order=replace(world.order, lines=lines)))
    assert found.status is Status.PARTIAL
    assert found.plan.deliveries == ()


def test_hubs_lie_in_the_country_of_the_address_and_windows_are_served_straight() -> None:
    world = shop()
    abroad = Destination(country="BE", latitude=50.8, longitude=4.35)
    assert decided(replace(world, order=replace(world.order, destination=abroad))).plan.deliveries == ()
    window = Delivery(delivery_id="d", destination=world.order.destination, earliest_seconds=NOW_SECONDS)
    found = decided(replace(world, order=replace(world.order, deliveries=(window,))))
    assert [own.onward for own in found.plan.deliveries] == [None]


def edited(found: Decision, **changes: Any) -> Decision:
    [own] = found.plan.deliveries
    assert own.onward is not None
    inner = {key: changes.pop(key) for key in tuple(changes) if key != "promise_seconds"}
    own = replace(own, onward=replace(own.onward, **inner), **changes)
    return replace(found, plan=replace(found.plan, deliveries=(own,)))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"node_id": "A"}, "'A' is no hub"),
        ({"node_id": "Z"}, "unknown hub 'Z'"),
        ({"service_id": "van"}, "'van' does not take it on in time"),
        ({"service_id": "night"}, "service 'post' is the better choice"),
        ({"ready_seconds": 1}, "ready_seconds is 1"),
        ({"weight_grams": 1}, "weight_grams is 1, should be 1000"),
        ({"parcel_count": 2}, "parcel_count is 2, should be 1"),
        ({"promise_seconds": 1}, "promise_seconds is 1"),
    ],
)
def test_the_verifier_knows_what_a_hub_does(changes: dict[str, Any], complaint: str) -> None:
    world = shop()
    found = edited(decided(world), **changes)
    told = verify(found, world.order, world.network, world.sku_of, world.available, world.rules, NOW_SECONDS)
    assert any(complaint in line for line in told), told
