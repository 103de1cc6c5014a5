"""Which test module has which cases. ``test_peer_cases`` asserts that every case is tested."""

from __future__ import annotations

PEERS = ("magento_ssa.json", "solidus_allocation.json", "issue_reports.json", "hotwax_brokering.json")
"""Files whose cases are tested one by one."""

DIFFERENTIAL = "differential.json"
ELSEWHERE = {
    "frepple_promise.json": "test_promised_dates",
    "busydbee_batch.json": "test_competing_orders",
    "nextmv_mip.json": "test_weight_tiers",
}
"""Files of which every case is tested in a module of its own."""
