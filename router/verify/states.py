"""What is known of nodes besides their stock, by id: how much of their days is taken, and whether they are
switched off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.network import LoadKind


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """Days are ordinals of local dates, instants epoch seconds.

    free: by (node_id, kind, day) what plans have left of the capacity, possibly negative; all of it where
    nothing is said. backlog: by (node_id, kind) the load that waits since earlier days. off_until: by node_id
    the instant from which on it is on again.
    """

    free: Mapping[tuple[str, LoadKind, int], int] = field(default_factory=dict)
    backlog: Mapping[tuple[str, LoadKind], int] = field(default_factory=dict)
    off_until: Mapping[str, int] = field(default_factory=dict)
