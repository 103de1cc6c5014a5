"""``security:`` of the config, and what the environment says to clients."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from router.errors import InvalidConfig
from server.config import load_config
from server.opening import open_gate
from server.security.callers import Caller
from server.security.permissions import Permissions, QuotaExceeded
from server.security.section import RoleSection
from server.security.tls import TlsFiles, open_channel, server_credentials
from tests.e2e.files import write_shop

TLS = "tls: {certificate: a.pem, key: a.key}"
TOKENS = "tokens: {key: t.pem, issuer: i, audience: a}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.pem", "a.key", "t.pem", "ca.pem"):
        (tmp_path / name).write_text("secret of " + name)
    return tmp_path


def mistakes(folder: Path, *lines: str) -> str:
    path = write_shop(folder)
    path.write_text(path.read_text() + "security:\n" + "".join(f"  {line}\n" for line in lines))
    with pytest.raises(InvalidConfig) as refused:
        load_config(path, environ={})
    return str(refused.value)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["tls: {certificate: gone.pem, key: a.key}"], "security.tls.certificate: no file"),
        (["tls: {certificate: a.pem}"], "security.tls.key: is required"),
        ([TOKENS], "security.tokens: tokens go over TLS only"),
        ([TLS, TOKENS.replace("t.pem", "gone")], "security.tokens.key: no file"),
        ([TLS, TOKENS.replace("}", ", algorithms: [HS256, RS256]}")], "security.tokens.algorithms: a secret"),
        ([TLS, TOKENS.replace("}", ", algorithms: [none]}")], "security.tokens.algorithms"),
        ([TLS, "clients: {wms: [r]}", "roles: [{id: r, allow: [stock]}]"], "security.clients: client cert"),
        (["roles: [{id: r, allow: [stock]}]"], "security.roles: roles need tokens or clients"),
        ([TLS, TOKENS, "roles: [{id: r, allow: [everything]}]"], "security.roles[0].allow"),
        ([TLS, TOKENS, "roles: [{id: r, allow: [stock]}, {id: r, allow: [read]}]"], "'r' appears twice"),
        (
            ["tls: {certificate: a.pem, key: a.key, client_ca: ca.pem}", "clients: {wms: [gone]}"],
            "security.clients.wms: no role 'gone'",
        ),
    ],
)
def test_mistakes_are_named(folder: Path, lines: list[str], expected: str) -> None:
    assert expected in mistakes(folder, *lines)


def test_secrets_are_never_shown(folder: Path) -> None:
    path = write_shop(folder)
    path.write_text(path.read_text() + f"security:\n  {TLS}\n  {TOKENS}\n")
    assert "secret of" not in repr(load_config(path, environ={}))


def test_an_open_server_that_others_reach_warns(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_shop(folder, address="0.0.0.0:1")
    with caplog.at_level(logging.WARNING, "sourcier"):
        open_gate(load_config(path, environ={}), lambda: 0).close()
    assert "event=unprotected" in caplog.text
    caplog.clear()
    open_gate(load_config(write_shop(folder), environ={}), lambda: 0).close()
    assert caplog.text == ""


def test_an_audit_log_that_cannot_be_written(folder: Path) -> None:
    path = write_shop(folder)
    path.write_text(path.read_text() + "audit: {path: gone/audit.jsonl}\n")
    with pytest.raises(InvalidConfig, match=r"audit\.path: cannot be written"):
        open_gate(load_config(path, environ={}), lambda: 0)


@pytest.mark.parametrize(
    ("environ", "target", "expected"),
    [
        ({"SOURCIER_CA": "gone"}, "a:1", "SOURCIER_CA: 'gone' cannot be read"),
        ({"SOURCIER_TOKEN_FILE": "t.pem"}, "a:1", "SOURCIER_TOKEN_FILE: a token goes over TLS only"),
        ({"SOURCIER_CERTIFICATE": "a.pem"}, "a:1", "SOURCIER_CERTIFICATE: needs"),
        ({"SOURCIER_CERTIFICATE": "a.pem", "SOURCIER_KEY": "a.key"}, "a:1", "SOURCIER_CERTIFICATE: needs"),
    ],
)
def test_what_the_environment_says_wrongly(
    folder: Path, environ: dict[str, str], target: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(InvalidConfig) as refused:
        open_channel(target, environ)
    assert expected in str(refused.value)
    open_channel("localhost:1", {"SOURCIER_TOKEN_FILE": "t.pem"}).close()


def test_certificates_that_cannot_be_read(folder: Path) -> None:
    with pytest.raises(InvalidConfig, match=r"security\.tls"):
        server_credentials(TlsFiles(folder / "gone.pem", folder / "a.key", None))


@pytest.fixture
def limited() -> tuple[Permissions, Callable[[float], None]]:
    now = [0.0]

    def passes(seconds: float) -> None:
        now[0] += seconds

    role = RoleSection(id="r", allow=("read",), calls_per_second=2.0, burst=3)
    return Permissions([role], lambda: now[0]), passes


def test_calls_fill_up_again_with_time(limited: tuple[Permissions, Callable[[float], None]]) -> None:
    permissions, passes = limited
    anna, bert = (Caller(name, frozenset({"r"})) for name in ("anna", "bert"))

    def call(caller: Caller) -> bool:
        try:
            permissions.check_method(caller, "StockService/GetReplica")
        except QuotaExceeded as error:
            waits.append(error.retry_seconds)
            return False
        return True

    waits: list[float] = []
    assert [call(anna) for _ in range(5)] == [True, True, True, False, False]
    assert call(bert)
    passes(0.5)
    assert [call(anna), call(anna)] == [True, False]
    passes(1_000)
    assert [call(anna) for _ in range(4)] == [True, True, True, False]
    assert waits == [0.5] * len(waits)
