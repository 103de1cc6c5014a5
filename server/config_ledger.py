"""``ledger:`` of the config: a file, a database or the memory of the process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from router.errors import Violation
from router.rules.yaml_lines import Document

LEDGER_PATH_VARIABLE = "SOURCIER_LEDGER_PATH"
LEDGER_URL_VARIABLE = "SOURCIER_LEDGER_URL"
FileName = Annotated[str, Field(min_length=1, max_length=4_096)]


class LedgerSection(BaseModel):
    """Where reservations and stock are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["sqlite", "postgres", "memory"] = Field(
        default="sqlite",
        description="sqlite: a file, durable. postgres: a database, for processes on several hosts. "
        "memory: gone when the process ends.",
    )
    path: FileName | None = Field(
        default=None,
        description="The SQLite file, made when missing; relative to this file; sourcier.db when not given. "
        f"{LEDGER_PATH_VARIABLE} in the environment comes before it.",
    )
    stock_copy: FileName | None = Field(
        default=None,
        description="A file with a copy of all stock, made and renewed by itself: a start reads it and what "
        "changed since instead of every row. Worth it from some million rows on.",
    )
    url: Annotated[str, Field(min_length=1, max_length=4_096)] | None = Field(
        default=None,
        description="The PostgreSQL database, postgresql://host/name; its tables are made when missing. "
        f"{LEDGER_URL_VARIABLE} in the environment comes before it: there a password belongs, if any.",
    )


@dataclass(frozen=True, slots=True)
class Database:
    """A PostgreSQL database. url: a libpq connection URL; never shown, it may hold a password."""

    url: str = field(repr=False)


def ledger_of(ledger: LedgerSection, folder: Path, environ: Mapping[str, str]) -> Path | Database | None:
    match ledger.kind:
        case "memory":
            return None
        case "postgres":
            return Database(environ.get(LEDGER_URL_VARIABLE) or ledger.url or "")
        case "sqlite":
            return folder / (environ.get(LEDGER_PATH_VARIABLE) or ledger.path or "sourcier.db")


_KIND_OF = {"path": ("sqlite", LEDGER_PATH_VARIABLE), "url": ("postgres", LEDGER_URL_VARIABLE)}


def ledger_mistakes(
    document: Document, section: LedgerSection, ledger: Path | Database | None, environ: Mapping[str, str]
) -> Iterator[Violation]:
    """What is wrong with it."""
    for key, (kind, variable) in _KIND_OF.items():
        if section.kind != kind:
            if environ.get(variable):
                yield Violation(variable, f"is set, but ledger.kind is {section.kind}")
            if getattr(section, key) is not None:
                yield document.violation(("ledger", key), f"is for kind {kind}, this is {section.kind}")
    if ledger is None:
        return
    key, problem = (
        ("path", _wrong_path(ledger)) if isinstance(ledger, Path) else ("url", _wrong_url(ledger.url))
    )
    _, variable = _KIND_OF[key]
    if problem and environ.get(variable):
        yield Violation(variable, problem)
    elif problem:
        where = ("ledger",) if getattr(section, key) is None else ("ledger", key)
        yield document.violation(where, problem)


def _wrong_path(path: Path) -> str:
    """What is wrong with a ledger's file, "" for nothing."""
    if "\0" in str(path) or not path.parent.is_dir():
        return f"no folder {str(path.parent)!r}"
    return f"{str(path)!r} is a folder" if path.is_dir() else ""


def _wrong_url(url: str) -> str:
    """What is wrong with a database's URL, "" for nothing; the URL itself is not repeated."""
    if not url:
        return f"kind postgres needs url, or {LEDGER_URL_VARIABLE} in the environment"
    if not url.startswith(("postgresql://", "postgres://")):
        return "is no URL that begins with postgresql://"
    return ""
