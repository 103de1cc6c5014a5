"""Dates of items that one node does not simply have now: that have to wait, for goods or for room, or come
from several nodes."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from router.domain import Delivery, OrderLine
from router.earliest import earliest
from router.kernels.promise import AVAILABLE, NODE, SECONDS, STAGE, WAY
from router.kernels.types import FAR
from router.promised import SUPPLY, Dates, Wanted
from router.question import Question
from router.rooms import Load
from router.times import latest_of


class Later:
    """Items for which dates, the room of nodes or several nodes together may count."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        compiled = wanted.snapshot.compiled
        self._strategy = compiled.strategies[wanted.strategy_ix]
        self._several = self._strategy.limits.line_splits != "never"
        self._waits = np.zeros(len(wanted.items), bool)
        if compiled.supply.rows[wanted.strategy_ix] or len(compiled.capacity):
            self._mark_waits()

    @cached_property
    def _question(self) -> Question:
        wanted = self._wanted
        return Question(wanted.context, wanted.snapshot, wanted.strategy_ix, wanted.now_seconds)

    def _mark_waits(self) -> None:
        wanted, stock = self._wanted, self._wanted.snapshot.stock
        busy = {units: self._busy(units) for units in set(wanted.units.tolist())}
        for i, (sku, need) in enumerate(zip(wanted.items.tolist(), wanted.units.tolist(), strict=True)):
            here = stock.node_ix[stock.sku_start[sku] : stock.sku_start[sku + 1]].tolist()
            self._waits[i] = self._question.supply.growth(sku) or not busy[need].isdisjoint(here)

    def rows(self, delivery: Delivery, at_once: Dates) -> list[int]:
        """Of the items to look at."""
        wanted, reach = self._wanted, at_once.reach
        if latest_of(wanted.context, self._strategy, delivery) <= wanted.now_seconds:
            return []
        found = self._waits.copy()
        if self._several and reach is not None:
            soonest = reach.seconds.min(axis=1, initial=FAR)
            for i in np.flatnonzero(~found & (wanted.units > 1)).tolist():
                whole = at_once.found[i, SECONDS] if at_once.node_count[i] else FAR
                found[i] = self._units_before(wanted.items[i], soonest < whole) >= wanted.units[i]
        rows: list[int] = np.flatnonzero(found).tolist()
        return rows

    def look(self, i: int, delivery: Delivery, dates: Dates) -> None:
        """Put the answer for item i into ``dates``."""
        wanted = self._wanted
        sku_id, units = wanted.snapshot.catalogue.ids.name(int(wanted.items[i])), int(wanted.units[i])
        line = OrderLine(line_id=sku_id, sku_id=sku_id, quantity=units, delivery_id=delivery.delivery_id)
        whenever = replace(delivery, earliest_seconds=None)
        order = replace(wanted.context, order_id="item", lines=(line,), deliveries=(whenever,))
        found = earliest(self._question.asked_of(order))
        assert dates.reach is not None
        way = dates.reach.ids.index(found.way) if found.node_count else -1
        seconds = found.seconds - self._question.origin_seconds if found.node_count else FAR
        dates.found[i, [NODE, WAY, SECONDS, AVAILABLE, STAGE]] = (
            found.node_ix,
            way,
            seconds,
            found.available,
            found.stage,
        )
        dates.node_count[i] = found.node_count
        if found.date_seconds > self._question.origin_seconds:
            dates.times[i, SUPPLY] = found.date_seconds

    def _units_before(self, sku: int, sooner: NDArray[np.bool_]) -> int:
        """That some nodes have together."""
        stock = self._wanted.snapshot.stock
        rows = slice(int(stock.sku_start[sku]), int(stock.sku_start[sku + 1]))
        units = np.maximum(stock.available[rows], 0)[sooner[stock.node_ix[rows]]]
        return int(units.sum(dtype=np.int64))

    def _busy(self, units: int) -> set[int]:
        """Nodes that cannot get an order of so many units of a SKU ready at once."""
        rooms, load = self._question.rooms, Load(1, 1, units)
        capable = np.flatnonzero(self._wanted.snapshot.compiled.capacity.any(axis=1)).tolist()
        return {n for n in capable if not rooms.takes(n, rooms.day_of(n, rooms.origin_seconds), load)}
