"""Servers in processes of their own, the load that is put on them, and what they use of the machine."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from bench.demo import wait_until_serving

SERVICE = "/sourcing.v1.SourcingService/"
CHANNEL_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
CALL_SECONDS = 600
_PARENT, _UTIME, _STIME = 1, 11, 12
"""Places in /proc/PID/stat, counted behind the name."""


@dataclass(frozen=True, slots=True)
class Load:
    """Calls of one method: the requests of a round, the orders in them, how many are under way at a time."""

    method: str
    kind: str
    requests: Sequence[bytes]
    orders: int
    window: int


@dataclass(frozen=True, slots=True)
class Running:
    """A server that reports SERVING."""

    channel: grpc.Channel
    pid: int
    address: str

    def cpu_seconds(self) -> float:
        """User and system time so far, of its children too; 0 where the machine does not tell (no /proc)."""
        stats = [_stat(path) for path in Path("/proc").glob("[0-9]*/stat")]
        own = [fields for pid, fields in stats if fields and self.pid in (pid, int(fields[_PARENT]))]
        ticks = sum(int(fields[_UTIME]) + int(fields[_STIME]) for fields in own)
        return ticks / os.sysconf("SC_CLK_TCK")


def _stat(path: Path) -> tuple[int, list[str]]:
    """A process and its figures; none when it has ended."""
    with suppress(OSError):
        return int(path.parent.name), path.read_text().rpartition(")")[2].split()
    return 0, []


@contextmanager
def running(
    command_at: Callable[[str], tuple[Sequence[str], dict[str, str]]], log: Path
) -> Iterator[Running]:
    """Starts what ``command_at(address)`` says, a command and what to add to its environment, and ends it.
    Raises RuntimeError with its log when it does not get ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command, more = command_at(address)
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **more})
    try:
        with grpc.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
            wait_until_serving(channel, process, log)
            yield Running(channel, process.pid, address)
    finally:
        process.terminate()
        process.wait(timeout=60)


def call_one(server: Running, load: Load, request: bytes) -> bytes:
    """One answer."""
    answer: bytes = _method(server, load)(request, timeout=CALL_SECONDS)
    return answer


def _method(server: Running, load: Load) -> Any:
    """Takes bytes, answers with bytes."""
    return server.channel.unary_unary(SERVICE + load.method)


def send(server: Running, load: Load) -> float:
    """Seconds for all requests of a round, bytes out and bytes in. Raises RuntimeError when a call fails."""
    call, room = _method(server, load), threading.Semaphore(load.window)
    failed: list[BaseException] = []

    def ended(future: Any) -> None:
        error = future.exception()
        if error is not None:
            failed.append(error)
        room.release()

    start = time.perf_counter()
    for request in load.requests:
        room.acquire()
        call.future(request, timeout=CALL_SECONDS).add_done_callback(ended)
    for _ in range(load.window):
        room.acquire()
    seconds = time.perf_counter() - start
    if failed:
        raise RuntimeError(f"{len(failed)} calls failed, the first with {failed[0]}")
    return seconds
