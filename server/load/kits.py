"""What kits are made of, from CSV or Parquet; every mistake of every row is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from router.catalogue import Catalogue, Kit
from router.domain import MAX_QUANTITY
from router.errors import InvalidConfig, Violation
from router.rules.validate import bounded
from server.load.fields import Row
from server.load.rows import Layout, read_rows

SHIPS = ("together", "apart")
MAX_COMPONENTS = 20
REQUIRED = ("kit_sku_id", "component_sku_id", "units")
LAYOUT = Layout("kits", columns=(*REQUIRED, "ships"), required=REQUIRED)


def with_kits(catalogue: Catalogue, path: Path) -> Catalogue:
    """The catalogue with its kits. Raises InvalidConfig with violations such as ``kits.csv:7 units``."""
    found: list[Violation] = []
    rows = [
        _read(Row("kit", where, values, found), catalogue) for where, values in read_rows(path, LAYOUT, found)
    ]
    good = [row for row in rows if row is not None]
    found += _of_all(good)
    if found:
        raise InvalidConfig(bounded(found, str(path)))
    made: dict[str, dict[str, int]] = {}
    for _, kit, component, units, _ in good:
        made.setdefault(kit, {})[component] = units
    apart = {kit: ships == "apart" for _, kit, _, _, ships in good if ships}
    kits: Mapping[str, Kit] = {
        kit: Kit(tuple(sorted(parts.items())), apart.get(kit, False)) for kit, parts in sorted(made.items())
    }
    return replace(catalogue, kits=kits)


_Read = tuple[str, str, str, int, str]
"""Where it stands, kit, component, units, how it ships (empty: not stated)."""


def _read(row: Row, catalogue: Catalogue) -> _Read | None:
    kit, component = row.id("kit_sku_id"), row.id("component_sku_id")
    for column, sku_id in (("kit_sku_id", kit), ("component_sku_id", component)):
        if sku_id and catalogue.ids.find(sku_id) < 0:
            row.wrong(column, f"no SKU {sku_id!r}")
    units = row.number("units", 1, MAX_QUANTITY)
    if units is None and not row.values.get("units"):
        row.wrong("units", "is empty")
    ships = row.text("ships")
    if ships and ships not in SHIPS:
        row.wrong("ships", f"{ships!r} is not one of {', '.join(SHIPS)}")
    return None if row.is_wrong or units is None else (row.where, kit, component, units, ships)


def _of_all(rows: list[_Read]) -> list[Violation]:
    """What rows say against each other."""
    found = []
    kits = {kit for _, kit, _, _, _ in rows}
    stated: dict[tuple[str, str], str] = {}
    ways: dict[str, tuple[str, str]] = {}
    count: dict[str, int] = {}
    for where, kit, component, _, ships in rows:
        if component in kits:
            found.append(Violation(f"{where} component_sku_id", f"{component!r} is a kit itself"))
        if (kit, component) in stated:
            text = f"{component!r} of kit {kit!r} is already stated in {stated[kit, component]}"
            found.append(Violation(f"{where} component_sku_id", text))
        stated.setdefault((kit, component), where)
        count[kit] = count.get(kit, 0) + 1
        if count[kit] == MAX_COMPONENTS + 1:
            text = f"more than {MAX_COMPONENTS} components of kit {kit!r}"
            found.append(Violation(f"{where} component_sku_id", text))
        if ships and ways.setdefault(kit, (ships, where))[0] != ships:
            text = f"kit {kit!r} ships {ways[kit][0]} by {ways[kit][1]}"
            found.append(Violation(f"{where} ships", text))
    return found
