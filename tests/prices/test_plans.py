"""The cheapest whole plan, against trying every plan."""

from __future__ import annotations

import numpy as np
import pytest

from router.prices.columns import chosen, joined, plans_of, priced_at, pricing_of
from router.prices.plans import MAX_LINES, NO_NODE, Menu, cheapest_plans
from tests.prices.small_programmes import all_plans, random_menu

CELLS = 6


@pytest.mark.parametrize("seed", range(40))
def test_no_plan_is_cheaper(seed: int) -> None:
    rng = np.random.default_rng(seed)
    menu, price = random_menu(rng), rng.integers(0, 7, CELLS).astype(float)
    found = cheapest_plans(menu, price)
    for kind in range(len(menu.line_start) - 1):
        best = min(cost + sum(price[cell] for cell in cells) for cost, cells in all_plans(menu, kind))
        assert found.value[kind] == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_the_plan_costs_what_is_said(seed: int) -> None:
    rng = np.random.default_rng(seed)
    menu, price = random_menu(rng), rng.integers(0, 7, CELLS).astype(float)
    found = cheapest_plans(menu, price)
    plans = plans_of(menu, found)
    for kind in range(len(menu.line_start) - 1):
        nodes = found.node[menu.line_start[kind] : menu.line_start[kind + 1]]
        lines = np.arange(menu.line_start[kind], menu.line_start[kind + 1])
        cost = menu.fixed_cost[np.unique(nodes)].sum() + menu.line_cost[lines, nodes].sum()
        assert found.cost[kind] == pytest.approx(cost)
    assert priced_at(plans, price) == pytest.approx(found.value)


def test_a_line_that_can_come_from_nowhere_has_no_plan() -> None:
    menu = Menu(np.array([0, 1]), np.array([[np.inf]]), np.array([[0]]), np.array([1.0]))
    found = cheapest_plans(menu, np.zeros(1))
    assert np.isinf(found.value[0])
    assert found.node[0] == NO_NODE
    with pytest.raises(ValueError, match="order type 0"):
        pricing_of(menu)(np.zeros(1))


def test_lines_go_together_when_a_second_shipment_costs_more() -> None:
    """Node 0 is 1 dearer for line 1, a second shipment costs 5: together, until a price of 7 at node 0."""
    menu = Menu(
        np.array([0, 2]), np.array([[1.0, 9.0], [3.0, 2.0]]), np.array([[0, 1], [2, 3]]), np.array([5.0, 5.0])
    )
    assert cheapest_plans(menu, np.zeros(4)).node.tolist() == [0, 0]
    assert cheapest_plans(menu, np.array([0.0, 0.0, 7.0, 0.0])).node.tolist() == [0, 1]


def test_too_many_lines_are_refused() -> None:
    lines = MAX_LINES + 1
    menu = Menu(np.array([0, lines]), np.ones((lines, 1)), np.zeros((lines, 1), dtype=np.int64), np.ones(1))
    with pytest.raises(ValueError, match=f"not {lines}"):
        cheapest_plans(menu, np.zeros(1))


def test_plans_are_joined_and_chosen_with_their_picks() -> None:
    rng = np.random.default_rng(5)
    menu = random_menu(rng)
    first, second = (pricing_of(menu)(price).plans for price in (np.zeros(CELLS), np.full(CELLS, 50.0)))
    both = joined(first, second)
    back = chosen(both, np.arange(len(first.kind), len(both.kind)))
    for mine, theirs in zip(back, second, strict=True):
        assert mine.tolist() == theirs.tolist()
    assert len(second.cell) < len(first.cell), "at 50 a unit everything is refused"
