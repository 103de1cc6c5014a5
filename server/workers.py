"""Several processes that serve one port: each decides by itself over the same ledger, and the kernel deals
new connections out among them."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from router.errors import InvalidConfig
from server.config import ADDRESS_VARIABLE, Config
from server.logs import event

WORKER_VARIABLE = "SOURCIER_WORKER"
"""Tells a process that it is a worker, and which."""
POLL_SECONDS = 0.2
STEADY_SECONDS = 60.0
"""A worker that ends sooner than this after its start is started again with a pause."""
PAUSE_SECONDS = 5.0


def worker_number() -> int:
    """Of this process, from 1; 0 when it is no worker."""
    return int(os.environ.get(WORKER_VARIABLE) or 0)


def check_workers(config: Config, count: int) -> None:
    """Raises InvalidConfig where processes cannot share what the config names."""
    if count > 1 and config.ledger is None:
        raise InvalidConfig.at("server.workers", "a ledger in memory belongs to one process")
    if count > 1 and config.address.startswith("unix:"):
        raise InvalidConfig.at("server.workers", "processes share a port, but no unix socket")


@dataclass(slots=True)
class _Worker:
    number: int
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    next_start: float = field(default=0.0)


class Workers:
    """Starts them, starts those that die again, and ends all of them together."""

    def __init__(self, command: Sequence[str], address: str, count: int, grace_seconds: float) -> None:
        """command: of a worker. address: ``host:port``; port 0 stands for any free one."""
        self._command = list(command)
        self._address = address
        self._workers = [_Worker(number) for number in range(1, count + 1)]
        self._grace_seconds = grace_seconds
        self._told = threading.Event()

    def run_until_told(self) -> int:
        """Until SIGTERM or SIGINT, which every worker gets too; main thread only. The exit code: that of a
        worker which could not begin, else 0. Raises InvalidConfig when the address cannot be used."""

        def tell(number: int, frame: FrameType | None) -> None:
            self._told.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, tell)
        with reserved(self._address) as holder:
            host = self._address.rpartition(":")[0]
            environ = os.environ | {ADDRESS_VARIABLE: f"{host}:{holder.getsockname()[1]}"}
            event("workers_started", workers=len(self._workers), port=holder.getsockname()[1])
            try:
                code = self._watch(environ)
            finally:
                self._end_all()
        event("workers_stopped", workers=len(self._workers))
        return code

    def _watch(self, environ: dict[str, str]) -> int:
        while not self._told.wait(POLL_SECONDS if self._workers[0].process else 0):
            for worker in self._workers:
                if worker.process is None:
                    if time.monotonic() >= worker.next_start:
                        self._start(worker, environ)
                    continue
                code = worker.process.poll()
                if code is None:
                    continue
                if code > 0:  # it said why, and would say so again
                    return code
                event("worker_died", level=logging.ERROR, worker=worker.number, signal=-code)
                now = time.monotonic()
                worker.process = None
                worker.next_start = now + (PAUSE_SECONDS if now - worker.started_at < STEADY_SECONDS else 0)
        return 0

    def _start(self, worker: _Worker, environ: dict[str, str]) -> None:
        own = environ | {WORKER_VARIABLE: str(worker.number)}
        worker.process = subprocess.Popen(self._command, env=own, start_new_session=True)
        worker.started_at = time.monotonic()
        event("worker_started", worker=worker.number, process=worker.process.pid)

    def _end_all(self) -> None:
        running = [worker.process for worker in self._workers if worker.process is not None]
        for process in running:
            process.terminate()
        until = time.monotonic() + self._grace_seconds + PAUSE_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def reserved(address: str) -> socket.socket:
    """Keeps a port for workers without listening on it. Raises InvalidConfig when it cannot be had, which is
    so too when another program serves it, workers or not."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as alone:  # fails where somebody shares it already
            alone.bind(where)
            where = (where[0], alone.getsockname()[1], *where[2:])
        holder = socket.socket(family, kind, protocol)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(where)
    except OSError as error:
        raise InvalidConfig.at("server.address", f"cannot listen on {address!r}") from error
    return holder


def serve_together(config: Config, path: Path, count: int, options: Sequence[str] = ()) -> int:
    """``sourcier serve`` of a config by so many workers until this process is told to stop. options: more of
    the command line. The exit code."""
    command = [sys.executable, "-m", "server.cli", "serve", "--config", str(path), *options]
    grace_seconds = config.drain_seconds + config.grace_seconds
    return Workers(command, config.address, count, grace_seconds).run_until_told()
