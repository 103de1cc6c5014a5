"""Sound ledgers under threads are proven: the recorder is transparent, the order is found."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.history.check import check
from bench.history.clients import SKU_IDS, Client, first_stock, wall_clock
from bench.history.findings import Law
from bench.history.model import calls_of, capture, read_calls, read_final, write_final
from bench.history.record import Recorder, Tape
from bench.postgres_server import drop_database, new_database
from router.ledger import Ledger
from server.ledger import MemoryLedger, SqliteLedger
from server.ledger.postgres import PostgresLedger
from tests.contract.ledger_tools import at_once, load_of, successes
from tests.history.toy import ToyLedger

CLIENTS = 4
STEPS = 60


@pytest.fixture(params=["toy", "memory", "sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """On the real clock: reservations of a second or two expire while others work."""
    kind, uri = request.param, ""
    if kind == "postgres":
        uri = new_database()
        made: Ledger = PostgresLedger(uri)
    elif kind == "sqlite":
        made = SqliteLedger(tmp_path / "ledger.db", wall_clock)
    else:
        made = (ToyLedger if kind == "toy" else MemoryLedger)(wall_clock)
    yield made
    made.close()
    if uri:
        drop_database(uri)


def test_a_sound_ledger_under_threads_is_proven(ledger: Ledger, tmp_path: Path) -> None:
    tape = Tape(tmp_path / "history.jsonl")
    Recorder(ledger, tape.write, wall_clock, "first").update_stock("first", first_stock())

    def live(ix: int) -> None:
        name = f"c{ix}"
        recorder = Recorder(ledger, tape.write, wall_clock, name)
        client = Client(name, recorder, random.Random(ix), batch=1 + ix % 2 * 4)
        for _ in range(STEPS):
            client.step()

    successes(at_once(CLIENTS, live))
    tape.close()
    write_final(capture(ledger, SKU_IDS, wall_clock), tmp_path / "final.json")
    calls, final = read_calls([tmp_path / "history.jsonl"]), read_final(tmp_path / "final.json")
    verdict = check(calls, final)
    assert list(verdict.findings) == []
    assert verdict.figures["acknowledged calls"] >= CLIENTS * STEPS
    assert verdict.figures["reserves held"] > 20
    assert verdict.figures["sold out"] > 20
    assert verdict.as_json()["laws"] == {law.name: 0 for law in Law}


def test_the_first_load_is_judged_as_the_update_that_it_is(tmp_path: Path) -> None:
    ledger, lines = MemoryLedger(wall_clock), list[str]()
    client = Recorder(ledger, lines.append, wall_clock, "c")
    client.load(load_of({("A", "N1"): (5, 1), ("B", "N2"): (3, 0)}))
    assert client.columns().version == 2
    assert [row.available for row in client.stock("A")] == [4]
    assert client.expire() == 0
    assert client.find("r-000000000001") is None
    assert list(check(calls_of(lines), capture(ledger, "AB", wall_clock)).findings) == []


def test_what_a_dying_process_wrote_in_part_is_left_out(tmp_path: Path) -> None:
    path, tape = tmp_path / "history.jsonl", Tape(tmp_path / "history.jsonl")
    Recorder(MemoryLedger(wall_clock), tape.write, wall_clock, "c").version()
    tape.close()
    whole = path.read_text()
    path.write_text(whole + json.dumps({"kind": "call", "call": "c-2"})[:-5])
    assert read_calls([path]) == calls_of(whole.splitlines())
    with pytest.raises(ValueError, match="half a line"):
        Tape(path)
