"""Between wire messages and the vocabulary: ``parse_x`` comes in, ``x_to_proto`` goes out.

Parsing collects *everything* that is wrong, by field path. What proto3 cannot tell apart from "not sent" is
optional in the contract or has presence; nothing unspecified passes silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from router.domain import (
    MAX_HOLD_SECONDS,
    MAX_ID_LENGTH,
    SEE_DELIVERIES,
    Delivery,
    DeliveryMethod,
    Destination,
    Exclusion,
    LineFill,
    Order,
    OrderFill,
    OrderLine,
    SalesChannel,
)
from router.errors import InvalidInput, Violation
from router.order_checks import order_violations
from server.api.sourcing.v1 import sourcing_pb2
from server.lengths import check_lengths

_TIMESTAMP_MIN, _TIMESTAMP_MAX = -62_135_596_800, 253_402_300_799


# Coming in


Check = Callable[[Order], Iterable[Violation]]
"""What else is wrong with an order: names that nobody knows, for one."""


F = TypeVar("F", OrderFill, LineFill)


def no_names(order: Order) -> Iterable[Violation]:
    """A ``Check`` without a catalogue."""
    return ()


def parse_order(message: sourcing_pb2.Order, now_seconds: int, check: Check = no_names) -> Order:
    """Raises InvalidInput when a field is missing or has no meaning; then it lists everything else that is
    wrong with the order too (``now_seconds`` is what its delivery deadline is compared with). What only
    has a wrong value is left for ``decide`` to find. Lists that are too long are all that is told."""
    check_lengths(message, "order.")
    found: list[Violation] = []
    deliveries = parse_deliveries(message.deliveries, "order.", found)
    if deliveries and message.HasField("destination"):
        found.append(Violation("order.destination", "must be absent when deliveries are stated"))
    destination = SEE_DELIVERIES
    if not deliveries:
        missing = [] if message.HasField("destination") else [Violation("order.destination", "is missing")]
        found += missing or _destination_violations("order.destination", message.destination)
        destination = _parse_destination(message.destination)
    channel = parse_channel(message.sales_channel, "order.", found)
    deliver_by = _parse_time(message, "deliver_by_time", "order", found)
    order = Order(
        order_id=message.order_id,
        lines=tuple(_parse_line(line, f"order.lines[{i}]", found) for i, line in enumerate(message.lines)),
        destination=destination,
        sales_channel=channel,
        customer_segment=message.customer_segment,
        sourcing_profile=message.sourcing_profile,
        deliver_by_seconds=deliver_by,
        deliveries=deliveries,
        selling_node_id=message.selling_node_id,
        fill=_parse_fill(OrderFill, message.fill, "order.fill", found),
        exclusions=tuple(
            Exclusion(
                node_id=excluded.node_id,
                sku_id=excluded.sku_id,
                until_seconds=_parse_time(excluded, "until_time", f"order.exclusions[{i}]", found),
            )
            for i, excluded in enumerate(message.exclusions)
        ),
    )
    if found:
        raise InvalidInput(found + _besides(found, [*order_violations(order, now_seconds), *check(order)]))
    return order


def parse_order_bytes(order_bytes: bytes, now_seconds: int) -> Order:
    """``parse_order`` of a message as it is kept."""
    return parse_order(sourcing_pb2.Order.FromString(order_bytes), now_seconds)


def _besides(found: list[Violation], more: Iterable[Violation]) -> list[Violation]:
    """What is missing has no wrong value too, nor has anything within it."""
    fields = [violation.field for violation in found]
    return [v for v in more if not any(v.field == f or v.field.startswith(f"{f}.") for f in fields)]


def _parse_time(
    message: sourcing_pb2.Order | sourcing_pb2.Delivery | sourcing_pb2.Exclusion,
    name: str,
    path: str,
    found: list[Violation],
) -> int | None:
    """Epoch seconds of an optional field."""
    if not message.HasField(name):  # type: ignore[arg-type]
        return None
    stated: Timestamp = getattr(message, name)
    if _is_timestamp(stated):
        return stated.seconds
    found.append(Violation(f"{path}.{name}", "is not a valid timestamp"))
    return None


def parse_channel(value: int, prefix: str, found: list[Violation]) -> SalesChannel:
    """Unspecified is WEB."""
    try:
        return SalesChannel(value or SalesChannel.WEB)
    except ValueError:
        found.append(Violation(f"{prefix}sales_channel", f"{value} is no sales channel"))
        return SalesChannel.WEB


def parse_deliveries(
    messages: Iterable[sourcing_pb2.Delivery], prefix: str, found: list[Violation]
) -> tuple[Delivery, ...]:
    """``prefix`` stands before the paths of violations, which are added to ``found``."""
    parsed = []
    for i, delivery in enumerate(messages):
        path = f"{prefix}deliveries[{i}]"
        destination = None
        if delivery.HasField("destination"):
            found += _destination_violations(f"{path}.destination", delivery.destination)
            destination = _parse_destination(delivery.destination)
        method = None
        if delivery.delivery_method:
            try:
                method = DeliveryMethod(delivery.delivery_method)
            except ValueError:
                text = f"{delivery.delivery_method} is no delivery method"
                found.append(Violation(f"{path}.delivery_method", text))
        parsed.append(
            Delivery(
                delivery_id=delivery.delivery_id,
                destination=destination,
                node_id=delivery.pickup_node_id,
                pickup_point_id=delivery.pickup_point_id,
                method=method,
                earliest_seconds=_parse_time(delivery, "earliest_time", path, found),
                requested_seconds=_parse_time(delivery, "requested_time", path, found),
                latest_seconds=_parse_time(delivery, "latest_time", path, found),
            )
        )
    return tuple(parsed)


def _destination_violations(path: str, place: sourcing_pb2.Destination) -> list[Violation]:
    """What is not there."""
    found = [] if place.country_code else [Violation(f"{path}.country_code", "must not be empty")]
    if not place.HasField("latitude"):
        found.append(Violation(f"{path}.latitude", "is missing"))
    if not place.HasField("longitude"):
        found.append(Violation(f"{path}.longitude", "is missing"))
    return found


def _parse_destination(place: sourcing_pb2.Destination) -> Destination:
    return Destination(
        country=place.country_code,
        postal_code=place.postal_code,
        latitude=place.latitude,
        longitude=place.longitude,
    )


def _parse_line(message: sourcing_pb2.OrderLine, path: str, found: list[Violation]) -> OrderLine:
    return OrderLine(
        line_id=message.line_id,
        sku_id=message.sku_id,
        quantity=message.quantity,
        unit_value_cents=message.unit_value_cents if message.HasField("unit_value_cents") else None,
        together=message.together,
        ship_alone=message.ship_alone,
        delivery_id=message.delivery_id,
        fill=_parse_fill(LineFill, message.fill, f"{path}.fill", found),
        substitutes=tuple(message.substitutes),
    )


def _parse_fill(kind: type[F], value: int, path: str, found: list[Violation]) -> F | None:
    """None for what is not stated."""
    known = {int(member): member for member in kind}
    if value and value not in known:
        found.append(Violation(path, f"{value} is not one of {', '.join(m.name for m in kind)}"))
    return known.get(value)


def _is_timestamp(message: Timestamp) -> bool:
    return _TIMESTAMP_MIN <= message.seconds <= _TIMESTAMP_MAX and 0 <= message.nanos <= 999_999_999


def envelope_violations(request_id: str, hold_seconds: int = 0, *, held: bool = True) -> list[Violation]:
    """What is wrong around the content. ``held``: the call changes something, so a retry must be known as
    one. 0 ``hold_seconds`` stands for the server's default."""
    found = []
    if held and not request_id:
        found.append(Violation("request_id", "must not be empty: it is what makes a retry harmless"))
    found += id_violations("request_id", request_id)
    if hold_seconds and not 1 <= hold_seconds <= MAX_HOLD_SECONDS:
        found.append(Violation("hold_seconds", f"{hold_seconds} is not within 1..{MAX_HOLD_SECONDS}"))
    return found


def id_violations(path: str, value: str) -> list[Violation]:
    """An id may be too long."""
    if len(value.encode()) > MAX_ID_LENGTH:
        return [Violation(path, f"is longer than {MAX_ID_LENGTH} bytes")]
    return []


# Going out


def timestamp(seconds: int) -> Timestamp:
    """Epoch seconds as a Timestamp."""
    return Timestamp(seconds=seconds)


def order_to_proto(order: Order) -> sourcing_pb2.Order:
    """What a caller sends for an order."""
    message = sourcing_pb2.Order(
        order_id=order.order_id,
        lines=[
            sourcing_pb2.OrderLine(
                line_id=line.line_id,
                sku_id=line.sku_id,
                quantity=line.quantity,
                unit_value_cents=line.unit_value_cents,
                together=line.together,
                ship_alone=line.ship_alone,
                delivery_id=line.delivery_id,
                fill=sourcing_pb2.LineFill.ValueType(int(line.fill or 0)),
                substitutes=line.substitutes,
            )
            for line in order.lines
        ],
        destination=None if order.deliveries else destination_to_proto(order.destination),
        sales_channel=sourcing_pb2.SalesChannel.ValueType(int(order.sales_channel)),
        customer_segment=order.customer_segment,
        sourcing_profile=order.sourcing_profile,
        deliveries=[delivery_to_proto(delivery) for delivery in order.deliveries],
        selling_node_id=order.selling_node_id,
        fill=sourcing_pb2.OrderFill.ValueType(int(order.fill or 0)),
        exclusions=[
            sourcing_pb2.Exclusion(
                node_id=excluded.node_id,
                sku_id=excluded.sku_id,
                until_time=None if excluded.until_seconds is None else timestamp(excluded.until_seconds),
            )
            for excluded in order.exclusions
        ],
    )
    if order.deliver_by_seconds is not None:
        message.deliver_by_time.CopyFrom(timestamp(order.deliver_by_seconds))
    return message


def destination_to_proto(place: Destination) -> sourcing_pb2.Destination:
    return sourcing_pb2.Destination(
        country_code=place.country,
        postal_code=place.postal_code,
        latitude=place.latitude,
        longitude=place.longitude,
    )


def delivery_to_proto(delivery: Delivery) -> sourcing_pb2.Delivery:
    def time(seconds: int | None) -> Timestamp | None:
        return None if seconds is None else timestamp(seconds)

    return sourcing_pb2.Delivery(
        delivery_id=delivery.delivery_id,
        destination=None if delivery.destination is None else destination_to_proto(delivery.destination),
        pickup_node_id=delivery.node_id,
        pickup_point_id=delivery.pickup_point_id,
        delivery_method=sourcing_pb2.DeliveryMethod.ValueType(delivery.method or 0),
        earliest_time=time(delivery.earliest_seconds),
        requested_time=time(delivery.requested_seconds),
        latest_time=time(delivery.latest_seconds),
    )
