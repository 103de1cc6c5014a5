"""Log lines for machines and people: ``event=started listen=127.0.0.1:7070 nodes=300``."""

from __future__ import annotations

import json
import logging
import time

LOG = logging.getLogger("sourcier")


def event(
    name: str, /, *, level: int = logging.INFO, error: BaseException | None = None, **fields: object
) -> None:
    """One line per event; values with spaces, quotes or line breaks are written as JSON strings. Never pass
    the content of a request. ``error`` adds its trace."""
    words = [f"event={name}", *(f"{key}={_word(value)}" for key, value in fields.items())]
    LOG.log(level, "%s", " ".join(words), exc_info=error)


def set_up(level: int = logging.INFO) -> None:
    """Lines go to stderr, each with its time (UTC) and level."""
    handler = logging.StreamHandler()
    formatter = logging.Formatter(
        "time=%(asctime)s.%(msecs)03dZ level=%(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    LOG.handlers[:] = [handler]
    LOG.setLevel(level)
    LOG.propagate = False


def _word(value: object) -> str:
    text = str(value)
    plain = bool(text) and text.isprintable() and not any(c in text for c in ' "=')
    return text if plain else json.dumps(text, ensure_ascii=False)
