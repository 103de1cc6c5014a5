"""Files: mutated by their tokens (words, numbers, marks, lines), and sometimes by their bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

from bench.fuzz.messages import broken_bytes

TOKEN = re.compile(rb"\s+|[A-Za-z_][A-Za-z0-9_-]*|[0-9]+(?:\.[0-9]+)?|.", re.DOTALL)
INTERESTING = (
    b"",
    b"0",
    b"-0",
    b"-1",
    b"1",
    b"2",
    b"0.5",
    b"1e400",
    b"-1e3",
    b"nan",
    b".inf",
    b"1_000",
    b"0x10",
    b"010",
    b"1:30",
    b"2147483648",
    b"9223372036854775807",
    b"9223372036854775808",
    b"99999999999999999999999",
    b"9" * 5_000,
    b"true",
    b"null",
    b"~",
    b"[]",
    b"{}",
    b'""',
    b"''",
    b"*",
    b"a",
    b"A" * 129,
    b"\xc3\xa9",
    b"\xff",
    b"\x00",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\r",
    b"\r\n",
    b"\n",
    b"\t",
    b",",
    b";",
    b"=",
    b'"',
    b"'",
    b": ",
    b"- ",
    b"#",
    b"&a ",
    b"*a",
    b"!!int ",
    b"!!python/object:os.system ",
    b"<<: ",
    b"? ",
    b"|\n",
    b">\n",
    b"---\n",
    b"...\n",
    b"%YAML 9.9\n",
    b"&a [*a]",
    b"[" * 40,
    b"{a: " * 40,
    b"[" * 3_000,
    b"2025-06-20",
    b"2025-02-30",
    b"0000-00-00",
    b"9999-12-31",
    b"24:00",
    b"25:99",
    b"2025-06-20T08:00:00Z",
    b"2025-06-20T08:00:00+99:99",
    b"100=1",
    b"0=100",
    b"\\ud800",
    b"\\u0000",
    b"FR",
    b"XX",
    b"Europe/Paris",
    b"../../x",
    b"MON",
    b"STORE",
)
MAX_BYTES = 30_000


def mutated(random: Random, text: bytes, others: Sequence[bytes]) -> bytes:
    """others: texts of the same kind, for pieces to take over."""
    if random.random() < 0.1:
        return broken_bytes(random, text)
    tokens = TOKEN.findall(text)
    words = [token for other in (text, random.choice(others)) for token in TOKEN.findall(other)]
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        if not tokens:
            return random.choice(INTERESTING)
        random.choice(_CHANGES)(random, tokens, words)
    return b"".join(tokens)[:MAX_BYTES]


def _replace(random: Random, tokens: list[bytes], words: list[bytes]) -> None:
    at = random.randrange(len(tokens))
    tokens[at] = random.choice(INTERESTING) if random.random() < 0.5 else random.choice(words)


def _replace_word(random: Random, tokens: list[bytes], words: list[bytes]) -> None:
    """A word or a number by another one: most likely to be read."""
    places = [i for i, token in enumerate(tokens) if token[:1].isalnum()]
    if places:
        tokens[random.choice(places)] = random.choice([w for w in words if w[:1].isalnum()] or [b"a"])


def _replace_number(random: Random, tokens: list[bytes], words: list[bytes]) -> None:
    places = [i for i, token in enumerate(tokens) if token[:1].isdigit()]
    if places:
        tokens[random.choice(places)] = random.choice(INTERESTING[:20])


def _insert(random: Random, tokens: list[bytes], words: list[bytes]) -> None:
    tokens.insert(random.randrange(len(tokens) + 1), random.choice((*INTERESTING, random.choice(words))))


def _remove(random: Random, tokens: list[bytes], words: list[bytes]) -> None:
    start = random.randrange(len(tokens))
    del tokens[start : start + random.choice((1, 1, 2, 8, 40))]


def _double_line(random: Random, tokens: list[bytes], words: list[bytes]) -> None:
    lines = b"".join(tokens).splitlines(keepends=True)
    if lines:
        at = random.randrange(len(lines))
        lines[at:at] = lines[at : at + random.choice((1, 1, 3))] * random.choice((1, 2, 20))
        tokens[:] = TOKEN.findall(b"".join(lines)[:MAX_BYTES])


def _remove_line(random: Random, tokens: list[bytes], words: list[bytes]) -> None:
    lines = b"".join(tokens).splitlines(keepends=True)
    at = random.randrange(len(lines) or 1)
    del lines[at : at + random.choice((1, 1, 3))]
    tokens[:] = TOKEN.findall(b"".join(lines))


def _swap(random: Random, tokens: list[bytes], words: list[bytes]) -> None:
    a, b = random.randrange(len(tokens)), random.randrange(len(tokens))
    tokens[a], tokens[b] = tokens[b], tokens[a]


_CHANGES: tuple[Callable[[Random, list[bytes], list[bytes]], None], ...] = (
    _replace,
    _replace_word,
    _replace_word,
    _replace_number,
    _insert,
    _remove,
    _double_line,
    _remove_line,
    _swap,
)
