"""The demonstration: an order of every kind over gRPC from a running server, and what is shown of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import StringIO

import grpc
import pytest
from rich.console import Console, RenderableType

from bench.demo import main
from bench.france import World, build_world
from bench.france_files import write_world
from bench.kind_tables import LOCAL, kinds_table, promise_table
from bench.kinds import KINDS, Desk, Kind, Sourced
from bench.omnichannel import omnichannel
from router.domain import DeliveryMethod, NodeType
from server.api.sourcing.v1 import returns_pb2, sourcing_pb2
from server.app import App, Serving
from server.config import load_config
from server.opening import open_world, read_inputs
from server.rules_watch import RulesWatch

NOW = datetime(2026, 5, 13, 15, 20, tzinfo=LOCAL)
"""A Wednesday; the next day is Ascension Day."""
SIZE = {"stores": 320, "skus": 600, "stock_rows": 60_000}
TITLES = [kind.title for kind in KINDS]


@dataclass(frozen=True)
class Shown:
    """Everything that the demonstration shows after the comparison."""

    world: World
    desk: Desk
    found: dict[str, Sourced]

    def type_of(self, node_id: str) -> NodeType:
        return next(node.node_type for node in self.world.nodes if node.node_id == node_id)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    world = omnichannel(build_world(**SIZE), today=NOW.date())
    config = load_config(
        write_world(world, tmp_path_factory.mktemp("retailer")), environ={"SOURCIER_ADDRESS": "127.0.0.1:0"}
    )
    seconds = int(NOW.timestamp())
    served = open_world(config, read_inputs(config, seconds), lambda: seconds)
    serving = Serving(listen=config.address, threads=4, max_message_bytes=10**7, grace_seconds=1)
    app = App(served, serving, RulesWatch(config.rules, served))
    app.start()
    with grpc.insecure_channel(f"127.0.0.1:{app.port}") as channel:
        desk = Desk(channel, world, seed=1)
        yield Shown(world, desk, {kind.title: desk.source(kind) for kind in KINDS})
    app.stop()


def text_of(*views: RenderableType) -> str:
    console = Console(width=200, file=StringIO())
    console.print(*views)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def only(shown: Shown, title: str) -> sourcing_pb2.Shipment:
    [shipment] = shown.found[title].answer.decision.plan.shipments
    return shipment


@pytest.mark.parametrize("title", TITLES)
def test_every_kind_is_sourced_proven_and_held(shown: Shown, title: str) -> None:
    sourced = shown.found[title]
    decision = sourced.answer.decision
    assert decision.status == sourcing_pb2.DECISION_STATUS_SOURCED
    assert decision.certificate.kind == sourcing_pb2.Certificate.EXACT
    assert sourced.answer.reservation_id
    held = sourced.answer.hold_expire_time.seconds - decision.decide_time.seconds
    assert held == sourced.kind.hold_seconds
    assert decision.plan.promise_time.seconds >= NOW.timestamp()


@pytest.mark.parametrize(
    ("title", "method", "types"),
    [
        ("ship from store", DeliveryMethod.SHIP, {NodeType.STORE}),
        ("ship from warehouse", DeliveryMethod.SHIP, {NodeType.WAREHOUSE, NodeType.DISTRIBUTION_CENTER}),
        ("drop-ship", DeliveryMethod.SHIP, {NodeType.SUPPLIER}),
        ("click & collect", DeliveryMethod.PICKUP, {NodeType.STORE}),
        ("ship to store", DeliveryMethod.SHIP_TO_STORE, set(NodeType) - {NodeType.SUPPLIER}),
        ("ship to store over a hub", DeliveryMethod.SHIP_TO_STORE, set(NodeType) - {NodeType.SUPPLIER}),
        ("pick-up point", DeliveryMethod.PICKUP_POINT, set(NodeType) - {NodeType.SUPPLIER}),
        ("reserve & collect", DeliveryMethod.RESERVE_AND_COLLECT, {NodeType.STORE}),
        ("carry-out", DeliveryMethod.CARRY_OUT, {NodeType.STORE}),
        ("ordered in a store, sent home", DeliveryMethod.SHIP, set(NodeType) - {NodeType.SUPPLIER}),
    ],
)
def test_a_kind_has_its_method_and_its_node(
    shown: Shown, title: str, method: DeliveryMethod, types: set[NodeType]
) -> None:
    shipment = only(shown, title)
    assert shipment.delivery_method == int(method)
    assert shown.type_of(shipment.node_id) in types


def test_what_tells_the_kinds_apart(shown: Shown) -> None:
    assert only(shown, "ship to store").service_id in {"shuttle", "store-parcel"}
    assert only(shown, "ship to store over a hub").service_id.startswith("over-")
    assert only(shown, "ship to store over a hub").cost.transfer_cents > 2 * 160
    collecting = shown.found["click & collect"]
    assert only(shown, "click & collect").node_id == collecting.order.deliveries[0].node_id
    carried = shown.found["carry-out"].order
    assert carried.selling_node_id == only(shown, "carry-out").node_id
    elsewhere = shown.found["ordered in a store, sent home"].order
    assert elsewhere.selling_node_id not in {"", only(shown, "ordered in a store, sent home").node_id}
    mixed = shown.found["mixed"].answer.decision.plan
    methods = [DeliveryMethod(s.delivery_method) for s in mixed.shipments]
    assert methods == [DeliveryMethod.PICKUP, DeliveryMethod.SHIP, DeliveryMethod.PICKUP_POINT]
    assert sum(d.cost.total_cents for d in mixed.deliveries) == mixed.cost.total_cents


def test_dates_keep_hours_and_holidays(shown: Shown) -> None:
    def there(title: str) -> datetime:
        seconds = shown.found[title].answer.decision.plan.promise_time.seconds
        return datetime.fromtimestamp(seconds, LOCAL)

    # Three working days and more from a supplier.
    assert (there("drop-ship") - NOW).days >= 4
    for title in ("click & collect", "reserve & collect", "ship to store"):
        assert there(title).date() != datetime(2026, 5, 14, tzinfo=LOCAL).date()
        assert 9 <= there(title).hour < 20
    assert there("carry-out") == NOW


def test_the_tables_say_what_was_asked_decided_and_why(shown: Shown) -> None:
    text = text_of(kinds_table(shown.found.values()))
    for title, sourced in shown.found.items():
        assert title in text
        for shipment in sourced.answer.decision.plan.shipments:
            assert shipment.node_id in text
    for words in ("next best", "nearer cannot", "no other node can", "handling", "transfer", "own stock"):
        assert words in text
    assert "Wed 13 May 15:20" in text


def test_a_product_page_has_a_date_for_each_of_three_methods(shown: Shown) -> None:
    customer, answer = shown.desk.promise()
    methods = [DeliveryMethod(promise.delivery_method) for promise in answer.promises]
    assert methods == [DeliveryMethod.SHIP, DeliveryMethod.PICKUP, DeliveryMethod.PICKUP_POINT]
    text = text_of(promise_table(customer, answer))
    assert all(promise.node_id in text for promise in answer.promises)


def test_a_return_is_ranked_after_the_order_that_was_sourced(shown: Shown) -> None:
    sourced = shown.found["ship from store"]
    answer = shown.desk.rank_return(sourced)
    assert len(answer.plans) > 1
    totals = [plan.cost.total_cents for plan in answer.plans]
    assert totals == sorted(totals)
    [refund] = answer.refunds
    assert refund.node_id == only(shown, "ship from store").node_id
    assert refund.shipping_cents == only(shown, "ship from store").cost.shipping_cents
    [part] = answer.plans[0].parts
    assert part.units[0].condition == returns_pb2.RETURN_CONDITION_OPENED


def test_a_kind_that_nobody_orders_is_told(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.kinds.MOST_CUSTOMERS", 2)
    nothing = frozenset({NodeType.MARKETPLACE_SELLER})
    monkeypatch.setattr("bench.kinds.KINDS", (kind := never(nothing),))
    with pytest.raises(LookupError, match="of the kind 'never'"):
        shown.desk.source(kind)


def never(types: frozenset[NodeType]) -> Kind:
    return Kind(title="never", places=("home",), expected=((DeliveryMethod.SHIP, types),))


@pytest.mark.slow
def test_the_demonstration_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """A server process, which is why it is slow."""
    sizes = [f"--{name.replace('_', '-')}={count}" for name, count in SIZE.items()]
    assert main(["--orders=20", *sizes]) == 0
    shown = capsys.readouterr().out
    assert all(title in shown for title in ("nearest node first", "one decision explained", *TITLES))
