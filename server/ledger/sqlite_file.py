"""Opens ledger files, and refuses what is not one without changing a byte of it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from router.errors import LedgerUnusable
from server.ledger.queries import named_statements, sql_text, statements_of

APPLICATION_ID = int.from_bytes(b"SRCL", "big")
SCHEMA_VERSION = 2
OLDEST_VERSION = 1
"""Of files that are brought up to date when they are opened."""
BUSY_SECONDS = 30
"""How long to wait for another process that writes to the same file."""
OLDEST_SQLITE = (3, 38, 0)
"""STRICT tables need 3.37, ``json_each`` without an extension 3.38."""

_MAGIC = b"SQLite format 3\x00"
_HEADER_LENGTH = 100
_JOURNAL, _LOG, _INDEX = "-journal", "-wal", "-shm"
SQL = named_statements(sql_text("sqlite_queries.sql"))


def unusable(path: Path, found: str) -> LedgerUnusable:
    """The error that names the file and what was found instead of a usable ledger."""
    return LedgerUnusable(f"ledger {path}: {found}", metadata={"path": str(path), "found": found})


def one_value(connection: sqlite3.Connection, name: str, *parameters: object) -> Any:
    """The single value a named statement answers."""
    return connection.execute(SQL[name], parameters).fetchone()[0]


def is_absent(path: Path) -> bool:
    """Is there no ledger yet: no file, or an empty one?

    Raises LedgerUnusable when there is none but its log is: SQLite would throw that away or, worse, play it
    into the next file of the name, and it may be all that is left of the last holds. Whoever moved the file
    can put it back; whoever removed it removes the log too.
    """
    log = beside(path, _LOG)
    try:
        has_log = log.exists()  # asked first: who makes a ledger writes the file before its log
        if path.exists() and path.stat().st_size:
            return False
    except OSError as error:
        raise unusable(path, str(error)) from error
    if has_log:
        found = f"is missing or empty, but {log.name} is there and may hold its last changes"
        raise unusable(path, f"{found}: put the file back, or remove {path.name}* to begin anew")
    return True


def beside(path: Path, suffix: str) -> Path:
    """A file that belongs to a database."""
    return path.with_name(path.name + suffix)


def remove_database(path: Path) -> None:
    """A SQLite file with what belongs to it."""
    for suffix in ("", _LOG, _INDEX, _JOURNAL):
        beside(path, suffix).unlink(missing_ok=True)


def replace_absent(new: Path, path: Path) -> None:
    """Gives a whole, closed database the name of one that ``is_absent``. What was left beside that one holds
    nothing, a journal being only of a making that was cut short, but would be played into the new file."""
    for suffix in (_INDEX, _JOURNAL):
        beside(path, suffix).unlink(missing_ok=True)
    os.replace(new, path)


def open_writer(path: Path) -> sqlite3.Connection:
    """The writing connection to a ledger file, made if it is missing or empty.

    Raises LedgerUnusable for a file that is corrupt, another application's, of a newer schema, or that
    cannot be opened, and as ``is_absent``.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise unusable(path, f"SQLite {sqlite3.sqlite_version} is too old, 3.38 is needed")
    try:
        if not is_absent(path):
            check_file(path)
        connection = _connect(f"{path.absolute()}")
    except (sqlite3.Error, OSError) as error:
        raise unusable(path, str(error)) from error
    try:
        _set_up(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, str(error)) from error
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that sees every commit and cannot write. Raises sqlite3.Error."""
    connection = _connect(_uri(path, "rw"), uri=True)
    connection.executescript(SQL["set_up_reader"])
    return connection


def _connect(name: str, *, uri: bool = False) -> sqlite3.Connection:
    """Transactions are begun and ended by statements only; the ledger guards the use by threads."""
    return sqlite3.connect(name, uri=uri, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def check_file(path: Path) -> None:
    """Raises LedgerUnusable for a file that is corrupt, foreign or newer; sqlite3.Error, OSError."""
    _check_header(path)
    _check_pages(path)


def _check_header(path: Path) -> None:
    """Reads the plain bytes, as opening by SQLite may write."""
    with path.open("rb") as file:
        header = file.read(_HEADER_LENGTH)
    if len(header) < _HEADER_LENGTH or not header.startswith(_MAGIC):
        raise unusable(path, "is not a SQLite database")
    _check_identity(path, int.from_bytes(header[68:72], "big"), int.from_bytes(header[60:64], "big"))


def _check_identity(path: Path, application_id: int, schema_version: int) -> None:
    if application_id != APPLICATION_ID:
        found = f"belongs to another application (id {application_id:#010x}, not {APPLICATION_ID:#010x})"
        raise unusable(path, found)
    if not OLDEST_VERSION <= schema_version <= SCHEMA_VERSION:
        raise unusable(path, f"has schema version {schema_version}, this program knows {SCHEMA_VERSION}")


def _check_pages(path: Path) -> None:
    """Looks for damage through a connection that cannot write, not even when it is closed.

    A rollback journal exists only if the making of the file was cut short; then nothing is in it yet.
    """
    if beside(path, _JOURNAL).exists():
        return
    connection = _connect(_uri(path, "ro"), uri=True)
    try:
        result = one_value(connection, "check_pages")
    finally:
        connection.close()
    if result != "ok":
        raise unusable(path, f"is corrupt: {' '.join(str(result).split())}")


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    if one_value(connection, "count_tables") == 0:
        connection.executescript(sql_text("sqlite_schema.sql"))
    _check_identity(
        path, one_value(connection, "get_application_id"), one_value(connection, "get_schema_version")
    )
    _upgrade(connection)
    mode = one_value(connection, "write_ahead")
    if mode != "wal":
        raise unusable(path, f"its file system does not allow write-ahead logging (mode {mode!r})")
    connection.executescript(SQL["set_up_writer"])


def _upgrade(connection: sqlite3.Connection) -> None:
    """Brings tables of an older version up to date, all the way or not at all. Of several processes that do
    so at once the first does it."""
    if one_value(connection, "get_schema_version") == SCHEMA_VERSION:
        return
    connection.execute(SQL["begin_write"])
    try:
        for older in range(one_value(connection, "get_schema_version"), SCHEMA_VERSION):
            for statement in statements_of(sql_text(f"sqlite_upgrade_{older}.sql")):
                connection.execute(statement)
        connection.execute(SQL["commit"])
    except BaseException:
        connection.execute(SQL["rollback"])
        raise
