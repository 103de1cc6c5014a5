"""Explanations and rankings as they are sent."""

from __future__ import annotations

from router.explanation import Candidate, Explanation, LineCandidates
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import timestamp
from server.convert_decision import cost_to_proto, later


def explained_to_proto(explanation: Explanation) -> sourcing_pb2.Explanation:
    return sourcing_pb2.Explanation(
        strategy_id=explanation.strategy_id,
        lines=[line_candidates_to_proto(line) for line in explanation.lines],
        relaxations=[sourcing_pb2.Relaxation(changes=r.changes) for r in explanation.relaxations],
        stopped_by=explanation.stopped_by,
    )


def line_candidates_to_proto(line: LineCandidates) -> sourcing_pb2.LineCandidates:
    return sourcing_pb2.LineCandidates(
        line_id=line.line_id,
        sku_id=line.sku_id,
        quantity=line.quantity,
        candidates=[candidate_to_proto(candidate) for candidate in line.candidates],
        eligible_count=line.eligible_count,
        rejected_count=line.rejected_count,
    )


def candidate_to_proto(candidate: Candidate) -> sourcing_pb2.Candidate:
    return sourcing_pb2.Candidate(
        node_id=candidate.node_id,
        available=candidate.available,
        distance_m=candidate.distance_m,
        service_id=candidate.service_id,
        arrival_time=None if candidate.cost is None else timestamp(candidate.arrival_seconds),
        cost=None if candidate.cost is None else cost_to_proto(candidate.cost),
        rejections=[
            sourcing_pb2.Rejection(
                reason=r.reason, rule_name=r.rule_name, value=r.value, threshold=r.threshold
            )
            for r in candidate.rejections
        ],
        taken_quantity=candidate.taken_quantity,
        supply_time=later(candidate.supply_seconds),
    )
