"""Nodes that an order takes nothing from, for a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.domain import Exclusion
from router.errors import InvalidInput
from router.orders import check_order
from router.rank import rank
from router.sourcer import decide
from router.verify import verify
from tests.engine import snapshot_of
from tests.small_shop import rules_of, small_shop
from tests.worlds import NOW_SECONDS, World


def shop(*exclusions: Exclusion) -> World:
    """Two units of K, of which A has nine and B three."""
    world = small_shop()
    stock = {("K", "A"): 9, ("K", "B"): 3}
    rules = rules_of({"id": "main", "objectives": [{"kind": "shipping"}]})
    return replace(world, stock=stock, rules=rules, order=replace(world.order, exclusions=exclusions))


LATER = NOW_SECONDS + 1


@pytest.mark.parametrize(
    ("exclusion", "node_id"),
    [
        (Exclusion(node_id="A"), "B"),
        (Exclusion(node_id="A", until_seconds=LATER), "B"),
        (Exclusion(node_id="A", until_seconds=NOW_SECONDS), "A"),
        (Exclusion(node_id="A", sku_id="K", until_seconds=LATER), "B"),
        (Exclusion(node_id="B"), "A"),
    ],
)
def test_an_excluded_node_supplies_nothing_until_then(exclusion: Exclusion, node_id: str) -> None:
    world = shop(exclusion)
    found = decide(world.order, snapshot_of(world), NOW_SECONDS)
    assert [s.node_id for s in found.plan.shipments] == [node_id]


def test_the_reason_says_when_the_node_is_asked_again() -> None:
    world = shop(Exclusion(node_id="A", until_seconds=LATER), Exclusion(node_id="B", sku_id="K"))
    [line] = rank(world.order, snapshot_of(world), NOW_SECONDS, include_rejected=True).lines
    told = {c.node_id: [(r.reason, r.threshold) for r in c.rejections] for c in line.candidates}
    assert told == {
        "A": [("EXCLUDED", "an order at 2025-06-15T15:06:41Z or later")],
        "B": [("EXCLUDED", "another node")],
    }


def test_the_verifier_knows_of_exclusions() -> None:
    world = shop()
    found = decide(world.order, snapshot_of(world), NOW_SECONDS)
    order = replace(world.order, exclusions=(Exclusion(node_id="A", sku_id="K", until_seconds=LATER),))
    complaints = verify(found, order, world.network, world.sku_of, world.available, world.rules, NOW_SECONDS)
    assert any("takes no 'K' from 'A'" in complaint for complaint in complaints)


def test_names_must_be_known() -> None:
    world = shop(Exclusion(node_id="A"), Exclusion(node_id="Z"), Exclusion(node_id="B", sku_id="Y"))
    snapshot = snapshot_of(world)
    with pytest.raises(InvalidInput) as raised:
        check_order(world.order, snapshot.network, snapshot.compiled, snapshot.catalogue, NOW_SECONDS)
    assert [str(violation) for violation in raised.value.violations] == [
        "order.exclusions[1].node_id: unknown node 'Z'",
        "order.exclusions[2].sku_id: unknown SKU 'Y'",
    ]
