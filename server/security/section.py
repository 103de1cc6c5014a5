"""``security:`` of the config. Secrets are in files or the environment, never in the config itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from server.security.methods import GROUP_OF

FileName = Annotated[str, Field(min_length=1, max_length=4_096)]
Name = Annotated[str, Field(min_length=1, max_length=128)]
GROUPS = tuple(dict.fromkeys(GROUP_OF.values()))
Allowed = Annotated[str, Field(max_length=128, json_schema_extra={"enum": [*GROUPS, *GROUP_OF]})]
Algorithm = Literal["RS256", "RS384", "RS512", "ES256", "ES384", "EdDSA", "HS256", "HS384", "HS512"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TlsSection(_Model):
    """Files in PEM; new ones are taken up by themselves."""

    certificate: FileName = Field(description="The server's certificate and what is between it and a root.")
    key: FileName = Field(description="Its private key.")
    client_ca: FileName | None = Field(
        default=None,
        description="Mutual TLS: clients need a certificate of these authorities; none: they need none.",
    )


class TokensSection(_Model):
    """JSON Web Tokens, as ``authorization: Bearer ...`` in a call's metadata. New keys are taken up by
    themselves. For HS algorithms SOURCIER_TOKEN_KEY in the environment may be the secret, without key and
    key_set."""

    key: FileName | None = Field(
        default=None, description="The public key in PEM or, for HS algorithms, the shared secret."
    )
    key_set: FileName | None = Field(
        default=None, description="Instead of key: a JSON Web Key Set, of which tokens name a key (kid)."
    )
    algorithms: tuple[Algorithm, ...] = Field(
        default=("RS256",),
        min_length=1,
        description="Those that are taken; public keys and secrets do not mix.",
    )
    issuer: Name = Field(description="Who must have issued a token (iss).")
    audience: Name = Field(description="Whom it must be for (aud).")
    leeway_seconds: int = Field(
        default=30, ge=0, le=600, description="By which clocks may differ where a token begins or ends."
    )


class RoleSection(_Model):
    """What callers with a role may do. A caller may do what any of its roles allows."""

    id: Name = Field(description="By which tokens and clients name it.")
    allow: tuple[Allowed, ...] = Field(
        min_length=1, description="Groups of methods (docs/security.md), or single methods."
    )
    nodes: tuple[Name, ...] | None = Field(
        default=None,
        description="Node labels: of other nodes nothing may be changed, claimed or rejected; none: all "
        "nodes.",
    )
    calls_per_second: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)] | None = Field(
        default=None, description="Of each caller, over some time; none: no limit."
    )
    burst: int = Field(default=100, ge=1, le=1_000_000, description="Calls that may come at once.")


class SecuritySection(_Model):
    """Without tokens and client certificates everybody who reaches the server may do everything."""

    tls: TlsSection | None = Field(default=None, description="Encrypted connections; none: plain ones.")
    tokens: TokensSection | None = Field(default=None, description="Bearer tokens; none: not taken.")
    clients: dict[Name, tuple[Name, ...]] = Field(
        default={}, description="Roles of callers with a client certificate, by its common name."
    )
    roles: tuple[RoleSection, ...] = Field(default=(), description="What callers may do.")
