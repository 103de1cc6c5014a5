"""What units are worth to orders to come, worked out by hand: what it costs, and what it decides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from router.domain import Order, OrderLine
from router.errors import InvalidInput
from router.rank import rank
from router.sourcer import decide
from router.stock import MAX_STOCK_PRICE_CENTS, Stock
from router.verify.decision import verify
from tests.engine import snapshot_of
from tests.small_shop import rules_of, small_shop
from tests.worlds import World

PRICE = {"kind": "stock_price"}


def shop(prices: dict[tuple[str, str], int], *goals: dict[str, Any], units: int = 1) -> World:
    """Nodes A and B are in one place and have what is asked; a shipment from A costs 20 more."""
    world = small_shop()
    nodes = tuple(replace(n, shipment_cents=70 if n.node_id == "A" else 50) for n in world.network.nodes)
    line = OrderLine(line_id="1", sku_id="K", quantity=units)
    return replace(
        world,
        network=replace(world.network, nodes=nodes),
        stock={("K", node_id): 9 for node_id in "AB"},
        prices=prices,
        order=replace(world.order, lines=(line,)),
        rules=rules_of({"id": "main", "objectives": ({"kind": "shipping"}, {"kind": "handling"}, *goals)}),
    )


def sent_from(world: World) -> tuple[str, int]:
    """The node, and the price of the units there, which the verifier finds right."""
    decision = decide(world.order, snapshot_of(world), world.now_seconds)
    assert complaints(world, decision) == []
    (shipment,) = decision.plan.shipments
    assert decision.plan.cost.stock_price_cents == shipment.cost.stock_price_cents
    return shipment.node_id, shipment.cost.stock_price_cents


def complaints(world: World, decision: Any) -> list[str]:
    return verify(
        decision,
        world.order,
        world.network,
        world.sku_of,
        world.available,
        world.rules,
        world.now_seconds,
        stock_price=world.price,
    )


def test_a_unit_that_is_worth_more_stays_where_it_is() -> None:
    assert sent_from(shop({}, PRICE)) == ("B", 0)
    assert sent_from(shop({("K", "B"): 19}, PRICE)) == ("B", 19)
    assert sent_from(shop({("K", "B"): 21}, PRICE)) == ("A", 0)
    assert sent_from(shop({("K", "A"): 5, ("K", "B"): 26}, PRICE)) == ("A", 5)


def test_every_unit_has_its_price() -> None:
    assert sent_from(shop({("K", "B"): 6}, PRICE, units=3)) == ("B", 18)
    assert sent_from(shop({("K", "B"): 7}, PRICE, units=3)) == ("A", 0)


def test_rules_that_do_not_ask_for_prices_pay_none() -> None:
    assert sent_from(shop({("K", "B"): 5_000})) == ("B", 0)
    assert sent_from(shop({("K", "B"): 5_000}, {**PRICE, "weight": 0})) == ("B", 0)


@pytest.mark.parametrize(
    ("weights", "cents"), [(["0.5"], 6), (["0.45"], 5), (["0.2", "0.25"], 5), (["1.5"], 17)]
)
def test_weights_count_together_and_the_price_of_a_unit_is_rounded(weights: list[str], cents: int) -> None:
    """11 cents: half a cent is rounded up."""
    goals = [{**PRICE, "weight": weight} for weight in weights]
    assert sent_from(shop({("K", "B"): 11}, *goals)) == ("B", cents)


def test_a_ranking_tells_it() -> None:
    world = shop({("K", "A"): 4, ("K", "B"): 30}, PRICE)
    [line] = rank(world.order, snapshot_of(world), world.now_seconds).lines
    told = [(c.node_id, c.cost.stock_price_cents) for c in line.candidates if c.cost]
    assert told == [("A", 4), ("B", 30)]


def test_the_verifier_notices_a_wrong_price() -> None:
    world = shop({("K", "B"): 19}, PRICE)
    decision = decide(world.order, snapshot_of(world), world.now_seconds)
    found = complaints(replace(world, prices={("K", "B"): 18}), decision)
    assert any("stock_price_cents is 19, should be 18" in text for text in found)


def two_rows() -> Stock:
    """Of SKU 0 at nodes 1 and 2, of three nodes."""
    return Stock.of(2, 3, *(np.array(x, np.int32) for x in ([0, 0], [1, 2], [5, 6])))


def test_new_rows_leave_the_prices_of_the_others() -> None:
    stock = two_rows().with_prices(np.array([7, 8], np.int32))
    more = [np.array(x, np.int32) for x in ([0, 1], [0, 2], [9, 9])]
    longer = stock.with_rows(*more)
    assert [longer.price(0, node) for node in range(3)] == [0, 7, 8]
    assert longer.price(1, 2) == longer.price(1, 0) == 0
    assert longer.only(np.array([0], np.int32)).price_cents.tolist() == [0, 7, 8]


def test_the_rows_stay_the_live_ones() -> None:
    stock = two_rows()
    priced = stock.with_prices(np.array([7, 8], np.int32))
    stock.set_available(0, 1, 99)
    assert priced.get(0, 1) == 99
    assert len(priced.with_prices(None).price_cents) == 0


def test_prices_that_cannot_be_are_refused_by_their_row() -> None:
    with pytest.raises(InvalidInput, match="1 prices for 2 rows"):
        two_rows().with_prices(np.array([1], np.int32))
    for wrong in (-1, MAX_STOCK_PRICE_CENTS + 1):
        with pytest.raises(InvalidInput) as caught:
            two_rows().with_prices(np.array([0, wrong], np.int32))
        assert [v.field for v in caught.value.violations] == ["price_cents[1]"]


def test_an_order_with_a_place_of_its_own_pays_it_too() -> None:
    """Deliveries are solved in small worlds of their own."""
    from router.domain import Delivery

    world = shop({("K", "B"): 21}, PRICE)
    order: Order = world.order
    line = replace(order.lines[0], delivery_id="d")
    home = Delivery(delivery_id="d", destination=order.destination)
    world = replace(world, order=replace(order, lines=(line,), deliveries=(home,), destination=None))
    assert sent_from(world) == ("A", 0)
