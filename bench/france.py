"""A French retailer on real geography: stores in the towns where people live, warehouses where logistics
parks are, suppliers in France and abroad. Invented from a seed; the same seed gives the same bytes.

Places are GeoNames data, CC BY 4.0 (see bench.geography; every program that uses this prints ``CREDIT``).
"""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass

import numpy as np

from bench.assortment import Range, StockRows, make_range, make_stock
from bench.geography import DATA, Atlas, Place
from router.domain import NodeType
from router.errors import InvalidInput
from router.network import Node, PickupPoint

FOREIGN_DESTINATIONS = ("BE", "LU", "DE", "ES", "IT", "PT")
_METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything about the retailer but its rules and tariffs. ``nodes`` are sorted by id, ``places`` and
    ``foreign_places`` (where orders go) by falling population. Without ``pickup_points`` it only sends to
    addresses, at all hours (see bench.omnichannel)."""

    nodes: tuple[Node, ...]
    goods: Range
    stock: StockRows
    places: tuple[Place, ...]
    foreign_places: tuple[Place, ...]
    pickup_points: tuple[PickupPoint, ...] = ()


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
