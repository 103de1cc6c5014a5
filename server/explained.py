"""An explanation as it is sent, with what the plan takes from where."""

from __future__ import annotations

from router.explanation import Explanation
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import explanation_to_proto


def explained_to_proto(explanation: Explanation) -> sourcing_pb2.Explanation:
    """``explanation_to_proto``, the strategy it speaks of, what cut it short, and the nodes that are used."""
    message = explanation_to_proto(explanation)
    message.strategy_id = explanation.strategy_id
    message.stopped_by = explanation.stopped_by
    for line, sent in zip(explanation.lines, message.lines, strict=True):
        for candidate, its in zip(line.candidates, sent.candidates, strict=True):
            if candidate.taken_quantity:
                its.taken_quantity = candidate.taken_quantity
    return message
