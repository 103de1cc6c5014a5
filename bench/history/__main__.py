"""``python -m bench.history check|crash|replicas``: docs/history.md. The exit code is 1 for a refutation."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.history import crash, replicas
from bench.history.check import check
from bench.history.findings import Verdict, figures_table, findings_table, laws_table
from bench.history.model import read_calls, read_final


def main(arguments: Sequence[str] | None = None) -> int:
    """Does one of the three; prints tables, and JSON to a file if that is asked for."""
    wanted = parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sourcier-history-") as name:
        folder = Path(name) if wanted.keep is None else wanted.keep
        folder.mkdir(parents=True, exist_ok=True)
        verdict, figures = _run(wanted, folder)
    console = Console(width=max(110, Console().width))
    console.print(figures_table(figures, " ".join(sys.argv[1:] if arguments is None else arguments)))
    console.print(laws_table(verdict))
    if not verdict.clean:
        console.print(findings_table(verdict))
    if wanted.json is not None:
        told: dict[str, Any] = {**verdict.as_json(), "figures": dict(figures)}
        wanted.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0 if verdict.clean else 1


def _run(wanted: argparse.Namespace, folder: Path) -> tuple[Verdict, Mapping[str, int]]:
    if wanted.command == "check":
        verdict = check(read_calls(wanted.history), read_final(wanted.final))
        return verdict, verdict.figures
    with Console(stderr=True).status(wanted.command) as status:
        if wanted.command == "crash":
            done = crash.run(
                wanted.ledger, wanted.cycles, wanted.server_every, wanted.seed, folder, status.update
            )
        else:
            done = replicas.run(wanted.reserves, wanted.cut_off_seconds, wanted.seed, folder, status.update)
    return done.verdict, done.figures


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m bench.history", description="Proves or refutes a history.")
    commands = made.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="a recorded history and the end of its ledger")
    checking.add_argument("final", type=Path, help="final.json")
    checking.add_argument("history", type=Path, nargs="+", help="recorded files, one for each process")
    crashing = commands.add_parser("crash", help="kill -9 a worker, or the server, again and again")
    crashing.add_argument("--ledger", choices=("sqlite", "postgres"), default="sqlite")
    crashing.add_argument("--cycles", type=int, default=500)
    crashing.add_argument("--server-every", type=int, default=10, help="cycles to a kill of the server")
    replicating = commands.add_parser("replicas", help="four processes on one PostgreSQL")
    replicating.add_argument("--reserves", type=int, default=100_000)
    replicating.add_argument("--cut-off-seconds", type=float, default=5.0)
    for one in (checking, crashing, replicating):
        one.add_argument("--json", type=Path, metavar="FILE", help="write verdict and figures there, too")
        one.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the recorded files there")
        one.add_argument("--seed", type=int, default=1, help="of what clients do, not of when")
    return made


if __name__ == "__main__":
    sys.exit(main())
