"""Who calls: by a token, or by the certificate of the connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jwt

from router.errors import SourcierError
from server.security.keys import Keys
from server.security.watched import Watched

REQUIRED_CLAIMS = ["exp", "iss", "aud", "sub"]
MAX_SUBJECT_LENGTH = 256


class Unauthenticated(SourcierError):
    """Nobody knows who calls."""

    reason = "UNAUTHENTICATED"


@dataclass(frozen=True, slots=True)
class Caller:
    """subject: a token's subject, or a certificate's common name; by_token tells the two apart. roles: by
    id."""

    subject: str
    roles: frozenset[str]
    by_token: bool = True


EVERYBODY = Caller("", frozenset())
"""Where nobody has to say who it is."""


class Peer(Protocol):
    """What gRPC knows of whoever calls."""

    def invocation_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...

    def auth_context(self) -> Mapping[str, Any]:
        """Lists of bytes by name."""
        ...


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Which tokens count. keys: never shown."""

    keys: Watched[Keys]
    issuer: str
    audience: str
    leeway_seconds: int

    def __repr__(self) -> str:
        return f"TokenRules(issuer={self.issuer!r}, audience={self.audience!r})"


class Callers:
    """tokens: None where none are taken. clients: role ids by the common name of client certificates."""

    def __init__(self, tokens: TokenRules | None, clients: Mapping[str, Sequence[str]]) -> None:
        self._tokens = tokens
        self._clients = clients

    def of(self, peer: Peer) -> Caller:
        """A token counts before a certificate. Raises Unauthenticated without showing any of it."""
        token = _bearer(peer)
        if token is not None and self._tokens is not None:
            return _caller_of(token, self._tokens)
        for name in peer.auth_context().get("x509_common_name", ()):
            roles = self._clients.get(name.decode(errors="replace"))
            if roles is not None:
                return Caller(name.decode(), frozenset(roles), by_token=False)
        raise Unauthenticated("a call needs a bearer token or a client certificate that is known here")


def _bearer(peer: Peer) -> str | None:
    for key, value in peer.invocation_metadata() or ():
        if key == "authorization" and isinstance(value, str) and value[:7].lower() == "bearer ":
            return value[7:].strip()
    return None


def _caller_of(token: str, rules: TokenRules) -> Caller:
    try:
        key = rules.keys.value().of(str(jwt.get_unverified_header(token).get("kid", "")))
        if key is None:
            raise Unauthenticated("the bearer token does not count: no key has the id that it names")
        claims: dict[str, Any] = jwt.decode(
            token,
            key.material,
            algorithms=key.algorithms,
            audience=rules.audience,
            issuer=rules.issuer,
            leeway=rules.leeway_seconds,
            options={"require": REQUIRED_CLAIMS},
        )
    except (jwt.PyJWTError, TypeError, ValueError, RecursionError) as error:
        raise Unauthenticated(f"the bearer token does not count: {_why(error)}") from error
    subject, roles = claims["sub"], claims.get("roles", [])
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise Unauthenticated("the bearer token does not count: roles is no list of texts")
    if not subject or len(subject) > MAX_SUBJECT_LENGTH:
        raise Unauthenticated("the bearer token does not count: its subject is empty or too long")
    return Caller(subject, frozenset(roles))


def _why(error: Exception) -> str:
    """In words that tell nothing of the token or the key."""
    known = {
        jwt.ExpiredSignatureError: "it has expired",
        jwt.ImmatureSignatureError: "it does not hold yet",
        jwt.InvalidSignatureError: "its signature is wrong",
        jwt.InvalidAudienceError: "it is for somebody else",
        jwt.InvalidIssuerError: "somebody else issued it",
        jwt.InvalidAlgorithmError: "its algorithm is not taken",
        jwt.MissingRequiredClaimError: "a claim is missing",
    }
    return next((text for kind, text in known.items() if isinstance(error, kind)), "it is none")
