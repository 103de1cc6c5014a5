"""Copies of a ledger file, made while it is used, and put in the place of a lost one."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from server.ledger.sqlite_file import (
    SQL,
    check_file,
    is_absent,
    one_value,
    open_reader,
    open_writer,
    remove_database,
    replace_absent,
    unusable,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is in a ledger file. version: of its log; row_count: of stock rows."""

    ledger_id: str
    version: int
    row_count: int


def facts_of(path: Path) -> Facts:
    """Of a ledger file that may be in use, after a look at every page of it. Raises LedgerUnusable."""
    _check_there(path)
    try:
        with closing(open_reader(path)) as db:
            return _facts(db)
    except sqlite3.Error as error:
        raise unusable(path, str(error)) from error


def back_up(path: Path, copy: Path) -> Facts:
    """Writes the ledger as of one commit into ``copy``, a new file that is whole and on disk when this
    returns; writers go on meanwhile. Raises LedgerUnusable, also when ``copy`` is there already."""
    _check_there(path)
    if copy.exists():
        raise unusable(copy, "is there already")
    return _copied(path, copy, renamed=False)


def restore(copy: Path, path: Path) -> Facts:
    """Makes a ledger of a copy where there is none; the copy stays. It is another ledger from then on, as
    what came after the copy was made is not in it. Raises LedgerUnusable."""
    _check_there(copy)
    if not is_absent(path):
        raise unusable(path, "is there already: move it away first, with its -wal and -shm")
    return _copied(copy, path, renamed=True)


def _check_there(path: Path) -> None:
    if is_absent(path):
        raise unusable(path, "is missing or empty")
    try:
        check_file(path)
    except (sqlite3.Error, OSError) as error:
        raise unusable(path, str(error)) from error


def _copied(path: Path, to: Path, *, renamed: bool) -> Facts:
    making = to.with_name(to.name + ".making")
    try:
        remove_database(making)
        # All pages in one step: page by page, every write of another process would begin it anew.
        with closing(open_reader(path)) as source, closing(sqlite3.connect(making)) as target:
            source.backup(target)
        with closing(open_writer(making)) as db:  # looks at every page; closing empties its log into it
            if renamed:
                db.execute(SQL["rename_ledger"], (uuid4().hex,))
            facts = _facts(db)
        _sync(making)
        replace_absent(making, to)
        _sync(to.parent)
    except (sqlite3.Error, OSError) as error:
        raise unusable(to, f"cannot be made: {error}") from error
    return facts


def _facts(db: sqlite3.Connection) -> Facts:
    found = (one_value(db, name) for name in ("get_ledger_id", "get_version", "count_stock"))
    ledger_id, version, row_count = found
    return Facts(str(ledger_id), int(version), int(row_count))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
