"""The cases that our rules cannot state yet, with the reason. ``test_peer_cases`` asserts that every other
case of these files is tested, and that every entry here exists."""

from __future__ import annotations

PEERS = ("magento_ssa.json", "solidus_allocation.json", "issue_reports.json", "hotwax_brokering.json")
"""Files whose cases are tested one by one."""

DIFFERENTIAL = "differential.json"
ELSEWHERE = {"frepple_promise.json": "test_promised_dates", "busydbee_batch.json": "test_competing_orders"}
"""Files of which every case is tested in a module of its own."""

NOT_YET: dict[str, dict[str, str]] = {
    "nextmv_mip.json": {
        "5 lines, 2 DCs, 2 carriers each, weight tiers": "needs volumes: cartons and billable weight",
    },
}
"""File -> case -> why."""
