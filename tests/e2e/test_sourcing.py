"""SourceOrder, RankNodes and ExplainDecision over a real connection."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import pytest

from router.ledger import StockUpdate
from server.api.sourcing.v1 import reservation_pb2, sourcing_pb2
from tests.e2e.service import START_SECONDS, Service, failure, new_id, nodes_of, order, paths


def test_a_quote_has_plan_cost_certificate_and_versions(service: Service) -> None:
    sku = service.sku()
    decision = service.quote(order((sku, 2))).decision
    assert decision.status == sourcing_pb2.DECISION_STATUS_SOURCED
    assert nodes_of(decision) == ["store-paris"]
    # 2 kg fit the first bracket: 5.00; handling in Paris 1.00.
    assert (decision.plan.cost.total_cents, decision.plan.cost.shipping_cents) == (600, 500)
    assert decision.plan.cost.handling_cents == 100
    shipment = decision.plan.shipments[0]
    assert (shipment.weight_grams, shipment.distance_m, shipment.parcel_count) == (2000, 0, 1)
    assert shipment.arrival_time.seconds == START_SECONDS + 3600 + 86_400
    assert decision.plan.promise_time == shipment.arrival_time
    assert decision.certificate.kind == sourcing_pb2.Certificate.EXACT
    assert decision.certificate.bound_cents == 600
    assert decision.versions.stock_version == service.world.snapshot.stock.version
    assert decision.versions.rules_hash == service.world.snapshot.rules_hash
    assert decision.decide_time.seconds == START_SECONDS
    assert list(decision.strategy_ids) == ["cheapest"]


def test_a_quote_holds_nothing_and_needs_no_request_id(
    service: Service, nothing_held: Callable[[], None]
) -> None:
    response = service.quote(order(("sku-000", 1)))
    assert response.reservation_id == ""
    assert not response.HasField("hold_expire_time")
    nothing_held()


def test_the_same_inputs_give_the_same_bytes(service: Service) -> None:
    asked = order((service.sku(), 1))
    first, second = service.quote(asked), service.quote(asked)
    assert first.SerializeToString() == second.SerializeToString()


def test_a_reservation_holds_the_plan(service: Service) -> None:
    here, there = service.sku(paris=3, lille=0, lyon=0), service.sku(paris=0, lille=0, lyon=4)
    response = service.reserve(order((here, 1), (there, 4)), hold_seconds=120)
    assert nodes_of(response.decision) == ["dc-lyon", "store-paris"]
    assert service.available(here)["store-paris"] == 2
    assert service.available(there)["dc-lyon"] == 0
    assert response.hold_expire_time.seconds == service.clock() + 120
    held = service.reservations.GetReservation(
        reservation_pb2.GetReservationRequest(reservation_id=response.reservation_id)
    )
    assert held.state == reservation_pb2.RESERVATION_STATE_HELD
    assert [(h.sku_id, h.node_id, h.quantity) for h in held.holds] == [
        (there, "dc-lyon", 4),
        (here, "store-paris", 1),
    ]
    assert held.order_id == response.decision.order_id


def test_a_divided_line_is_held_at_each_of_its_nodes(service: Service) -> None:
    sku = service.sku(paris=3, lille=0, lyon=4)
    response = service.reserve(order((sku, 6)))
    picks = {s.node_id: s.picks[0].quantity for s in response.decision.plan.shipments}
    assert sum(picks.values()) == 6
    available = service.available(sku)
    assert available["store-paris"] == 3 - picks["store-paris"]
    assert available["dc-lyon"] == 4 - picks["dc-lyon"]


def test_the_hold_lasts_as_long_as_the_config_says_by_default(service: Service) -> None:
    response = service.reserve(order((service.sku(), 1)))
    assert response.hold_expire_time.seconds == service.clock() + 600


def test_a_retry_is_answered_with_the_same_bytes_even_when_its_own_stock_is_gone(service: Service) -> None:
    sku = service.sku(paris=1, lille=0, lyon=0)
    asked, request_id = order((sku, 1)), new_id()
    first = service.reserve(asked, request_id)
    assert service.available(sku)["store-paris"] == 0
    again = service.reserve(asked, request_id)
    assert again.SerializeToString() == first.SerializeToString()
    assert first.reservation_id
    assert service.available(sku)["store-paris"] == 0
    service.reservations.ConfirmReservation(
        reservation_pb2.ConfirmReservationRequest(reservation_id=first.reservation_id)
    )
    assert service.reserve(asked, request_id).SerializeToString() == first.SerializeToString()


def test_a_retry_with_stock_left_takes_nothing_more(service: Service) -> None:
    sku = service.sku()
    asked, request_id = order((sku, 1)), new_id()
    first = service.reserve(asked, request_id, explain=True)
    again = service.reserve(asked, request_id, explain=True)
    assert again.SerializeToString() == first.SerializeToString()
    assert len(first.explanation.lines) == 1
    assert service.available(sku)["store-paris"] == 9


def test_a_request_id_stands_for_one_content(service: Service) -> None:
    sku, request_id = service.sku(), new_id()
    service.reserve(order((sku, 1), order_id="a"), request_id)
    found = failure(lambda: service.reserve(order((sku, 2), order_id="a"), request_id))
    assert (found.code, found.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert found.metadata["request_id"] == request_id
    gone = service.sku(paris=0, lille=0, lyon=0)
    found = failure(lambda: service.reserve(order((gone, 1), order_id="a"), request_id))
    assert found.code is grpc.StatusCode.ALREADY_EXISTS
    assert service.available(sku)["store-paris"] == 9


def test_unsourceable_is_an_answer_and_holds_nothing(service: Service) -> None:
    sku = service.sku(paris=1, lille=0, lyon=0)
    response = service.reserve(order((sku, 5)), explain=True)
    assert response.decision.status == sourcing_pb2.DECISION_STATUS_UNSOURCEABLE
    assert not response.decision.HasField("plan")
    assert response.reservation_id == ""
    assert [(u.line_id, u.quantity) for u in response.decision.unfilled] == [("1", 5)]
    assert response.explanation.relaxations
    rejected = {c.node_id: c.rejections[0].reason for c in response.explanation.lines[0].candidates}
    assert rejected["store-paris"] == "INSUFFICIENT_STOCK"
    assert service.available(sku)["store-paris"] == 1


def test_an_unsourceable_request_may_be_retried_when_stock_has_come(service: Service) -> None:
    sku = service.sku(paris=0, lille=0, lyon=0)
    asked, request_id = order((sku, 1)), new_id()
    assert service.reserve(asked, request_id).reservation_id == ""
    service.world.ledger.update_stock("", [_on_hand(sku, "dc-lyon", 1)])
    service.world.follow()
    assert service.reserve(asked, request_id).reservation_id != ""


def _on_hand(sku: str, node: str, units: int) -> StockUpdate:
    return StockUpdate(sku_id=sku, node_id=node, on_hand=units)


def test_partial_holds_what_is_sourced(service: Service) -> None:
    sku, gone = service.sku(), service.sku(paris=0, lille=0, lyon=0)
    asked = order((sku, 4), (gone, 1), sourcing_profile="whatever-there-is")
    response = service.reserve(asked)
    assert response.decision.status == sourcing_pb2.DECISION_STATUS_PARTIAL
    assert [(u.line_id, u.quantity) for u in response.decision.unfilled] == [("2", 1)]
    assert response.reservation_id
    assert sum(service.available(sku).values()) == 10 + 8 + 10 - 4


def test_the_same_sku_on_two_lines_is_held_for_both(service: Service) -> None:
    sku = service.sku(paris=5, lille=0, lyon=0)
    assert service.reserve(order((sku, 2), (sku, 3))).reservation_id
    assert service.available(sku)["store-paris"] == 0


def test_ranking_lists_candidates_cheapest_first(service: Service) -> None:
    sku = service.sku(lyon=1)
    request = sourcing_pb2.RankNodesRequest(order=order((sku, 2)))
    answer = service.sourcing.RankNodes(request)
    assert answer.strategy_id == "cheapest"
    assert answer.versions.rules_hash == service.world.snapshot.rules_hash
    [line] = answer.lines
    assert [c.node_id for c in line.candidates] == ["store-paris", "store-lille"]
    assert [c.cost.total_cents for c in line.candidates] == [600, 700]
    assert (line.eligible_count, line.rejected_count) == (2, 1)
    request.include_rejected = True
    [line] = service.sourcing.RankNodes(request).lines
    assert [c.node_id for c in line.candidates] == ["store-paris", "store-lille", "dc-lyon"]
    assert line.candidates[2].rejections[0].reason == "INSUFFICIENT_STOCK"
    request.include_rejected = False
    request.max_nodes_per_line = 1
    [line] = service.sourcing.RankNodes(request).lines
    assert [c.node_id for c in line.candidates] == ["store-paris"]
    assert line.eligible_count == 2


@pytest.mark.parametrize("count", [-1, 10_001])
def test_ranking_lists_a_sane_number_of_nodes(service: Service, count: int) -> None:
    request = sourcing_pb2.RankNodesRequest(order=order(("sku-000", 1)), max_nodes_per_line=count)
    assert paths(failure(lambda: service.sourcing.RankNodes(request))) == ["max_nodes_per_line"]


def test_a_decision_is_explained_as_it_was_made(service: Service) -> None:
    sku = service.sku(paris=2, lille=5, lyon=5)
    response = service.reserve(order((sku, 2)))
    before = response.decision
    # What happens to the stock afterwards is not part of the decision.
    service.reserve(order((sku, 3)))
    service.world.ledger.update_stock("", [_on_hand(sku, "dc-lyon", 99)])
    service.world.follow()
    explained = service.sourcing.ExplainDecision(
        sourcing_pb2.ExplainDecisionRequest(decision_id=before.decision_id)
    )
    again = sourcing_pb2.Decision()
    again.CopyFrom(explained.decision)
    again.ClearField("alternatives")
    assert again == before
    assert explained.decision.alternatives
    available = {c.node_id: c.available for c in explained.explanation.lines[0].candidates}
    assert available == {"store-paris": 2, "store-lille": 3, "dc-lyon": 5}


def test_a_decision_is_explained_under_the_rules_it_was_made_by(service: Service) -> None:
    decision = service.quote(order((service.sku(), 1))).decision
    rules = service.world.snapshot.rules
    service.world.use_rules(rules.model_copy(update={"default_profile": "whatever-there-is"}))
    try:
        assert service.world.snapshot.rules_hash != decision.versions.rules_hash
        explained = service.sourcing.ExplainDecision(
            sourcing_pb2.ExplainDecisionRequest(decision_id=decision.decision_id)
        )
    finally:
        service.world.use_rules(rules)
    assert explained.decision.versions == decision.versions
    assert list(explained.decision.strategy_ids) == ["cheapest"]


def test_an_unknown_decision_cannot_be_explained(service: Service) -> None:
    request = sourcing_pb2.ExplainDecisionRequest(decision_id="0123")
    found = failure(lambda: service.sourcing.ExplainDecision(request))
    assert (found.code, found.metadata["decision_id"]) == (grpc.StatusCode.NOT_FOUND, "0123")
    empty = sourcing_pb2.ExplainDecisionRequest()
    assert paths(failure(lambda: service.sourcing.ExplainDecision(empty))) == ["decision_id"]


def test_a_substitute_is_held_and_explained(service: Service) -> None:
    ordered, other = service.sku(paris=0, lille=0, lyon=0), service.sku()
    asked = order((ordered, 2))
    asked.lines[0].substitutes.append(other)
    response = service.reserve(asked)
    [shipment] = response.decision.plan.shipments
    assert [(pick.sku_id, pick.quantity) for pick in shipment.picks] == [(other, 2)]
    assert service.available(other)["store-paris"] == 8
    answer = service.quote(asked, explain=True)
    assert [p.sku_id for s in answer.decision.plan.shipments for p in s.picks] == [other]
    again = service.sourcing.ExplainDecision(
        sourcing_pb2.ExplainDecisionRequest(decision_id=response.decision.decision_id)
    )
    assert again.decision.plan == response.decision.plan
