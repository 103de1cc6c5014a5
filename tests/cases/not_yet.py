"""The cases that our rules cannot state yet, with the reason. ``test_peer_cases`` asserts that every other
case of these files is tested, and that every entry here exists."""

from __future__ import annotations

PEERS = ("magento_ssa.json", "solidus_allocation.json", "issue_reports.json", "hotwax_brokering.json")
"""Files whose cases are tested one by one."""

DIFFERENTIAL = "differential.json"

INCOMING = "needs future supply by date"
NOT_YET: dict[str, dict[str, str]] = {
    "frepple_promise.json": {
        "A default: partial and late allowed": INCOMING,
        "C only complete": INCOMING,
        "E at most 2 days late": INCOMING,
        "G min shipment 30 > order 20, on hand 15, incoming 50": INCOMING,
        "group policy alltogether": "needs suppliers with lead times and one promise for a group",
        "two-echelon network, supplier lead times": "needs replenishment through a network of warehouses",
    },
    "nextmv_mip.json": {
        "5 lines, 2 DCs, 2 carriers each, weight tiers": "needs volumes: cartons and billable weight",
    },
    "busydbee_batch.json": {
        "14 orders compete for 5 centres": "needs many orders decided jointly, and centres' capacity by day",
    },
}
"""File -> case -> why."""
