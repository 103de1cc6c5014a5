"""Servers in processes of their own, and what they use of the machine."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from bench.demo import wait_until_serving

CHANNEL_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
_UTIME, _STIME = 11, 12
"""Places in /proc/PID/stat, counted behind the name."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that reports SERVING."""

    channel: grpc.Channel
    pid: int

    def cpu_seconds(self) -> float:
        """User and system time so far; 0 where the machine does not tell (no /proc)."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[_UTIME]) + int(fields[_STIME])) / os.sysconf("SC_CLK_TCK")


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
            yield Running(channel, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=60)
