"""The keys that tokens are signed with: one, or a set in which each has an id; read again on change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from router.errors import InvalidConfig
from server.security.watched import Watched

MIN_SECRET_BYTES = 32
KINDS = {"RS": "RSA", "ES": "EC", "Ed": "OKP", "HS": "oct"}
"""Of keys (``kty``), by how the names of algorithms begin."""
CURVES = {"ES256": "P-256", "ES384": "P-384", "EdDSA": "Ed25519"}


@dataclass(frozen=True, slots=True)
class Key:
    """material: a public key, or the bytes of a secret; never shown. algorithms: that it counts for."""

    material: Any
    algorithms: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Key(algorithms={self.algorithms!r})"


@dataclass(frozen=True, slots=True)
class Keys:
    """By id (``kid``); the id of a key that stands alone is empty."""

    by_id: Mapping[str, Key]

    def of(self, key_id: str) -> Key | None:
        """That of a token's header, "" where it names none: then it can only be the one there is."""
        if len(self.by_id) == 1 and (not key_id or "" in self.by_id):
            return next(iter(self.by_id.values()))
        return self.by_id.get(key_id) if key_id else None


def watched_keys(path: Path, algorithms: Sequence[str], *, is_set: bool) -> Watched[Keys]:
    """Of a file. Raises InvalidConfig, in which no word of a key is repeated."""
    return Watched("token_keys", [path], lambda: read_keys(path, algorithms, is_set=is_set))


def fixed_keys(secret: bytes, algorithms: Sequence[str]) -> Watched[Keys]:
    """A secret that is in no file. Raises InvalidConfig."""
    return Watched("token_keys", [], lambda: Keys({"": Key(_secret(secret, ""), tuple(algorithms))}))


def read_keys(path: Path, algorithms: Sequence[str], *, is_set: bool) -> Keys:
    """Raises InvalidConfig."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InvalidConfig.at(str(path), f"cannot be read: {error.strerror}") from error
    if is_set:
        return _key_set(raw, algorithms, str(path))
    if is_secret(algorithms):
        return Keys({"": Key(_secret(raw.strip(), str(path)), tuple(algorithms))})
    try:
        return Keys({"": Key(load_pem_public_key(raw), tuple(algorithms))})
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidConfig.at(str(path), "is no public key in PEM") from error


def is_secret(algorithms: Sequence[str]) -> bool:
    """Are tokens signed with a shared secret?"""
    return algorithms[0].startswith("HS")


def _secret(secret: bytes, where: str) -> bytes:
    if len(secret) < MIN_SECRET_BYTES:
        raise InvalidConfig.at(where, f"has less than {MIN_SECRET_BYTES} bytes")
    return secret


def _key_set(raw: bytes, algorithms: Sequence[str], where: str) -> Keys:
    """Keys for other algorithms or other uses are left out: issuers publish all of theirs together."""
    try:
        entries = list(json.loads(raw)["keys"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidConfig.at(where, "is no JSON Web Key Set") from error
    by_id: dict[str, Key] = {}
    for entry in entries:
        usable = tuple(name for name in algorithms if _is_for(entry, name))
        if not usable:
            continue
        try:
            found = jwt.PyJWK(entry, usable[0])
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, KeyError):
            continue
        key_id = str(found.key_id or "")
        if key_id in by_id:
            raise InvalidConfig.at(where, f"has two keys with the id {key_id!r}")
        material = _secret(found.key, where) if is_secret(algorithms) else found.key
        by_id[key_id] = Key(material, usable)
    if not by_id:
        raise InvalidConfig.at(where, "has no public key for the algorithms that are taken")
    return Keys(by_id)


def _is_for(entry: Any, algorithm: str) -> bool:
    """Does a key sign with an algorithm, as far as it says? No private key does: it is nobody's to check."""
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return False
    kind, curve = KINDS[algorithm[:2]], CURVES.get(algorithm)
    return (
        entry.get("kty") == kind
        and (kind == "oct" or "d" not in entry)
        and entry.get("alg", algorithm) == algorithm
        and (curve is None or entry.get("crv") == curve)
    )
