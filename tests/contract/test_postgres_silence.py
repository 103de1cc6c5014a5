"""A process that has the database's ledger and falls silent loses it."""

from __future__ import annotations

import time

import pytest

from router.errors import LedgerUnusable
from router.ledger import ReserveCode
from server.ledger.postgres import PostgresLedger
from server.ledger.postgres_tables import PostgresTables
from tests.contract.ledger_tools import VirtualClock, audit, hold, request, stock_of


def test_others_go_on_after_a_while(empty_database: str, clock: VirtualClock) -> None:
    silent, other = (PostgresLedger(empty_database, clock, silent_seconds=1) for _ in range(2))
    other.update_stock("", [stock_of("A", "N1", 5)])

    def fall_silent() -> ReserveCode:
        with silent._translated(), silent._writing() as db:
            PostgresTables(db).counters()  # from here on nobody else writes
            codes.append(other.reserve(request(hold("A", "N1", 2))).code)
            time.sleep(0.1)
            PostgresTables(db).counters()
        return codes[-1]

    codes: list[ReserveCode] = []
    with pytest.raises(LedgerUnusable):
        fall_silent()
    assert codes == [ReserveCode.HELD]
    # It makes a new connection and goes on.
    assert silent.reserve(request(hold("A", "N1", 3))).code is ReserveCode.HELD
    assert other.reserve(request(hold("A", "N1", 1))).code is ReserveCode.SOLD_OUT
    audit(other, ["A"])
    silent.close()
    other.close()
