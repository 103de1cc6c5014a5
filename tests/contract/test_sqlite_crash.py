"""Whenever the process dies, a call is done whole or not at all, and what was acknowledged stays."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from router.ledger import Change, Ledger, Reservation, ReserveCode
from server.ledger import SqliteLedger
from tests.contract.crashing import CALLS, LATER, make_model
from tests.contract.ledger_tools import (
    START,
    VirtualClock,
    adjusted,
    all_changes,
    all_reservations,
    audit,
    held_id,
    hold,
    request,
    stock_of,
)

ROOT = Path(__file__).parents[2]
Content = tuple[list[Change], list[Reservation], list[int]]


def content(ledger: Ledger) -> Content:
    """Everything the port tells."""
    on_hand = [row.on_hand for sku_id in "ABC" for row in ledger.stock(sku_id)]
    return all_changes(ledger), all_reservations(ledger), on_hand


def content_of(path: Path, now_seconds: int) -> Content:
    ledger = SqliteLedger(path, lambda: now_seconds)
    try:
        audit(ledger, "ABC")
        return content(ledger)
    finally:
        ledger.close()


def program(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "tests.contract.crashing", *map(str, arguments)]


def crash_at_every_statement(model: Path, folder: Path, call: str) -> list[Path]:
    """The files that were left, in order; in the last one the call came to its end."""
    folder.mkdir()
    subprocess.run(program("before-statement", model, folder, call), cwd=ROOT, check=True, timeout=120)
    count = sum(1 for file in folder.iterdir() if file.name.isdigit())
    return [folder / f"{n}" for n in range(1, count + 1)]


@pytest.mark.parametrize("call", [name for name in CALLS if name not in ("open", "load")])
def test_killed_before_any_statement_of_a_call(tmp_path: Path, call: str) -> None:
    model = tmp_path / "model"
    make_model(model)
    paths = crash_at_every_statement(model, tmp_path / "killed", call)
    # Opened later, the due reservation expires: that is all that may have happened besides the call.
    before = content_of(model, LATER)
    after = content_of(paths[-1], LATER)
    assert before != after
    assert len(paths) > 15, "opening, loading, storing and committing are many statements"
    assert [path for path in paths[:-1] if content_of(path, LATER) != before] == []


def test_a_retry_after_the_crash_does_what_the_call_would_have_done(tmp_path: Path) -> None:
    model = tmp_path / "model"
    make_model(model)
    paths = crash_at_every_statement(model, tmp_path / "killed", "reserve")
    after = content_of(paths[-1], LATER)
    for path in paths:
        ledger = SqliteLedger(path, lambda: LATER)
        outcome = CALLS["reserve"](ledger)
        assert getattr(outcome, "replayed", None) is (path == paths[-1])
        ledger.close()
        assert content_of(path, LATER) == after


def test_killed_while_the_file_is_made(tmp_path: Path) -> None:
    paths = crash_at_every_statement(tmp_path / "missing", tmp_path / "killed", "open")
    assert len(paths) > 15, "every table is a statement"
    for path in paths:
        assert content_of(path, START) == ([], [], [])


def test_killed_while_the_first_stock_is_loaded(tmp_path: Path) -> None:
    paths = crash_at_every_statement(tmp_path / "missing", tmp_path / "killed", "load")
    empty: Content = ([], [], [])
    whole = content_of(paths[-1], START)
    changes, _, on_hand = whole
    assert (len(changes), on_hand) == (20, [int(text) for text in sorted(map(str, range(20)))] + [2])
    assert len(paths) > 25, "making the file and loading are many statements"
    # The last statements come after the commit: they read the new ids.
    assert [content_of(path, START) for path in paths] == [empty] * (len(paths) - 3) + [whole] * 3


def test_a_commit_cut_short_at_any_byte(path: Path, tmp_path: Path, clock: VirtualClock) -> None:
    """A commit is one run of bytes at the end of the write-ahead log. As many of the calls as were written to
    the end are there, and nothing of the next one."""
    log = path.with_name(path.name + "-wal")
    ledger = SqliteLedger(path, clock)
    calls = [
        lambda: ledger.update_stock("f", [stock_of("A", "N1", 9), stock_of("B", "N1", 9)]),
        lambda: ledger.reserve(request(hold("A", "N1", 2), hold("B", "N1", 1), request_id="q1")),
        lambda: ledger.reserve_many([request(hold("B", "N1", 1), request_id=f"m{i}") for i in range(5)]),
        lambda: ledger.confirm("r-000000000001"),
        lambda: ledger.release("r-000000000002"),
        lambda: ledger.update_stock("g", [adjusted("A", "N1", 1), stock_of("C", "N2", 4)]),
    ]
    states, ends = [content(ledger)], [0]
    for call in calls:
        call()
        states.append(content(ledger))
        ends.append(log.stat().st_size)
    file_bytes, log_bytes = path.read_bytes(), log.read_bytes()
    ledger.close()
    assert all(earlier < later for earlier, later in pairwise(ends))

    cuts = sorted({*range(0, len(log_bytes), 1_999), *ends, *(end - 1 for end in ends[1:])})
    copy = tmp_path / "copy"
    for cut in cuts:
        copy.write_bytes(file_bytes)
        copy.with_name("copy-wal").write_bytes(log_bytes[:cut])
        whole = sum(end <= cut for end in ends) - 1
        assert content_of(copy, START) == states[whole], f"cut at byte {cut}"
    assert len(cuts) > 50


@pytest.mark.parametrize("acknowledged_count", [1, 30, 200])
def test_killed_among_many_callers(path: Path, clock: VirtualClock, acknowledged_count: int) -> None:
    child = subprocess.Popen(program("acknowledge", path), cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    acknowledged = [child.stdout.readline() for _ in range(acknowledged_count)]
    child.kill()
    acknowledged += child.stdout.readlines()
    child.stdout.close()
    child.wait()

    ledger = SqliteLedger(path, clock)
    audit(ledger, "AB")
    found = {reservation.reservation_id for reservation in all_reservations(ledger)}
    assert ledger.stock("B")[0].reserved == 2 * ledger.stock("A")[0].reserved == 2 * len(found)
    for line in acknowledged:
        assert line.endswith(b"\n")
        again = ledger.reserve(
            request(hold("A", "N1", 1), hold("B", "N1", 2), request_id=line.decode().strip())
        )
        assert (again.code, again.replayed, again.payload) == (ReserveCode.HELD, True, b"plan")
        assert held_id(again) in found
    ledger.close()
