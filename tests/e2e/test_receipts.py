"""Receipts over a real connection: set, waited for, held, confirmed, cut, and still there after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp
from typer.testing import CliRunner

from router.ledger import Hold, ReserveRequest, StockUpdate
from router.ledger_places import receipt_place
from server.api.sourcing.v1 import reservation_pb2, sourcing_pb2, stock_pb2
from server.cli import app
from tests.e2e.files import RULES, sku_name, write_shop
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

DAY = 86_400
SOON, LATER = START_SECONDS - START_SECONDS % 60 + 2 * DAY, START_SECONDS - START_SECONDS % 60 + 5 * DAY
PATIENT = RULES.replace(
    "        objectives:\n",
    "        supply: [{kind: receipts, name: wait-for-receipts, max_days: 14}]\n        objectives:\n",
    1,
)
Row = tuple[str, int, int, int, int]
"""Node, seconds at which units are expected (0: they are there), on hand, reserved, available."""


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Service]:
    """A shop that waits for receipts."""
    with running(tmp_path / "shop", rules=PATIENT) as service:
        yield service


def expect(service: Service, sku: str, units: int, at: int = SOON, node: str = "store-paris") -> None:
    level = stock_pb2.StockLevel(sku_id=sku, node_id=node, on_hand=units, expected_time=Timestamp(seconds=at))
    service.stock.SetStock(stock_pb2.SetStockRequest(request_id=new_id(), levels=[level]))


def awaited(service: Service, units: int) -> str:
    """A SKU that nobody has, of which Paris expects so many units soon."""
    sku = service.sku(paris=0, lille=0, lyon=0)
    expect(service, sku, units)
    return sku


def rows(service: Service, sku: str, *nodes: str) -> list[Row]:
    request = stock_pb2.GetAvailabilityRequest(sku_ids=[sku], node_ids=nodes)
    return [
        (row.node_id, row.expected_time.seconds, row.on_hand, row.reserved, row.available_to_promise)
        for row in service.stock.GetAvailability(request).availabilities
    ]


def sources(decision: sourcing_pb2.Decision) -> list[tuple[str, int, list[tuple[int, int]]]]:
    """Of each pick: the node, the units, and those of receipts by time."""
    return [
        (shipment.node_id, pick.quantity, [(r.expected_time.seconds, r.quantity) for r in pick.receipts])
        for shipment in decision.plan.shipments
        for pick in shipment.picks
    ]


def holds(service: Service, reservation_id: str) -> list[tuple[str, int, int]]:
    request = reservation_pb2.GetReservationRequest(reservation_id=reservation_id)
    found = service.reservations.GetReservation(request).holds
    return [(hold.node_id, hold.expected_time.seconds, hold.quantity) for hold in found]


def confirm(service: Service, reservation_id: str) -> None:
    request = reservation_pb2.ConfirmReservationRequest(reservation_id=reservation_id)
    service.reservations.ConfirmReservation(request)


def release(service: Service, reservation_id: str) -> None:
    request = reservation_pb2.ReleaseReservationRequest(reservation_id=reservation_id)
    service.reservations.ReleaseReservation(request)


def explained(service: Service, decision: sourcing_pb2.Decision) -> sourcing_pb2.Decision:
    request = sourcing_pb2.ExplainDecisionRequest(decision_id=decision.decision_id)
    return service.sourcing.ExplainDecision(request).decision


def test_an_order_waits_for_a_receipt_that_nobody_else_can_have_then(patient: Service) -> None:
    sku = awaited(patient, 5)
    first = patient.reserve(order((sku, 3)))
    [shipment] = first.decision.plan.shipments
    assert sources(first.decision) == [("store-paris", 3, [(SOON, 3)])]
    # An hour to get ready, a day on the road.
    assert shipment.supply_time.seconds == SOON
    assert shipment.arrival_time.seconds == SOON + 25 * 3600
    assert holds(patient, first.reservation_id) == [("store-paris", SOON, 3)]
    assert rows(patient, sku, "store-paris") == [("store-paris", 0, 0, 0, 0), ("store-paris", SOON, 5, 3, 2)]
    second = patient.reserve(order((sku, 3)))
    assert second.decision.status == sourcing_pb2.DECISION_STATUS_UNSOURCEABLE
    assert not second.reservation_id
    release(patient, first.reservation_id)
    assert patient.reserve(order((sku, 5))).reservation_id


def test_what_is_there_goes_before_what_comes(patient: Service) -> None:
    sku = patient.sku(paris=2, lille=0, lyon=0)
    expect(patient, sku, 4)
    expect(patient, sku, 9, LATER)
    response = patient.reserve(order((sku, 7)))
    assert sources(response.decision) == [("store-paris", 7, [(SOON, 4), (LATER, 1)])]
    assert holds(patient, response.reservation_id) == [
        ("store-paris", 0, 2),
        ("store-paris", SOON, 4),
        ("store-paris", LATER, 1),
    ]
    # Nothing is waited for where there is enough.
    expect(patient, sku, 20, LATER + 1, "dc-lyon")
    plenty = patient.sku()
    expect(patient, plenty, 20)
    assert not patient.quote(order((plenty, 7))).decision.plan.shipments[0].HasField("supply_time")


def test_a_confirmed_receipt_has_so_many_units_less(patient: Service) -> None:
    sku = awaited(patient, 5)
    confirm(patient, patient.reserve(order((sku, 3))).reservation_id)
    assert rows(patient, sku, "store-paris")[1:] == [("store-paris", SOON, 2, 0, 2)]
    assert sources(patient.reserve(order((sku, 2))).decision) == [("store-paris", 2, [(SOON, 2)])]


def test_a_receipt_that_is_cut_sells_nothing_twice(patient: Service) -> None:
    sku = awaited(patient, 5)
    held = patient.reserve(order((sku, 3)))
    expect(patient, sku, 1)
    assert rows(patient, sku, "store-paris") == [("store-paris", 0, 0, 2, -2), ("store-paris", SOON, 1, 1, 0)]
    # What comes next makes up for it first.
    expect(patient, sku, 4, LATER)
    assert sources(patient.quote(order((sku, 2))).decision) == [("store-paris", 2, [(LATER, 2)])]
    assert nodes_of(patient.quote(order((sku, 3))).decision) == []
    release(patient, held.reservation_id)
    assert rows(patient, sku, "store-paris") == [
        ("store-paris", 0, 0, 0, 0),
        ("store-paris", SOON, 1, 0, 1),
        ("store-paris", LATER, 4, 0, 4),
    ]


def test_a_receipt_arrives_in_one_call(patient: Service) -> None:
    sku = awaited(patient, 5)
    held = patient.reserve(order((sku, 3)))
    arrived = [
        stock_pb2.StockLevel(sku_id=sku, node_id="store-paris", on_hand=5),
        stock_pb2.StockLevel(
            sku_id=sku, node_id="store-paris", on_hand=0, expected_time=Timestamp(seconds=SOON)
        ),
    ]
    patient.stock.SetStock(stock_pb2.SetStockRequest(request_id=new_id(), levels=arrived))
    assert rows(patient, sku, "store-paris") == [("store-paris", 0, 5, 3, 2), ("store-paris", SOON, 0, 0, 0)]
    assert sources(patient.quote(order((sku, 2))).decision) == [("store-paris", 2, [])]
    confirm(patient, held.reservation_id)
    assert rows(patient, sku, "store-paris")[0] == ("store-paris", 0, 2, 0, 2)


def test_a_hold_that_expires_gives_the_receipt_back(patient: Service) -> None:
    sku = awaited(patient, 3)
    patient.reserve(order((sku, 3)), hold_seconds=60)
    assert nodes_of(patient.quote(order((sku, 3))).decision) == []
    patient.clock.seconds += 60
    assert patient.world.expire() == 1
    assert nodes_of(patient.quote(order((sku, 3))).decision) == ["store-paris"]


def test_a_receipt_that_is_overdue_is_not_waited_for(patient: Service) -> None:
    sku = awaited(patient, 3)
    patient.clock.seconds = SOON
    assert nodes_of(patient.quote(order((sku, 3))).decision) == []


def test_adjustments_change_what_is_expected(patient: Service) -> None:
    sku = awaited(patient, 3)
    time = Timestamp(seconds=SOON)
    change = stock_pb2.StockAdjustment(sku_id=sku, node_id="store-paris", delta=4, expected_time=time)
    request = stock_pb2.AdjustStockRequest(request_id=new_id(), adjustments=[change])
    patient.stock.AdjustStock(request)
    assert rows(patient, sku, "store-paris")[1] == ("store-paris", SOON, 7, 0, 7)
    assert nodes_of(patient.quote(order((sku, 7))).decision) == ["store-paris"]


def test_a_batch_decides_as_single_calls_do(patient: Service) -> None:
    sku, plain = awaited(patient, 4), patient.sku()
    orders = [order((plain, 1)), order((sku, 3)), order((plain, 2)), order((sku, 1), (plain, 1))]

    def ask(**more: Any) -> list[sourcing_pb2.SourceOrdersResult]:
        request = sourcing_pb2.SourceOrdersRequest(orders=orders, **more)
        return list(patient.sourcing.SourceOrders(request).results)

    quoted = ask(validate_only=True)
    assert [r.decision for r in quoted] == [patient.quote(o).decision for o in orders]
    assert sources(quoted[1].decision) == [("store-paris", 3, [(SOON, 3)])]
    # Orders that reserve see what those before them took.
    orders.append(order((sku, 1)))
    held = ask(request_id=new_id())
    found = [[taken for _, _, receipts in sources(r.decision) for taken in receipts] for r in held]
    assert found == [[], [(SOON, 3)], [], [(SOON, 1)], []]
    assert [bool(r.reservation_id) for r in held] == [True] * 4 + [False]
    assert rows(patient, sku, "store-paris")[1] == ("store-paris", SOON, 4, 4, 0)
    for result in held:
        assert explained(patient, result.decision).plan == result.decision.plan


def test_a_decision_is_explained_from_the_receipts_it_saw(patient: Service) -> None:
    sku = awaited(patient, 4)
    decision = patient.quote(order((sku, 3))).decision
    expect(patient, sku, 0)
    assert nodes_of(patient.quote(order((sku, 3))).decision) == []
    assert explained(patient, decision) == decision


def test_an_order_is_decided_again_when_others_took_the_receipt(patient: Service) -> None:
    sku = awaited(patient, 3)
    expect(patient, sku, 9, LATER, "store-lille")

    def steal() -> None:
        del patient.ledger.before["reserve_many"]
        place = receipt_place("store-paris", SOON)
        stolen = Hold(sku_id=sku, node_id=place, quantity=1)
        request = ReserveRequest(
            request_id="", fingerprint="", order_id="thief", holds=(stolen,), ttl_seconds=60
        )
        assert patient.world.ledger.reserve(request).reservation is not None

    patient.ledger.before["reserve_many"] = steal
    response = patient.reserve(order((sku, 3)))
    assert sources(response.decision) == [("store-lille", 3, [(LATER, 3)])]


def test_clients_that_race_for_a_receipt_do_not_oversell_it(patient: Service) -> None:
    sku = awaited(patient, 5)
    asked = [order((sku, 2)) for _ in range(6)]
    answers = all_at_once([lambda o=o: patient.reserve(o) for o in asked])
    held = [a for a in answers if isinstance(a, sourcing_pb2.SourceOrderResponse) and a.reservation_id]
    conflicts = [a for a in answers if isinstance(a, grpc.RpcError)]
    assert all(error.code() is grpc.StatusCode.ABORTED for error in conflicts)
    assert len(held) == 2
    assert rows(patient, sku, "store-paris")[1] == ("store-paris", SOON, 5, 4, 1)


def test_receipts_can_be_held_without_a_decision(patient: Service) -> None:
    sku = awaited(patient, 5)

    def create(units: int) -> reservation_pb2.Reservation:
        hold = reservation_pb2.ReservationHold(
            sku_id=sku, node_id="store-paris", quantity=units, expected_time=Timestamp(seconds=SOON)
        )
        request = reservation_pb2.CreateReservationRequest(request_id=new_id(), order_id="o", holds=[hold])
        return patient.reservations.CreateReservation(request)

    assert create(4).holds[0].expected_time.seconds == SOON
    assert rows(patient, sku, "store-paris")[1] == ("store-paris", SOON, 5, 4, 1)
    found = failure(lambda: create(2))
    assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SOLD_OUT")
    assert receipt_place("store-paris", SOON) in found.message


def test_every_wrong_time_is_named(patient: Service) -> None:
    early, ragged = Timestamp(seconds=1), Timestamp(seconds=SOON, nanos=1)
    level = {"sku_id": "sku-000", "node_id": "store-paris"}
    levels = [
        stock_pb2.StockLevel(**level, on_hand=1, expected_time=early),
        stock_pb2.StockLevel(**level, on_hand=1, expected_time=ragged),
        stock_pb2.StockLevel(**level, on_hand=1, expected_time=Timestamp(seconds=SOON), safety_stock=1),
        stock_pb2.StockLevel(**level, on_hand=1, expected_time=Timestamp(seconds=SOON)),
    ]
    request = stock_pb2.SetStockRequest(request_id=new_id(), levels=levels)
    found = failure(lambda: patient.stock.SetStock(request))
    assert set(paths(found)) == {
        "levels[0].expected_time",
        "levels[1].expected_time",
        "levels[2].safety_stock",
        "levels[1]",
        "levels[3]",
    }
    hold = reservation_pb2.ReservationHold(**level, quantity=1, expected_time=early)
    create = reservation_pb2.CreateReservationRequest(request_id=new_id(), order_id="o", holds=[hold])
    found = failure(lambda: patient.reservations.CreateReservation(create))
    assert paths(found) == ["holds[0].expected_time"]


def test_receipts_and_holds_of_them_outlive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path / "shop", rules=PATIENT) as service:
        sku = awaited(service, 5)
        held = service.reserve(order((sku, 3)), "the-id")
    with running(tmp_path / "shop", rules=PATIENT) as service:
        assert rows(service, sku, "store-paris")[1] == ("store-paris", SOON, 5, 3, 2)
        assert sources(service.quote(order((sku, 2))).decision) == [("store-paris", 2, [(SOON, 2)])]
        assert nodes_of(service.quote(order((sku, 3))).decision) == []
        assert holds(service, held.reservation_id) == [("store-paris", SOON, 3)]
        confirm(service, held.reservation_id)
        assert rows(service, sku, "store-paris")[1] == ("store-paris", SOON, 2, 0, 2)


def test_a_new_ledger_starts_with_the_receipts_of_the_config(tmp_path: Path) -> None:
    sku = sku_name(7)
    text = f"sku_id,node_id,expected_at,units\n{sku},dc-lyon,2025-07-01T08:00:00+02:00,40\n"
    with running(tmp_path / "shop", rules=PATIENT.replace("14}", "60}"), receipts=text) as service:
        # 2025-07-01 06:00 UTC
        expected = 1_751_349_600
        assert rows(service, sku, "dc-lyon") == [("dc-lyon", 0, 10, 0, 10), ("dc-lyon", expected, 40, 0, 40)]
        assert sources(service.quote(order((sku, 45))).decision) == [("dc-lyon", 45, [(expected, 35)])]
        service.world.ledger.update_stock(
            "", [StockUpdate(sku_id=sku, node_id=receipt_place("dc-lyon", expected), on_hand=41)]
        )
    with running(tmp_path / "shop", rules=PATIENT, receipts=text) as service:
        assert rows(service, sku, "dc-lyon")[1] == ("dc-lyon", expected, 41, 0, 41)


@pytest.mark.parametrize("remote", [False, True])
def test_receipts_are_imported_and_shown(tmp_path: Path, patient: Service, remote: bool) -> None:
    config = write_shop(tmp_path / "other", rules=PATIENT)
    sku = patient.sku()
    file = tmp_path / "receipts.csv"
    file.write_text(f"sku_id,node_id,expected_at,units\n{sku},store-paris,2026-12-01T08:00:00Z,1234\n")
    target = ["--target", patient.target] if remote else []
    command = ["stock", "import", "--receipts", str(file), "--config", str(config), *target]
    imported = CliRunner().invoke(app, command)
    assert imported.exit_code == 0, imported.output
    assert "1 rows set" in imported.stdout
    where = target or ["--config", str(config)]
    shown = CliRunner().invoke(app, ["stock", "show", sku, *where])
    assert "expected (UTC)" in shown.stdout
    assert "2026-12-01 08:00" in shown.stdout
    assert "1,234" in shown.stdout
    printed = CliRunner().invoke(app, ["stock", "show", sku, *where, "--output", "json"])
    answer = json_format.Parse(printed.stdout, stock_pb2.GetAvailabilityResponse())
    assert [row.on_hand for row in answer.availabilities if row.HasField("expected_time")] == [1234]
    file.write_text(f"sku_id,node_id,expected_at,units\n{sku},store-paris,tomorrow,1\n")
    wrong = CliRunner().invoke(app, command)
    assert wrong.exit_code == 3
    assert "receipts.csv:2 expected_at" in wrong.stderr
