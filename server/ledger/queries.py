"""Reads named statements from the ``.sql`` files beside this module.

-- name: find_thing
-- What it does, in a sentence or more.
SELECT ...
"""

from __future__ import annotations

from importlib.resources import files


def sql_text(file_name: str) -> str:
    """A whole ``.sql`` file."""
    return files("server.ledger").joinpath(file_name).read_text(encoding="utf-8")


def named_statements(text: str) -> dict[str, str]:
    """Statement by name, without its comments. Raises ValueError for a statement without a name of its own,
    a description or a body."""
    head, *sections = text.split("-- name:")
    if any(line.strip() and not line.startswith("--") for line in head.splitlines()):
        raise ValueError("a statement stands before the first '-- name:'")
    statements: dict[str, str] = {}
    for section in sections:
        title, *lines = section.strip().splitlines()
        name = title.strip()
        body = "\n".join(line for line in lines if not line.startswith("--")).strip()
        if not name.isidentifier() or name in statements:
            raise ValueError(f"statement name {name!r} is not an identifier or is taken")
        if not body or not lines[0].startswith("-- "):
            raise ValueError(f"statement {name!r} needs a description, then its text")
        statements[name] = body
    return statements


def statements_of(text: str) -> list[str]:
    """The statements of a script, of which none has a semicolon within, without comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]
