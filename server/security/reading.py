"""``security:`` of a config, with the files it names read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from router.errors import InvalidConfig, Violation
from router.rules.yaml_lines import Document
from server.security.callers import Callers, TokenRules
from server.security.keys import Keys, fixed_keys, is_secret, watched_keys
from server.security.methods import GROUP_OF
from server.security.permissions import Permissions
from server.security.section import GROUPS, RoleSection, SecuritySection, TokensSection
from server.security.tls import TlsFiles
from server.security.watched import Watched

TOKEN_KEY_VARIABLE = "SOURCIER_TOKEN_KEY"


@dataclass(frozen=True, slots=True)
class Security:
    """Who may do what. tokens, clients: as for ``Callers``."""

    tls: TlsFiles | None = None
    tokens: TokenRules | None = None
    clients: Mapping[str, Sequence[str]] = field(default_factory=dict)
    roles: tuple[RoleSection, ...] = ()

    @property
    def is_open(self) -> bool:
        """May everybody do everything?"""
        return self.tokens is None and not self.clients

    def callers(self) -> Callers | None:
        return None if self.is_open else Callers(self.tokens, self.clients)

    def permissions(self) -> Permissions | None:
        return None if self.is_open else Permissions(self.roles)


def read_security(
    document: Document, section: SecuritySection, folder: Path, environ: Mapping[str, str]
) -> tuple[Security, list[Violation]]:
    """And what is wrong with it. Files are relative to ``folder``."""
    found = [*_mistakes(document, section, folder), *_of_roles(document, section)]
    tls = tokens = None
    if section.tls is not None:
        ca = section.tls.client_ca
        tls = TlsFiles(
            folder / section.tls.certificate, folder / section.tls.key, None if ca is None else folder / ca
        )
    if section.tokens is not None and not found:
        try:
            tokens = TokenRules(
                keys=_keys(section.tokens, folder, environ),
                issuer=section.tokens.issuer,
                audience=section.tokens.audience,
                leeway_seconds=section.tokens.leeway_seconds,
            )
        except InvalidConfig as error:
            name = next((n for n in ("key", "key_set") if getattr(section.tokens, n)), TOKEN_KEY_VARIABLE)
            found += [document.violation(("security", "tokens", name), v.message) for v in error.violations]
    return Security(tls, tokens, section.clients, section.roles), found


def _keys(section: TokensSection, folder: Path, environ: Mapping[str, str]) -> Watched[Keys]:
    """Raises InvalidConfig."""
    secret = environ.get(TOKEN_KEY_VARIABLE, "").strip()
    if secret and is_secret(section.algorithms):
        return fixed_keys(secret.encode(), section.algorithms)
    names = [name for name in (section.key, section.key_set) if name is not None]
    if len(names) != 1:
        raise InvalidConfig.at(
            "", f"one of key, key_set and, for HS algorithms, {TOKEN_KEY_VARIABLE} is needed"
        )
    return watched_keys(folder / names[0], section.algorithms, is_set=section.key is None)


def _mistakes(document: Document, section: SecuritySection, folder: Path) -> Iterator[Violation]:
    def bad(message: str, *path: str | int) -> Violation:
        return document.violation(("security", *path), message)

    files = [("tls", name) for name in ("certificate", "key", "client_ca")]
    for path in (*files, ("tokens", "key"), ("tokens", "key_set")):
        name = getattr(getattr(section, path[0]), path[1], None)
        if name is not None and not (folder / name).is_file():
            yield bad(f"no file {str(folder / name)!r}", *path)
    if section.tokens is not None:
        if len({name[:2] == "HS" for name in section.tokens.algorithms}) > 1:
            yield bad("a secret (HS) and a public key are not taken at the same time", "tokens", "algorithms")
        if section.tls is None:
            yield bad("tokens go over TLS only", "tokens")
    if section.clients and (section.tls is None or section.tls.client_ca is None):
        yield bad("client certificates need tls.client_ca", "clients")
    if section.roles and section.tokens is None and not section.clients:
        yield bad("roles need tokens or clients: nobody could have them", "roles")


def _of_roles(document: Document, section: SecuritySection) -> Iterator[Violation]:
    ids = [role.id for role in section.roles]
    for i, role in enumerate(section.roles):
        if role.id in ids[:i]:
            yield document.violation(("security", "roles", i, "id"), f"{role.id!r} appears twice")
        for j, name in enumerate(role.allow):
            if name not in GROUPS and name not in GROUP_OF:
                message = f"{name!r} is neither a group ({', '.join(GROUPS)}) nor a method"
                yield document.violation(("security", "roles", i, "allow", j), message)
    for client, roles in section.clients.items():
        for name in roles:
            if name not in ids:
                yield document.violation(("security", "clients", client), f"no role {name!r}")
