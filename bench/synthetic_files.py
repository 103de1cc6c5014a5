"""The plain network of ``bench.synthetic`` as the files that a server starts from."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.synthetic import RULES
from router.network import Lane, Network
from router.snapshot import Snapshot

_NODE_COLUMNS = (
    *("node_id", "node_type", "country", "postal_code", "latitude", "longitude", "services", "priority"),
    *("processing_minutes", "shipment_cents", "line_cents", "unit_cents"),
)


def write_snapshot(snapshot: Snapshot, folder: Path) -> Path:
    """Writes ``sourcier.yaml`` and all it names; returns its path. YAML files are written as JSON, which is
    YAML, too."""
    files = {
        "network.yaml": _network(snapshot.network),
        "rules.yaml": RULES.model_dump(mode="json", exclude_defaults=True) | {"version": 1},
        "sourcier.yaml": {
            "version": 1,
            "network": "network.yaml",
            "nodes": "nodes.csv",
            "skus": "skus.parquet",
            "stock": "stock.parquet",
            "rules": "rules.yaml",
        },
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    _write_nodes(snapshot.network, folder / "nodes.csv")
    skus = pa.array(snapshot.catalogue.ids.names())
    weights = pa.array(snapshot.catalogue.weight_grams)
    values = pa.array(snapshot.catalogue.unit_value_cents)
    pq.write_table(
        pa.table({"sku_id": skus, "weight_grams": weights, "unit_value_cents": values}),
        folder / "skus.parquet",
    )
    stock = snapshot.stock
    sku_ix = np.repeat(np.arange(stock.sku_count, dtype=np.int32), np.diff(stock.sku_start))
    nodes = pa.array([node.node_id for node in snapshot.network.nodes])
    table = {
        "sku_id": skus.take(pa.array(sku_ix)),
        "node_id": nodes.take(pa.array(stock.node_ix)),
        "on_hand": pa.array(stock.available),
    }
    pq.write_table(pa.table(table), folder / "stock.parquet")
    return folder / "sourcier.yaml"


def _network(network: Network) -> dict[str, Any]:
    return {
        "version": 1,
        "currency": "EUR",
        "zones": [
            {"id": z.zone_id, "country": z.country, "postal_prefixes": list(z.postal_prefixes)}
            for z in network.zones
        ],
        "services": [
            {"id": service.service_id, "lanes": [_lane(lane) for lane in service.lanes]}
            for service in network.services
        ],
    }


def _lane(lane: Lane) -> dict[str, Any]:
    distance = {} if lane.max_distance_m is None else {"max_distance_km": lane.max_distance_m / 1_000}
    return distance | {
        "transit_hours": lane.transit_seconds / 3_600,
        "brackets": [{"up_to_grams": b.up_to_grams, "cents": b.cents} for b in lane.brackets],
    }


def _write_nodes(network: Network, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_NODE_COLUMNS)
        for node in network.nodes:
            place = (node.country, node.postal_code, node.latitude, node.longitude)
            cents = (node.shipment_cents, node.line_cents, node.unit_cents)
            services = ";".join(sorted(node.services))
            minutes = node.processing_seconds // 60
            writer.writerow(
                (node.node_id, node.node_type.name, *place, services, node.priority, minutes, *cents)
            )
