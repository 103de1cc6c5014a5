"""The brute force on small orders worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from router.catalogue import Sku
from router.domain import (
    Destination,
    NodeType,
    Order,
    OrderLine,
)
from router.network import Bracket, Lane, Network, Node, Service
from router.rules.model import Strategy
from tests.oracle_decision import optimum

NOW = 1_750_000_000
HERE: dict[str, Any] = {"country": "FR", "latitude": 48.0, "longitude": 2.0}


def lane(transit_seconds: int, *brackets: tuple[int, int]) -> Lane:
    return Lane(
        transit_seconds=transit_seconds, brackets=tuple(Bracket(up_to_grams=g, cents=c) for g, c in brackets)
    )


def solve(
    stock: dict[tuple[str, str], int],
    lines: list[tuple[str, int]],
    *,
    services: dict[str, Lane],
    objectives: list[dict[str, Any]],
    limits: dict[str, Any] | None = None,
    nodes: dict[str, dict[str, Any]] | None = None,
    skus: dict[str, int] | None = None,
) -> tuple[int, int] | None:
    """Nodes A and B at the destination, SKUs of 1000 g and 1000 cents unless stated otherwise."""
    nodes = nodes or {"A": {}, "B": {}}
    strategy = Strategy.model_validate({"id": "s", "objectives": objectives, "limits": limits or {}})
    weights = {sku_id: 1000 for sku_id, _ in lines} | (skus or {})
    return optimum(
        strategy,
        Order(
            order_id="O",
            lines=tuple(
                OrderLine(line_id=f"L{i}", sku_id=sku_id, quantity=n) for i, (sku_id, n) in enumerate(lines)
            ),
            destination=Destination(**HERE),
        ),
        Network(
            nodes=tuple(
                Node(node_id=i, node_type=NodeType.STORE, services=frozenset(services), **{**HERE, **more})
                for i, more in nodes.items()
            ),
            services=tuple(Service(service_id=i, lanes=(one,)) for i, one in services.items()),
        ),
        skus={i: Sku(sku_id=i, weight_grams=g, unit_value_cents=1000) for i, g in weights.items()},
        stock=stock,
        now_seconds=NOW,
    )


BOTH = {("K1", "A"): 5, ("K2", "A"): 5, ("K1", "B"): 5, ("K2", "B"): 5}


@pytest.mark.parametrize(("split_penalty", "cents"), [(0, 600), (299, 899), (301, 900)])
def test_two_small_parcels_against_one_large(split_penalty: int, cents: int) -> None:
    # 2 kg from one node cost 900; 1 kg from each of two nodes 300 + 300 and the penalty
    answer = solve(
        BOTH,
        [("K1", 1), ("K2", 1)],
        services={"S": lane(0, (1000, 300), (2000, 900))},
        objectives=[{"kind": "shipping"}, {"kind": "split", "cents": split_penalty}],
    )
    assert answer == (2, cents)


def test_more_than_the_greatest_bracket_travels_in_full_parcels_and_a_rest() -> None:
    # 5 x 1000 g by parcels of at most 2000 g: 900 + 900 and the rest of 1000 g at 300
    answer = solve(
        BOTH,
        [("K1", 5)],
        services={"S": lane(0, (1000, 300), (2000, 900))},
        objectives=[{"kind": "shipping"}],
        limits={"line_splits": "never"},
    )
    assert answer == (5, 2100)


def test_no_service_carries_a_unit_heavier_than_its_greatest_bracket() -> None:
    args: dict[str, Any] = {"services": {"S": lane(0, (1000, 300))}, "objectives": [{"kind": "shipping"}]}
    assert solve(BOTH, [("K1", 1)], skus={"K1": 1001}, **args) is None
    assert solve(BOTH, [("K1", 1)], skus={"K1": 1000}, **args) == (1, 300)
    assert solve(BOTH, [("K1", 3)], skus={"K1": 0}, **args) == (3, 300)


@pytest.mark.parametrize(("cents_per_day", "cents"), [(0, 400), (99, 598), (199, 798), (201, 800)])
def test_delay_is_that_of_the_last_shipment(cents_per_day: int, cents: int) -> None:
    # K1 only at A, K2 only at B. Slow: 200 each, on the 2nd day; fast: 400 each, at once (0 days).
    # One slow shipment is as late as two: 2 x 200 + 2 days, or 2 x 400.
    answer = solve(
        {("K1", "A"): 1, ("K2", "B"): 1},
        [("K1", 1), ("K2", 1)],
        services={"slow": lane(86_401, (1000, 200)), "fast": lane(0, (1000, 400))},
        objectives=[{"kind": "shipping"}, {"kind": "delay", "cents_per_day": cents_per_day}],
    )
    assert answer == (2, cents)


def test_stock_depth_counts_both_lines_of_a_sku() -> None:
    # target 4, 100 cents. All from A, leaving 4, 3, 2: 0 + 25 + 50; two from A, one from B: 0 + 25 and 0
    args: dict[str, Any] = {
        "services": {"S": lane(0, (9000, 0))},
        "objectives": [{"kind": "stock_depth", "cents": 100, "target_units": 4}],
    }
    assert solve(BOTH, [("K1", 2), ("K1", 1)], limits={"max_nodes_per_order": 1}, **args) == (3, 75)
    assert solve(BOTH, [("K1", 2), ("K1", 1)], **args) == (3, 25)


@pytest.mark.parametrize(
    ("limits", "answer"),
    [
        ({}, None),  # the fourth K1 is nowhere
        ({"allow_partial": True}, (4, 300)),  # 2 of K1 from A, 1 from B, and K2
        ({"allow_partial": True, "line_splits": "never"}, (1, 100)),  # K1 stays out whole
        ({"allow_partial": True, "max_nodes_per_order": 1}, (3, 200)),  # 2 of K1 and K2 from A
        ({"allow_partial": True, "min_shipment_value_cents": 1001}, (4, 300)),  # two units from each
        ({"allow_partial": True, "min_shipment_value_cents": 2001}, (3, 200)),  # no second part
    ],
)
def test_partial_fills_as_many_units_as_it_can(
    limits: dict[str, Any], answer: tuple[int, int] | None
) -> None:
    # A: 2 K1, B: 1 K1, both K2; 4 K1 and 1 K2 are ordered; 100 cents a line in a shipment
    found = solve(
        {("K1", "A"): 2, ("K1", "B"): 1, ("K2", "A"): 1, ("K2", "B"): 1},
        [("K1", 4), ("K2", 1)],
        services={"S": lane(0, (9000, 100))},
        objectives=[{"kind": "handling"}],
        nodes={"A": {"line_cents": 100}, "B": {"line_cents": 100}},
        limits=limits,
    )
    assert found == answer


@pytest.mark.parametrize(
    ("line_splits", "answer"), [("never", (3, 1300)), ("when_needed", (3, 1300)), ("free", (3, 700))]
)
def test_a_line_that_one_node_supplies_whole_is_divided_only_when_free(
    line_splits: str, answer: tuple[int, int]
) -> None:
    # 3 units from A: a parcel of 3000 g at 1300; divided: 1000 g at 200 and 2000 g at 500
    found = solve(
        {("K1", "A"): 3, ("K1", "B"): 2},
        [("K1", 3)],
        services={"S": lane(0, (1000, 200), (2000, 500), (3000, 1300))},
        objectives=[{"kind": "shipping"}],
        limits={"line_splits": line_splits},
    )
    assert found == answer


def test_a_line_that_no_node_supplies_whole_is_divided_when_needed() -> None:
    args: dict[str, Any] = {
        "services": {"S": lane(0, (1000, 200), (2000, 500))},
        "objectives": [{"kind": "shipping"}],
    }
    stock = {("K1", "A"): 2, ("K1", "B"): 2}
    assert solve(stock, [("K1", 3)], limits={"line_splits": "when_needed"}, **args) == (3, 700)
    assert solve(stock, [("K1", 3)], limits={"line_splits": "never"}, **args) is None
