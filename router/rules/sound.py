"""What can be read of a rule file that has mistakes, so that the rest of it is checked in the same go.

Everything keeps its place in the file. What cannot be read is left out or, in a list, replaced by something
that no check speaks of.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from router.rules.model import Profile, RuleSet, Strategy

_UNNAMED = "\0"
"""Begins the ids that stand for unreadable ones; no id of a file has it and is meant."""
_IDLE: dict[str, Callable[[int], dict[str, Any]]] = {
    "eligibility": lambda at: {"kind": "exclude_services", "name": f"{_UNNAMED}{at}"},
    "supply": lambda at: {"kind": "receipts", "name": f"{_UNNAMED}supply {at}"},
    "objectives": lambda at: {"kind": "shipping", "weight": 0},
}


def sound_parts(data: Any) -> RuleSet:
    """``data`` as rules, not validated as a whole. References to what may be called so are left out."""
    file = data if isinstance(data, dict) else {}
    entries = file.get("profiles")
    profiles = [_profile(entry, at) for at, entry in enumerate(entries if isinstance(entries, list) else [])]
    default = file.get("default_profile")
    if not profiles:
        profiles = [Profile.model_construct(id=_UNNAMED, strategies=())]
    ids = [profile.id for profile in profiles]
    if not _is_id(default) or (default not in ids and _some_unnamed(ids)):
        default = ids[0]
    return RuleSet.model_construct(version=1, default_profile=default, profiles=tuple(profiles))


def _profile(data: Any, at: int) -> Profile:
    file = data if isinstance(data, dict) else {}
    entries = file.get("strategies")
    parts = [_strategy(entry, s) for s, entry in enumerate(entries if isinstance(entries, list) else [])]
    ids = [strategy.id for strategy in parts]
    if _some_unnamed(ids):
        parts = [s if s.fallback in ids else s.model_copy(update={"fallback": None}) for s in parts]
    named = file["id"] if _is_id(file.get("id")) else f"{_UNNAMED}{at}"
    return Profile.model_construct(id=named, strategies=tuple(parts))


def _strategy(data: Any, at: int) -> Strategy:
    kept: dict[str, Any] = {}
    for key, value in data.items() if isinstance(data, dict) else ():
        part = value
        if isinstance(value, list) and key in _IDLE:
            part = [v if _reads(key, [v]) else _IDLE[key](i) for i, v in enumerate(value)]
        elif isinstance(value, dict):
            part = {k: v for k, v in value.items() if _reads(key, {k: v})}
        if _reads(key, part):
            kept[key] = part
    return _validated({"id": f"{_UNNAMED}{at}", **kept})


def _reads(key: str, value: Any) -> bool:
    """Whether a strategy may have this key with this value."""
    try:
        _validated({"id": "x", key: value})
    except ValidationError:
        return False
    return True


def _validated(data: dict[str, Any]) -> Strategy:
    return Strategy.model_validate_json(json.dumps(data), strict=True)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and _reads("id", value)


def _some_unnamed(ids: list[str]) -> bool:
    return any(name.startswith(_UNNAMED) for name in ids)
