"""The keys of tokens: sets, secrets, and new ones without a restart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jwt
import pytest

from router.errors import InvalidConfig
from server.config import load_config
from server.security.callers import Callers, TokenRules, Unauthenticated
from server.security.keys import Key, Keys, fixed_keys, read_keys, watched_keys
from server.security.watched import Watched
from tests.e2e.files import write_shop
from tests.e2e.service import failure
from tests.security.authority import Issuer
from tests.security.test_calls import ASKED

SECRET = "s" * 32


class Caller:
    """A call with a token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def invocation_metadata(self) -> list[tuple[str, str | bytes]]:
        return [("authorization", f"Bearer {self._token}")]

    def auth_context(self) -> dict[str, Any]:
        return {}


def counts(keys: Watched[Keys], token: str) -> bool:
    try:
        Callers(TokenRules(keys, "shop", "sourcier", 0), {}).of(Caller(token))
    except Unauthenticated:
        return False
    return True


def key_set(path: Path, *issuers: Issuer, **more: Any) -> Path:
    path.write_text(json.dumps({"keys": [issuer.jwk | more for issuer in issuers]}))
    return path


def signed(secret: str, **headers: str) -> str:
    claims = {"sub": "a", "iss": "shop", "aud": "sourcier", "exp": 4_000_000_000, "roles": []}
    return jwt.encode(claims, secret, algorithm="HS256", headers=headers)


def test_tokens_name_one_of_several_keys(tmp_path: Path) -> None:
    old, new, other = Issuer("old"), Issuer("new"), Issuer("gone")
    keys = watched_keys(key_set(tmp_path / "keys", old, new), ["ES256"], is_set=True)
    assert [counts(keys, issuer.token()) for issuer in (old, new, other)] == [True, True, False]
    for impostor in (Issuer(), Issuer("old")):
        assert not counts(keys, impostor.token())


def test_where_there_is_one_key_nobody_needs_to_name_it(tmp_path: Path) -> None:
    named, nameless = Issuer("one"), Issuer()
    keys = watched_keys(key_set(tmp_path / "keys", nameless), ["ES256"], is_set=True)
    assert counts(keys, nameless.token())
    (tmp_path / "key.pem").write_bytes(named.public_pem)
    assert counts(watched_keys(tmp_path / "key.pem", ["ES256"], is_set=False), named.token())


def test_a_new_file_counts_at_once_and_a_broken_one_never(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = Issuer("first"), Issuer("second")
    path = key_set(tmp_path / "keys", first)
    keys = watched_keys(path, ["ES256"], is_set=True)
    key_set(path, first, second)
    assert [counts(keys, issuer.token()) for issuer in (first, second)] == [True, True]
    key_set(path, second)
    assert [counts(keys, issuer.token()) for issuer in (first, second)] == [False, True]
    path.write_text("half a fi")
    assert counts(keys, second.token())
    path.unlink()
    assert counts(keys, second.token())
    assert [r.message for r in caplog.records if "token_keys_failed" in r.message] != []


def test_a_server_takes_up_a_new_key(own_server: Any) -> None:
    with own_server() as server:
        before, after = server.issuer, Issuer()
        assert server.stock("warehouse").GetReplica(ASKED).ledger_id
        (server.folder / "tokens.pem").write_bytes(after.public_pem)
        assert failure(lambda: server.stock("warehouse").GetReplica(ASKED)).reason == "UNAUTHENTICATED"
        server.issuer = after
        assert server.stock("warehouse").GetReplica(ASKED).ledger_id
        server.issuer = before
        assert failure(lambda: server.stock("warehouse").GetReplica(ASKED)).reason == "UNAUTHENTICATED"


def test_secrets_of_a_set_and_of_a_file(tmp_path: Path) -> None:
    encoded = jwt.utils.base64url_encode(SECRET.encode()).decode()
    path = tmp_path / "keys"
    path.write_text(json.dumps({"keys": [{"kty": "oct", "k": encoded, "kid": "a"}]}))
    keys = watched_keys(path, ["HS256"], is_set=True)
    assert counts(keys, signed(SECRET, kid="a"))
    assert not counts(keys, signed(SECRET, kid="b"))
    (tmp_path / "secret").write_text(SECRET + "\n")
    assert counts(watched_keys(tmp_path / "secret", ["HS256"], is_set=False), signed(SECRET))
    assert not counts(fixed_keys(b"t" * 32, ["HS256"]), signed(SECRET))


def test_a_public_key_is_no_secret(tmp_path: Path) -> None:
    """Nobody signs with the public key as if it were a shared secret."""
    issuer = Issuer()
    (tmp_path / "key.pem").write_bytes(issuer.public_pem)
    keys = watched_keys(tmp_path / "key.pem", ["ES256"], is_set=False)
    header, claims = (
        jwt.utils.base64url_encode(json.dumps(part).encode())
        for part in ({"alg": "HS256"}, {"sub": "a", "iss": "shop", "aud": "sourcier", "exp": 4_000_000_000})
    )
    body = header + b"." + claims
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(body, issuer.public_pem)
    assert not counts(keys, (body + b"." + jwt.utils.base64url_encode(mac)).decode())


def test_keys_for_other_uses_and_algorithms_are_left_out(tmp_path: Path) -> None:
    path, issuer = tmp_path / "keys", Issuer("a")
    for more in ({"use": "enc"}, {"alg": "ES384"}, {"d": "private"}, {"crv": "P-384"}, {"kty": "RSA"}):
        key_set(path, issuer, **more)
        with pytest.raises(InvalidConfig, match="no public key for the algorithms"):
            read_keys(path, ["ES256"], is_set=True)
    key_set(path, issuer, use="sig", alg="ES256")
    assert list(read_keys(path, ["ES256"], is_set=True).by_id) == ["a"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"keys": 1}', '{"keys": []}', '{"keys": [1, {}]}', "[" * 10_000]
)
def test_what_is_no_key_set(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys").write_text(text)
    with pytest.raises(InvalidConfig):
        read_keys(tmp_path / "keys", ["ES256"], is_set=True)


def test_two_keys_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="two keys with the id 'a'"):
        read_keys(key_set(tmp_path / "keys", Issuer("a"), Issuer("a")), ["ES256"], is_set=True)


def test_the_environment_may_have_the_secret(tmp_path: Path) -> None:
    path = write_shop(tmp_path / "shop")
    for name in ("a.pem", "a.key"):
        (tmp_path / "shop" / name).write_text("")
    tokens = "tokens: {algorithms: [HS256], issuer: shop, audience: sourcier}"
    path.write_text(path.read_text() + f"security: {{tls: {{certificate: a.pem, key: a.key}}, {tokens}}}\n")
    config = load_config(path, environ={"SOURCIER_TOKEN_KEY": SECRET})
    assert config.security.tokens is not None
    assert counts(config.security.tokens.keys, signed(SECRET))
    assert SECRET not in repr(config)
    for environ, message in (({"SOURCIER_TOKEN_KEY": "hush"}, "less than 32 bytes"), ({}, "is needed")):
        with pytest.raises(InvalidConfig, match=message) as refused:
            load_config(path, environ=environ)
        assert "hush" not in str(refused.value)


def test_a_key_shows_nothing_of_itself() -> None:
    assert SECRET not in repr(Keys({"": Key(SECRET.encode(), ("HS256",))}))
