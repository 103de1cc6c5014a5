"""Rows and reservations between wire and ledger: a receipt is a time in one and a place in the other."""

from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from router.errors import Violation
from router.ledger import Hold, Reservation, ReservationState, StockRow, StockUpdate
from router.ledger_places import EARLIEST_SECONDS, LATEST_SECONDS, receipt_place
from server.api.sourcing.v1 import reservation_pb2, stock_pb2
from server.convert_stock import (
    availability_to_proto,
    level_to_proto,
    parse_place,
    reservation_to_proto,
)

NOW = 1_750_000_000
RECEIPT = receipt_place("n", NOW)


def test_a_reservation_has_every_field() -> None:
    reservation = Reservation(
        reservation_id="r",
        order_id="o",
        state=ReservationState.EXPIRED,
        holds=(
            Hold(sku_id="k", node_id="n", quantity=2),
            Hold(sku_id="k", node_id=RECEIPT, quantity=3),
        ),
        created_at_seconds=NOW,
        expires_at_seconds=NOW + 60,
    )
    assert reservation_to_proto(reservation) == reservation_pb2.Reservation(
        reservation_id="r",
        order_id="o",
        state=reservation_pb2.RESERVATION_STATE_EXPIRED,
        holds=[
            reservation_pb2.ReservationHold(sku_id="k", node_id="n", quantity=2),
            reservation_pb2.ReservationHold(
                sku_id="k", node_id="n", quantity=3, expected_time=Timestamp(seconds=NOW)
            ),
        ],
        create_time=Timestamp(seconds=NOW),
        expire_time=Timestamp(seconds=NOW + 60),
    )


def test_a_level_says_what_its_update_does() -> None:
    assert level_to_proto(StockUpdate(sku_id="k", node_id="n", on_hand=4)) == stock_pb2.StockLevel(
        sku_id="k", node_id="n", on_hand=4
    )
    level = level_to_proto(StockUpdate(sku_id="k", node_id="n", on_hand=4, safety_stock=0))
    assert level.HasField("safety_stock")
    expected = level_to_proto(StockUpdate(sku_id="k", node_id=RECEIPT, on_hand=4))
    assert (expected.node_id, expected.expected_time.seconds) == ("n", NOW)
    assert parse_place(expected, "levels[0]", []) == RECEIPT


def test_availability_tells_every_figure() -> None:
    rows = [
        StockRow(sku_id="k", node_id=place, on_hand=7, reserved=4, safety_stock=1) for place in ("n", RECEIPT)
    ]
    here, expected = map(availability_to_proto, rows)
    names = set(expected.DESCRIPTOR.fields_by_name)
    assert {field.name for field, _ in expected.ListFields()} == names
    assert {field.name for field, _ in here.ListFields()} == names - {"expected_time"}
    assert (expected.node_id, expected.available_to_promise) == ("n", 2)


@pytest.mark.parametrize("seconds", [EARLIEST_SECONDS, NOW, LATEST_SECONDS])
def test_the_place_of_a_time_is_that_of_its_receipt(seconds: int) -> None:
    found: list[Violation] = []
    message = stock_pb2.StockAdjustment(node_id="n", expected_time=Timestamp(seconds=seconds))
    assert parse_place(message, "x", found) == receipt_place("n", seconds)
    assert found == []


@pytest.mark.parametrize(
    "time",
    [
        Timestamp(seconds=NOW, nanos=1),
        Timestamp(seconds=EARLIEST_SECONDS - 1),
        Timestamp(seconds=LATEST_SECONDS + 1),
        Timestamp(),
    ],
)
def test_a_time_that_no_receipt_has_is_told(time: Timestamp) -> None:
    found: list[Violation] = []
    parse_place(reservation_pb2.ReservationHold(node_id="n", expected_time=time), "holds[3]", found)
    assert [violation.field for violation in found] == ["holds[3].expected_time"]
