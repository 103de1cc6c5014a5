"""Nodes over a real connection: days that fill up, nodes that are switched off, backlog; all of it also after
a restart. Sunday, 2025-06-15 15:06 UTC; Paris gets two orders ready a day, the others any number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from typer.testing import CliRunner

from router.ledger import DayHold, Hold, ReserveRequest
from server.api.sourcing.v1 import node_pb2, reservation_pb2, sourcing_pb2, stock_pb2
from server.cli import app
from tests.e2e.files import BUSY_PARIS, write_shop
from tests.e2e.service import (
    START_SECONDS,
    Service,
    all_at_once,
    failure,
    new_id,
    nodes_of,
    order,
    paths,
    running,
)

TODAY, TOMORROW = "2025-06-15", "2025-06-16"
MIDNIGHT = START_SECONDS - START_SECONDS % 86_400 + 86_400
ORDERS, LINES = node_pb2.LOAD_KIND_ORDERS, node_pb2.LOAD_KIND_LINES


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path / "shop", nodes=BUSY_PARIS) as service:
        yield service


def state(service: Service, node_id: str = "store-paris") -> node_pb2.NodeState:
    return service.nodes.GetNodeState(node_pb2.GetNodeStateRequest(node_id=node_id))


def set_state(service: Service, node_id: str = "store-paris", **changes: Any) -> node_pb2.NodeState:
    changes.setdefault("request_id", new_id())
    return service.nodes.SetNodeState(node_pb2.SetNodeStateRequest(node_id=node_id, **changes))


def days(service: Service) -> dict[str, tuple[int, int]]:
    """Of Paris: what is taken, and the room, of the first two days."""
    return {day.date: (day.taken_quantity, day.room) for day in state(service).days[:2]}


def where(decision: sourcing_pb2.Decision) -> list[tuple[str, int]]:
    """Nodes, and what they wait for."""
    return [(s.node_id, s.supply_time.seconds) for s in decision.plan.shipments]


def only_paris(service: Service) -> str:
    """A SKU that nobody else has."""
    return service.sku(paris=50, lille=0, lyon=0)


def resolve(service: Service, reservation_id: str, verb: str) -> None:
    request_type = getattr(reservation_pb2, f"{verb}ReservationRequest")
    getattr(service.reservations, f"{verb}Reservation")(request_type(reservation_id=reservation_id))


def test_the_third_order_goes_elsewhere_or_waits_for_tomorrow(busy: Service) -> None:
    sku, near = only_paris(busy), busy.sku()
    for _ in range(2):
        assert where(busy.reserve(order((near, 1))).decision) == [("store-paris", 0)]
    assert days(busy) == {TODAY: (2, 0), TOMORROW: (0, 2)}
    third = busy.reserve(order((sku, 1)))
    assert where(third.decision) == [("store-paris", MIDNIGHT)]
    assert third.decision.plan.promise_time.seconds == MIDNIGHT + 25 * 3600
    assert days(busy) == {TODAY: (2, 0), TOMORROW: (1, 1)}
    # One that has to be there before then goes to another node, which is dearer.
    late = Timestamp(seconds=START_SECONDS + 26 * 3600)
    assert where(busy.reserve(order((near, 1), deliver_by_time=late)).decision) == [("store-lille", 0)]
    assert days(busy) == {TODAY: (2, 0), TOMORROW: (1, 1)}


def test_stock_commands_know_nothing_of_days(busy: Service) -> None:
    sku = only_paris(busy)
    held = busy.reserve(order((sku, 3)))
    request = reservation_pb2.GetReservationRequest(reservation_id=held.reservation_id)
    found = busy.reservations.GetReservation(request)
    assert [(hold.sku_id, hold.node_id, hold.quantity) for hold in found.holds] == [(sku, "store-paris", 3)]
    asked = stock_pb2.GetAvailabilityRequest(sku_ids=["#orders"])
    assert paths(failure(lambda: busy.stock.GetAvailability(asked))) == ["sku_ids[0]"]
    level = stock_pb2.StockLevel(sku_id="#orders", node_id="store-paris", on_hand=9)
    setting = stock_pb2.SetStockRequest(request_id=new_id(), levels=[level])
    assert paths(failure(lambda: busy.stock.SetStock(setting))) == ["levels[0].sku_id"]


def test_what_is_released_or_expires_gives_room_back_and_what_is_confirmed_does_not(busy: Service) -> None:
    sku = only_paris(busy)
    first, second = (busy.reserve(order((sku, 1)), hold_seconds=60).reservation_id for _ in range(2))
    resolve(busy, first, "Confirm")
    assert days(busy)[TODAY] == (2, 0)
    resolve(busy, second, "Release")
    assert days(busy)[TODAY] == (1, 1)
    assert where(busy.reserve(order((sku, 1)), hold_seconds=60).decision) == [("store-paris", 0)]
    busy.clock.seconds += 60
    assert busy.world.expire() == 1
    assert days(busy)[TODAY] == (1, 1)


def test_a_day_that_is_over_takes_its_orders_along(busy: Service) -> None:
    sku = only_paris(busy)
    waits = [where(busy.reserve(order((sku, 1)), hold_seconds=86_400).decision)[0][1] for _ in range(3)]
    assert waits == [0, 0, MIDNIGHT]
    busy.clock.seconds = MIDNIGHT
    assert days(busy) == {TOMORROW: (1, 1), "2025-06-17": (0, 2)}
    waits = [where(busy.reserve(order((sku, 1))).decision)[0][1] for _ in range(2)]
    assert waits == [0, MIDNIGHT + 86_400]


def test_a_batch_that_reserves_cannot_overbook(busy: Service) -> None:
    sku = only_paris(busy)
    request = sourcing_pb2.SourceOrdersRequest(
        orders=[order((sku, 1)) for _ in range(5)], request_id=new_id()
    )
    results = busy.sourcing.SourceOrders(request).results
    waits = [MIDNIGHT, MIDNIGHT, MIDNIGHT + 86_400]
    assert [where(r.decision) for r in results] == [[("store-paris", at)] for at in [0, 0, *waits]]
    assert all(r.reservation_id for r in results)
    assert days(busy) == {TODAY: (2, 0), TOMORROW: (2, 0)}
    for result in results:
        asked = sourcing_pb2.ExplainDecisionRequest(decision_id=result.decision.decision_id)
        assert busy.sourcing.ExplainDecision(asked).decision.plan == result.decision.plan


def test_quotes_of_a_batch_are_those_of_single_calls(busy: Service) -> None:
    sku = only_paris(busy)
    orders = [order((sku, n)) for n in (1, 2, 3)]
    request = sourcing_pb2.SourceOrdersRequest(orders=orders, validate_only=True)
    for at in (0, 0, MIDNIGHT, MIDNIGHT, MIDNIGHT + 86_400):
        quoted = [r.decision for r in busy.sourcing.SourceOrders(request).results]
        assert quoted == [busy.quote(o).decision for o in orders]
        assert [where(d) for d in quoted] == [[("store-paris", at)]] * 3
        assert where(busy.reserve(order((sku, 1))).decision) == [("store-paris", at)]


def test_racing_clients_cannot_overbook(busy: Service) -> None:
    sku = only_paris(busy)
    asked = [order((sku, 1)) for _ in range(8)]
    answers = all_at_once([lambda o=o: busy.reserve(o) for o in asked])
    held = [a for a in answers if isinstance(a, sourcing_pb2.SourceOrderResponse)]
    lost = [a for a in answers if isinstance(a, grpc.RpcError)]
    assert all(error.code() is grpc.StatusCode.ABORTED for error in lost)
    taken: dict[int, int] = {}
    for answer in held:
        [(_, at)] = where(answer.decision)
        taken[at] = taken.get(at, 0) + 1
    assert len(held) >= 2
    assert max(taken.values()) == 2
    shown = state(busy).days
    assert sum(day.taken_quantity for day in shown) == len(held)
    assert all(day.taken_quantity <= 2 for day in shown)


def take(service: Service, day: str, units: int) -> None:
    """Somebody else takes of a day of Paris."""
    hold = Hold(sku_id="#orders", node_id=f"store-paris@{day}", quantity=units)
    request = ReserveRequest(
        request_id="",
        fingerprint="",
        order_id="rival",
        holds=(),
        ttl_seconds=600,
        days=(DayHold(hold=hold, capacity=2),),
    )
    assert service.world.ledger._ledger.reserve(request).reservation is not None


def test_an_order_is_decided_again_when_others_took_the_day(busy: Service) -> None:
    sku = only_paris(busy)

    def steal() -> None:
        del busy.ledger.before["reserve_many"]
        take(busy, TODAY, 2)

    busy.ledger.before["reserve_many"] = steal
    assert where(busy.reserve(order((sku, 1))).decision) == [("store-paris", MIDNIGHT)]


def test_an_order_that_always_comes_too_late_is_told_where(busy: Service) -> None:
    sku = only_paris(busy)
    taken = iter([TODAY, TOMORROW, "2025-06-17"])
    busy.ledger.before["reserve_many"] = lambda: take(busy, next(taken), 2)
    found = failure(lambda: busy.reserve(order((sku, 1))))
    assert (found.code, found.reason) == (grpc.StatusCode.ABORTED, "STOCK_CONFLICT")
    assert "only 0 orders of 'store-paris' on 2025-06-17 left" in found.message


def test_a_node_is_switched_off_and_on_at_once(busy: Service) -> None:
    sku, only = busy.sku(), only_paris(busy)
    decision = busy.quote(order((sku, 1))).decision
    until = Timestamp(seconds=START_SECONDS + 30)
    shown = set_state(busy, off_until_time=until)
    # Rounded up to a full minute.
    assert shown.off_until_time.seconds == START_SECONDS + 80
    assert shown.stock_version == busy.world.ledger.version()
    batch = sourcing_pb2.SourceOrdersRequest(orders=[order((sku, 1)), order((only, 1))], validate_only=True)

    def found() -> list[list[str]]:
        single = [nodes_of(busy.quote(o).decision) for o in batch.orders]
        assert [nodes_of(r.decision) for r in busy.sourcing.SourceOrders(batch).results] == single
        return single

    assert found() == [["store-lille"], []]
    ranking = busy.sourcing.RankNodes(
        sourcing_pb2.RankNodesRequest(order=batch.orders[1], include_rejected=True)
    )
    [candidate] = [c for c in ranking.lines[0].candidates if c.node_id == "store-paris"]
    assert [r.reason for r in candidate.rejections] == ["SWITCHED_OFF"]
    # What was decided before is explained as it was.
    asked = sourcing_pb2.ExplainDecisionRequest(decision_id=decision.decision_id)
    assert busy.sourcing.ExplainDecision(asked).decision.plan == decision.plan
    assert not set_state(busy, on=True).HasField("off_until_time")
    assert found() == [["store-paris"], ["store-paris"]]
    set_state(busy, off_until_time=until)
    busy.clock.seconds += 80
    assert found() == [["store-paris"], ["store-paris"]]
    assert not state(busy).HasField("off_until_time")


def test_a_backlog_takes_room_from_day_to_day(busy: Service) -> None:
    sku = only_paris(busy)
    shown = set_state(busy, backlog=[node_pb2.NodeLoad(kind=ORDERS, quantity=3)])
    assert [(load.kind, load.quantity) for load in shown.backlog] == [(ORDERS, 3)]
    assert days(busy) == {TODAY: (0, -1), TOMORROW: (0, 1)}
    answers = [where(busy.reserve(order((sku, 1))).decision) for _ in range(2)]
    assert answers == [[("store-paris", MIDNIGHT)], [("store-paris", MIDNIGHT + 86_400)]]
    assert days(busy) == {TODAY: (0, -1), TOMORROW: (1, 0)}
    set_state(busy, backlog=[node_pb2.NodeLoad(kind=ORDERS, quantity=0)])
    assert days(busy) == {TODAY: (0, 2), TOMORROW: (1, 1)}


def test_a_retry_is_harmless_and_other_content_is_refused(busy: Service) -> None:
    request_id = new_id()
    until = Timestamp(seconds=START_SECONDS + 3600)
    version = set_state(busy, off_until_time=until, request_id=request_id).stock_version
    set_state(busy, on=True)
    again = set_state(busy, off_until_time=until, request_id=request_id)
    assert not again.HasField("off_until_time")
    assert again.stock_version == version + 1
    found = failure(lambda: set_state(busy, on=True, request_id=request_id))
    assert (found.code, found.metadata) == (grpc.StatusCode.ALREADY_EXISTS, {"request_id": request_id})


def test_every_wrong_field_is_named(busy: Service) -> None:
    version = busy.world.ledger.version()
    assert paths(failure(lambda: state(busy, "nowhere"))) == ["node_id"]
    assert paths(failure(lambda: set_state(busy, "nowhere", request_id=""))) == ["request_id", "node_id"]
    assert paths(failure(lambda: set_state(busy))) == ["backlog"]
    assert paths(failure(lambda: set_state(busy, on=False))) == ["on"]
    for wrong in (Timestamp(seconds=-1), Timestamp(seconds=4_102_444_801), Timestamp(nanos=-1)):
        found = failure(lambda wrong=wrong: set_state(busy, off_until_time=wrong))
        assert paths(found) == ["off_until_time"]
    backlog = [
        node_pb2.NodeLoad(kind=ORDERS, quantity=-1),
        node_pb2.NodeLoad(quantity=1),
        node_pb2.NodeLoad(kind=LINES, quantity=10**9 + 1),
        node_pb2.NodeLoad(kind=ORDERS, quantity=1),
    ]
    found = failure(lambda: set_state(busy, backlog=backlog))
    assert paths(found) == [
        "backlog[0].quantity",
        "backlog[1].kind",
        "backlog[2].kind",
        "backlog[2].quantity",
        "backlog[3].kind",
    ]
    assert busy.world.ledger.version() == version


def test_a_node_without_a_capacity_has_no_days(busy: Service) -> None:
    shown = state(busy, "dc-lyon")
    assert (shown.node_id, len(shown.days), len(shown.backlog)) == ("dc-lyon", 0, 0)
    days_of_paris = state(busy).days
    assert [day.date for day in days_of_paris] == [f"2025-06-{day}" for day in range(15, 23)]
    assert {(day.kind, day.capacity) for day in days_of_paris} == {(ORDERS, 2)}


def test_states_outlive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path / "shop", nodes=BUSY_PARIS) as service:
        sku = only_paris(service)
        confirmed, _ = (service.reserve(order((sku, 1))).reservation_id for _ in range(2))
        resolve(service, confirmed, "Confirm")
        set_state(service, backlog=[node_pb2.NodeLoad(kind=ORDERS, quantity=1)])
        set_state(service, "store-lille", off_until_time=Timestamp(seconds=START_SECONDS + 60))
        before = [state(service, node) for node in ("store-paris", "store-lille")]
    with running(tmp_path / "shop", nodes=BUSY_PARIS) as service:
        assert [state(service, node) for node in ("store-paris", "store-lille")] == before
        assert days(service) == {TODAY: (2, -1), TOMORROW: (0, 1)}
        assert where(service.reserve(order((sku, 1))).decision) == [("store-paris", MIDNIGHT)]
    # A node that states another capacity has it on every day, also on those it has orders for.
    with running(tmp_path / "shop", nodes=BUSY_PARIS.replace("100,0,2", "100,0,4")) as service:
        assert days(service) == {TODAY: (2, 1), TOMORROW: (1, 3)}
    with running(tmp_path / "shop", nodes=BUSY_PARIS.replace("100,0,2", "100,0,1")) as service:
        assert days(service) == {TODAY: (2, -2), TOMORROW: (1, -2)}


@pytest.mark.parametrize("remote", [False, True])
def test_nodes_are_shown_and_set_by_command(tmp_path: Path, busy: Service, remote: bool) -> None:
    config = write_shop(tmp_path / "other", nodes=BUSY_PARIS)
    work_on = ["--target", busy.target] if remote else ["--config", str(config)]

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["node", *arguments, *work_on])
        return result.exit_code, result.output

    code, text = run(
        "set", "store-paris", "--off-until", "2099-12-24T18:00:00+01:00", "--backlog", "orders=7"
    )
    assert code == 0, text
    assert "store-paris is off until Thu 2099-12-24 17:00 UTC" in text
    code, text = run("show", "store-paris")
    assert "off until" in text
    assert "backlog: 7 orders" in text
    code, text = run("set", "store-paris", "--on", "--backlog", "orders=0")
    assert code == 0, text
    assert "store-paris is on" in text
    assert "backlog" not in text
    code, text = run("show", "store-paris", "--output", "json")
    assert code == 0
    assert '"capacity": "2"' in text
    wrong = ["--on", "--off-until", "tomorrow", "--backlog", "cows=2", "--backlog", "orders=many"]
    code, text = run("set", "store-paris", *wrong)
    assert code == 3
    for told in ("--on: must not be given together", "is 'cows=2'", "is 'orders=many'"):
        assert told in text
    assert run("show", "nowhere")[0] == 3
