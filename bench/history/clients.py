"""Clients that do what shops do, at random: reserve, confirm, release, retry, feed, read."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from router.errors import LedgerUnusable
from router.ledger import Hold, Ledger, ReserveRequest, StockUpdate

SKU_IDS = ("A", "B", "C", "D")
NODE_ID = "N"
FIRST_UNITS = 40
"""On hand of each SKU to begin with: few, so that many are sold out."""
PAUSE_SECONDS = 0.05
"""After the ledger could not be reached."""
_TTL_SECONDS = (1, 2, 600, 600)


@dataclass
class Client:
    """One caller. open_ids: reservations it may end. unsure: requests to which it has no answer. batch: how
    many requests it sends in a call."""

    name: str
    ledger: Ledger
    chance: random.Random
    batch: int = 1
    open_ids: list[str] = field(default_factory=list)
    unsure: list[ReserveRequest] = field(default_factory=list)
    asked_count: int = 0
    fed_count: int = 0

    def step(self) -> None:
        """One call, whatever comes of it. Raises what is no failure of the ledger's medium."""
        try:
            self._call()
        except LedgerUnusable:
            time.sleep(PAUSE_SECONDS)

    def _call(self) -> None:
        kind = self.chance.random()
        if self.unsure and kind < 0.5:
            self._reserve([self.unsure[0]])
            self.unsure.pop(0)
        elif self.open_ids and kind < 0.25:
            self.ledger.confirm(self._any_open())
        elif self.open_ids and kind < 0.5:
            self.ledger.release(self._any_open())
        elif self.open_ids and kind < 0.52:
            self.ledger.extend(self._any_open(), self.chance.choice(_TTL_SECONDS))
        elif kind < 0.55:
            self.fed_count += 1
            self.ledger.update_stock(f"{self.name}-feed-{self.fed_count}", self._delivery())
        elif kind < 0.6:
            self.ledger.stock_of(SKU_IDS)
        elif kind < 0.62:
            self.ledger.changes(max(0, self.ledger.version() - 20))
        else:
            requests = [self._request() for _ in range(self.batch)]
            self.unsure += requests
            self._reserve(requests)
            del self.unsure[-len(requests) :]

    def _any_open(self) -> str:
        """Some are asked for again, which has to be seen."""
        ix = self.chance.randrange(len(self.open_ids))
        return self.open_ids[ix] if self.chance.random() < 0.2 else self.open_ids.pop(ix)

    def _reserve(self, requests: Sequence[ReserveRequest]) -> None:
        for outcome in self.ledger.reserve_many(requests):
            if outcome.reservation is not None:
                self.open_ids.append(outcome.reservation.reservation_id)

    def _request(self) -> ReserveRequest:
        self.asked_count += 1
        name = f"{self.name}-{self.asked_count}"
        sku_ids = self.chance.sample(SKU_IDS, self.chance.choice((1, 1, 2, 3)))
        return ReserveRequest(
            request_id=name,
            fingerprint=name,
            order_id=name,
            holds=tuple(
                Hold(sku_id=sku_id, node_id=NODE_ID, quantity=self.chance.randint(1, 3)) for sku_id in sku_ids
            ),
            ttl_seconds=self.chance.choice(_TTL_SECONDS),
            payload=name.encode(),
        )

    def _delivery(self) -> list[StockUpdate]:
        sku_ids = self.chance.sample(SKU_IDS, 2)
        units = [self.chance.randint(1, 9 * self.batch) for _ in sku_ids]
        return [
            StockUpdate(sku_id=sku_id, node_id=NODE_ID, on_hand=on_hand, relative=True)
            for sku_id, on_hand in zip(sku_ids, units, strict=True)
        ]


def first_stock() -> list[StockUpdate]:
    """What there is before the clients begin."""
    return [StockUpdate(sku_id=sku_id, node_id=NODE_ID, on_hand=FIRST_UNITS) for sku_id in SKU_IDS]


def wall_clock() -> int:
    """Epoch seconds."""
    return int(time.time())
