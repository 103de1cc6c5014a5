"""The French retailer with its doors open: hours and holidays, carriers at stated times, goods collected in
stores and at pick-up points, lorries between warehouses and stores, and goods that come back.

The calendars, schedules and services that are named here stand in ``data/france_network.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np

from bench.france import World, moved, slug
from bench.geography import Place
from router.domain import NodeType, ReturnMethod
from router.network import Node, PickupPoint

PICKUP_POINTS = 60
_CORSICA = "20"
_ALSACE_MOSELLE = ("57", "67", "68")
"""Departments with holidays of their own."""
_DOCK = {
    "standard": "dock-parcels",
    "economy": "dock-parcels",
    "relay": "dock-parcels",
    "store-parcel": "dock-parcels",
    "express": "dock-express",
    "chilled": "dock-express",
    "shuttle": "dock-night",
    "freight": "dock-freight",
}
_STORE = dict.fromkeys(("standard", "economy", "express", "relay", "store-parcel"), "store-evening")
"""Couriers and freight come when called."""
_WORKSHOP = dict.fromkeys(("standard", "freight"), "workshop-afternoon")
_SIZES = {"flagship": ("mall", 30), "city": ("boulevard", 60), "small": ("town", 120)}
"""Opening hours, and minutes from goods being in the store to their being ready for the customer."""


def omnichannel(world: World, *, today: date, seed: int = 1) -> World:
    """The same retailer, stock and places with everything above. Closures lie around ``today``: stores under
    renovation for two months, a few others tomorrow, for stocktaking."""
    # Apart from the streams that built the world and its orders.
    rng = np.random.default_rng((seed, 200))
    nodes = tuple(_opened(rng, node, today.toordinal()) for node in world.nodes)
    return replace(world, nodes=nodes, pickup_points=tuple(_pickup_points(rng, world.places)))


def _opened(rng: np.random.Generator, node: Node, today: int) -> Node:
    draws = rng.random(2).tolist()
    if node.node_type is NodeType.STORE:
        return _store(node, today, draws)
    if node.node_type is NodeType.SUPPLIER:
        return replace(node, calendar="workshop", schedules=_schedules(_WORKSHOP, node.services))
    services = node.services | {"relay", "store-parcel", "shuttle", "return-parcel"}
    is_warehouse = node.node_type is NodeType.WAREHOUSE
    return replace(
        node,
        calendar="dock",
        services=services,
        schedules=_schedules(_DOCK, services),
        groups=node.groups | ({"hubs"} if is_warehouse else set()),
        return_methods=frozenset({ReturnMethod.PARCEL} if is_warehouse else set()),
        reconditions=frozenset({"*"} if is_warehouse else set()),
        return_unit_cents=60,
        recondition_unit_cents=350,
    )


def _store(node: Node, today: int, draws: list[float]) -> Node:
    """Small stores send little, and one in seven has nobody to hand goods out."""
    [size] = node.labels & _SIZES.keys()
    calendar, lead_minutes = _SIZES[size]
    services = node.services | {"return-parcel"} | (set() if size == "small" else {"relay", "store-parcel"})
    closed = range(0)
    if "renovation" in node.labels:
        closed = range(today - 20, today + 40)
    elif draws[0] < 0.02:
        closed = range(today + 1, today + 2)
    return replace(
        node,
        calendar=calendar,
        region=node.postal_code[:2] if node.postal_code.startswith(_ALSACE_MOSELLE) else "",
        closed=frozenset(closed),
        services=services,
        schedules=_schedules(_STORE, services),
        pickup_lead_seconds=None if size == "small" and draws[1] < 1 / 7 else lead_minutes * 60,
        return_methods=frozenset({ReturnMethod.DROP_OFF}),
        return_unit_cents=90,
    )


def _schedules(known: dict[str, str], services: frozenset[str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((service, known[service]) for service in services & known.keys()))


def _pickup_points(rng: np.random.Generator, places: tuple[Place, ...]) -> Iterator[PickupPoint]:
    """Where most people live: in turn a tobacconist's, a supermarket's desk, and lockers, always open."""
    mainland = [place for place in places if not place.postal_code.startswith(_CORSICA)]
    kinds = (("tabac", "Tabac", "kiosk"), ("desk", "Supermarché", "mall"), ("lockers", "Consignes", ""))
    for number, place in enumerate(mainland[:PICKUP_POINTS]):
        kind, title, calendar = kinds[number % len(kinds)]
        latitude, longitude = moved(place, *rng.normal(0, 400, 2).tolist())
        yield PickupPoint(
            point_id=f"{kind}-{slug(place.name)}",
            name=f"{title} {place.name}",
            country=place.country,
            postal_code=place.postal_code,
            latitude=latitude,
            longitude=longitude,
            time_zone=place.time_zone,
            calendar=calendar,
        )
