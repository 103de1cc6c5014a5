"""How much an explanation may do: counted, so that it ends at the same place every time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from router.domain import Decision, Method

MAX_DECISIONS = 70
"""Most times that an explanation decides again."""
MAX_SEARCHED_ROWS = 300_000
"""Most stock rows of the orders so decided that took a search, all together."""
MAX_CANDIDATES = 100_000
"""Most candidates listed, over all lines."""


def always() -> bool:
    """Nobody is in a hurry."""
    return True


@dataclass(slots=True, kw_only=True)
class Budget:
    """What is left to one explanation. ``wanted`` is asked between the steps: False ends the explanation with
    what there is, and it may raise to end it without. ``stopped_by``: what cut it short, in the order met."""

    decisions: int = MAX_DECISIONS
    searched_rows: int = MAX_SEARCHED_ROWS
    candidates: int = MAX_CANDIDATES
    wanted: Callable[[], bool] = always
    stopped_by: dict[str, None] = field(default_factory=dict)

    def lasts(self) -> bool:
        """May it decide once more? If not, that is noted."""
        if not self.wanted():
            self.note("time_limit")
        elif self.decisions <= 0:
            self.note("decision_limit")
        elif self.searched_rows <= 0:
            self.note("search_limit")
        else:
            return True
        return False

    def may_list(self, candidates: int) -> bool:
        """Takes so many candidates off; False, and noted, when there are not so many left."""
        if not self.wanted():
            self.note("time_limit")
        elif candidates > self.candidates:
            self.note("candidate_limit")
        else:
            self.candidates -= candidates
            return True
        return False

    def spend(self, decision: Decision, stock_rows: int) -> None:
        """One decision made again, of an order with so many stock rows."""
        self.decisions -= 1
        certificate = decision.certificate
        if certificate.stopped_by or (decision.plan.shipments and certificate.method is not Method.SUBSET_DP):
            self.searched_rows -= stock_rows

    def note(self, reason: str) -> None:
        """``reason`` cut the explanation short."""
        if reason:
            self.stopped_by.setdefault(reason)
