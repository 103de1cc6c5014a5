"""Stock rows and receipts from a file into a ledger, or through a server."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from router.ledger import Ledger, StockUpdate
from server.api.sourcing.v1 import stock_pb2
from server.client import RemoteClient
from server.convert_stock import level_to_proto
from server.load.receipts import read_receipts, receipt_updates
from server.load.stock import read_stock
from server.load.table import Progress
from server.opening import ROWS_PER_WRITE, Inputs, Report, batches_of, import_feed, import_receipts


@dataclass(frozen=True, slots=True)
class ImportRows:
    """What a file says. batches: its rows as updates, each time with how many there were up to then. into:
    sets them in a ledger; the version after."""

    row_count: int
    batches: Iterator[tuple[int, list[StockUpdate]]]
    into: Callable[[Ledger, Progress], int]


def stock_rows(file: Path, inputs: Inputs, report: Report) -> ImportRows:
    """Of a stock file. Raises InvalidConfig."""
    catalogue, nodes = inputs.catalogue, inputs.network.nodes
    feed = read_stock(file, catalogue, nodes, report("reading stock"))
    return ImportRows(
        len(feed),
        batches_of(feed, catalogue, nodes),
        lambda ledger, told: import_feed(ledger, feed, catalogue, nodes, told),
    )


def receipt_rows(file: Path, inputs: Inputs) -> ImportRows:
    """Of a file of receipts. Raises InvalidConfig."""
    nodes = inputs.network.nodes
    found = read_receipts(file, inputs.catalogue, nodes)
    return ImportRows(
        len(found),
        receipt_updates(found, nodes, ROWS_PER_WRITE),
        lambda ledger, told: import_receipts(ledger, found, nodes, told),
    )


def import_remotely(target: str, rows: ImportRows, told: Progress) -> int:
    """Sets rows through the server at ``target``; the stock version after. Raises CallFailed."""
    client = RemoteClient(target)
    version = 0
    try:
        for done, updates in rows.batches:
            request = stock_pb2.SetStockRequest(
                request_id=f"cli-{uuid.uuid4()}", levels=[level_to_proto(update) for update in updates]
            )
            version = client.set_stock(request).stock_version
            told(done, rows.row_count)
    finally:
        client.close()
    return version
