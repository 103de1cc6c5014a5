"""A copy of all stock in a file, so that a start reads it and only what changed since, not every row of the
ledger. It may be removed at any time: the ledger is the truth."""

from __future__ import annotations

import os
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from router.columns import joined
from router.ledger import Ledger, StockColumns
from server.logs import event

FORMAT = 1
MAX_CHANGES = 200_000
"""A copy that is further behind is made anew: to take over more takes longer than to read all rows."""
_COLUMNS = ("sku_ix", "node_ix", "available")


def columns_with_copy(ledger: Ledger, path: Path | None) -> StockColumns:
    """All stock, of the copy's version where there is one of this ledger that is not too old, else of the
    ledger's, from which the copy is then made. Whoever uses it follows the log from there."""
    if path is None:
        return ledger.columns()
    kept = read_copy(path, ledger.ledger_id())
    if kept is not None and 0 <= ledger.version() - kept.version <= MAX_CHANGES:
        event("stock_copy_read", file=path, rows=len(kept.available), stock_version=kept.version)
        return kept
    columns = ledger.columns()
    try:
        write_copy(path, ledger.ledger_id(), columns)
        event("stock_copy_written", file=path, rows=len(columns.available), stock_version=columns.version)
    except OSError as error:
        event("stock_copy_failed", file=path, reason=error)
    return columns


def write_copy(path: Path, ledger_id: str, columns: StockColumns) -> None:
    """All of it or, should that fail, nothing new. Raises OSError."""
    making = path.with_name(f"{path.name}.{os.getpid()}.making")
    arrays = {name: getattr(columns, name) for name in _COLUMNS}
    for name, ids in (("sku", columns.sku_ids), ("node", columns.node_ids)):
        arrays[f"{name}_data"], arrays[f"{name}_offsets"] = joined(ids)
    arrays["version"] = np.array([FORMAT, columns.version], np.int64)
    arrays["ledger_id"] = np.frombuffer(ledger_id.encode(), np.uint8)
    try:
        with making.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(making, path)
    finally:
        making.unlink(missing_ok=True)


def read_copy(path: Path, ledger_id: str) -> StockColumns | None:
    """None when there is none, when it is of another ledger or format, or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            form, version = found["version"].tolist()
            if form != FORMAT or found["ledger_id"].tobytes().decode() != ledger_id:
                return None
            ids = [_texts(found[f"{name}_data"], found[f"{name}_offsets"]) for name in ("sku", "node")]
            columns = StockColumns(
                version=version,
                sku_ids=ids[0],
                node_ids=ids[1],
                **{name: found[name].astype(np.int32, copy=False) for name in _COLUMNS},
            )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        event("stock_copy_damaged", file=path, reason=error)
        return None
    return columns


def _texts(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> list[str]:
    raw = data.tobytes()
    return [raw[start:stop].decode() for start, stop in pairwise(offsets.tolist())]
