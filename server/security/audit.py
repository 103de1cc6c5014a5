"""The audit log: who changed stock, nodes or rules, when, and how that ended. A line of JSON each, on disk
before the caller has the answer."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from router.errors import InvalidConfig, SourcierError


class AuditUnusable(SourcierError):
    """A line cannot be written: the change may have been made, but is not acknowledged."""

    reason = "AUDIT_UNUSABLE"


class AuditLog:
    """Appends to a file, which it makes if it is missing; processes may share it. A line that a crash or a
    full disk cut short stays as it is: it is ended, and the next one says so. Raises InvalidConfig when the
    file cannot be used."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        """clock: epoch seconds."""
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        try:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            size = os.fstat(self._file).st_size
            self._is_cut = size > 0 and os.pread(self._file, 1, size - 1) != b"\n"
        except OSError as error:
            raise InvalidConfig.at("audit.path", f"cannot be written: {error.strerror}") from error

    def write(self, what: str, *, subject: str = "", outcome: str = "OK", **facts: object) -> None:
        """One line. facts: ids, counts and rows, no other content of requests. Raises AuditUnusable."""
        with self._lock:
            raw = self._line({"what": what, "subject": subject, "outcome": outcome, **facts})
            if self._is_cut:
                raw = b"\n" + self._line({"what": "audit", "subject": "", "outcome": "LINE_CUT_SHORT"}) + raw
            try:
                written = os.write(self._file, raw)
                os.fsync(self._file)
            except OSError as error:
                raise AuditUnusable(f"the audit log cannot be written: {error.strerror}") from error
            self._is_cut = 0 < written < len(raw)
            if written < len(raw):
                raise AuditUnusable("the audit log is full")

    def _line(self, entry: dict[str, object]) -> bytes:
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        return json.dumps({"time": at, **entry}, ensure_ascii=False).encode(errors="replace") + b"\n"

    def close(self) -> None:
        with self._lock:
            os.close(self._file)
