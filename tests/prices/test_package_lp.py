"""The package programme: its optimum, and bounds that no clairvoyant beats."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from router.prices.certificate import CycleCertificate
from router.prices.columns import pricing_of
from router.prices.package_lp import lower_bound, solve_package_lp
from router.prices.plans import Menu, cheapest_plans
from router.solver.linear import LinearSolver, solve_linear
from router.solver.mathopt import Model
from tests.prices.small_programmes import all_plans, clairvoyant, random_menu

CELLS = 6
CEILING = 100.0


def whole_programme(menu: Menu, demand: np.ndarray, stock: np.ndarray) -> Model:
    """The programme with every plan written down."""
    plans = [(kind, *plan) for kind in range(len(demand)) for plan in all_plans(menu, kind)]
    entries = {(kind, column): 1.0 for column, (kind, _, _) in enumerate(plans)}
    for column, (_, _, cells) in enumerate(plans):
        for cell in cells:
            entries[len(demand) + cell, column] = 1.0
    row, column = (np.array(x) for x in zip(*entries, strict=True))
    return Model(
        lower=np.zeros(len(plans)),
        upper=np.full(len(plans), np.inf),
        integer=np.zeros(len(plans), dtype=bool),
        cost=np.array([cost for _, cost, _ in plans]),
        offset=0.0,
        row_lower=np.concatenate([demand, np.full(len(stock), -np.inf)]),
        row_upper=np.concatenate([demand, stock]),
        entry_row=row,
        entry_column=column,
        entry_value=np.array(list(entries.values())),
    )


@pytest.mark.parametrize("seed", range(20))
def test_generated_plans_reach_the_optimum_over_all_plans(seed: int) -> None:
    rng = np.random.default_rng(seed)
    menu = random_menu(rng)
    demand, stock = rng.uniform(0, 5, 4), rng.integers(0, 5, CELLS).astype(float)
    found = solve_package_lp(demand, stock, pricing_of(menu), price_ceiling=CEILING)
    whole = solve_linear(whole_programme(menu, demand, stock))
    assert whole is not None
    assert found.objective == pytest.approx(whole.objective, abs=1e-6)
    assert found.bound == pytest.approx(whole.objective, abs=1e-5)
    assert (found.stock_price >= 0).all()
    assert found.over.max() <= 1e-9
    used = np.zeros(CELLS)
    np.add.at(used, found.plans.cell, found.amount[found.plans.plan_of_pick])
    assert (used <= stock + 1e-6).all()


@pytest.mark.parametrize("seed", range(25))
def test_no_bound_is_above_what_a_clairvoyant_pays(seed: int) -> None:
    rng = np.random.default_rng(1000 + seed)
    menu, stock = random_menu(rng), rng.integers(0, 3, CELLS)
    orders = rng.integers(0, 4, 4).tolist()
    best = clairvoyant(menu, orders, stock)
    demand = np.bincount(orders, minlength=4).astype(float)
    for rounds in (1, 2, 100):
        found = solve_package_lp(
            demand, stock.astype(float), pricing_of(menu), price_ceiling=CEILING, max_rounds=rounds
        )
        assert found.bound <= best + 1e-6
    for _ in range(5):
        price = rng.uniform(0, 10, CELLS)
        priced = pricing_of(menu)(price)
        assert lower_bound(demand, stock.astype(float), priced, price) <= best + 1e-6


@pytest.mark.parametrize("seed", range(10))
def test_the_certificate_of_a_cycle_is_below_what_a_clairvoyant_pays(seed: int) -> None:
    rng = np.random.default_rng(2000 + seed)
    menu, stock = random_menu(rng), rng.integers(0, 3, CELLS)
    orders = rng.integers(0, 4, 4).tolist()
    best = clairvoyant(menu, orders, stock)
    price = rng.uniform(0, 3, CELLS)
    early = stock // 2
    certificate = CycleCertificate(stock_price=price, stock=early)
    optimum = cheapest_plans(menu, price).value
    for kind in orders:
        certificate.add_order(float(optimum[kind]), best / len(orders))
    for cell in range(CELLS):
        certificate.add_stock(cell, float(stock[cell] - early[cell]))
    assert certificate.bound <= best + 1e-9
    assert certificate.paid == pytest.approx(best)
    if certificate.bound > 0:
        assert certificate.paid <= certificate.bound * (1 + certificate.gap) + 1e-9


def test_a_certificate_that_proves_nothing_says_so() -> None:
    certificate = CycleCertificate(stock_price=np.ones(1), stock=np.full(1, 5))
    certificate.add_order(2.0, 3.0)
    assert certificate.bound == -3.0
    assert certificate.gap == math.inf
    with pytest.raises(ValueError, match="negative price"):
        CycleCertificate(stock_price=-np.ones(1), stock=np.ones(1))


def test_a_price_is_what_one_more_unit_saves() -> None:
    """Two orders, one unit: from node 0 at 3, refused at 20."""
    menu = Menu(np.array([0, 1]), np.array([[1.0, 10.0]]), np.array([[0, -1]]), np.array([2.0, 10.0]))
    found = solve_package_lp(np.array([2.0]), np.array([1.0]), pricing_of(menu), price_ceiling=50.0)
    assert found.objective == pytest.approx(23.0)
    assert found.stock_price[0] == pytest.approx(17.0)


def test_earlier_plans_save_rounds() -> None:
    rng = np.random.default_rng(8)
    menu = random_menu(rng, kinds=12)
    demand, stock = rng.uniform(1, 5, 12), np.full(CELLS, 4.0)
    first = solve_package_lp(demand, stock, pricing_of(menu), price_ceiling=CEILING)
    again = solve_package_lp(demand, stock, pricing_of(menu), price_ceiling=CEILING, start=first.plans)
    assert again.objective == pytest.approx(first.objective)
    assert again.rounds < first.rounds


@pytest.mark.parametrize(("demand", "stock", "ceiling"), [(-1, 1, 1), (1, -1, 1), (1, 1, 0)])
def test_negative_figures_are_refused(demand: float, stock: float, ceiling: float) -> None:
    menu = Menu(np.array([0, 1]), np.array([[1.0]]), np.array([[-1]]), np.array([2.0]))
    with pytest.raises(ValueError, match="negative"):
        solve_package_lp(np.array([demand]), np.array([stock]), pricing_of(menu), price_ceiling=ceiling)


def test_linear_answers_have_duals_and_no_surprises() -> None:
    """minimise x + 3 y with x + y = 4, x <= 1: one more unit of x saves 2."""
    model = Model(
        lower=np.zeros(2),
        upper=np.full(2, np.inf),
        integer=np.zeros(2, dtype=bool),
        cost=np.array([1.0, 3.0]),
        offset=0.0,
        row_lower=np.array([4.0, -np.inf]),
        row_upper=np.array([4.0, 1.0]),
        entry_row=np.array([0, 0, 1]),
        entry_column=np.array([0, 1, 0]),
        entry_value=np.ones(3),
    )
    for solver in (LinearSolver.GLOP, LinearSolver.PDLP):
        found = solve_linear(model, solver=solver)
        assert found is not None
        assert found.objective == pytest.approx(10.0, rel=1e-4)
        assert found.values == pytest.approx([1.0, 3.0], rel=1e-3)
        assert found.duals == pytest.approx([3.0, -2.0], rel=1e-3)


def test_a_programme_with_more_columns_starts_where_the_smaller_one_ended() -> None:
    """minimise 3 x + y with x + y = 4: first without y."""

    def model(cost: list[float]) -> Model:
        columns = len(cost)
        return Model(
            lower=np.zeros(columns),
            upper=np.full(columns, np.inf),
            integer=np.zeros(columns, dtype=bool),
            cost=np.array(cost),
            offset=0.0,
            row_lower=np.array([4.0]),
            row_upper=np.array([4.0]),
            entry_row=np.zeros(columns, dtype=np.int64),
            entry_column=np.arange(columns),
            entry_value=np.ones(columns),
        )

    first = solve_linear(model([3.0]))
    assert first is not None
    assert first.basis is not None
    more = solve_linear(model([3.0, 1.0]), start=first.basis)
    assert more is not None
    assert (first.objective, more.objective) == (12.0, 4.0)
    assert more.values.tolist() == [0.0, 4.0]


def test_what_cannot_be_solved_is_none_and_integers_are_refused() -> None:
    impossible = Model(
        lower=np.zeros(1),
        upper=np.ones(1),
        integer=np.zeros(1, dtype=bool),
        cost=np.ones(1),
        offset=0.0,
        row_lower=np.array([2.0]),
        row_upper=np.array([2.0]),
        entry_row=np.zeros(1, dtype=np.int64),
        entry_column=np.zeros(1, dtype=np.int64),
        entry_value=np.ones(1),
    )
    assert solve_linear(impossible) is None
    with pytest.raises(ValueError, match="integer"):
        solve_linear(replace(impossible, integer=np.ones(1, dtype=bool)))
