"""From a config to a running world: files are read, the ledger is opened and, when new, filled."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from router.catalogue import Catalogue
from router.columns import IdIndex
from router.errors import InvalidInput, Violation
from router.ledger import Ledger, StockColumns, StockLoad, StockUpdate
from router.ledger_load import LEDGER_NOT_EMPTY, updates_of
from router.ledger_places import receipt_place, split_place
from router.network import LoadKind, Network, Node
from router.node_rows import LOAD_SKUS, is_node_row, split_day
from router.rules.model import RuleSet
from router.snapshot import Snapshot
from router.stock import Stock
from server.config import Config
from server.config_ledger import Database
from server.connection import LOCAL
from server.ledger.memory import MemoryLedger
from server.ledger.postgres import PostgresLedger
from server.ledger.sqlite import SqliteLedger
from server.ledger.sqlite_file import is_absent, remove_database, replace_absent, unusable
from server.load.catalogue import read_catalogue
from server.load.kits import with_kits
from server.load.network import load_network
from server.load.receipts import Receipt, read_receipts, receipt_updates
from server.load.rules import load_rules
from server.load.stock import StockFeed, read_stock
from server.load.table import Progress
from server.logs import event
from server.security.audit import AuditLog
from server.security.gate import Gate
from server.snapshot_rows import RowUnits, set_rows
from server.stock_copy import columns_with_copy
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
        offers=config.offers,
    )
    catalogue = catalogue_of(config, report)
    rules, warnings = load_rules(config.rules, network, catalogue)
    return Inputs(network, currency, catalogue, rules, warnings)


def catalogue_of(config: Config, report: Report = silent) -> Catalogue:
    """Its SKUs and kits. Raises InvalidConfig naming file and line."""
    catalogue = read_catalogue(config.skus, report("reading SKUs"))
    return catalogue if config.kits is None else with_kits(catalogue, config.kits)


def open_world(config: Config, inputs: Inputs, clock: Clock, report: Report = silent) -> World:
    """Opens the ledger and follows it from here on. Raises InvalidConfig, LedgerUnusable."""
    ledger = open_ledger(config, inputs, clock, report)
    settings = Settings(
        hold_seconds=config.hold_seconds,
        collect_hold_seconds=config.collect_hold_seconds,
        reserve_attempts=config.reserve_attempts,
        max_orders_per_call=config.max_orders_per_call,
        search=config.search,
        max_stale_seconds=config.max_stale_seconds,
    )
    report("reading the ledger")
    state_capacities(ledger, inputs.network.nodes, clock())
    columns = columns_with_copy(ledger, config.stock_copy)
    world = World(snapshot_of(columns, inputs, clock()), ledger, clock, settings)
    world.follow()
    return world


def open_gate(config: Config, clock: Clock) -> Gate:
    """Warns where a server that others reach lets everybody do everything. Raises InvalidConfig."""
    audit = None if config.audit is None else AuditLog(config.audit, clock)
    if config.security.is_open and not config.address.startswith(LOCAL):
        event("unprotected", level=logging.WARNING, address=config.address, see="docs/security.md")
    return Gate(config.security.callers(), config.security.permissions(), audit)


def open_ledger(config: Config, inputs: Inputs, clock: Clock, report: Report = silent) -> Ledger:
    """A new ledger starts with the rows of the stock and receipt files, all of them or, when that fails, is
    not made.

    Raises InvalidConfig for a file that is wrong, LedgerUnusable for a ledger file that is.
    """
    if config.ledger is None:
        ledger: Ledger = MemoryLedger(clock)
        fill(ledger, config, inputs, report)
        return ledger
    if isinstance(config.ledger, Database):
        return _in_database(config.ledger, config, inputs, report)
    if (config.stock or config.receipts) and is_absent(config.ledger):
        try:
            _make_once(config.ledger, config, inputs, clock, report)
        except OSError as error:
            raise unusable(config.ledger, f"cannot be made: {error}") from error
    return SqliteLedger(config.ledger, clock)


def _in_database(database: Database, config: Config, inputs: Inputs, report: Report) -> Ledger:
    """By the clock of the database, which all its processes share. Should several fill it at once, one does:
    a load is one transaction, and one that finds rows writes none."""
    ledger = PostgresLedger(database.url)
    try:
        if ledger.version() == 0 and not ledger.columns().sku_ids:
            try:
                fill(ledger, config, inputs, report)
            except InvalidInput as error:
                if error.reason != LEDGER_NOT_EMPTY:
                    raise
    except BaseException:
        ledger.close()
        raise
    return ledger


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
    """The rows of the config's stock and receipt files, if it has them, into a ledger nobody uses yet."""
    catalogue, nodes = inputs.catalogue, inputs.network.nodes
    none = np.empty(0, np.int32)
    feed, receipts = StockFeed(none, none, none, none, none.astype(bool)), tuple[Receipt, ...]()
    if config.stock is None and config.receipts is None:
        return
    if config.stock is not None:
        feed = read_stock(config.stock, catalogue, nodes, report("reading stock"))
    if config.receipts is not None:
        receipts = read_receipts(config.receipts, catalogue, nodes)
    load = with_receipts(load_of(feed, catalogue, nodes), receipts, catalogue)
    version = ledger.load(load, report("writing stock"))
    event("stock_imported", rows=len(feed), receipts=len(receipts), stock_version=version)


def with_receipts(load: StockLoad, receipts: Sequence[Receipt], catalogue: Catalogue) -> StockLoad:
    """The rows of both; receipts stand behind the rows of the nodes."""
    if not receipts:
        return load
    places = sorted({receipt_place(r.node_id, r.expected_seconds) for r in receipts})
    place_at = {place: len(load.node_ids) + i for i, place in enumerate(places)}
    found = np.array(
        [
            (catalogue.ids.find(r.sku_id), place_at[receipt_place(r.node_id, r.expected_seconds)], r.units, 0)
            for r in receipts
        ],
        np.int32,
    ).reshape(-1, 4)
    columns = (load.sku_ix, load.node_ix, load.on_hand, load.safety_stock)
    rows = np.concatenate([np.stack(columns, axis=1), found])
    sku_ix, node_ix, on_hand, safety_stock = rows[np.lexsort((rows[:, 1], rows[:, 0]))].T
    return StockLoad(
        sku_ids=load.sku_ids,
        node_ids=[*load.node_ids, *places],
        sku_ix=sku_ix,
        node_ix=node_ix,
        on_hand=on_hand,
        safety_stock=safety_stock,
    )


def import_receipts(
    ledger: Ledger, receipts: Sequence[Receipt], nodes: Sequence[Node], progress: Progress
) -> int:
    """Sets every receipt of a file, and no other; returns the ledger's version after. As ``import_feed`` in
    steps."""
    version = ledger.version()
    for done, updates in receipt_updates(receipts, nodes, ROWS_PER_WRITE):
        version = ledger.update_stock("", updates)
        progress(done, len(receipts))
    return version


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


def state_capacities(ledger: Ledger, nodes: Sequence[Node], now_seconds: int) -> None:
    """Days of which something is taken get the capacity that their node states now."""
    first_day = _first_day(now_seconds)
    stated = {node.node_id: dict(node.capacity) for node in nodes}
    updates = []
    for row in ledger.stock_of(LOAD_SKUS)[1]:
        node_id, day = split_day(row.node_id)
        capacity = stated.get(node_id, {}).get(LoadKind(LOAD_SKUS.index(row.sku_id)))
        if day >= first_day and capacity is not None and capacity != row.on_hand:
            updates.append(StockUpdate(sku_id=row.sku_id, node_id=row.node_id, on_hand=capacity))
    if updates:
        version = ledger.update_stock("", updates)
        event("capacities_changed", rows=len(updates), stock_version=version)


def _first_day(now_seconds: int) -> int:
    """A day that is over everywhere; those before it matter to nobody any more."""
    return datetime.fromtimestamp(now_seconds, UTC).toordinal() - 2


def snapshot_of(columns: StockColumns, inputs: Inputs, now_seconds: int) -> Snapshot:
    """The ledger's rows by the rows of catalogue and network. Those whose SKU or node is not known any more
    are left out: no order can ask for them."""
    nodes = IdIndex.of([node.node_id for node in inputs.network.nodes])
    places = [split_place(place) for place in columns.node_ids]
    sku_ix = inputs.catalogue.ids.find_many(columns.sku_ids)[columns.sku_ix]
    node_ix = nodes.find_many([node_id for node_id, _ in places])[columns.node_ix]
    is_receipt = np.array([seconds is not None for _, seconds in places], bool)[columns.node_ix]
    about_nodes = np.array([is_node_row(sku_id) for sku_id in columns.sku_ids], bool)[columns.sku_ix]
    known = (sku_ix >= 0) & (node_ix >= 0)
    unknown_count = int(np.count_nonzero(~known & ~about_nodes))
    if unknown_count:
        event("stock_rows_ignored", rows=unknown_count, reason="unknown SKU or node")
    own, available = known & ~is_receipt, columns.available
    others = [_row(columns, ix) for ix in np.flatnonzero(about_nodes | known & is_receipt).tolist()]
    if not own.all():
        sku_ix, node_ix, available = sku_ix[own], node_ix[own], available[own]
    counts = len(inputs.catalogue), len(inputs.network.nodes)
    stock = Stock.of(*counts, sku_ix, node_ix, available, columns.version)
    snapshot = Snapshot.build(inputs.network, inputs.catalogue, inputs.rules, stock)
    first_day = _first_day(now_seconds)
    set_rows(snapshot, [r for r in others if r.sku_id not in LOAD_SKUS or split_day(r.place)[1] >= first_day])
    return snapshot


def _row(columns: StockColumns, ix: int) -> RowUnits:
    place = columns.node_ids[columns.node_ix[ix]]
    return RowUnits(columns.sku_ids[columns.sku_ix[ix]], place, int(columns.available[ix]))
