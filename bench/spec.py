"""What a benchmark is and what it answers; timing that a busy machine does not bend."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

Report = Callable[[str], None]
"""Told what is being done now, for whoever waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A figure that was promised: ``value`` must be at least ``limit`` (or, with ``at_most``, at most)."""

    name: str
    value: float
    limit: float
    unit: str
    at_most: bool = False

    @property
    def met(self) -> bool:
        return self.value <= self.limit if self.at_most else self.value >= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table to print: the first column is text, the others are figures."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came out. figures: raw numbers by name, for machines."""

    sheets: Sequence[Sheet]
    targets: Sequence[Target] = ()
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSpec:
    """One benchmark. ``run(smoke, report)``: with ``smoke`` sizes are tiny, to try the code."""

    name: str
    what: str
    run: Callable[[bool, Report], Result]


def seconds_per_call(call: Callable[[], object], calls: int) -> float:
    """Mean of ``calls`` calls in a row."""
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def interleaved(
    contenders: Mapping[str, tuple[Callable[[], object], int]], rounds: int
) -> dict[str, list[float]]:
    """Seconds per call in every round, by contender. ``contenders``: what to call and how often in a row.

    Contenders take turns within a round, so that what else the machine does hits all of them; each is called
    once before the clock starts.
    """
    for call, _ in contenders.values():
        call()
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (call, calls) in contenders.items():
            found[name].append(seconds_per_call(call, calls))
    return found


def ratio_of(slow: Sequence[float], fast: Sequence[float]) -> float:
    """Median over the rounds of how many times longer ``slow`` took than ``fast`` in the same round."""
    return median(a / b for a, b in zip(slow, fast, strict=True))
