"""Dates on which single nodes are closed, from CSV or Parquet; every mistake of every row is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from router.errors import InvalidConfig, Violation
from router.rules.validate import bounded, did_you_mean
from server.load.rows import Layout, read_rows
from server.load.times import day_of, days_of

LAYOUT = Layout("closures", columns=("node_id", "from", "to"), required=("node_id", "from"))


def read_closures(path: Path, node_ids: Collection[str]) -> Mapping[str, frozenset[int]]:
    """Dates (ordinals) by node id, for the nodes that have any: ``from``, ``to`` and what is between; no
    ``to`` is the same date. Raises InvalidConfig with violations such as ``closures.csv:7 from``."""
    found: list[Violation] = []
    closed: dict[str, set[int]] = {}
    for where, row in read_rows(path, LAYOUT, found):
        node_id = row["node_id"]
        if node_id not in node_ids:
            message = f"no node {node_id!r}{did_you_mean(node_id, node_ids)}" if node_id else "is empty"
            found.append(Violation(f"{where} node_id", message))
        first = _date(row["from"], f"{where} from", found)
        last = _date(row["to"], f"{where} to", found) if row.get("to") else first
        if first is None or last is None:
            continue
        try:
            closed.setdefault(node_id, set()).update(days_of(first, last))
        except ValueError as error:
            found.append(Violation(f"{where} to", str(error)))
    if found:
        raise InvalidConfig(bounded(found, str(path)))
    return {node_id: frozenset(days) for node_id, days in closed.items()}


def _date(text: str, field: str, found: list[Violation]) -> int | None:
    if not text:
        found.append(Violation(field, "is empty"))
        return None
    try:
        return day_of(text)
    except ValueError as error:
        found.append(Violation(field, str(error)))
        return None
