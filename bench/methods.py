"""``python -m bench.methods``: every delivery method on every sales channel from every type of node, decided
on a little network, as the tables of docs/methods.md.

The network and its rules are the files in ``data/methods``. tests/unit/test_methods.py runs every cell too,
checks it, and that the page says what came out.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from bench.geography import DATA
from router.catalogue import Catalogue, Sku
from router.domain import (
    Decision,
    Delivery,
    DeliveryMethod,
    Destination,
    NodeType,
    Order,
    OrderLine,
    SalesChannel,
)
from router.rank import rank
from router.rules.parse import read_rules
from router.snapshot import Snapshot
from router.sourcer import decide
from router.stock import Stock
from server.load.network import load_network

FOLDER = DATA / "methods"
PAGE = Path(__file__).parents[1] / "docs" / "methods.md"
PARIS = ZoneInfo("Europe/Paris")
NOW_SECONDS = int(datetime(2026, 5, 12, 14, 5, tzinfo=PARIS).timestamp())
"""A Tuesday; the Thursday after is Ascension Day."""
RULE_FILES = ("open_rules", "retailer_rules")
GOODS = Sku(sku_id="kettle", weight_grams=1_400, unit_value_cents=4_900, labels=frozenset())
SOURCES = {
    NodeType.STORE: "store-lyon",
    NodeType.WAREHOUSE: "warehouse-lyon",
    NodeType.DISTRIBUTION_CENTER: "dc-lyon",
    NodeType.SUPPLIER: "supplier-lyon",
    NodeType.MARKETPLACE_SELLER: "seller-lyon",
}
"""The one node that has the goods."""
HERE = "here"
"""Stands for the node that has the goods."""
HOME = Destination(country="FR", postal_code="75011", latitude=48.8566, longitude=2.3700)
ABROAD = Destination(country="BE", postal_code="1000", latitude=50.8467, longitude=4.3525)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A row of the tables. ``to``: an address, or the node or pick-up point where goods are collected."""

    title: str
    method: DeliveryMethod
    to: Destination | str
    sold_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What came out for one wish, channel and type of node. ``reasons``: what stands against the node; empty
    when it supplies."""

    order: Order
    snapshot: Snapshot
    decision: Decision
    reasons: tuple[str, ...]

    @property
    def answer(self) -> str:
        """In words of the tables."""
        if not self.decision.plan.shipments:
            return "no: " + ", ".join(self.reasons)
        [shipment] = self.decision.plan.shipments
        arrival = datetime.fromtimestamp(shipment.arrival_seconds, PARIS)
        method = "" if shipment.method is self.order.deliveries[0].method else f"{shipment.method.name} "
        way = f", {shipment.service_id}" if shipment.service_id else ""
        return f"{method}{arrival:%a} {arrival.day} {arrival:%b %H:%M}{way}"


WISHES = (
    Wish(title="sent home", method=DeliveryMethod.SHIP, to=HOME),
    Wish(title="sent abroad", method=DeliveryMethod.SHIP, to=ABROAD),
    Wish(title="pick-up point", method=DeliveryMethod.PICKUP_POINT, to="tabac-nation"),
    Wish(title="click & collect where the goods are", method=DeliveryMethod.PICKUP, to=HERE),
    Wish(title="click & collect in a store without them", method=DeliveryMethod.PICKUP, to="store-paris"),
    Wish(title="reserve & collect where the goods are", method=DeliveryMethod.RESERVE_AND_COLLECT, to=HERE),
    Wish(title="ship to store", method=DeliveryMethod.SHIP_TO_STORE, to="store-paris"),
    Wish(title="ship to a store further away", method=DeliveryMethod.SHIP_TO_STORE, to="store-lille"),
    Wish(title="carry-out where the goods are", method=DeliveryMethod.CARRY_OUT, to=HERE, sold_in=HERE),
    Wish(title="ordered in a store, sent home", method=DeliveryMethod.SHIP, to=HOME, sold_in="store-paris"),
    Wish(
        title="ordered in a store, collected there",
        method=DeliveryMethod.SHIP_TO_STORE,
        to="store-paris",
        sold_in="store-paris",
    ),
)
CELLS = tuple(product(RULE_FILES, WISHES, SalesChannel, NodeType))


def order_of(wish: Wish, channel: SalesChannel, node_type: NodeType) -> Order:
    """Two kettles, wished so."""
    source = SOURCES[node_type]
    to = source if wish.to == HERE else wish.to
    place = {"destination": to} if isinstance(to, Destination) else {"node_id": to}
    if wish.method is DeliveryMethod.PICKUP_POINT:
        place = {"pickup_point_id": to}
    return Order(
        order_id="matrix",
        lines=(OrderLine(line_id="1", sku_id=GOODS.sku_id, quantity=2),),
        deliveries=(Delivery(delivery_id="1", method=wish.method, **place),),  # type: ignore[arg-type]
        selling_node_id=source if wish.sold_in == HERE else wish.sold_in,
        sales_channel=channel,
    )


@cache
def snapshot_of(rule_file: str, node_type: NodeType) -> Snapshot:
    """The network with five kettles at the node of this type, and none elsewhere."""
    network, _ = load_network(
        FOLDER / "network.yaml",
        FOLDER / "nodes.csv",
        now_seconds=NOW_SECONDS,
        pickup_points=FOLDER / "pickup_points.csv",
    )
    rules = read_rules((FOLDER / f"{rule_file}.yaml").read_text("utf-8"), f"{rule_file}.yaml").rules
    row = [node.node_id for node in network.nodes].index(SOURCES[node_type])
    columns = (np.array([value], np.int32) for value in (0, row, 5))
    return Snapshot.build(
        network, Catalogue.from_skus([GOODS]), rules, Stock.of(1, len(network.nodes), *columns)
    )


def run(rule_file: str, wish: Wish, channel: SalesChannel, node_type: NodeType) -> Cell:
    """Decides one cell."""
    order, snapshot = order_of(wish, channel, node_type), snapshot_of(rule_file, node_type)
    [line] = rank(order, snapshot, NOW_SECONDS, include_rejected=True).lines
    reasons = [
        f"`{r.rule_name}`" if r.rule_name else r.value for found in line.candidates for r in found.rejections
    ]
    return Cell(
        order=order,
        snapshot=snapshot,
        decision=decide(order, snapshot, NOW_SECONDS),
        reasons=tuple(dict.fromkeys(reasons)),
    )


# ------------------------------------------------------------------------------------------------ the page


def table(rule_file: str) -> str:
    """Wishes by types of nodes; a cell names channels where they do not all have the same answer."""
    found = {
        (wish, node_type): {
            channel: run(rule_file, wish, channel, node_type).answer for channel in SalesChannel
        }
        for wish, node_type in product(WISHES, NodeType)
    }
    lines = [
        "| wish | method | " + " | ".join(t.name for t in NodeType) + " |",
        "|---" * (len(NodeType) + 2) + "|",
        *(
            f"| {wish.title} | {wish.method.name} | "
            + " | ".join(by_channel(found[wish, t]) for t in NodeType)
            + " |"
            for wish in WISHES
        ),
        "",
        differences(list(found.values())),
    ]
    return "\n".join(lines)


def by_channel(answers: dict[SalesChannel, str]) -> str:
    """The answers of a cell, each with its channels unless they are all."""
    if len(set(answers.values())) == 1:
        return next(iter(answers.values()))
    channels: dict[str, list[str]] = {}
    for channel, answer in answers.items():
        channels.setdefault(answer, []).append(channel.name)
    most = max(channels, key=lambda answer: len(channels[answer]))
    rest = [f"{', '.join(names)}: {answer}" for answer, names in channels.items() if answer != most]
    return "<br>".join([most, *rest])


def differences(cells: Sequence[dict[SalesChannel, str]]) -> str:
    """How many cells depend on the channel, in a sentence."""
    differing = sum(len(set(answers.values())) > 1 for answers in cells)
    channels = ", ".join(channel.name for channel in SalesChannel)
    what = f"{len(cells) * len(SalesChannel)} decisions: every cell on each of {channels}."
    if not differing:
        return f"{what} In all {len(cells)} cells every channel has the same answer."
    rest = "the first answer is that of the channels that are not named."
    return f"{what} In {differing} of {len(cells)} cells the channels differ; {rest}"


def rendered(page: str) -> str:
    """The page with everything between markers made anew. It begins at ``<!-- table NAME -->`` or
    ``<!-- rules NAME -->`` and ends at ``<!-- end -->``."""

    def fill(match: re.Match[str]) -> str:
        kind, name = match[1], match[2]
        made = table(name)
        if kind == "rules":
            made = f"```yaml\n{(FOLDER / f'{name}.yaml').read_text('utf-8')}```"
        return f"<!-- {kind} {name} -->\n\n{made}\n\n<!-- end -->"

    return re.sub(r"<!-- (table|rules) (\w+) -->.*?<!-- end -->", fill, page, flags=re.DOTALL)


def main() -> int:
    """Writes the page; returns the exit code."""
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
