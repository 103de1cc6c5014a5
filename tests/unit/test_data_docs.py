"""docs/data.md has every column that the loaders take, with the limits they have, and every variable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import server.load
from router.domain import MAX_QUANTITY, MAX_UNIT_VALUE_CENTS
from server.load import catalogue, closures, kits, nodes, offers, points, receipts, stock, trust
from server.load.rows import Layout
from server.load.table import Columns

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "data.md"
UNITS = {"percent": "percent", "cents": "cents", "minutes": "minutes", "grams": "grams", "units": "units"}
"""The unit that a name ends with is the unit of the column."""

Limits = Mapping[str, tuple[int, int, int | None]]
"""Least and greatest value of a number, and what it is when empty; None: said in words."""
STOCK_LIMITS: Limits = dict.fromkeys(stock.COLUMNS.numbers, (0, nodes.MAX_UNITS, None))
SKU_LIMITS: Limits = {name: (0, greatest, 0) for name, greatest in catalogue.LIMITS.items()}
TABLES: dict[str, tuple[tuple[str, ...], set[str], Limits]] = {
    "Nodes": (
        tuple(nodes.LAYOUT.columns),
        set(nodes.LAYOUT.required),
        {**nodes.NUMBERS, nodes.LEAD: (0, nodes.MAX_MINUTES, None)},
    ),
    "Closures": (tuple(closures.LAYOUT.columns), set(closures.LAYOUT.required), {}),
    "Trust": (
        tuple(trust.LAYOUT.columns),
        set(trust.LAYOUT.required),
        dict.fromkeys(trust.PERCENTS, (0, trust.MAX_PERCENT, None)),
    ),
    "Offers": (
        tuple(offers.LAYOUT.columns),
        set(offers.LAYOUT.required),
        {"price_cents": (0, MAX_UNIT_VALUE_CENTS, None), "commission_percent": (0, offers.MAX_PERCENT, 0)},
    ),
    "Pick-up points": (tuple(points.LAYOUT.columns), set(points.LAYOUT.required), {}),
    "SKUs": (
        catalogue.COLUMNS.all,
        set(catalogue.COLUMNS.all) - catalogue.COLUMNS.optional,
        SKU_LIMITS,
    ),
    "Kits": (
        tuple(kits.LAYOUT.columns),
        set(kits.LAYOUT.required),
        {"units": (1, MAX_QUANTITY, None)},
    ),
    "Stock": (stock.COLUMNS.all, set(stock.COLUMNS.all) - stock.COLUMNS.optional, STOCK_LIMITS),
    "Receipts": (
        tuple(receipts.LAYOUT.columns),
        set(receipts.LAYOUT.required),
        {"units": (0, nodes.MAX_UNITS, None)},
    ),
}
"""Columns, those that are required, and limits, as the loaders have them."""


def rows_of(heading: str) -> dict[str, list[str]]:
    """The rows of the table below a heading: cells after the first, by the name in the first."""
    text = DOCUMENT.read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    names = [cells[0].strip(" `") for cells in lines]
    assert len(names) == len(set(names)), "a column is described twice"
    return {name: [cell.strip() for cell in cells[1:]] for name, cells in zip(names, lines, strict=True)}


@pytest.mark.parametrize("heading", TABLES)
def test_every_column_is_described(heading: str) -> None:
    columns, required, limits = TABLES[heading]
    rows = rows_of(heading)
    assert set(rows) == set(columns)
    for name, cells in rows.items():
        meaning, unit, extent, empty = cells
        assert meaning, name
        assert extent, name
        assert (empty == "required") == (name in required), name
        if name in limits:
            least, greatest, default = limits[name]
            assert extent == f"{least:,} to {greatest:,}", name
            assert empty in {f"{default:,}", "required"} if default is not None else empty, name
            ending = name.rpartition("_")[2]
            assert unit == UNITS.get(ending, unit), name


def test_every_table_that_is_read_is_described() -> None:
    modules = [import_module(f"server.load.{m.name}") for m in iter_modules(server.load.__path__)]
    read = {id(v) for m in modules for v in vars(m).values() if isinstance(v, Layout | Columns)}
    layouts = (
        nodes.LAYOUT,
        closures.LAYOUT,
        trust.LAYOUT,
        offers.LAYOUT,
        kits.LAYOUT,
        points.LAYOUT,
        receipts.LAYOUT,
    )
    known = (*layouts, catalogue.COLUMNS, stock.COLUMNS)
    assert read == {id(layout) for layout in known}
    assert len(known) == len(TABLES)


def test_every_number_has_its_limits() -> None:
    assert set(catalogue.LIMITS) == set(catalogue.COLUMNS.numbers)


def test_every_variable_is_described() -> None:
    sources = [path for name in ("server", "router") for path in (ROOT / name).rglob("*.py")]
    used = {name for path in sources for name in re.findall(r"SOURCIER_[A-Z_]+", path.read_text("utf-8"))}
    assert len(used) >= 3
    assert set(rows_of("Environment")) == used
