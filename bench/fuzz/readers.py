"""Every reader of a file, and what is done with what it has read: it is to be refused, or to serve."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.fuzz.case import BrokenLaw
from bench.fuzz.shop import FILES, START_SECONDS, opened
from router.domain import Destination, Order, OrderLine
from router.errors import SourcierError
from router.network import Network
from router.snapshot import Snapshot
from router.sourcer import decide
from router.stock import Stock
from server.api.sourcing.v1 import returns_pb2
from server.config import parse_config
from server.ledger.memory import MemoryLedger
from server.ledger.sqlite import SqliteLedger
from server.ledger.sqlite_backup import facts_of, restore
from server.ledger.sqlite_file import remove_database
from server.load.catalogue import read_catalogue
from server.load.files import read_text
from server.load.kits import with_kits
from server.load.network import Carriage, load_carriage, parse_carriage
from server.load.rules import load_rules
from server.load.table import Progress
from server.opening import Report, snapshot_of
from server.order_file import read_order_file
from server.request_file import read_request_file
from server.stock_copy import read_copy, write_copy
from server.stock_import import receipt_rows, stock_rows

LEDGER_ID = "ledger-of-the-shop"


@dataclass(frozen=True, slots=True)
class Reader:
    """read: of a file. name: of the file it is given; the ending says what is in it. seed: its first
    content. weight: how much of the time it is for."""

    name: str
    seed: Callable[[Path], bytes]
    read: Callable[[Path], object]
    weight: float = 1.0


def _seed_of(name: str) -> Callable[[Path], bytes]:
    return lambda folder: (FILES / name).read_bytes()


def _no_progress(done: int, total: int) -> None:
    """Nobody waits."""


def _report(step: str) -> Progress:
    return _no_progress


REPORT: Report = _report


def _decide(snapshot: Snapshot) -> None:
    """An order of some of what there is, to where the first node is."""
    if not len(snapshot.catalogue) or not snapshot.network.nodes:
        return
    node = snapshot.network.nodes[0]
    names = snapshot.catalogue.ids.names()
    order = Order(
        order_id="o",
        lines=tuple(OrderLine(line_id=str(i), sku_id=name, quantity=2) for i, name in enumerate(names[:3])),
        destination=Destination(
            country=node.country, postal_code="75001", latitude=node.latitude, longitude=node.longitude
        ),
    )
    decide(order, snapshot, START_SECONDS)


def _decide_with(network: Network) -> None:
    _, inputs = opened()
    known = {node.node_id for node in network.nodes}
    if not known:
        return
    counts = len(inputs.catalogue), len(network.nodes)
    rows = [(sku, node) for sku in range(counts[0]) for node in range(min(3, counts[1]))]
    sku_ix, node_ix = (np.array(column, np.int32) for column in zip(*rows, strict=True))
    stock = Stock.of(*counts, sku_ix, node_ix, np.full(len(rows), 4, np.int32), 1)
    _decide(Snapshot.build(network, inputs.catalogue, inputs.rules, stock))


def _network(path: Path) -> None:
    config, _ = opened()
    carriage = parse_carriage(read_text(path), str(path))
    _decide_with(carriage.with_nodes(config.nodes, START_SECONDS, config.closures, config.pickup_points))


@functools.cache
def _carriage() -> Carriage:
    return load_carriage(opened()[0].network)


def _with_nodes(**files: str) -> Callable[[Path], None]:
    """Reads the nodes of the network with one file in the place of the shop's."""

    def read(path: Path) -> None:
        config, _ = opened()
        given = {"path": config.nodes, "pickup_points": None, **dict.fromkeys(files, path)}
        _decide_with(_carriage().with_nodes(now_seconds=START_SECONDS, **given))  # type: ignore[arg-type]

    return read


def _rules(path: Path) -> None:
    _, inputs = opened()
    rules, _ = load_rules(path, inputs.network, inputs.catalogue)
    counts = len(inputs.catalogue), len(inputs.network.nodes)
    one = np.zeros(1, np.int32)
    stock = Stock.of(*counts, one, one, one + 5, 1)
    _decide(Snapshot.build(inputs.network, inputs.catalogue, rules, stock))


def _kits(path: Path) -> None:
    config, _ = opened()
    with_kits(read_catalogue(config.skus), path)


def _stock(path: Path) -> None:
    ledger = MemoryLedger(lambda: START_SECONDS)
    rows = stock_rows(path, opened()[1], REPORT)
    rows.into(ledger, _no_progress)
    rows.into(ledger, _no_progress)
    if len(list(rows.batches)) > rows.row_count:
        raise BrokenLaw("more steps than rows")
    snapshot_of(ledger.columns(), opened()[1], START_SECONDS)


def _receipts(path: Path) -> None:
    ledger = MemoryLedger(lambda: START_SECONDS)
    receipt_rows(path, opened()[1]).into(ledger, _no_progress)
    snapshot_of(ledger.columns(), opened()[1], START_SECONDS)


def _copy(path: Path) -> None:
    columns = read_copy(path, LEDGER_ID)
    if columns is not None:
        _decide(snapshot_of(columns, opened()[1], START_SECONDS))


def _copy_seed(folder: Path) -> bytes:
    path = folder / "seed.copy"
    ledger = MemoryLedger(lambda: START_SECONDS)
    stock_rows(FILES / "stock.csv", opened()[1], REPORT).into(ledger, _no_progress)
    write_copy(path, LEDGER_ID, ledger.columns())
    return path.read_bytes()


def _ledger_seed(folder: Path) -> bytes:
    path = folder / "seed.db"
    remove_database(path)
    ledger = SqliteLedger(path, lambda: START_SECONDS)
    stock_rows(FILES / "stock.csv", opened()[1], REPORT).into(ledger, _no_progress)
    ledger.close()
    return path.read_bytes()


def _ledger(path: Path) -> None:
    """As ``sourcier ledger show`` and ``restore`` do, and as a server does that opens it."""
    restored = path.with_name("restored.db")
    remove_database(restored)
    facts_of(path)
    restore(path, restored)
    ledger = SqliteLedger(restored, lambda: START_SECONDS)
    try:
        snapshot_of(ledger.columns(), opened()[1], START_SECONDS)
    finally:
        ledger.close()


def _parquet_seed(name: str) -> Callable[[Path], bytes]:
    def seed(folder: Path) -> bytes:
        from pyarrow import csv, parquet  # noqa: PLC0415 (only where such a file is wanted)

        path = folder / "seed.parquet"
        parquet.write_table(csv.read_csv(FILES / name), path)
        return path.read_bytes()

    return seed


READERS: dict[str, Reader] = {
    "file/config": Reader(
        "sourcier.yaml",
        _seed_of("sourcier.yaml"),
        lambda path: parse_config(read_text(path), FILES / "sourcier.yaml", {}),
    ),
    "file/network": Reader("network.yaml", _seed_of("network.yaml"), _network, 0.5),
    "file/nodes": Reader("nodes.csv", _seed_of("nodes.csv"), _with_nodes(path=""), 0.5),
    "file/closures": Reader("closures.csv", _seed_of("closures.csv"), _with_nodes(closures=""), 0.3),
    "file/trust": Reader("trust.csv", _seed_of("trust.csv"), _with_nodes(trust=""), 0.3),
    "file/offers": Reader("offers.csv", _seed_of("offers.csv"), _with_nodes(offers=""), 0.3),
    "file/points": Reader("points.csv", _seed_of("pickup_points.csv"), _with_nodes(pickup_points=""), 0.3),
    "file/rules": Reader("rules.yaml", _seed_of("rules.yaml"), _rules, 1.0),
    "file/skus": Reader("skus.csv", _seed_of("skus.csv"), read_catalogue),
    "file/kits": Reader("kits.csv", _seed_of("kits.csv"), _kits),
    "file/stock": Reader("stock.csv", _seed_of("stock.csv"), _stock),
    "file/stock-parquet": Reader("stock.parquet", _parquet_seed("stock.csv"), _stock),
    "file/nodes-parquet": Reader("nodes.parquet", _parquet_seed("nodes.csv"), _with_nodes(path=""), 0.3),
    "file/receipts": Reader("receipts.csv", _seed_of("receipts.csv"), _receipts),
    "file/order": Reader("order.json", _seed_of("order.json"), lambda path: read_order_file(str(path))),
    "file/request": Reader("request.json", _seed_of("request.json"), lambda path: read_order_file(str(path))),
    "file/return": Reader(
        "return.json",
        _seed_of("return.json"),
        lambda path: read_request_file(str(path), returns_pb2.RankReturnNodesRequest),
    ),
    "file/stock-copy": Reader("stock.copy", _copy_seed, _copy),
    "file/ledger": Reader("ledger.db", _ledger_seed, _ledger, 0.3),
}
IS_BYTES = frozenset({"file/stock-parquet", "file/nodes-parquet", "file/stock-copy", "file/ledger"})


def read(target: str, data: bytes, folder: Path) -> str:
    """How it ended: OK or a reason. Raises BrokenLaw."""
    reader = READERS[target]
    path = folder / reader.name
    path.write_bytes(data)
    try:
        reader.read(path)
    except SourcierError as error:
        if error.reason in {"INTERNAL", "BROKEN_INVARIANT"}:
            raise BrokenLaw(f"{target}: {error.reason}: {error}") from error
        return error.reason
    return "OK"
