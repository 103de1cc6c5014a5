"""Every benchmark runs, on tiny sizes, and says what it should. No figure of time is looked at: a ratio is
sane when it is a positive number."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bench import memory, plots
from bench.__main__ import SPECS, main, table_of, targets_table
from bench.models import Formulation, exact_by_ortools, read_prices
from bench.spec import BenchSpec, Result, Target, interleaved, ratio_of
from bench.synthetic import NOW_SECONDS, RULES, make_network, make_orders, make_snapshot
from router.orders import order_arrays
from router.problem import build_problem
from router.rules.model import RuleSet
from router.snapshot import Snapshot
from router.solver.mathopt import Solver
from router.sourcer import decide
from server.load.catalogue import read_catalogue

QUICK = [spec for spec in SPECS if spec.name != "server"]


def quiet(what: str) -> None:
    """Nobody waits."""


def check(result: Result) -> None:
    assert result.sheets
    for sheet in result.sheets:
        assert sheet.rows
        assert {len(row) for row in sheet.rows} == {len(sheet.headings)}
        table_of(sheet)
    targets_table(result.targets)
    assert result.figures
    assert all(math.isfinite(value) for value in result.figures.values())
    assert all(math.isfinite(t.value) and t.value > 0 for t in result.targets)


@pytest.mark.parametrize("spec", QUICK, ids=lambda spec: spec.name)
def test_a_benchmark_runs(spec: BenchSpec) -> None:
    check(spec.run(True, quiet))


@pytest.mark.slow
def test_the_server_benchmark_runs() -> None:
    """Two server processes, which is why it is slow."""
    spec = next(spec for spec in SPECS if spec.name == "server")
    check(spec.run(True, quiet))


def test_names_are_different_and_the_command_knows_them(tmp_path: Path) -> None:
    assert len({spec.name for spec in SPECS}) == len(SPECS)
    file = tmp_path / "figures.json"
    assert main(["rank", "--smoke", "--json", str(file)]) == 0
    written = json.loads(file.read_text())
    assert list(written["benchmarks"]) == ["rank"]
    assert written["benchmarks"]["rank"]["targets"]
    with pytest.raises(SystemExit) as ended:
        main(["no-such-benchmark"])
    assert ended.value.code == 2


def test_contenders_take_turns() -> None:
    calls: list[str] = []
    found = interleaved({"a": (lambda: calls.append("a"), 2), "b": (lambda: calls.append("b"), 1)}, rounds=2)
    assert "".join(calls) == "ab" + "aab" * 2
    assert {name: len(seconds) for name, seconds in found.items()} == {"a": 2, "b": 2}
    assert ratio_of([4.0, 9.0, 100.0], [2.0, 3.0, 1.0]) == 3.0


@pytest.mark.parametrize(
    ("value", "at_most", "met"), [(9.9, False, False), (10, False, True), (10, True, True), (11, True, False)]
)
def test_a_target_is_met_at_its_limit(value: float, at_most: bool, met: bool) -> None:
    assert Target(name="t", value=value, limit=10, unit="", at_most=at_most).met is met


# --- the models ------------------------------------------------------------------------------------------


def other_rules(**changes: object) -> RuleSet:
    raw = RULES.model_dump(mode="json")
    raw["profiles"][0]["strategies"][0] |= changes
    return RuleSet.model_validate(raw)


def scarce(nodes: int, limits: dict[str, object]) -> Snapshot:
    """A network in which few nodes have two of the SKUs, so that plans have several parts."""
    return make_snapshot(nodes=nodes, skus=8, share=0.25).with_rules(other_rules(limits=limits))


@pytest.mark.parametrize("solver", list(Solver))
@pytest.mark.parametrize("formulation", list(Formulation))
def test_the_models_find_the_optimum(solver: Solver, formulation: Formulation) -> None:
    snapshot = scarce(12, {"max_nodes_per_order": 3, "line_splits": "never"})
    orders = make_orders(snapshot, 12, 4)
    columns = order_arrays(orders, snapshot.compiled, snapshot.catalogue, NOW_SECONDS)
    parts = []
    for b, order in enumerate(orders):
        plan = decide(order, snapshot, NOW_SECONDS).plan
        if plan.shipments:
            problem = build_problem(snapshot.at(NOW_SECONDS).world, columns, b, 0, NOW_SECONDS)
            assert exact_by_ortools(problem, solver.name, formulation) == plan.total_cents
            parts.append(len(plan.shipments))
    assert len(parts) >= 5
    assert max(parts) >= 2


def test_the_models_refuse_what_they_do_not_take() -> None:
    snapshot = scarce(12, {"allow_partial": True, "line_splits": "never"})
    columns = order_arrays(make_orders(snapshot, 1, 2), snapshot.compiled, snapshot.catalogue, NOW_SECONDS)
    with pytest.raises(ValueError, match="whole lines"):
        read_prices(build_problem(snapshot.at(NOW_SECONDS).world, columns, 0, 0, NOW_SECONDS))


# --- memory ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ordering", memory.ORDERINGS)
def test_a_million_stock_rows_keep_less_than_twenty_bytes_each(ordering: str, tmp_path: Path) -> None:
    skus = 20_000
    memory.write_skus(tmp_path / "skus.parquet", skus)
    memory.write_stock(tmp_path / "stock.parquet", skus, ordering)
    catalogue = read_catalogue(tmp_path / "skus.parquet")
    network = make_network(np.random.default_rng(1), memory.NODES)
    held_before = pa.default_memory_pool().bytes_allocated()
    stock, _, _ = memory.load(tmp_path / "stock.parquet", catalogue, network)
    assert len(stock) == skus * memory.NODES == 1_000_000
    assert memory.array_bytes(stock) < 20 * len(stock)
    # Each column owns what it needs and no more: no view that keeps something larger alive.
    assert all(column.base is None for column in (stock.sku_start, stock.node_ix, stock.available))
    assert pa.default_memory_pool().bytes_allocated() - held_before < len(stock)


def test_what_is_measured_is_what_was_written(tmp_path: Path) -> None:
    memory.write_skus(tmp_path / "skus.parquet", 40)
    memory.write_stock(tmp_path / "stock.parquet", 40, "shuffled")
    loaded = memory.measure(tmp_path)
    assert loaded.rows == 40 * memory.NODES
    assert loaded.array_bytes == 41 * 8 + loaded.rows * 8


def test_figures_become_pictures_that_are_the_same_every_time(tmp_path: Path) -> None:
    figures = {"peak_per_second": 100.0}
    for way in ("with limits", "without"):
        for times in (0.5, 1, 5):
            figures |= {f"{way} {times:g} goodput": 90.0 * times, f"{way} {times:g} p99_ms": 12.0}
    file = tmp_path / "figures.json"
    file.write_text(json.dumps({"benchmarks": {"overload": {"figures": figures}, "rank": {}}}))
    drawn = []
    for folder in ("one", "two"):
        assert plots.main([str(file), str(tmp_path / folder)]) == 0
        drawn.append((tmp_path / folder / "overload.svg").read_bytes())
    assert drawn[0] == drawn[1]
    assert b"</svg>" in drawn[0]
