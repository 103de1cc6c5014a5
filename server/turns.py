"""Turns: of the threads that work on calls, few run at a time.

Python runs one thread at once. Where more are ready than that, handing over between them costs more than a
short call does. A thread that is about to wait, or to compute without the interpreter, says so (``aside``)
and another one may run meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Turn(Protocol):
    """A thread's leave to run."""

    def give_up(self) -> None:
        """Lets another thread run; this one may go on, too, until its call is done."""
        ...


class _Current(threading.local):
    turn: Turn | None = None


CURRENT = _Current()


@contextmanager
def aside() -> Iterator[None]:
    """A block in which the thread mostly waits. Nothing, for threads that take no turns."""
    if CURRENT.turn is not None:
        CURRENT.turn.give_up()
    yield
