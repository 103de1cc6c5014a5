"""No request makes the server open, fetch, load or run anything: what Python tells an audit hook of such
steps never has a text that a caller sent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import jwt
import pytest

from tests.e2e.service import Service
from tests.security.conftest import Guarded
from tests.security.every_request import TEXT, fields_of, good_request, methods, name_of, shop, with_value

MARK = "zq7mark"
PROBES = (
    f"/etc/{MARK}",
    f"../../{MARK}.yaml",
    f"file:///{MARK}",
    f"http://localhost:1/{MARK}",
    f"__import__('os').system('{MARK}')",
    f"!!python/object/apply:os.system ['{MARK}']",
    f"{{0.__class__.{MARK}}}%({MARK})s$({MARK})`{MARK}`",
    f"'; ATTACH DATABASE '{MARK}'; --",
    f"{MARK}.txt\x00",
)
RUNS = frozenset(
    {"exec", "compile", "subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn"}
    | {"ctypes.dlopen", "socket.connect", "socket.getaddrinfo", "urllib.Request", "pickle.find_class"}
)
"""Steps that no call of the API takes, whatever it is about."""


class Hook:
    """Notes what happens while it is on."""

    seen: list[tuple[str, str]] | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.seen is not None:
            self.seen.append((event, repr(arguments)))


HOOK = Hook()
sys.addaudithook(HOOK)  # for good: there is no way to take it back


@contextmanager
def watched() -> Iterator[list[tuple[str, str]]]:
    """What happens in this process within the block."""
    HOOK.seen = seen = []
    try:
        yield seen
    finally:
        HOOK.seen = None


def suspicious(seen: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(event, told) for event, told in seen if event in RUNS or MARK in told]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Each way of answering has been gone once: what is loaded at first use is loaded."""
    with shop(tmp_path_factory.mktemp("opened") / "shop") as started:
        for method in methods():
            ask(started.channel, method, good_request(method))
        yield started


def ask(channel: grpc.Channel, method: str, request: Any, *metadata: tuple[str, str]) -> None:
    """However it ends."""
    with suppress(grpc.RpcError):
        channel.unary_unary(method)(request.SerializeToString(), metadata=metadata)


@pytest.mark.parametrize("method", methods())
def test_no_text_of_a_request_names_what_is_opened_or_run(service: Service, method: str) -> None:
    for path in fields_of(methods()[method].DESCRIPTOR, TEXT):
        for probe in PROBES:
            request = with_value(good_request(method), path, probe)
            with watched() as seen:
                ask(service.channel, method, request)
            assert suspicious(seen) == [], name_of(path)


def test_nor_does_metadata(service: Service) -> None:
    request = good_request("/sourcing.v1.StockService/SetStock")
    with watched() as seen:
        for probe in PROBES[:-1]:
            for key in ("x-request-id", "sourcier-reason", "authorization", "traceparent", "user-agent"):
                ask(service.channel, "/sourcing.v1.StockService/SetStock", request, (key, probe))
    assert suspicious(seen) == []


def test_nor_does_what_a_token_says(server: Guarded) -> None:
    """Also where it tells from where its key should be fetched."""
    method, claims = "/sourcing.v1.StockService/SetStock", {"sub": "a", "roles": ["warehouse"]}
    channel = server.channel()
    first = ("authorization", f"Bearer {server.issuer.token('warehouse')}")
    ask(channel, method, good_request(method), first)
    with watched() as seen:
        for probe in PROBES:
            headers = {"kid": probe, "jku": probe, "x5u": probe, "x5c": [probe], "jwk": {"k": probe}}
            told = jwt.encode(claims, "k" * 32, algorithm="HS256", headers=headers)
            known = server.issuer.token("warehouse", sub=probe)
            for token in (told, known):
                ask(channel, method, good_request(method), ("authorization", f"Bearer {token}"))
    assert suspicious(seen) == []


def test_the_hook_sees_such_steps(tmp_path: Path) -> None:
    with watched() as seen:
        with pytest.raises(OSError, match=MARK):
            (tmp_path / MARK).read_text()
        subprocess.run([sys.executable, "-c", ""], check=True)
        eval("1")
    assert {event for event, _ in suspicious(seen)} >= {"open", "subprocess.Popen", "compile", "exec"}


def test_every_method_but_one_has_texts() -> None:
    without = {name for name, kind in methods().items() if not any(fields_of(kind.DESCRIPTOR, TEXT))}
    assert without == {"/sourcing.v1.StockService/GetReplica"}
