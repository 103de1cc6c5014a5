"""Every delivery method on every sales channel from every type of node, as docs/methods.md says."""

from __future__ import annotations

from datetime import datetime

import pytest

from bench.methods import CELLS, NOW_SECONDS, PAGE, PARIS, SOURCES, WISHES, Wish, by_channel, rendered, run
from router.domain import CertificateKind, DeliveryMethod, NodeType, SalesChannel, Status
from router.verify import verify

ELSEWHERE = "click & collect in a store without them"
WITHOUT_RULES = {wish.title for wish in WISHES} - {ELSEWHERE}
"""What every node does, whatever its type, when no rule speaks of methods."""
SENT = {"sent home", "sent abroad", "ordered in a store, sent home"}
AT_COUNTERS = {
    "click & collect where the goods are",
    "reserve & collect where the goods are",
    "carry-out where the goods are",
}
BY_TYPE = {
    NodeType.STORE: WITHOUT_RULES,
    NodeType.WAREHOUSE: WITHOUT_RULES - AT_COUNTERS,
    NodeType.DISTRIBUTION_CENTER: WITHOUT_RULES - AT_COUNTERS,
    NodeType.SUPPLIER: SENT,
    NodeType.MARKETPLACE_SELLER: SENT | {"pick-up point"},
}
"""What the retailer's rules leave, on channels that have no rules of their own."""


def is_possible(rule_file: str, wish: Wish, channel: SalesChannel, node_type: NodeType) -> bool:
    """The retailer's rules, said again."""
    if rule_file == "open_rules":
        return wish.title in WITHOUT_RULES
    if channel is SalesChannel.MARKETPLACE:
        stranger = node_type in (NodeType.STORE, NodeType.MARKETPLACE_SELLER)
        return wish.method is DeliveryMethod.SHIP and not stranger
    if wish.method is DeliveryMethod.CARRY_OUT and channel not in (SalesChannel.STORE, SalesChannel.KIOSK):
        return False
    if wish.method is DeliveryMethod.RESERVE_AND_COLLECT and channel is SalesChannel.SOCIAL:
        return False
    return wish.title in BY_TYPE[node_type]


@pytest.mark.parametrize(
    ("rule_file", "wish", "channel", "node_type"),
    CELLS,
    ids=lambda x: x.title if isinstance(x, Wish) else getattr(x, "name", x),
)
def test_a_cell(rule_file: str, wish: Wish, channel: SalesChannel, node_type: NodeType) -> None:
    cell = run(rule_file, wish, channel, node_type)
    decision, snapshot = cell.decision, cell.snapshot
    sku_of, network = snapshot.catalogue.sku, snapshot.network
    complaints = verify(
        decision, cell.order, network, sku_of, snapshot.available, snapshot.rules, NOW_SECONDS
    )
    assert complaints == []
    assert decision.certificate.kind is CertificateKind.EXACT
    if is_possible(rule_file, wish, channel, node_type):
        assert (decision.status, cell.reasons) == (Status.SOURCED, ())
        [shipment] = decision.plan.shipments
        assert (shipment.node_id, shipment.method) == (SOURCES[node_type], wish.method)
    else:
        assert decision.status is Status.UNSOURCEABLE
        assert cell.reasons


def test_every_method_channel_and_type_has_its_cells() -> None:
    assert {wish.method for _, wish, _, _ in CELLS} == set(DeliveryMethod)
    assert len(CELLS) == len(set(CELLS)) == 2 * len(WISHES) * len(SalesChannel) * len(NodeType)


@pytest.mark.parametrize(
    ("title", "node_type", "service_id", "day", "clock"),
    [
        # Ready at 15:05, sent at 18:00, a day on the way.
        ("sent home", NodeType.STORE, "parcel", 13, "18:00"),
        # Ready at 19:05, too late for this evening; on Thursday nobody delivers.
        ("sent home", NodeType.DISTRIBUTION_CENTER, "parcel", 15, "08:00"),
        # 24 opening hours: 1 h 55 min today, 8 h on each of Wednesday, Friday, Monday less 3 h 55 min.
        ("click & collect where the goods are", NodeType.SUPPLIER, "", 18, "14:35"),
        # In Paris at 03:30 on Wednesday; the store opens at 10:00 and takes half an hour.
        ("ship to store", NodeType.STORE, "shuttle", 13, "10:30"),
        # In Orléans on Wednesday morning, in Lille on the holiday.
        ("ship to a store further away", NodeType.WAREHOUSE, "over-orleans", 15, "10:30"),
        # Two of the carrier's days, the holiday is none.
        ("pick-up point", NodeType.STORE, "relay", 15, "20:00"),
        ("carry-out where the goods are", NodeType.STORE, "", 12, "14:05"),
    ],
)
def test_dates_worked_out_by_hand(
    title: str, node_type: NodeType, service_id: str, day: int, clock: str
) -> None:
    wish = next(w for w in WISHES if w.title == title)
    [shipment] = run("open_rules", wish, SalesChannel.WEB, node_type).decision.plan.shipments
    arrival = datetime.fromtimestamp(shipment.arrival_seconds, PARIS)
    assert (shipment.service_id, arrival.day, f"{arrival:%H:%M}") == (service_id, day, clock)


def test_the_page_says_what_comes_out() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("<!-- table ") == 2
    assert page == rendered(page), "run: make methods"


def test_a_cell_names_channels_only_where_they_differ() -> None:
    same = dict.fromkeys(SalesChannel, "Tue 10:00")
    assert by_channel(same) == "Tue 10:00"
    assert by_channel({**same, SalesChannel.WEB: "no: x"}) == "Tue 10:00<br>WEB: no: x"
