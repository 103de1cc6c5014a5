"""ResourceOrder over gRPC, and the command ``sourcier resource``."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from typer.testing import CliRunner

from server.api.sourcing.v1 import reservation_pb2, sourcing_pb2, stock_pb2
from server.cli import app
from server.convert import timestamp
from tests.e2e.service import Service, failure, hold, new_id, nodes_of, order, paths

NOT_FOUND = sourcing_pb2.REJECTION_REASON_NOT_FOUND


def again(
    service: Service,
    asked: sourcing_pb2.Order,
    first: sourcing_pb2.SourceOrderResponse,
    *rejections: sourcing_pb2.NodeRejection,
    **more: Any,
) -> sourcing_pb2.ResourceOrderRequest:
    return sourcing_pb2.ResourceOrderRequest(
        request_id=new_id(),
        reservation_id=first.reservation_id,
        order=asked,
        shipments=first.decision.plan.shipments,
        rejections=rejections,
        **more,
    )


def rejection(
    service: Service, node: str, line: str = "", units: int = 0, reason: int = NOT_FOUND
) -> sourcing_pb2.NodeRejection:
    return sourcing_pb2.NodeRejection(
        node_id=node,
        line_id=line,
        quantity=units,
        reason=sourcing_pb2.RejectionReason.ValueType(reason),
        reject_time=timestamp(service.clock()),
    )


def on_hand(service: Service, sku: str) -> dict[str, int]:
    answer = service.stock.GetAvailability(stock_pb2.GetAvailabilityRequest(sku_ids=[sku]))
    return {row.node_id: row.on_hand for row in answer.availabilities}


def test_a_short_pick_is_sourced_elsewhere_and_the_rest_stays_held(service: Service) -> None:
    one, two = service.sku(), service.sku()
    asked = order((one, 3), (two, 2))
    first = service.reserve(asked)
    assert nodes_of(first.decision) == ["store-paris"]
    request = again(service, asked, first, rejection(service, "store-paris", "1", 2))
    response = service.sourcing.ResourceOrder(request)

    [kept] = response.kept
    assert kept.node_id == "store-paris"
    assert {(p.line_id, p.quantity) for p in kept.picks} == {("1", 1), ("2", 2)}
    assert nodes_of(response.decision) == ["store-lille"]
    assert [(x.line_id, x.quantity) for x in response.remainder.lines] == [("1", 2)]
    [excluded] = response.remainder.exclusions
    assert (excluded.node_id, excluded.sku_id) == ("store-paris", one)
    assert excluded.until_time.seconds == service.clock() + 7200
    [correction] = response.corrections
    assert (correction.node_id, correction.sku_id) == ("store-paris", one)
    assert not correction.HasField("gone_units")
    assert (response.attempt, response.max_attempts) == (1, 3)

    # Of ten in Paris nothing is left but the one that is kept; Lille gives two of eight.
    assert on_hand(service, one)["store-paris"] == 1
    assert service.available(one) == {"store-paris": 0, "store-lille": 6, "dc-lyon": 10}
    assert service.available(two)["store-paris"] == 8
    held = service.reservations.GetReservation(
        reservation_pb2.GetReservationRequest(reservation_id=response.reservation_id)
    )
    assert sorted((h.sku_id, h.node_id, h.quantity) for h in held.holds) == sorted(
        [(one, "store-paris", 1), (two, "store-paris", 2), (one, "store-lille", 2)]
    )
    old = service.reservations.GetReservation(
        reservation_pb2.GetReservationRequest(reservation_id=first.reservation_id)
    )
    assert old.state == reservation_pb2.RESERVATION_STATE_RELEASED

    retried = service.sourcing.ResourceOrder(request)
    assert retried == response
    explained = service.sourcing.ExplainDecision(
        sourcing_pb2.ExplainDecisionRequest(decision_id=response.decision.decision_id)
    )
    assert explained.decision.plan == response.decision.plan
    [line] = explained.explanation.lines
    [paris] = [c for c in line.candidates if c.node_id == "store-paris"]
    assert "EXCLUDED" in {reason.reason for reason in paris.rejections}


def test_what_is_shipped_is_never_let_go(service: Service) -> None:
    sku = service.sku(paris=2, lille=4, lyon=2)  # two of Lille's are safety stock
    asked = order((sku, 4))
    first = service.reserve(asked)
    assert sorted(nodes_of(first.decision)) == ["store-lille", "store-paris"]
    gone = nodes_of(first.decision).index("store-paris")
    request = again(service, asked, first, rejection(service, "store-lille"), shipped_ixs=[gone])
    response = service.sourcing.ResourceOrder(request)
    assert [(kept.node_id, kept.shipped) for kept in response.kept] == [("store-paris", True)]
    assert nodes_of(response.decision) == ["dc-lyon"]
    refused = failure(
        lambda: service.sourcing.ResourceOrder(
            again(service, asked, first, rejection(service, "store-paris"), shipped_ixs=[gone])
        )
    )
    assert paths(refused) == ["rejections[0].quantity"]


def test_nothing_can_be_left(service: Service) -> None:
    sku = service.sku(lille=0, lyon=0)
    asked = order((sku, 2))
    first = service.reserve(asked)
    response = service.sourcing.ResourceOrder(again(service, asked, first, rejection(service, "store-paris")))
    assert response.decision.status == sourcing_pb2.DECISION_STATUS_UNSOURCEABLE
    assert not response.HasField("hold_expire_time")
    assert on_hand(service, sku)["store-paris"] == 0
    state = service.reservations.GetReservation(
        reservation_pb2.GetReservationRequest(reservation_id=response.reservation_id)
    ).state
    assert state == reservation_pb2.RESERVATION_STATE_RELEASED


def test_attempts_are_bounded(service: Service) -> None:
    sku = service.sku()
    asked = order((sku, 1))
    first = service.reserve(asked)
    earlier = [
        sourcing_pb2.NodeRejection(node_id="dc-lyon", reject_time=timestamp(service.clock() - s))
        for s in (30, 20, 10)
    ]
    request = again(service, asked, first, rejection(service, "store-paris"), earlier_rejections=earlier)
    response = service.sourcing.ResourceOrder(request)
    assert (response.attempt, response.max_attempts) == (4, 3)
    assert response.decision.status == sourcing_pb2.DECISION_STATUS_UNSOURCEABLE
    assert response.decision.certificate.stopped_by == "max_attempts"


def test_a_quote_changes_nothing(service: Service) -> None:
    sku = service.sku()
    asked = order((sku, 2))
    first = service.reserve(asked)
    before = service.available(sku)
    request = again(service, asked, first, rejection(service, "store-paris"), validate_only=True)
    response = service.sourcing.ResourceOrder(request)
    assert nodes_of(response.decision) == ["store-lille"]
    assert response.reservation_id == ""
    assert service.available(sku) == before


def test_only_what_is_held_can_be_sourced_again(service: Service) -> None:
    sku = service.sku()
    asked = order((sku, 2))
    first = service.reserve(asked)
    request = again(service, asked, first, rejection(service, "store-paris"))
    service.reservations.ConfirmReservation(
        reservation_pb2.ConfirmReservationRequest(reservation_id=first.reservation_id)
    )
    assert (
        failure(lambda: service.sourcing.ResourceOrder(request)).code == grpc.StatusCode.FAILED_PRECONDITION
    )
    request.reservation_id = "r-000000999999"
    assert failure(lambda: service.sourcing.ResourceOrder(request)).code == grpc.StatusCode.NOT_FOUND


def test_a_stranger_s_reservation_is_refused(service: Service) -> None:
    sku = service.sku()
    asked = order((sku, 2))
    first = service.reserve(asked)
    other = service.reservations.CreateReservation(
        reservation_pb2.CreateReservationRequest(
            request_id=new_id(), order_id="other", holds=[hold(sku, "store-paris", 1)]
        )
    )
    request = again(service, asked, first, rejection(service, "store-paris"))
    request.reservation_id = other.reservation_id
    assert paths(failure(lambda: service.sourcing.ResourceOrder(request))) == ["shipments"]


@pytest.mark.parametrize("used_by", ["another", "nobody"])
def test_others_may_take_the_stock_in_between(service: Service, used_by: str) -> None:
    sku = service.sku()
    asked = order((sku, 2))
    first = service.reserve(asked)
    request = again(service, asked, first, rejection(service, "store-paris"))

    def taken() -> None:
        """Just before the ledger is asked for the plan's units, Lille's are gone."""
        service.ledger.before.pop("reserve")
        if used_by == "another":
            levels = [stock_pb2.StockLevel(sku_id=sku, node_id="store-lille", on_hand=2)]
            service.stock.SetStock(stock_pb2.SetStockRequest(request_id=new_id(), levels=levels))

    service.ledger.before["reserve"] = lambda: service.ledger.before.__setitem__("reserve", taken)
    response = service.sourcing.ResourceOrder(request)
    assert nodes_of(response.decision) == ["dc-lyon" if used_by == "another" else "store-lille"]
    service.ledger.before.clear()


def test_every_mistake_is_named(service: Service) -> None:
    asked = order((service.sku(), 1))
    request = sourcing_pb2.ResourceOrderRequest(
        order=asked,
        shipped_ixs=[3],
        rejections=[sourcing_pb2.NodeRejection(node_id="store-paris", reason=99)],  # type: ignore[arg-type]
    )
    found = failure(lambda: service.sourcing.ResourceOrder(request))
    assert set(paths(found)) >= {
        "request_id",
        "reservation_id",
        "shipped_ixs[0]",
        "rejections[0].reason",
        "rejections[0].reject_time",
    }
    reused = order((service.sku(), 1))
    first = service.reserve(reused)
    request = again(service, reused, first, rejection(service, "store-paris"))
    service.sourcing.ResourceOrder(request)
    request.rejections[0].reason = sourcing_pb2.REJECTION_REASON_BUSY
    assert failure(lambda: service.sourcing.ResourceOrder(request)).code == grpc.StatusCode.ALREADY_EXISTS


def test_the_command_shows_what_was_done(service: Service) -> None:
    asked = order((service.sku(), 2))
    first = service.reserve(asked)
    request = again(service, asked, first, rejection(service, "store-paris"))
    request.ClearField("request_id")
    path = service.folder / "resource.json"
    path.write_text(json_format.MessageToJson(request))
    run = CliRunner().invoke(app, ["resource", str(path), "--target", service.target])
    assert run.exit_code == 0, run.output
    for words in ("1st time, 3 allowed", "store-lille", "Not asked", "Stock corrected", "all not held"):
        assert words in run.output
    document = json.loads(path.read_text())
    document["rejections"][0]["nodeId"] = "nobody"
    path.write_text(json.dumps(document))
    run = CliRunner().invoke(app, ["resource", str(path), "--target", service.target, "--quote"])
    assert run.exit_code == 3
