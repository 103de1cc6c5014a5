"""Tables of many rows, from CSV or Parquet, batch by batch.

A CSV file is comma-separated UTF-8 with a header; blank lines do not count; a value never spans lines.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
from numpy.typing import NDArray

from router.errors import InvalidConfig, Violation
from router.rules.validate import MAX_VIOLATIONS
from server.load.files import unreadable
from server.load.header import check_header
from server.load.problems import Problem, Problems

Progress = Callable[[int, int], None]
"""Told (done, total) in bytes or rows, ascending; the last call has done == total."""

_BLOCK_BYTES = 1 << 22
_PARQUET_ROWS = 1 << 17
_MAX_BAD_LINES = 1_000
_MAX_HEADER_BYTES = 65_536
_WHOLE_NUMBER = r"^-?[0-9]{1,18}$"


@dataclass(frozen=True, slots=True)
class Columns:
    """What a table has: text and whole-number columns; ``optional`` ones may be left out."""

    text: tuple[str, ...]
    numbers: tuple[str, ...]
    optional: frozenset[str] = frozenset()

    @property
    def all(self) -> tuple[str, ...]:
        return self.text + self.numbers


@dataclass(slots=True)
class Table:
    """One file being read. ``careful`` reads numbers as text, so that each bad one can be named."""

    path: Path
    columns: Columns
    careful: bool = False
    present: tuple[str, ...] = ()
    bad_lines: list[str] = field(default_factory=list)
    bad_count: int = 0

    @property
    def is_parquet(self) -> bool:
        return self.path.suffix.lower() in {".parquet", ".pq"}

    def batches(self, progress: Progress | None = None) -> Iterator[pa.RecordBatch]:
        """Batches of the known columns in file order. Raises InvalidConfig, or NotNumbers unless careful."""
        report = progress or (lambda done, total: None)
        try:
            yield from self._parquet(report) if self.is_parquet else self._csv(report)
        except OSError as error:
            raise unreadable(self.path, error) from error
        except pa.ArrowException as error:
            if not self.is_parquet and not self.careful:
                raise NotNumbers from error
            raise InvalidConfig(self._unparsable(error)) from error

    def _csv(self, report: Progress) -> Iterator[pa.RecordBatch]:
        self._check_header(_header(self.path))
        _check_utf8(self.path)
        number = pa.string() if self.careful else pa.int64()
        types = dict.fromkeys(self.columns.text, pa.string()) | dict.fromkeys(self.columns.numbers, number)
        total = self.path.stat().st_size
        with pa.OSFile(str(self.path), "rb") as file:
            reader = pa_csv.open_csv(
                file,
                read_options=pa_csv.ReadOptions(block_size=_BLOCK_BYTES),
                parse_options=pa_csv.ParseOptions(invalid_row_handler=self._on_bad_line),
                convert_options=pa_csv.ConvertOptions(
                    check_utf8=False, column_types=types, null_values=[""], strings_can_be_null=False
                ),
            )
            for batch in reader:
                yield batch
                report(min(file.tell(), total - 1), total)
        report(total, total)

    def _parquet(self, report: Progress) -> Iterator[pa.RecordBatch]:
        with pa_parquet.ParquetFile(self.path) as file:
            self._check_header(list(file.schema_arrow.names))
            self._check_types(file.schema_arrow)
            done, total = 0, file.metadata.num_rows
            for batch in file.iter_batches(_PARQUET_ROWS, columns=list(self.present)):
                yield batch
                done += batch.num_rows
                if done < total:
                    report(done, total)
        report(total, total)

    def _check_types(self, schema: pa.Schema) -> None:
        found: list[Violation] = []
        for name in self.present:
            kind = schema.field(name).type
            if name in self.columns.text and not _is_text(kind):
                found.append(Violation(f"{self.path} {name}", f"must be a column of text, is {kind}"))
            if name in self.columns.numbers and not (_is_text(kind) or _is_number(kind)):
                found.append(
                    Violation(f"{self.path} {name}", f"must be a column of whole numbers, is {kind}")
                )
        if found:
            raise InvalidConfig(found)

    def _on_bad_line(self, row: Any) -> str:
        # Rows after so many bad lines are never shown, so that their lines need not be found.
        self.bad_count += 1
        if len(self.bad_lines) < _MAX_BAD_LINES:
            self.bad_lines.append(row.text)
        return "skip"

    def _check_header(self, names: list[str]) -> None:
        required = [name for name in self.columns.all if name not in self.columns.optional]
        check_header(
            names, str(self.path) if self.is_parquet else f"{self.path}:1", self.columns.all, required
        )
        self.present = tuple(name for name in self.columns.all if name in names)

    def _unparsable(self, error: Exception) -> list[Violation]:
        """Why the reader gave up: the lines already found bad, or what it says itself."""
        if self.bad_lines:
            return self.violations(Problems(self.columns.all))
        return [Violation(str(self.path), f"cannot be read: {str(error).splitlines()[0]}")]

    def violations(self, problems: Problems) -> list[Violation]:
        """Everything found, in file order, at most MAX_VIOLATIONS and then how many more."""
        kept = problems.first()
        if self.is_parquet:
            placed = [(p.row, f"{self.path} row {p.row + 1} {p.column}", p.message) for p in kept]
        else:
            placed = self._on_lines(kept)
        shown = [Violation(where, message) for _, where, message in sorted(placed, key=lambda p: p[0])]
        rest = problems.count + self.bad_count - len(shown[:MAX_VIOLATIONS])
        more = [Violation(str(self.path), f"and {rest} more")] if rest else []
        return shown[:MAX_VIOLATIONS] + more

    def _on_lines(self, kept: list[Problem]) -> list[tuple[int, str, str]]:
        """Finds the lines of rows by reading the file again: only needed when something is wrong."""
        by_row: dict[int, list[Problem]] = {}
        for problem in kept:
            by_row.setdefault(problem.row, []).append(problem)
        bad = {text.encode() for text in self.bad_lines}
        wanted, row = len(by_row) + len(self.bad_lines), -1
        placed: list[tuple[int, str, str]] = []
        with self.path.open("rb") as file:
            next(file, None)
            for number, raw in enumerate(file, 2):
                line = raw.rstrip(b"\r\n")
                if not line or wanted == 0:
                    continue
                if line in bad:
                    wanted -= 1
                    placed.append((number, f"{self.path}:{number}", _wrong_width(line, len(self.present))))
                    continue
                row += 1
                if row in by_row:
                    wanted -= 1
                    placed += [(number, f"{self.path}:{number} {p.column}", p.message) for p in by_row[row]]
        return placed


class NotNumbers(Exception):
    """A number column holds something else; read again with ``careful`` to learn what and where."""


def _wrong_width(line: bytes, expected: int) -> str:
    values = len(next(csv.reader([line.decode(errors="replace")]), []))
    return f"has {values} values, must have {expected}"


def _header(path: Path) -> list[str]:
    with path.open("rb") as file:
        raw = file.readline(_MAX_HEADER_BYTES)
    if not raw.strip():
        raise InvalidConfig.at(f"{path}:1", "is empty, must begin with a header line")
    try:
        return next(csv.reader([raw.decode("utf-8-sig").rstrip("\r\n")]))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidConfig.at(f"{path}:1", "is not UTF-8 text with a header line") from error


def _check_utf8(path: Path) -> None:
    """Ahead of the CSV reader, which would complain of such a line on standard error."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        with path.open("rb") as file:
            line = next((n for n, raw in enumerate(file, 1) if not _is_utf8(raw)), 1)
        raise InvalidConfig.at(f"{path}:{line}", "is not UTF-8 text") from error


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_text(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def text_column(batch: pa.RecordBatch, name: str) -> Any:
    """The column as a string array without nulls (empty instead)."""
    return pc.fill_null(pc.cast(batch.column(name), pa.string()), "")


def buffers(strings: Any) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """A string array as its UTF-8 bytes and int64[rows + 1] offsets into them."""
    _, offsets, data = strings.buffers()
    if len(strings) == 0:
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    ends = np.frombuffer(offsets, np.int32)[strings.offset : strings.offset + len(strings) + 1]
    raw = np.frombuffer(data, np.uint8) if data is not None and data.size else np.empty(0, np.uint8)
    return raw, ends.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Numbers:
    """values: int64[rows], 0 where ``missing`` or ``wrong`` (bool[rows])."""

    values: NDArray[np.int64]
    missing: NDArray[np.bool_]
    wrong: NDArray[np.bool_]


def number_column(batch: pa.RecordBatch, name: str) -> Numbers:
    """A column of integers, of floats that should be whole, or of text that should be digits."""
    column = batch.column(name)
    if _is_text(column.type):
        column = text_column(batch, name)
        missing = _mask(pc.equal(column, ""))
        wrong = ~_mask(pc.match_substring_regex(column, _WHOLE_NUMBER)) & ~missing
        column = pc.if_else(pa.array(missing | wrong), "0", column)
        return Numbers(_int64(pc.cast(column, pa.int64())), missing, wrong)
    missing = _mask(pc.is_null(column, nan_is_null=True))
    if pa.types.is_floating(column.type):
        floats = pc.fill_null(column, 0.0).to_numpy(zero_copy_only=False).astype(np.float64)
        floats[missing] = 0.0
        wrong = (np.abs(floats) > 1e15) | (floats != np.floor(floats))
        return Numbers(np.where(wrong, 0.0, floats).astype(np.int64), missing, wrong)
    values = pc.cast(pc.fill_null(column, 0), pa.int64(), safe=False)
    return Numbers(_int64(values), missing, np.zeros(len(column), bool))


def _mask(booleans: Any) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = booleans.to_numpy(zero_copy_only=False)
    return mask


def _int64(integers: Any) -> NDArray[np.int64]:
    values: NDArray[np.int64] = integers.to_numpy(zero_copy_only=False)
    return values
