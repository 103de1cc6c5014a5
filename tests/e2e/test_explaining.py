"""Explanations take long: they leave room for decisions, and end with the call that asked for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from router.budget import Budget
from router.explain import explain_order
from server import deciding
from server.api.sourcing.v1 import sourcing_pb2
from server.deciding import MAX_EXPLAIN_SECONDS, patience
from server.status import CallExpired
from tests.e2e.service import Service, failure, nodes_of, order

TURNS = 6
"""Half of the threads that the test shop has."""
PATIENCE_SECONDS = 60.0


class Held:
    """Explanations that do not end before they are let go, or are not wanted any more."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)
        self.errors: list[Exception] = []
        self.let_go = threading.Event()

    def explain(self, *given: Any) -> Any:
        budget = given[-1]
        assert isinstance(budget, Budget)
        self.begun.release()
        try:
            while not self.let_go.wait(0.01):
                budget.wanted()
            return explain_order(*given)
        except Exception as error:
            self.errors.append(error)
            raise
        finally:
            self.ended.release()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    found = Held()
    monkeypatch.setattr(deciding, "explain_order", found.explain)
    yield found
    found.let_go.set()


def explaining(service: Service, sku: str) -> grpc.Future:
    """A call under way that wants a quote explained."""
    request = sourcing_pb2.SourceOrderRequest(order=order((sku, 1)), validate_only=True, explain=True)
    future: grpc.Future = service.sourcing.SourceOrder.future(request, timeout=PATIENCE_SECONDS)
    return future


def test_explanations_leave_half_of_the_threads_to_decisions(service: Service, held: Held) -> None:
    sku = service.sku()
    quoted = service.quote(order((sku, 1))).decision
    calls = [explaining(service, sku) for _ in range(TURNS)]
    for _ in calls:
        assert held.begun.acquire(timeout=PATIENCE_SECONDS)
    request = sourcing_pb2.ExplainDecisionRequest(decision_id=quoted.decision_id)
    for refused in (
        lambda: service.quote(order((sku, 1)), explain=True),
        lambda: service.reserve(order((sku, 1)), explain=True),
        lambda: service.sourcing.ExplainDecision(request),
    ):
        found = failure(refused)
        assert (found.code, found.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "TOO_MANY_EXPLANATIONS",
        )
        assert found.metadata == {"limit": str(TURNS)}
    assert nodes_of(service.quote(order((sku, 1))).decision) == ["store-paris"]
    assert service.reserve(order((sku, 1))).reservation_id
    held.let_go.set()
    assert all(call.result().explanation.strategy_id == "cheapest" for call in calls)
    # Their turns are over.
    assert service.sourcing.ExplainDecision(request).explanation.lines


def test_an_explanation_ends_when_its_caller_is_gone(service: Service, held: Held) -> None:
    calls = [explaining(service, service.sku()) for _ in range(TURNS)]
    for _ in calls:
        assert held.begun.acquire(timeout=PATIENCE_SECONDS)
    for call in calls:
        call.cancel()
    for _ in calls:
        assert held.ended.acquire(timeout=PATIENCE_SECONDS)
    assert [type(error) for error in held.errors] == [CallExpired] * TURNS


class FakeCall:
    """A call of which a test says how it stands."""

    def __init__(self, remaining_seconds: float | None) -> None:
        self.remaining_seconds = remaining_seconds
        self.active = True

    def is_active(self) -> bool:
        return self.active

    def time_remaining(self) -> float | None:
        return self.remaining_seconds


@pytest.mark.parametrize(
    ("remaining_seconds", "lasts_seconds"),
    [(None, MAX_EXPLAIN_SECONDS), (1_000.0, MAX_EXPLAIN_SECONDS), (3.0, 1.5)],
)
def test_patience_ends_in_time_to_answer(remaining_seconds: float | None, lasts_seconds: float) -> None:
    clock = iter((100.0, 100.0, 99.99 + lasts_seconds, 100.0 + lasts_seconds))
    call = FakeCall(remaining_seconds)
    wanted = patience(call, lambda: next(clock))
    assert [wanted(), wanted(), wanted()] == [True, True, False]
    call.remaining_seconds = 0.0
    with pytest.raises(CallExpired):
        wanted()
    call.remaining_seconds, call.active = None, False
    with pytest.raises(CallExpired):
        wanted()


def test_what_there_is_when_time_is_over_is_sent(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "MAX_EXPLAIN_SECONDS", 0.0)
    sku = service.sku(paris=1, lille=3, lyon=1)
    response = service.quote(order((sku, 3)), explain=True)
    assert response.explanation.stopped_by == "time_limit"
    assert response.decision.plan.shipments
    assert not response.decision.alternatives


def test_a_divided_line_shows_who_sends_what(service: Service) -> None:
    sku = service.sku(paris=2, lille=4, lyon=1)
    response = service.quote(order((sku, 5)), explain=True)
    [line] = response.explanation.lines
    taken = {c.node_id: c.taken_quantity for c in line.candidates}
    assert taken == {"store-paris": 2, "store-lille": 2, "dc-lyon": 1}
    assert all(c.rejections for c in line.candidates)
    assert (response.explanation.strategy_id, response.explanation.stopped_by) == ("cheapest", "")
