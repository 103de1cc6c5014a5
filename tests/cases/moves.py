"""Moving a reservation to another node, by the verbs of the ledger: hold there first, then let go here."""

from __future__ import annotations

from collections.abc import Mapping

from router.ledger import Hold, Ledger, ReserveCode, ReserveOutcome, ReserveRequest, StockUpdate
from server.ledger import MemoryLedger
from tests.worlds import NOW_SECONDS


def stocked(on_hand: Mapping[tuple[str, str], int]) -> MemoryLedger:
    """A ledger with ``on_hand[sku_id, node_id]`` units and a clock that stands still."""
    ledger = MemoryLedger(lambda: NOW_SECONDS)
    updates = [
        StockUpdate(sku_id=sku_id, node_id=node_id, on_hand=units)
        for (sku_id, node_id), units in on_hand.items()
    ]
    ledger.update_stock("", updates)
    return ledger


def hold(ledger: Ledger, sku_id: str, node_id: str, units: int) -> ReserveOutcome:
    """Hold units of one SKU at one node."""
    return ledger.reserve(
        ReserveRequest(
            request_id=f"{sku_id} at {node_id}",
            fingerprint="move",
            order_id="order",
            holds=(Hold(sku_id=sku_id, node_id=node_id, quantity=units),),
            ttl_seconds=600,
        )
    )


def move(ledger: Ledger, sku_id: str, units: int, source: str, target: str) -> ReserveOutcome:
    """Hold at ``source``, then move the hold to ``target``; returns the outcome there."""
    held = hold(ledger, sku_id, source, units).reservation
    assert held is not None
    outcome = hold(ledger, sku_id, target, units)
    if outcome.code is ReserveCode.HELD:
        ledger.release(held.reservation_id)
    return outcome


def reserved_at(ledger: Ledger, sku_id: str) -> dict[str, int]:
    """Reserved units by node."""
    return {row.node_id: row.reserved for row in ledger.stock(sku_id)}
