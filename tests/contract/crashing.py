"""A program that dies on purpose, for ``test_sqlite_crash``.

python -m tests.contract.crashing before-statement MODEL FOLDER CALL
    copies MODEL to FOLDER/1, FOLDER/2, ...; in the n-th copy CALL is killed before its n-th statement.
    Ends after the first copy in which CALL comes to its end.
python -m tests.contract.crashing acknowledge PATH
    reserves by many threads for ever; prints each request_id once its reservation is acknowledged.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from server.ledger import SqliteLedger
from tests.contract.ledger_tools import START, adjusted, hold, load_of, request, stock_of

TTL_SECONDS = 60
LATER = START + TTL_SECONDS
"""When the call that dies is made: the reservation in the model is due."""

CALLS: dict[str, Callable[[SqliteLedger], object]] = {
    "open": lambda ledger: None,
    "load": lambda ledger: ledger.load(
        load_of({("A", f"N{i}"): (i, 0) for i in range(20)} | {("B", "N1"): (2, 1)})
    ),
    "reserve": lambda ledger: ledger.reserve(
        request(hold("A", "N1", 2), hold("B", "N1", 1), request_id="dying", payload=b"plan")
    ),
    "confirm": lambda ledger: ledger.confirm("r-000000000002"),
    "release": lambda ledger: ledger.release("r-000000000002"),
    "update_stock": lambda ledger: ledger.update_stock(
        "dying", [adjusted("A", "N1", 5), stock_of("A", "N2", 3), stock_of("C", "N3", 1)]
    ),
}


def make_model(path: Path) -> None:
    """A: 10, of which 4 are held until LATER and 3 are held for long; B: 2."""
    ledger = SqliteLedger(path, lambda: START)
    ledger.update_stock("first", [stock_of("A", "N1", 10), stock_of("B", "N1", 2)])
    ledger.reserve(request(hold("A", "N1", 4), request_id="due", ttl_seconds=TTL_SECONDS))
    ledger.reserve(request(hold("A", "N1", 3), request_id="long", ttl_seconds=10 * TTL_SECONDS))
    ledger.close()


def die_before_statement(n: int) -> None:
    """Counts the statements of all connections made from now on."""
    connect = sqlite3.connect
    counter = itertools.count(1)

    def count(_: str) -> None:
        if next(counter) == n:
            os.kill(os.getpid(), signal.SIGKILL)

    def traced(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection = connect(*args, **kwargs)
        connection.set_trace_callback(count)
        return connection

    sqlite3.connect = traced  # type: ignore[assignment]


def run_before_statement(model: Path, folder: Path, call: str) -> None:
    for n in itertools.count(1):
        path = folder / f"{n}"
        if model.exists():
            shutil.copy(model, path)
        child = os.fork()
        if child == 0:
            die_before_statement(n)
            CALLS[call](SqliteLedger(path, lambda: LATER))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            sys.exit(os.WEXITSTATUS(status))


def run_acknowledge(path: Path) -> None:
    ledger = SqliteLedger(path, lambda: START)
    ledger.update_stock("", [stock_of("A", "N1", 10**6), stock_of("B", "N1", 10**6)])

    def work(worker: int) -> None:
        for i in itertools.count():
            request_id = f"{worker}-{i}"
            ledger.reserve(
                request(hold("A", "N1", 1), hold("B", "N1", 2), request_id=request_id, payload=b"plan")
            )
            os.write(1, f"{request_id}\n".encode())

    for worker in range(6):
        threading.Thread(target=work, args=(worker,)).start()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["before-statement", model_path, folder_path, call_name]:
            run_before_statement(Path(model_path), Path(folder_path), call_name)
        case ["acknowledge", ledger_path]:
            run_acknowledge(Path(ledger_path))
        case _:
            sys.exit(__doc__)
