"""What is known of nodes besides their stock: how busy they are, and whether they are switched off. One
writer, any number of readers, as for stock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.network import LoadKind


@dataclass(slots=True)
class NodeStates:
    """By node row. free: of each day (ordinal of the local date), what of the capacity nobody has taken,
    where that is not all of it. backlog: load that waits since earlier days. off_until_seconds: epoch
    seconds. taken: nodes of which one of the first two says something."""

    free: dict[tuple[int, LoadKind], Mapping[int, int]] = field(default_factory=dict)
    backlog: dict[tuple[int, LoadKind], int] = field(default_factory=dict)
    off_until_seconds: dict[int, int] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)

    def set_free(self, node_ix: int, kind: LoadKind, day: int, units: int) -> None:
        """Writer only."""
        key = (node_ix, kind)
        self.free[key] = {**self.free.get(key, {}), day: units}
        self.taken.add(node_ix)

    def set_backlog(self, node_ix: int, kind: LoadKind, units: int) -> None:
        """Writer only."""
        self.backlog[node_ix, kind] = units
        self.taken.add(node_ix)

    def set_off(self, node_ix: int, until_seconds: int) -> None:
        """Writer only; an instant that is over switches the node on."""
        self.off_until_seconds[node_ix] = until_seconds

    def off(self, now_seconds: int) -> tuple[int, ...]:
        """Nodes that are switched off, ascending."""
        found = list(self.off_until_seconds.items())
        return tuple(sorted(node for node, until in found if until > now_seconds))

    def copy(self) -> NodeStates:
        """A private one."""
        off = dict(self.off_until_seconds)
        return NodeStates(dict(self.free), dict(self.backlog), off, set(self.taken))
