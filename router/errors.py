"""Mistakes. Outcomes ("cannot be sourced", "sold out", "already confirmed") are values, not exceptions.

Every error carries a stable upper-case ``reason`` for machines, and what a caller may act on, such as ids,
states and numbers, again in ``metadata`` or ``violations``, so that nobody ever parses a message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with one field: ``field`` is a path such as ``order.lines[2].quantity``,
    or for files ``rules.yaml:14:7 strategies[0].limits.max_nodes_per_order``."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class SourcierError(Exception):
    """Base of every error raised on purpose."""

    reason = "INTERNAL"

    def __init__(self, message: str, *, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.metadata: dict[str, str] = dict(metadata or {})


class InvalidInput(SourcierError):
    """The caller's data is wrong. Lists *all* the violations found, in input order."""

    reason = "INVALID_INPUT"

    def __init__(self, violations: Sequence[Violation], *, reason: str | None = None) -> None:
        if not violations:
            raise ValueError("InvalidInput needs at least one violation")
        super().__init__("; ".join(str(v) for v in violations[:20]))
        self.violations = tuple(violations)
        if reason is not None:
            self.reason = reason

    @classmethod
    def at(cls, field: str, message: str, *, reason: str | None = None) -> Self:
        """The common case: a single violation."""
        return cls([Violation(field, message)], reason=reason)


class InvalidConfig(InvalidInput):
    """A config, rule, network or import file is wrong; violations name file, line and path."""

    reason = "INVALID_CONFIG"


class NotFound(SourcierError):
    """A named thing (reservation, decision, node) does not exist."""

    reason = "NOT_FOUND"


class RequestIdReused(SourcierError):
    """The same request_id came again with other content."""

    reason = "REQUEST_ID_REUSED"


class StateConflict(SourcierError):
    """A reservation is not in a state that allows the call (already released, expired, ...)."""

    reason = "RESERVATION_STATE"


class StockConflict(SourcierError):
    """Stock kept changing under the decision: the bounded number of tries is used up."""

    reason = "STOCK_CONFLICT"


class StaleSnapshot(SourcierError):
    """What orders would be decided from is too old."""

    reason = "STALE_SNAPSHOT"

    def __init__(self, stale_seconds: float) -> None:
        super().__init__(
            f"the ledger could not be followed for {stale_seconds:.0f} seconds",
            metadata={"stale_seconds": f"{stale_seconds:.0f}"},
        )


class LedgerUnusable(SourcierError):
    """The ledger file is corrupt, belongs to another application or to a newer version."""

    reason = "LEDGER_UNUSABLE"


class BrokenInvariant(SourcierError):
    """The engine contradicts itself (kernel cost and recomputed cost differ, for example)."""

    reason = "BROKEN_INVARIANT"
