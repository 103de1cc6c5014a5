"""The demonstration retailer: real places, the asked-for sizes, the same bytes for the same seed."""

from __future__ import annotations

import csv
import hashlib
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench.assortment import apportion
from bench.france import World, build_world, slug
from bench.france_files import write_world
from bench.geography import DATA, Atlas, distance_m
from bench.omnichannel import omnichannel
from bench.orders import generate_orders
from router.catalogue import Catalogue, Sku
from router.domain import NodeType
from router.errors import InvalidInput
from router.network import Network
from router.order_checks import order_violations
from router.rules.check import unknown_names
from router.rules.parse import read_rules
from router.verify.facts import zone_of
from server.config import load_config
from server.load.catalogue import read_catalogue
from server.load.network import Carriage, load_carriage, load_network
from server.load.stock import read_stock

NOW = 1_700_000_000
SMALL = {"stores": 40, "skus": 300, "stock_rows": 6_000}
TODAY = date(2026, 5, 12)


@pytest.fixture(scope="module")
def world() -> World:
    return build_world()


@pytest.fixture(scope="module")
def open_world(world: World) -> World:
    return omnichannel(world, today=TODAY)


@pytest.fixture(scope="module")
def carriage() -> Carriage:
    return load_carriage(DATA / "france_network.yaml")


@pytest.fixture(scope="module")
def network(world: World, carriage: Carriage) -> Network:
    return Network(nodes=world.nodes, zones=carriage.zones, services=carriage.services)


def test_counts_are_those_asked_for(world: World) -> None:
    types = [n.node_type for n in world.nodes]
    assert types.count(NodeType.STORE) == 320
    assert types.count(NodeType.WAREHOUSE) == 4
    assert types.count(NodeType.DISTRIBUTION_CENTER) == 2
    assert types.count(NodeType.SUPPLIER) == 12
    assert len(world.goods.sku_ids) == len(set(world.goods.sku_ids)) == 5_000
    assert len(world.stock.on_hand) == 500_000


def test_nodes_are_sorted_and_named_once(world: World) -> None:
    ids = [n.node_id for n in world.nodes]
    assert ids == sorted(set(ids))
    assert all(node_id.isascii() for node_id in ids)


def test_stores_lie_in_france_and_near_their_town(world: World) -> None:
    places = {p.name: p for p in reversed(world.places)}
    for node in world.nodes:
        if node.node_type is not NodeType.STORE:
            continue
        assert node.country == "FR"
        assert 41.3 < node.latitude < 51.2, node
        assert -5.2 < node.longitude < 9.6, node
        town = places[node.name if node.name in places else node.name.rpartition(" ")[0]]
        assert distance_m(node.latitude, node.longitude, town.latitude, town.longitude) < 1_300


def test_sites_lie_where_they_say(world: World) -> None:
    by_id = {n.node_id: n for n in world.nodes}
    for node_id, latitude, longitude in (
        ("warehouse-orleans", 47.95, 1.88),
        ("warehouse-lyon", 45.64, 5.11),
        ("supplier-prato", 43.88, 11.10),
        ("supplier-porto", 41.15, -8.61),
    ):
        node = by_id[node_id]
        assert distance_m(node.latitude, node.longitude, latitude, longitude) < 5_000


@pytest.mark.parametrize(
    ("name", "postal_start"),
    [
        ("Toulouse", "31000"),
        ("Le Havre", "76"),
        ("Bayonne", "64"),
        ("Saint-Malo", "35"),
        ("Villeurbanne", "69"),
        ("Aubagne", "13"),
        ("Versailles", "78000"),
        ("Paris 15 Vaugirard", "75015"),
        ("Lyon 03", "69003"),
        ("Bastia", "20"),
    ],
)
def test_postal_codes_name_the_true_department(world: World, name: str, postal_start: str) -> None:
    assert next(p for p in world.places if p.name == name).postal_code.startswith(postal_start)


def test_nobody_is_counted_twice(world: World) -> None:
    names = {p.name for p in world.places}
    assert not names & {"Paris", "Lyon", "Marseille", "Picpus", "La Blancarde", "Marne La Vallée"}
    # 20 arrondissements of Paris, 9 of Lyon, 16 of Marseille.
    per_city = [sum(n.startswith(f"{city} ") for n in names) for city in ("Paris", "Lyon", "Marseille")]
    assert per_city == [20, 9, 16]
    paris = sum(p.population for p in world.places if p.postal_code.startswith("75"))
    assert 1_900_000 < paris < 2_500_000


def test_the_towns_of_departments_csv_lie_in_their_department() -> None:
    places = {p.name: p for p in reversed(Atlas().french_places())}
    with (DATA / "departments.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["code"] for row in rows}) == 95
    for row in rows:
        place = places.get(row["prefecture"])
        if row["prefecture"] not in {"Paris", "Lyon", "Marseille"}:
            assert place is not None, row
            assert (place.postal_code, place.group) == (f"{row['code']}000", row["group"])


def test_every_place_has_the_zone_of_its_group(world: World, network: Network) -> None:
    for place in (*world.places, *world.foreign_places):
        assert zone_of(network, place.country, place.postal_code) == place.group, place
    assert None not in {zone_of(network, n.country, n.postal_code) for n in network.nodes}
    assert zone_of(network, "FR", "") == "fr-other"


def test_every_service_collects_somewhere_and_dearer_means_heavier(
    world: World, open_world: World, carriage: Carriage
) -> None:
    services = {service.service_id for service in carriage.services}
    returning = {service.service_id for service in carriage.return_services}
    assert set().union(*(n.services for n in open_world.nodes)) == services | returning
    home = {service.service_id for service in carriage.services if "HOME" in service.serves}
    assert set().union(*(n.services for n in world.nodes)) == home
    for service in (*carriage.services, *carriage.return_services):
        for lane in service.lanes:
            assert all(low.cents < high.cents for low, high in pairwise(lane.brackets)), service.service_id


@pytest.mark.parametrize("service_id", ["standard", "economy", "courier", "freight"])
def test_two_parcels_may_cost_less_than_one(carriage: Carriage, service_id: str) -> None:
    service = next(s for s in carriage.services if s.service_id == service_id)
    assert any(
        high.cents > 2 * low.cents and high.up_to_grams <= 2 * low.up_to_grams
        for lane in service.lanes
        for low in lane.brackets
        for high in lane.brackets
    )


@pytest.mark.parametrize("name", ["france_rules", "nearest_first_rules", "priority_first_rules"])
def test_rule_files_are_valid_and_name_what_exists(world: World, network: Network, name: str) -> None:
    read = read_rules((DATA / f"{name}.yaml").read_text("utf-8"), f"{name}.yaml")
    assert read.warnings == ()
    goods = world.goods
    catalogue = Catalogue.from_skus(
        [Sku(sku_id=s, weight_grams=1, labels=goods.labels(i)) for i, s in enumerate(goods.sku_ids)]
    )
    assert list(unknown_names(read.rules, network, catalogue)) == []


def test_the_default_rules_use_every_objective() -> None:
    read = read_rules((DATA / "france_rules.yaml").read_text("utf-8"), "france_rules.yaml")
    kinds = {o.kind for p in read.rules.profiles for s in p.strategies for o in s.objectives}
    on_the_way = {"shipping", "transfer", "handling", "delay", "lateness", "distance"}
    assert kinds == on_the_way | {"split", "stock_depth", "node_priority"}
    assert all(p.returns is not None for p in read.rules.profiles)


def test_stock_rows_are_pairs_that_appear_once(world: World) -> None:
    stock = world.stock
    assert stock.on_hand.min() >= 0
    pairs = stock.node_ix.astype(np.int64) * len(world.goods.sku_ids) + stock.sku_ix
    assert len(np.unique(pairs)) == len(pairs)


def test_warehouses_are_broad_and_deep_and_stores_shallow(world: World) -> None:
    rows = np.bincount(world.stock.node_ix, minlength=len(world.nodes))
    units = np.bincount(world.stock.node_ix, world.stock.on_hand, minlength=len(world.nodes))
    depth = units / rows
    store = np.array([n.node_type is NodeType.STORE for n in world.nodes])
    warehouse = np.array([n.node_type is NodeType.WAREHOUSE for n in world.nodes])
    assert rows[warehouse].min() > 3_300 > rows[store].mean() * 2
    assert depth[warehouse].min() > 3 * depth[store].max()
    small, flagship = (np.array([size in n.labels for n in world.nodes]) for size in ("small", "flagship"))
    assert rows[flagship].mean() > 3 * rows[small].mean()


@pytest.mark.parametrize(("goods_label", "permit"), [("cold", "cold"), ("hazardous", "hazmat")])
def test_stores_hold_special_goods_only_with_a_permit(world: World, goods_label: str, permit: str) -> None:
    special = np.array([goods_label in world.goods.labels(i) for i in range(len(world.goods.sku_ids))])
    unfit = np.array([n.node_type is NodeType.STORE and permit not in n.labels for n in world.nodes])
    assert special.any()
    assert unfit.any()
    assert not np.any(special[world.stock.sku_ix] & unfit[world.stock.node_ix])


def test_the_whole_bytes_depend_on_the_seed_alone(tmp_path: Path) -> None:
    def digest(folder: str, seed: int) -> dict[str, str]:
        config = write_world(build_world(**SMALL, seed=seed), tmp_path / folder)
        assert config == tmp_path / folder / "sourcier.yaml"
        files = sorted(config.parent.iterdir())
        return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}

    first, again, other = digest("a", 1), digest("b", 1), digest("c", 2)
    assert set(first) == {
        "sourcier.yaml",
        "network.yaml",
        "rules.yaml",
        "nodes.csv",
        "skus.csv",
        "stock.parquet",
    }
    assert first == again
    assert {name for name in first if first[name] != other[name]} == {
        "nodes.csv",
        "skus.csv",
        "stock.parquet",
    }


def test_files_load_as_what_was_built(tmp_path: Path) -> None:
    world = build_world(**SMALL)
    write_world(world, tmp_path)
    config = load_config(tmp_path / "sourcier.yaml", environ={})
    assert config.rules == tmp_path / "rules.yaml"
    network, currency = load_network(config.network, config.nodes, now_seconds=0)
    assert (network.nodes, currency) == (world.nodes, "EUR")
    catalogue = read_catalogue(config.skus)
    goods = world.goods
    assert [catalogue.sku(sku_id) for sku_id in goods.sku_ids] == [
        Sku(
            sku_id=sku_id,
            weight_grams=int(goods.weight_grams[i]),
            unit_value_cents=int(goods.unit_value_cents[i]),
            labels=goods.labels(i),
        )
        for i, sku_id in enumerate(goods.sku_ids)
    ]
    assert config.stock == tmp_path / "stock.parquet"
    feed = read_stock(config.stock, catalogue, network.nodes)
    for loaded, built in ((feed.sku_ix, "sku_ix"), (feed.node_ix, "node_ix"), (feed.on_hand, "on_hand")):
        assert np.array_equal(loaded, getattr(world.stock, built))
    safety = np.array([n.safety_stock_units for n in world.nodes])
    assert np.array_equal(feed.safety_stock, safety[feed.node_ix])


@pytest.mark.parametrize(
    ("counts", "field"),
    [
        ({"stores": 0}, "stores"),
        ({"stores": 40, "skus": 300, "stock_rows": 100}, "stock_rows"),
        ({"stores": 40, "skus": 300, "stock_rows": 50_000}, "stock_rows"),
        ({"stores": 1_000_000}, "stores"),
    ],
)
def test_counts_that_do_not_fit_are_refused(counts: dict[str, int], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        build_world(**counts)
    assert [v.field for v in caught.value.violations] == [field]


def test_apportion_gives_everything_and_respects_caps() -> None:
    assert apportion(10, np.array([1.0, 1.0, 2.0])).tolist() == [3, 2, 5]
    assert apportion(10, np.array([1.0, 1.0, 2.0]), np.array([9, 9, 4])).tolist() == [3, 3, 4]
    with pytest.raises(InvalidInput):
        apportion(10, np.array([1.0, 0.0]), np.array([9, 9]))


def test_slug_is_ascii() -> None:
    assert slug("Villeneuve-d'Ascq") == "villeneuve-d-ascq"
    assert slug("Vandœuvre-lès-Nancy") == "vandoeuvre-les-nancy"


def test_orders_are_valid_varied_and_repeatable(world: World) -> None:
    orders = generate_orders(world, 2_000, 7, now_seconds=NOW)
    assert orders == generate_orders(world, 2_000, 7, now_seconds=NOW)
    assert orders != generate_orders(world, 2_000, 8, now_seconds=NOW)
    assert [v for o in orders for v in order_violations(o, NOW)] == []
    assert len({o.order_id for o in orders}) == 2_000
    counts = [len(o.lines) for o in orders]
    assert (min(counts), max(counts)) == (1, 8)
    assert 2.2 < np.mean(counts) < 2.5
    known = set(world.goods.sku_ids)
    lines = [line for o in orders for line in o.lines]
    assert {line.sku_id for line in lines} <= known
    assert np.mean([line.quantity <= 3 for line in lines]) > 0.95
    assert any(line.together for line in lines)
    assert any(line.ship_alone for line in lines)
    assert {o.customer_segment for o in orders} == {"", "express", "vip", "pro"}
    assert len({o.sales_channel for o in orders}) == 7
    abroad = np.mean([o.destination.country != "FR" for o in orders])
    assert 0.02 < abroad < 0.05


def test_popular_skus_sell_more(world: World) -> None:
    orders = generate_orders(world, 2_000, 7, now_seconds=NOW)
    row = {sku_id: i for i, sku_id in enumerate(world.goods.sku_ids)}
    sold = np.bincount([row[line.sku_id] for o in orders for line in o.lines], minlength=len(row))
    top = np.argsort(-world.goods.popularity)[: len(row) // 5]
    # A fifth of the SKUs makes half of the lines and more.
    assert sold[top].sum() > 0.5 * sold.sum()


def test_large_towns_order_more(world: World) -> None:
    orders = generate_orders(world, 2_000, 7, now_seconds=NOW)
    people = sum(p.population for p in world.places)
    around_paris = sum(p.population for p in world.places if p.group == "fr-idf") / people
    codes = ("75", "77", "78", "91", "92", "93", "94", "95")
    share = np.mean([o.destination.postal_code.startswith(codes) for o in orders])
    assert abs(share - around_paris * 0.965) < 0.04


def test_some_orders_need_several_nodes_and_a_few_cannot_be_filled(world: World) -> None:
    safety = np.array([n.safety_stock_units for n in world.nodes])
    available = np.zeros((len(world.goods.sku_ids), len(world.nodes)), np.int64)
    stock = world.stock
    available[stock.sku_ix, stock.node_ix] = np.maximum(0, stock.on_hand - safety[stock.node_ix])
    row = {sku_id: i for i, sku_id in enumerate(world.goods.sku_ids)}
    one_node, hopeless = [], []
    for order in generate_orders(world, 2_000, 7, now_seconds=NOW):
        at = available[[row[line.sku_id] for line in order.lines]]
        units = np.array([line.quantity for line in order.lines])
        one_node.append(bool((at >= units[:, None]).all(axis=0).any()))
        hopeless.append(bool((at.sum(axis=1) < units).any()))
    assert 0.70 < np.mean(one_node) < 0.90
    assert 0.01 < np.mean(hopeless) < 0.08


def test_some_skus_come_from_their_supplier_only(world: World) -> None:
    supplier = np.array([n.node_type is NodeType.SUPPLIER for n in world.nodes])[world.stock.node_ix]
    from_supplier, elsewhere = (
        set(world.stock.sku_ix[supplier].tolist()),
        set(world.stock.sku_ix[~supplier].tolist()),
    )
    only = from_supplier - elsewhere
    assert 0.02 < len(only) / len(world.goods.sku_ids) < 0.08
