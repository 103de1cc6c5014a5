"""The rules about what nodes will have: receipts, backorders and pre-orders."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from router.rules.selectors import Id, NodeSelector, SkuSelector, Strict


class _Supply(Strict):
    name: Id = Field(description="Appears in explanations; unique within the strategy.")
    skus: SkuSelector = Field(default=SkuSelector(), description="Lines the rule is about; all by default.")
    nodes: NodeSelector = NodeSelector()


class Receipts(_Supply):
    """Goods that the selected nodes expect within ``max_days`` may be promised."""

    kind: Literal["receipts"]
    max_days: Annotated[int, Field(ge=1, le=365)] = 365


class Backorder(_Supply):
    """The selected nodes supply up to ``max_units`` more of a SKU to an order, ``lead_days`` after it is
    placed."""

    kind: Literal["backorder"]
    lead_days: Annotated[int, Field(ge=1, le=365)]
    max_units: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000_000


class Preorder(_Supply):
    """The selected nodes supply up to ``max_units`` more of a SKU to an order from a local date on."""

    kind: Literal["preorder"]
    available_on: date
    max_units: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000_000


SupplyRule = Annotated[Receipts | Backorder | Preorder, Field(discriminator="kind")]
