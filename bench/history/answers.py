"""Laws about answers, once the order of effects is known: what was told was true at some moment between call
and answer, and updates did what they say."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from bench.history.case import Attempt, Case, Net, units_of
from bench.history.effects import Effect, Effects
from bench.history.findings import Finding, Law, row_name
from bench.history.model import NEVER, Call, Ending, Key
from router.ledger import ReserveCode, StockRow


class Moments:
    """Versions at which a call may have had its answer, and what rows had then. Effects that look the same
    may stand in for each other: what counts is how many of them came before a call, not which."""

    def __init__(self, case: Case, effects: Effects) -> None:
        self._log = case.final.changes
        alike: dict[object, list[Effect]] = defaultdict(list)
        for one in (*effects.definite, *effects.updates, *effects.confirms):
            if one.last:
                alike[one.cause, frozenset(one.deltas.items()) or one.name].append(one)
        answered: list[tuple[int, int]] = []
        called: list[tuple[int, int]] = []
        for same in alike.values():
            lasts, firsts = sorted(one.last for one in same), sorted(one.first for one in same)
            answered += zip(sorted(one.latest for one in same), lasts, strict=True)
            called += zip(sorted(one.earliest for one in same), firsts, strict=True)
        answered = sorted(pair for pair in answered if pair[0] < NEVER)
        called.sort()
        self._answered = [tick for tick, _ in answered]
        self._last = [0]
        for _, version in answered:
            self._last.append(max(self._last[-1], version))
        self._called = [tick for tick, _ in called]
        self._first = [len(self._log) + 1]
        for _, version in reversed(called):
            self._first.append(min(self._first[-1], version))
        self._first.reverse()
        self._versions: dict[Key, list[int]] = defaultdict(lambda: [0])
        self._available: dict[Key, list[int]] = defaultdict(lambda: [0])
        for change in self._log:
            key = (change.sku_id, change.node_id)
            self._versions[key].append(change.version)
            self._available[key].append(change.available)

    def between(self, called_tick: int, answered_tick: int) -> tuple[int, int]:
        """First and last version that a call between two ticks may have seen."""
        earliest = self._last[bisect_left(self._answered, called_tick)]
        latest = self._first[bisect_right(self._called, answered_tick)] - 1
        return earliest, latest

    def differing(self, keys: Sequence[Key], earliest: int, latest: int) -> Iterator[int]:
        """The versions of a span, one for each time that any of the rows changed."""
        yield earliest
        for key in keys:
            versions = self._versions.get(key, [])
            yield from versions[bisect_right(versions, earliest) : bisect_right(versions, latest)]

    def available(self, key: Key, version: int) -> int:
        """Units of a row after a version."""
        versions = self._versions.get(key)
        return 0 if versions is None else self._available[key][bisect_right(versions, version) - 1]


def answers(case: Case, moments: Moments) -> Iterator[Finding]:
    """Every sold out and every reading."""
    for attempt in case.attempts:
        if attempt.outcome is not None and attempt.outcome.code is ReserveCode.SOLD_OUT:
            yield from _sold_out(attempt, moments)
    for call in case.calls:
        if call.ending is Ending.ANSWERED:
            yield from _reading(case, call, moments)


def _sold_out(attempt: Attempt, moments: Moments) -> Iterator[Finding]:
    call, request, outcome = attempt
    wanted = units_of(request.holds)
    told = {(short.sku_id, short.node_id): short.quantity for short in (outcome.shortages if outcome else ())}
    lacked = False
    for version in moments.differing(list(wanted), *moments.between(call.called_tick, call.answered_tick)):
        left = {key: moments.available(key, version) for key in wanted}
        short = {key: max(0, left[key]) for key, units in wanted.items() if left[key] < units}
        if short == told and short:
            return
        lacked = lacked or bool(short)
    what = "other units were left than the answer says" if lacked else "no row lacked units at any moment"
    yield Finding(
        law=Law.SERIAL if lacked else Law.SOLD_OUT,
        what=f"sold out: {what}",
        calls=(call.call_id,),
        rows=tuple(map(row_name, wanted)),
    )


def _reading(case: Case, call: Call, moments: Moments) -> Iterator[Finding]:
    if call.verb not in ("version", "stock", "stock_of", "changes"):
        return
    earliest, latest = moments.between(call.called_tick, call.answered_tick)
    if call.verb == "changes":
        since, limit = call.arguments
        end = call.answer[-1].version if call.answer else since
        whole = call.answer == case.final.changes[max(0, since) : max(0, end)]
        if not whole or end > max(latest, since) or (len(call.answer) < limit and end < earliest):
            yield _stale(call, f"changes {since} to {end} of {earliest} to {latest}", ())
    elif call.verb == "stock":
        keys = [(row.sku_id, row.node_id) for row in call.answer]
        if not any(_agree(call.answer, v, moments) for v in moments.differing(keys, earliest, latest)):
            yield _stale(call, "rows as they never were between call and answer", keys)
    else:
        version, rows = (call.answer, []) if call.verb == "version" else call.answer
        if not earliest <= version <= latest:
            yield _stale(call, f"version {version}, not one of {earliest} to {latest}", ())
        elif not _agree(rows, version, moments):
            keys = [(row.sku_id, row.node_id) for row in rows]
            yield _stale(call, f"rows that are not those of version {version}", keys)


def shown_versions(case: Case) -> set[int]:
    """Versions that answers name: none of them has half an effect."""
    answered = [call for call in case.calls if call.ending is Ending.ANSWERED]
    shown = {call.answer for call in answered if call.verb in ("version", "update_stock")}
    return shown | {call.answer[0] for call in answered if call.verb == "stock_of"}


def _agree(rows: Sequence[StockRow], version: int, moments: Moments) -> bool:
    return all(row.available == moments.available((row.sku_id, row.node_id), version) for row in rows)


def _stale(call: Call, what: str, keys: Sequence[Key]) -> Finding:
    rows = tuple(map(row_name, keys))
    return Finding(law=Law.SERIAL, what=f"{call.verb} read {what}", calls=(call.call_id,), rows=rows)


def update_amounts(case: Case, effects: Effects, moments: Moments) -> Iterator[Finding]:
    """Each update left its rows with the units that it says."""
    safety: dict[Key, int] = {}
    holders = _Holders(effects)
    for update in sorted(effects.updates, key=lambda one: one.last or one.acknowledged_version or 0):
        last = update.last or update.acknowledged_version
        if last is None:
            continue
        if not update.last:
            earliest, latest = moments.between(update.earliest, update.latest)
            if not earliest <= last <= latest:
                what = f"update {update.name} was answered with version {last}, not of {earliest} to {latest}"
                yield Finding(law=Law.SERIAL, what=what, calls=update.calls)
        before = update.first - 1 if update.last else last
        for key, net in update.nets.items():
            now = _safety_after(key, net, safety)
            delta = moments.available(key, last) - moments.available(key, before)
            if net.absolute:
                low, high = holders.reserved(key, update, last)
                good = low <= net.units - now - moments.available(key, last) <= high
            else:
                good = delta == net.units - (now - safety.get(key, 0))
            safety[key] = now
            if not good:
                left = moments.available(key, last)
                what = f"update {update.name} changed {delta:+d} and left {left} units"
                yield Finding(law=Law.CONSERVATION, what=what, calls=update.calls, rows=(row_name(key),))
    final = {(row.sku_id, row.node_id): row.safety_stock for row in case.final.rows}
    unheard = {key for one in effects.updates if one.latest == NEVER for key in one.nets}
    for key, units in safety.items():
        if final.get(key, 0) != units and key not in unheard:
            what = f"safety stock is {final.get(key, 0)}, it was set to {units}"
            yield Finding(law=Law.CONSERVATION, what=what, rows=(row_name(key),))


def _safety_after(key: Key, net: Net, safety: Mapping[Key, int]) -> int:
    if net.safety_stock is not None:
        return net.safety_stock
    return safety.get(key, net.new_row_safety_stock)


class _Holders:
    """How many units of a row were reserved: confirms leave no version, so between two figures."""

    def __init__(self, effects: Effects) -> None:
        self._ends = {id(one.after): one for one in (*effects.definite, *effects.confirms) if one.after}
        self._makers: dict[Key, list[Effect]] = defaultdict(list)
        for effect in effects.definite:
            if effect.cause == "reserve":
                for key in effect.deltas:
                    self._makers[key].append(effect)

    def reserved(self, key: Key, update: Effect, version: int) -> tuple[int, int]:
        """Fewest and most units reserved when an update led to a version."""
        low = high = 0
        for made in self._makers[key]:
            end = self._ends.get(id(made))
            if made.last > version or (end is not None and end.cause != "confirm" and end.last <= version):
                continue
            maybe_confirmed = end is not None and end.cause == "confirm" and end.earliest < update.latest
            if end is not None and end.cause == "confirm" and end.latest < update.earliest:
                continue
            high -= made.deltas[key]
            low -= 0 if maybe_confirmed else made.deltas[key]
        return low, high
