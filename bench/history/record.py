"""The recorder: a ledger that writes down what it is asked and what it answers."""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bench.history.codec import plain
from router.errors import InvalidInput, RequestIdReused
from router.ledger import (
    Change,
    FeedOutcome,
    Hold,
    Ledger,
    LoadProgress,
    Reservation,
    ReserveOutcome,
    ReserveRequest,
    ResolveOutcome,
    StockColumns,
    StockLoad,
    StockRow,
    StockUpdate,
    unheard,
)

Answer = TypeVar("Answer")


class Tape:
    """Lines in a file, each handed to the operating system whole before ``write`` returns, so that a process
    that is killed loses none."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._cut_short = path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
        if self._cut_short:
            raise ValueError(f"{path} ends in half a line: write a new file")

    def write(self, line: str) -> None:
        """Appends one line."""
        os.write(self._file, f"{line}\n".encode())

    def close(self) -> None:
        os.close(self._file)


class Recorder:
    """Implements ``router.ledger.Ledger`` for one client of ``ledger``.

    write: takes one line, from any thread. clock: that of the ledger, epoch seconds. client: a name that no
    other client of this history has. tick: numbers that never go down, the same for all clients; by default
    nanoseconds of the machine's monotonic clock, which its processes share.
    """

    def __init__(
        self,
        ledger: Ledger,
        write: Callable[[str], None],
        clock: Callable[[], int],
        client: str,
        tick: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._ledger = ledger
        self._write = write
        self._clock = clock
        self._client = client
        self._tick = tick
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def reserve(self, request: ReserveRequest) -> ReserveOutcome:
        return self._told("reserve", [request], lambda: [self._ledger.reserve(request)])[0]

    def reserve_many(self, requests: Sequence[ReserveRequest]) -> list[ReserveOutcome]:
        return self._told("reserve", requests, lambda: self._ledger.reserve_many(requests))

    def confirm(self, reservation_id: str, part: Sequence[Hold] = ()) -> ResolveOutcome:
        if part:
            call = (reservation_id, part)
            return self._told("confirm_part", call, lambda: self._ledger.confirm(reservation_id, part))
        return self._told("confirm", reservation_id, lambda: self._ledger.confirm(reservation_id))

    def release(self, reservation_id: str) -> ResolveOutcome:
        return self._told("release", reservation_id, lambda: self._ledger.release(reservation_id))

    def extend(self, reservation_id: str, ttl_seconds: int) -> ResolveOutcome:
        call = (reservation_id, ttl_seconds)
        return self._told("extend", call, lambda: self._ledger.extend(reservation_id, ttl_seconds))

    def find(self, reservation_id: str) -> Reservation | None:
        return self._told("find", reservation_id, lambda: self._ledger.find(reservation_id))

    def expire(self) -> int:
        return self._told("expire", 0, self._ledger.expire)

    def update_stock(self, request_id: str, updates: Sequence[StockUpdate]) -> int:
        call = (request_id, updates)
        return self._told("update_stock", call, lambda: self._ledger.update_stock(request_id, updates))

    def feed(self, feed_id: str, updates: Sequence[StockUpdate]) -> FeedOutcome:
        return self._told("feed", (feed_id, updates), lambda: self._ledger.feed(feed_id, updates))

    def load(self, rows: StockLoad, progress: LoadProgress = unheard) -> int:
        """Recorded as the update that it stands for."""
        columns = zip(rows.sku_ix, rows.node_ix, rows.on_hand, rows.safety_stock, strict=True)
        updates = [
            StockUpdate(
                sku_id=rows.sku_ids[int(sku_ix)],
                node_id=rows.node_ids[int(node_ix)],
                on_hand=int(on_hand),
                safety_stock=int(safety_stock),
            )
            for sku_ix, node_ix, on_hand, safety_stock in columns
        ]
        return self._told("update_stock", ("", updates), lambda: self._ledger.load(rows, progress))

    def stock(self, sku_id: str, node_ids: Sequence[str] | None = None) -> list[StockRow]:
        return self._told("stock", ([sku_id], node_ids or ()), lambda: self._ledger.stock(sku_id, node_ids))

    def stock_of(
        self, sku_ids: Sequence[str], node_ids: Sequence[str] | None = None
    ) -> tuple[int, list[StockRow]]:
        call = (sku_ids, node_ids or ())
        return self._told("stock_of", call, lambda: self._ledger.stock_of(sku_ids, node_ids))

    def columns(self) -> StockColumns:
        """Of the answer its version is recorded."""
        return self._told("version", 0, self._ledger.columns, lambda columns: columns.version)

    def ledger_id(self) -> str:
        """Not recorded."""
        return self._ledger.ledger_id()

    def version(self) -> int:
        return self._told("version", 0, self._ledger.version)

    def changes(self, since: int, limit: int = 100_000) -> list[Change]:
        return self._told("changes", (since, limit), lambda: self._ledger.changes(since, limit))

    def close(self) -> None:
        """Not recorded."""
        self._ledger.close()

    def _told(
        self,
        verb: str,
        arguments: Any,
        call: Callable[[], Answer],
        shown: Callable[[Answer], Any] = lambda answer: answer,
    ) -> Answer:
        with self._lock:
            call_id = f"{self._client}-{next(self._numbers)}"
        event: dict[str, Any] = {"kind": "call", "call": call_id, "client": self._client, "verb": verb}
        event |= {"arguments": plain(arguments), "tick": self._tick(), "clock": self._clock()}
        self._write(json.dumps(event))
        try:
            answer = call()
        except BaseException as error:
            refused = isinstance(error, InvalidInput | RequestIdReused)
            self._end(call_id, {"kind": "refused" if refused else "unknown", "error": repr(error)})
            raise
        self._end(call_id, {"kind": "answer"}, lambda: plain(shown(answer)))
        return answer

    def _end(self, call_id: str, event: dict[str, Any], answer: Callable[[], Any] | None = None) -> None:
        """The tick is taken first: what takes time here makes no order that there was not."""
        event |= {"call": call_id, "tick": self._tick(), "clock": self._clock()}
        if answer is not None:
            event["answer"] = answer()
        self._write(json.dumps(event))
