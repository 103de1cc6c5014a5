"""What a ledger holds, laid into a snapshot when a world is opened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.catalogue import Catalogue
from router.ledger import DayHold, Hold, Ledger, ReserveRequest, StockUpdate
from router.ledger_places import receipt_place
from router.network import LoadKind
from router.node_rows import BACKLOG_SKUS, LOAD_SKUS, OFF_SKU, day_place
from server.ledger.memory import MemoryLedger
from server.opening import Inputs, snapshot_of, state_capacities
from tests.small_shop import small_shop

SATURDAY = 1_785_571_200
"""2026-08-01 08:00 UTC."""
TODAY = 739_829
NOON = SATURDAY + 4 * 3_600


@pytest.fixture
def inputs() -> Inputs:
    """A gets ready 5 orders a day."""
    world = small_shop()
    nodes = (
        replace(world.network.nodes[0], capacity=((LoadKind.ORDERS, 5),)),
        *world.network.nodes[1:],
    )
    catalogue = Catalogue.from_skus(list(world.skus.values()))
    return Inputs(replace(world.network, nodes=nodes), "EUR", catalogue, world.rules, ())


def taking(ledger: Ledger, day: int, node_id: str = "A", capacity: int = 5) -> None:
    """One order of a day is taken."""
    hold = Hold(sku_id=LOAD_SKUS[LoadKind.ORDERS], node_id=day_place(node_id, day), quantity=1)
    days = (DayHold(hold=hold, capacity=capacity),)
    request = ReserveRequest(request_id="", fingerprint="", order_id="o", holds=(), ttl_seconds=60, days=days)
    assert ledger.reserve(request).reservation is not None


def test_every_kind_of_row_is_laid_down(inputs: Inputs) -> None:
    ledger = MemoryLedger(lambda: SATURDAY)
    rows = [("K", "A", 4), ("K", receipt_place("B", NOON), 6), ("K", "B", 0), ("X", "A", 1), ("K", "Y", 1)]
    rows += [(BACKLOG_SKUS[LoadKind.ORDERS], "A", 2), (OFF_SKU, "D", NOON // 60), (OFF_SKU, "Y", 1)]
    ledger.update_stock("", [StockUpdate(sku_id=s, node_id=p, on_hand=n) for s, p, n in rows])
    for day in (TODAY - 3, TODAY - 1, TODAY + 9):
        taking(ledger, day)
    taking(ledger, TODAY, "Y")
    snapshot = snapshot_of(ledger.columns(), inputs, SATURDAY)
    assert (snapshot.available("K", "A"), snapshot.available("K", "B")) == (4, 0)
    assert len(snapshot.stock) == 2
    assert snapshot.receipts.of(0) == {1: ((NOON, 6),)}
    # A day that is over everywhere matters to nobody.
    assert snapshot.states.free == {(0, LoadKind.ORDERS): {TODAY - 1: 4, TODAY + 9: 4}}
    assert snapshot.states.backlog == {(0, LoadKind.ORDERS): 2}
    assert snapshot.states.off_until_seconds == {3: NOON}
    assert snapshot.stock.version == ledger.version()


def test_a_ledger_of_stock_alone_is_laid_down_as_it_is(inputs: Inputs) -> None:
    ledger = MemoryLedger(lambda: SATURDAY)
    ledger.update_stock("", [StockUpdate(sku_id="K", node_id=n, on_hand=3) for n in "ABC"])
    snapshot = snapshot_of(ledger.columns(), inputs, SATURDAY)
    assert [snapshot.available("K", n) for n in "ABCD"] == [3, 3, 3, None]
    assert not snapshot.receipts.known.any()


def test_days_to_come_get_the_capacity_that_is_stated_now(inputs: Inputs) -> None:
    ledger = MemoryLedger(lambda: SATURDAY)
    for node_id, day, capacity in (
        ("A", TODAY - 3, 2),
        ("A", TODAY, 2),
        ("A", TODAY + 1, 5),
        ("A", TODAY + 2, 9),
        ("B", TODAY, 2),
        ("Y", TODAY, 2),
    ):
        taking(ledger, day, node_id, capacity)
    version = ledger.version()
    state_capacities(ledger, inputs.network.nodes, SATURDAY)
    rows = {row.node_id: (row.on_hand, row.reserved) for row in ledger.stock(LOAD_SKUS[LoadKind.ORDERS])}
    assert rows == {
        "A@2026-07-29": (2, 1),
        "A@2026-08-01": (5, 1),
        "A@2026-08-02": (5, 1),
        "A@2026-08-03": (5, 1),
        "B@2026-08-01": (2, 1),
        "Y@2026-08-01": (2, 1),
    }
    assert ledger.version() == version + 2
    state_capacities(ledger, inputs.network.nodes, SATURDAY)
    assert ledger.version() == version + 2
