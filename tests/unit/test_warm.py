"""Compiling ahead of time: that nothing is left for the first customer, and that waiting is explained."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from server import cli, warm
from server.cli import Exit
from tests.e2e.test_cli import run

ROOT = Path(__file__).parents[2]
ANSWERED = """
import sys
import tempfile
from pathlib import Path

from server.api.sourcing.v1 import sourcing_pb2
from server.load.times import use_packaged_zones
from server.warm import warm

use_packaged_zones()


def signatures():
    # Of every kernel that Python has called in this process, whether compiled now or found on disk.
    modules = [module for name, module in sys.modules.items() if name.startswith("router.kernels.")]
    kernels = {id(k): k for m in modules for k in vars(m).values() if hasattr(k, "signatures")}
    return {(k.py_func.__qualname__, str(s)) for k in kernels.values() for s in k.signatures}


warm()
ready = signatures()
assert ready, "the kernels are not compiled at all"

from tests.e2e.service import order, running

with running(Path(tempfile.mkdtemp())) as service:
    sku = service.sku()
    many = [(f"sku-{i:03d}", 2) for i in range(100, 130)]
    for asked in (order((sku, 1)), order((sku, 12)), order(*many[:12]), order(*many), order((sku, 500))):
        service.quote(asked)
        service.quote(asked, explain=True)
        service.sourcing.RankNodes(sourcing_pb2.RankNodesRequest(order=asked, include_rejected=True))
    promise = sourcing_pb2.GetPromiseRequest()
    promise.items.add(sku_id=sku, quantity=1)
    promise.deliveries.add(delivery_id="d", destination=order((sku, 1)).destination)
    service.sourcing.GetPromise(promise)
    service.reserve(order((sku, 1)))
    for more in ({"validate_only": True}, {"request_id": "q"}):
        batch = sourcing_pb2.SourceOrdersRequest(orders=[order((sku, 1)), order((sku, 12))], **more)
        service.sourcing.SourceOrders(batch)
for name, signature in sorted(signatures() - ready):
    print(name, signature)
"""


@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is compiled")
def test_once_warm_no_answer_needs_another_kernel() -> None:
    """In a process of its own, so that nothing else has loaded kernels."""
    done = subprocess.run(
        [sys.executable, "-c", ANSWERED], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


@pytest.fixture
def compile_kernels(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Pretends that so many kernels begin to be compiled."""
    listeners: list[Callable[[], None]] = []

    def on_compilation(told: Callable[[], None]) -> Callable[[], None]:
        listeners.append(told)
        return lambda: listeners.remove(told)

    monkeypatch.setattr(warm, "on_compilation", on_compilation)

    def begin(count: int) -> None:
        for _ in range(count):
            for told in list(listeners):
                told()

    return begin


def test_whoever_waits_for_the_compiler_is_told_once(
    compile_kernels: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with warm.notice():
        compile_kernels(warm.FEW)
        assert capsys.readouterr().err == ""
        compile_kernels(100)
    compile_kernels(100)
    assert capsys.readouterr() == ("", warm.MESSAGE + "\n")


def test_every_command_tells_it(
    compile_kernels: Callable[[int], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules = cli.load_rules

    def slow(path: Path) -> object:
        compile_kernels(50)
        return load_rules(path)

    monkeypatch.setattr(cli, "load_rules", slow)
    result = run("rules", "check", ROOT / "examples" / "shop" / "rules.yaml")
    assert result.exit_code == Exit.OK, result.output
    assert result.stderr == warm.MESSAGE + "\n"
