"""Mistrust, worked out by hand: what is rejected, what is not there, and where its cents are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.cost import Part
from router.domain import Delivery, DeliveryMethod, Order, OrderLine
from router.network import Trust
from router.rank import rank
from router.solver.limits import SearchLimits
from router.sourcer import decide
from router.verify.decision import verify
from server.api.sourcing.v1 import sourcing_pb2
from server.convert_decision import cost_to_proto
from server.fast_batch import FastBatch
from server.fast_quote import FastQuote
from server.guard import LocalCall
from server.services.sourcing import SourcingService
from tests.engine import snapshot_of
from tests.property.shopper import served
from tests.small_shop import rules_of, small_shop
from tests.worlds import NOW_SECONDS, World

COSTS = ({"kind": "shipping"}, {"kind": "handling"})
TRUSTED = {"acceptance_percent": 80, "stock_truth_percent": 90}


def shop(*goals: dict[str, Any], limits: dict[str, Any] | None = None, **of_a: Any) -> World:
    """The small shop, without rules of eligibility, with figures of its node A. A and B handle a shipment for
    50 and are in one place."""
    world = small_shop()
    first, *others = world.network.nodes
    skus = {
        "K": world.skus["K"],
        "G": replace(world.skus["K"], sku_id="G", labels=frozenset({"glass", "tall"})),
    }
    stock = {(sku_id, node_id): 9 for sku_id in skus for node_id in "AB"}
    return replace(
        world,
        network=replace(world.network, nodes=(replace(first, **of_a), *others)),
        skus=skus,
        stock=stock,
        rules=rules_of({"id": "main", "objectives": (*COSTS, *goals), "limits": limits or {}}),
    )


def only_a(world: World) -> World:
    return replace(world, stock={key: units for key, units in world.stock.items() if key[1] == "A"})


def ordering(world: World, *lines: tuple[str, int]) -> World:
    made = tuple(OrderLine(line_id=f"L{i}", sku_id=s, quantity=n) for i, (s, n) in enumerate(lines))
    return replace(world, order=replace(world.order, lines=made))


def mistrust(cents: int = 1_000, weight: str = "1") -> dict[str, Any]:
    return {"kind": "mistrust", "resource_cents": cents, "weight": weight}


def told(world: World) -> tuple[int, int, int]:
    """Mistrust, handling and the total of the plan, which the verifier finds right."""
    decision = decide(world.order, snapshot_of(world), world.now_seconds)
    complaints = verify(
        decision, world.order, world.network, world.sku_of, world.available, world.rules, world.now_seconds
    )
    assert complaints == []
    cost = decision.plan.cost
    assert cost.mistrust_cents == sum(s.cost.mistrust_cents for s in decision.plan.shipments)
    return cost.mistrust_cents, cost.handling_cents, cost.total_cents


def test_a_shipment_and_its_lines() -> None:
    """A fifth of the shipments is rejected, a tenth of the lines is not there: 200 + 2 x 100, whatever the
    number of units."""
    world = only_a(ordering(shop(mistrust(), **TRUSTED), ("K", 1), ("K", 3)))
    assert told(world) == (400, 50, 700 + 50 + 400)


def test_a_node_that_is_trusted_costs_nothing() -> None:
    assert told(only_a(shop(mistrust()))) == (0, 50, 750)


def test_a_strategy_without_the_objective_does_not_mind() -> None:
    assert told(only_a(shop(**TRUSTED))) == (0, 50, 750)


@pytest.mark.parametrize(
    ("trust", "cents"),
    [
        ((), 100),
        ((Trust(sku_label="glass"),), 100),
        ((Trust(sku_label="wood", stock_truth_percent=0),), 100),
        ((Trust(sku_label="glass", stock_truth_percent=100),), 0),
        ((Trust(sku_label="glass", stock_truth_percent=60),), 400),
        ((Trust(sku_label="glass", acceptance_percent=70),), 100 + 300),
        (
            (
                Trust(sku_label="glass", acceptance_percent=70, stock_truth_percent=95),
                Trust(sku_label="tall", acceptance_percent=90, stock_truth_percent=50),
            ),
            500 + 300,
        ),
        ((Trust(sku_label="tall", acceptance_percent=0, stock_truth_percent=0),), 2_000),
    ],
)
def test_the_least_of_what_is_said_of_a_sku_counts(trust: tuple[Trust, ...], cents: int) -> None:
    """Of the line of glass; that of K costs 100."""
    world = shop(mistrust(), stock_truth_percent=90, trust=trust)
    assert told(only_a(ordering(world, ("G", 2), ("K", 1)))) == (100 + cents, 50, 850 + cents)


@pytest.mark.parametrize(("cents", "weight", "expected"), [(333, "0.5", 33 + 17), (25, "1", 5 + 3)])
def test_each_price_is_rounded_once(cents: int, weight: str, expected: int) -> None:
    """A fifth of 333 x 0.5 is 33.3 and a tenth 16.65; a tenth of 25 is 2.5."""
    assert told(only_a(shop(mistrust(cents, weight), **TRUSTED)))[0] == expected


def test_objectives_add_up_each_rounded_by_itself() -> None:
    assert told(only_a(shop(mistrust(25), mistrust(25), **TRUSTED)))[0] == 16


def test_another_node_is_taken_when_it_is_cheaper_by_that() -> None:
    nodes = [
        [s.node_id for s in decide(w.order, snapshot_of(w), NOW_SECONDS).plan.shipments]
        for w in (shop(**TRUSTED), shop(mistrust(1), **TRUSTED), shop(mistrust(3), **TRUSTED))
    ]
    assert nodes == [["A"], ["A"], ["B"]]  # a fifth of one cent is none


def test_each_shipment_of_a_divided_line_counts_it() -> None:
    """12 units of 9 at A and 9 at B."""
    world = ordering(shop(mistrust(), **TRUSTED), ("K", 12))
    assert told(world) == (300, 100, 1_400 + 100 + 300)


def test_what_the_solver_finds_is_told_apart_too() -> None:
    world = ordering(shop(mistrust(), limits={"line_splits": "free"}, **TRUSTED), ("K", 12), ("G", 2))
    snapshot = snapshot_of(world)
    for limits in (SearchLimits(), SearchLimits(node_limit=1)):
        plan = decide(world.order, snapshot, NOW_SECONDS, limits).plan
        at_a = [s for s in plan.shipments if s.node_id == "A"]
        assert plan.cost.mistrust_cents == sum(200 + 100 * len(s.picks) for s in at_a) > 0


def delivered(world: World) -> Order:
    """To an address, and carried out of A."""
    deliveries = (
        Delivery(delivery_id="home", destination=world.order.destination),
        Delivery(delivery_id="shop", node_id="A", method=DeliveryMethod.CARRY_OUT),
    )
    lines = tuple(
        OrderLine(line_id=d.delivery_id, sku_id="K", quantity=1, delivery_id=d.delivery_id)
        for d in deliveries
    )
    return replace(world.order, lines=lines, deliveries=deliveries, selling_node_id="A")


def test_deliveries_tell_it_each_for_itself() -> None:
    world = only_a(shop(mistrust(), pickup_lead_seconds=0, **TRUSTED))
    world = replace(world, order=delivered(world))
    assert told(world) == (600, 100, 700 + 100 + 600)
    plan = decide(world.order, snapshot_of(world), NOW_SECONDS).plan
    assert [d.cost.mistrust_cents for d in plan.deliveries] == [300, 300]


@pytest.mark.parametrize("deliveries", [False, True])
def test_a_ranking_tells_it(deliveries: bool) -> None:
    world = shop(mistrust(), pickup_lead_seconds=0, **TRUSTED)
    order = delivered(world) if deliveries else world.order
    candidates = rank(order, snapshot_of(world), NOW_SECONDS).lines[0].candidates
    costs = {c.node_id: c.cost.parts() for c in candidates if c.cost}
    assert [candidates[0].node_id, candidates[1].node_id] == ["B", "A"]
    assert [(costs[n][Part.MISTRUST], costs[n][Part.HANDLING]) for n in "AB"] == [(300, 50), (0, 50)]


def test_requests_leave_the_way_that_does_not_tell_it() -> None:
    asked = sourcing_pb2.Order(
        order_id="O",
        lines=[sourcing_pb2.OrderLine(line_id="L", sku_id="K", quantity=2)],
        destination=sourcing_pb2.Destination(country_code="FR", latitude=48.8566, longitude=2.3522),
    )
    one = sourcing_pb2.SourceOrderRequest(order=asked, validate_only=True)
    many = sourcing_pb2.SourceOrdersRequest(orders=[asked], validate_only=True)
    for world, short in ((only_a(shop(**TRUSTED)), True), (only_a(shop(mistrust(), **TRUSTED)), False)):
        snapshot = snapshot_of(world)
        assert (FastQuote().answer(one.SerializeToString(), snapshot, NOW_SECONDS) is not None) == short
        assert (FastBatch(9).decide(many.SerializeToString(), snapshot, NOW_SECONDS) is not None) == short
        service = SourcingService(served(snapshot))
        found = service.SourceOrder(one.SerializeToString(), LocalCall())
        batch = service.SourceOrders(many.SerializeToString(), LocalCall())
        if isinstance(found, bytes):
            found = sourcing_pb2.SourceOrderResponse.FromString(found)
        if isinstance(batch, bytes):
            batch = sourcing_pb2.SourceOrdersResponse.FromString(batch)
        cost = decide(world.order, snapshot, NOW_SECONDS).plan.cost
        assert found.decision.plan.cost == batch.results[0].decision.plan.cost == cost_to_proto(cost)
        assert (cost.mistrust_cents > 0) != short


def test_the_verifier_notices_what_is_told_wrongly() -> None:
    world = only_a(shop(mistrust(), **TRUSTED))
    decision = decide(world.order, snapshot_of(world), NOW_SECONDS)
    hidden = decision.plan.cost.moved(Part.MISTRUST, Part.HANDLING, 300)
    (shipment,) = decision.plan.shipments
    plan = replace(decision.plan, cost=hidden, shipments=(replace(shipment, cost=hidden),))
    complaints = verify(
        replace(decision, plan=plan), world.order, world.network, world.sku_of, world.available, world.rules,
        NOW_SECONDS,
    )  # fmt: skip
    assert any("mistrust_cents is 0, should be 300" in complaint for complaint in complaints)
    assert any("handling_cents is 350, should be 50" in complaint for complaint in complaints)


def test_only_labels_that_matter_make_classes_of_skus() -> None:
    trust = (Trust(sku_label="glass", stock_truth_percent=60), Trust(sku_label="nobody"))
    counts = [
        snapshot_of(shop(*goals, trust=trust)).compiled.rules.line_cents.shape[1]
        for goals in ((), (mistrust(),))
    ]
    assert counts == [1, 2]
