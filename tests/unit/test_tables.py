"""Tables for people: what they claim, and that they show what was asked for."""

from __future__ import annotations

import re

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import RenderableType

from server.api.sourcing.v1 import sourcing_pb2, stock_pb2
from server.tables import (
    certificate_line,
    console_for,
    goods_text,
    line_views,
    plan_table,
    ranking_view,
    stock_table,
)

Certificate = sourcing_pb2.Certificate
SOURCED, PARTIAL, NONE = (
    sourcing_pb2.DECISION_STATUS_SOURCED,
    sourcing_pb2.DECISION_STATUS_PARTIAL,
    sourcing_pb2.DECISION_STATUS_UNSOURCEABLE,
)


def text_of(*views: RenderableType) -> str:
    console = console_for()
    with console.capture() as captured:
        for view in views:
            console.print(view)
    return captured.get()


def proof(status: sourcing_pb2.DecisionStatus, kind: Certificate.Kind, stopped_by: str = "") -> str:
    certificate = Certificate(
        kind=kind, method=Certificate.MIP, bound_cents=900, gap_ppm=100_000, stopped_by=stopped_by
    )
    return certificate_line(sourcing_pb2.Decision(status=status, certificate=certificate)).plain


def test_what_is_proven_is_said_of_what_was_answered() -> None:
    assert proof(SOURCED, Certificate.EXACT) == (
        "proven: no cheaper plan exists under these rules and this stock (MIP)"
    )
    assert proof(PARTIAL, Certificate.EXACT) == (
        "proven: no plan fills more units, and none that fills as many is cheaper, "
        "under these rules and this stock (MIP)"
    )
    assert proof(NONE, Certificate.EXACT) == "proven: no plan exists under these rules and this stock (MIP)"


@pytest.mark.parametrize("status", [SOURCED, PARTIAL, NONE])
def test_what_is_not_proven_does_not_claim_to_be(status: sourcing_pb2.DecisionStatus) -> None:
    """The plan costs 10.00 and the bound is 9.00: a tenth of the cost might be saved."""
    said = proof(status, Certificate.BOUNDED, "time_limit")
    assert said.startswith("not proven")
    assert said.endswith("(MIP, stopped by time_limit)")
    assert ("9.00" in said) == (status != NONE)
    assert ("at most 10.0000 % of this one's cost could be saved" in said) == (status != NONE)
    assert ("as many units" in said) == (status == PARTIAL)
    assert ("may exist" in said) == (status == NONE)
    assert proof(status, Certificate.BOUNDED).endswith("(MIP)")


AUGUST = Timestamp(seconds=1_785_571_200)
"""2026-08-01 08:00 UTC, a Saturday."""


def test_a_pick_says_what_it_is_made_of() -> None:
    pick = sourcing_pb2.Pick(line_id="1", sku_id="tent", quantity=6, backordered_quantity=1)
    pick.receipts.add(expected_time=AUGUST, quantity=2)
    assert text_of(goods_text(pick)).splitlines() == [
        "6 x tent (1)",
        "  2 expected Sat 2026-08-01 08:00",
        "  1 backordered",
    ]
    assert text_of(goods_text(sourcing_pb2.Pick(line_id="1", sku_id="tent", quantity=6))) == "6 x tent (1)\n"


def test_what_is_waited_for_is_shown_where_something_is() -> None:
    plan = sourcing_pb2.Plan()
    plan.shipments.add(node_id="near")
    assert "waits" not in text_of(plan_table(plan, AUGUST))
    plan.shipments.add(node_id="far", supply_time=AUGUST)
    shown = text_of(plan_table(plan, AUGUST))
    assert "waits until (UTC)" in shown
    assert re.search(r"far .*Sat 2026-08-01 08:00", shown)
    line = ranked(2, 0)
    assert "waits" not in text_of(*line_views(line, None))
    line.candidates[1].supply_time.CopyFrom(AUGUST)
    shown = text_of(*line_views(line, None))
    assert re.search(r"good-1 .*Sat 2026-08-01 08:00", shown)
    assert not re.search(r"good-0 .*Sat 2026-08-01 08:00", shown)


def test_receipts_are_shown_with_their_time() -> None:
    response = stock_pb2.GetAvailabilityResponse(stock_version=3)
    response.availabilities.add(sku_id="tent", node_id="near", on_hand=1_234)
    assert "expected" not in text_of(stock_table(response))
    response.availabilities.add(sku_id="tent", node_id="near", on_hand=5, expected_time=AUGUST)
    shown = text_of(stock_table(response))
    assert "expected (UTC)" in shown
    assert re.search(r"near +Sat 2026-08-01 08:00 +5", shown)
    assert re.search(r"near +1,234", shown)


def ranked(eligible: int, rejected: int) -> sourcing_pb2.LineCandidates:
    line = sourcing_pb2.LineCandidates(
        line_id="1", sku_id="k", quantity=1, eligible_count=eligible + 5, rejected_count=rejected
    )
    for i in range(eligible):
        line.candidates.add(node_id=f"good-{i}", service_id="v", cost=sourcing_pb2.Cost(total_cents=i))
    for i in range(rejected):
        line.candidates.add(node_id=f"bad-{i}").rejections.add(reason="NO_SERVICE", value="none")
    return line


def test_a_ranking_shows_every_node_that_was_asked_for() -> None:
    shown = text_of(ranking_view(sourcing_pb2.RankNodesResponse(lines=[ranked(12, 7)])))
    assert re.findall(r"good-\d+", shown) == [f"good-{i}" for i in range(12)]
    assert re.findall(r"bad-\d+", shown) == [f"bad-{i}" for i in range(7)]
    assert "and 5 more" in shown
    assert "17 nodes may supply it whole, 7 with stock may not" in shown


def test_an_explanation_shows_the_best_few() -> None:
    shown = text_of(*line_views(ranked(12, 7), None))
    assert re.findall(r"good-\d+", shown) == [f"good-{i}" for i in range(3)]
    assert re.findall(r"bad-\d+", shown) == [f"bad-{i}" for i in range(3)]
    assert "and 14 more" in shown
    assert ", and 4 more" in shown
