"""The fulfilment centres, regions and carriage costs of two benchmarks of the literature.

Regions are read from ``us_regions.csv`` in the folder that SOURCIER_DATA names, else in ``../shared/data``
seen from the repository; centres and costs are facts stated in Ma (2023) and Amil, Makhdoumi, Wei (2025).
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

VARIABLE = "SOURCIER_DATA"
SIBLING = Path(__file__).parents[2] / "shared" / "data"
REGIONS_FILE = "us_regions.csv"

SHIPMENT_DOLLARS = 8.759
UNIT_DOLLARS = 0.423
UNIT_DOLLARS_PER_MILE = 0.000541
REFUSAL_FACTOR = 2.0
"""A line that is not served costs as much as twice the dearest that is."""

CENTRES = {
    "OAK4": (37.7448, -121.3985),
    "ONT6": (33.873, -117.2361),
    "PHX6": (33.433, -112.1644),
    "IND1": (39.9797, -86.3833),
    "AVP3": (41.2776, -75.4973),
    "CAE1": (33.9114, -81.0501),
    "BNA2": (36.1202, -86.4096),
    "DFW7": (32.9709, -97.3348),
    "SAT1": (29.6021, -98.289),
    "RIC2": (37.3521, -77.3269),
}
"""Latitude and longitude, in degrees."""
FIVE_CENTRES = ("OAK4", "IND1", "AVP3", "CAE1", "DFW7")


class Regions(NamedTuple):
    """degrees: float64[regions, 2], latitude and longitude; population: float64[regions]."""

    degrees: F64
    population: F64


class Carriage(NamedTuple):
    """Dollars. shipment: float64[centres + 1]; unit: float64[regions, centres + 1]; the last centre stands
    for not serving at all. miles: float64[regions, centres]."""

    shipment: F64
    unit: F64
    miles: F64


def regions_file() -> Path | None:
    """Where the regions are; None when there are none. Raises FileNotFoundError for a variable that leads
    nowhere."""
    named = os.environ.get(VARIABLE)
    if named and not Path(named).is_dir():
        raise FileNotFoundError(f"{VARIABLE} names {named!r}, which is not a folder")
    path = (Path(named) if named else SIBLING) / REGIONS_FILE
    return path if path.is_file() else None


def regions(count: int) -> Regions:
    """The first ``count`` metropolitan areas. Raises FileNotFoundError when there is no file."""
    path = regions_file()
    if path is None:
        raise FileNotFoundError(
            f"no {REGIONS_FILE}: set {VARIABLE}, or put it in ../shared/data beside the repository"
        )
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(count), strict=False)]
    degrees = [(float(row["latitude"]), float(row["longitude"])) for row in rows]
    return Regions(np.array(degrees), np.array([float(row["population"]) for row in rows]))


def carriage(region_degrees: F64, centres: tuple[str, ...], *, earth_radius_miles: float) -> Carriage:
    """Costs between regions and centres by great circles."""
    miles = _great_circle(region_degrees, np.array([CENTRES[name] for name in centres]), earth_radius_miles)
    unit = UNIT_DOLLARS + UNIT_DOLLARS_PER_MILE * miles
    refused = REFUSAL_FACTOR * unit.max(axis=1, keepdims=True)
    shipment = np.append(np.full(len(centres), SHIPMENT_DOLLARS), REFUSAL_FACTOR * SHIPMENT_DOLLARS)
    return Carriage(shipment, np.hstack([unit, refused]), miles)


def _great_circle(first: F64, second: F64, radius: float) -> F64:
    """float64[first, second], by the haversine formula; degrees in, in the unit of the radius."""
    one, two = np.radians(first)[:, None, :], np.radians(second)[None, :, :]
    half = np.sin((two - one) / 2) ** 2
    chord = half[..., 0] + np.cos(one[..., 0]) * np.cos(two[..., 0]) * half[..., 1]
    distance: F64 = 2 * radius * np.arcsin(np.sqrt(chord))
    return distance
