"""(f) Reservations of one hot row: calls that share a transaction against one transaction a call, in the same
run, on SQLite and on PostgreSQL, both with every commit on disk."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.postgres_server import drop_database, new_database, told_of_commits
from bench.spec import BenchSpec, Report, Result, Sheet, Target
from router.errors import BrokenInvariant
from router.ledger import Hold, ReserveRequest, StockUpdate
from server.ledger import SqliteLedger
from server.ledger.postgres import PostgresLedger

Durable = SqliteLedger | PostgresLedger
UNITS = 500_000_000
TIMES = {"postgres": 20.0, "sqlite": 10.0}
"""By how much a group must beat single transactions."""


@dataclass(frozen=True, slots=True)
class Size:
    """single: reservations one after the other. threads, each: concurrent callers and how often each calls.
    batch: reservations of one call of many."""

    single: int
    threads: int
    each: int
    batch: int
    rounds: int


FULL = Size(single=300, threads=64, each=40, batch=5_000, rounds=5)
SMOKE = Size(single=5, threads=4, each=2, batch=20, rounds=1)


def run(smoke: bool, report: Report) -> Result:
    size = SMOKE if smoke else FULL
    sheets, targets, figures = [], [], {}
    for kind in ("postgres", "sqlite"):
        with opened(kind) as ledger:
            found = measured(ledger, size, lambda now, kind=kind: report(f"{kind}, {now}"))  # type: ignore[misc]
        rates = {name: median(rate for rate, _ in rounds) for name, rounds in found.items()}
        times = {
            name: median(a / b for (a, _), (b, _) in zip(found[name], found["single"], strict=True))
            for name in found
        }
        rows = [
            (
                names[name],
                f"{rates[name]:,.0f}",
                f"{median(n for _, n in found[name]):,.1f}",
                f"{times[name]:.1f}",
            )
            for names in [
                {
                    "single": "one by one",
                    "shared": f"{size.threads} callers at once",
                    "batch": f"one call of {size.batch:,}",
                }
            ]
            for name in found
        ]
        title = f"(f) one hot row in {kind}, every commit on disk"
        note = told_of_commits() if kind == "postgres" else "WAL, synchronous=FULL"
        sheets.append(
            Sheet(
                title=title, headings=("reservations", "a second", "a commit", "times"), rows=rows, note=note
            )
        )
        best = max(times["shared"], times["batch"])
        targets.append(Target(name=f"group commit, {kind}", value=best, limit=TIMES[kind], unit="x"))
        figures |= {f"{kind}_{name}_per_second": rate for name, rate in rates.items()}
        figures |= {f"{kind}_{name}_times": value for name, value in times.items()}
    return Result(sheets=sheets, targets=targets, figures=figures)


def measured(ledger: Durable, size: Size, report: Report) -> dict[str, list[tuple[float, float]]]:
    """Reservations a second, and reservations a commit, by way and round."""
    many = [request(i) for i in range(size.batch)]
    ways: dict[str, tuple[int, Callable[[], None]]] = {
        "single": (size.single, lambda: one_by_one(ledger, size.single)),
        "shared": (size.threads * size.each, lambda: at_once(ledger, size.threads, size.each)),
        "batch": (size.batch, lambda: in_one_call(ledger, many)),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    taken = 0
    for number in range(-1, size.rounds):
        for name, (count, work) in ways.items():
            report(f"round {number + 1} of {size.rounds}")
            commits, start = ledger.commit_count, time.perf_counter()
            work()
            seconds = time.perf_counter() - start
            taken += count
            if number >= 0:  # the one before warms up
                found[name].append((count / seconds, count / (ledger.commit_count - commits)))
    [row] = ledger.stock("hot")
    if row.reserved != taken:
        raise BrokenInvariant(f"{row.reserved} units are reserved of {taken} that were answered")
    return found


def one_by_one(ledger: Durable, count: int) -> None:
    """Each in a transaction of its own, by one caller."""
    for i in range(count):
        ledger.reserve(request(i))


def at_once(ledger: Durable, threads: int, each: int) -> None:
    """Callers that know nothing of each other."""
    callers = [threading.Thread(target=one_by_one, args=(ledger, each)) for _ in range(threads)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()


def in_one_call(ledger: Durable, requests: Sequence[ReserveRequest]) -> None:
    """As SourceOrders does."""
    ledger.reserve_many(requests)


def request(number: int) -> ReserveRequest:
    return ReserveRequest(
        request_id="",
        fingerprint="",
        order_id=f"order-{number}",
        holds=(Hold(sku_id="hot", node_id="node", quantity=1),),
        ttl_seconds=1_000_000,
    )


@contextmanager
def opened(kind: str) -> Iterator[Durable]:
    """An empty ledger with one row."""
    if kind == "postgres":
        uri = new_database()
        ledger: Durable = PostgresLedger(uri)
    else:
        folder = tempfile.TemporaryDirectory(prefix="sourcier-bench-")
        ledger = SqliteLedger(Path(folder.name) / "ledger.db", lambda: int(time.time()))
    ledger.update_stock("", [StockUpdate(sku_id="hot", node_id="node", on_hand=UNITS)])
    try:
        yield ledger
    finally:
        ledger.close()
        if kind == "postgres":
            drop_database(uri)
        else:
            folder.cleanup()


SPEC = BenchSpec(name="ledger", what="group commit against one transaction a call", run=run)
