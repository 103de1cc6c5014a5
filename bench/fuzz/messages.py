"""Requests: made by their descriptors out of words that mean something to the shop, and mutated, as messages
and as bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

INTEGERS = (0, 1, 2, 3, 5, 9, 10, 60, 200, 201, 600, 1_000, 9_999, 10_000, 1_000_000, 1_000_001)
EDGES = (
    *tuple(
        sign * (2**bits + more)
        for bits in (7, 14, 15, 16, 31, 32, 53, 56, 62)
        for more in (-1, 0)
        for sign in (1, -1)
    ),
    10**9,
    10**9 + 1,
    2**63 - 1,
    -(2**63),
    -1,
)
REALS = (
    0.0,
    -0.0,
    48.85,
    2.35,
    90.0,
    -90.0,
    90.0001,
    180.0,
    -180.0,
    1e300,
    float("inf"),
    float("nan"),
    5e-324,
)
TIMES = (
    -62_135_596_800,
    -62_135_596_801,
    -1,
    0,
    946_684_800,
    253_402_300_799,
    253_402_300_800,
    4_102_444_800,
)
STRINGS = (
    "",
    " ",
    "a",
    "x" * 128,
    "x" * 129,
    "é" * 64,
    "a\nb",
    "\x00",
    "\u202e",
    "🛒",
    "#orders",
    "a;b",
    "a@b",
    "a:b",
    "FR",
    "BE",
    "CH",
    "XX",
    "fr",
    "75001",
    "59000",
    "gold",
    "\ufeffid",
    "-1",
    "0",
    "null",
    "{}",
    "%s",
    "../x",
)
REPEATS = (0, 1, 2, 3, 8, 9, 20, 21, 60, 201)
MAX_DEPTH = 6
_WIDE = {FieldDescriptor.CPPTYPE_INT32: 31, FieldDescriptor.CPPTYPE_INT64: 63}


class Words:
    """Texts that requests are made of: by the name of a field, some that mean something, and what answers
    have told. ``known`` is by field name."""

    def __init__(self, known: dict[str, Sequence[str]]) -> None:
        self._known = {name: list(words) for name, words in known.items()}
        self._fixed = {name: list(words) for name, words in known.items()}

    def begin(self) -> None:
        """A new shop has told nothing yet."""
        self._known = {name: list(words) for name, words in self._fixed.items()}

    def learn(self, answer: Message) -> None:
        """Ids in an answer may be in a later request."""
        for name in ("reservation_id", "decision_id", "offer_id"):
            if name in answer.DESCRIPTOR.fields_by_name:
                word = getattr(answer, name)
                if word:
                    self._known.setdefault(name, []).append(word)
        for name in ("decision", "results"):
            if name in answer.DESCRIPTOR.fields_by_name:
                inner = getattr(answer, name)
                for each in inner if name == "results" else [inner]:
                    self.learn(each)

    def draw(self, random: Random, name: str) -> str:
        """For a field of that name."""
        known = self._known.get(name) or self._known.get(name.removesuffix("s"))
        if known and random.random() < 0.9:
            return known[-1] if random.random() < 0.4 else random.choice(known)
        return random.choice(STRINGS)


class Maker:
    """Draws messages and mutates them. now_seconds: around which times are drawn."""

    def __init__(self, random: Random, words: Words, now_seconds: int) -> None:
        self._random = random
        self._words = words
        self._now = now_seconds
        self._wild = 0.05

    def message(self, kind: type[Message]) -> Message:
        """A new one. Most have few values that are out of bounds, some many."""
        self._wild = self._random.choice((0.0, 0.0, 0.01, 0.05, 0.4))
        made = kind()
        self._fill(made, 0)
        return made

    def _fill(self, message: Message, depth: int) -> None:
        random = self._random
        if message.DESCRIPTOR.full_name == "google.protobuf.Timestamp":
            self._set_time(message)
            return
        for field in message.DESCRIPTOR.fields:
            needed = field.name in _USUAL or field.number <= 2
            if random.random() < (0.93 if needed else 0.3):
                self._set(message, field, depth)

    def _set(self, message: Any, field: Any, depth: int) -> None:
        if field.is_repeated:
            wild = self._random.random() < self._wild
            count = self._random.choice(REPEATS if wild else (0, 1, 1, 2, 3))
            values = getattr(message, field.name)
            del values[:]
            for _ in range(count):
                if field.message_type is None:
                    values.append(self._scalar(field))
                elif depth < MAX_DEPTH:
                    self._fill(values.add(), depth + 1)
        elif field.message_type is not None:
            if depth < MAX_DEPTH:
                inner = getattr(message, field.name)
                inner.SetInParent()
                self._fill(inner, depth + 1)
        else:
            setattr(message, field.name, self._scalar(field))

    def _scalar(self, field: Any) -> Any:
        random, kind = self._random, field.cpp_type
        wild = random.random() < self._wild
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return random.random() < 0.5
        if kind == FieldDescriptor.CPPTYPE_ENUM:
            return (
                random.choice((-1, 99, 2**31 - 1)) if wild else random.choice(field.enum_type.values).number
            )
        if kind == FieldDescriptor.CPPTYPE_STRING:
            return random.choice(STRINGS) if wild else self._words.draw(random, field.name)
        if kind in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
            return random.choice(REALS) if wild else random.uniform(*_RANGES.get(field.name, (-180, 180)))
        if kind in _WIDE:
            drawn = random.choice(EDGES) if wild else random.choice(INTEGERS[:9])
            return max(-(2 ** _WIDE[kind]), min(2 ** _WIDE[kind] - 1, drawn))
        raise TypeError(f"no values for {field.full_name}")

    def _set_time(self, message: Any) -> None:
        random = self._random
        if random.random() < self._wild:
            message.seconds = random.choice((*TIMES, *EDGES))
            message.nanos = random.choice((0, 1, -1, 999_999_999, 10**9, -(2**31)))
        else:
            message.seconds = self._now + random.choice((-86_400, -1, 0, 1, 3_600, 86_400, 5 * 86_400))

    def mutated(self, message: Message) -> None:
        """Changes one to four things somewhere in it."""
        self._wild = self._random.choice((0.05, 0.3, 0.8))
        for _ in range(self._random.choice((1, 1, 2, 4))):
            self._change(message, 0)

    def renew_ids(self, message: Any) -> None:
        """Most requests are new ones, about something that answers have told of."""
        for name in ("request_id", "reservation_id", "decision_id", "offer_id", "previous_offer_id"):
            field = message.DESCRIPTOR.fields_by_name.get(name)
            if field is not None and getattr(message, name) and self._random.random() < 0.85:
                setattr(message, name, self._words.draw(self._random, name.removeprefix("previous_")))

    def _change(self, message: Any, depth: int) -> None:
        random = self._random
        if not message.DESCRIPTOR.fields:
            return
        set_fields = [field for field, _ in message.ListFields()]
        inner = [field for field in set_fields if field.message_type is not None]
        if inner and random.random() < 0.75:
            field = random.choice(inner)
            value = getattr(message, field.name)
            if field.is_repeated:
                self._change_list(value, depth)
            else:
                self._change(value, depth + 1)
            return
        field = random.choice(set_fields or message.DESCRIPTOR.fields)
        if random.random() < 0.3:
            field = random.choice(message.DESCRIPTOR.fields)
        if random.random() < 0.2:
            message.ClearField(field.name)
        elif message.DESCRIPTOR.full_name == "google.protobuf.Timestamp":
            self._set_time(message)
        else:
            self._set(message, field, depth)

    def _change_list(self, values: Any, depth: int) -> None:
        random = self._random
        match random.randrange(6):
            case 0:
                values.add().CopyFrom(random.choice(values))
            case 1:
                del values[random.randrange(len(values))]
            case 2:
                # Many of the same: what is bounded has to be refused, what is not must not take long.
                one = random.choice(values)
                for _ in range(min(random.choice(REPEATS), 400 - len(values))):
                    values.add().CopyFrom(one)
            case _:
                self._change(random.choice(values), depth + 1)


_USUAL = frozenset({"destination", "order", "quantity", "lines", "holds", "postal_code", "order_id", "items"})
_RANGES = {"latitude": (43.0, 51.0), "longitude": (-1.0, 8.0)}


def broken_bytes(random: Random, raw: bytes) -> bytes:
    """Bytes that may be no message any more: flipped, cut, doubled, wrong lengths, groups, deep nests."""
    changed = bytearray(raw)
    for _ in range(random.choice((1, 1, 2, 6))):
        random.choice(_BREAKS)(random, changed)
    return bytes(changed[:200_000])


def _flip(random: Random, raw: bytearray) -> None:
    if raw:
        raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)


def _put(random: Random, raw: bytearray) -> None:
    if raw:
        raw[random.randrange(len(raw))] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))


def _cut(random: Random, raw: bytearray) -> None:
    del raw[random.randrange(len(raw) + 1) :]


def _remove(random: Random, raw: bytearray) -> None:
    start = random.randrange(len(raw) + 1)
    del raw[start : start + random.choice((1, 2, 4, 16))]


def _double(random: Random, raw: bytearray) -> None:
    start = random.randrange(len(raw) + 1)
    part = raw[start : start + random.choice((1, 2, 8, 64))]
    raw[start:start] = part * random.choice((1, 2, 50))


def _insert(random: Random, raw: bytearray) -> None:
    start = random.randrange(len(raw) + 1)
    raw[start:start] = random.choice(_PIECES)(random)


def _nest(random: Random, raw: bytearray) -> None:
    """The whole as a field of itself, again and again."""
    number = random.choice((1, 2, 3))
    for _ in range(random.choice((1, 3, 100, 150))):
        if len(raw) > 20_000:
            return
        raw[:0] = bytes([number << 3 | 2]) + varint(len(raw))


_BREAKS: tuple[Callable[[Random, bytearray], None], ...] = (
    _flip,
    _flip,
    _put,
    _cut,
    _remove,
    _double,
    _insert,
    _insert,
    _nest,
)


def varint(value: int) -> bytes:
    """As protobuf writes numbers; negative ones take ten bytes."""
    value &= 2**64 - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


_PIECES: tuple[Callable[[Random], bytes], ...] = (
    lambda random: varint(random.choice(EDGES)),
    lambda random: varint(random.randrange(1, 20) << 3 | random.randrange(8)),
    lambda random: bytes([random.randrange(1, 16) << 3 | 2]) + varint(random.choice(EDGES)),
    lambda random: b"\xff" * random.choice((1, 9, 10, 11)),
    lambda random: b"\x80" * random.choice((1, 9, 10, 11)) + b"\x00",
    lambda random: bytes([random.randrange(1, 16) << 3 | 3]) * random.choice((1, 101)),
    lambda random: bytes([random.randrange(1, 16) << 3 | 1]) + struct.pack("<d", random.choice(REALS)),
    lambda random: bytes([random.randrange(1, 16) << 3 | 2, 3]) + b"\xed\xa0\x80",
    lambda random: varint(random.choice((2**29 - 1, 2**29, 0, 19_000)) << 3) + b"\x01",
)
