"""How long a search may go on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchLimits:
    """Budget of one mixed-integer search. An order may need several (``router.solver.order_mip``).

    node_limit: branch-and-bound nodes; the budget that counts, because it stops at the same plan every time.
    time_limit_seconds: wall time; a net for orders whose single nodes are slow.
    """

    node_limit: int = 20_000
    time_limit_seconds: float = 2.0

    def __post_init__(self) -> None:
        if self.node_limit < 1:
            raise ValueError(f"node_limit must be at least 1, not {self.node_limit}")
        if not self.time_limit_seconds > 0:
            raise ValueError(f"time_limit_seconds must be positive, not {self.time_limit_seconds}")
