"""Hashing and looking up ids held as bytes, without a Python object per id."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from router.kernels.jit import brief, kernel

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT = np.uint64(32)


@kernel
def hash_bytes(data: U8, start: int, stop: int) -> np.uint64:
    """FNV-1a over ``data[start:stop]``, finished with a multiply-xorshift so that low bits are good."""
    h = _FNV_OFFSET
    for i in range(start, stop):
        h = (h ^ np.uint64(data[i])) * _FNV_PRIME
    h ^= h >> _SHIFT
    h *= _MIX
    h ^= h >> _SHIFT
    return h


@kernel
def find(data: U8, offsets: I64, table: I32, text: U8, start: int, stop: int) -> int:
    """Row of ``text[start:stop]`` in an index, -1 when absent. Open addressing, linear probing.

    data[B], offsets[S + 1]: the ids, end to end. table[power of two]: row or -1.
    """
    mask = np.uint64(len(table) - 1)
    slot = hash_bytes(text, start, stop) & mask
    length = stop - start
    while True:
        row = table[slot]
        if row < 0:
            return -1
        first = offsets[row]
        if offsets[row + 1] - first == length:
            same = True
            for i in range(length):
                if data[first + i] != text[start + i]:
                    same = False
                    break
            if same:
                return int(row)
        slot = (slot + np.uint64(1)) & mask


@brief
def find_one(data: U8, offsets: I64, table: I32, text: U8) -> int:
    """``find`` of all of ``text``, for calls from Python."""
    return find(data, offsets, table, text, 0, len(text))


@kernel
def fill_table(data: U8, offsets: I64, table: I32) -> int:
    """Enter every id into ``table`` (filled with -1). Returns the first row that repeats an id, or -1."""
    mask = np.uint64(len(table) - 1)
    for row in range(len(offsets) - 1):
        start, stop = offsets[row], offsets[row + 1]
        if find(data, offsets, table, data, start, stop) >= 0:
            return row
        slot = hash_bytes(data, start, stop) & mask
        while table[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        table[slot] = row
    return -1


@kernel
def find_all(data: U8, offsets: I64, table: I32, text: U8, text_offsets: I64, out: I32) -> None:
    """``out[i]`` = row of the i-th text, -1 when absent."""
    for i in range(len(out)):
        out[i] = find(data, offsets, table, text, text_offsets[i], text_offsets[i + 1])


@brief
def find_few(data: U8, offsets: I64, table: I32, text: U8, text_offsets: I64, out: I32) -> None:
    """``find_all`` of a few short texts."""
    find_all(data, offsets, table, text, text_offsets, out)


@kernel
def mix(h: np.uint64, value: np.uint64) -> np.uint64:
    """One more word into a running hash."""
    h = (h ^ value) * _MIX
    return h ^ (h >> _SHIFT)
