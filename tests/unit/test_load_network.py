"""Network files and node tables: what they become, and where their mistakes are said to be."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from router.domain import NodeType, ReturnMethod
from router.errors import InvalidConfig
from router.network import Bracket, Lane, Node, Service, Zone
from router.rules.validate import MAX_VIOLATIONS
from server.load.fields import Known
from server.load.network import load_network, parse_carriage
from server.load.nodes import read_nodes

NETWORK = """\
version: 1
currency: EUR
zones:
  - {id: idf, country: FR, postal_prefixes: ["75", "77 1"]}
  - {id: fr, country: FR}
tariffs:
  parcel:
    - {up_to_grams: 500, cents: 495}
    - {up_to_grams: 30000, cents: 1500}
services:
  - id: std
    name: Standard
    labels: [road]
    excluded_sku_labels: [hazardous]
    lanes:
      - {from_zones: [fr], to_zones: [idf], max_distance_km: 30.125, transit_hours: 4.5, tariff: parcel}
      - transit_hours: 48
        brackets:
          - {up_to_grams: 1000, cents: 0}
"""
NODES = """\
node_id,node_type,name,country,postal_code,latitude,longitude,time_zone,labels,groups,services,priority,\
processing_minutes,shipment_cents,line_cents,unit_cents,safety_stock_units
n2,STORE,"Lyon, Part-Dieu",FR,69003,45.76,4.86,Europe/Paris,cold;big,south,std,2,90,100,10,1,3

n1,WAREHOUSE,,FR,,0,-0.0,,,,,,,,,,
"""


KNOWN = Known(services={"std": ""})


def network_mistakes(text: str) -> list[str]:
    with pytest.raises(InvalidConfig) as raised:
        parse_carriage(text, "network.yaml")
    return [str(violation) for violation in raised.value.violations]


def node_mistakes(tmp_path: Path, text: str | bytes) -> list[str]:
    path = tmp_path / "nodes.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidConfig) as raised:
        read_nodes(path, KNOWN)
    return [str(violation).replace(str(path), "nodes.csv") for violation in raised.value.violations]


def test_a_network_is_what_its_files_say(tmp_path: Path) -> None:
    (tmp_path / "network.yaml").write_text(NETWORK, encoding="utf-8")
    (tmp_path / "nodes.csv").write_text(NODES, encoding="utf-8")
    network, currency = load_network(tmp_path / "network.yaml", tmp_path / "nodes.csv", now_seconds=0)
    assert currency == "EUR"
    assert network.zones == (
        Zone(zone_id="idf", country="FR", postal_prefixes=("75", "771")),
        Zone(zone_id="fr", country="FR"),
    )
    near = Lane(
        from_zones=frozenset({"fr"}),
        to_zones=frozenset({"idf"}),
        max_distance_m=30_125,
        transit_seconds=16_200,
        brackets=(Bracket(up_to_grams=500, cents=495), Bracket(up_to_grams=30_000, cents=1_500)),
    )
    far = Lane(transit_seconds=172_800, brackets=(Bracket(up_to_grams=1_000, cents=0),))
    assert network.services == (
        Service(
            service_id="std",
            name="Standard",
            labels=frozenset({"road"}),
            excluded_sku_labels=frozenset({"hazardous"}),
            lanes=(near, far),
        ),
    )
    assert network.nodes == (
        Node(node_id="n1", node_type=NodeType.WAREHOUSE, country="FR", latitude=0.0, longitude=0.0),
        Node(
            node_id="n2",
            node_type=NodeType.STORE,
            country="FR",
            latitude=45.76,
            longitude=4.86,
            time_zone="Europe/Paris",
            name="Lyon, Part-Dieu",
            postal_code="69003",
            labels=frozenset({"cold", "big"}),
            groups=frozenset({"south"}),
            services=frozenset({"std"}),
            priority=2,
            processing_seconds=5_400,
            shipment_cents=100,
            line_cents=10,
            unit_cents=1,
            safety_stock_units=3,
        ),
    )


L0 = "services[0].lanes[0]"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("EUR", "euro",
         "2:1 currency: must be a currency code of three capital letters, such as EUR, is 'euro'"),
        ("id: fr,", "id: idf,", "5:6 zones[1].id: 'idf' is given twice"),
        ('"75"', "75", "4:46 zones[0].postal_prefixes[0]: must be text, is 75; write it in quotes"),
        ('"75"', '" "', "4:46 zones[0].postal_prefixes[0]: must not be empty"),
        ("fr, country: FR", "fr, country: FX", "5:14 zones[1].country: 'FX' is not an ISO 3166 country code"),
        ("[fr]", "[fra]", f"16:23 {L0}.from_zones[0]: no zone 'fra'; did you mean 'fr'?"),
        ("[idf]", "[paris]", f"16:39 {L0}.to_zones[0]: no zone 'paris'"),
        ("30.125", "30.1255", f"16:45 {L0}.max_distance_km: must have at most 3 decimal places, is 30.1255"),
        ("30.125", "0", f"16:45 {L0}.max_distance_km: must be more than 0, is 0"),
        ("tariff: parcel", "tariff: parcels",
         f"16:90 {L0}.tariff: no tariff 'parcels'; did you mean 'parcel'?"),
        (", tariff: parcel", "", f"16:9 {L0}: needs a tariff, or brackets"),
        ("tariff: parcel", "tariff: parcel, brackets: []",
         f"16:90 {L0}.tariff: give a tariff or brackets, not both"),
        ("tariff: parcel", "brackets: []", f"16:90 {L0}.brackets: has 0 entries, at least 1"),
        ("30000", "500",
         "9:8 tariffs.parcel[1].up_to_grams: must be more than 500 of the bracket before, is 500"),
        ("cents: 495", "cents: -1", "8:26 tariffs.parcel[0].cents: must be at least 0, is -1"),
        ("up_to_grams: 500", "upto_grams: 500",
         "8:8 tariffs.parcel[0].upto_grams: unknown key; did you mean 'up_to_grams'?"),
        ("transit_hours: 48", "transit_day: 2",
         "17:9 services[0].lanes[1].transit_day: unknown key; did you mean 'transit_days'?"),
        (", transit_hours: 4.5", "", f"16:9 {L0}: needs transit_hours, or transit_days"),
        ("transit_hours: 48", "transit_hours: 48\n        transit_days: 2",
         "18:9 services[0].lanes[1].transit_days: give transit_hours or transit_days, not both"),
        ("transit_hours: 48", "transit_days: 1.5",
         "17:9 services[0].lanes[1].transit_days: must be a whole number, is 1.5"),
        ("transit_hours: 48", "transit_days: 367",
         "17:9 services[0].lanes[1].transit_days: must be at most 366, is 367"),
    ],
)  # fmt: skip
def test_mistakes_of_the_network_file_name_line_and_path(old: str, new: str, expected: str) -> None:
    assert NETWORK.count(old) == 1
    assert f"network.yaml:{expected}" in network_mistakes(NETWORK.replace(old, new))


def test_mistakes_of_a_network_file_come_all_at_once_in_file_order() -> None:
    text = NETWORK.replace("[fr]", "[x1]").replace("30000", "1").replace("id: fr,", "id: idf,")
    assert [line.split(" ")[0] for line in network_mistakes(text)] == [
        "network.yaml:5:6",
        "network.yaml:9:8",
        "network.yaml:16:23",
    ]


HEAD = "node_id,node_type,country,latitude,longitude,time_zone,services,priority,labels\n"
FINE = "n0,STORE,FR,1,2,,,,\n"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (",STORE,FR,1,2,,,,", ["node_id: is empty"]),
        (" n1,STORE,FR,1,2,,,,", ["node_id: must not begin or end with a space"]),
        ("é" * 65 + ",STORE,FR,1,2,,,,", ["node_id: is longer than 128 bytes"]),
        ("n1,SHOP,FR,1,2,,,,", ["node_type: 'SHOP' is not one of STORE, WAREHOUSE, DISTRIBUTION_CENTER, "
                                "SUPPLIER, MARKETPLACE_SELLER"]),
        ("n1,Store,FR,1,2,,,,", ["node_type: 'Store' is not one of STORE, WAREHOUSE, DISTRIBUTION_CENTER, "
                                 "SUPPLIER, MARKETPLACE_SELLER; did you mean 'STORE'?"]),
        ("n1,STORE,UK,1,2,,,,", ["country: 'UK' is not an ISO 3166 country code"]),
        ("n1,STORE,fr,1,2,,,,",
         ["country: 'fr' is not an ISO 3166 country code; write it in capital letters"]),
        ("n1,STORE,FR,,,,,,", ["latitude: is empty: a node needs coordinates",
                               "longitude: is empty: a node needs coordinates"]),
        ('n1,STORE,FR,"48,8",x,,,,', ["latitude: '48,8' is not a number; write a decimal point",
                                     "longitude: 'x' is not a number"]),
        ("n1,STORE,FR,90.1,-180.5,,,,", ["latitude: '90.1' is not within -90..90 degrees",
                                        "longitude: '-180.5' is not within -180..180 degrees"]),
        ("n1,STORE,FR,nan,inf,,,,", ["latitude: 'nan' is not within -90..90 degrees",
                                    "longitude: 'inf' is not within -180..180 degrees"]),
        ("n1,STORE,FR,1,2,Europe/Pari,,,", ["time_zone: 'Europe/Pari' is not an IANA time zone; "
                                           "did you mean 'Europe/Paris'?"]),
        ("n1,STORE,FR,1,2,,std;sdt;air,,", ["services: no service 'air'",
                                           "services: no service 'sdt'; did you mean 'std'?"]),
        ("n1,STORE,FR,1,2,,,0,", ["priority: 0 is not within 1..1000000"]),
        ("n1,STORE,FR,1,2,,,1.5,", ["priority: '1.5' is not a whole number"]),
        ("n1,STORE,FR,1,2,,," + "9" * 5000 + ",", ["priority: '" + "9" * 60 + "'... is not a whole number"]),
        ("n1,STORE,FR,1,2,,,,a;" + "x" * 129, ["labels: '" + "x" * 60 + "'... is longer than 128 bytes"]),
        ("n0,STORE,FR,1,2,,,,", ["node_id: 'n0' is already the node of nodes.csv:2"]),
    ],
)  # fmt: skip
def test_mistakes_of_a_node_name_line_and_column(tmp_path: Path, row: str, expected: list[str]) -> None:
    found = node_mistakes(tmp_path, f"{HEAD}{FINE}\n{row}\n")
    assert found == [f"nodes.csv:4 {line}" for line in expected]


def test_rows_that_do_not_fit_the_header_and_lines_after_quoted_line_breaks(tmp_path: Path) -> None:
    text = "node_id,node_type,country,latitude,longitude,name\n"
    text += 'n1,STORE,FR,1,2,"two\nlines"\nn2,STORE\nn3,X,FR,1,2,\n'
    found = node_mistakes(tmp_path, text)
    assert found[0] == "nodes.csv:4: has 2 values, must have 6"
    assert found[1].startswith("nodes.csv:5 node_type: 'X' is not one of")
    assert len(found) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["nodes.csv:1: is empty, must begin with a header line"]),
        (
            "node_id;node_type;country\n",
            ["nodes.csv:1: its columns are separated by semicolons, must be by commas"],
        ),
        (
            "node_id,type,country,latitude,lon,country\n",
            [
                "nodes.csv:1 node_type: the column is missing",
                "nodes.csv:1 longitude: the column is missing",
                "nodes.csv:1: unknown column 'type'; did you mean 'node_type'?",
                "nodes.csv:1: unknown column 'lon'; did you mean 'longitude'?",
                "nodes.csv:1 country: the column is given twice",
            ],
        ),
        (HEAD.encode() + b"caf\xe9,STORE,FR,1,2,,,,\n", ["nodes.csv:2: is not UTF-8 text: byte 0xE9"]),
        (HEAD + FINE + 'n1,"STORE,FR\n', ["nodes.csv:3: not CSV: unexpected end of data"]),
    ],
)
def test_tables_that_cannot_be_read_say_why(tmp_path: Path, text: str | bytes, expected: list[str]) -> None:
    found = node_mistakes(tmp_path, text)
    assert len(found) == len(expected)
    assert all(line.startswith(start) for line, start in zip(found, expected, strict=True))


def test_only_the_first_mistakes_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    found = node_mistakes(tmp_path, HEAD + "".join(f"n{i},STORE,FR,,2,,,,\n" for i in range(250)))
    assert len(found) == MAX_VIOLATIONS + 1
    assert found[MAX_VIOLATIONS - 1].startswith(f"nodes.csv:{MAX_VIOLATIONS + 1} latitude")
    assert found[-1] == "nodes.csv: and 150 more"


def test_parquet_nodes_with_lists_and_missing_values(tmp_path: Path) -> None:
    columns = {
        "node_id": ["b", "a"],
        "node_type": ["STORE", "SUPPLIER"],
        "country": ["FR", "BE"],
        "latitude": [48.5, 0.0],
        "longitude": [2.25, 4.0],
        "services": [["std"], []],
        "priority": [3.0, float("nan")],
        "labels": [None, "x;y"],
    }
    path = tmp_path / "nodes.parquet"
    pa_parquet.write_table(pa.table(columns), path)
    a, b = read_nodes(path, KNOWN)
    assert (a.node_id, a.latitude, a.priority, a.labels, a.services) == ("a", 0.0, 1, {"x", "y"}, frozenset())
    assert (b.node_id, b.latitude, b.priority, b.labels, b.services) == ("b", 48.5, 3, frozenset(), {"std"})
    columns["latitude"] = [91.0, 0.0]
    pa_parquet.write_table(pa.table(columns), path)
    with pytest.raises(InvalidConfig) as raised:
        read_nodes(path, KNOWN)
    assert [str(v) for v in raised.value.violations] == [
        f"{path} row 1 latitude: '91' is not within -90..90 degrees"
    ]


def test_a_missing_file_and_a_false_parquet_file_are_invalid_config(tmp_path: Path) -> None:
    (tmp_path / "nodes.parquet").write_bytes(b"node_id\n")
    for name, start in (("none.csv", "cannot be read: No such file"), ("nodes.parquet", "cannot be read: ")):
        with pytest.raises(InvalidConfig) as raised:
            read_nodes(tmp_path / name, KNOWN)
        (violation,) = raised.value.violations
        assert violation.field == str(tmp_path / name)
        assert violation.message.startswith(start)


def test_services_have_a_direction() -> None:
    """Orders and returns know their own services only; ids differ over both."""
    back = """\
  - id: back
    direction: return
    lanes: [{transit_hours: 1, tariff: parcel}]
"""
    carriage = parse_carriage(NETWORK + back, "network.yaml")
    assert [service.service_id for service in carriage.services] == ["std"]
    assert [service.service_id for service in carriage.return_services] == ["back"]
    assert "'back' is given twice" in network_mistakes(NETWORK + back + back.replace("return", "outbound"))[0]
    wrong = network_mistakes(NETWORK + back.replace("direction: return", "direction: retour"))
    assert wrong == [
        "network.yaml:21:5 services[1].direction: 'retour' is not one of outbound, return; "
        "did you mean 'return'?"
    ]


def test_nodes_say_how_they_take_returns(tmp_path: Path) -> None:
    head = "node_id,node_type,country,latitude,longitude,return_methods,reconditions,return_unit_cents,"
    head += "recondition_unit_cents\n"
    path = tmp_path / "nodes.csv"
    path.write_text(head + "a,STORE,FR,1,2,DROP_OFF;PARCEL,cold;*,15,200\nb,STORE,FR,1,2,,,,\n")
    takes, takes_none = read_nodes(path, KNOWN)
    assert takes.return_methods == {ReturnMethod.DROP_OFF, ReturnMethod.PARCEL}
    assert takes.reconditions == {"cold", "*"}
    assert (takes.return_unit_cents, takes.recondition_unit_cents) == (15, 200)
    assert (takes_none.return_methods, takes_none.reconditions) == (frozenset(), frozenset())
    text = head + "a,STORE,FR,1,2,DROP_OFF_TRANSFER,,-1,x\n"
    assert node_mistakes(tmp_path, text) == [
        "nodes.csv:2 return_methods: 'DROP_OFF_TRANSFER' is not one of DROP_OFF, PARCEL",
        "nodes.csv:2 return_unit_cents: -1 is not within 0..1000000000",
        "nodes.csv:2 recondition_unit_cents: 'x' is not a whole number",
    ]
