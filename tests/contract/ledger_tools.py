"""What all suites of the ledger share: a clock that stands still, short requests, and an audit."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import numpy as np

from router.ledger import (
    Change,
    Hold,
    Ledger,
    Reservation,
    ReservationState,
    ReserveOutcome,
    ReserveRequest,
    StockLoad,
    StockUpdate,
)
from router.ledger_places import split_place

T = TypeVar("T")
START = 1_750_000_000
"""Epoch seconds at which every virtual clock begins."""


class VirtualClock:
    """Epoch seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


def hold(sku_id: str, node_id: str, quantity: int) -> Hold:
    return Hold(sku_id=sku_id, node_id=node_id, quantity=quantity)


def request(
    *holds: Hold,
    request_id: str = "",
    fingerprint: str = "content",
    ttl_seconds: int = 60,
    payload: bytes = b"",
) -> ReserveRequest:
    return ReserveRequest(
        request_id=request_id,
        fingerprint=fingerprint,
        order_id="order",
        holds=holds,
        ttl_seconds=ttl_seconds,
        payload=payload,
    )


def stock_of(sku_id: str, node_id: str, on_hand: int, safety_stock: int | None = None) -> StockUpdate:
    return StockUpdate(sku_id=sku_id, node_id=node_id, on_hand=on_hand, safety_stock=safety_stock)


def adjusted(sku_id: str, node_id: str, by: int) -> StockUpdate:
    return StockUpdate(sku_id=sku_id, node_id=node_id, on_hand=by, relative=True)


def load_of(rows: Mapping[tuple[str, str], tuple[int, int]]) -> StockLoad:
    """Rows by (SKU id, node id): units on hand and of safety stock, in any order."""
    sku_ids, node_ids = (sorted({key[part] for key in rows}) for part in (0, 1))
    cells = sorted((sku_ids.index(sku), node_ids.index(node), *rows[sku, node]) for sku, node in rows)
    table = np.array(cells, np.int32).reshape(-1, 4)
    return StockLoad(
        sku_ids=sku_ids,
        node_ids=node_ids,
        sku_ix=table[:, 0],
        node_ix=table[:, 1],
        on_hand=table[:, 2],
        safety_stock=table[:, 3],
    )


def held_id(outcome: ReserveOutcome) -> str:
    assert outcome.reservation is not None, outcome
    return outcome.reservation.reservation_id


def all_changes(ledger: Ledger) -> list[Change]:
    return ledger.changes(0, 10_000_000)


def all_reservations(ledger: Ledger) -> list[Reservation]:
    """Ids count up from 1 without a gap, so the first one missing ends the list."""
    found: list[Reservation] = []
    for number in itertools.count(1):
        reservation = ledger.find(f"r-{number:012d}")
        if reservation is None:
            return found
        found.append(reservation)
    raise AssertionError("unreachable")


def audit(ledger: Ledger, sku_ids: Iterable[str]) -> None:
    """Says what must hold in every ledger at every time, by nothing but the port:
    held units are reserved, at their receipt or its node, and nothing else is; receipts are never short; the
    log has every version once and adds up to the stock, and the columns say the same as the rows."""
    held: Counter[tuple[str, str]] = Counter()
    for reservation in all_reservations(ledger):
        if reservation.state is ReservationState.HELD:
            for part in reservation.holds:
                held[part.sku_id, split_place(part.node_id)[0]] += part.quantity
    rows = {(row.sku_id, row.node_id): row for sku_id in sku_ids for row in ledger.stock(sku_id)}
    reserved: Counter[tuple[str, str]] = Counter()
    for row in rows.values():
        node_id, expected_seconds = split_place(row.node_id)
        reserved[row.sku_id, node_id] += row.reserved
        assert row.on_hand >= 0
        if expected_seconds is not None:
            assert row.available >= row.safety_stock == 0
    assert +reserved == held

    changes = all_changes(ledger)
    assert [change.version for change in changes] == list(range(1, ledger.version() + 1))
    available: Counter[tuple[str, str]] = Counter()
    for change in changes:
        key = (change.sku_id, change.node_id)
        available[key] += change.delta
        assert available[key] == change.available
    assert {key: row.available for key, row in rows.items()} == {key: available[key] for key in rows}

    columns = ledger.columns()
    assert columns.version == ledger.version()
    cells = zip(columns.sku_ix.tolist(), columns.node_ix.tolist(), columns.available.tolist(), strict=True)
    assert {(columns.sku_ids[s], columns.node_ids[n]): a for s, n, a in cells} == {
        key: row.available for key, row in rows.items()
    }


def at_once(count: int, call: Callable[[int], T]) -> list[T | Exception]:
    """``call(0) ... call(count - 1)``, each in a thread of its own that starts when all are ready."""
    ready = threading.Barrier(count)
    answers: dict[int, T | Exception] = {}

    def run(ix: int) -> None:
        ready.wait()
        try:
            answers[ix] = call(ix)
        except Exception as error:
            answers[ix] = error

    threads = [threading.Thread(target=run, args=(ix,)) for ix in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[ix] for ix in range(count)]


def successes(answers: Iterable[T | Exception]) -> list[T]:
    """The answers; raises the first error among them."""
    found: list[T] = []
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
        found.append(answer)
    return found
