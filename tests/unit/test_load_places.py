"""What services serve, paths over hubs, pick-up leads and pick-up points: from files, and their mistakes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from router.errors import InvalidConfig
from router.network import Network, PickupPoint
from router.network import Path as HubPath
from server.load.fields import Known
from server.load.network import load_network, parse_carriage
from server.load.nodes import read_nodes
from server.load.points import read_pickup_points

NOW_SECONDS = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
NETWORK = """\
version: 1
currency: EUR
calendars:
  shop: {holidays: closed, hours: [{days: [MON], opens: "10:00", closes: "19:00"}]}
tariffs: {any: [{up_to_grams: 1000, cents: 100}]}
services:
  - {id: post, lanes: [{transit_hours: 24, tariff: any}]}
  - {id: relay, serves: [PICKUP_POINT, STORE], lanes: [{transit_hours: 24, tariff: any}]}
  - {id: truck, serves: [STORE], kind: transfer, lanes: [{transit_hours: 8, tariff: any}]}
paths:
  - {id: one, services: [truck, truck], via: [{ids: [h1]}], hub_minutes: 90, hub_cents: 40}
  - {id: some, services: [truck, relay], via: [{groups: [hubs]}]}
  - {id: two, services: [truck, truck, relay], via: [{groups: [hubs]}, {labels: [late]}]}
"""
NODES = """\
node_id,node_type,country,latitude,longitude,groups,labels,services,pickup_lead_minutes
h1,WAREHOUSE,FR,1,2,hubs,,truck;relay,
h2,WAREHOUSE,FR,1,2,hubs,late,truck;relay,30
h3,WAREHOUSE,FR,1,2,hubs,late,truck,
s1,STORE,FR,1,2,hubs,late,post,0
"""
POINTS = """\
point_id,name,country,postal_code,latitude,longitude,time_zone,region,calendar
tabac,Tabac du Port,FR,13002,43.29,5.37,Europe/Paris,13,shop
kiosk,,DE,,52.5,13.4,,,
"""


def load(folder: Path, network: str = NETWORK, nodes: str = NODES, points: str | None = POINTS) -> Network:
    texts = {"network.yaml": network, "nodes.csv": nodes, "points.csv": points or ""}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    stated = None if points is None else folder / "points.csv"
    return load_network(
        folder / "network.yaml", folder / "nodes.csv", now_seconds=NOW_SECONDS, pickup_points=stated
    )[0]


def mistakes(folder: Path, network: str = NETWORK, nodes: str = NODES, points: str = POINTS) -> list[str]:
    with pytest.raises(InvalidConfig) as raised:
        load(folder, network, nodes, points)
    return [str(violation).replace(f"{folder}/", "") for violation in raised.value.violations]


def test_services_say_what_they_serve_and_whose_they_are(tmp_path: Path) -> None:
    post, relay, truck = load(tmp_path).services
    assert [(s.serves, s.is_transfer) for s in (post, relay, truck)] == [
        ({"HOME"}, False),
        ({"PICKUP_POINT", "STORE"}, False),
        ({"STORE"}, True),
    ]


def test_goods_can_be_collected_where_a_lead_is_stated(tmp_path: Path) -> None:
    leads = {node.node_id: node.pickup_lead_seconds for node in load(tmp_path).nodes}
    assert leads == {"h1": None, "h2": 1_800, "h3": None, "s1": 0}


def test_a_path_is_stated_once_and_exists_for_every_choice_of_hubs(tmp_path: Path) -> None:
    """Hubs need the service that leads on: s1 has none of them, h3 no relay; no hub comes twice."""
    one, *others = load(tmp_path).paths
    assert one == HubPath(
        path_id="one", services=("truck", "truck"), hubs=("h1",), hub_seconds=5_400, hub_cents=40
    )
    assert [(path.path_id, path.hubs) for path in others] == [
        ("some@h1", ("h1",)),
        ("some@h2", ("h2",)),
        ("two@h1@h2", ("h1", "h2")),
        ("two@h3@h2", ("h3", "h2")),
    ]
    assert {(path.services, path.hub_seconds, path.hub_cents) for path in others} == {
        (("truck", "relay"), 0, 0),
        (("truck", "truck", "relay"), 0, 0),
    }


def test_pick_up_points_are_what_their_file_says(tmp_path: Path) -> None:
    kiosk = PickupPoint(point_id="kiosk", country="DE", latitude=52.5, longitude=13.4)
    tabac = PickupPoint(
        point_id="tabac",
        country="FR",
        latitude=43.29,
        longitude=5.37,
        name="Tabac du Port",
        postal_code="13002",
        time_zone="Europe/Paris",
        region="13",
        calendar="shop",
    )
    network = load(tmp_path)
    assert network.pickup_points == (kiosk, tabac)
    assert set(network.holidays) == {("FR", ""), ("FR", "13")}
    without = load(tmp_path, points=None)
    assert (without.pickup_points, without.holidays) == ((), {})


def test_parquet_pick_up_points(tmp_path: Path) -> None:
    path = tmp_path / "points.parquet"
    columns = {"point_id": ["b", "a"], "country": ["FR"] * 2, "latitude": [1, 2], "longitude": [0.5, None]}
    pa_parquet.write_table(pa.table(columns), path)
    with pytest.raises(InvalidConfig) as raised:
        read_pickup_points(path, Known(services={}))
    assert [str(v) for v in raised.value.violations] == [
        f"{path} row 2 longitude: is empty: a pick-up point needs coordinates"
    ]
    pa_parquet.write_table(pa.table(columns | {"longitude": [0.5, 0.0]}), path)
    assert [p.point_id for p in read_pickup_points(path, Known(services={}))] == ["a", "b"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("serves: [STORE], kind", "serves: [SHOP], kind",
         "9:26 services[2].serves[0]: 'SHOP' is not one of HOME, STORE, PICKUP_POINT"),
        ("serves: [STORE], kind", "serves: [], kind",
         "9:17 services[2].serves: has 0 entries, at least 1"),
        ("[PICKUP_POINT, STORE]", "[STORE, STORE]", "8:33 services[1].serves[1]: 'STORE' is given twice"),
        ("kind: transfer", "kind: transfers",
         "9:34 services[2].kind: 'transfers' is not one of carrier, transfer; did you mean 'transfer'?"),
        ("id: some", "id: one", "12:6 paths[1].id: 'one' is already the id of a path"),
        ("id: some", "id: post", "12:6 paths[1].id: 'post' is already the id of a service"),
        ("services: [truck, relay]", "services: [trucks, relay]",
         "12:27 paths[1].services[0]: no service 'trucks'; did you mean 'truck'?"),
        ("services: [truck, relay]", "services: [truck, post]",
         "12:34 paths[1].services[1]: 'post' does not serve STORE: hubs are reached as stores are"),
        ("serves: [PICKUP_POINT, STORE],", "serves: [PICKUP_POINT, STORE], direction: return,",
         "12:34 paths[1].services[1]: 'relay' does not serve STORE: hubs are reached as stores are"),
        ("services: [truck, relay]", "services: [truck]",
         "12:16 paths[1].services: has 1 entries, must have 2 or 3"),
        ("services: [truck, relay]", "services: [truck, truck, truck, relay]",
         "12:16 paths[1].services: has 4 entries, must have 2 or 3"),
        ("via: [{groups: [hubs]}]}", "via: [{groups: [hubs]}, {}]}",
         "12:42 paths[1].via: has 2 entries, must have 1: one for each change of service"),
        ("via: [{groups: [hubs]}]}", "via: [{group: [hubs]}]}",
         "12:49 paths[1].via[0].group: unknown key; did you mean 'groups'?"),
        ("hub_minutes: 90", "hub_minutes: -1", "11:61 paths[0].hub_minutes: must be at least 0, is -1"),
    ],
)  # fmt: skip
def test_mistakes_of_the_network_file_name_line_and_path(old: str, new: str, expected: str) -> None:
    assert NETWORK.count(old) == 1
    with pytest.raises(InvalidConfig) as raised:
        parse_carriage(NETWORK.replace(old, new), "network.yaml")
    assert f"network.yaml:{expected}" in [str(violation) for violation in raised.value.violations]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("{ids: [h1]}", "{ids: [h2, h11], labels: [lat]}",
         ["11:58 paths[0].via[0].ids[1]: no node 'h11'; did you mean 'h1'?",
          "11:73 paths[0].via[0].labels[0]: no node label 'lat'; did you mean 'late'?"]),
        ("via: [{groups: [hubs]}]}", "via: [{groups: [hub]}]}",
         ["12:58 paths[1].via[0].groups[0]: no node group 'hub'; did you mean 'hubs'?"]),
        ("via: [{groups: [hubs]}]}", "via: [{ids: [h3, s1]}]}",
         ["12:48 paths[1].via[0]: selects no node that has 'relay' among its services"]),
        ("{groups: [hubs]}, {labels: [late]}", "{ids: [h2]}, {ids: [h2]}",
         ["13:48 paths[2].via: would change service at one hub twice: none of the choices is a path"]),
        ("id: post", "id: some@h2",
         ["12:6 paths[1].id: a service or another path has the name 'some@h2'"]),
    ],
)  # fmt: skip
def test_mistakes_of_hubs_are_told_once_the_nodes_are_known(
    tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    assert NETWORK.count(old) == 1
    found = mistakes(tmp_path, NETWORK.replace(old, new), NODES.replace(",late,post,0", ",late,truck,0"))
    assert found == [f"network.yaml:{line}" for line in expected]


@pytest.mark.parametrize(("hubs", "fits"), [(998, True), (999, False)])
def test_there_are_at_most_a_thousand_paths(tmp_path: Path, hubs: int, fits: bool) -> None:
    """Two of them are ``one`` and ``two``, whose hubs do not grow."""
    network = NETWORK.replace("[{groups: [hubs]}, {labels: [late]}]", "[{ids: [h1]}, {ids: [h2]}]")
    more = "".join(f"x{i},WAREHOUSE,FR,1,2,hubs,,relay,\n" for i in range(hubs - 2))
    if fits:
        assert len(load(tmp_path, network, NODES + more).paths) == 1_000
    else:
        assert mistakes(tmp_path, network, NODES + more) == [
            "network.yaml:10:1 paths: there are more than 1000 choices of hubs"
        ]


@pytest.mark.parametrize(
    ("lead", "expected"),
    [
        ("-1", "-1 is not within 0..527040"),
        ("527041", "527041 is not within 0..527040"),
        ("1.5", "'1.5' is not a whole number"),
    ],
)
def test_mistakes_of_a_lead_name_line_and_column(tmp_path: Path, lead: str, expected: str) -> None:
    path = tmp_path / "nodes.csv"
    path.write_text(NODES.replace(",30\n", f",{lead}\n"), encoding="utf-8")
    with pytest.raises(InvalidConfig) as raised:
        read_nodes(path, Known(services=dict.fromkeys(("truck", "relay", "post"), "")))
    assert [str(v) for v in raised.value.violations] == [f"{path}:3 pickup_lead_minutes: {expected}"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (",,FR,,1,2,,,", ["point_id: is empty"]),
        ("tabac,,FR,,1,2,,,", ["point_id: 'tabac' is already the pick-up point of points.csv:2"]),
        ("x,,FX,,,181,,,", ["country: 'FX' is not an ISO 3166 country code",
                            "latitude: is empty: a pick-up point needs coordinates",
                            "longitude: '181' is not within -180..180 degrees"]),
        ("x," + "y" * 201 + ",FR,,1,2,Paris,,", ["name: has 201 characters, at most 200",
                                                 "time_zone: 'Paris' is not an IANA time zone"]),
        ("x,,FR,,1,2,,,shops", ["calendar: no calendar 'shops'; did you mean 'shop'?"]),
        ("x,,FR,,1,2,,FR-13,shop",
         ["region: no region 'FR-13' of FR; write it without 'FR-'"]),
        ("x,,FR", [": has 3 values, must have 9"]),
    ],
)  # fmt: skip
def test_mistakes_of_a_pick_up_point_name_line_and_column(
    tmp_path: Path, row: str, expected: list[str]
) -> None:
    found = mistakes(tmp_path, points=f"{POINTS}\n{row}\n")
    assert [line.split("; did you mean 'Europe")[0] for line in found] == [
        f"points.csv:5 {line}".replace(" :", ":") for line in expected
    ]


def test_columns_of_pick_up_points_are_known(tmp_path: Path) -> None:
    assert mistakes(tmp_path, points="point,country,latitude,longitude\n") == [
        "points.csv:1 point_id: the column is missing",
        "points.csv:1: unknown column 'point'; did you mean 'point_id'?",
    ]
