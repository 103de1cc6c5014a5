"""150 random orders under "fewest sources, then least distance", against exact enumeration by others."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from router.domain import CertificateKind, Decision, Status
from tests.cases.adapter import MISSING, Case, case_params, cases_folder, decided, read_cases, said
from tests.cases.policies import CENTS_PER_SOURCE, FEWEST_THEN_NEAREST
from tests.oracle_facts import metres_between

FILE = "differential.json"
METRES_PER_ROUNDING = 0.5


def metres_of(decision: Decision) -> int:
    """Over the sources of a plan; each is one shipment."""
    return sum(shipment.distance_m for shipment in decision.plan.shipments)


@pytest.mark.parametrize(("file_name", "case"), case_params([FILE]))
def test_the_optimum_is_the_enumerated_one(file_name: str, case: Case) -> None:
    decision = decided(said(case, FEWEST_THEN_NEAREST))
    assert decision.certificate.kind is CertificateKind.EXACT
    expected = case["expected"]
    if not expected["feasible"]:
        assert decision.status is Status.UNSOURCEABLE
        return
    assert decision.status is Status.SOURCED
    sources = sorted(shipment.node_id for shipment in decision.plan.shipments)
    best = expected["min_sources_then_min_total_km"]
    assert len(sources) == expected["min_sources"]
    assert sources == sorted(best["sources"])
    rounded_places = len(sources) + 1  # ours rounds each distance to metres, theirs the sum
    assert abs(metres_of(decision) - best["km"] * 1000) <= METRES_PER_ROUNDING * rounded_places
    assert decision.plan.total_cents == CENTS_PER_SOURCE * (len(sources) - 1) + metres_of(decision)


@pytest.mark.skipif(cases_folder() is None, reason=MISSING)
def test_no_peer_finds_a_better_answer_and_each_finds_worse_ones() -> None:
    worse: Counter[str] = Counter()
    for case in read_cases(FILE):
        ordered = Counter({line["sku"]: line["qty"] for line in case["lines"]})
        here = said(case, FEWEST_THEN_NEAREST)
        decision = decided(here)
        destination = here.world.order.destination
        metres = {node.node_id: metres_between(node, destination) for node in here.world.network.nodes}
        for peer, rows in case["peer_answers"].items():
            if not complete(rows, ordered):
                continue
            assert decision.status is Status.SOURCED
            sources = {row[0] for row in rows}
            theirs = (len(sources), sum(metres[source] for source in sources))
            ours = (len(decision.plan.shipments), metres_of(decision))
            assert ours <= theirs, (case["name"], peer)
            worse[peer] += ours < theirs
    assert set(worse) == {peer for case in read_cases(FILE) for peer in case["peer_answers"]}
    assert min(worse.values()) > 0, worse


def complete(rows: list[list[Any]], ordered: Counter[str]) -> bool:
    """Does a peer's answer fill the order, from stock?"""
    taken: Counter[str] = Counter()
    for row in rows:
        taken[row[1]] += row[2]
    return taken == ordered and all(row[3] == "on_hand" for row in rows if len(row) > 3)
