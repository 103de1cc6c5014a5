"""Columns: how they are frozen, and how ids become rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from router.errors import InvalidInput
from router.kernels import text

FEW = 100
"""Ids that are looked up sooner than the interpreter's lock is handed over."""

T = TypeVar("T", bound=NDArray[Any])


def frozen(array: T) -> T:
    """The same array, never to be written again."""
    array.setflags(write=False)
    return array


@dataclass(frozen=True, slots=True)
class IdIndex:
    """Ids and their rows, in a few flat arrays however many ids there are.

    data: uint8[B], the ids in UTF-8, end to end. offsets: int64[S + 1], where each begins.
    table: int32[power of two >= 2 S], open addressing, -1 for empty.
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    table: NDArray[np.int32]

    @classmethod
    def from_buffers(cls, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> IdIndex:
        """Raises InvalidInput when an id repeats."""
        count = len(offsets) - 1
        size = 1 << max(3, (2 * count - 1).bit_length())
        table = np.full(size, -1, np.int32)
        data = np.array(data, np.uint8)
        offsets = np.array(offsets, np.int64)
        again = text.fill_table(data, offsets, table)
        if again >= 0:
            name = bytes(data[offsets[again] : offsets[again + 1]]).decode(errors="replace")
            raise InvalidInput.at(f"ids[{again}]", f"{name!r} appears twice")
        return cls(frozen(data), frozen(offsets), frozen(table))

    @classmethod
    def of(cls, ids: Sequence[str]) -> IdIndex:
        """Raises InvalidInput when an id repeats."""
        data, offsets = joined(ids)
        return cls.from_buffers(data, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def find(self, name: str) -> int:
        """Row of an id, -1 when unknown."""
        raw = np.frombuffer(name.encode(), np.uint8)
        return int(text.find_one(self.data, self.offsets, self.table, frozen(raw)))

    def find_many(self, names: Sequence[str]) -> NDArray[np.int32]:
        """Rows of many ids, -1 for the unknown: int32[len(names)]."""
        data, offsets = joined(names)
        out = np.empty(len(names), np.int32)
        find = text.find_few if len(names) <= FEW else text.find_all
        find(self.data, self.offsets, self.table, frozen(data), frozen(offsets), out)
        return out

    def find_buffers(self, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.int32]:
        """Rows of ids that lie end to end in ``data``, the i-th at ``offsets[i]:offsets[i + 1]``; -1 for
        the unknown: int32[len(offsets) - 1]. Freezes both arrays."""
        out = np.empty(len(offsets) - 1, np.int32)
        text.find_all(self.data, self.offsets, self.table, frozen(data), frozen(offsets), out)
        return out

    def name(self, row: int) -> str:
        """The id of a row; raises IndexError beyond the last."""
        if not 0 <= row < len(self):
            raise IndexError(row)
        return bytes(self.data[self.offsets[row] : self.offsets[row + 1]]).decode()

    def names(self) -> list[str]:
        """All ids in row order."""
        return [self.name(row) for row in range(len(self))]


def joined(ids: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Texts in UTF-8, end to end, and where each begins (with a last entry: where all end)."""
    encoded = [name.encode() for name in ids]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(e) for e in encoded], out=offsets[1:])
    return np.frombuffer(b"".join(encoded), np.uint8).copy(), offsets
