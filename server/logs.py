"""Log lines for machines and people: ``event=started listen=127.0.0.1:7070 nodes=300``, or the same as JSON.

What is logged while a thread works on a call also says which: ``server.calls``.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime
from enum import StrEnum

from server.calls import current_fields

LOG = logging.getLogger("sourcier")


class LogFormat(StrEnum):
    """text: ``name=value`` with spaces between; json: an object a line."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """debug: every call; info: what changes, and calls that were wrong; warning, error: what went wrong."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def event(
    name: str, /, *, level: int = logging.INFO, error: BaseException | None = None, **fields: object
) -> None:
    """One line per event; values with spaces, quotes or line breaks are written as JSON strings. Never pass
    the content of a request. ``error`` adds its trace."""
    if not is_logged(level):
        return
    found = {"event": name, **fields, **{k: v for k, v in current_fields().items() if k not in fields}}
    text = " ".join(f"{key}={_word(value)}" for key, value in found.items())
    LOG.log(level, "%s", text, exc_info=error, extra={"fields": found})


def is_logged(level: int) -> bool:
    return LOG.isEnabledFor(level)


def set_up(level: LogLevel = LogLevel.INFO, form: LogFormat = LogFormat.TEXT) -> None:
    """Lines go to stderr, each with its time (UTC) and level."""
    handler = logging.StreamHandler()
    formatter = logging.Formatter(
        "time=%(asctime)s.%(msecs)03dZ level=%(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler.setFormatter(_AsJson() if form is LogFormat.JSON else formatter)
    LOG.handlers[:] = [handler]
    LOG.setLevel(level.upper())
    LOG.propagate = False


class _AsJson(logging.Formatter):
    """Numbers stay numbers; a trace is one text."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"time": at.replace("+00:00", "Z"), "level": record.levelname}
        line.update(getattr(record, "fields", {"message": record.getMessage()}))
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _word(value: object) -> str:
    text = str(value)
    plain = bool(text) and text.isprintable() and not any(c in text for c in ' "=')
    return text if plain else json.dumps(text, ensure_ascii=False)
