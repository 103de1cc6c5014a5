"""Something made of files, made again when they change."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from router.errors import InvalidConfig
from server.logs import event

T = TypeVar("T")


class Watched(Generic[T]):
    """``value`` looks at the files each time. What cannot be read or used leaves the last good value in
    force and is reported once."""

    def __init__(self, what: str, paths: Sequence[Path], make: Callable[[], T]) -> None:
        """what: names the events ``what_renewed`` and ``what_failed``. make: raises InvalidConfig, as this
        does when the files are wrong already."""
        self._what = what
        self._paths = paths
        self._make = make
        self._lock = threading.Lock()
        self._seen = self._marks()
        self._value = make()

    def value(self) -> T:
        """By the files as they are now; the same object until they change."""
        with self._lock:
            marks = self._marks()
            if marks != self._seen:
                self._seen = marks
                self._renew()
            return self._value

    def _renew(self) -> None:
        names = ",".join(path.name for path in self._paths)
        try:
            self._value = self._make()
        except InvalidConfig as error:
            event(f"{self._what}_failed", level=logging.ERROR, files=names, reason=error.message)
        else:
            event(f"{self._what}_renewed", files=names)

    def _marks(self) -> list[tuple[int, int, int] | None]:
        """Tells one state of the files from another; None for one that is missing."""

        def mark(path: Path) -> tuple[int, int, int] | None:
            try:
                found = os.stat(path)
            except OSError:
                return None
            return found.st_mtime_ns, found.st_size, found.st_ino

        return [mark(path) for path in self._paths]
