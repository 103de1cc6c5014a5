"""Between wire messages and the ledger: places of stock, rows, reservations."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from router.errors import Violation
from router.ledger import Change, Hold, Reservation, StockRow, StockUpdate
from router.ledger_places import EARLIEST_SECONDS, LATEST_SECONDS, receipt_place, split_place
from router.node_rows import is_node_row
from server.api.sourcing.v1 import reservation_pb2, stock_pb2
from server.convert import timestamp

Placed = stock_pb2.StockLevel | stock_pb2.StockAdjustment | reservation_pb2.ReservationHold
"""Messages with a node and, for a receipt, when it is expected."""


def parse_place(message: Placed, path: str, found: list[Violation]) -> str:
    """Where a row is. What is wrong with its time is added to ``found``, by a path that begins with
    ``path``."""
    if not message.HasField("expected_time"):
        return message.node_id
    expected = message.expected_time
    if expected.nanos or not EARLIEST_SECONDS <= expected.seconds <= LATEST_SECONDS:
        text = "is not a time in whole seconds from 2000-01-01 to 2100-01-01"
        found.append(Violation(f"{path}.expected_time", text))
        return message.node_id
    return receipt_place(message.node_id, expected.seconds)


def reservation_to_proto(reservation: Reservation) -> reservation_pb2.Reservation:
    """With what it holds of stock and receipts; what it takes of nodes' days follows from its plan."""
    return reservation_pb2.Reservation(
        reservation_id=reservation.reservation_id,
        order_id=reservation.order_id,
        state=reservation_pb2.ReservationState.ValueType(reservation.state),
        holds=[hold_to_proto(hold) for hold in reservation.holds if not is_node_row(hold.sku_id)],
        create_time=timestamp(reservation.created_at_seconds),
        expire_time=timestamp(reservation.expires_at_seconds),
    )


def hold_to_proto(hold: Hold) -> reservation_pb2.ReservationHold:
    node_id, expected = _shown(hold.node_id)
    return reservation_pb2.ReservationHold(
        sku_id=hold.sku_id, node_id=node_id, quantity=hold.quantity, expected_time=expected
    )


def level_to_proto(update: StockUpdate) -> stock_pb2.StockLevel:
    """What a caller sends to set a row."""
    node_id, expected = _shown(update.node_id)
    return stock_pb2.StockLevel(
        sku_id=update.sku_id,
        node_id=node_id,
        on_hand=update.on_hand,
        safety_stock=update.safety_stock,
        expected_time=expected,
    )


def availability_to_proto(row: StockRow) -> stock_pb2.Availability:
    node_id, expected = _shown(row.node_id)
    return stock_pb2.Availability(
        sku_id=row.sku_id,
        node_id=node_id,
        on_hand=row.on_hand,
        reserved=row.reserved,
        safety_stock=row.safety_stock,
        available_to_promise=row.available,
        expected_time=expected,
    )


def change_to_proto(change: Change) -> stock_pb2.StockChange:
    """Of a node's day the place tells the day."""
    node_id, expected = _shown(change.node_id)
    return stock_pb2.StockChange(
        version=change.version,
        sku_id=change.sku_id,
        node_id=node_id,
        expected_time=expected,
        available_to_promise=change.available,
        delta=change.delta,
        cause=change.cause,
        reference=change.reference,
    )


def _shown(place: str) -> tuple[str, Timestamp | None]:
    node_id, expected_seconds = split_place(place)
    return node_id, None if expected_seconds is None else timestamp(expected_seconds)
