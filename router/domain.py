"""The vocabulary: what goes into a decision and what comes out. Frozen, plain, no behaviour beyond
checks. Money is integer cents, time integer epoch seconds, weight integer grams, distance integer metres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from enum import IntEnum

from router.errors import InvalidInput, Violation

MAX_LINES = 200
"""Most lines of one order."""
MAX_QUANTITY = 1_000_000
"""Most units on one line."""
MAX_UNIT_VALUE_CENTS = 1_000_000_000
MAX_ID_LENGTH = 128
"""Longest id, in UTF-8 bytes."""
MAX_HOLD_SECONDS = 604_800
"""Longest hold a caller may ask for: a week."""


class NodeType(IntEnum):
    """What kind of place supplies."""

    STORE = 1
    WAREHOUSE = 2
    DISTRIBUTION_CENTER = 3
    SUPPLIER = 4
    MARKETPLACE_SELLER = 5


class SalesChannel(IntEnum):
    """Where the order was placed."""

    WEB = 1
    MOBILE = 2
    STORE = 3
    CALL_CENTER = 4
    KIOSK = 5
    MARKETPLACE = 6
    SOCIAL = 7


class LineSplits(IntEnum):
    """May one line's quantity come from several nodes?"""

    NEVER = 0
    WHEN_NEEDED = 1
    """Only a line that no single eligible node can supply whole."""
    FREE = 2
    """Any line, wherever that is cheaper."""


class Status(IntEnum):
    """How a decision ended."""

    SOURCED = 1
    PARTIAL = 2
    UNSOURCEABLE = 3


class CertificateKind(IntEnum):
    """What is proven about a plan's cost."""

    EXACT = 1
    """No cheaper plan exists under the rules and the stock seen, and no earlier strategy has one."""
    BOUNDED = 2
    """A search limit was reached: no plan of the strategy that answered costs less than ``bound_cents``."""


class Method(IntEnum):
    """Which step of the ladder answered."""

    SUBSET_DP = 1
    MIP = 2
    GREEDY = 3


class Part(IntEnum):
    """The parts of a cost, in the order of every parts vector."""

    SHIPPING = 0
    HANDLING = 1
    DELAY = 2
    SPLIT = 3
    STOCK_DEPTH = 4
    DISTANCE = 5
    NODE_PRIORITY = 6


PART_COUNT = len(Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where the goods go. ``country`` is an ISO 3166-1 alpha-2 code; coordinates are WGS84 degrees."""

    country: str
    postal_code: str = ""
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line: ``quantity`` units of one SKU.

    together: lines with the same non-empty text leave from one node in one shipment.
    ship_alone: this line's group never shares a parcel with another group.
    unit_value_cents: sales value of one unit; None takes the catalogue's value.
    """

    line_id: str
    sku_id: str
    quantity: int
    unit_value_cents: int | None = None
    together: str = ""
    ship_alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One customer order. ``deliver_by_seconds`` is the latest arrival of every unit, None for none."""

    order_id: str
    lines: tuple[OrderLine, ...]
    destination: Destination
    sales_channel: SalesChannel = SalesChannel.WEB
    customer_segment: str = ""
    sourcing_profile: str = ""
    deliver_by_seconds: int | None = None


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
    place = order.destination
    for name, degrees, limit in (("latitude", place.latitude, 90.0), ("longitude", place.longitude, 180.0)):
        if not math.isfinite(degrees) or abs(degrees) > limit:
            bad(f"destination.{name}", f"{degrees} is not within -{limit:.0f}..{limit:.0f} degrees")
    check_id("destination.postal_code", place.postal_code, required=False)
    check_id("customer_segment", order.customer_segment, required=False)
    check_id("sourcing_profile", order.sourcing_profile, required=False)
    if order.deliver_by_seconds is not None and order.deliver_by_seconds < now_seconds:
        bad("deliver_by_time", "lies in the past")
    return found


def check_order(order: Order, now_seconds: int) -> None:
    """Raises InvalidInput (reason DEADLINE_PASSED when that is all that is wrong)."""
    found = order_violations(order, now_seconds)
    if found:
        late = all(v.field == "order.deliver_by_time" for v in found)
        raise InvalidInput(found, reason="DEADLINE_PASSED" if late else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A cost kept apart by part, all in cents; ``total_cents`` is their sum."""

    shipping_cents: int = 0
    handling_cents: int = 0
    delay_cents: int = 0
    split_cents: int = 0
    stock_depth_cents: int = 0
    distance_cents: int = 0
    node_priority_cents: int = 0

    @property
    def total_cents(self) -> int:
        return sum(self.parts())

    def parts(self) -> tuple[int, ...]:
        """The parts in the order of ``Part``."""
        return tuple(getattr(self, f.name) for f in fields(self))

    @classmethod
    def of(cls, parts: tuple[int, ...] | list[int]) -> Cost:
        """From a vector in the order of ``Part``."""
        return cls(**{f.name: int(v) for f, v in zip(fields(cls), parts, strict=True)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Units of one order line taken in one shipment."""

    line_id: str
    sku_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """What one node sends together by one carrier service.

    cost: this shipment's own parts; the order-level parts (delay, split) are zero here.
    arrival_seconds: epoch seconds at the destination.
    """

    node_id: str
    service_id: str
    picks: tuple[Pick, ...]
    parcel_count: int
    weight_grams: int
    distance_m: int
    arrival_seconds: int
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Shipments (by node order, then first line) and the whole cost with its order-level parts."""

    shipments: tuple[Shipment, ...]
    cost: Cost

    @property
    def total_cents(self) -> int:
        return self.cost.total_cents

    @property
    def promise_seconds(self) -> int:
        """Arrival of the last shipment, epoch seconds; 0 for an empty plan."""
        return max((s.arrival_seconds for s in self.shipments), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What is proven: ``bound_cents`` is a lower bound on the cost of every plan that fills as many
    units under the strategy that answered; ``gap_ppm`` is (cost - bound) / max(1, |cost|) in parts per
    million, rounded up. ``stopped_by`` names the limit that ended the search, empty when none did, and never
    with EXACT. Earlier strategies whose search was stopped before they had a plan come first, each as
    ``strategy ID: limit``, divided by ``; ``."""

    kind: CertificateKind
    method: Method
    bound_cents: int
    gap_ppm: int = 0
    stopped_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfilled:
    """Units of a line that no shipment carries."""

    line_id: str
    sku_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """What the decision was made from."""

    rules_hash: str
    stock_version: int
    engine_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The whole answer for one order. ``strategy_ids`` lists the strategies tried; the last one answered."""

    decision_id: str
    order_id: str
    status: Status
    strategy_ids: tuple[str, ...]
    plan: Plan
    unfilled: tuple[Unfilled, ...]
    certificate: Certificate
    versions: Versions
    decided_at_seconds: int
    alternatives: tuple[Plan, ...] = field(default=())
