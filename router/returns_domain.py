"""The vocabulary of returns: what comes back, from where, and where it could go. Frozen and plain; units and
instants as in ``router.domain``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

from router.domain import (
    MAX_ID_LENGTH,
    MAX_LINES,
    MAX_QUANTITY,
    MAX_UNIT_VALUE_CENTS,
    Destination,
    ReturnMethod,
)
from router.errors import Violation
from router.explanation import Rejection

MAX_PLANS = 50
"""Most plans that one answer ranks."""
MAX_SHIPPING_CENTS = 10**12
"""Dearest carriage of an original shipment."""


class Condition(IntEnum):
    """What state returned goods are in."""

    NEW = 1
    OPENED = 2
    DAMAGED = 3
    DEFECTIVE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnItem:
    """Units of one SKU in one condition.

    unit_value_cents: None takes what the original order said, or else the catalogue's value.
    original_node_id: the node that sent them, empty when not known. returned_before: units of the same
    order line that came back earlier; they came from the shipments that stand first.
    """

    line_id: str
    sku_id: str
    quantity: int
    condition: Condition = Condition.NEW
    unit_value_cents: int | None = None
    original_node_id: str = ""
    returned_before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalPick:
    """Units of an order line in an original shipment; ``unit_value_cents`` None for the catalogue's value."""

    line_id: str
    sku_id: str
    quantity: int
    unit_value_cents: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalShipment:
    """What a node sent. shipping_cents: what its carriage cost."""

    node_id: str
    service_id: str
    picks: tuple[OriginalPick, ...]
    shipping_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """Goods on their way back. Exactly one of ``from_place`` (the customer is there) and
    ``drop_off_node_id`` (the goods are handed over at that node) is given.

    original: the shipments of the order, in their order; empty when not known.
    together: all lines go to one place. max_plans: plans that are ranked.
    """

    items: tuple[ReturnItem, ...]
    from_place: Destination | None = None
    drop_off_node_id: str = ""
    original: tuple[OriginalShipment, ...] = ()
    together: bool = False
    sourcing_profile: str = ""
    max_plans: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCost:
    """A cost by part, in cents. The last three lower it: ``total_cents`` is the sum of the others less these,
    and may be negative."""

    return_shipping_cents: int = 0
    transfer_cents: int = 0
    return_handling_cents: int = 0
    reconditioning_cents: int = 0
    split_cents: int = 0
    worth_cents: int = 0
    stock_need_cents: int = 0
    follow_source_cents: int = 0

    @property
    def total_cents(self) -> int:
        paid = self.return_shipping_cents + self.transfer_cents + self.return_handling_cents
        paid += self.reconditioning_cents + self.split_cents
        return paid - self.worth_cents - self.stock_need_cents - self.follow_source_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedUnits:
    """Units of a line that go the same way. unit_value_cents: what one was sold for. original_node_id: the
    node that sent them, empty when not known. reconditioned: made sellable again where they arrive."""

    line_id: str
    sku_id: str
    quantity: int
    condition: Condition
    unit_value_cents: int
    original_node_id: str = ""
    reconditioned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnPart:
    """What goes to one node, and how.

    drop_off_node_id: where the customer hands the goods over; empty for parcels. service_id: empty for
    goods that stay there. parcel_count and weight_grams: 0 parcels when nothing travels. distance_m: from
    the customer, or the drop-off node of a transfer, to the node.
    """

    node_id: str
    method: ReturnMethod
    drop_off_node_id: str
    service_id: str
    units: tuple[ReturnedUnits, ...]
    parcel_count: int
    weight_grams: int
    distance_m: int
    arrival_seconds: int
    cost: ReturnCost


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRefusal:
    """Everything that stands against a node for some units."""

    node_id: str
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnplacedUnits:
    """Units that no part carries, with the reasons of every node, by node id."""

    units: ReturnedUnits
    nodes: tuple[NodeRefusal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnPlan:
    """Parts by node id, and the whole cost, its split included."""

    parts: tuple[ReturnPart, ...]
    cost: ReturnCost
    unplaced: tuple[ReturnedUnits, ...] = ()

    @property
    def total_cents(self) -> int:
        return self.cost.total_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLine:
    """Units of a line that one original shipment brought.

    shipment_ix: its position in the original plan. goods_cents: their value. shipping_cents: their share of
    that shipment's cost of carriage; over all units of the shipment the shares add up to it.
    """

    line_id: str
    sku_id: str
    quantity: int
    shipment_ix: int
    node_id: str
    service_id: str
    unit_value_cents: int
    goods_cents: int
    shipping_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnDecision:
    """The ranking: all plans place the most units, cheapest first; none that is cheaper than the last is left
    out. ``unplaced`` belongs to the first plan; without any plan it is everything."""

    plans: tuple[ReturnPlan, ...]
    unplaced: tuple[UnplacedUnits, ...]
    refunds: tuple[RefundLine, ...]
    decided_at_seconds: int


def return_violations(request: Return) -> list[Violation]:
    """Everything wrong with a return that can be told without a catalogue, in field order."""
    found: list[Violation] = []

    def check_id(path: str, value: str, *, required: bool) -> None:
        if required and not value:
            found.append(Violation(path, "must not be empty"))
        elif len(value.encode()) > MAX_ID_LENGTH:
            found.append(Violation(path, f"is longer than {MAX_ID_LENGTH} bytes"))

    def check_range(path: str, value: int, low: int, high: int) -> None:
        if not low <= value <= high:
            found.append(Violation(path, f"{value} is not within {low}..{high}"))

    if not request.items:
        found.append(Violation("items", "a return needs at least one line"))
    elif len(request.items) > MAX_LINES:
        found.append(Violation("items", f"{len(request.items)} lines, at most {MAX_LINES}"))
    seen: set[str] = set()
    for i, item in enumerate(request.items[:MAX_LINES]):
        path = f"items[{i}]"
        check_id(f"{path}.line_id", item.line_id, required=True)
        if item.line_id and item.line_id in seen:
            found.append(Violation(f"{path}.line_id", f"{item.line_id!r} is used by an earlier line"))
        seen.add(item.line_id)
        check_id(f"{path}.sku_id", item.sku_id, required=True)
        check_range(f"{path}.quantity", item.quantity, 1, MAX_QUANTITY)
        if item.unit_value_cents is not None:
            check_range(f"{path}.unit_value_cents", item.unit_value_cents, 0, MAX_UNIT_VALUE_CENTS)
        check_id(f"{path}.original_node_id", item.original_node_id, required=False)
        check_range(f"{path}.returned_before", item.returned_before, 0, MAX_QUANTITY)
    found += _place_violations(request)
    found += _original_violations(request)
    check_id("drop_off_node_id", request.drop_off_node_id, required=False)
    check_id("sourcing_profile", request.sourcing_profile, required=False)
    check_range("max_plans", request.max_plans, 1, MAX_PLANS)
    return found


def _original_violations(request: Return) -> list[Violation]:
    found = []
    for s, shipment in enumerate(request.original):
        path = f"original_plan.shipments[{s}]"
        if not shipment.node_id:
            found.append(Violation(f"{path}.node_id", "must not be empty"))
        if not 0 <= shipment.shipping_cents <= MAX_SHIPPING_CENTS:
            message = f"{shipment.shipping_cents} is not within 0..{MAX_SHIPPING_CENTS}"
            found.append(Violation(f"{path}.shipping_cents", message))
        if not shipment.picks:
            found.append(Violation(f"{path}.picks", "must not be empty"))
        for p, pick in enumerate(shipment.picks):
            value = pick.unit_value_cents
            if not 1 <= pick.quantity <= MAX_QUANTITY:
                message = f"{pick.quantity} is not within 1..{MAX_QUANTITY}"
                found.append(Violation(f"{path}.picks[{p}].quantity", message))
            if value is not None and not 0 <= value <= MAX_UNIT_VALUE_CENTS:
                message = f"{value} is not within 0..{MAX_UNIT_VALUE_CENTS}"
                found.append(Violation(f"{path}.picks[{p}].unit_value_cents", message))
    return found


def _place_violations(request: Return) -> list[Violation]:
    place = request.from_place
    if place is None:
        wrong = not request.drop_off_node_id
        return [Violation("from_place", "is missing, and so is drop_off_node_id: give one")] if wrong else []
    if request.drop_off_node_id:
        return [Violation("drop_off_node_id", "is given together with from_place: give one")]
    found = []
    for name, degrees, limit in (("latitude", place.latitude, 90.0), ("longitude", place.longitude, 180.0)):
        if not math.isfinite(degrees) or abs(degrees) > limit:
            message = f"{degrees} is not within -{limit:.0f}..{limit:.0f} degrees"
            found.append(Violation(f"from_place.{name}", message))
    if len(place.postal_code.encode()) > MAX_ID_LENGTH:
        found.append(Violation("from_place.postal_code", f"is longer than {MAX_ID_LENGTH} bytes"))
    return found
