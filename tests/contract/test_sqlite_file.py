"""Which files a SQLite ledger opens, and what it leaves alone."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from router.errors import BrokenInvariant, LedgerUnusable, RequestIdReused
from router.ledger import ReserveCode
from server.ledger import SqliteLedger
from server.ledger.queries import named_statements, sql_text
from server.ledger.sqlite_file import APPLICATION_ID, SCHEMA_VERSION
from tests.contract.ledger_tools import (
    VirtualClock,
    adjusted,
    at_once,
    audit,
    held_id,
    hold,
    request,
    stock_of,
    successes,
)

LEDGER_FILES = Path(__file__).parents[2] / "server" / "ledger"


def make_ledger(path: Path, clock: VirtualClock) -> None:
    """A ledger of several pages, closed."""
    ledger = SqliteLedger(path, clock)
    ledger.update_stock("feed", [stock_of(f"sku-{i:04d}", "N1", 5) for i in range(2_000)])
    ledger.close()


def run_sql(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.executescript(script)


def write_garbage(path: Path, _: VirtualClock) -> None:
    path.write_bytes(b"sku;node;units\n" * 1_000)


def write_a_few_bytes(path: Path, _: VirtualClock) -> None:
    path.write_bytes(b"SQLite format 3\x00")


def write_foreign(path: Path, _: VirtualClock) -> None:
    run_sql(path, "CREATE TABLE photo (name TEXT); INSERT INTO photo VALUES ('a');")


def write_foreign_with_an_id(path: Path, _: VirtualClock) -> None:
    run_sql(path, "PRAGMA application_id = 4711; PRAGMA journal_mode = WAL; CREATE TABLE photo (name TEXT);")


def write_foreign_with_a_log(path: Path, _: VirtualClock) -> None:
    """As its owner left it when it crashed: the last commit is only in the log. Closing such a file after
    opening it for writing would copy the log into it."""
    home = path.with_name("home")
    with closing(sqlite3.connect(home)) as owner:
        owner.executescript("PRAGMA journal_mode = WAL; CREATE TABLE photo (name TEXT);")
        owner.executescript("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO photo VALUES ('a');")
        shutil.copy(home, path)
        shutil.copy(f"{home}-wal", f"{path}-wal")


def write_newer(path: Path, clock: VirtualClock) -> None:
    make_ledger(path, clock)
    run_sql(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1};")


def write_truncated(path: Path, clock: VirtualClock) -> None:
    make_ledger(path, clock)
    os.truncate(path, path.stat().st_size // 2)


def write_overwritten_pages(path: Path, clock: VirtualClock) -> None:
    make_ledger(path, clock)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 4096 * 12)


@pytest.mark.parametrize(
    ("write", "found"),
    [
        (write_garbage, "is not a SQLite database"),
        (write_a_few_bytes, "is not a SQLite database"),
        (write_foreign, "belongs to another application (id 0x00000000"),
        (write_foreign_with_an_id, "belongs to another application (id 0x00001267"),
        (write_foreign_with_a_log, "belongs to another application (id 0x00000000"),
        (write_newer, "has schema version 3, this program knows 2"),
        (write_truncated, "malformed"),
        (write_overwritten_pages, "corrupt"),
    ],
)
def test_an_unusable_file_is_refused_and_left_as_it_is(
    path: Path, clock: VirtualClock, write: Callable[[Path, VirtualClock], None], found: str
) -> None:
    write(path, clock)
    before = path.read_bytes()
    modified_at = path.stat().st_mtime_ns
    with pytest.raises(LedgerUnusable) as raised:
        SqliteLedger(path, clock)
    assert raised.value.metadata["path"] == str(path)
    assert found in raised.value.metadata["found"]
    assert raised.value.message == f"ledger {path}: {raised.value.metadata['found']}"
    assert path.read_bytes() == before
    assert path.stat().st_mtime_ns == modified_at


def test_a_folder_or_a_missing_folder_is_refused(tmp_path: Path, clock: VirtualClock) -> None:
    for path in (tmp_path, tmp_path / "missing" / "ledger.db"):
        with pytest.raises(LedgerUnusable, match=re.escape(str(path))):
            SqliteLedger(path, clock)


def test_missing_and_empty_files_become_ledgers(path: Path, clock: VirtualClock) -> None:
    SqliteLedger(path, clock).close()
    header = path.read_bytes()[:100]
    assert header[68:72] == APPLICATION_ID.to_bytes(4, "big") == b"SRCL"
    assert header[60:64] == SCHEMA_VERSION.to_bytes(4, "big")
    path.write_bytes(b"")
    SqliteLedger(str(path), clock).close()
    assert path.read_bytes()[:100] == header


def test_reopening_finds_everything(path: Path, clock: VirtualClock) -> None:
    ledger = SqliteLedger(path, clock)
    ledger.update_stock("feed", [adjusted("A", "N1", 5)])
    first = ledger.reserve(request(hold("A", "N1", 2), request_id="q", payload=b"plan"))
    ledger.reserve(request(hold("A", "N1", 1), ttl_seconds=10))
    changes = ledger.changes(0)
    ledger.close()

    ledger = SqliteLedger(path, clock)
    assert ledger.changes(0) == changes
    again = ledger.reserve(request(hold("A", "N1", 2), request_id="q"))
    assert (again.reservation, again.payload, again.replayed) == (first.reservation, b"plan", True)
    reused = ledger.reserve(request(hold("A", "N1", 2), request_id="q", fingerprint="other"))
    assert reused.code is ReserveCode.ID_REUSED
    assert ledger.update_stock("feed", [adjusted("A", "N1", 5)]) == 1
    with pytest.raises(RequestIdReused):
        ledger.update_stock("feed", [adjusted("A", "N1", 6)])
    assert held_id(ledger.reserve(request(hold("A", "N1", 1)))) == "r-000000000003"
    clock.now += 10
    assert ledger.expire() == 1
    audit(ledger, ["A"])
    ledger.close()


def test_two_ledgers_on_one_file_do_not_oversell(path: Path, clock: VirtualClock) -> None:
    one, two = SqliteLedger(path, clock), SqliteLedger(path, clock)
    one.update_stock("", [stock_of("A", "N1", 1)])
    assert two.reserve(request(hold("A", "N1", 1), request_id="q")).code is ReserveCode.HELD
    assert one.reserve(request(hold("A", "N1", 1))).code is ReserveCode.SOLD_OUT
    assert one.reserve(request(hold("A", "N1", 1), request_id="q")).replayed
    two.update_stock("", [stock_of("B", f"N{i}", 1) for i in range(9)])
    one.update_stock("", [stock_of("B", f"N{i}", 2) for i in range(1, 10)])
    assert one.changes(0) == two.changes(0)
    audit(one, "AB")
    one.close()
    two.close()


def test_two_ledgers_on_one_file_wait_for_each_other(path: Path, clock: VirtualClock) -> None:
    ledgers = [SqliteLedger(path, clock) for _ in range(2)]
    ledgers[0].update_stock("", [stock_of("A", "N1", 50)])

    def take(ix: int) -> int:
        codes = [ledgers[ix % 2].reserve(request(hold("A", "N1", 1))).code for _ in range(20)]
        return codes.count(ReserveCode.HELD)

    assert sum(successes(at_once(6, take))) == 50
    audit(ledgers[0], ["A"])
    for ledger in ledgers:
        ledger.close()


def test_a_file_whose_making_was_cut_short_while_committing(path: Path, clock: VirtualClock) -> None:
    """Its pages are there, but the journal says that there were none before: it is made anew."""
    run_sql(path, sql_text("sqlite_schema.sql"))
    magic = bytes.fromhex("d9d505f920a163d7")
    record_count, nonce, pages_before, sector_length, page_length = 0, 1, 0, 512, 4096
    header = magic + struct.pack(">5I", record_count, nonce, pages_before, sector_length, page_length)
    path.with_name(path.name + "-journal").write_bytes(header.ljust(sector_length, b"\0"))
    make_ledger(path, clock)
    assert not path.with_name(path.name + "-journal").exists()
    ledger = SqliteLedger(path, clock)
    assert ledger.version() == 2_000
    ledger.close()


def test_a_closed_ledger_says_so(path: Path, clock: VirtualClock) -> None:
    ledger = SqliteLedger(path, clock)
    ledger.version()
    ledger.close()
    ledger.close()
    for call in (ledger.version, ledger.expire, ledger.columns):
        with pytest.raises(LedgerUnusable, match="close"):
            call()


def test_a_file_that_another_hand_made_inconsistent_is_not_written_to(
    path: Path, clock: VirtualClock
) -> None:
    """The last line of defence: what the schema forbids fails as a whole and spoils nothing."""
    ledger = SqliteLedger(path, clock)
    ledger.update_stock("", [stock_of("A", "N1", 5), stock_of("B", "N1", 5)])
    reservation_id = held_id(ledger.reserve(request(hold("A", "N1", 2))))
    run_sql(path, "UPDATE stock SET reserved = 1 WHERE sku_ix = 1;")
    with pytest.raises(BrokenInvariant, match="CHECK constraint failed: reserved >= 0"):
        ledger.release(reservation_id)
    assert ledger.version() == 3
    assert ledger.reserve(request(hold("B", "N1", 5))).code is ReserveCode.HELD
    ledger.close()


def test_a_write_that_did_not_take_is_noticed(path: Path, clock: VirtualClock) -> None:
    ledger = SqliteLedger(path, clock)
    ledger.update_stock("", [stock_of("A", "N1", 5)])
    run_sql(path, "CREATE TRIGGER deaf BEFORE UPDATE ON stock BEGIN SELECT RAISE(IGNORE); END;")
    with pytest.raises(BrokenInvariant, match="update_row found 0 of 1 rows as they were read"):
        ledger.reserve(request(hold("A", "N1", 2)))
    assert (ledger.version(), ledger.find("r-000000000001")) == (1, None)
    ledger.close()


def test_references_are_checked_while_writing(path: Path, clock: VirtualClock) -> None:
    ledger = SqliteLedger(path, clock)
    ledger.update_stock("", [stock_of("A", "N1", 5), stock_of("B", "N1", 5)])
    run_sql(path, "DELETE FROM sku WHERE sku_id = 'B';")
    with pytest.raises(BrokenInvariant, match="FOREIGN KEY"):
        ledger.update_stock("", [stock_of("B", "N2", 5)])
    assert ledger.update_stock("", [stock_of("A", "N2", 5)]) == 3
    ledger.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stock SET on_hand = -1",
        "UPDATE stock SET reserved = -1",
        "UPDATE stock SET on_hand = 'many'",
        "UPDATE reservation SET state = 5",
        "UPDATE hold SET quantity = 0",
        "INSERT INTO stock_change VALUES (99, 1, 1, -1, -1, 'reserve', '')",
        "INSERT INTO stock_change VALUES (1, 1, 1, 1, 1, 'stock', '')",
        "INSERT INTO stock VALUES (77, 1, 1, 0, 0)",
        "INSERT INTO hold VALUES (1, 5, 1, 77, 1)",
    ],
)
def test_the_schema_itself_refuses(path: Path, clock: VirtualClock, statement: str) -> None:
    ledger = SqliteLedger(path, clock)
    ledger.update_stock("", [stock_of("A", "N1", 5)])
    ledger.reserve(request(hold("A", "N1", 2)))
    ledger.close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(sqlite3.IntegrityError):
            other.execute(statement)


def test_every_statement_is_used_and_every_used_one_is_there() -> None:
    code = "\n".join(file.read_text() for file in LEDGER_FILES.glob("sqlite*.py"))
    used = set(re.findall(r'"([a-z_]+)"', code))
    used |= {f"{verb}_{table}" for verb in ("find", "insert") for table in ("sku", "node")}
    used |= {"list_skus", "list_nodes"}
    statements = named_statements(sql_text("sqlite_queries.sql"))
    assert [name for name in statements if name not in used] == []
    assert set(re.findall(r'SQL\["([a-z_]+)"\]', code)) <= set(statements)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("SELECT 1;", "before the first"),
        ("-- name: a\n-- What.\nSELECT 1;\n-- name: a\n-- What.\nSELECT 2;", "is taken"),
        ("-- name: a b\n-- What.\nSELECT 1;", "not an identifier"),
        ("-- name: a\nSELECT 1;", "needs a description"),
        ("-- name: a\n-- What.\n", "needs a description, then its text"),
    ],
)
def test_a_statement_needs_a_name_a_description_and_a_body(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        named_statements(text)
