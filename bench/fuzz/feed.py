"""Feeding inputs to the program, with a watchdog; and what is told of those that break a law."""

from __future__ import annotations

import re
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from bench.fuzz import readers
from bench.fuzz.case import BrokenLaw, Input
from bench.fuzz.shop import Shop

HANG_SECONDS = 60


class Hang(BaseException):
    """An input took longer than HANG_SECONDS. No Exception, so that nobody handles it."""


@contextmanager
def watchdog(seconds: float = HANG_SECONDS) -> Iterator[None]:
    """Raises Hang in the main thread. A hang outside of Python is seen by the process that waits for this."""

    def bark(number: int, frame: FrameType | None) -> None:
        raise Hang(f"no end after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, bark)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Feeder:
    """What inputs are fed to: a shop for requests, made when first needed, and readers of files.

    folder: where files to be read are written.
    """

    def __init__(self, folder: Path, make: Callable[[], Shop] = Shop) -> None:
        self.folder = folder
        self.make = make
        self._shop: Shop | None = None

    @property
    def shop(self) -> Shop:
        """The same until ``settle`` or ``forget``."""
        if self._shop is None:
            self._shop = self.make()
        return self._shop

    def feed(self, each: Input) -> tuple[str, bytes]:
        """How it ended (OK or a reason), and the answer. Raises BrokenLaw, Hang, or whatever was raised."""
        if each.target in readers.READERS:
            with watchdog():
                return readers.read(each.target, each.data, self.folder), b""
        shop = self.shop
        with watchdog():
            answered = shop.call(each.target, each.data)
        return answered.ended, answered.answer

    def settle(self) -> None:
        """All that is held is given back. Raises as ``feed``."""
        shop, self._shop = self._shop, None
        if shop is not None:
            with watchdog():
                shop.settle()

    def forget(self) -> None:
        """The next input gets a new shop."""
        self._shop = None


def broken_by(action: Callable[[], object]) -> str | None:
    """What an action tells when it fails; None when it does not."""
    try:
        action()
    except BrokenLaw as broken:
        return str(broken)
    except (Exception, Hang) as error:
        return f"{type(error).__name__}: {error}\n" + "".join(traceback.format_exception(error))
    return None


def what_breaks(inputs: Sequence[Input], feeder: Feeder) -> str | None:
    """The broken law that the inputs, fed to a new shop, lead to."""

    def play() -> None:
        for each in inputs:
            feeder.feed(each)
        feeder.settle()

    feeder.forget()
    what = broken_by(play)
    feeder.forget()
    return what


def kind_of(what: str) -> str:
    """Failures of the same kind differ in numbers and names only."""
    places = re.findall(r'File "[^"]*?([^/"]*)", line (\d+)', what)
    head = re.sub(r"[0-9a-f]{6,}|\d+|'[^']*'", "*", what.partition("\n")[0])[:50]
    return f"{head} {places[-1] if places else ''}"


def shortened(inputs: Sequence[Input], what: str, feeder: Feeder, most_seconds: float = 20) -> list[Input]:
    """Fewer inputs, and a shorter last one, that fail in the same way; as far as ``most_seconds`` lead."""
    kind, kept = kind_of(what), list(inputs)
    end = time.monotonic() + most_seconds

    def fails(candidate: Sequence[Input]) -> bool:
        found = what_breaks(candidate, feeder)
        return found is not None and kind_of(found) == kind

    if not fails(kept):
        return kept
    size = max(1, len(kept) // 2)
    while time.monotonic() < end:
        at = 0
        while at < len(kept) and time.monotonic() < end:
            candidate = [*kept[:at], *kept[at + size :]]
            if candidate and fails(candidate):
                kept = candidate
            else:
                at += size
        if size == 1:
            break
        size //= 2
    end += most_seconds
    size = max(1, len(kept[-1].data) // 2)
    while size and time.monotonic() < end:
        at = 0
        while at < len(kept[-1].data) and time.monotonic() < end:
            last = kept[-1]
            shorter = Input(last.target, last.data[:at] + last.data[at + size :])
            if fails([*kept[:-1], shorter]):
                kept[-1] = shorter
            else:
                at += size
        size //= 2
    return kept
