"""Every broken ledger is found out, by the law it breaks; the same play on sound ledgers is proven."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from router.ledger import Ledger
from server.ledger import MemoryLedger, SqliteLedger
from tests.contract.ledger_tools import VirtualClock
from tests.history.broken import FAULTS, Fault
from tests.history.stage import Stage
from tests.history.toy import ToyLedger


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_broken_ledger_is_found_out(fault: Fault) -> None:
    stage = Stage(fault.make)
    fault.play(stage)
    verdict = stage.verdict()
    assert fault.law in verdict.broken, verdict.findings
    told = [finding for finding in verdict.findings if finding.law is fault.law]
    assert all(finding.calls or finding.rows for finding in told)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("kind", ["toy", "memory", "sqlite"])
def test_the_same_play_on_a_sound_ledger_is_proven(fault: Fault, kind: str, tmp_path: Path) -> None:
    kinds: dict[str, Callable[[VirtualClock], Ledger]] = {
        "toy": ToyLedger,
        "memory": MemoryLedger,
        "sqlite": lambda clock: SqliteLedger(tmp_path / "ledger.db", clock),
    }
    stage = Stage(kinds[kind])
    fault.play(stage)
    assert list(stage.verdict().findings) == []
    stage.ledger.close()
