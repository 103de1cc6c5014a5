"""Supply by date (docs/cost-model.md): what of a SKU a node will have when, for one strategy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.calendar import DAY_SECONDS
from router.domain import FromReceipt, Pick, Plan
from router.receipts import Steps
from router.rules.model import Backorder, Preorder, Receipts
from router.snapshot import Snapshot
from router.stock import Stock
from router.timetable import HORIZON_DAYS


class Supply:
    """Of orders that a strategy decides at an instant."""

    def __init__(self, snapshot: Snapshot, strategy_ix: int, now_seconds: int) -> None:
        self._snapshot = snapshot
        self.rows = snapshot.compiled.supply.rows[strategy_ix]
        self._now_seconds = now_seconds
        self.origin_seconds = snapshot.compiled.timetable.origin(now_seconds)
        self._known: dict[int, dict[int, Steps]] = {}

    def growth(self, sku_ix: int) -> Mapping[int, Steps]:
        """By node row: when after the origin there will be how many more units of a SKU than before."""
        if not self.rows:
            return {}
        if sku_ix not in self._known:
            found: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
            for node, steps in self.receipts(sku_ix).items():
                for at, units in steps:
                    found[node][self._date(at)] += units
            for node, at, units in self.more(sku_ix):
                found[node][at] += units
            horizon = self.origin_seconds + HORIZON_DAYS * DAY_SECONDS
            self._known[sku_ix] = {
                node: tuple(sorted((at, n) for at, n in steps.items() if at <= horizon))
                for node, steps in found.items()
                if min(steps) <= horizon
            }
        return self._known[sku_ix]

    def receipts(self, sku_ix: int) -> dict[int, Steps]:
        """The receipts of a SKU that count, by node row."""
        cls = int(self._snapshot.compiled.catalogue.sku_class[sku_ix])
        own = [row for row in self.rows if isinstance(row.rule, Receipts) and row.classes[cls]]
        if not own:
            return {}
        found: dict[int, Steps] = {}
        for node, steps in self._snapshot.receipts.of(sku_ix).items():
            days = [row.rule.max_days for row in own if row.nodes[node] and isinstance(row.rule, Receipts)]
            last = self.origin_seconds + max(days, default=-1) * DAY_SECONDS
            counted = tuple((at, n) for at, n in steps if self._now_seconds < at <= last)
            if days and counted:
                found[node] = counted
        return found

    def more(self, sku_ix: int) -> list[tuple[int, int, int]]:
        """(node row, epoch seconds, units) of what is not known to come."""
        cls = int(self._snapshot.compiled.catalogue.sku_class[sku_ix])
        found = []
        for row in self.rows:
            rule = row.rule
            if isinstance(rule, Receipts) or not row.classes[cls]:
                continue
            for node in np.flatnonzero(row.nodes).tolist():
                at = self._from(rule, node)
                if at > self.origin_seconds:
                    found.append((node, at, rule.max_units))
        return found

    def _from(self, rule: Backorder | Preorder, node: int) -> int:
        """When the units of a rule come to a node."""
        if isinstance(rule, Backorder):
            return self.origin_seconds + rule.lead_days * DAY_SECONDS
        zone = self._snapshot.network.nodes[node].time_zone
        timetable = self._snapshot.compiled.timetable
        return self._date(timetable.beginning_of(rule.available_on, zone, self.origin_seconds))

    def _date(self, at_seconds: int) -> int:
        """As a date: a full minute where times are."""
        return self._snapshot.compiled.timetable.origin(at_seconds)


class Piles:
    """What the sources of a few SKUs have. A source is a node at a date: at the origin, and at each later one
    at which it will have more of one of them.

    nodes, dates: int64[n], the sources by node, then date (epoch seconds). For each SKU: has: bool[n],
    whether there is a row of it, units: int64[n], and price_cents: int32[n], 0 without stock prices.
    """

    def __init__(
        self,
        stock: Stock,
        skus: NDArray[np.int64],
        growth: Sequence[Mapping[int, Steps]],
        dates_of: Callable[[int, set[int]], Iterable[int]],
    ) -> None:
        """growth: for each SKU what ``Supply.growth`` says. dates_of: the dates of a node row, given those at
        which it gets more."""
        self.skus = skus
        self._growth = growth
        spans = [slice(int(stock.sku_start[s]), int(stock.sku_start[s + 1])) for s in skus]
        here = [stock.node_ix[span].astype(np.int64) for span in spans]
        grown: dict[int, set[int]] = {node: set() for rows in here for node in rows.tolist()}
        for own in growth:
            for node, steps in own.items():
                grown.setdefault(node, set()).update(at for at, _ in steps)
        sources = [(node, at) for node in sorted(grown) for at in sorted(dates_of(node, grown[node]))]
        self.nodes, self.dates = np.array(sources, np.int64).reshape(-1, 2).T.copy()
        self.has: list[NDArray[np.bool_]] = []
        self.units: list[NDArray[np.int64]] = []
        self.price_cents: list[NDArray[np.int32]] = []
        for i, (rows, span) in enumerate(zip(here, spans, strict=True)):
            has, units = np.zeros(len(self.nodes), bool), np.zeros(len(self.nodes), np.int64)
            price = np.zeros(len(self.nodes), np.int32)
            if len(rows):
                at = np.minimum(np.searchsorted(rows, self.nodes), len(rows) - 1)
                has = np.equal(rows[at], self.nodes)
                units = np.where(has, stock.available[span].astype(np.int64)[at], 0)
                if len(stock.price_cents):
                    price = np.where(has, stock.price_cents[span][at], 0).astype(np.int32)
            for node, steps in self._growth[i].items():
                first, stop = np.searchsorted(self.nodes, [node, node + 1]).tolist()
                for date, more in steps:
                    after = self.dates[first:stop] >= date
                    units[first:stop][after] += more
                    has[first:stop] |= after
            self.has.append(has)
            self.units.append(units)
            self.price_cents.append(price)

    def left(self, i: int, row: int, taken: Steps) -> int:
        """Units of SKU i that source ``row`` finds where others take some by dates: what is taken at a date
        is gone from then on, and not to be taken before either."""
        node, date = int(self.nodes[row]), int(self.dates[row])
        then = int(self.units[i][row])
        found = []
        for at in {date, *(d for d, _ in taken if d > date)}:
            grown = sum(n for d, n in self._growth[i].get(node, ()) if date < d <= at)
            found.append(then + grown - sum(n for d, n in taken if d <= at))
        return min(found)


def with_sources(plan: Plan, snapshot: Snapshot, supply: Supply) -> Plan:
    """The plan with what its picks are made of: units that are there, units of receipts, backordered ones."""
    if not supply.rows:
        return plan
    made: dict[tuple[int, int], Pick] = {}
    left: dict[tuple[str, str], list[_Lot]] = {}
    order = sorted(range(len(plan.shipments)), key=lambda s: plan.shipments[s].supply_seconds)
    for s in order:
        shipment = plan.shipments[s]
        for p, pick in enumerate(shipment.picks):
            key = (pick.sku_id, shipment.node_id)
            if key not in left:
                left[key] = _left(snapshot, supply, *key)
            made[s, p] = _drawn(pick, left[key], shipment.supply_seconds or supply.origin_seconds)
    shipments = (
        replace(shipment, picks=tuple(made[s, p] for p in range(len(shipment.picks))))
        for s, shipment in enumerate(plan.shipments)
    )
    return replace(plan, shipments=tuple(shipments))


class _Lot(NamedTuple):
    """Units of a SKU at a node from some time on: there now (0), of a receipt, or not known to come."""

    at_seconds: int
    units: int
    is_receipt: bool


def _left(snapshot: Snapshot, supply: Supply, sku_id: str, node_id: str) -> list[_Lot]:
    """What a node has later, by time, less what is owed already: its receipts, then what is not known to
    come."""
    sku, node = snapshot.catalogue.ids.find(sku_id), snapshot.compiled.node_rows[node_id]
    found = [_Lot(0, snapshot.stock.get(sku, node) or 0, is_receipt=False)]
    found += [_Lot(at, n, is_receipt=True) for at, n in supply.receipts(sku).get(node, ())]
    found += sorted(_Lot(at, n, is_receipt=False) for of, at, n in supply.more(sku) if of == node)
    owed = max(0, -found[0].units)
    for i, lot in enumerate(found):
        paid = min(owed, max(0, lot.units))
        owed, found[i] = owed - paid, lot._replace(units=max(0, lot.units) - paid)
    return found


def _drawn(pick: Pick, left: list[_Lot], date_seconds: int) -> Pick:
    """Takes a pick's units off ``left``. What others took in the meantime it still has: the ledger knows."""
    wanted, backordered = pick.quantity, 0
    receipts = []
    for i, lot in enumerate(left):
        units = min(wanted, lot.units) if lot.at_seconds <= date_seconds else 0
        left[i] = lot._replace(units=lot.units - units)
        wanted -= units
        if units and lot.is_receipt:
            receipts.append(FromReceipt(expected_seconds=lot.at_seconds, quantity=units))
        elif lot.at_seconds:
            backordered += units
    return replace(pick, receipts=tuple(receipts), backordered_quantity=backordered)
