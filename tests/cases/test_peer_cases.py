"""Tests, defects and answers of other systems, under rules that state their policies."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from router.domain import CertificateKind, Status
from router.ledger import ReserveCode
from tests.cases.adapter import (
    MISSING,
    Case,
    allocations,
    case_params,
    cases_folder,
    decided,
    expected_allocations,
    read_cases,
    said,
)
from tests.cases.covered import DIFFERENTIAL, ELSEWHERE, PEERS
from tests.cases.moves import move, reserved_at, stocked
from tests.cases.policies import policy_of
from tests.cases.returning import returned

CHECKED = {
    "allocations",
    "by_location",
    "complete",
    "correct_total",
    "error",
    "min_sources",
    "must_report_shortfall",
    "no_location_above_stock",
    "sources_used",
    "total",
}
NOT_EXPECTED = {"note", "peer_answer"}
"""Keys of ``expected`` that are remarks; a peer's answer may be its defect."""


def sources_an_order(file_name: str, case: Case) -> bool:
    return "reservation_move" not in case and "return_qty" not in case


def moves_a_reservation(file_name: str, case: Case) -> bool:
    return "reservation_move" in case


@pytest.mark.parametrize(("file_name", "case"), case_params(PEERS, sources_an_order))
def test_the_expected_answer_is_given(file_name: str, case: Case) -> None:
    expected = case["expected"]
    assert set(expected) <= CHECKED | NOT_EXPECTED
    here = said(case, policy_of(file_name, case))
    decision = decided(here)
    assert decision.certificate.kind is CertificateKind.EXACT
    found = allocations(decision, here.scale)

    if "allocations" in expected:
        assert found == expected_allocations(expected["allocations"])
    if "by_location" in expected:
        at = {place: sorted(sku for p, sku, _ in found if p == place) for place, _, _ in found}
        assert at == expected["by_location"]
    if "complete" in expected:
        assert (decision.status is Status.SOURCED) == expected["complete"]
    if expected.get("error"):
        assert decision.status is Status.UNSOURCEABLE
        assert [unfilled.quantity for unfilled in decision.unfilled] == [
            line.quantity for line in here.world.order.lines
        ]
    if "must_report_shortfall" in expected:
        short = sum(unfilled.quantity for unfilled in decision.unfilled)
        assert Fraction(short, here.scale) == expected["must_report_shortfall"]
    for total in ("total", "correct_total"):
        if total in expected:
            assert sum(found.values()) == expected[total]
    for sources in ("sources_used", "min_sources"):
        if sources in expected:
            assert len({place for place, _, _ in found}) == expected[sources]
    stock = {(place["id"], sku): n for place in case["locations"] for sku, n in place["stock"].items()}
    if "no_location_above_stock" in expected:
        assert all(quantity <= stock[place, sku] for (place, sku, _), quantity in found.items())


@pytest.mark.parametrize(("file_name", "case"), case_params(PEERS, moves_a_reservation))
def test_a_reservation_moves_only_to_where_there_is_stock(file_name: str, case: Case) -> None:
    """The target is held before the source is let go."""
    asked, expected = case["reservation_move"], case["expected"]
    ledger = stocked(
        {(sku, place["id"]): n for place in case["locations"] for sku, n in place["stock"].items()}
    )
    outcome = move(ledger, asked["sku"], asked["qty"], asked["from_"], asked["to"])
    assert outcome.code is ReserveCode.SOLD_OUT
    assert [(short.node_id, short.quantity) for short in outcome.shortages] == [(asked["to"], 1)]
    assert expected["error"] == f"insufficient stock at {asked['to']}"
    assert reserved_at(ledger, asked["sku"]) == expected["reserved_after"]


def returns_goods(file_name: str, case: Case) -> bool:
    return "return_qty" in case


@pytest.mark.parametrize(("file_name", "case"), case_params(PEERS, returns_goods))
def test_returns_follow_the_nodes_that_sent_the_goods(file_name: str, case: Case) -> None:
    """By the refund, and by the plan when each place takes back what it sent."""
    decision = returned(case)
    expected = [(to["location"], to["qty"]) for to in case["expected"]["return_to"]]
    assert [(line.node_id, line.quantity) for line in decision.refunds] == expected
    [plan] = decision.plans
    taken = {part.node_id: sum(u.quantity for u in part.units) for part in plan.parts}
    assert taken == dict(expected)


def files() -> list[Any]:
    """The names of all files of cases."""
    folder = cases_folder()
    if folder is None:
        return [pytest.param("", id="none", marks=pytest.mark.skip(reason=MISSING))]
    return sorted(path.name for path in folder.glob("*.json"))


@pytest.mark.parametrize("file_name", files())
def test_every_case_is_tested(file_name: str) -> None:
    if file_name in ELSEWHERE:
        assert (Path(__file__).parent / f"{ELSEWHERE[file_name]}.py").is_file()
        return
    assert file_name in {*PEERS, DIFFERENTIAL}
    cases = read_cases(file_name)
    names = [case["name"] for case in cases]
    assert len(set(names)) == len(names)
    tested = {
        case["name"]
        for case in cases
        if file_name == DIFFERENTIAL
        or (
            file_name in PEERS
            and any(
                tests(file_name, case) for tests in (sources_an_order, moves_a_reservation, returns_goods)
            )
        )
    }
    assert tested == set(names)
