"""Effects: what must have happened to the stock, and between which ticks, for the reservations to be what
they are at the end. One for every reservation made, released or expired, and for every update."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.history.case import Attempt, Case, Net, nets_of, units_of
from bench.history.findings import Finding, Law, row_name
from bench.history.model import NEVER, Call, Ending, Key
from router.ledger import Reservation, ReservationState, ResolveCode

Cause = Literal["reserve", "confirm", "release", "expire", "stock"]


@dataclass(eq=False, slots=True, kw_only=True)
class Effect:
    """deltas: change of ``available`` by row (of updates: nothing; see ``nets``). It happened after tick
    ``earliest`` and before ``latest``. rank: which of two that look the same is tried first. after: what it
    builds on. first, last: the versions it has in the order that was found, 0 before."""

    cause: Cause
    name: str
    deltas: dict[Key, int] = field(default_factory=dict)
    earliest: int
    latest: int
    rank: tuple[Any, ...]
    calls: tuple[str, ...]
    after: Effect | None = None
    nets: dict[Key, Net] = field(default_factory=dict)
    acknowledged_version: int | None = None
    first: int = 0
    last: int = 0


@dataclass(slots=True)
class Effects:
    """definite: happened for sure, and changed ``available``. confirms: changed it where a row was short.
    updates: may have changed nothing; acknowledged ones name their version. findings: reservations that no
    request explains."""

    definite: list[Effect] = field(default_factory=list)
    confirms: list[Effect] = field(default_factory=list)
    updates: list[Effect] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def effects_of(case: Case) -> Effects:
    """Of all reservations and updates of the history."""
    found = Effects()
    makers = _Makers(case)
    for reservation in case.final.reservations:
        made = makers.effect(reservation)
        if isinstance(made, Finding):
            found.findings.append(made)
            continue
        found.definite.append(made)
        resolved = _resolved(case, reservation, made)
        if isinstance(resolved, Finding):
            found.findings.append(resolved)
        elif resolved is not None:
            (found.confirms if resolved.cause == "confirm" else found.definite).append(resolved)
    found.updates = [_update(name, calls) for name, calls in case.updates.items()]
    return found


class _Makers:
    """Which request made a reservation: by its answer, else by its content, each request id once."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._explained = {
            name
            for name, attempts in case.by_request.items()
            if any(attempt.outcome is not None and attempt.outcome.reservation for attempt in attempts)
        }
        self._unheard: dict[Any, list[str]] = {}
        for name, attempts in case.by_request.items():
            for request in {attempt.request for attempt in attempts if attempt.outcome is None}:
                content = (request.order_id, request.holds, request.ttl_seconds)
                self._unheard.setdefault(content, []).append(name)

    def effect(self, reservation: Reservation) -> Effect | Finding:
        answers = self._case.acknowledged.get(reservation.reservation_id, [])
        first = [one for one in answers if one.outcome is not None and not one.outcome.replayed]
        if first:
            attempts: Sequence[Attempt] = first[:1]
        elif answers:
            name = answers[0].request.request_id
            attempts = [one for one in self._case.by_request[name] if one.outcome is None]
        else:
            attempts = self._by_content(reservation)
        if not attempts:
            return self._unexplained(reservation, answers)
        return Effect(
            cause="reserve",
            name=reservation.reservation_id,
            deltas={key: -units for key, units in units_of(reservation.holds).items()},
            earliest=min(one.call.called_tick for one in attempts),
            latest=min((one.call.answered_tick for one in answers), default=NEVER),
            rank=(reservation.reservation_id,),
            calls=tuple(dict.fromkeys(one.call.call_id for one in (*attempts, *answers))),
        )

    def _by_content(self, reservation: Reservation) -> Sequence[Attempt]:
        ttl_seconds = reservation.expires_at_seconds - reservation.created_at_seconds
        names = self._unheard.get((reservation.order_id, reservation.holds, ttl_seconds), [])
        for name in names:
            if name not in self._explained:
                self._explained.add(name)
                return [one for one in self._case.by_request[name] if one.outcome is None]
        return []

    def _unexplained(self, reservation: Reservation, answers: Sequence[Attempt]) -> Finding:
        alike = answers or [
            one
            for one in self._case.attempts
            if (one.request.order_id, one.request.holds) == (reservation.order_id, reservation.holds)
        ]
        return Finding(
            law=Law.ONE_EFFECT if alike else Law.SERIAL,
            what=f"no request explains {reservation.reservation_id}: each that asked for it has another one"
            if alike
            else f"nobody asked for {reservation.reservation_id}",
            calls=tuple(one.call.call_id for one in alike[:6]),
            rows=tuple(map(row_name, units_of(reservation.holds))),
        )


_STATES: dict[ReservationState, tuple[Cause, ResolveCode]] = {
    ReservationState.CONFIRMED: ("confirm", ResolveCode.ALREADY_CONFIRMED),
    ReservationState.RELEASED: ("release", ResolveCode.ALREADY_RELEASED),
    ReservationState.EXPIRED: ("expire", ResolveCode.ALREADY_EXPIRED),
}


def _resolved(case: Case, reservation: Reservation, made: Effect) -> Effect | Finding | None:
    """How it ended; None while it is held."""
    if reservation.state is ReservationState.HELD:
        return None
    cause, seen_code = _STATES[reservation.state]
    calls = case.resolving.get(reservation.reservation_id, [])
    seen = [call for call in calls if call.answer is not None and call.answer.code is seen_code]
    latest = min((call.answered_tick for call in seen), default=NEVER)
    rank: tuple[Any, ...]
    if cause == "expire":
        earliest, due_by = case.expiry_ticks(reservation.expires_at_seconds)
        latest = min(latest, due_by)
        rank = (reservation.expires_at_seconds, reservation.reservation_id)
        causes: list[Call] = []
    else:
        done = [call for call in calls if call.verb == cause and _done(call)]
        causes = done[:1] or [c for c in calls if c.verb == cause and c.ending is Ending.UNKNOWN]
        if not causes:
            return Finding(
                law=Law.CONSERVATION,
                what=f"{reservation.reservation_id} is {reservation.state.name}, but nobody did that",
                calls=made.calls,
                rows=tuple(map(row_name, made.deltas)),
            )
        earliest = min(call.called_tick for call in causes)
        latest = min(latest, *(call.answered_tick for call in causes))
        rank = (latest, reservation.reservation_id)
    return Effect(
        cause=cause,
        name=reservation.reservation_id,
        deltas={key: -delta for key, delta in made.deltas.items()},
        earliest=max(earliest, made.earliest),
        latest=latest,
        rank=rank,
        calls=tuple(call.call_id for call in causes) or made.calls,
        after=made,
    )


def _done(call: Call) -> bool:
    return call.answer is not None and call.answer.code is ResolveCode.DONE


def _update(name: str, calls: Sequence[Call]) -> Effect:
    answered = [call for call in calls if call.ending is Ending.ANSWERED]
    return Effect(
        cause="stock",
        name=name,
        earliest=min(call.called_tick for call in calls),
        latest=min((call.answered_tick for call in answered), default=NEVER),
        rank=(calls[0].called_tick,),
        calls=tuple(call.call_id for call in calls),
        nets=nets_of(calls[0].arguments[1]),
        acknowledged_version=answered[0].answer if answered else None,
    )


def accounting(case: Case, effects: Effects) -> Iterator[Finding]:
    """Every effect has all its changes in the log, and but for updates and confirms nothing else is there."""
    left: dict[tuple[str, Key, int], int] = {}
    for change in case.final.changes:
        kind = (change.cause, (change.sku_id, change.node_id), change.delta)
        left[kind] = left.get(kind, 0) + 1
    for effect in effects.definite:
        lacking = []
        for key, delta in effect.deltas.items():
            kind = (effect.cause, key, delta)
            if left.get(kind, 0) > 0:
                left[kind] -= 1
            else:
                lacking.append(key)
        if lacking:
            yield _lacking(effect, lacking)
    for (cause, key, delta), count in left.items():
        if count and cause not in ("stock", "confirm"):
            yield _extra(case, cause, key, delta, count)


def _lacking(effect: Effect, keys: Sequence[Key]) -> Finding:
    law = Law.CONSERVATION
    if effect.cause == "reserve":
        law = Law.ALL_OR_NOTHING if len(keys) < len(effect.deltas) else Law.DURABLE
    what = f"{effect.cause} of {effect.name} has no change in the log for {len(keys)} of its rows"
    return Finding(law=law, what=what, calls=effect.calls, rows=tuple(map(row_name, keys)))


def _extra(case: Case, cause: str, key: Key, delta: int, count: int) -> Finding:
    what = f"{count} changes of {delta:+d} by {cause} that nothing explains"
    if cause != "reserve":
        return Finding(law=Law.ONE_EFFECT, what=what, rows=(row_name(key),))
    refused = [
        attempt.call.call_id
        for attempt in case.attempts
        if attempt.outcome is not None
        and attempt.outcome.reservation is None
        and units_of(attempt.request.holds).get(key) == -delta
    ]
    law = Law.ALL_OR_NOTHING if refused else Law.ONE_EFFECT
    return Finding(law=law, what=what, calls=tuple(refused[:6]), rows=(row_name(key),))
