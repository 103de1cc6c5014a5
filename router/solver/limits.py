"""How long a search may go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

ALL_SEARCHES = 5
"""Times the limit of one, that all searches of a decision may take."""


def always() -> bool:
    """Without a limit."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchLimits:
    """Budget of one mixed-integer search. An order may need several (``router.solver.order_mip``).

    node_limit: branch-and-bound nodes; the budget that counts, because it stops at the same plan every time.
    time_limit_seconds: wall time; a net for orders whose single nodes are slow.
    size_limit: candidate nodes times items up to which an integer programme is set up at all, which can take
    longer than the search.
    goes_on: asked before each further search of an order that needs many; False ends them with what there is.
    """

    node_limit: int = 20_000
    time_limit_seconds: float = 2.0
    size_limit: int = 1_000_000_000
    goes_on: Callable[[], bool] = field(default=always, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.node_limit < 1:
            raise ValueError(f"node_limit must be at least 1, not {self.node_limit}")
        if self.size_limit < 0:
            raise ValueError(f"size_limit must not be negative, not {self.size_limit}")
        if not self.time_limit_seconds > 0:
            raise ValueError(f"time_limit_seconds must be positive, not {self.time_limit_seconds}")

    def brief(self) -> SearchLimits:
        """For one of the many decisions that explain another."""
        return replace(
            self,
            node_limit=min(self.node_limit, 500),
            time_limit_seconds=min(self.time_limit_seconds, 0.25),
            size_limit=min(self.size_limit, 2_000),
        )

    def from_now(self, clock: Callable[[], float]) -> SearchLimits:
        """Of a decision that begins now by ``clock``, in seconds: all its searches together take little more
        than ALL_SEARCHES times ``time_limit_seconds``."""
        end = clock() + ALL_SEARCHES * self.time_limit_seconds
        return replace(self, goes_on=lambda: clock() < end)
