"""Tables of few rows, from CSV or Parquet, row by row as text; values may be quoted and span lines."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pa_parquet

from router.errors import InvalidConfig, Violation
from server.load.files import read_text, unreadable
from server.load.header import check_header

SEPARATOR = ";"
"""Between the entries of a value that is a list."""
MAX_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Layout:
    """What a table has. rows: what its rows are, in the plural."""

    rows: str
    columns: Sequence[str]
    required: Sequence[str]


def read_rows(path: Path, layout: Layout, found: list[Violation]) -> Iterator[tuple[str, dict[str, str]]]:
    """Where each row stands, and its values by column. Rows that do not fit the header go to ``found``.
    Raises InvalidConfig for what cannot be read at all."""
    if path.suffix.lower() in {".parquet", ".pq"}:
        yield from _parquet_rows(path, layout)
        return
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    count = 0
    try:
        header = next(reader, [])
        check_header(header, f"{path}:1", layout.columns, layout.required)
        line = reader.line_num + 1
        for values in reader:
            where, line = f"{path}:{line}", reader.line_num + 1
            if not values:
                continue
            count += 1
            if count > MAX_ROWS:
                raise InvalidConfig.at(where, f"more than {MAX_ROWS} {layout.rows}")
            if len(values) != len(header):
                found.append(Violation(where, f"has {len(values)} values, must have {len(header)}"))
                continue
            yield where, dict(zip(header, values, strict=True))
    except csv.Error as error:
        raise InvalidConfig([*found, Violation(f"{path}:{reader.line_num}", f"not CSV: {error}")]) from error


def _parquet_rows(path: Path, layout: Layout) -> Iterator[tuple[str, dict[str, str]]]:
    try:
        table = pa_parquet.read_table(path)
    except OSError as error:
        raise unreadable(path, error) from error
    except pa.ArrowException as error:
        raise InvalidConfig.at(str(path), f"cannot be read: {str(error).splitlines()[0]}") from error
    check_header(list(table.column_names), str(path), layout.columns, layout.required)
    for number, row in enumerate(table.to_pylist(), 1):
        yield f"{path} row {number}", {name: _as_text(value) for name, value in row.items()}


def _as_text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list):
        return SEPARATOR.join(_as_text(entry) for entry in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
