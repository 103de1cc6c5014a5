"""An explanation as people read it."""

from __future__ import annotations

import io

from rich.console import Console

from server.api.sourcing.v1 import sourcing_pb2
from server.tables import explanation_view


def candidate(node_id: str, taken: int, *, short: bool = True) -> sourcing_pb2.Candidate:
    reason = sourcing_pb2.Rejection(reason="INSUFFICIENT_STOCK", value="15 units", threshold=">= 40 units")
    return sourcing_pb2.Candidate(
        node_id=node_id, available=15, taken_quantity=taken, rejections=[reason] if short else []
    )


def shown(explanation: sourcing_pb2.Explanation, *strategy_ids: str) -> str:
    decision = sourcing_pb2.Decision(order_id="o", strategy_ids=strategy_ids)
    for node_id in ("north", "south"):
        pick = sourcing_pb2.Pick(line_id="1", sku_id="tent", quantity=20)
        decision.plan.shipments.add(node_id=node_id, picks=[pick])
    text = io.StringIO()
    Console(width=140, file=text).print(explanation_view(decision, explanation))
    return text.getvalue()


def test_nodes_that_send_a_part_are_not_among_the_rejected() -> None:
    candidates = [candidate("east", 0), candidate("north", 15), candidate("south", 25)]
    line = sourcing_pb2.LineCandidates(
        line_id="1", sku_id="tent", quantity=40, candidates=candidates, rejected_count=3
    )
    text = shown(sourcing_pb2.Explanation(lines=[line], strategy_id="s"), "s")
    parts, rejected = text.split("Sent in parts by")[1].split("Rejected")
    assert [row.split()[:3] for row in parts.splitlines() if " km" in row] == [
        ["north", "15", "15"],
        ["south", "25", "15"],
    ]
    assert "east" in rejected
    assert "north" not in rejected
    assert "south" not in rejected
    assert "cut short" not in text
    assert "the last one tried" not in text


def test_it_says_which_strategy_it_speaks_of_and_what_cut_it_short() -> None:
    explanation = sourcing_pb2.Explanation(strategy_id="wide", stopped_by="search_limit, time_limit")
    text = shown(explanation, "express", "wide")
    assert "Nodes under the rules of strategy wide, the last one tried:" in text
    assert "cut short, so some of it may be missing: search_limit, time_limit" in text
