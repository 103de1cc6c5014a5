"""How far long steps of a command are, on the standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from server.load.table import Progress as Told
from server.tables import console_for


@contextmanager
def progress_bars() -> Iterator[Callable[[str], Told]]:
    """A bar per step on the standard error, gone when all is done; nothing when that is no terminal."""
    console = console_for(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def report(step: str) -> Told:
            task = progress.add_task(step, total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        yield report
