"""Laws about rows: the log by itself, units promised against units supplied, and the rows at rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from bench.history.case import Case, nets_of, units_of
from bench.history.findings import Finding, Law, row_name
from bench.history.model import Call, Ending, Key
from router.ledger import ReservationState, ResolveCode


def chain(case: Case) -> Iterator[Finding]:
    """Versions count up from 1, and every change builds on the one before of its row."""
    available: dict[Key, int] = {}
    for version, change in enumerate(case.final.changes, start=1):
        key = (change.sku_id, change.node_id)
        if change.version != version:
            what = f"the {version}th change of the log has version {change.version}"
            yield Finding(law=Law.VERSIONS, what=what, rows=(row_name(key),))
            return
        before = available.get(key, 0)
        if change.available - change.delta != before:
            what = f"version {version} builds on {change.available - change.delta} units, there were {before}"
            yield Finding(law=Law.VERSIONS, what=what, rows=(row_name(key),))
        available[key] = change.available


def oversold(case: Case) -> Iterator[Finding]:
    """By the log: nothing is held that leaves a row below zero. By the answers alone: never more held for
    sure than can have been supplied."""
    for change in case.final.changes:
        if change.cause == "reserve" and change.available < 0:
            what = f"version {change.version} holds {-change.delta} units and leaves {change.available}"
            yield Finding(law=Law.OVERSELL, what=what, rows=(row_name((change.sku_id, change.node_id)),))
        elif change.cause == "confirm" and change.available > 0:
            what = f"version {change.version} confirms units that it leaves to others"
            yield Finding(law=Law.CONSERVATION, what=what, rows=(row_name((change.sku_id, change.node_id)),))
    for key, events in _promised(case).items():
        units, calls = 0, []
        for _, change_units, call_id in sorted(events):
            units += change_units
            calls.append(call_id)
            if units > 0:
                what = f"{units} units more are acknowledged than were ever there"
                named = tuple(dict.fromkeys(calls))[-6:]
                yield Finding(law=Law.OVERSELL, what=what, calls=named, rows=(row_name(key),))
                break


def _promised(case: Case) -> dict[Key, list[tuple[int, int, str]]]:
    """By row: (tick, units held for sure less units that any feed ever brought, call)."""
    events: dict[Key, list[tuple[int, int, str]]] = defaultdict(list)
    for calls in case.updates.values():
        for key, net in nets_of(calls[0].arguments[1]).items():
            if net.units > 0:
                events[key].append((calls[0].called_tick, -net.units, calls[0].call_id))
    for reservation_id, attempts in case.acknowledged.items():
        told = attempts[0].outcome.reservation if attempts[0].outcome is not None else None
        if told is None:
            continue
        start, call_id = min((one.call.answered_tick, one.call.call_id) for one in attempts)
        end = _surely_held_until(case, case.resolving.get(reservation_id, []), told.expires_at_seconds)
        for key, units in units_of(told.holds).items():
            if end is None or start < end:
                events[key].append((start, units, call_id))
                if end is not None:
                    events[key].append((end, -units, call_id))
    return events


def _surely_held_until(case: Case, calls: list[Call], expires_at_seconds: int) -> int | None:
    """The tick from which units may be free again; None: never, they were confirmed."""
    if any(call.verb == "confirm" and _done(call) for call in calls):
        return None
    released = [call.called_tick for call in calls if call.verb == "release" and _may_have_released(call)]
    return min([*released, case.expiry_ticks(expires_at_seconds)[0]])


def _done(call: Call) -> bool:
    return call.ending is Ending.ANSWERED and call.answer.code is ResolveCode.DONE


def _may_have_released(call: Call) -> bool:
    return call.ending is Ending.UNKNOWN or _done(call)


def at_rest(case: Case) -> Iterator[Finding]:
    """Rows say what the log says and what reservations hold."""
    held: Counter[Key] = Counter()
    for reservation in case.final.reservations:
        if reservation.state is ReservationState.HELD:
            held.update(units_of(reservation.holds))
    logged = {(change.sku_id, change.node_id): change.available for change in case.final.changes}
    rows = {(row.sku_id, row.node_id): row for row in case.final.rows}
    for key in sorted({*rows, *logged, *held}):
        row = rows.get(key)
        reserved, available, on_hand = (row.reserved, row.available, row.on_hand) if row else (0, 0, 0)
        if reserved != held[key]:
            what = f"{reserved} units are reserved, {held[key]} are held by reservations"
            yield Finding(law=Law.CONSERVATION, what=what, rows=(row_name(key),))
        if available != logged.get(key, 0):
            what = f"{available} units are available, {logged.get(key, 0)} by the log"
            yield Finding(law=Law.CONSERVATION, what=what, rows=(row_name(key),))
        if on_hand < 0:
            yield Finding(law=Law.CONSERVATION, what=f"{on_hand} units on hand", rows=(row_name(key),))
