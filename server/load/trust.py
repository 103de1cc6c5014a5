"""Trust in nodes, by label of the goods, from CSV or Parquet; every mistake of every row is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from router.errors import InvalidConfig, Violation
from router.network import Trust
from router.rules.validate import bounded, did_you_mean
from server.load.fields import Row
from server.load.rows import Layout, read_rows

MAX_PERCENT = 100
PERCENTS = ("acceptance_percent", "stock_truth_percent")
REQUIRED = ("node_id", "sku_label")
LAYOUT = Layout("trust", columns=(*REQUIRED, *PERCENTS), required=REQUIRED)


def read_trust(path: Path, node_ids: Collection[str]) -> Mapping[str, tuple[Trust, ...]]:
    """Rows by node id, for the nodes that have any, sorted by label.

    Raises InvalidConfig with violations such as ``trust.csv:7 sku_label``.
    """
    found: list[Violation] = []
    stated: dict[tuple[str, str], Trust] = {}
    lines: dict[tuple[str, str], str] = {}
    for where, values in read_rows(path, LAYOUT, found):
        row = Row("trust", where, values, found)
        node_id, label = row.id("node_id"), row.id("sku_label")
        if node_id and node_id not in node_ids:
            row.wrong("node_id", f"no node {node_id!r}{did_you_mean(node_id, node_ids)}")
        acceptance, truth = (row.number(column, 0, MAX_PERCENT) for column in PERCENTS)
        if row.is_wrong:
            continue
        key = (node_id, label)
        if key in stated:
            row.wrong("sku_label", f"{label!r} of node {node_id!r} is already stated in {lines[key]}")
        lines.setdefault(key, where)
        stated[key] = Trust(
            sku_label=label,
            acceptance_percent=MAX_PERCENT if acceptance is None else acceptance,
            stock_truth_percent=truth,
        )
    if found:
        raise InvalidConfig(bounded(found, str(path)))
    by_node: dict[str, list[Trust]] = {}
    for (node_id, _), trust in sorted(stated.items()):
        by_node.setdefault(node_id, []).append(trust)
    return {node_id: tuple(rows) for node_id, rows in by_node.items()}
