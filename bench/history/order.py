"""The order: which effect each version belongs to, so that what was answered before another call was made
comes first. Found version by version; where two effects fit, one is tried and taken back if it leads nowhere.

Of effects that look the same, that with the lower rank goes first: for releases the one that was answered
first, which is never wrong; for reservations and expiries the one that the ledger's own ids and deadlines
name.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence, Set
from typing import Any, NamedTuple

from bench.history.case import Net
from bench.history.effects import Effect, Effects
from bench.history.findings import Finding, Law, row_name
from bench.history.model import Key
from router.ledger import Change

STEPS_PER_CHANGE = 10
"""How much is tried before a history counts as refuted where it was stuck last."""


class _Try(NamedTuple):
    """Versions ``first`` to ``last`` are taken for those of an effect."""

    effect: Effect
    first: int
    last: int


class _Alike:
    """Effects with the same changes, in order of rank."""

    def __init__(self) -> None:
        self.effects: list[Effect] = []
        self.head = 0

    def next_one(self, bound: int) -> Effect | None:
        """The first that may come now."""
        while self.head < len(self.effects) and self.effects[self.head].last:
            self.head += 1
        for ix in range(self.head, len(self.effects)):
            effect = self.effects[ix]
            if effect.last == 0 and effect.earliest <= bound and (effect.after is None or effect.after.last):
                return effect
        return None


class Order:
    """Sets ``first`` and ``last`` of every effect that has changes in ``log``, versions 1, 2, ...
    whole: versions that somebody was shown, at which no effect is half done.

    Every definite effect must have its changes in the log (``effects.accounting``).
    """

    def __init__(self, log: Sequence[Change], effects: Effects, whole: Set[int] = frozenset()) -> None:
        self._log = log
        self._whole = whole
        self._effects = effects
        self._alike: dict[Any, _Alike] = defaultdict(_Alike)
        self._most_rows: dict[str, int] = defaultdict(int)
        for effect in effects.definite:
            self._alike[effect.cause, frozenset(effect.deltas.items())].effects.append(effect)
            self._most_rows[effect.cause] = max(self._most_rows[effect.cause], len(effect.deltas))
        for alike in self._alike.values():
            alike.effects.sort(key=lambda effect: effect.rank)
        self._fixed = {run.first: run for run in map(self._acknowledged_run, effects.updates) if run}
        self._maybe = [update for update in effects.updates if update.acknowledged_version is None]
        must = [*effects.definite, *(run.effect for run in self._fixed.values())]
        self._pending = [(effect.latest, ix) for ix, effect in enumerate(must)]
        self._must = must
        self._must_ix = {id(effect): ix for ix, effect in enumerate(must)}
        heapq.heapify(self._pending)
        self.step_count = 0

    def find(self) -> Finding | None:
        """None if there is an order; else where there is none."""
        path: list[tuple[_Try, list[_Try]]] = []
        budget = STEPS_PER_CHANGE * len(self._log) + 10_000
        version, furthest, stuck = 1, 0, None
        options = self._options(1) if self._log else []
        while version <= len(self._log):
            self.step_count += 1
            if options:
                chosen = options.pop()
                self._take(chosen)
                path.append((chosen, options))
                version = chosen.last + 1
                options = self._options(version) if version <= len(self._log) else []
                continue
            if version > furthest:
                furthest, stuck = version, self._stuck(version)
            if not path or self.step_count > budget:
                return stuck
            chosen, options = path.pop()
            self._give_back(chosen)
            version = chosen.first
        return None

    def _bound(self) -> int:
        """Who was called after this tick has to wait: somebody before was answered by then."""
        while self._pending and self._must[self._pending[0][1]].last:
            heapq.heappop(self._pending)
        return self._pending[0][0] if self._pending else 2**64

    def _options(self, version: int) -> list[_Try]:
        """Which effects may have the next changes, the best one last."""
        change = self._log[version - 1]
        if change.cause == "stock":
            return self._stock_options(version)
        if change.cause == "confirm":
            return self._confirm_options(version)
        bound = self._bound()
        found: list[_Try] = []
        deltas: dict[Key, int] = {}
        for last in range(version, min(len(self._log), version + self._most_rows[change.cause] - 1) + 1):
            at = self._log[last - 1]
            key = (at.sku_id, at.node_id)
            if at.cause != change.cause or key in deltas or self._is_cut(version, last):
                break
            deltas[key] = at.delta
            alike = self._alike.get((change.cause, frozenset(deltas.items())))
            effect = alike.next_one(bound) if alike is not None else None
            if effect is not None:
                found.append(_Try(effect, version, last))
        return sorted(found, key=lambda one: one.effect.rank, reverse=True)

    def _stock_options(self, version: int) -> list[_Try]:
        bound = self._bound()
        run = self._fixed.get(version)
        if run is not None:
            return [run] if run.effect.earliest <= bound else []
        open_ones = [one for one in self._maybe if one.last == 0 and one.earliest <= bound]
        found = [run for run in (self._unheard_run(update, version) for update in open_ones) if run]
        return found[::-1]

    def _unheard_run(self, update: Effect, version: int) -> _Try | None:
        """The changes from a version on, if they are all that an update that nobody heard of would make."""
        last, seen = version - 1, set[Key]()
        while last < len(self._log) and not self._is_cut(version, last + 1):
            if last >= version and last + 1 in self._fixed:
                break
            change = self._log[last]
            net = update.nets.get((change.sku_id, change.node_id))
            if net is None or (_is_plain(net) and change.delta != net.units):
                break
            if not self._belongs(last + 1, update, seen):
                break
            last += 1
        whole = all(key in seen or _is_nothing(net) for key, net in update.nets.items())
        return _Try(update, version, last) if last >= version and whole else None

    def _belongs(self, version: int, update: Effect, seen: set[Key]) -> bool:
        change = self._log[version - 1]
        key = (change.sku_id, change.node_id)
        if change.cause != "stock" or key not in update.nets or key in seen:
            return False
        seen.add(key)
        return True

    def _acknowledged_run(self, update: Effect) -> _Try | None:
        """The changes that end with the version an update was answered with; None if there are none."""
        last = update.acknowledged_version
        if last is None or not 0 < last <= len(self._log):
            return None
        first, seen = last + 1, set[Key]()
        while first > 1 and not self._is_cut(first - 1, last) and self._belongs(first - 1, update, seen):
            first -= 1
        return _Try(update, first, last) if first <= last else None

    def _confirm_options(self, version: int) -> list[_Try]:
        """A confirm has changes only where less was on hand than was reserved."""
        bound = self._bound()
        found = []
        for effect in self._effects.confirms:
            if effect.last or effect.earliest > bound or effect.after is None or not effect.after.last:
                continue
            last = version - 1
            seen: set[Key] = set()
            while last < len(self._log) and not self._is_cut(version, last + 1):
                change = self._log[last]
                key = (change.sku_id, change.node_id)
                if change.cause != "confirm" or key in seen or change.delta > effect.deltas.get(key, 0):
                    break
                seen.add(key)
                last += 1
            found += [_Try(effect, version, end) for end in range(version, last + 1)]
        return sorted(found, key=lambda one: (one.last, one.effect.rank), reverse=True)

    def _is_cut(self, first: int, last: int) -> bool:
        """Does a run that has just grown to these versions go beyond one that was shown?"""
        return (last - 1 in self._whole and last > first) or (first in self._whole and first < last)

    def _take(self, chosen: _Try) -> None:
        chosen.effect.first, chosen.effect.last = chosen.first, chosen.last

    def _give_back(self, chosen: _Try) -> None:
        effect = chosen.effect
        effect.first = effect.last = 0
        ix = self._must_ix.get(id(effect))
        if ix is not None:
            heapq.heappush(self._pending, (effect.latest, ix))
        alike = self._alike.get((effect.cause, frozenset(effect.deltas.items())))
        if alike is not None:
            alike.head = 0

    def _stuck(self, version: int) -> Finding:
        change = self._log[version - 1]
        bound = self._bound()
        waiting = [effect for effect in self._must if not effect.last and effect.latest == bound][:1]
        before = f"; {waiting[0].cause} of {waiting[0].name} was answered before" if waiting else ""
        found = f"version {version} ({change.delta:+d} by {change.cause}) has no call that may come then"
        return Finding(
            law=Law.SERIAL,
            what=found + before,
            calls=waiting[0].calls if waiting else (),
            rows=(row_name((change.sku_id, change.node_id)),),
        )


def _is_plain(net: Net) -> bool:
    """Adds its units, whatever was there?"""
    return not net.absolute and net.safety_stock is None and not net.new_row_safety_stock


def _is_nothing(net: Net) -> bool:
    """May it leave a row as it is?"""
    return not _is_plain(net) or not net.units
