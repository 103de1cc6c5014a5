"""What the audit log tells of a request: its rows, without anything about customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message

from server.security.methods import changed_rows

MAX_ROWS = 100
"""Rows of a request that are told; of more only their number."""
MAX_TEXT_LENGTH = 128


def told_rows(method: str, request: Message) -> dict[str, Any]:
    """Of an audited request, by name: request_id, feed_id, row_count, rows."""
    rows: Sequence[Message] = list(changed_rows(method, request))
    ids = {name: getattr(request, name, "")[:MAX_TEXT_LENGTH] for name in ("request_id", "feed_id")}
    found = [_told(row) for row in rows[:MAX_ROWS]]
    for row in found:
        row.pop("request_id", None)
    return {name: text for name, text in ids.items() if text} | {"row_count": len(rows), "rows": found}


def _told(message: Message) -> dict[str, Any]:
    """Its fields by name, also those that are zero; but for those that may be absent and are."""
    return {
        field.name: _plain(getattr(message, field.name), field.enum_type)
        for field in message.DESCRIPTOR.fields
        if not field.has_presence or message.HasField(field.name)
    }


def _plain(value: Any, enum: Any) -> Any:
    if isinstance(value, Message):
        return _told(value)
    if isinstance(value, str):
        return value[:MAX_TEXT_LENGTH]
    if enum is not None:
        known = enum.values_by_number.get(value)
        return value if known is None else known.name
    return value if isinstance(value, int) else [_plain(item, enum) for item in value[:MAX_ROWS]]
