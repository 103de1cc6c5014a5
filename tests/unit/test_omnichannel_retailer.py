"""The demonstration retailer with its doors open."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bench.france import World, build_world
from bench.france_files import write_world
from bench.geography import distance_m
from bench.omnichannel import PICKUP_POINTS, omnichannel
from router.domain import NodeType, ReturnMethod
from server.config import load_config
from server.load.network import load_network

NOW = 1_778_580_000
TODAY = date(2026, 5, 12)
"""The date of ``NOW``; the Thursday after is Ascension Day."""
SMALL = {"stores": 40, "skus": 300, "stock_rows": 6_000}


@pytest.fixture(scope="module")
def world() -> World:
    return build_world()


@pytest.fixture(scope="module")
def open_world(world: World) -> World:
    return omnichannel(world, today=TODAY)


def test_the_plain_retailer_has_no_hours_and_only_sends(tmp_path: Path) -> None:
    config = load_config(write_world(build_world(**SMALL), tmp_path), environ={})
    network, _ = load_network(config.network, config.nodes, now_seconds=0)
    assert not network.keeps_time
    assert not network.paths
    assert not network.return_services
    assert all(service.serves == {"HOME"} for service in network.services)
    assert config.pickup_points is None


def test_the_open_retailer_loads_as_what_was_built(tmp_path: Path) -> None:
    world = omnichannel(build_world(**SMALL), today=TODAY)
    config = load_config(write_world(world, tmp_path), environ={})
    network, _ = load_network(
        config.network,
        config.nodes,
        now_seconds=NOW,
        closures=config.closures,
        pickup_points=config.pickup_points,
    )
    assert network.nodes == world.nodes
    assert network.pickup_points == tuple(sorted(world.pickup_points, key=lambda p: p.point_id))
    # Each of four hubs, and each two in turn.
    assert len(network.paths) == 4 + 4 * 3
    assert any(day in network.holidays["FR", ""] for day in range(TODAY.toordinal(), TODAY.toordinal() + 3))


def test_the_open_retailer_differs_in_nothing_else(world: World, open_world: World) -> None:
    def same(node: object) -> tuple[object, ...]:
        names = ("node_id", "latitude", "longitude", "labels", "priority", "processing_seconds")
        return tuple(getattr(node, name) for name in (*names, "shipment_cents", "safety_stock_units"))

    assert list(map(same, open_world.nodes)) == list(map(same, world.nodes))
    assert all(
        o.services >= w.services and o.groups >= w.groups
        for o, w in zip(open_world.nodes, world.nodes, strict=True)
    )
    assert (open_world.goods, open_world.stock) == (world.goods, world.stock)
    assert omnichannel(world, today=TODAY) == open_world


def test_stores_open_and_hand_out_and_suppliers_only_send(open_world: World) -> None:
    by_type = {t: [n for n in open_world.nodes if n.node_type is t] for t in NodeType}
    assert all(n.calendar for n in open_world.nodes)
    assert {n.calendar for n in by_type[NodeType.STORE]} == {"mall", "boulevard", "town"}
    assert all(n.return_methods == {ReturnMethod.DROP_OFF} for n in by_type[NodeType.STORE])
    handing_out = [n for n in open_world.nodes if n.pickup_lead_seconds is not None]
    assert 250 < len(handing_out) < 320
    assert {n.node_type for n in handing_out} == {NodeType.STORE}
    for supplier in by_type[NodeType.SUPPLIER]:
        assert not supplier.return_methods
        assert supplier.services <= {"standard", "freight"}
        assert supplier.processing_seconds >= 86_400
    assert all("hubs" in n.groups for n in by_type[NodeType.WAREHOUSE])


def test_closures_are_of_stores_around_today(open_world: World) -> None:
    closed = [n for n in open_world.nodes if n.closed]
    assert 2 < len(closed) < 20
    assert {n.node_type for n in closed} == {NodeType.STORE}
    today = TODAY.toordinal()
    for node in closed:
        assert ("renovation" in node.labels) == (today in node.closed)
        assert today + 1 in node.closed
        assert len(node.closed) == max(node.closed) - min(node.closed) + 1


def test_pickup_points_lie_where_people_live(open_world: World) -> None:
    points = open_world.pickup_points
    assert len({p.point_id for p in points}) == len(points) == PICKUP_POINTS
    for point in points:
        metres = min(
            distance_m(point.latitude, point.longitude, p.latitude, p.longitude) for p in open_world.places
        )
        assert metres < 3_000
    assert {p.calendar for p in points} == {"kiosk", "mall", ""}
