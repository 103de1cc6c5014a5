"""Fuzzing: a short run breaks no law, and a shop that breaks one is found out."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from random import Random

from bench.fuzz.case import BrokenLaw, Input, read_case, write_case
from bench.fuzz.edges import EDGES, Probed
from bench.fuzz.feed import Feeder, shortened, what_breaks
from bench.fuzz.run import Campaign
from bench.fuzz.shop import Answered, Shop

REPLICA = "StockService/GetReplica"


def test_a_short_run_breaks_no_law(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.fuzz", "--inputs", "600", "--workers", "1", "--seed", "1"]
    done = subprocess.run([*command, "--folder", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no law broken" in done.stdout
    assert len(read_case(tmp_path / "corpus.jsonl")) > 50


class Faulty(Shop):
    """Fails for requests with a certain byte."""

    def _answer(self, method: str, request: bytes) -> Answered:
        if b"\x01" in request:
            raise ValueError("a fault")
        return super()._answer(method, request)


class Keeper(Shop):
    """Does not give back what it holds."""

    def settle(self) -> None:
        raise BrokenLaw("held by nobody")


def test_a_fault_is_found_and_made_short(tmp_path: Path) -> None:
    feeder = Feeder(tmp_path, Faulty)
    inputs = [Input(REPLICA, b""), Input(REPLICA, b"\x08\x01\x10\x02")]
    what = what_breaks(inputs, feeder)
    assert what is not None
    assert "a fault" in what
    assert shortened(inputs, what, feeder) == [Input(REPLICA, b"\x01")]


def test_what_is_left_held_is_found(tmp_path: Path) -> None:
    campaign = Campaign(1, tmp_path, [REPLICA], make=Keeper)
    campaign.batch()
    assert [failure.what for failure in campaign.found.failures] == ["held by nobody"]


def test_a_case_is_read_as_it_was_written(tmp_path: Path) -> None:
    inputs = [Input("a", bytes(range(256))), Input("b", Random(1).randbytes(9))]
    write_case(tmp_path / "case.jsonl", inputs)
    assert read_case(tmp_path / "case.jsonl") == inputs


def test_probes_tell_ways_through_a_function_apart() -> None:
    source = "def f(x):\n    'text'\n    if x:\n        return 1\n    return 2\n"
    tree = ast.fix_missing_locations(Probed("m").visit(ast.parse(source)))
    space = {"_probe_of_fuzzing": EDGES.hit}
    exec(compile(tree, "m", "exec"), space)
    taken = []
    for x in (0, 1):
        EDGES.clear()
        space["f"](x)  # type: ignore[operator]
        taken.append(set(EDGES.taken))
    assert taken[0] < taken[1]
    assert space["f"].__doc__ == "text"
