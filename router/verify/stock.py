"""What a node has of a SKU, and when: docs/cost-model.md, "Supply by date".

Dates are epoch seconds; 0 stands for the origin, as in ``Shipment.supply_seconds``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from router.domain import DeliveryMethod, FromReceipt
from router.network import Node
from router.rules.model import Backorder, Preorder, Receipts, Strategy
from router.verify.case import Case
from router.verify.dates import DAY_SECONDS, HORIZON_SECONDS, begins, full_minute
from router.verify.facts import selects_node, selects_sku

Taken = Mapping[int, int]
"""Units of one SKU at one node, by the date of the part that takes them."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A receipt that counts, from ``from_seconds`` on."""

    from_seconds: int
    expected_seconds: int
    units: int


@dataclass(frozen=True, slots=True)
class Stock:
    """One SKU at one node under a strategy. available: now, possibly negative. receipts: by time. more: (from
    then on, units) by the other rules."""

    origin_seconds: int
    available: int
    receipts: tuple[Expected, ...] = ()
    more: tuple[tuple[int, int], ...] = ()

    def by(self, date: int) -> int:
        """All there is by a date."""
        at = max(date, self.origin_seconds)
        expected = sum(receipt.units for receipt in self.receipts if receipt.from_seconds <= at)
        return self.available + expected + sum(units for since, units in self.more if since <= at)

    def growth(self) -> set[int]:
        """The instants after the origin at which there is more than before."""
        steps = [(receipt.from_seconds, receipt.units) for receipt in self.receipts]
        return {at for at, units in (*steps, *self.more) if units and at > self.origin_seconds}

    def left(self, date: int, taken: Taken) -> int:
        """What a part of that date finds: units that others do not take from then on."""
        return min(
            self.by(at) - sum(units for other, units in taken.items() if other <= at)
            for at in (date, *(other for other in taken if other > date))
        )

    def made_of(self, picks: Sequence[tuple[int, int]]) -> list[tuple[tuple[FromReceipt, ...], int]]:
        """For each pick (date, units), by date: its units of receipts, and those that are backordered."""
        here, owed = max(0, self.available), max(0, -self.available)
        coming = [
            [receipt.expected_seconds, receipt.from_seconds, receipt.units] for receipt in self.receipts
        ]
        for receipt in coming:
            made_up = min(owed, receipt[2])
            receipt[2] -= made_up
            owed -= made_up
        found: list[tuple[tuple[FromReceipt, ...], int]] = []
        for date, units in picks:
            at_once = min(here, units)
            here, missing = here - at_once, units - at_once
            parts: list[FromReceipt] = []
            for receipt in coming:
                share = min(missing, receipt[2]) if receipt[1] <= max(date, self.origin_seconds) else 0
                if share:
                    parts.append(FromReceipt(expected_seconds=receipt[0], quantity=share))
                    receipt[2] -= share
                    missing -= share
            found.append((tuple(parts), missing))
        return found


def stock_of(case: Case, strategy: Strategy, node: Node, sku_id: str) -> Stock:
    """Of a node without a row nothing is there now."""
    origin, sku = case.origin_seconds, case.sku_of(sku_id)
    rules = [r for r in strategy.supply if selects_sku(r.skus, sku) and selects_node(r.nodes, node)]
    days = max((rule.max_days for rule in rules if isinstance(rule, Receipts)), default=-1)
    receipts = [
        Expected(full_minute(case.network, expected), expected, units)
        for expected, units in sorted(case.receipts(sku_id, node.node_id))
        if expected > case.now_seconds
    ]
    more: list[tuple[int, int]] = []
    for rule in rules:
        if isinstance(rule, Backorder):
            more.append((origin + rule.lead_days * DAY_SECONDS, rule.max_units))
        elif isinstance(rule, Preorder):
            since = begins(node, rule.available_on.toordinal(), origin, origin + HORIZON_SECONDS)
            if since is not None:
                more.append((full_minute(case.network, since), rule.max_units))
    return Stock(
        origin,
        case.available(sku_id, node.node_id) or 0,
        tuple(receipt for receipt in receipts if receipt.from_seconds <= origin + days * DAY_SECONDS),
        tuple(more),
    )


def dates_of(case: Case, strategy: Strategy, node: Node) -> list[int]:
    """The dates of a node for the delivery, the origin first."""
    if case.method(node) == DeliveryMethod.CARRY_OUT:
        return [0]
    sku_ids = {line.sku_id for line in case.lines.values()} if strategy.supply else set()
    dates = {0}.union(*(stock_of(case, strategy, node, i).growth() for i in sku_ids))
    further = (case.rooms.further_dates(node, date, case.whole_loads) for date in dates)
    return sorted(dates.union(*further))


def added(*taken: Taken) -> Counter[int]:
    """All of them together."""
    return sum((Counter(dict(units)) for units in taken), Counter[int]())
