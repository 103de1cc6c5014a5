"""The long runs, short: real processes that are killed, a server too, and replicas."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.history.__main__ import main
from bench.history.model import write_final
from server.ledger import MemoryLedger
from tests.contract.ledger_tools import stock_of
from tests.history.stage import Stage

ROOT = Path(__file__).parents[2]


def run(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    """What ``python -m bench.history`` writes; it forks, so it has a process of its own."""
    told = tmp_path / "verdict.json"
    command = [sys.executable, "-m", "bench.history", *arguments, "--json", str(told)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(told.read_text())
    assert answer["clean"]
    assert answer["findings"] == []
    return answer


def test_killed_five_times_on_sqlite(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    answer = run(tmp_path, "crash", "--ledger", "sqlite", "--cycles", "5", "--keep", str(kept))
    assert answer["figures"]["cycles"] == 5
    assert answer["figures"]["acknowledged calls"] > 5
    again = run(tmp_path, "check", str(kept / "final.json"), *map(str, sorted(kept.glob("*.jsonl"))))
    assert again["figures"].items() <= answer["figures"].items()


def test_killed_with_the_server_on_postgres(tmp_path: Path) -> None:
    answer = run(tmp_path, "crash", "--ledger", "postgres", "--cycles", "5", "--server-every", "3")
    figures = answer["figures"]
    assert (figures["cycles"], figures["server kills"]) == (5, 1)


def test_a_refutation_is_told_by_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage(MemoryLedger)
    stage.client().update_stock("", [stock_of("A", "N", 5)])
    history, final = tmp_path / "history.jsonl", tmp_path / "final.json"
    history.write_text("".join(f"{line}\n" for line in stage.lines))
    end = stage.final()
    write_final(end, final)
    assert main(["check", str(final), str(history)]) == 0
    write_final(replace(end, rows=[replace(end.rows[0], reserved=1)]), final)
    assert main(["check", str(final), str(history)]) == 1
    assert "CONSERVATION" in capsys.readouterr().out


@pytest.mark.slow
def test_four_replicas_one_killed_one_cut_off(tmp_path: Path) -> None:
    answer = run(tmp_path, "replicas", "--reserves", "6000", "--cut-off-seconds", "2")
    figures = answer["figures"]
    assert figures["reserves asked"] >= 6000
    assert figures["asked while one was cut off"] > 0
