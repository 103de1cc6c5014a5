"""What suppliers and sellers ask for goods, from CSV or Parquet; every mistake of every row is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from router.domain import MAX_UNIT_VALUE_CENTS
from router.errors import InvalidConfig, Violation
from router.network import Offer
from router.rules.validate import bounded, did_you_mean
from server.load.fields import Row
from server.load.rows import Layout, read_rows

MAX_PERCENT = 100
REQUIRED = ("node_id", "sku_id", "price_cents")
LAYOUT = Layout("offers", columns=(*REQUIRED, "commission_percent"), required=REQUIRED)


def read_offers(path: Path, node_ids: Collection[str]) -> Mapping[str, tuple[Offer, ...]]:
    """Rows by node id, for the nodes that have any, sorted by SKU.

    Raises InvalidConfig with violations such as ``offers.csv:7 price_cents``.
    """
    found: list[Violation] = []
    stated: dict[tuple[str, str], Offer] = {}
    lines: dict[tuple[str, str], str] = {}
    for where, values in read_rows(path, LAYOUT, found):
        row = Row("offers", where, values, found)
        node_id, sku_id = row.id("node_id"), row.id("sku_id")
        if node_id and node_id not in node_ids:
            row.wrong("node_id", f"no node {node_id!r}{did_you_mean(node_id, node_ids)}")
        price = row.number("price_cents", 0, MAX_UNIT_VALUE_CENTS)
        commission = row.number("commission_percent", 0, MAX_PERCENT)
        if price is None and not row.values.get("price_cents"):
            row.wrong("price_cents", "is empty")
        if row.is_wrong or price is None:
            continue
        key = (node_id, sku_id)
        if key in stated:
            row.wrong("sku_id", f"{sku_id!r} of node {node_id!r} is already stated in {lines[key]}")
        lines.setdefault(key, where)
        stated[key] = Offer(sku_id=sku_id, price_cents=price, commission_percent=commission or 0)
    if found:
        raise InvalidConfig(bounded(found, str(path)))
    by_node: dict[str, list[Offer]] = {}
    for (node_id, _), offer in sorted(stated.items()):
        by_node.setdefault(node_id, []).append(offer)
    return {node_id: tuple(rows) for node_id, rows in by_node.items()}
