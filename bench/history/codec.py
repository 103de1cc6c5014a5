"""Values of the ledger port as plain JSON and back, by their type hints."""

from __future__ import annotations

import dataclasses
import types
import typing
from enum import IntEnum
from functools import cache
from typing import Any


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """Fields of a dataclass and their types."""
    return typing.get_type_hints(kind)


def plain(value: Any) -> Any:
    """Numbers, text, lists and objects: dataclasses by field, enums by name, bytes in hexadecimal."""
    if isinstance(value, IntEnum):
        return value.name
    if value is None or isinstance(value, int | str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if dataclasses.is_dataclass(value):
        return {name: plain(getattr(value, name)) for name in _hints(value.__class__)}
    return [plain(item) for item in value]


def restored(kind: Any, value: Any) -> Any:
    """The value of type ``kind`` that ``plain`` was given. Raises KeyError or TypeError for what is none."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        return restored(next(part for part in arguments if part is not type(None)), value)
    if origin is list:
        return [restored(arguments[0], item) for item in value]
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return tuple(restored(arguments[0], item) for item in value)
        return tuple(restored(part, item) for part, item in zip(arguments, value, strict=True))
    if dataclasses.is_dataclass(kind):
        known = _hints(kind)
        return kind(**{name: restored(known[name], item) for name, item in value.items()})
    if issubclass(kind, IntEnum):
        return kind[value]
    if kind is bytes:
        return bytes.fromhex(value)
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
