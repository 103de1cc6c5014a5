"""How often a node lets an order down, in percent: see docs/cost-model.md, "Trust"."""

from __future__ import annotations

from collections.abc import Set
from decimal import Decimal

from router.network import Node
from router.rules.model import Mistrust


def rejected_percent(node: Node) -> int:
    """Of its shipments, 0..100."""
    return 100 - node.acceptance_percent


def missing_percent(node: Node, sku_labels: Set[str]) -> int:
    """Of its lines with a SKU of these labels, those that are not there and those it rejects for what they
    are, 0..200."""
    spoken = [trust for trust in node.trust if trust.sku_label in sku_labels]
    truths = [t.stock_truth_percent for t in spoken if t.stock_truth_percent is not None]
    truth = min(truths, default=node.stock_truth_percent)
    return 200 - truth - min((t.acceptance_percent for t in spoken), default=100)


def expected_cents(goal: Mistrust, percent: int) -> Decimal:
    """Of sourcing again with that chance, before the weight."""
    return Decimal(goal.resource_cents * percent) / 100
