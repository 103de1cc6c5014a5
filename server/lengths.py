"""How many entries the lists of requests may have: looked at before anything is done with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from google.protobuf.message import Message

from router.domain import MAX_LINES, MAX_SUBSTITUTES
from router.errors import InvalidInput, Violation
from router.order_checks import MAX_EXCLUSIONS

MAX_ROWS = 100_000
MAX_SKUS = 1_000
MAX_NODES = 10_000
MAX_HOLDS = 1_000
MAX_FALLBACKS = 20
MAX_ITEMS = 1_000
MAX_DELIVERIES = 50
MAX_DECLINED = 1_000
MAX_PARTS = 1_000
"""Shipments, picks, receipts and rejections of plans that come back."""
MAX_BACKLOG = 10

MOST: Mapping[str, Mapping[str, int]] = {
    "Order": {"lines": MAX_LINES, "deliveries": MAX_LINES, "exclusions": MAX_EXCLUSIONS},
    "OrderLine": {"substitutes": MAX_SUBSTITUTES},
    "ResourceOrderRequest": {
        "shipments": MAX_PARTS,
        "shipped_ixs": MAX_PARTS,
        "rejections": MAX_PARTS,
        "earlier_rejections": MAX_PARTS,
    },
    "Shipment": {"picks": MAX_PARTS},
    "Pick": {"receipts": MAX_PARTS},
    "GetPromiseRequest": {"items": MAX_ITEMS, "deliveries": MAX_DELIVERIES},
    "OfferOrderRequest": {"declined_node_ids": MAX_DECLINED},
    "SetStockRequest": {"levels": MAX_ROWS},
    "AdjustStockRequest": {"adjustments": MAX_ROWS},
    "GetAvailabilityRequest": {"sku_ids": MAX_SKUS, "node_ids": MAX_NODES},
    "CreateReservationRequest": {"holds": MAX_HOLDS, "fallbacks": MAX_FALLBACKS},
    "HoldSet": {"holds": MAX_HOLDS},
    "ConfirmReservationRequest": {"part": MAX_HOLDS},
    "RankReturnNodesRequest": {"items": MAX_LINES},
    "OriginalPlan": {"shipments": MAX_PARTS},
    "OriginalShipment": {"picks": MAX_PARTS},
    "SetNodeStateRequest": {"backlog": MAX_BACKLOG},
}
"""By message and list. The orders of ``SourceOrders`` are counted where they are known to be no quotes that
kernels answer (``server.max_orders_per_call``), and each is looked at by itself."""
WITHIN: Mapping[str, tuple[str, ...]] = {"RankReturnNodesRequest": ("original_plan",)}
"""Single messages that have lists, but for orders: whoever parses an order looks at it."""


def check_lengths(message: Message, path: str = "") -> None:
    """Raises InvalidInput that names the lists which are too long, and nothing else. path: what stands before
    the names of fields."""
    found = list(_too_long(message, path))
    if found:
        raise InvalidInput(found)


def _too_long(message: Message, path: str) -> Iterator[Violation]:
    fields = message.DESCRIPTOR.fields_by_name
    for name, most in MOST.get(message.DESCRIPTOR.name, {}).items():
        entries = getattr(message, name)
        kind = fields[name].message_type
        if len(entries) > most:
            yield Violation(f"{path}{name}", f"{len(entries)} entries, at most {most}")
        elif kind is not None and kind.name in MOST:
            for i, entry in enumerate(entries):
                yield from _too_long(entry, f"{path}{name}[{i}].")
    for name in WITHIN.get(message.DESCRIPTOR.name, ()):
        yield from _too_long(getattr(message, name), f"{path}{name}.")
