"""(e) GetPromise over gRPC against unary echoes of SourceOrder in the same run, and how it grows.

The network is the plain one of bench.synthetic, whose nodes are stores here: they keep hours, goods can be
collected in them, transfers lead to them, and every other one has a pick-up point at its door.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.processes import Load, send
from bench.spec import BenchSpec, Report, Result, Sheet, Target, seconds_per_call
from bench.speed_server import echo, record, sourcier
from bench.synthetic import NOW_SECONDS, make_orders, make_snapshot
from bench.synthetic_files import write_snapshot
from router.network import PICKUP_POINT, STORE, Network, PickupPoint, Service
from router.snapshot import Snapshot
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import order_to_proto
from server.promise_desk import PromiseDesk

ECHOES = 3
"""A call may cost so many unary echoes."""
SHARE = 0.33
METHODS = ("home", "store", "point")


@dataclass(frozen=True, slots=True)
class Size:
    """calls: of a round."""

    nodes: int
    skus: int
    items: int
    rounds: int
    calls: int
    growth: tuple[tuple[int, int, int], ...]
    """(nodes, items, deliveries)"""
    window: int = 16


GROWTH = ((300, 1, 1), (300, 5, 3), (300, 20, 3), (300, 60, 3), (100, 20, 3), (1_000, 20, 3))
FULL = Size(nodes=300, skus=5_000, items=20, rounds=7, calls=1_000, growth=GROWTH)
SMOKE = Size(nodes=30, skus=50, items=3, rounds=1, calls=10, growth=((20, 2, 2),))


def run(smoke: bool, report: Report) -> Result:
    """The ratio, and the table."""
    size = SMOKE if smoke else FULL
    snapshot = make_snapshot(nodes=size.nodes, skus=size.skus, share=SHARE)
    promises = requests(snapshot, size.calls, size.items, len(METHODS))
    orders = make_orders(snapshot, size.calls, 3)
    quotes = [
        sourcing_pb2.SourceOrderRequest(order=order_to_proto(o), validate_only=True).SerializeToString()
        for o in orders
    ]
    asked = Load("GetPromise", "promise", promises, len(promises), size.window)
    plain = Load("SourceOrder", "unary", quotes, len(quotes), size.window)
    rates: dict[str, list[float]] = {"promise": [], "echo": []}
    with tempfile.TemporaryDirectory(prefix="sourcier-bench-") as name:
        folder = Path(name)
        report("starting the server")
        with sourcier(write_stores(snapshot, folder)) as server:
            record(server, plain, folder, Counter())
            report("starting the echo")
            with echo(folder) as rival:
                for number in range(-1, size.rounds):
                    report(f"round {number + 1} of {size.rounds}")
                    for who, process, load in (("promise", server, asked), ("echo", rival, plain)):
                        rate = load.orders / send(process, load)
                        if number >= 0:  # the one before warms up
                            rates[who].append(rate)
    cost = median(e / p for e, p in zip(rates["echo"], rates["promise"], strict=True))
    rows = [(who, f"{median(found):,.0f}") for who, found in rates.items()]
    report("growth")
    what = f"{size.items} SKUs by {len(METHODS)} methods over {size.nodes} nodes"
    return Result(
        sheets=[
            Sheet(
                title=f"(e) GetPromise, {what}, against unary echoes of SourceOrder",
                headings=("server", "calls a second"),
                rows=rows,
                note=f"a call costs {cost:.2f} echoes",
            ),
            growth(size),
        ],
        targets=[Target(name="GetPromise in unary echoes", value=cost, limit=ECHOES, unit="", at_most=True)],
        figures={"promise_echoes": cost} | {f"{who}_per_second": median(x) for who, x in rates.items()},
    )


def growth(size: Size) -> Sheet:
    """Microseconds of a call without gRPC, the places' ways known."""
    rows = []
    for nodes, items, deliveries in size.growth:
        snapshot = make_snapshot(nodes=nodes, skus=size.skus, share=SHARE)
        with_stores = Snapshot.build(
            stores_of(snapshot.network), snapshot.catalogue, snapshot.rules, snapshot.stock
        )
        desk = PromiseDesk()
        asked = [
            sourcing_pb2.GetPromiseRequest.FromString(raw)
            for raw in requests(snapshot, 50, items, deliveries)
        ]

        def answer_all(
            desk: PromiseDesk = desk,
            asked: list[sourcing_pb2.GetPromiseRequest] = asked,
            snapshot: Snapshot = with_stores,
        ) -> None:
            for request in asked:
                desk.answer(request, snapshot, NOW_SECONDS)

        answer_all()
        micros = min(seconds_per_call(answer_all, 1) for _ in range(5)) / len(asked) * 1e6
        rows.append((f"{nodes:,} nodes", str(items), str(deliveries), f"{micros:,.0f}"))
    return Sheet(
        title="GetPromise without gRPC", headings=("network", "SKUs", "deliveries", "us a call"), rows=rows
    )


def requests(snapshot: Snapshot, count: int, items: int, deliveries: int) -> list[bytes]:
    """Random items to a random address, store and pick-up point."""
    rng = np.random.default_rng((count, items, deliveries))
    homes = make_orders(snapshot, count, 1, seed=7)
    node_ids = [node.node_id for node in snapshot.network.nodes]
    found = []
    for home in homes:
        skus = rng.choice(len(snapshot.catalogue), items, replace=False).tolist()
        store, point = rng.integers(0, len(node_ids)), rng.integers(0, len(node_ids) // 2)
        places = [
            sourcing_pb2.Delivery(delivery_id="home", destination=order_to_proto(home).destination),
            sourcing_pb2.Delivery(delivery_id="store", pickup_node_id=node_ids[store]),
            sourcing_pb2.Delivery(delivery_id="point", pickup_point_id=f"at-{node_ids[2 * point]}"),
        ]
        request = sourcing_pb2.GetPromiseRequest(
            items=[
                sourcing_pb2.PromiseItem(
                    sku_id=snapshot.catalogue.ids.name(s), quantity=int(rng.integers(1, 3))
                )
                for s in skus
            ],
            deliveries=places[:deliveries],
        )
        found.append(request.SerializeToString())
    return found


def stores_of(network: Network) -> Network:
    """The same nodes as stores where goods can be collected."""
    lanes = network.services[0].lanes
    more = (
        Service(service_id="truck", serves=frozenset({STORE}), is_transfer=True, lanes=lanes),
        Service(service_id="locker", serves=frozenset({PICKUP_POINT}), lanes=lanes),
    )
    nodes = tuple(
        replace(node, services=node.services | {"truck", "locker"}, pickup_lead_seconds=3_600)
        for node in network.nodes
    )
    points = tuple(
        PickupPoint(
            point_id=f"at-{n.node_id}",
            country=n.country,
            postal_code=n.postal_code,
            latitude=n.latitude,
            longitude=n.longitude,
        )
        for n in nodes[::2]
    )
    return replace(network, nodes=nodes, services=network.services + more, pickup_points=points)


def write_stores(snapshot: Snapshot, folder: Path) -> Path:
    """Files of ``stores_of``, with hours and cut-offs."""
    config = write_snapshot(snapshot, folder)
    network = _read(folder / "network.yaml")
    week = ["MON", "TUE", "WED", "THU", "FRI", "SAT"]
    network["calendars"] = {"store": {"hours": [{"days": week, "opens": "09:00", "closes": "20:00"}]}}
    network["pickups"] = {"evening": [{"days": week, "at": "18:00", "cut_off": "16:00"}]}
    lanes = network["services"][0]["lanes"]
    network["services"] += [
        {"id": "truck", "serves": ["STORE"], "kind": "transfer", "lanes": lanes},
        {"id": "locker", "serves": ["PICKUP_POINT"], "lanes": lanes},
    ]
    (folder / "network.yaml").write_text(json.dumps(network), encoding="utf-8")
    settings = _read(config) | {"pickup_points": "points.csv"}
    config.write_text(json.dumps(settings), encoding="utf-8")
    rows = list(csv.DictReader((folder / "nodes.csv").open(encoding="utf-8")))
    for row in rows:
        row["services"] += ";truck;locker"
        row |= {"calendar": "store", "pickups": "standard=evening;truck=evening", "time_zone": "Europe/Paris"}
        row["pickup_lead_minutes"] = "60"
    _write(folder / "nodes.csv", rows)
    keys = ("country", "postal_code", "latitude", "longitude")
    points = [{"point_id": f"at-{r['node_id']}"} | {key: r[key] for key in keys} for r in rows[::2]]
    _write(folder / "points.csv", points)
    return config


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


SPEC = BenchSpec(name="promise", what="GetPromise over gRPC against unary echoes", run=run)
