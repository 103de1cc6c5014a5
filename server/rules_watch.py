"""Follows the rule file: a good one comes into force, a bad one is reported and changes nothing."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from router.errors import InvalidConfig
from server.load.rules import load_rules
from server.logs import event
from server.world import World

_SHOWN = 20


class Note(Protocol):
    """Told of every new file: the hash of the rules in force now, OK or REJECTED, the hash of those until
    then, and why it was rejected."""

    def __call__(self, rules_hash: str, outcome: str, before: str, mistakes: Iterable[str] = ()) -> None: ...


def unnoted(rules_hash: str, outcome: str, before: str, mistakes: Iterable[str] = ()) -> None:
    """A ``Note`` for nobody."""


class RulesWatch:
    """``check`` now and then, always by the same thread. The file as it is at first counts as loaded."""

    def __init__(self, path: Path, world: World, note: Note = unnoted) -> None:
        self._note = note
        self._path = path
        self._world = world
        self._seen = _mark(path)
        self.loaded_count = 0
        self.rejected_count = 0
        self.rejected: InvalidConfig | None = None
        """What is wrong with the file as it is now; None when its rules are in force."""

    def check(self) -> None:
        """Loads the file if it is another one than last time."""
        mark = _mark(self._path)
        if mark == self._seen:
            return
        self._seen = mark
        snapshot = self._world.snapshot
        try:
            rules, warnings = load_rules(self._path, snapshot.network, snapshot.catalogue)
            if rules != snapshot.rules:
                self._world.use_rules(rules)
        except InvalidConfig as error:
            self._reject(error, snapshot.rules_hash)
            return
        except Exception as error:  # whatever is wrong with a file, the rules in force stay in force
            event("rules_failed", level=logging.ERROR, file=self._path, error=error)
            self._reject(InvalidConfig.at(str(self._path), f"cannot be used: {error!r}"), snapshot.rules_hash)
            return
        self.rejected = None
        if rules == snapshot.rules:
            return
        self.loaded_count += 1
        for warning in warnings[:_SHOWN]:
            event("rule_file_warning", level=logging.WARNING, at=warning.field, message=warning.message)
        self._note(self._world.snapshot.rules_hash, "OK", snapshot.rules_hash)
        event("rules_loaded", file=self._path, rules_hash=self._world.snapshot.rules_hash)

    def _reject(self, error: InvalidConfig, kept: str) -> None:
        """Reports the mistakes and that the rules with the hash ``kept`` stay."""
        self.rejected = error
        self._note(kept, "REJECTED", kept, map(str, error.violations))
        self.rejected_count += 1
        for violation in error.violations[:_SHOWN]:
            event("rule_file_mistake", level=logging.ERROR, at=violation.field, message=violation.message)
        event(
            "rules_rejected",
            level=logging.ERROR,
            file=self._path,
            mistakes=len(error.violations),
            kept=kept,
        )


def _mark(path: Path) -> tuple[int, int, int] | None:
    """Tells one state of a file from another; None for a missing file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
