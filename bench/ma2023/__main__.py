"""``python -m bench.ma2023``: every policy on the instances of Ma (2023), against the bound in hindsight.

    python -m bench.ma2023 --network small --instances 30 --sequences 10
    python -m bench.ma2023 --network large --carry 0.25 --instances 1 --sequences 1
    python -m bench.ma2023 --horizon --plot horizon.svg
    python -m bench.ma2023 --forecast-errors

Tables go to the standard output, progress to the standard error. docs/prices.md has the results.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from bench.ma2023 import checks
from bench.ma2023.chart import draw_horizon
from bench.ma2023.forecast import ERRORS, run_forecasts
from bench.ma2023.horizon import HORIZONS, run_horizons
from bench.ma2023.instance import NETWORKS, Network, generate
from bench.ma2023.policies import prepare
from bench.ma2023.report import (
    as_json,
    comparison_sheet,
    dollars_sheet,
    forecast_sheet,
    horizon_sheet,
    policy_sheet,
)
from bench.ma2023.study import FIRST_SEED, run_study
from bench.spec import Sheet
from bench.tables import table_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what is asked for; returns the exit code. A figure that differs is a result, not a failure."""
    wanted = parse(arguments)
    console = Console(width=max(150, Console().width))
    with Progress(console=Console(stderr=True)) as progress:
        run = _horizon if wanted.horizon else _forecast if wanted.forecast_errors else _policies
        sheets, figures = run(wanted, progress)
    for sheet in sheets:
        console.print(table_of(sheet))
    if wanted.json is not None:
        wanted.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.ma2023", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--network", choices=sorted(NETWORKS), default="small")
    parser.add_argument("--carry", type=float, help="probability that a centre carries an item")
    parser.add_argument("--instances", type=_count, help="30, 8 of the two series, 1 of the large network")
    parser.add_argument("--sequences", type=_count, help="of orders, for each instance: 10, 2 or 1")
    parser.add_argument(
        "--repeated-sequences",
        type=int,
        help="of which P9 and P10, which solve programmes on the way, run so many: 3; large network: none",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--horizon", action="store_true", help="the small network over 300 to 100,000 periods")
    what.add_argument("--forecast-errors", action="store_true", help="prices from wrong forecasts")
    parser.add_argument(
        "--item-programme", action="store_true", help="of the large network, too: many minutes"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="chart of --horizon, as SVG or PNG")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw figures there, too")
    wanted = parser.parse_args(arguments)
    series, large = wanted.horizon or wanted.forecast_errors, wanted.network == "large"
    if wanted.plot is not None and not wanted.horizon:
        parser.error("--plot goes with --horizon")
    if series and (large or wanted.carry is not None):
        parser.error("the series are of the small network as it is")
    wanted.instances = wanted.instances or (8 if series else 1 if large else 30)
    wanted.sequences = wanted.sequences or (2 if series else 1 if large else 10)
    if wanted.repeated_sequences is None:
        wanted.repeated_sequences = 0 if large else 3
    return wanted


def _count(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return int(text)


def _policies(wanted: argparse.Namespace, progress: Progress) -> tuple[list[Sheet], dict[str, Any]]:
    network = network_of(wanted)
    with_item = wanted.network == "small" or wanted.item_programme
    steps = progress.add_task("sequences", total=wanted.instances * wanted.sequences)
    found = run_study(
        network,
        instances=wanted.instances,
        sequences=wanted.sequences,
        repeated_sequences=wanted.repeated_sequences,
        with_item_lp=with_item,
        told=partial(progress.advance, steps),
    )
    known = checks.SMALL if wanted.network == "small" else checks.LARGE.get(network.carry, {})
    if network.carry != NETWORKS["small"].carry and wanted.network == "small":
        known = {}
    title = (
        f"{wanted.network} network, carry {network.carry}, {wanted.instances} instances x "
        f"{wanted.sequences} sequences"
    )
    sheets = [policy_sheet(found, known, title), comparison_sheet(found)]
    if known:
        sheets.append(dollars_sheet(_dollars(network, wanted)))
    return sheets, as_json(found)


def network_of(wanted: argparse.Namespace) -> Network:
    """Sizes, with the probability asked for."""
    network = NETWORKS[wanted.network]
    return network if wanted.carry is None else network._replace(carry=wanted.carry)


def _dollars(network: Network, wanted: argparse.Namespace) -> list[tuple[str, float, float]]:
    """Programmes of the first instances."""
    if wanted.network == "large":
        case = prepare(generate(network, FIRST_SEED), FIRST_SEED, with_item_lp=False)
        check = checks.LARGE_PACKAGE_DOLLARS[network.carry]
        return [(f"seed {FIRST_SEED}, package programme", case.package.objective, check)]
    rows = []
    for seed in list(checks.ITEM_DOLLARS)[: wanted.instances]:
        case = prepare(generate(network, seed), seed)
        assert case.item is not None
        rows.append((f"seed {seed}, item programme", case.item.objective, checks.ITEM_DOLLARS[seed]))
        package = case.package.objective
        rows.append((f"seed {seed}, package programme", package, checks.PACKAGE_DOLLARS[seed]))
    return rows


def _horizon(wanted: argparse.Namespace, progress: Progress) -> tuple[list[Sheet], dict[str, Any]]:
    steps = progress.add_task("sequences", total=len(HORIZONS) * wanted.instances * wanted.sequences)
    found = run_horizons(
        instances=wanted.instances, sequences=wanted.sequences, told=partial(progress.advance, steps)
    )
    if wanted.plot is not None:
        draw_horizon(found, wanted.plot)
    return [horizon_sheet(found)], as_json(found)


def _forecast(wanted: argparse.Namespace, progress: Progress) -> tuple[list[Sheet], dict[str, Any]]:
    steps = progress.add_task("sequences", total=len(ERRORS) * wanted.instances * wanted.sequences)
    found = run_forecasts(
        instances=wanted.instances, sequences=wanted.sequences, told=partial(progress.advance, steps)
    )
    return [forecast_sheet(found)], as_json(found)


if __name__ == "__main__":
    sys.exit(main())
