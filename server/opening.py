"""From a config to a running world: files are read, the ledger is opened and, when new, filled."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from router.catalogue import Catalogue
from router.columns import IdIndex
from router.errors import Violation
from router.ledger import Ledger, StockColumns, StockLoad, StockUpdate
from router.ledger_load import updates_of
from router.network import Network, Node
from router.rules.model import RuleSet
from router.snapshot import Snapshot
from router.stock import Stock
from server.config import Config
from server.ledger.memory import MemoryLedger
from server.ledger.sqlite import SqliteLedger
from server.ledger.sqlite_file import is_absent, remove_database, replace_absent, unusable
from server.load.catalogue import read_catalogue
from server.load.network import load_network
from server.load.rules import load_rules
from server.load.stock import StockFeed, read_stock
from server.load.table import Progress
from server.logs import event
from server.world import Clock, Settings, World

ROWS_PER_WRITE = 20_000
Report = Callable[[str], Progress]
"""Told the name of a step that may take long; answers whom to tell how far it is."""


def silent(step: str) -> Progress:
    """Reports to nobody."""
    return lambda done, total: None


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the files of a config say. currency: ISO 4217. warnings: of the rule file."""

    network: Network
    currency: str
    catalogue: Catalogue
    rules: RuleSet
    warnings: tuple[Violation, ...]


def read_inputs(config: Config, now_seconds: int, report: Report = silent) -> Inputs:
    """With the public holidays of the years around now (epoch). Raises InvalidConfig naming file and line."""
    network, currency = load_network(
        config.network,
        config.nodes,
        now_seconds=now_seconds,
        closures=config.closures,
        pickup_points=config.pickup_points,
        trust=config.trust,
    )
    catalogue = read_catalogue(config.skus, report("reading SKUs"))
    rules, warnings = load_rules(config.rules, network, catalogue)
    return Inputs(network, currency, catalogue, rules, warnings)


def open_world(config: Config, inputs: Inputs, clock: Clock, report: Report = silent) -> World:
    """Opens the ledger and follows it from here on. Raises InvalidConfig, LedgerUnusable."""
    ledger = open_ledger(config, inputs, clock, report)
    settings = Settings(
        hold_seconds=config.hold_seconds,
        reserve_attempts=config.reserve_attempts,
        max_orders_per_call=config.max_orders_per_call,
        search=config.search,
    )
    report("reading the ledger")
    stock = stock_of(ledger.columns(), inputs)
    snapshot = Snapshot.build(inputs.network, inputs.catalogue, inputs.rules, stock)
    return World(snapshot, ledger, clock, settings)


def open_ledger(config: Config, inputs: Inputs, clock: Clock, report: Report = silent) -> Ledger:
    """A new ledger starts with the stock file's rows, all of them or, when that fails, is not made.

    Raises InvalidConfig for a stock file that is wrong, LedgerUnusable for a ledger file that is.
    """
    if config.ledger is None:
        ledger: Ledger = MemoryLedger(clock)
        fill(ledger, config, inputs, report)
        return ledger
    if config.stock is not None and is_absent(config.ledger):
        try:
            _make_once(config.ledger, config, inputs, clock, report)
        except OSError as error:
            raise unusable(config.ledger, f"cannot be made: {error}") from error
    return SqliteLedger(config.ledger, clock)


def _make_once(path: Path, config: Config, inputs: Inputs, clock: Clock, report: Report) -> None:
    """Of several processes that open a config for the first time one makes its ledger; the others wait."""

    def waiting() -> None:
        report("waiting for the ledger that another process makes")

    with _alone_in(path.parent, waiting) as folder:
        if not is_absent(path):
            return
        # Made under another name: a start that breaks off halfway leaves no ledger with half of the stock.
        making = path.with_name(path.name + ".making")
        remove_database(making)
        new = SqliteLedger(making, clock)
        try:
            fill(new, config, inputs, report)
        finally:
            new.close()
        replace_absent(making, path)
        os.fsync(folder)


@contextmanager
def _alone_in(folder: Path, waiting: Callable[[], object]) -> Iterator[int]:
    """Keeps others who ask for the same out, until the end of the block or of the process; an open handle on
    the folder. ``waiting`` is called first when somebody else is in. Nothing is left behind."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def fill(ledger: Ledger, config: Config, inputs: Inputs, report: Report) -> None:
    """The rows of the config's stock file, if it has one, into a ledger nobody uses yet."""
    if config.stock is None:
        return
    nodes = inputs.network.nodes
    feed = read_stock(config.stock, inputs.catalogue, nodes, report("reading stock"))
    import_feed(ledger, feed, inputs.catalogue, nodes, report("writing stock"))
    event("stock_imported", file=config.stock, rows=len(feed), stock_version=ledger.version())


def import_feed(
    ledger: Ledger, feed: StockFeed, catalogue: Catalogue, nodes: Sequence[Node], progress: Progress
) -> int:
    """Sets every row of a feed; returns the ledger's version after. An empty ledger takes all rows or none;
    another one steps of ROWS_PER_WRITE rows: each is set whole or not at all, and importing the feed again
    sets the same."""
    version = ledger.version()
    if version == 0 and not ledger.columns().sku_ids:
        return ledger.load(load_of(feed, catalogue, nodes), progress)
    for done, updates in batches_of(feed, catalogue, nodes):
        version = ledger.update_stock("", updates)
        progress(done, len(feed))
    return version


def batches_of(
    feed: StockFeed, catalogue: Catalogue, nodes: Sequence[Node], size: int = ROWS_PER_WRITE
) -> Iterator[tuple[int, list[StockUpdate]]]:
    """Updates of at most ``size`` rows, each with how many rows there were up to its end. Where the feed does
    not state the safety stock, a row keeps its own, and one that is new takes its node's."""
    feed = _ordered(feed, len(nodes))
    return updates_of(load_of(feed, catalogue, nodes), size, feed.is_stated)


def load_of(feed: StockFeed, catalogue: Catalogue, nodes: Sequence[Node]) -> StockLoad:
    """The rows of a feed in the order of SKUs and nodes."""
    feed = _ordered(feed, len(nodes))
    return StockLoad(
        sku_ids=catalogue.ids.names(),
        node_ids=[node.node_id for node in nodes],
        sku_ix=feed.sku_ix,
        node_ix=feed.node_ix,
        on_hand=feed.on_hand,
        safety_stock=feed.safety_stock,
    )


def _ordered(feed: StockFeed, node_count: int) -> StockFeed:
    key = feed.sku_ix.astype(np.int64) * node_count + feed.node_ix
    if bool(np.all(key[1:] > key[:-1])):
        return feed
    order = np.argsort(key)
    return StockFeed(*(getattr(feed, column.name)[order] for column in fields(feed)))


def stock_of(columns: StockColumns, inputs: Inputs) -> Stock:
    """The ledger's rows by the rows of catalogue and network. Those whose SKU or node is not known any more
    are left out: no order can ask for them."""
    nodes = IdIndex.of([node.node_id for node in inputs.network.nodes])
    sku_ix = inputs.catalogue.ids.find_many(columns.sku_ids)[columns.sku_ix]
    node_ix = nodes.find_many(columns.node_ids)[columns.node_ix]
    known = (sku_ix >= 0) & (node_ix >= 0)
    unknown_count = int(np.count_nonzero(~known))
    available = columns.available
    if unknown_count:
        event("stock_rows_ignored", rows=unknown_count, reason="unknown SKU or node")
        sku_ix, node_ix, available = sku_ix[known], node_ix[known], available[known]
    return Stock.of(
        len(inputs.catalogue), len(inputs.network.nodes), sku_ix, node_ix, available, columns.version
    )
