"""The methods of the API by group: what roles are made of."""

from __future__ import annotations

from typing import Literal

Group = Literal["source", "promise", "reserve", "resolve", "stock", "nodes", "returns", "read"]

GROUP_OF: dict[str, Group] = {
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
