"""The vocabulary: what goes into a decision and what comes out. Frozen, plain, no behaviour beyond
checks. Money is integer cents, time integer epoch seconds, weight integer grams, distance integer metres.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from router.cost import Cost

MAX_SUBSTITUTES = 8
MAX_SCENARIOS = 64
"""Most ways to choose among the substitutes of an order's lines."""
MAX_LINES = 200
"""Most lines of one order."""
MAX_QUANTITY = 1_000_000
"""Most units on one line."""
MAX_STOCK_PRICE_CENTS = 10**8
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


class DeliveryMethod(IntEnum):
    """How goods reach the customer."""

    SHIP = 1
    """To an address."""
    PICKUP = 2
    """Collected in a store, from its own stock."""
    SHIP_TO_STORE = 3
    """Collected in a store, brought there from another node."""
    PICKUP_POINT = 4
    """Collected at a pick-up point."""
    CARRY_OUT = 5
    """Taken along at once in the store where it is ordered."""
    RESERVE_AND_COLLECT = 6
    """As PICKUP, but paid for when collected: held for a short time only."""


class ReturnMethod(IntEnum):
    """How returned goods come to a node."""

    DROP_OFF = 1
    """The customer brings them."""
    DROP_OFF_TRANSFER = 2
    """The customer brings them to another node, which sends them on."""
    PARCEL = 3
    """A carrier brings them from the customer."""


class LineSplits(IntEnum):
    """May one line's quantity come from several nodes?"""

    NEVER = 0
    WHEN_NEEDED = 1
    """Only a line that no single eligible node can supply whole."""
    FREE = 2
    """Any line, wherever that is cheaper."""


class OrderFill(IntEnum):
    """What becomes of an order of which something is missing."""

    FILL_OR_KILL = 1
    """Everything or nothing, whatever the strategy allows."""


class LineFill(IntEnum):
    """What becomes of a line of which something is missing."""

    FILL_OR_KILL = 1
    """An answer without all of the line is none."""
    WHOLE = 2
    """In a partial answer the line is sent whole or not at all."""


class Status(IntEnum):
    """How a decision ended."""

    SOURCED = 1
    PARTIAL = 2
    UNSOURCEABLE = 3


class CertificateKind(IntEnum):
    """What is proven about a plan's cost."""

    EXACT = 1
    """Under the rules and the stock seen no plan fills more units, and none that fills as many is cheaper,
    and no earlier strategy has one; without a plan: none exists."""
    BOUNDED = 2
    """That is not proven: no plan of the strategy that answered that fills as many units costs less than
    ``bound_cents``; without a plan: none was found before a limit."""


class Method(IntEnum):
    """Which step found the plan. Any may be proven best: GREEDY too, when it meets the bound."""

    SUBSET_DP = 1
    MIP = 2
    GREEDY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where the goods go. ``country`` is an ISO 3166-1 alpha-2 code; coordinates are WGS84 degrees."""

    country: str
    postal_code: str = ""
    latitude: float
    longitude: float


SEE_DELIVERIES = Destination(country="", latitude=0.0, longitude=0.0)
"""Destination of an order that states deliveries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Where and how some lines of an order reach the customer: exactly one of ``destination`` (an address),
    ``node_id`` (a store where they are collected) and ``pickup_point_id``.

    onward: of a delivery to a store: the address to which everything is sent on from there, in one shipment;
    not for orders to state. method: None: whatever reaches the place. earliest_seconds, latest_seconds:
    arrivals outside are not allowed; requested_seconds: later ones may cost. Epoch seconds, None for none.
    """

    delivery_id: str
    destination: Destination | None = None
    node_id: str = ""
    pickup_point_id: str = ""
    method: DeliveryMethod | None = None
    earliest_seconds: int | None = None
    requested_seconds: int | None = None
    latest_seconds: int | None = None
    onward: Destination | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line: ``quantity`` units of one SKU.

    together: lines with the same non-empty text leave from one node in one shipment.
    ship_alone: this line's group never shares a parcel with another group.
    delivery_id: the delivery it belongs to, where the order states several.
    unit_value_cents: sales value of one unit; None takes the catalogue's value.
    fill: None: short or not, as the strategy allows.
    substitutes: SKUs that may be sent instead, the preferred one first; one for all of the line.
    ordered_sku_id: of a line that is served with a substitute: what was ordered. kit_line_id: of a line of
    components: the line of their kits.
    """

    line_id: str
    sku_id: str
    quantity: int
    unit_value_cents: int | None = None
    together: str = ""
    ship_alone: bool = False
    delivery_id: str = ""
    fill: LineFill | None = None
    substitutes: tuple[str, ...] = ()
    ordered_sku_id: str = ""
    kit_line_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A node that an order takes nothing from before ``until_seconds`` (epoch), or nothing of one SKU. Empty
    ``sku_id``: of any. ``until_seconds`` None: ever."""

    node_id: str
    sku_id: str = ""
    until_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One customer order. ``deliver_by_seconds`` is the latest arrival of every unit, None for none.

    deliveries: where the lines go, if not all to ``destination`` and shipped. selling_node_id: the store in
    which it is taken. fill: None: short or not, as the strategy allows. exclusions: what nodes are not asked.
    """

    order_id: str
    lines: tuple[OrderLine, ...]
    destination: Destination = SEE_DELIVERIES
    deliveries: tuple[Delivery, ...] = ()
    selling_node_id: str = ""
    sales_channel: SalesChannel = SalesChannel.WEB
    customer_segment: str = ""
    sourcing_profile: str = ""
    deliver_by_seconds: int | None = None
    fill: OrderFill | None = None
    exclusions: tuple[Exclusion, ...] = ()

    @property
    def sku_ids(self) -> list[str]:
        """All that it may be served with."""
        return list(dict.fromkeys(sku for line in self.lines for sku in (line.sku_id, *line.substitutes)))

    @property
    def states_fill(self) -> bool:
        """Does it ask for more than its strategy?"""
        return self.fill is not None or any(line.fill is not None for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class FromReceipt:
    """Units of a pick that are not there yet: of a receipt expected then (epoch seconds)."""

    expected_seconds: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Units of one order line taken in one shipment. receipts, backordered_quantity: those that are not there
    yet, by what they come from; a backordered unit comes from nothing that is known yet."""

    line_id: str
    sku_id: str
    quantity: int
    receipts: tuple[FromReceipt, ...] = ()
    backordered_quantity: int = 0

    @property
    def on_hand_quantity(self) -> int:
        """Units that are there now."""
        return self.quantity - self.backordered_quantity - sum(r.quantity for r in self.receipts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """What one node sends together by one carrier service.

    cost: this shipment's own parts; those of the whole delivery (delay, lateness, split) are zero here.
    service_id: empty where goods are collected from the node's own stock; a path's id where they change
    service. arrival_seconds: epoch seconds at which the customer has them, or can.
    """

    node_id: str
    service_id: str
    picks: tuple[Pick, ...]
    parcel_count: int
    weight_grams: int
    distance_m: int
    arrival_seconds: int
    cost: Cost
    delivery_id: str = ""
    method: DeliveryMethod = DeliveryMethod.SHIP
    supply_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """The shipment in which a hub sends on what has come together there. ready_seconds: when the last of it
    has (epoch seconds)."""

    node_id: str
    service_id: str
    ready_seconds: int
    parcel_count: int
    weight_grams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPlan:
    """What one delivery costs, with the parts that its shipments share, and when the last of it arrives
    (epoch seconds). onward: from the hub, if its shipments go to one."""

    delivery_id: str
    cost: Cost
    promise_seconds: int
    onward: Onward | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Shipments (by delivery as stated, then node, then first line) and the whole cost with the parts that
    shipments share. deliveries: those with shipments, where the order states deliveries or any of them goes
    over a hub."""

    shipments: tuple[Shipment, ...]
    cost: Cost
    deliveries: tuple[DeliveryPlan, ...] = ()

    @property
    def total_cents(self) -> int:
        return self.cost.total_cents

    @property
    def promise_seconds(self) -> int:
        """When the last of it arrives, epoch seconds; 0 for an empty plan."""
        ends = [own.promise_seconds for own in self.deliveries]
        return max(ends or [s.arrival_seconds for s in self.shipments], default=0)


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
