"""Clients of one recorded ledger, on a virtual clock, and what the checker says of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from bench.history.check import check
from bench.history.findings import Verdict
from bench.history.model import Final, calls_of, capture
from bench.history.record import Recorder
from router.ledger import Hold, Ledger, Reservation, ReserveOutcome, ReserveRequest
from tests.contract.ledger_tools import VirtualClock

SKUS = ("A", "B")


class Stage:
    """make: a ledger that reads the clock it is given. ticks count the events."""

    def __init__(self, make: Callable[[VirtualClock], Ledger]) -> None:
        self.clock = VirtualClock()
        self.ledger = make(self.clock)
        self.lines: list[str] = []
        self._tick = itertools.count(1).__next__
        self._names = itertools.count(1)

    def client(self) -> Recorder:
        """A client of its own name."""
        return Recorder(self.ledger, self.lines.append, self.clock, f"c{next(self._names)}", self._tick)

    def crash(self) -> None:
        """The ledger loses what it has not made durable, if there is such a thing."""
        getattr(self.ledger, "crash", lambda: None)()

    def final(self) -> Final:
        """The end of the ledger."""
        return capture(self.ledger, SKUS, self.clock)

    def verdict(self) -> Verdict:
        """The checker's."""
        return check(calls_of(self.lines), self.final())


def asked(
    *holds: tuple[str, int], request_id: str = "", fingerprint: str = "content", ttl_seconds: int = 60
) -> ReserveRequest:
    """Units by SKU, all at node N; the order is named after the request."""
    return ReserveRequest(
        request_id=request_id,
        fingerprint=fingerprint,
        order_id=f"order {request_id}",
        holds=tuple(Hold(sku_id=sku_id, node_id="N", quantity=units) for sku_id, units in holds),
        ttl_seconds=ttl_seconds,
        payload=fingerprint.encode(),
    )


def held(outcome: ReserveOutcome) -> Reservation:
    """What an outcome holds."""
    assert outcome.reservation is not None, outcome
    return outcome.reservation
