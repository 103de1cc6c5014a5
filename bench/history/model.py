"""A history as the checker reads it: what clients asked and were told, and what the ledger has at the end."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from bench.history.codec import plain, restored
from router.ledger import (
    Change,
    FeedOutcome,
    Hold,
    Ledger,
    Reservation,
    ReserveOutcome,
    ReserveRequest,
    ResolveOutcome,
    StockRow,
    StockUpdate,
)

NEVER = 2**63
"""The tick of what did not happen."""
PAGE_CHANGES = 100_000
Key = tuple[str, str]
"""SKU id and place of a row."""


class Ending(Enum):
    """REFUSED: a mistake, without any effect. UNKNOWN: it failed, or nobody lived to hear the answer."""

    ANSWERED = "answer"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of one client. Ticks: the machine's monotonic clock, ``answered_tick`` NEVER if not answered.
    Seconds: the ledger's clock, read after ``called_tick`` and before the call; after the answer (its
    ``answered_seconds`` then counts only for ANSWERED).

    arguments, answer: see SHAPES; answer is None unless ANSWERED.
    """

    call_id: str
    client: str
    verb: str
    arguments: Any
    called_tick: int
    called_seconds: int
    ending: Ending = Ending.UNKNOWN
    answer: Any = None
    answered_tick: int = NEVER
    answered_seconds: int = 0

    def __str__(self) -> str:
        return f"{self.verb} {self.call_id}"


SHAPES: dict[str, tuple[Any, Any]] = {
    "reserve": (tuple[ReserveRequest, ...], list[ReserveOutcome]),
    "confirm": (str, ResolveOutcome),
    "confirm_part": (tuple[str, tuple[Hold, ...]], ResolveOutcome),
    "release": (str, ResolveOutcome),
    "extend": (tuple[str, int], ResolveOutcome),
    "find": (str, Reservation | None),
    "expire": (int, int),
    "update_stock": (tuple[str, tuple[StockUpdate, ...]], int),
    "feed": (tuple[str, tuple[StockUpdate, ...]], FeedOutcome),
    "stock": (tuple[tuple[str, ...], tuple[str, ...]], list[StockRow]),
    "stock_of": (tuple[tuple[str, ...], tuple[str, ...]], tuple[int, list[StockRow]]),
    "version": (int, int),
    "changes": (tuple[int, int], list[Change]),
}
"""By verb, the types of arguments and answer. ``expire`` and ``version`` take none (0 is written); of places
that are asked for none means all. ``load`` is an ``update_stock``, ``columns`` a ``version``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """What the ledger has when nothing is under way any more. reservations: all there are, in order of their
    ids. before_seconds, after_seconds: of the ledger's clock, read before and after the rest."""

    changes: list[Change]
    rows: list[StockRow]
    reservations: list[Reservation]
    before_seconds: int
    after_seconds: int


def capture(ledger: Ledger, sku_ids: Iterable[str], clock: Callable[[], int]) -> Final:
    """Reads the end of a ledger, again should something expire meanwhile. Reservation ids count up from 1, so
    the first one missing ends the list."""
    wanted = sorted(set(sku_ids))
    while True:
        before_seconds, version = clock(), ledger.version()
        final = Final(
            changes=_all_changes(ledger),
            reservations=_all_reservations(ledger),
            rows=[row for sku_id in wanted for row in ledger.stock(sku_id)],
            before_seconds=before_seconds,
            after_seconds=clock(),
        )
        if ledger.version() == version:
            return final


def _all_changes(ledger: Ledger) -> list[Change]:
    changes: list[Change] = []
    while True:
        page = ledger.changes(changes[-1].version if changes else 0, PAGE_CHANGES)
        changes += page
        if len(page) < PAGE_CHANGES:
            return changes


def _all_reservations(ledger: Ledger) -> list[Reservation]:
    found = (ledger.find(f"r-{number:012d}") for number in itertools.count(1))
    return [one for one in itertools.takewhile(lambda one: one is not None, found) if one]


def write_final(final: Final, path: Path) -> None:
    """As one JSON object."""
    path.write_text(json.dumps(plain(final)) + "\n", encoding="utf-8")


def read_final(path: Path) -> Final:
    """What ``write_final`` wrote."""
    final: Final = restored(Final, json.loads(path.read_text(encoding="utf-8")))
    return final


def read_calls(paths: Sequence[Path]) -> list[Call]:
    """The calls of recorded files, in order of their ticks. A last line that was cut short is left out, as it
    was never written; whoever died left calls without an answer: UNKNOWN."""
    return calls_of(line for path in paths for line in _whole_lines(path))


def _whole_lines(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            yield line


def calls_of(lines: Iterable[str]) -> list[Call]:
    """The calls of recorded lines."""
    asked: dict[str, dict[str, Any]] = {}
    told: dict[str, dict[str, Any]] = {}
    for line in lines:
        event = json.loads(line)
        (asked if event["kind"] == "call" else told)[event["call"]] = event
    calls = [_call(event, told.get(call_id)) for call_id, event in asked.items()]
    return sorted(calls, key=lambda call: call.called_tick)


def _call(asked: dict[str, Any], told: dict[str, Any] | None) -> Call:
    arguments, answer = SHAPES[asked["verb"]]
    ending = Ending.UNKNOWN if told is None else Ending(told["kind"])
    known = told if told is not None and ending is not Ending.UNKNOWN else {}
    return Call(
        call_id=asked["call"],
        client=asked["client"],
        verb=asked["verb"],
        arguments=restored(arguments, asked["arguments"]),
        called_tick=asked["tick"],
        called_seconds=asked["clock"],
        ending=ending,
        answer=restored(answer, known["answer"]) if ending is Ending.ANSWERED else None,
        answered_tick=known.get("tick", NEVER),
        answered_seconds=known.get("clock", 0),
    )
