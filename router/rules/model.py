"""The rule vocabulary: what a rule file may say, and nothing else. Unknown keys are refused.

    profile > strategies > (conditions, eligibility rules, supply, objectives, limits)

Cents may be given with a weight; both are multiplied once, when rules are compiled, and rounded half up
to whole cents, so that decisions only ever add integers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from router.rules.resource_model import OfferRules, ResourceRules
from router.rules.return_model import ReturnRules
from router.rules.selectors import Cents, Country, Id, NodeSelector, NodeTypeName, SkuSelector, Strict, Weight
from router.rules.supply_model import Backorder, Preorder, Receipts, SupplyRule

__all__ = [
    "Backorder",
    "Country",
    "Id",
    "NodeSelector",
    "NodeTypeName",
    "Preorder",
    "Receipts",
    "SkuSelector",
]
"""Named here as well, for those who read rules."""

MethodName = Literal["SHIP", "PICKUP", "SHIP_TO_STORE", "PICKUP_POINT", "CARRY_OUT", "RESERVE_AND_COLLECT"]
ChannelName = Literal["WEB", "MOBILE", "STORE", "CALL_CENTER", "KIOSK", "MARKETPLACE", "SOCIAL"]


class _Eligibility(Strict):
    name: Id = Field(description="Appears in explanations; unique within the strategy.")
    skus: SkuSelector = Field(default=SkuSelector(), description="Lines the rule is about; all by default.")


class AllowNodes(_Eligibility):
    """Only the selected nodes may supply the selected SKUs."""

    kind: Literal["allow_nodes"]
    nodes: NodeSelector


class ExcludeNodes(_Eligibility):
    """The selected nodes may not supply the selected SKUs."""

    kind: Literal["exclude_nodes"]
    nodes: NodeSelector


class MaxDistance(_Eligibility):
    """The selected nodes supply only destinations within ``km`` (great circle)."""

    kind: Literal["max_distance"]
    nodes: NodeSelector = NodeSelector()
    km: Annotated[Decimal, Field(gt=0, le=21_000, decimal_places=3)]


class SameCountry(_Eligibility):
    """The selected nodes supply only destinations in their own country."""

    kind: Literal["same_country"]
    nodes: NodeSelector = NodeSelector()


class MinRemaining(_Eligibility):
    """The selected nodes keep at least ``units`` of the SKU after the order is taken."""

    kind: Literal["min_remaining"]
    nodes: NodeSelector = NodeSelector()
    units: Annotated[int, Field(ge=1, le=1_000_000)]


class ExcludeServices(_Eligibility):
    """The selected SKUs do not travel by these carrier services (by id or label)."""

    kind: Literal["exclude_services"]
    services: tuple[Id, ...] = ()
    labels: tuple[Id, ...] = ()


class AllowMethods(_Eligibility):
    """The selected nodes supply the selected SKUs only by these delivery methods."""

    kind: Literal["allow_methods"]
    nodes: NodeSelector = NodeSelector()
    methods: Annotated[tuple[MethodName, ...], Field(min_length=1)]


class ExcludeMethods(_Eligibility):
    """The selected nodes do not supply the selected SKUs by these delivery methods."""

    kind: Literal["exclude_methods"]
    nodes: NodeSelector = NodeSelector()
    methods: Annotated[tuple[MethodName, ...], Field(min_length=1)]


class AllowCountries(_Eligibility):
    """The selected nodes send the selected SKUs to these countries only."""

    kind: Literal["allow_countries"]
    nodes: NodeSelector = NodeSelector()
    countries: Annotated[tuple[Country, ...], Field(min_length=1)]


class ExcludeCountries(_Eligibility):
    """The selected nodes do not send the selected SKUs to these countries."""

    kind: Literal["exclude_countries"]
    nodes: NodeSelector = NodeSelector()
    countries: Annotated[tuple[Country, ...], Field(min_length=1)]


EligibilityRule = Annotated[
    AllowNodes
    | ExcludeNodes
    | MaxDistance
    | SameCountry
    | MinRemaining
    | ExcludeServices
    | AllowMethods
    | ExcludeMethods
    | AllowCountries
    | ExcludeCountries,
    Field(discriminator="kind"),
]


class Shipping(Strict):
    """The carrier's tariff."""

    kind: Literal["shipping"]
    weight: Weight = Decimal(1)


class Transfer(Strict):
    """The tariff of the retailer's own transport, and the price of hubs."""

    kind: Literal["transfer"]
    weight: Weight = Decimal(1)


class Handling(Strict):
    """The node's own cost per shipment, line and unit."""

    kind: Literal["handling"]
    weight: Weight = Decimal(1)


class Mistrust(Strict):
    """``resource_cents``, the price of sourcing goods again, times the chance that the node rejects a
    shipment, and for each line that its goods are not there."""

    kind: Literal["mistrust"]
    weight: Weight = Decimal(1)
    resource_cents: Cents


class DelayStep(Strict):
    """From ``from_days`` on, the order costs ``cents`` more (steps add up)."""

    from_days: Annotated[int, Field(ge=1, le=365)]
    cents: Cents


class Delay(Strict):
    """A cost of the days (started days from the order to the arrival of the last shipment)."""

    kind: Literal["delay"]
    weight: Weight = Decimal(1)
    free_days: Annotated[int, Field(ge=0, le=365)] = 0
    cents_per_day: Cents = 0
    steps: tuple[DelayStep, ...] = ()


class Lateness(Strict):
    """A cost of the started days from the requested time to the arrival of a delivery's last shipment."""

    kind: Literal["lateness"]
    weight: Weight = Decimal(1)
    cents_per_day: Cents = 0
    steps: tuple[DelayStep, ...] = ()


class Waiting(Strict):
    """A cost of each unit for each started day until its node has it, or room for it."""

    kind: Literal["waiting"]
    weight: Weight = Decimal(1)
    cents_per_day: Cents


class Split(Strict):
    """A cost for every shipment beyond the first."""

    kind: Literal["split"]
    weight: Weight = Decimal(1)
    cents: Cents


class StockDepth(Strict):
    """The worth of taking scarce units: a unit that leaves r units behind (r < target_units) costs
    ``cents`` x (target_units - r) / target_units, rounded down."""

    kind: Literal["stock_depth"]
    weight: Weight = Decimal(1)
    nodes: NodeSelector = NodeSelector()
    cents: Cents
    target_units: Annotated[int, Field(ge=1, le=10_000)]


class StockPrice(Strict):
    """What the units taken are worth to orders to come: the price of their SKU at their node."""

    kind: Literal["stock_price"]
    weight: Weight = Decimal(1)


class NodeLoad(Strict):
    """The price of a busy node: of each order, line or unit, as the node states its capacity; nothing up to
    ``from_percent`` of the day's capacity, ``cents`` when all of it is taken."""

    kind: Literal["node_load"]
    weight: Weight = Decimal(1)
    nodes: NodeSelector = NodeSelector()
    cents: Cents
    from_percent: Annotated[int, Field(ge=0, le=99)] = 0


class Duty(Strict):
    """What crossing a border costs: ``percent`` of the value of each unit and ``line_cents`` for each order
    line that leave a node in another country than where they go."""

    kind: Literal["duty"]
    weight: Weight = Decimal(1)
    nodes: NodeSelector = NodeSelector()
    skus: SkuSelector = Field(default=SkuSelector(), description="SKUs it is raised on; all by default.")
    countries: tuple[Country, ...] = Field(default=(), description="Where the goods go; none: anywhere.")
    percent: Annotated[Decimal, Field(ge=0, le=1_000, decimal_places=3)] = Decimal(0)
    line_cents: Cents = 0


class Purchase(Strict):
    """What the node is paid for each unit: the price of its offer less the retailer's commission."""

    kind: Literal["purchase"]
    weight: Weight = Decimal(1)
    nodes: NodeSelector = NodeSelector()


class Substitution(Strict):
    """``cents`` for each unit that is sent in the place of another SKU."""

    kind: Literal["substitution"]
    weight: Weight = Decimal(1)
    cents: Cents


class Distance(Strict):
    """Great-circle kilometres from node to destination, per shipment or per unit."""

    kind: Literal["distance"]
    weight: Weight = Decimal(1)
    cents_per_km: Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=3)]
    per: Literal["shipment", "unit"] = "shipment"


class NodePriority(Strict):
    """``cents`` x (priority - 1) of the node, per shipment or per unit."""

    kind: Literal["node_priority"]
    weight: Weight = Decimal(1)
    cents: Cents
    per: Literal["shipment", "unit"] = "shipment"


Objective = Annotated[
    Shipping
    | Transfer
    | Handling
    | Mistrust
    | Purchase
    | Substitution
    | Delay
    | Lateness
    | Waiting
    | Split
    | StockDepth
    | StockPrice
    | NodeLoad
    | Duty
    | Distance
    | NodePriority,
    Field(discriminator="kind"),
]


class ValueRange(Strict):
    """Order value in cents, both ends included."""

    min_cents: Cents = 0
    max_cents: Cents = 10**12


class Conditions(Strict):
    """When a strategy applies: every stated key must match. Empty matches every order."""

    sales_channels: tuple[ChannelName, ...] = ()
    order_value: ValueRange | None = None
    destination_countries: tuple[Country, ...] = ()
    destination_zones: tuple[Id, ...] = ()
    customer_segments: tuple[Id, ...] = ()
    delivery_methods: tuple[MethodName, ...] = ()


class Limits(Strict):
    """What a plan may look like.

    max_nodes_per_order: 1 never splits. min_shipment_value_cents: an order is split only into
    parts (one node's goods) worth at least this. allow_partial: when not every unit can be had, send as
    many units as possible (then at the least cost) instead of nothing. max_late_days: arrivals later than
    so many days of 24 hours after the requested time are not allowed.
    """

    max_nodes_per_order: Annotated[int, Field(ge=1, le=200)] = 200
    min_shipment_value_cents: Cents = 0
    line_splits: Literal["never", "when_needed", "free"] = "when_needed"
    allow_partial: bool = False
    max_late_days: Annotated[int, Field(ge=0, le=365)] | None = None


class Consolidation(Strict):
    """Where what several nodes send to one address may be put together first: at the selected nodes that
    state ``pickup_lead_minutes``."""

    hubs: NodeSelector = NodeSelector()


class Strategy(Strict):
    """One way to source, for the orders that match ``when``."""

    id: Id
    priority: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    when: Conditions = Conditions()
    eligibility: tuple[EligibilityRule, ...] = Field(default=(), max_length=48)
    supply: tuple[SupplyRule, ...] = Field(
        default=(), max_length=16, description="What may be promised besides what is there."
    )
    objectives: tuple[Objective, ...] = ()
    limits: Limits = Limits()
    consolidation: Consolidation | None = Field(default=None, description="Hubs on the way to an address.")
    fallback: Id | None = Field(default=None, description="Strategy tried next when this one cannot source.")


class Profile(Strict):
    """Strategies are tried by ascending ``priority`` (then file order): the first whose conditions match."""

    id: Id
    strategies: Annotated[tuple[Strategy, ...], Field(min_length=1, max_length=32)]
    returns: ReturnRules | None = Field(default=None, description="Where returned goods go.")
    resource: ResourceRules = Field(default=ResourceRules(), description="What follows a rejection.")
    offers: OfferRules = Field(default=OfferRules(), description="How orders are offered to nodes.")


class RuleSet(Strict):
    """A rule file. ``default_profile`` serves orders that name none."""

    version: Literal[1]
    default_profile: Id
    profiles: Annotated[tuple[Profile, ...], Field(min_length=1, max_length=16)]

    def profile_of(self, name: str) -> Profile:
        """The profile of an order that names this one, or none. Raises KeyError."""
        return {profile.id: profile for profile in self.profiles}[name or self.default_profile]
