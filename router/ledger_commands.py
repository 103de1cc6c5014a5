"""What a ledger is told to do, and what is wrong with being told so."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from router.errors import InvalidInput, Violation
from router.ledger import DayHold, Hold, ReserveRequest, StockUpdate
from router.ledger_places import split_place
from router.ledger_rows import MAX_UNITS
from router.node_rows import is_node_row

MAX_TTL_SECONDS = 1_000_000_000
"""Longest time a reservation may be held."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """Decide every request on its own and in order. Outcome: a ``ReserveOutcome`` for each."""

    requests: Sequence[ReserveRequest]


@dataclass(frozen=True, slots=True)
class Confirm:
    """HELD -> CONFIRMED, of the units in ``part`` if that is not empty; the others are free again. Outcome:
    ``ResolveOutcome``."""

    reservation_id: str
    part: Sequence[Hold] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """HELD -> RELEASED. Outcome: ``ResolveOutcome``."""

    reservation_id: str


@dataclass(frozen=True, slots=True)
class Extend:
    """HELD for so long from now on, or as before if that is longer. Outcome: ``ResolveOutcome``."""

    reservation_id: str
    ttl_seconds: int


@dataclass(frozen=True, slots=True)
class Expire:
    """Resolve what is due. Outcome: how many reservations expired."""


@dataclass(frozen=True, slots=True)
class UpdateStock:
    """All updates or none. Outcome: the version after."""

    request_id: str
    updates: Sequence[StockUpdate]


@dataclass(frozen=True, slots=True)
class Feed:
    """All updates that are news of a feed, or none. Outcome: ``FeedOutcome``."""

    feed_id: str
    updates: Sequence[StockUpdate]


Command = Reserve | Confirm | Release | Extend | Expire | UpdateStock | Feed


def merged(holds: Sequence[Hold]) -> dict[tuple[str, str], int]:
    """Units per (sku_id, node_id): quantities of equal rows added up, in order of first appearance."""
    units: dict[tuple[str, str], int] = {}
    for hold in holds:
        key = (hold.sku_id, hold.node_id)
        units[key] = units.get(key, 0) + hold.quantity
    return units


def fingerprint(updates: Sequence[StockUpdate]) -> str:
    """A digest of the content of a stock request."""
    plain = [
        (u.sku_id, u.node_id, u.on_hand, u.relative, u.safety_stock, u.new_row_safety_stock) for u in updates
    ]
    return hashlib.sha256(json.dumps(plain, separators=(",", ":")).encode()).hexdigest()


def check_requests(requests: Sequence[ReserveRequest]) -> None:
    """Raises InvalidInput with everything that is wrong."""
    found = [v for i, request in enumerate(requests) for v in _violations(f"requests[{i}]", request)]
    if found:
        raise InvalidInput(found)


def check_ttl(ttl_seconds: int) -> None:
    """Raises InvalidInput for a time that nothing may be held for."""
    found = list(_ttl_violations("ttl_seconds", ttl_seconds))
    if found:
        raise InvalidInput(found)


def _violations(path: str, request: ReserveRequest) -> Iterator[Violation]:
    if not request.holds and not request.days and not request.replaces:
        yield Violation(f"{path}.holds", "a reservation needs at least one hold")
    for i, choice in enumerate(request.choices):
        here = f"{path}.fallbacks[{i - 1}]" if i else path
        if i and not choice.holds and not choice.days:
            yield Violation(f"{here}.holds", "a fallback needs at least one hold")
        for j, hold in enumerate(choice.holds):
            if hold.quantity < 1:
                message = f"{hold.quantity} is not a positive number of units"
                yield Violation(f"{here}.holds[{j}].quantity", message)
        for j, day in enumerate(choice.days):
            yield from _day_violations(f"{here}.days[{j}]", day)
    for j, correction in enumerate(request.corrections):
        here = f"{path}.corrections[{j}]"
        if is_node_row(correction.sku_id) or split_place(correction.node_id)[1] is not None:
            yield Violation(here, "is not of a node's own stock")
        if correction.gone_units is not None and correction.gone_units < 0:
            yield Violation(f"{here}.gone_units", f"{correction.gone_units} is negative")
    yield from _ttl_violations(f"{path}.ttl_seconds", request.ttl_seconds)


def _ttl_violations(path: str, ttl_seconds: int) -> Iterator[Violation]:
    if not 1 <= ttl_seconds <= MAX_TTL_SECONDS:
        yield Violation(path, f"{ttl_seconds} is not within 1..{MAX_TTL_SECONDS} seconds")


def _day_violations(path: str, day: DayHold) -> Iterator[Violation]:
    if not is_node_row(day.hold.sku_id):
        yield Violation(f"{path}.hold.sku_id", f"{day.hold.sku_id!r} is no row about nodes")
    if day.hold.quantity < 1:
        yield Violation(f"{path}.hold.quantity", f"{day.hold.quantity} is not a positive number of units")
    for name, units in (("capacity", day.capacity), ("waiting", day.waiting)):
        if not 0 <= units <= MAX_UNITS:
            yield Violation(f"{path}.{name}", f"{units} is not within 0..{MAX_UNITS}")
