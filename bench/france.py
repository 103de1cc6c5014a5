"""A French retailer on real geography: stores in the towns where people live, warehouses where logistics
parks are, suppliers in France and abroad. Invented from a seed; the same seed gives the same bytes.

Places are GeoNames data, CC BY 4.0 (see bench.geography; every program that uses this prints ``CREDIT``).
"""

from __future__ import annotations

import csv
import re
import shutil
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.assortment import Range, StockRows, make_range, make_stock
from bench.geography import CREDIT, DATA, Atlas, Place
from router.domain import NodeType
from router.errors import InvalidInput
from router.network import Node

__all__ = ["CREDIT", "World", "build_world", "write_retailer", "write_world"]

FOREIGN_DESTINATIONS = ("BE", "LU", "DE", "ES", "IT", "PT")
_METRES_PER_DEGREE = 111_195.0
_LIST = ";"
_NODE_COLUMNS = (
    *("node_id", "node_type", "name", "country", "postal_code", "latitude", "longitude", "time_zone"),
    *("labels", "groups", "services", "priority", "processing_minutes"),
    *("shipment_cents", "line_cents", "unit_cents", "safety_stock_units"),
)
_CONFIG_FILES = {
    "france_network.yaml": "network.yaml",
    "france_rules.yaml": "rules.yaml",
    "france_sourcier.yaml": "sourcier.yaml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything about the retailer but its rules and tariffs. ``nodes`` are sorted by id, ``places`` and
    ``foreign_places`` (where orders go) by falling population."""

    nodes: tuple[Node, ...]
    goods: Range
    stock: StockRows
    places: tuple[Place, ...]
    foreign_places: tuple[Place, ...]


def write_retailer(
    folder: Path, *, stores: int = 320, skus: int = 5_000, stock_rows: int = 500_000, seed: int = 1
) -> Path:
    """Builds a world and writes it with its config; returns the path of ``sourcier.yaml``.

    Raises InvalidInput when the counts do not fit together.
    """
    return write_world(build_world(stores=stores, skus=skus, stock_rows=stock_rows, seed=seed), folder)


def build_world(*, stores: int = 320, skus: int = 5_000, stock_rows: int = 500_000, seed: int = 1) -> World:
    """``stores`` stores besides the sites of ``data/sites.csv``, ``skus`` SKUs, exactly ``stock_rows`` rows.

    Raises InvalidInput when the counts do not fit together.
    """
    for name, count in (("stores", stores), ("skus", skus), ("stock_rows", stock_rows)):
        if count < 1:
            raise InvalidInput.at(name, f"{count} is not positive")
    # A stream each: more stores do not change the SKUs.
    node_rng, goods_rng, stock_rng = (np.random.default_rng((seed, stream)) for stream in range(3))
    atlas = Atlas()
    places = atlas.french_places()
    sites, site_categories = _sites(atlas)
    nodes = tuple(sorted(sites + _stores(node_rng, places, stores), key=lambda n: n.node_id))
    goods = make_range(goods_rng, skus)
    return World(
        nodes=nodes,
        goods=goods,
        stock=make_stock(stock_rng, goods, nodes, site_categories, stock_rows),
        places=places,
        foreign_places=atlas.foreign_places(FOREIGN_DESTINATIONS),
    )


# ----------------------------------------------------------------------------------------------- nodes


def _sites(atlas: Atlas) -> tuple[list[Node], dict[str, list[str]]]:
    """Warehouses, distribution centres and suppliers, and the categories each handles."""
    nodes: list[Node] = []
    categories: dict[str, list[str]] = {}
    with (DATA / "sites.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            place = atlas.find(row["place"], row["country"])
            nodes.append(_site(row, place))
            categories[row["node_id"]] = row["categories"].split()
    return nodes, categories


def _site(row: dict[str, str], place: Place) -> Node:
    node_type = NodeType[row["node_type"]]
    labels = frozenset(row["labels"].split())
    services = {"standard"}
    services |= {"freight"} & labels
    if node_type is NodeType.SUPPLIER:
        is_french = row["country"] == "FR"
        priority, minutes, cents = 6, 1440 if is_french else 2880, (240, 30, 25)
    elif node_type is NodeType.WAREHOUSE:
        services |= {"economy", "express"} | ({"chilled"} if "cold" in labels else set())
        priority, minutes, cents = 1, 240, (95, 20, 8)
    else:
        services |= {"chilled"} if "cold" in labels else set()
        priority, minutes, cents = 2, 480, (70, 15, 6)
    return Node(
        node_id=row["node_id"],
        node_type=node_type,
        name=row["name"],
        country=row["country"],
        postal_code=row["postal_code"],
        latitude=place.latitude,
        longitude=place.longitude,
        time_zone=place.time_zone,
        labels=labels,
        groups=frozenset({"suppliers" if node_type is NodeType.SUPPLIER else "logistics"}),
        services=frozenset(services),
        priority=priority,
        processing_seconds=minutes * 60,
        shipment_cents=cents[0],
        line_cents=cents[1],
        unit_cents=cents[2],
        safety_stock_units=0 if node_type is NodeType.SUPPLIER else 2,
    )


def _stores(rng: np.random.Generator, places: tuple[Place, ...], count: int) -> list[Node]:
    """Stores where people live; a town's second store needs four times the people, its third nine times."""
    most = 8
    people = np.array([p.population for p in places], np.float64)
    claims = people[:, None] / np.arange(1, most + 1) ** 2
    if count > claims.size:
        raise InvalidInput.at("stores", f"{count} stores, at most {claims.size}")
    taken = np.argsort(-claims, axis=None, kind="stable")[:count]
    ids: set[str] = set()
    nodes = []
    for place_ix, rank in sorted(divmod(int(t), most) for t in taken):
        place = places[place_ix]
        stem = f"store-{slug(place.name)}" + (f"-{rank + 1}" if rank else "")
        # Different towns share a name.
        node_id = stem if stem not in ids else f"{stem}-{place.geoname_id}"
        ids.add(node_id)
        nodes.append(_store(rng, place, node_id, rank))
    return nodes


def _store(rng: np.random.Generator, place: Place, node_id: str, rank: int) -> Node:
    draws = rng.random(4)
    if rank == 0 and place.population >= 100_000:
        size, minutes, priority = "flagship", 120, 3
    elif place.population >= 50_000:
        size, minutes, priority = "city", 180, 4
    else:
        size, minutes, priority = "small", 300, 5
    labels = {size}
    labels |= {"cold"} if size == "flagship" or draws[0] < 0.15 else set()
    labels |= {"hazmat"} if size == "flagship" or draws[1] < 0.35 else set()
    labels |= {"freight"} if size == "flagship" and draws[2] < 0.6 else set()
    labels |= {"renovation"} if size != "flagship" and draws[3] < 0.02 else set()
    services = {"standard", "economy", "courier"} | ({"freight"} & labels)
    services |= {"express"} if size != "small" else set()
    # The first store is in the centre, the others up to 1.2 km away.
    turn, metres = rng.random() * 2 * np.pi, 1_200 * np.sqrt(rng.random()) * (rank > 0)
    latitude, longitude = moved(place, metres * np.cos(turn), metres * np.sin(turn))
    return Node(
        node_id=node_id,
        node_type=NodeType.STORE,
        name=place.name + (f" {rank + 1}" if rank else ""),
        country=place.country,
        postal_code=place.postal_code,
        latitude=latitude,
        longitude=longitude,
        time_zone=place.time_zone,
        labels=frozenset(labels),
        groups=frozenset({"stores", f"stores-{place.group}"}),
        services=frozenset(services),
        priority=priority,
        processing_seconds=(minutes + 30 * int(rng.integers(0, 7))) * 60,
        shipment_cents=180 + 10 * int(rng.integers(-3, 4)),
        line_cents=45,
        unit_cents=20,
        safety_stock_units=2 if size == "flagship" else 1,
    )


def moved(place: Place, north_m: float, east_m: float) -> tuple[float, float]:
    """Latitude and longitude so many metres off the place, in degrees to a hundred-thousandth (a metre)."""
    latitude = place.latitude + north_m / _METRES_PER_DEGREE
    longitude = place.longitude + east_m / (_METRES_PER_DEGREE * float(np.cos(np.radians(place.latitude))))
    return round(float(latitude), 5), round(float(longitude), 5)


def slug(name: str) -> str:
    """Lower-case ASCII letters and digits, joined by hyphens."""
    plain = unicodedata.normalize("NFKD", name.replace("œ", "oe").replace("Œ", "Oe"))
    return re.sub(r"[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode().lower()).strip("-")


# ----------------------------------------------------------------------------------------------- files


def write_world(world: World, folder: Path) -> Path:
    """Writes ``sourcier.yaml`` and all it names into ``folder``, made when missing; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    for source, target in _CONFIG_FILES.items():
        shutil.copyfile(DATA / source, folder / target)
    _write_nodes(world.nodes, folder / "nodes.csv")
    _write_skus(world.goods, folder / "skus.csv")
    _write_stock(world, folder / "stock.parquet")
    return folder / "sourcier.yaml"


def _write_nodes(nodes: tuple[Node, ...], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_NODE_COLUMNS)
        for node in nodes:
            writer.writerow(
                (
                    node.node_id,
                    node.node_type.name,
                    node.name,
                    node.country,
                    node.postal_code,
                    node.latitude,
                    node.longitude,
                    node.time_zone,
                    *(_LIST.join(sorted(names)) for names in (node.labels, node.groups, node.services)),
                    node.priority,
                    node.processing_seconds // 60,
                    node.shipment_cents,
                    node.line_cents,
                    node.unit_cents,
                    node.safety_stock_units,
                )
            )


def _write_skus(goods: Range, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("sku_id", "weight_grams", "unit_value_cents", "labels"))
        columns = zip(goods.sku_ids, goods.weight_grams, goods.unit_value_cents, strict=True)
        for row, (sku_id, grams, cents) in enumerate(columns):
            writer.writerow((sku_id, grams, cents, _LIST.join(sorted(goods.labels(row)))))


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
