"""Laws about what single clients were told, beside the reservations that there are at the end. They need no
order of all calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.history.case import Attempt, Case, units_of
from bench.history.findings import Finding, Law, row_name
from bench.history.model import Call, Ending
from router.ledger import Reservation, ReservationState, ReserveCode, ResolveCode

_FINAL = {
    ResolveCode.ALREADY_CONFIRMED: ReservationState.CONFIRMED,
    ResolveCode.ALREADY_RELEASED: ReservationState.RELEASED,
    ResolveCode.ALREADY_EXPIRED: ReservationState.EXPIRED,
}


def promises(case: Case) -> Iterator[Finding]:
    """Everything told against everything kept."""
    for reservation_id, attempts in case.acknowledged.items():
        extended = bool(case.extending.get(reservation_id))
        yield from _held(case.reservations.get(reservation_id), attempts, extended)
    for attempts in case.by_request.values():
        yield from _one_request(attempts)
    for reservation_id, calls in case.resolving.items():
        yield from _resolved(case, reservation_id, calls)
    for reservation_id, calls in case.extending.items():
        yield from _extended(case.reservations.get(reservation_id), calls)
    for calls in case.updates.values():
        yield from _updated(case, calls)
    for call in case.calls:
        if call.verb == "find" and call.ending is Ending.ANSWERED:
            yield from _found(case, call)
    for reservation in case.final.reservations:
        overdue = reservation.expires_at_seconds <= case.final.before_seconds
        if reservation.state is ReservationState.HELD and overdue:
            yield _about(Law.EXPIRY, f"{reservation.reservation_id} is due and still held", (), reservation)
        elif reservation.state is ReservationState.EXPIRED:
            yield from _expired(case, reservation)


def _about(law: Law, what: str, calls: Sequence[Call], reservation: Reservation | None) -> Finding:
    rows = map(row_name, units_of(reservation.holds)) if reservation is not None else ()
    return Finding(law=law, what=what, calls=tuple(call.call_id for call in calls), rows=tuple(rows))


def _held(kept: Reservation | None, attempts: Sequence[Attempt], extended: bool) -> Iterator[Finding]:
    """One reservation and all the answers that name it."""
    calls = [attempt.call for attempt in attempts]
    first = [one for one in attempts if one.outcome is not None and not one.outcome.replayed]
    if len(first) > 1:
        made = first[0].outcome.reservation if first[0].outcome is not None else None
        yield _about(Law.ONE_EFFECT, "two answers that are no retries name one reservation", calls, made)
    for call, request, outcome in attempts:
        told = outcome.reservation if outcome is not None else None
        if outcome is None or told is None or outcome.code is not ReserveCode.HELD:
            continue
        if units_of(told.holds) != units_of(request.holds):
            yield _about(Law.ALL_OR_NOTHING, "other holds than were asked for are held", [call], told)
        if kept is None:
            yield _about(Law.DURABLE, f"{told.reservation_id} was acknowledged and is gone", [call], told)
        elif _content(kept, extended) != _content(told, extended):
            yield _about(Law.DURABLE, f"{told.reservation_id} is not what was acknowledged", [call], kept)
        stays = told.expires_at_seconds - told.created_at_seconds
        if stays != request.ttl_seconds and not (outcome.replayed and extended):
            yield _about(Law.EXPIRY, "the deadline is not the time to live after the hold", [call], told)
        stamped = call.called_seconds <= told.created_at_seconds <= call.answered_seconds
        if not outcome.replayed and not stamped:
            yield _about(Law.EXPIRY, "was held at a time that is not between call and answer", [call], told)


def _content(reservation: Reservation, extended: bool) -> tuple[object, ...]:
    """What never changes of a reservation; its deadline only if somebody asked for that."""
    r = reservation
    return r.order_id, r.holds, r.created_at_seconds, 0 if extended else r.expires_at_seconds


def _extended(kept: Reservation | None, calls: Sequence[Call]) -> Iterator[Finding]:
    """An acknowledged deadline is never taken back, and none is later than asked for."""
    for call in calls:
        if call.ending is not Ending.ANSWERED or call.answer.code is not ResolveCode.DONE:
            continue
        told = call.answer.reservation
        if kept is None or kept.expires_at_seconds < told.expires_at_seconds:
            yield _about(Law.DURABLE, f"the extension of {call.arguments[0]} is gone", [call], told)
        if told.expires_at_seconds < call.called_seconds + call.arguments[1]:
            yield _about(Law.EXPIRY, f"{call.arguments[0]} was extended by too little", [call], told)


def _one_request(attempts: Sequence[Attempt]) -> Iterator[Finding]:
    """All that was told about one request id."""
    answered = [(call, request, outcome) for call, request, outcome in attempts if outcome is not None]
    held = [one for one in answered if one[2].code is ReserveCode.HELD]
    calls = [call for call, *_ in held]
    if len({o.reservation.reservation_id for *_, o in held if o.reservation is not None}) > 1:
        yield _about(Law.ONE_EFFECT, "one request id, several reservations", calls, held[0][2].reservation)
    if len({request.fingerprint for _, request, _ in held}) > 1:
        yield _about(Law.ONE_EFFECT, "one request id was good for two contents", calls, None)
    if len({outcome.payload for *_, outcome in held}) > 1:
        yield _about(Law.ONE_EFFECT, "a retry was answered with another payload", calls, None)
    known = {request.fingerprint for _, request, _ in attempts}
    for call, _, outcome in answered:
        if outcome.code is ReserveCode.ID_REUSED and len(known) == 1:
            yield _about(Law.ONE_EFFECT, "a request id is called reused that never was", [call], None)


def _resolved(case: Case, reservation_id: str, calls: Sequence[Call]) -> Iterator[Finding]:
    """What was told about ending one reservation."""
    kept = case.reservations.get(reservation_id)
    answered = [call for call in calls if call.ending is Ending.ANSWERED]
    done = [call for call in answered if call.answer.code is ResolveCode.DONE]
    if len(done) > 1:
        yield _about(Law.ONE_EFFECT, f"{reservation_id} was resolved {len(done)} times", done, kept)
    acknowledged = min(
        (one.call.answered_tick for one in case.acknowledged.get(reservation_id, ())), default=None
    )
    for call in answered:
        code = call.answer.code
        if code is ResolveCode.NOT_FOUND:
            if acknowledged is not None and acknowledged < call.called_tick:
                yield _about(Law.DURABLE, f"{reservation_id} was acknowledged and not found", [call], kept)
            continue
        if kept is None:
            what = f"{reservation_id} was resolved and is gone"
            yield _about(Law.DURABLE, what, [call], call.answer.reservation)
            continue
        late = call.called_seconds >= kept.expires_at_seconds
        if code is ResolveCode.DONE:
            to = ReservationState.CONFIRMED if call.verb == "confirm" else ReservationState.RELEASED
            if kept.state is not to and len(done) == 1:
                what = f"{call.verb} of {reservation_id} was acknowledged, it is {kept.state.name}"
                yield _about(Law.DURABLE, what, [call], kept)
            if late:
                yield _about(Law.EXPIRY, f"{call.verb} of {reservation_id} after its deadline", [call], kept)
        elif kept.state is not _FINAL[code]:
            what = f"{reservation_id} was called {code.name} and is {kept.state.name}"
            yield _about(Law.ONE_EFFECT, what, [call], kept)


def _expired(case: Case, reservation: Reservation) -> Iterator[Finding]:
    """Nobody may be told before the deadline, nor be held off beyond it."""
    for call in case.resolving.get(reservation.reservation_id, ()):
        told = call.ending is Ending.ANSWERED and call.answer.code is ResolveCode.ALREADY_EXPIRED
        if told and call.answered_seconds < reservation.expires_at_seconds:
            what = f"{reservation.reservation_id} expired before its deadline"
            yield _about(Law.EXPIRY, what, [call], reservation)
    if case.final.after_seconds < reservation.expires_at_seconds:
        what = f"{reservation.reservation_id} expired before its deadline"
        yield _about(Law.EXPIRY, what, [], reservation)


def _found(case: Case, call: Call) -> Iterator[Finding]:
    told: Reservation | None = call.answer
    kept = case.reservations.get(call.arguments)
    if told is None:
        answers = [one.call for one in case.acknowledged.get(call.arguments, ())]
        before = [one for one in answers if one.answered_tick < call.called_tick]
        if before:
            what = f"{call.arguments} was acknowledged and not found"
            yield _about(Law.DURABLE, what, [*before, call], kept)
        return
    if kept is None:
        yield _about(Law.DURABLE, f"{call.arguments} was found and is gone", [call], told)
    elif told.state is ReservationState.HELD:
        ended = [
            one
            for one in case.resolving.get(call.arguments, ())
            if one.ending is Ending.ANSWERED and one.answered_tick < call.called_tick
        ]
        if any(one.answer.code is not ResolveCode.NOT_FOUND for one in ended):
            yield _about(Law.SERIAL, f"{call.arguments} was resolved and found held", [*ended, call], kept)
        if call.called_seconds >= told.expires_at_seconds:
            yield _about(Law.EXPIRY, f"{call.arguments} is due and was found held", [call], kept)
    elif told.state is not kept.state:
        what = f"{call.arguments} was found {told.state.name} and is {kept.state.name}"
        yield _about(Law.ONE_EFFECT, what, [call], kept)


def _updated(case: Case, calls: Sequence[Call]) -> Iterator[Finding]:
    versions = {call.answer for call in calls if call.ending is Ending.ANSWERED}
    if len(versions) > 1:
        yield _about(Law.ONE_EFFECT, "one stock request id, several versions", calls, None)
    if versions and max(versions) > len(case.final.changes):
        yield _about(Law.DURABLE, "a stock update was acknowledged and is not in the log", calls, None)
