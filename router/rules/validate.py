"""A parsed document against a pydantic model: every mistake at once, each with its line and a hint."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from router.errors import InvalidConfig, Violation
from router.rules.yaml_lines import Document, Path

MAX_VIOLATIONS = 100
"""Most violations one InvalidConfig lists; the last then says how many more there are."""

M = TypeVar("M", bound=BaseModel)
_MAX_CANDIDATES = 5_000
_MAX_SHOWN = 60


def validate(document: Document, model: type[M]) -> M:
    """The document as ``model``. Raises InvalidConfig with all violations, in file order."""
    result, found = examine(document, model)
    if found or result is None:
        raise InvalidConfig(bounded(in_file_order(found), document.source))
    return result


def examine(document: Document, model: type[M]) -> tuple[M | None, list[Violation]]:
    """The document as ``model``, None if it is none, and all violations of its form."""
    found = list(document.violations)
    try:
        # Strict JSON: a quoted number is text, a flag is no number, yet lists become tuples.
        return model.model_validate_json(json.dumps(document.data()), strict=True), found
    except ValidationError as error:
        return None, [*found, *_violations(document, model, error)]


def bounded(violations: Sequence[Violation], source: str) -> list[Violation]:
    """The first MAX_VIOLATIONS; when there are more, one at the end counts the rest."""
    rest = len(violations) - MAX_VIOLATIONS
    if rest <= 0:
        return list(violations)
    return [*violations[:MAX_VIOLATIONS], Violation(source, f"and {rest} more")]


def did_you_mean(word: str, candidates: Collection[str]) -> str:
    """``; did you mean 'x'?`` for the nearest candidate, or nothing."""
    if len(candidates) > _MAX_CANDIDATES or len(word) > 128:
        return ""
    folded = {candidate.casefold(): candidate for candidate in sorted(candidates, reverse=True)}
    start = word.casefold()
    near = difflib.get_close_matches(start, list(folded), n=1, cutoff=0.6)
    near = near or [name for name in folded if len(start) > 2 and name.startswith(start)][:1]
    return f"; did you mean {folded[near[0]]!r}?" if near else ""


def in_file_order(violations: Sequence[Violation]) -> list[Violation]:
    """By line and column, as their fields state them."""

    def place(violation: Violation) -> tuple[int, int]:
        match = re.search(r":(\d+):(\d+)(?: |$)", violation.field)
        return (int(match[1]), int(match[2])) if match else (0, 0)

    return sorted(violations, key=place)


def _violations(document: Document, model: type[BaseModel], error: ValidationError) -> Iterator[Violation]:
    data = document.data()
    for details in error.errors(include_url=False):
        given = details.get("input")
        if details["type"] == "too_short" and isinstance(given, list) and given:
            continue  # Its entries are wrong, and each says so itself.
        path = _path(details["loc"], data)
        if details["type"] == "union_tag_invalid":
            path = (*path, "kind")
        yield document.violation(path, _message(details, _models_at(model, path[:-1], data)))


def _path(loc: tuple[str | int, ...], data: Any) -> Path:
    """Where the value stands in the file: without the names of union members that pydantic puts in."""
    path: list[str | int] = []
    may_be_tag = False
    for step in loc:
        if step == "[key]":
            break
        if may_be_tag and isinstance(data, dict) and step == data.get("kind"):
            may_be_tag = False
            continue
        may_be_tag = isinstance(step, int)
        path.append(step)
        data = _child(data, step)
    return tuple(path)


def _child(data: Any, step: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(step)
    return data[step] if isinstance(data, list) and isinstance(step, int) and step < len(data) else None


def _models_at(model: type[BaseModel], path: Path, data: Any) -> list[type[BaseModel]]:
    """The models the mapping at ``path`` may be; a ``kind`` stated there leaves one."""
    models = [model]
    for step in path:
        data = _child(data, step)
        if isinstance(step, str):
            fields = [m.model_fields[step].annotation for m in models if step in m.model_fields]
            # A step that no model knows is the key of a dictionary, whose values `models` already are.
            models = [found for annotation in fields for found in _models_in(annotation)] or models
        kind = data.get("kind") if isinstance(data, dict) else None
        models = [m for m in models if kind is not None and kind in _kinds(m)] or models
    return models


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        if get_origin(annotation) is not Literal:
            yield from _models_in(argument)


def _kinds(model: type[BaseModel]) -> tuple[Any, ...]:
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field is not None else ()


_PATTERNS = {
    r"^[A-Z]{3}$": "must be a currency code of three capital letters, such as EUR",
    r"^[A-Z]{2}$": "must be a country code of two capital letters, such as FR",
    r"^\S(.*\S)?$": "must not begin or end with a space, and must be one line",
}


def _message(details: ErrorDetails, models: Sequence[type[BaseModel]]) -> str:
    kind, given = details["type"], details.get("input")
    context: Mapping[str, Any] = details.get("ctx", {})
    if kind == "missing":
        return "is required"
    if kind == "extra_forbidden":
        known = sorted({name for model in models for name in model.model_fields})
        hint = did_you_mean(str(details["loc"][-1]), known)
        return f"unknown key{hint or '; known are ' + ', '.join(known)}"
    if kind in {"literal_error", "union_tag_invalid"}:
        words = re.findall(r"'([^']*)'", str(context.get("expected_tags", context.get("expected", ""))))
        word = context.get("tag", given)
        hint = did_you_mean(word, words) if isinstance(word, str) else ""
        allowed = ", ".join(words) or str(context.get("expected"))
        return f"{_shown(word)} is not one of {allowed}{hint}"
    if kind == "union_tag_not_found":
        kinds = [str(k) for model in models for k in _kinds(model)]
        return "needs a kind" + (f", one of {', '.join(kinds)}" if kinds else "")
    return _value_message(kind, given, context, details["msg"])


def _value_message(kind: str, given: Any, context: Mapping[str, Any], default: str) -> str:
    """What is wrong with one value: its type or its range."""
    expected = _TYPES.get(kind)
    if expected is not None:
        if given is None:
            return f"is empty, must be {expected}"
        hint = "; write it in quotes" if kind == "string_type" and not isinstance(given, dict | list) else ""
        return f"must be {expected}, is {_shown(given)}{hint}"
    if kind == "string_pattern_mismatch" and context.get("pattern") in _PATTERNS:
        return f"{_PATTERNS[str(context['pattern'])]}, is {_shown(given)}"
    for name, words in _RANGES.items():
        if name in context and not kind.startswith(("string", "decimal", "too_")):
            return f"must be {words} {context[name]}, is {_shown(given)}"
    if kind == "too_long":
        return f"has {context['actual_length']} entries, at most {context['max_length']}"
    if kind == "too_short":
        return f"has {context['actual_length']} entries, at least {context['min_length']}"
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "string_too_long":
        return f"has {len(str(given))} characters, at most {context['max_length']}"
    if kind == "decimal_max_places":
        return f"must have at most {context['decimal_places']} decimal places, is {_shown(given)}"
    if kind == "value_error":
        return str(context.get("error", default))
    return f"{default[0].lower()}{default[1:]}".replace("input should", "must", 1)


_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "finite_number": "a finite number",
    "date_type": "a date such as 2026-12-24",
    "date_parsing": "a date such as 2026-12-24",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a mapping of keys to values",
    "dict_type": "a mapping of keys to values",
    "path_type": "a path",
}
_RANGES = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."
