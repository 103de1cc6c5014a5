"""Greedy walks: who is asked first, what is taken, what is never divided."""

from __future__ import annotations

from collections.abc import Mapping

from bench.baselines import nearest_first, priority_first
from router.domain import Destination, NodeType, Order, OrderLine
from router.network import Node

PARIS = Destination(country="FR", latitude=48.86, longitude=2.35)


def _node(node_id: str, latitude: float, priority: int = 1) -> Node:
    return Node(
        node_id=node_id,
        node_type=NodeType.STORE,
        country="FR",
        latitude=latitude,
        longitude=2.35,
        priority=priority,
    )


NEAR, MIDDLE, FAR = _node("near", 48.8, 3), _node("middle", 48.0, 1), _node("far", 45.0, 2)
NODES = [FAR, NEAR, MIDDLE]


def _order(*lines: OrderLine) -> Order:
    return Order(order_id="o", lines=lines, destination=PARIS)


def _line(
    line_id: str, sku_id: str, quantity: int, *, together: str = "", ship_alone: bool = False
) -> OrderLine:
    return OrderLine(
        line_id=line_id, sku_id=sku_id, quantity=quantity, together=together, ship_alone=ship_alone
    )


def _always(node: Node, units_by_line: Mapping[str, int]) -> bool:
    return True


def test_nearest_takes_all_it_can_and_goes_on() -> None:
    stock = {("a", "near"): 2, ("a", "middle"): 1, ("a", "far"): 9}
    taken = nearest_first(_order(_line("1", "a", 5)), NODES, lambda s, n: stock.get((s, n)), _always)
    assert taken == {("1", "near"): 2, ("1", "middle"): 1, ("1", "far"): 2}


def test_priority_asks_the_best_rank_first_whatever_the_distance() -> None:
    stock = {("a", "near"): 9, ("a", "far"): 1}
    taken = priority_first(_order(_line("1", "a", 2)), NODES, lambda s, n: stock.get((s, n)), _always)
    assert taken == {("1", "far"): 1, ("1", "near"): 1}


def test_equal_ranks_go_to_the_nearer_then_to_the_smaller_id() -> None:
    nodes = [_node("c", 45.0), _node("b", 48.8), _node("a", 48.8)]
    order = _order(_line("1", "a", 2))
    stock = {("a", "b"): 1, ("a", "a"): 1, ("a", "c"): 2}
    for walk in (nearest_first, priority_first):
        assert walk(order, nodes, lambda s, n: stock.get((s, n)), _always) == {("1", "a"): 1, ("1", "b"): 1}


def test_lines_of_one_sku_share_the_stock_of_a_node() -> None:
    stock = {("a", "near"): 3, ("a", "far"): 3}
    order = _order(_line("1", "a", 2), _line("2", "a", 2))
    taken = nearest_first(order, NODES, lambda s, n: stock.get((s, n)), _always)
    assert taken == {("1", "near"): 2, ("2", "near"): 1, ("2", "far"): 1}


def test_lines_that_belong_together_come_from_one_node() -> None:
    stock = {("a", "near"): 1, ("a", "far"): 1, ("b", "far"): 1}
    order = _order(_line("1", "a", 1, together="set"), _line("2", "b", 1, together="set"))
    taken = nearest_first(order, NODES, lambda s, n: stock.get((s, n)), _always)
    assert taken == {("1", "far"): 1, ("2", "far"): 1}


def test_together_lines_of_one_sku_need_stock_for_both() -> None:
    stock = {("a", "near"): 1, ("a", "far"): 2}
    order = _order(_line("1", "a", 1, together="set"), _line("2", "a", 1, together="set"))
    taken = nearest_first(order, NODES, lambda s, n: stock.get((s, n)), _always)
    assert taken == {("1", "far"): 1, ("2", "far"): 1}


def test_a_line_shipped_alone_is_not_divided() -> None:
    stock = {("a", "near"): 1, ("a", "middle"): 1, ("a", "far"): 2}
    taken = nearest_first(
        _order(_line("1", "a", 2, ship_alone=True)), NODES, lambda s, n: stock.get((s, n)), _always
    )
    assert taken == {("1", "far"): 2}


def test_the_predicate_limits_what_is_taken() -> None:
    def at_most_two(node: Node, units_by_line: Mapping[str, int]) -> bool:
        return node.node_id != "near" and sum(units_by_line.values()) <= 2

    order = _order(_line("1", "a", 3), _line("2", "b", 1))
    taken = nearest_first(order, NODES, lambda s, n: 9, at_most_two)
    assert taken == {("1", "middle"): 2, ("1", "far"): 1, ("2", "far"): 1}


def test_what_nobody_has_stays_out() -> None:
    stock = {("a", "near"): 1, ("a", "far"): -4}
    order = _order(_line("1", "a", 2), _line("2", "b", 1))
    assert nearest_first(order, NODES, lambda s, n: stock.get((s, n)), _always) == {("1", "near"): 1}
