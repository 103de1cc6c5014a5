"""The audit log: who changed stock, nodes or rules, when, and how that ended. A line of JSON each, on disk
before the caller has the answer."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from router.errors import InvalidConfig


class AuditLog:
    """Appends to a file, which it makes if it is missing. Raises InvalidConfig when it cannot."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        """clock: epoch seconds."""
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise InvalidConfig.at("audit.path", f"cannot be written: {error.strerror}") from error

    def write(self, what: str, *, subject: str = "", outcome: str = "OK", **facts: object) -> None:
        """One line. facts: ids and counts, no other content of requests. Raises OSError when it cannot be."""
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        entry = {"time": at, "what": what, "subject": subject, "outcome": outcome, **facts}
        line = json.dumps(entry, ensure_ascii=False, default=str) + "\n"
        with self._lock:
            os.write(self._file, line.encode(errors="replace"))
            os.fsync(self._file)

    def close(self) -> None:
        with self._lock:
            os.close(self._file)
