"""The methods of the API: to which group each belongs, and which nodes a call of it changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

GROUP_OF = {
    "SourcingService/SourceOrder": "source",
    "SourcingService/SourceOrders": "source",
    "SourcingService/RankNodes": "source",
    "SourcingService/ExplainDecision": "read",
    "SourcingService/GetPromise": "promise",
    "SourcingService/ResourceOrder": "reserve",
    "OfferService/OfferOrder": "reserve",
    "OfferService/ClaimOffer": "reserve",
    "ReservationService/CreateReservation": "reserve",
    "ReservationService/ConfirmReservation": "resolve",
    "ReservationService/ReleaseReservation": "resolve",
    "ReservationService/ExtendReservation": "resolve",
    "ReservationService/GetReservation": "read",
    "StockService/SetStock": "stock",
    "StockService/AdjustStock": "stock",
    "StockService/GetAvailability": "promise",
    "StockService/ListStockChanges": "read",
    "StockService/GetReplica": "read",
    "NodeService/SetNodeState": "nodes",
    "NodeService/GetNodeState": "read",
    "ReturnsService/RankReturnNodes": "returns",
}
"""Every method of the API."""
HOLDING = frozenset({"SourcingService/SourceOrder", "SourcingService/SourceOrders"})
"""Methods of ``source`` that also need ``reserve`` unless they only ask (validate_only)."""
SET_STOCK, ADJUST_STOCK = "StockService/SetStock", "StockService/AdjustStock"
SET_NODE, RESOURCE, CLAIM = (
    "NodeService/SetNodeState",
    "SourcingService/ResourceOrder",
    "OfferService/ClaimOffer",
)
BY_NODE = frozenset({SET_STOCK, ADJUST_STOCK, SET_NODE, RESOURCE, CLAIM})
"""Methods that change something of single nodes."""
AUDITED = BY_NODE - {CLAIM}
"""Those of them that change stock or a node by themselves; reservations are in the ledger's own log."""


def changed_rows(method: str, request: Any) -> Iterable[Any]:
    """The messages of an audited request that say what is changed at a node each; they have a ``node_id``."""
    if method == SET_STOCK:
        return request.levels  # type: ignore[no-any-return]
    if method == ADJUST_STOCK:
        return request.adjustments  # type: ignore[no-any-return]
    return request.rejections if method == RESOURCE else (request,)


def changed_nodes(method: str, request: Any) -> set[str]:
    """Ids of the nodes that a request of BY_NODE changes."""
    return {row.node_id for row in changed_rows(method, request)}
