"""YAML 1.2 with places: text in, plain data out, and for every value the line and column it stands at.

Scalars follow the core schema (``NO`` and ``yes`` are text, ``010`` is ten); keys are always text. Tags,
merge keys, non-text keys and several documents in one file are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from router.errors import InvalidConfig, Violation

Scalar = str | int | float | bool | None
Path = tuple[str | int, ...]
"""Keys and list positions from the root of a document."""

MAX_TEXT_CHARACTERS = 8_000_000
MAX_EXPANDED_CHARACTERS = 16_000_000
"""Size of the data once every alias is written out, about: what stops a few lines from becoming gigabytes."""
MAX_DEPTH = 32
_MAX_NUMBER_CHARACTERS = 40

_CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_DECIMAL_INT = re.compile(r"[-+]?[0-9]+", re.ASCII)
_BASED_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)


@dataclass(slots=True)
class _Node:
    """A value and where it begins (counted from 1). ``size`` and ``height`` include what is below."""

    value: Any
    line: int
    column: int
    size: int = 8
    height: int = 0


@dataclass(slots=True)
class _Member:
    """One entry of a mapping, placed at its key."""

    node: _Node
    line: int
    column: int


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet. ``key`` is the key that waits for its value."""

    node: _Node
    anchor: str | None
    path: Path
    key: ScalarEvent | None = None

    def next_path(self) -> Path:
        """Where the next value goes; in a mapping that waits for a key, the mapping itself."""
        if self.key is not None:
            return (*self.path, self.key.value)
        return (*self.path, len(self.node.value)) if isinstance(self.node.value, list) else self.path


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file. ``violations`` are those that did not keep it from being read (a key given twice)."""

    source: str
    root: _Node
    violations: tuple[Violation, ...] = field(default=())

    def data(self) -> Any:
        """Dicts, lists and scalars."""
        return _plain(self.root)

    def position(self, path: Path) -> tuple[int, int]:
        """Line and column, from 1, of the key or list entry at ``path``, or of what is nearest above it."""
        node, at = self.root, (self.root.line, self.root.column)
        for step in path:
            if isinstance(node.value, dict) and step in node.value:
                member = node.value[step]
                node, at = member.node, (member.line, member.column)
            elif isinstance(node.value, list) and isinstance(step, int) and 0 <= step < len(node.value):
                node = node.value[step]
                at = (node.line, node.column)
            else:
                break
        return at

    def violation(self, path: Path, message: str) -> Violation:
        """With the field ``file:line:column path``."""
        return _violation(self.source, *self.position(path), path, message)


def format_path(path: Path) -> str:
    """``("profiles", 0, "id")`` as ``profiles[0].id``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def parse_yaml(text: str, source: str) -> Document:
    """Raises InvalidConfig at the first thing that makes the text unreadable. ``source`` names the file."""
    if len(text) > MAX_TEXT_CHARACTERS:
        raise InvalidConfig.at(source, f"has {len(text)} characters, at most {MAX_TEXT_CHARACTERS}")
    return _Composer(source).compose(_events(text, source))


def _events(text: str, source: str) -> Iterator[Event]:
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        message = "; ".join(part for part in (error.context, error.problem) if part)
        raise InvalidConfig([_violation(source, line, column, (), f"not YAML: {message}")]) from error
    except ReaderError as error:
        before = text[: error.position] if isinstance(error.position, int) else ""
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        code = error.character if isinstance(error.character, int) else ord(error.character[:1])
        message = f"the character U+{code:04X} is not allowed in YAML"
        raise InvalidConfig([_violation(source, line, column, (), message)]) from error
    # The parser lets assorted built-in errors out for bad escapes and directives, without a place.
    except Exception as error:
        raise InvalidConfig.at(source, f"not YAML: {error or type(error).__name__}") from error


class _Composer:
    """Builds the tree of one document from its events, without recursion."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._open: list[_Open] = []
        self._anchors: dict[str, _Node] = {}
        self._found: list[Violation] = []
        self._root: _Node | None = None
        self._documents = 0

    def compose(self, events: Iterator[Event]) -> Document:
        for event in events:
            if isinstance(event, DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise self._refuse(event, "a second document begins here; one file holds one document")
            elif isinstance(event, NodeEvent):
                self._take(event)
            elif isinstance(event, SequenceEndEvent | MappingEndEvent):
                self._close(event)
        if self._root is None:
            raise InvalidConfig([_violation(self._source, 1, 1, (), "is empty")])
        return Document(self._source, self._root, tuple(self._found))

    def _take(self, event: NodeEvent) -> None:
        """A scalar, an alias, or the start of a list or mapping: a key, or a value."""
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.node.value, dict) and top.key is None:
            if not isinstance(event, ScalarEvent):
                raise self._refuse(event, "a key must be plain text")
            self._check_key(event)
            top.key = event
            return
        if isinstance(event, AliasEvent):
            if event.anchor not in self._anchors:
                raise self._refuse(event, f"alias *{event.anchor} stands before the end of its anchor")
            self._attach(self._anchors[event.anchor], event)
            return
        tag = getattr(event, "tag", None)
        if tag is not None and str(tag) not in {"!", "tag:yaml.org,2002:str"}:
            self._report(event, f"the tag {tag} is not supported")
        if isinstance(event, ScalarEvent):
            node = self._node(event, self._scalar(event))
            node.size += len(event.value)
            if event.anchor:
                self._anchors[event.anchor] = node
            self._attach(node, event)
        elif isinstance(event, SequenceStartEvent | MappingStartEvent):
            if len(self._open) >= MAX_DEPTH:
                raise self._refuse(event, f"is nested more than {MAX_DEPTH} deep")
            node = self._node(event, [] if isinstance(event, SequenceStartEvent) else {})
            self._open.append(_Open(node, event.anchor, self._path()))

    def _close(self, event: Event) -> None:
        done = self._open.pop()
        if done.anchor:
            self._anchors[done.anchor] = done.node
        self._attach(done.node, event)

    def _attach(self, node: _Node, event: Event) -> None:
        if not self._open:
            self._root = node
            return
        top = self._open[-1]
        parent = top.node
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)
        if parent.size > MAX_EXPANDED_CHARACTERS:
            raise self._refuse(event, "grows too large once its aliases are written out")
        if len(self._open) + node.height > MAX_DEPTH:
            raise self._refuse(event, f"is nested more than {MAX_DEPTH} deep")
        if isinstance(parent.value, list):
            parent.value.append(node)
            return
        key, top.key = top.key, None
        if key is None:
            raise self._refuse(event, "a key without a value")
        if key.value not in parent.value and not _is_merge(key):
            parent.value[key.value] = _Member(node, key.start_mark.line + 1, key.start_mark.column + 1)

    def _check_key(self, event: ScalarEvent) -> None:
        mapping = self._open[-1].node.value
        if _is_merge(event):
            self._report(event, "merge keys (<<) are not supported; write the keys out")
        elif event.value in mapping:
            first = mapping[event.value].line
            self._report(event, f"the key {event.value!r} is given twice, first on line {first}")
        if not _is_encodable(event.value):
            raise self._refuse(event, "a key holds half of a surrogate pair, which is not a character")

    def _scalar(self, event: ScalarEvent) -> Scalar:
        text: str = event.value
        if event.style or event.tag is not None:
            if not _is_encodable(text):
                raise self._refuse(event, "holds half of a surrogate pair, which is not a character")
            return text
        return _resolve(text)

    def _path(self) -> Path:
        return self._open[-1].next_path() if self._open else ()

    def _node(self, event: NodeEvent, value: Any) -> _Node:
        return _Node(value, event.start_mark.line + 1, event.start_mark.column + 1)

    def _at(self, event: Event, message: str) -> Violation:
        mark = event.start_mark
        is_key = isinstance(event, ScalarEvent) and self._open and self._open[-1].key is None
        path = self._path()
        if is_key and isinstance(self._open[-1].node.value, dict) and isinstance(event, ScalarEvent):
            path = (*path, event.value)
        return _violation(self._source, mark.line + 1, mark.column + 1, path, message)

    def _report(self, event: Event, message: str) -> None:
        self._found.append(self._at(event, message))

    def _refuse(self, event: Event, message: str) -> InvalidConfig:
        return InvalidConfig([*self._found, self._at(event, message)])


def _resolve(text: str) -> Scalar:
    """A plain scalar by the YAML 1.2 core schema; numbers too long to be meant stay text."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) <= _MAX_NUMBER_CHARACTERS:
        if _DECIMAL_INT.fullmatch(text):
            return int(text)
        if _BASED_INT.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


def _is_merge(key: ScalarEvent) -> bool:
    return bool(key.value == "<<" and not key.style)


def _is_encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _plain(node: _Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _plain(member.node) for key, member in node.value.items()}
    if isinstance(node.value, list):
        return [_plain(entry) for entry in node.value]
    return node.value


def _violation(source: str, line: int, column: int, path: Path, message: str) -> Violation:
    return Violation(f"{source}:{line}:{column} {format_path(path)}".rstrip(), message)
