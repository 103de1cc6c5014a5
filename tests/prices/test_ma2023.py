"""The benchmark after Ma (2023): check values, what every policy must keep, and a small run of it all."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from bench.ma2023 import checks
from bench.ma2023.__main__ import main
from bench.ma2023.chart import draw_horizon
from bench.ma2023.forecast import wrong_rate
from bench.ma2023.horizon import ADVISED, FIXED, GREEDY, run_horizons
from bench.ma2023.instance import NETWORKS, NO_ORDER, Instance, counts, draw_sequence, generate
from bench.ma2023.online import run_priced
from bench.ma2023.policies import (
    LITERATURE,
    OURS,
    REPEATED,
    ROUNDING,
    Case,
    Run,
    certified,
    draw,
    prepare,
    resolver,
)
from bench.ma2023.report import verdict
from bench.ma2023.rounding import Draw, draw_by_clocks, draw_correlated, pick, run_rounding
from bench.ma2023.study import Measured, better_everywhere, measured, run_study
from bench.ma2023.waves import run_waves
from bench.us_network import VARIABLE, regions_file

pytestmark = pytest.mark.skipif(
    regions_file() is None, reason=f"no us_regions.csv: set {VARIABLE}, or put it in ../shared/data"
)
SMALL = NETWORKS["small"]


@pytest.fixture(scope="module")
def case() -> Case:
    return prepare(generate(SMALL, 100), 100)


@pytest.fixture(scope="module")
def run(case: Case) -> Run:
    return draw(case, 0)


@pytest.mark.parametrize("seed", sorted(checks.ITEM_DOLLARS))
def test_both_programmes_cost_what_others_found(seed: int) -> None:
    found = prepare(generate(SMALL, seed), seed)
    assert found.item is not None
    assert found.item.objective == pytest.approx(checks.ITEM_DOLLARS[seed], abs=0.006)
    assert found.package.objective == pytest.approx(checks.PACKAGE_DOLLARS[seed], abs=0.006)
    assert found.package.objective - found.package.bound < 1e-3
    assert found.item.share.sum(axis=1) == pytest.approx(np.ones(len(found.item.share)))


def units_taken(instance: Instance, left: np.ndarray) -> int:
    return int((instance.stock - left).sum())


def lines_in(instance: Instance, sequence: np.ndarray) -> int:
    length = np.diff(instance.menu.line_start)
    return int(length[sequence[sequence != NO_ORDER]].sum())


@pytest.mark.parametrize("kind", Draw)
def test_a_drawing_policy_never_sells_a_unit_twice(kind: Draw, case: Case, run: Run) -> None:
    assert case.item is not None
    for fallback in (None, case.package.stock_price):
        cost, prices = run_rounding(case.instance, run.sequence, case.item.share, run.uniform, kind, fallback)
        assert (prices.stock >= 0).all()
        assert 0 < units_taken(case.instance, prices.stock) <= lines_in(case.instance, run.sequence)
        assert cost >= run.hindsight


@pytest.mark.parametrize(("priced", "step"), [(False, 0.0), (True, 0.0), (False, 0.1), (True, 0.05)])
def test_an_exact_policy_never_sells_a_unit_twice(priced: bool, step: float, case: Case, run: Run) -> None:
    price = case.package.stock_price * priced
    cost, prices = run_priced(case.instance, run.sequence, price, step=step)
    assert (prices.stock >= 0).all()
    assert 0 < units_taken(case.instance, prices.stock) <= lines_in(case.instance, run.sequence)
    assert cost >= run.hindsight
    assert run_priced(case.instance, run.sequence, price, step=step)[0] == cost


def test_waves_never_sell_a_unit_twice_and_cost_no_less_than_the_bound() -> None:
    small = prepare(generate(SMALL, 100, 1_000), 100, with_item_lp=False)
    now = draw(small, 0)
    cost, left = run_waves(small.instance, now.sequence, wave_periods=250, start=small.package.plans)
    assert (left >= 0).all()
    assert units_taken(small.instance, left) <= lines_in(small.instance, now.sequence)
    assert now.hindsight <= cost <= 1.05 * now.hindsight


def test_the_certificate_proves_less_than_hindsight_and_nearly_as_much(run: Run) -> None:
    assert 0.99 * run.hindsight <= certified(run) <= run.hindsight * (1 + 1e-9)


def test_new_programmes_are_solved_on_what_is_left(case: Case, run: Run) -> None:
    seen: list[tuple[int, int]] = []
    solve = resolver(case, case.instance.rate, case.package)

    def watched(price: np.ndarray, stock: np.ndarray, period: int) -> np.ndarray:
        seen.append((period, int(stock.sum())))
        return solve(price, stock, period)

    cost, _ = run_priced(
        case.instance,
        run.sequence,
        case.package.stock_price,
        step=0.05,
        resolve=watched,
        resolves=3,
        learned_share=0.5,
    )
    assert [period for period, _ in seen] == [2500, 5000, 7500]
    assert [left for _, left in seen] == sorted((left for _, left in seen), reverse=True)
    assert run.hindsight <= cost <= 1.01 * run.hindsight


def test_sequences_repeat_and_differ(case: Case) -> None:
    first = draw_sequence(case.instance, 100, 0)
    assert (first == draw_sequence(case.instance, 100, 0)).all()
    assert (first != draw_sequence(case.instance, 100, 1)).any()
    expected = case.instance.demand
    assert np.abs(counts(case.instance, first) - expected).max() < 5 * np.sqrt(expected.max())


SHARES = np.array([[0.5, 0.3, 0.2], [0.2, 0.8, 0.0], [0.5, 0.5, 0.0]])
"""Lines by nodes."""


@pytest.mark.parametrize("kind", list(Draw)[1:])
def test_every_draw_keeps_the_chance_of_a_line_and_a_node(kind: Draw) -> None:
    """That is what all of them promise; forced clocks, too, with their earlier openings."""
    rng = np.random.default_rng(3)
    lines, nodes = SHARES.shape
    seen, times = np.zeros(SHARES.shape), 40_000
    height, member = np.zeros((nodes, lines + 1)), np.zeros((nodes, lines + 1), dtype=np.int64)
    rest, node = np.zeros(max(nodes, lines)), np.zeros(lines, dtype=np.int64)
    for chance in rng.random((times, lines + nodes)):
        if kind is Draw.INDEPENDENT:
            node[:] = [pick(SHARES[line], chance[line]) for line in range(lines)]
        elif kind is Draw.CORRELATED:
            draw_correlated(SHARES, chance, height, member, rest, node)
        else:
            draw_by_clocks(SHARES, chance, kind is Draw.FORCED_OPEN, node)
        seen[np.arange(lines), node] += 1 / times
    assert seen == pytest.approx(SHARES, abs=0.012)


def test_correlation_sends_equal_lines_together() -> None:
    """Two lines with the same shares: one block of both for each node."""
    shares = np.array([[0.6, 0.4], [0.6, 0.4]])
    node = np.zeros(2, dtype=np.int64)
    for chance in np.linspace(0.01, 0.99, 25):
        numbers = np.array([chance, 0.1, 0.9, 0.5])
        draw_correlated(
            shares, numbers, np.zeros((2, 3)), np.zeros((2, 3), dtype=np.int64), np.zeros(2), node
        )
        assert node[0] == node[1] == (0 if chance < 0.6 else 1)


def test_a_small_run_of_everything_comes_near_the_check_values() -> None:
    """Two instances are far from thirty, but their ratios differ by less than five hundredths."""
    told: list[int] = []
    found = run_study(
        SMALL,
        instances=2,
        sequences=2,
        repeated_sequences=1,
        with_item_lp=True,
        told=lambda: told.append(1),
    )
    assert len(told) == 4
    assert set(checks.SMALL) < set(found)
    for name, by_base in checks.SMALL.items():
        for base, check in by_base.items():
            assert measured(found[name][base]).mean == pytest.approx(check, abs=0.05), (name, base)
    assert measured(found[OURS]["hindsight"]).mean <= 1.0075
    for name in REPEATED:
        assert measured(found[name]["hindsight"]).mean <= 1.0075
    for name in (*LITERATURE, *ROUNDING, "P6 greedy, exact plan"):
        assert better_everywhere(found, OURS, name) == (2, 2)


def test_greedy_does_not_gain_by_volume_and_moving_prices_do(tmp_path: Path) -> None:
    found = run_horizons(instances=2, sequences=1, told=lambda: None, horizons=(300, 3_000, 30_000))
    mean = {periods: {name: of.mean() for name, of in by.items()} for periods, by in found.items()}
    assert mean[30_000][GREEDY] > 1.04
    assert mean[30_000][FIXED] > 1.01
    assert mean[30_000][ADVISED] < 1.005
    assert mean[300][ADVISED] > mean[3_000][ADVISED] > mean[30_000][ADVISED] > 1
    draw_horizon(found, tmp_path / "chart.svg")
    drawn = (tmp_path / "chart.svg").read_text(encoding="utf-8")
    assert ET.fromstring(drawn).tag.endswith("svg")


def test_a_wrong_forecast_has_the_noise_and_the_total_asked_for() -> None:
    rate = np.full(200_000, 0.5)
    wrong = wrong_rate(rate, 0.5, 1.2, seed=1)
    assert wrong.mean() == pytest.approx(0.6, rel=0.01)
    assert np.log(wrong).std() == pytest.approx(0.5, rel=0.01)
    assert (wrong_rate(rate, 0.0, 0.8, seed=1) == 0.4).all()


def test_a_verdict_needs_a_standard_error() -> None:
    assert verdict([(Measured(1.01, 0.004), 1.017)]) == "agrees"
    assert verdict([(Measured(1.01, 0.004), 1.017), (Measured(1.01, 0.003), 1.017)]) == "DIFFERS"
    assert verdict([(Measured(1.01, float("nan")), 1.017)]) == "-"


def test_the_command_prints_tables_and_writes_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    arguments = ["--instances", "1", "--sequences", "1", "--repeated-sequences", "0", "--json", str(file)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "118,900.43" in printed
    assert "DIFFERS" not in printed
    figures = json.loads(file.read_text(encoding="utf-8"))
    assert figures[OURS]["hindsight"]["mean"] < 1.01
    assert figures[OURS]["hindsight"]["standard_error"] is None
