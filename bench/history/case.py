"""A history with its indexes: who asked for what by request id, reservation and row."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bench.history.model import NEVER, Call, Ending, Final, Key
from router.ledger import Hold, ReserveCode, ReserveOutcome, ReserveRequest, StockUpdate


class NotJudged(Exception):
    """The history has what the checker knows no law for."""


class Attempt(NamedTuple):
    """One request of a reserve; outcome None unless answered."""

    call: Call
    request: ReserveRequest
    outcome: ReserveOutcome | None


def units_of(holds: Iterable[Hold]) -> dict[Key, int]:
    """Units by row, quantities of equal rows added up."""
    units: dict[Key, int] = {}
    for hold in holds:
        units[hold.sku_id, hold.node_id] = units.get((hold.sku_id, hold.node_id), 0) + hold.quantity
    return units


class Case:
    """calls in order of their ticks. Raises NotJudged for requests that replace, correct, or hold days of
    nodes, for confirms of a part, for feeds, and for rows of receipts or about nodes."""

    def __init__(self, calls: Sequence[Call], final: Final) -> None:
        self.calls = calls
        self.final = final
        self.reservations = {one.reservation_id: one for one in final.reservations}
        self.attempts: list[Attempt] = []
        self.by_request: dict[str, list[Attempt]] = defaultdict(list)
        self.acknowledged: dict[str, list[Attempt]] = defaultdict(list)
        self.resolving: dict[str, list[Call]] = defaultdict(list)
        self.extending: dict[str, list[Call]] = defaultdict(list)
        self.updates: dict[str, list[Call]] = defaultdict(list)
        for call in calls:
            for ix, attempt in enumerate(_attempts(call)):
                self._index(attempt, attempt.request.request_id or f"call {call.call_id}/{ix}")
            if call.verb in ("confirm", "release"):
                self.resolving[call.arguments].append(call)
            elif call.verb == "extend":
                self.extending[call.arguments[0]].append(call)
            elif call.verb in ("confirm_part", "feed"):
                raise NotJudged(f"{call} is not judged")
            elif call.verb == "update_stock" and call.ending is not Ending.REFUSED:
                self.updates[call.arguments[0] or f"call {call.call_id}"].append(call)
                for update in call.arguments[1]:
                    _refuse_place(update.sku_id, update.node_id)
        self._clock = _Clock(calls)

    def _index(self, attempt: Attempt, name: str) -> None:
        """name: the request id; requests without one have nothing to do with each other."""
        self.attempts.append(attempt)
        self.by_request[name].append(attempt)
        held = attempt.outcome is not None and attempt.outcome.code is ReserveCode.HELD
        if held and attempt.outcome is not None and attempt.outcome.reservation is not None:
            self.acknowledged[attempt.outcome.reservation.reservation_id].append(attempt)

    def expiry_ticks(self, expires_at_seconds: int) -> tuple[int, int]:
        """After which tick, and at which at the latest, what is due then expires."""
        return self._clock.not_before(expires_at_seconds), self._clock.at_latest(expires_at_seconds)


def _attempts(call: Call) -> Iterable[Attempt]:
    if call.verb != "reserve" or call.ending is Ending.REFUSED:
        return
    for ix, request in enumerate(call.arguments):
        if request.replaces or request.corrections or request.days:
            raise NotJudged(f"{call}: replaces, corrections and days are not judged")
        for hold in request.holds:
            _refuse_place(hold.sku_id, hold.node_id)
        yield Attempt(call, request, call.answer[ix] if call.answer is not None else None)


def _refuse_place(sku_id: str, place: str) -> None:
    if sku_id.startswith("#") or (place.endswith("Z") and "@" in place):
        raise NotJudged(f"{sku_id}@{place}: rows about nodes and of receipts are not judged")


class _Clock:
    """Between which ticks the ledger's clock passed an instant, by what clients read of it."""

    def __init__(self, calls: Sequence[Call]) -> None:
        readings = [(call.called_seconds, call.called_tick) for call in calls]
        readings += [(call.answered_seconds, call.answered_tick) for call in calls if _heard(call)]
        readings.sort()
        self._read = [seconds for seconds, _ in readings]
        self._latest_ticks = [0]
        for _, tick in readings:
            self._latest_ticks.append(max(self._latest_ticks[-1], tick))
        done = sorted((call.called_seconds, call.answered_tick) for call in calls if _heard(call))
        self._called = [seconds for seconds, _ in done]
        self._earliest_ticks = [NEVER]
        for _, tick in reversed(done):
            self._earliest_ticks.append(min(self._earliest_ticks[-1], tick))
        self._earliest_ticks.reverse()

    def not_before(self, seconds: int) -> int:
        """The last tick at which it was earlier."""
        return self._latest_ticks[bisect_left(self._read, seconds)]

    def at_latest(self, seconds: int) -> int:
        """When the first call was answered that was made at that time or later: it expires what is due."""
        return self._earliest_ticks[bisect_left(self._called, seconds)]


def _heard(call: Call) -> bool:
    return call.ending is Ending.ANSWERED


class Net(NamedTuple):
    """What an update does to a row: sets or adds ``units``. safety_stock None: as it was."""

    absolute: bool
    units: int
    safety_stock: int | None
    new_row_safety_stock: int


def nets_of(updates: Iterable[StockUpdate]) -> dict[Key, Net]:
    """Updates of one row folded into one."""
    nets: dict[Key, Net] = {}
    for update in updates:
        key = (update.sku_id, update.node_id)
        before = nets.get(key, Net(False, 0, None, update.new_row_safety_stock))
        safety_stock = before.safety_stock if update.safety_stock is None else update.safety_stock
        if update.relative:
            net = before._replace(units=before.units + update.on_hand, safety_stock=safety_stock)
        else:
            net = before._replace(absolute=True, units=update.on_hand, safety_stock=safety_stock)
        nets[key] = net
    return nets
