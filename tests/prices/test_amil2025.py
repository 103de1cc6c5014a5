"""The benchmark after Amil, Makhdoumi, Wei (2025): optima to the cent, gates that open as often as told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.amil2025.__main__ import HINDSIGHT, main, run_study
from bench.amil2025.instance import OPTIMA, UNITS, generate
from bench.amil2025.policies import gates_of, mix_of, run_drawn_plans
from bench.ma2023.policies import draw, prepare
from bench.us_network import VARIABLE, regions_file

pytestmark = pytest.mark.skipif(
    regions_file() is None, reason=f"no us_regions.csv: set {VARIABLE}, or put it in ../shared/data"
)


@pytest.mark.parametrize("seed", range(1, len(OPTIMA) + 1))
def test_the_optimum_agrees_to_the_cent_and_both_programmes_are_one(seed: int) -> None:
    case = prepare(generate(seed), seed)
    assert case.item is not None
    assert case.package.objective == pytest.approx(OPTIMA[seed - 1], abs=0.006)
    assert case.item.objective == pytest.approx(OPTIMA[seed - 1], abs=0.006)


def test_as_many_units_are_laid_in() -> None:
    assert tuple(int(generate(seed).stock.sum()) for seed in range(1, len(UNITS) + 1)) == UNITS


@pytest.mark.parametrize("keep", [0.0, 0.1, 1.0])
def test_a_gate_opens_with_its_chance_in_every_period(keep: float) -> None:
    case = prepare(generate(15), 15)
    gates = gates_of(case.instance, case.package, keep)
    asked = np.zeros(len(case.instance.stock))
    plans = case.package.plans
    np.add.at(asked, plans.cell, case.package.amount[plans.plan_of_pick] / case.instance.periods)
    for cell in np.flatnonzero(asked)[:5]:
        chance = 1 - keep / np.sqrt(case.instance.stock[cell] + 3)
        passed = {0: 1.0}
        for period in range(200):
            opens = {
                units: float(units < gates.most[period, cell])
                + gates.tie[period, cell] * (units == gates.most[period, cell])
                for units in passed
            }
            assert sum(passed[units] * opens[units] for units in passed) == pytest.approx(chance)
            after: dict[int, float] = {}
            for units, mass in passed.items():
                moves = mass * opens[units] * asked[cell]
                after[units] = after.get(units, 0.0) + mass - moves
                after[units + 1] = after.get(units + 1, 0.0) + moves
            passed = after


def test_drawn_plans_never_sell_a_unit_twice_and_gates_keep_units() -> None:
    case = prepare(generate(3), 3)
    mix, now = mix_of(case.instance, case.package), draw(case, 0)
    free, left = run_drawn_plans(case.instance, now.sequence, mix, now.uniform)
    gated, kept = run_drawn_plans(
        case.instance, now.sequence, mix, now.uniform, gates_of(case.instance, case.package, 1.0)
    )
    assert (left >= 0).all()
    assert (kept >= 0).all()
    assert kept.sum() > left.sum()
    assert now.hindsight <= free < gated


def test_the_mix_spends_what_the_programme_spends() -> None:
    case = prepare(generate(7), 7)
    mix, menu = mix_of(case.instance, case.package), case.instance.menu
    kinds = np.repeat(np.arange(len(case.instance.rate)), np.diff(mix.start))
    total = 0.0
    for row, kind in enumerate(kinds):
        lines = np.arange(menu.line_start[kind], menu.line_start[kind + 1])
        node = mix.node[row, : len(lines)]
        cost = menu.fixed_cost[np.unique(node)].sum() + menu.line_cost[lines, node].sum()
        total += mix.weight[row] * cost
    assert total == pytest.approx(case.package.objective)


def test_a_small_run_comes_near_the_check_values() -> None:
    found, _ = run_study(6, 4, lambda: None)
    mean = {name: of["package"].mean() for name, of in found.items()}
    assert mean["moving prices, step 0.1"] < mean["fixed prices"] < mean["drawn plans"]
    assert mean["moving prices, step 0.1"] < mean["greedy, exact plan"]
    assert mean["moving prices, step 0.1"] == pytest.approx(1.0348, abs=0.02)
    assert min(mean, key=mean.__getitem__) == HINDSIGHT


def test_the_command_prints_tables_and_writes_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    assert main(["--instances", "2", "--sequences", "2", "--json", str(file)]) == 0
    assert "9,744.19" in capsys.readouterr().out
    assert json.loads(file.read_text(encoding="utf-8"))["greedy, exact plan"]["package"]["mean"] > 1
