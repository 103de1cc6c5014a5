"""What can be told to be wrong with an order without a catalogue or a network."""

from __future__ import annotations

import math
from math import prod

from router.domain import (
    MAX_ID_LENGTH,
    MAX_LINES,
    MAX_QUANTITY,
    MAX_SCENARIOS,
    MAX_SUBSTITUTES,
    MAX_UNIT_VALUE_CENTS,
    SEE_DELIVERIES,
    Destination,
    Order,
)
from router.errors import Violation

MAX_EXCLUSIONS = 10_000


def order_violations(order: Order, now_seconds: int) -> list[Violation]:
    """Everything wrong with an order that can be told without a catalogue, in field order."""
    found: list[Violation] = []

    def bad(path: str, message: str) -> None:
        found.append(Violation(f"order.{path}", message))

    def check_id(path: str, value: str, *, required: bool) -> None:
        if required and not value:
            bad(path, "must not be empty")
        elif len(value.encode()) > MAX_ID_LENGTH:
            bad(path, f"is longer than {MAX_ID_LENGTH} bytes")

    check_id("order_id", order.order_id, required=True)
    if not order.lines:
        bad("lines", "an order needs at least one line")
    elif len(order.lines) > MAX_LINES:
        bad("lines", f"{len(order.lines)} lines, at most {MAX_LINES}")
    seen: set[str] = set()
    for i, line in enumerate(order.lines[:MAX_LINES]):
        check_id(f"lines[{i}].line_id", line.line_id, required=True)
        if line.line_id and line.line_id in seen:
            bad(f"lines[{i}].line_id", f"{line.line_id!r} is used by an earlier line")
        seen.add(line.line_id)
        check_id(f"lines[{i}].sku_id", line.sku_id, required=True)
        if not 1 <= line.quantity <= MAX_QUANTITY:
            bad(f"lines[{i}].quantity", f"{line.quantity} is not within 1..{MAX_QUANTITY}")
        value = line.unit_value_cents
        if value is not None and not 0 <= value <= MAX_UNIT_VALUE_CENTS:
            bad(f"lines[{i}].unit_value_cents", f"{value} is not within 0..{MAX_UNIT_VALUE_CENTS}")
        check_id(f"lines[{i}].together", line.together, required=False)
        if len(line.substitutes) > MAX_SUBSTITUTES:
            bad(f"lines[{i}].substitutes", f"{len(line.substitutes)} substitutes, at most {MAX_SUBSTITUTES}")
        for j, sku_id in enumerate(line.substitutes[:MAX_SUBSTITUTES]):
            if sku_id in (line.sku_id, *line.substitutes[:j]):
                bad(f"lines[{i}].substitutes[{j}]", f"{sku_id!r} is stated before")
    ways = prod(1 + len(line.substitutes) for line in order.lines)
    if ways > MAX_SCENARIOS:
        bad("lines", f"{ways} ways to choose among substitutes, at most {MAX_SCENARIOS}")
    if not order.deliveries and order.destination is SEE_DELIVERIES:
        bad("destination", "is missing")
    for path, place in addresses(order):
        found += place_violations(f"order.{path}", place)
    if len(order.exclusions) > MAX_EXCLUSIONS:
        bad("exclusions", f"{len(order.exclusions)} exclusions, at most {MAX_EXCLUSIONS}")
    check_id("customer_segment", order.customer_segment, required=False)
    check_id("sourcing_profile", order.sourcing_profile, required=False)
    if order.deliver_by_seconds is not None and order.deliver_by_seconds < now_seconds:
        bad("deliver_by_time", "lies in the past")
    return found


def place_violations(path: str, place: Destination) -> list[Violation]:
    """What is wrong with an address by itself."""
    found = [
        Violation(f"{path}.{name}", f"{degrees} is not within -{limit:.0f}..{limit:.0f} degrees")
        for name, degrees, limit in (
            ("latitude", place.latitude, 90.0),
            ("longitude", place.longitude, 180.0),
        )
        if not math.isfinite(degrees) or abs(degrees) > limit
    ]
    if len(place.postal_code.encode()) > MAX_ID_LENGTH:
        found.append(Violation(f"{path}.postal_code", f"is longer than {MAX_ID_LENGTH} bytes"))
    return found


def addresses(order: Order) -> list[tuple[str, Destination]]:
    """The addresses of an order, with their paths."""
    if not order.deliveries and order.destination is not SEE_DELIVERIES:
        return [("destination", order.destination)]
    return [
        (f"deliveries[{i}].destination", delivery.destination)
        for i, delivery in enumerate(order.deliveries)
        if delivery.destination is not None
    ]
