"""The ledgers that every contract test runs on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.postgres_server import drop_database, new_database
from router.ledger import Ledger
from server.ledger import MemoryLedger, SqliteLedger
from server.ledger.postgres import PostgresLedger
from tests.contract.ledger_tools import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a SQLite ledger may be made; with characters that mean something in a URI."""
    folder = tmp_path / "a folder%20?#"
    folder.mkdir()
    return folder / "ledger.db"


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, clock: VirtualClock) -> Iterator[Ledger]:
    made: Ledger
    if request.param == "memory":
        made = MemoryLedger(clock)
    elif request.param == "postgres":
        made = PostgresLedger(request.getfixturevalue("empty_database"), clock)
    else:
        made = SqliteLedger(request.getfixturevalue("path"), clock)
    yield made
    made.close()


@pytest.fixture
def sqlite_ledger(path: Path, clock: VirtualClock) -> Iterator[SqliteLedger]:
    made = SqliteLedger(path, clock)
    yield made
    made.close()


@pytest.fixture
def empty_database() -> Iterator[str]:
    """A database of its own."""
    uri = new_database()
    yield uri
    drop_database(uri)
