"""Ledgers that an earlier version wrote are brought up to date, and go on where they were."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from bench.postgres_server import drop_database, new_database
from router.errors import LedgerUnusable
from router.ledger import Change, Ledger, ReservationState
from router.ledger_places import receipt_place
from server.ledger import SqliteLedger
from server.ledger.postgres import PostgresLedger
from tests.contract.ledger_tools import VirtualClock, adjusted, audit, hold, request

EARLIER = Path(__file__).parent / "earlier"
LATER = receipt_place("N1", 1_900_000_000)
MADE_AT = 1_760_000_000
"""When the last reservation of the earlier ledger was made, for a minute."""


def as_before(ledger: Ledger) -> None:
    """What the earlier version left: one reservation confirmed, one released, two expired, one held."""
    states = [ledger.find(f"r-{n:012d}") for n in range(1, 6)]
    assert [found.state.name for found in states if found] == [
        "CONFIRMED", "RELEASED", "EXPIRED", "EXPIRED", "HELD",
    ]  # fmt: skip
    rows = {(s, r.node_id): (r.on_hand, r.reserved) for s in "AB" for r in ledger.stock(s)}
    assert rows == {
        ("A", "N1"): (7, 0),
        ("A", LATER): (5, 3),
        ("A", "N2"): (9, 0),
        ("B", "N1"): (9, 0),
        ("B", "N2"): (8, 0),
    }
    log = ledger.changes(0)
    assert [change.version for change in log] == list(range(1, 21))
    assert log[-1] == Change(version=20, sku_id="A", node_id=LATER, available=2, delta=-3, cause="reserve")
    audit(ledger, ["A", "B"])


def goes_on(ledger: Ledger) -> None:
    replayed = ledger.reserve(request(hold("A", LATER, 3), request_id="later"))
    assert replayed.replayed
    assert replayed.payload == b"\x00bytes"
    taken = ledger.reserve(request(hold("A", "N1", 4)))
    assert taken.reservation is not None
    assert taken.reservation.reservation_id == "r-000000000006"
    ledger.extend("r-000000000005", 90)
    done = ledger.confirm("r-000000000006", [hold("A", "N1", 1)])
    assert done.reservation is not None
    assert done.reservation.state is ReservationState.CONFIRMED
    assert [c.reference for c in ledger.changes(20)] == ["r-000000000006"] * 2
    ledger.feed("wms", [adjusted("B", "N1", 0)])
    audit(ledger, ["A", "B"])


@pytest.fixture
def clock() -> VirtualClock:
    clock = VirtualClock()
    clock.now = MADE_AT + 10
    return clock


def earlier_file(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript((EARLIER / "sqlite_1.sql").read_text())
    return path


def test_a_file(tmp_path: Path, clock: VirtualClock) -> None:
    path = earlier_file(tmp_path)
    for check in (as_before, as_before, goes_on):
        ledger = SqliteLedger(path, clock)
        check(ledger)
        ledger.close()


def test_a_file_that_several_open_at_once(tmp_path: Path, clock: VirtualClock) -> None:
    path, ready = earlier_file(tmp_path), threading.Barrier(4)
    failed: list[Exception] = []

    def start() -> None:
        ready.wait()
        try:
            ledger = SqliteLedger(path, clock)
            as_before(ledger)
            ledger.close()
        except Exception as error:  # for the main thread
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_file_whose_upgrade_breaks_off_stays_as_it_was(tmp_path: Path, clock: VirtualClock) -> None:
    path = earlier_file(tmp_path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE feed_row (in_the_way)")
        db.commit()
    with pytest.raises(LedgerUnusable, match="feed_row already exists"):
        SqliteLedger(path, clock)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert "reference" not in {row[1] for row in db.execute("PRAGMA table_info(stock_change)")}
        db.execute("DROP TABLE feed_row")
    ledger = SqliteLedger(path, clock)
    as_before(ledger)
    ledger.close()


def test_a_database(clock: VirtualClock) -> None:
    uri = new_database()
    with psycopg.connect(uri) as db:
        db.execute((EARLIER / "postgres_1.sql").read_text())
    for check in (as_before, as_before, goes_on):
        ledger = PostgresLedger(uri, clock)
        check(ledger)
        ledger.close()
    with psycopg.connect(uri) as db:
        db.execute("UPDATE ledger SET schema_version = 99")
    with pytest.raises(LedgerUnusable, match="is of version 99"):
        PostgresLedger(uri, clock)
    drop_database(uri)
