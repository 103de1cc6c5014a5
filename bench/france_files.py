"""The French retailer as the files that a user would write."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from ruamel.yaml import YAML

from bench.assortment import Range
from bench.france import World
from bench.geography import DATA
from router.network import Node

_LIST = ";"
_NODE_COLUMNS = (
    *(
        "node_id",
        "node_type",
        "name",
        "country",
        "postal_code",
        "latitude",
        "longitude",
        "time_zone",
        "region",
    ),
    *("calendar", "labels", "groups", "services", "pickups", "priority", "processing_minutes"),
    *("pickup_lead_minutes", "shipment_cents", "line_cents", "unit_cents", "safety_stock_units"),
    *("return_methods", "reconditions", "return_unit_cents", "recondition_unit_cents"),
)
_POINT_COLUMNS = (
    *("point_id", "name", "country", "postal_code", "latitude", "longitude", "time_zone", "calendar"),
)


def write_world(world: World, folder: Path) -> Path:
    """Writes ``sourcier.yaml`` and all it names into ``folder``, made when missing; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = (DATA / "france_sourcier.yaml").read_text(encoding="utf-8")
    if world.pickup_points:
        shutil.copyfile(DATA / "france_network.yaml", folder / "network.yaml")
        settings += "pickup_points: pickup_points.csv\nclosures: closures.csv\n"
        _write_rows(folder / "pickup_points.csv", _POINT_COLUMNS, _point_rows(world))
        _write_rows(folder / "closures.csv", ("node_id", "from", "to"), _closure_rows(world.nodes))
    else:
        _write_plain_network(folder / "network.yaml")
    (folder / "sourcier.yaml").write_text(settings, encoding="utf-8")
    shutil.copyfile(DATA / "france_rules.yaml", folder / "rules.yaml")
    _write_rows(folder / "nodes.csv", _NODE_COLUMNS, map(_node_row, world.nodes))
    _write_rows(
        folder / "skus.csv", ("sku_id", "weight_grams", "unit_value_cents", "labels"), _sku_rows(world.goods)
    )
    _write_stock(world, folder / "stock.parquet")
    return folder / "sourcier.yaml"


def _write_plain_network(path: Path) -> None:
    """The network without hours, and without what leads to stores and pick-up points, or back."""
    yaml = YAML()
    network = yaml.load((DATA / "france_network.yaml").read_text(encoding="utf-8"))
    for section in ("calendars", "pickups", "paths"):
        del network[section]
    for zone in network["zones"]:
        del zone["calendar"], zone["time_zone"]
    network["services"] = [s for s in network["services"] if not {"serves", "direction"} & s.keys()]
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(network, file)


def _write_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _node_row(node: Node) -> tuple[object, ...]:
    lead = node.pickup_lead_seconds
    return (
        node.node_id,
        node.node_type.name,
        node.name,
        node.country,
        node.postal_code,
        node.latitude,
        node.longitude,
        node.time_zone,
        node.region,
        node.calendar,
        *(_LIST.join(sorted(names)) for names in (node.labels, node.groups, node.services)),
        _LIST.join(f"{service}={schedule}" for service, schedule in node.schedules),
        node.priority,
        node.processing_seconds // 60,
        "" if lead is None else lead // 60,
        node.shipment_cents,
        node.line_cents,
        node.unit_cents,
        node.safety_stock_units,
        _LIST.join(sorted(method.name for method in node.return_methods)),
        _LIST.join(sorted(node.reconditions)),
        node.return_unit_cents,
        node.recondition_unit_cents,
    )


def _closure_rows(nodes: Iterable[Node]) -> Iterator[tuple[object, ...]]:
    """Each closure is one run of dates."""
    for node in nodes:
        if node.closed:
            first, last = (date.fromordinal(day).isoformat() for day in (min(node.closed), max(node.closed)))
            yield node.node_id, first, last


def _point_rows(world: World) -> Iterator[tuple[object, ...]]:
    for point in world.pickup_points:
        yield tuple(getattr(point, column) for column in _POINT_COLUMNS)


def _sku_rows(goods: Range) -> Iterator[tuple[object, ...]]:
    columns = zip(goods.sku_ids, goods.weight_grams, goods.unit_value_cents, strict=True)
    for row, (sku_id, grams, cents) in enumerate(columns):
        yield sku_id, grams, cents, _LIST.join(sorted(goods.labels(row)))


def _write_stock(world: World, path: Path) -> None:
    def names(rows: NDArray[np.int32], ids: Sequence[str]) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(pa.array(rows), pa.array(ids, pa.string()))

    table = pa.table(
        {
            "sku_id": names(world.stock.sku_ix, world.goods.sku_ids),
            "node_id": names(world.stock.node_ix, [n.node_id for n in world.nodes]),
            "on_hand": pa.array(world.stock.on_hand),
        }
    )
    pq.write_table(table, path, compression="zstd")
