"""What a rule file says of sourcing again after a rejection; see docs/rules.md."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from router.rules.selectors import Strict

RejectionReason = Literal["NOT_FOUND", "DAMAGED", "BUSY", "TIMEOUT", "OTHER"]
StockEffect = Literal["set_zero", "subtract", "none"]
_USUAL_EFFECTS: dict[RejectionReason, StockEffect] = {"NOT_FOUND": "set_zero", "DAMAGED": "subtract"}


class OfferRules(Strict):
    """How an order is offered to nodes that may decline: to one after the other, or to several at once, of
    which the first to claim it gets it. answer_minutes: how long an offer stands, and holds its stock."""

    mode: Literal["in_turn", "at_once"] = "in_turn"
    at_most: Annotated[int, Field(ge=1, le=20)] = 3
    answer_minutes: Annotated[int, Field(ge=1, le=10_080)] = 30


class ResourceRules(Strict):
    """What follows the rejection of goods by a node: how often an order may be sourced again, how long the
    node is not asked, for what, and what a reason says of its stock."""

    max_attempts: Annotated[int, Field(ge=0, le=1_000)] = 3
    exclude_minutes: Annotated[int, Field(ge=0, le=1_000_000)] = 120
    exclude: Literal["sku", "node"] = "sku"
    reasons: dict[RejectionReason, StockEffect] = Field(
        default={}, description="NOT_FOUND: set_zero, DAMAGED: subtract, others: none, unless stated."
    )

    def effect_of(self, reason: RejectionReason) -> StockEffect:
        """What a rejection does to the stock of its goods."""
        return self.reasons.get(reason, _USUAL_EFFECTS.get(reason, "none"))
