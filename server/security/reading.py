"""``security:`` of a config, with the files it names read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from router.errors import Violation
from router.rules.yaml_lines import Document
from server.security.callers import Callers, TokenRules
from server.security.permissions import Permissions
from server.security.section import RoleSection, SecuritySection
from server.security.tls import TlsFiles


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
    document: Document, section: SecuritySection, folder: Path
) -> tuple[Security, list[Violation]]:
    """And what is wrong with it. Files are relative to ``folder``."""
    found = list(_mistakes(document, section, folder))
    tls = tokens = None
    if section.tls is not None:
        ca = section.tls.client_ca
        tls = TlsFiles(
            folder / section.tls.certificate, folder / section.tls.key, None if ca is None else folder / ca
        )
    if section.tokens is not None and not found:
        tokens = TokenRules(
            key=(folder / section.tokens.key).read_bytes().strip(),
            algorithms=section.tokens.algorithms,
            issuer=section.tokens.issuer,
            audience=section.tokens.audience,
            leeway_seconds=section.tokens.leeway_seconds,
        )
    return Security(tls, tokens, section.clients, section.roles), found


def _mistakes(document: Document, section: SecuritySection, folder: Path) -> Iterator[Violation]:
    def bad(message: str, *path: str | int) -> Violation:
        return document.violation(("security", *path), message)

    files = {("tls", name): getattr(section.tls, name, None) for name in ("certificate", "key", "client_ca")}
    files["tokens", "key"] = getattr(section.tokens, "key", None)
    for path, name in files.items():
        if name is not None and not (folder / name).is_file():
            yield bad(f"no file {str(folder / name)!r}", *path)
    if section.tokens is not None:
        kinds = {name[:2] == "HS" for name in section.tokens.algorithms}
        if len(kinds) > 1:
            yield bad("a secret (HS) and a public key are not taken at the same time", "tokens", "algorithms")
        if section.tls is None:
            yield bad("tokens go over TLS only", "tokens")
    if section.clients and (section.tls is None or section.tls.client_ca is None):
        yield bad("client certificates need tls.client_ca", "clients")
    if section.roles and section.tokens is None and not section.clients:
        yield bad("roles need tokens or clients: nobody could have them", "roles")
    ids = [role.id for role in section.roles]
    for i, name in enumerate(ids):
        if name in ids[:i]:
            yield bad(f"{name!r} appears twice", "roles", i, "id")
    for client, roles in section.clients.items():
        for name in roles:
            if name not in ids:
                yield bad(f"no role {name!r}", "clients", client)
