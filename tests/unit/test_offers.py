"""What suppliers and marketplace sellers ask for goods: from files, and as a cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from router.domain import Decision
from router.errors import InvalidConfig
from router.network import Offer
from router.rank import rank
from router.sourcer import decide
from router.verify import verify
from server.load.offers import read_offers
from tests.engine import snapshot_of
from tests.small_shop import rules_of, small_shop
from tests.worlds import NOW_SECONDS, World

HEADER = "node_id,sku_id,price_cents,commission_percent"


def written(folder: Path, *rows: str) -> Path:
    path = folder / "offers.csv"
    path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    return path


def test_rows_by_node_and_sku(tmp_path: Path) -> None:
    path = written(tmp_path, "b,L,90,", "a,L,0,100", "a,K,1999,15")
    assert read_offers(path, {"a", "b", "c"}) == {
        "a": (
            Offer(sku_id="K", price_cents=1999, commission_percent=15),
            Offer(sku_id="L", price_cents=0, commission_percent=100),
        ),
        "b": (Offer(sku_id="L", price_cents=90),),
    }


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("sellr,K,1,", ["node_id: no node 'sellr'; did you mean 'seller'?"]),
        ("seller,,1,", ["sku_id: is empty"]),
        ("seller,L,,", ["price_cents: is empty"]),
        ("seller,L,-1,101", ["price_cents: -1 is not within 0..1000000000",
                             "commission_percent: 101 is not within 0..100"]),
        ("seller,L,9.99,", ["price_cents: '9.99' is not a whole number"]),
        ("seller,K,1,1", ["sku_id: 'K' of node 'seller' is already stated in {file}:2"]),
    ],
)  # fmt: skip
def test_mistakes_name_line_and_column(tmp_path: Path, row: str, expected: list[str]) -> None:
    path = written(tmp_path, "seller,K,5,", row)
    with pytest.raises(InvalidConfig) as raised:
        read_offers(path, {"seller"})
    found = [str(violation) for violation in raised.value.violations]
    assert found == [f"{path}:3 {line}".replace("{file}", str(path)) for line in expected]


def shop(*goals: dict[str, Any], **offers: Offer) -> World:
    """Store A and store B ask for goods; the order is for two units of K."""
    world = small_shop()
    nodes = tuple(
        replace(node, offers=(offers[node.node_id],) if node.node_id in offers else ())
        for node in world.network.nodes[:2]
    )
    objectives = [{"kind": "shipping"}, {"kind": "handling"}, *goals]
    rules = rules_of({"id": "main", "objectives": objectives})
    stock = {("K", "A"): 9, ("K", "B"): 9}
    return replace(world, network=replace(world.network, nodes=nodes), rules=rules, stock=stock)


def decided(world: World) -> Decision:
    """Clean before the verifier."""
    found = decide(world.order, snapshot_of(world), NOW_SECONDS)
    sku_of = world.skus.__getitem__

    def available(sku_id: str, node_id: str) -> int | None:
        return world.stock.get((sku_id, node_id))

    assert verify(found, world.order, world.network, sku_of, available, world.rules, NOW_SECONDS) == []
    return found


DEAR, CHEAP = Offer(sku_id="K", price_cents=1001), Offer(sku_id="K", price_cents=1001, commission_percent=30)


@pytest.mark.parametrize(
    ("goal", "offers", "node_id", "cents"),
    [
        ({}, {"A": DEAR, "B": CHEAP}, "B", 2 * 701),  # 30 percent of 1,001 are 300
        ({}, {"A": DEAR}, "B", 0),
        ({}, {"A": replace(DEAR, sku_id="other"), "B": CHEAP}, "A", 0),
        ({"weight": "0.5"}, {"A": DEAR, "B": DEAR}, "A", 2 * 501),  # halves are rounded up
        ({"weight": 0}, {"A": DEAR, "B": CHEAP}, "A", 0),
        ({"nodes": {"ids": ["B"]}}, {"A": DEAR, "B": CHEAP}, "A", 0),
    ],
)
def test_goods_cost_what_the_offer_says(
    goal: dict[str, Any], offers: dict[str, Offer], node_id: str, cents: int
) -> None:
    found = decided(shop({"kind": "purchase", **goal}, **offers))
    [shipment] = found.plan.shipments
    assert (shipment.node_id, found.plan.cost.purchase_cents) == (node_id, cents)
    assert shipment.cost.purchase_cents == cents


def test_the_rank_tells_what_the_goods_cost() -> None:
    world = shop({"kind": "purchase"}, A=DEAR, B=CHEAP)
    [line] = rank(world.order, snapshot_of(world), NOW_SECONDS).lines
    assert [(c.node_id, c.cost and c.cost.purchase_cents) for c in line.candidates] == [
        ("B", 1402),
        ("A", 2002),
    ]


def test_without_the_objective_offers_cost_nothing() -> None:
    assert decided(shop(A=DEAR, B=DEAR)).plan.cost.purchase_cents == 0
