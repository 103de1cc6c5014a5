"""What is fed to the program: inputs, and files of inputs that can be replayed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Input:
    """Bytes for a target: a request for a method, or the content of a file."""

    target: str
    data: bytes

    def line(self) -> str:
        """As it stands in a file of inputs."""
        return json.dumps({"target": self.target, "hex": self.data.hex()}) + "\n"


@dataclass(frozen=True, slots=True)
class Failure:
    """inputs: one after the other, to a new shop; the last one breaks the law that ``what`` tells of."""

    inputs: Sequence[Input]
    what: str


class BrokenLaw(Exception):
    """Something happened that must not, whatever the input."""


def write_case(path: Path, inputs: Iterable[Input]) -> None:
    """One input a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(each.line() for each in inputs))


def read_case(path: Path) -> list[Input]:
    """What ``write_case`` or a process that crashed has left."""
    found = []
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        found.append(Input(entry["target"], bytes.fromhex(entry["hex"])))
    return found
