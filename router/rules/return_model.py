"""The vocabulary of ``returns:`` in a profile: which nodes accept returned goods, what each way of sending
them back costs, and what the goods are worth where they arrive.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from router.rules.selectors import Cents, Id, NodeSelector, SkuSelector, Strict, Weight

ConditionName = Literal["NEW", "OPENED", "DAMAGED", "DEFECTIVE"]
Percent = Annotated[Decimal, Field(ge=0, le=200, decimal_places=2)]


class _Eligibility(Strict):
    name: Id = Field(description="Appears in explanations; unique within the section.")
    skus: SkuSelector = Field(default=SkuSelector(), description="Goods the rule is about; all by default.")
    conditions: tuple[ConditionName, ...] = Field(
        default=(), description="Goods in one of these conditions only; in any by default."
    )


class AcceptReturns(_Eligibility):
    """Only the selected nodes accept the selected goods."""

    kind: Literal["accept_returns"]
    nodes: NodeSelector


class ExcludeReturns(_Eligibility):
    """The selected nodes do not accept the selected goods."""

    kind: Literal["exclude_returns"]
    nodes: NodeSelector


class MaxReturnDistance(_Eligibility):
    """The selected nodes accept goods only from within ``km`` (great circle from where the customer is)."""

    kind: Literal["max_distance"]
    nodes: NodeSelector = NodeSelector()
    km: Annotated[Decimal, Field(gt=0, le=21_000, decimal_places=3)]


ReturnEligibilityRule = Annotated[
    AcceptReturns | ExcludeReturns | MaxReturnDistance, Field(discriminator="kind")
]


class ReturnShipping(Strict):
    """The tariff of parcels from the customer."""

    kind: Literal["return_shipping"]
    weight: Weight = Decimal(1)


class Transfer(Strict):
    """The tariff of parcels from the node of the drop-off to another."""

    kind: Literal["transfer"]
    weight: Weight = Decimal(1)


class ReturnHandling(Strict):
    """``return_unit_cents`` of every node that takes the goods in, per unit."""

    kind: Literal["return_handling"]
    weight: Weight = Decimal(1)


class Reconditioning(Strict):
    """``recondition_unit_cents`` of the node, per unit that is reconditioned there."""

    kind: Literal["reconditioning"]
    weight: Weight = Decimal(1)


class Worth(Strict):
    """What a unit is worth at the selected nodes: ``percent`` of its value as it is, and
    ``reconditioned_percent`` where the node reconditions it (none: not worth doing). Of the ``worth``
    objectives that speak of a unit and a node, the first counts. Lowers the cost."""

    kind: Literal["worth"]
    nodes: NodeSelector = NodeSelector()
    skus: SkuSelector = SkuSelector()
    conditions: tuple[ConditionName, ...] = ()
    percent: Percent
    reconditioned_percent: Percent | None = None


class StockNeed(Strict):
    """The worth of a sellable unit (NEW, or reconditioned there) where it is scarce: one that finds r units
    (r < target_units) is worth ``cents`` x (target_units - r) / target_units, rounded down. Lowers the
    cost."""

    kind: Literal["stock_need"]
    weight: Weight = Decimal(1)
    nodes: NodeSelector = NodeSelector()
    cents: Cents
    target_units: Annotated[int, Field(ge=1, le=10_000)]


class FollowSource(Strict):
    """``cents`` are saved for every unit that goes back to the node that sent it. Lowers the cost."""

    kind: Literal["follow_source"]
    weight: Weight = Decimal(1)
    cents: Cents


class ReturnSplit(Strict):
    """A cost for every place beyond the first."""

    kind: Literal["split"]
    weight: Weight = Decimal(1)
    cents: Cents


ReturnObjective = Annotated[
    ReturnShipping
    | Transfer
    | ReturnHandling
    | Reconditioning
    | Worth
    | StockNeed
    | FollowSource
    | ReturnSplit,
    Field(discriminator="kind"),
]


class ReturnLimits(Strict):
    """What a return may look like.

    max_places: to so many nodes at most. drop_off_km: so far a customer who is at home goes to drop off.
    """

    max_places: Annotated[int, Field(ge=1, le=200)] = 200
    drop_off_km: Annotated[Decimal, Field(gt=0, le=21_000, decimal_places=3)] = Decimal(25)


class ReturnRules(Strict):
    """Where returned goods go. One section serves all returns of a profile."""

    eligibility: tuple[ReturnEligibilityRule, ...] = Field(default=(), max_length=48)
    objectives: tuple[ReturnObjective, ...] = ()
    limits: ReturnLimits = ReturnLimits()
