"""``security:`` of the config, and what the environment says to clients."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from router.errors import InvalidConfig
from server.config import load_config
from server.connection import Connection, open_channel
from server.opening import open_gate
from server.security.tls import TlsFiles, server_credentials
from tests.e2e.files import write_shop
from tests.security.authority import Authority, write_pair

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
        ([TLS, TOKENS.replace("key: t.pem", "key_set: gone")], "security.tokens.key_set: no file"),
        ([TLS, TOKENS.replace("key: t.pem", "key_set: t.pem")], "tokens.key_set: is no JSON Web Key Set"),
        ([TLS, TOKENS.replace("key: t.pem", "key: t.pem, key_set: t.pem")], "one of key, key_set and"),
        ([TLS, TOKENS.replace("key: t.pem, ", "")], "one of key, key_set and"),
        ([TLS, TOKENS.replace("}", ", algorithms: [HS256, RS256]}")], "security.tokens.algorithms: a secret"),
        ([TLS, TOKENS.replace("}", ", algorithms: [HS256]}")], "security.tokens.key: has less than 32 bytes"),
        ([TLS, TOKENS], "security.tokens.key: is no public key in PEM"),
        ([TLS, TOKENS.replace("}", ", algorithms: [none]}")], "security.tokens.algorithms"),
        ([TLS, "clients: {wms: [r]}", "roles: [{id: r, allow: [stock]}]"], "security.clients: client cert"),
        (["roles: [{id: r, allow: [stock]}]"], "security.roles: roles need tokens or clients"),
        ([TLS, TOKENS, "roles: [{id: r, allow: [everything]}]"], "allow[0]: 'everything' is neither a group"),
        (
            [TLS, TOKENS, "roles: [{id: r, allow: [read, StockService/Gone]}]"],
            "allow[1]: 'StockService/Gone'",
        ),
        ([TLS, TOKENS, "roles: [{id: r, allow: [stock]}, {id: r, allow: [read]}]"], "'r' appears twice"),
        (
            ["tls: {certificate: a.pem, key: a.key, client_ca: ca.pem}", "clients: {wms: [gone]}"],
            "security.clients.wms: no role 'gone'",
        ),
    ],
)
def test_mistakes_are_named(folder: Path, lines: list[str], expected: str) -> None:
    told = mistakes(folder, *lines)
    assert expected in told
    assert "secret of" not in told


def test_secrets_are_never_shown(folder: Path) -> None:
    path = write_shop(folder)
    (folder / "t.pem").write_text("secret of " + "x" * 32)
    shared = TOKENS.replace("}", ", algorithms: [HS256]}")
    path.write_text(path.read_text() + f"security:\n  {TLS}\n  {shared}\n")
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
        ({"SOURCIER_CA": "gone"}, "a:1", "--ca: 'gone' cannot be read"),
        ({"SOURCIER_TOKEN_FILE": "t.pem"}, "a:1", "--token-file: a token goes over TLS only"),
        ({"SOURCIER_CERTIFICATE": "a.pem"}, "a:1", "--cert: needs"),
        ({"SOURCIER_CERTIFICATE": "a.pem", "SOURCIER_KEY": "a.key"}, "a:1", "--cert: needs"),
    ],
)
def test_what_the_environment_says_wrongly(
    folder: Path, environ: dict[str, str], target: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(InvalidConfig) as refused:
        open_channel(target, Connection.of(environ))
    assert expected in str(refused.value)
    open_channel("localhost:1", Connection(token_file=Path("t.pem"))).close()


def test_a_certificate_needs_its_own_key(tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = write_pair(tmp_path, "a", authority.signed("a"))
    _, other = write_pair(tmp_path, "b", authority.signed("b"))
    assert server_credentials(TlsFiles(certificate, key, certificate)) is not None
    for files, expected in (
        (TlsFiles(tmp_path / "gone.pem", key, None), "certificate: .* cannot be read"),
        (TlsFiles(certificate, other, None), "key: is not that of the certificate"),
        (TlsFiles(key, key, None), "certificate: is no certificate"),
        (TlsFiles(certificate, certificate, None), "key: is no private key"),
        (TlsFiles(certificate, key, key), "client_ca: has no certificate"),
    ):
        with pytest.raises(InvalidConfig, match=rf"security\.tls\.{expected}"):
            server_credentials(files)
