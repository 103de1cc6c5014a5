"""The first line of a table, and what ids may look like."""

from __future__ import annotations

from collections.abc import Sequence

from router.domain import MAX_ID_LENGTH
from router.errors import InvalidConfig, Violation
from router.rules.validate import did_you_mean

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def check_header(names: Sequence[str], where: str, known: Sequence[str], required: Sequence[str]) -> None:
    """Raises InvalidConfig for columns that are missing, unknown or given twice, and for other separators."""
    if not names:
        raise InvalidConfig.at(where, "is empty, must begin with a header line")
    for separator, plural in _SEPARATORS.items():
        if len(names) == 1 and separator in names[0]:
            raise InvalidConfig.at(where, f"its columns are separated by {plural}, must be by commas")
    found = [Violation(f"{where} {name}", "the column is missing") for name in required if name not in names]
    absent = [column for column in known if column not in names]
    for name in dict.fromkeys(name for name in names if name not in known):
        hint = did_you_mean(name, absent) or f"; known are {', '.join(known)}"
        found.append(Violation(where, f"unknown column {name[:MAX_ID_LENGTH]!r}{hint}"))
    for name in dict.fromkeys(name for name in names if name in known and names.count(name) > 1):
        found.append(Violation(f"{where} {name}", "the column is given twice"))
    if found:
        raise InvalidConfig(found)


def id_mistake(text: str) -> str:
    """What is wrong with an id; empty when nothing is."""
    if not text:
        return "is empty"
    if len(text.encode(errors="replace")) > MAX_ID_LENGTH:
        return f"is longer than {MAX_ID_LENGTH} bytes"
    if text != text.strip():
        return "must not begin or end with a space"
    if not text.isprintable():
        return "must not hold control characters"
    return ""
