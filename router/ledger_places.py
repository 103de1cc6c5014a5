"""Places of ledger rows: a node, or a receipt, units that a node expects at an instant. The row of a receipt
stands beside the node's own under a name made of both, ``NODE@2026-12-01T08:00:00Z``."""

from __future__ import annotations

from datetime import UTC, datetime

EARLIEST_SECONDS = 946_684_800
"""2000-01-01, the first instant at which units may be expected."""
LATEST_SECONDS = 4_102_444_800
"""2100-01-01, the last one."""
_FORM = "%Y-%m-%dT%H:%M:%SZ"
_FORM_LENGTH = 20


def receipt_place(node_id: str, expected_seconds: int) -> str:
    """The place of units that a node expects at an instant (epoch seconds, EARLIEST_ to LATEST_SECONDS)."""
    return f"{node_id}@{datetime.fromtimestamp(expected_seconds, UTC):{_FORM}}"


def split_place(place_id: str) -> tuple[str, int | None]:
    """The node of a place, and when its units are expected there; None for the node's own row. Cheap for what
    is no receipt."""
    if not place_id.endswith("Z") or place_id[-_FORM_LENGTH - 1 : -_FORM_LENGTH] != "@":
        return place_id, None
    node_id, text = place_id[: -_FORM_LENGTH - 1], place_id[-_FORM_LENGTH:]
    try:
        seconds = int(datetime.strptime(text, _FORM).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return place_id, None
    if not node_id or not EARLIEST_SECONDS <= seconds <= LATEST_SECONDS:
        return place_id, None
    return (node_id, seconds) if receipt_place(node_id, seconds) == place_id else (place_id, None)


def place_order(place_id: str) -> tuple[str, int]:
    """Sorts places by node; its own row comes first, then its receipts by time."""
    node_id, expected_seconds = split_place(place_id)
    return node_id, expected_seconds or 0
