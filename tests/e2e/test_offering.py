"""Orders offered to stores, in turn or at once, over gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from server.api.sourcing.v1 import sourcing_pb2
from tests.e2e import files
from tests.e2e.service import Service, all_at_once, failure, new_id, order, paths, running

RULES = files.RULES.replace(
    "  - id: shop\n", "  - id: shop\n    offers: {mode: at_once, at_most: 3, answer_minutes: 10}\n"
).replace("  - id: whatever-there-is\n", "  - id: whatever-there-is\n    offers: {answer_minutes: 5}\n")
IN_TURN = {"sourcing_profile": "whatever-there-is"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("offers")
    with running(folder, rules=RULES) as service:
        yield service


def offer(shop: Service, asked: sourcing_pb2.Order, **more: Any) -> sourcing_pb2.OfferOrderResponse:
    return shop.offers.OfferOrder(sourcing_pb2.OfferOrderRequest(request_id=new_id(), order=asked, **more))


def claim(shop: Service, made: sourcing_pb2.OfferOrderResponse, node: str) -> sourcing_pb2.ClaimOfferResponse:
    return shop.offers.ClaimOffer(sourcing_pb2.ClaimOfferRequest(offer_id=made.offer_id, node_id=node))


def asked_nodes(made: sourcing_pb2.OfferOrderResponse) -> list[list[str]]:
    return [list(one.node_ids) for one in made.offers]


def test_at_once_all_are_asked_and_the_first_claim_wins(shop: Service) -> None:
    sku = shop.sku()
    made = offer(shop, order((sku, 2)))
    assert made.mode == sourcing_pb2.OFFER_MODE_AT_ONCE
    assert asked_nodes(made) == [["store-paris"], ["store-lille"], ["dc-lyon"]]
    assert made.answer_by_time.seconds == shop.clock() + 600
    assert shop.available(sku) == {"store-paris": 8, "store-lille": 6, "dc-lyon": 8}

    won = claim(shop, made, "store-lille")
    assert [s.node_id for s in won.decision.plan.shipments] == ["store-lille"]
    assert won.hold_expire_time.seconds == shop.clock() + 600
    assert shop.available(sku) == {"store-paris": 10, "store-lille": 6, "dc-lyon": 10}
    lost = failure(lambda: claim(shop, made, "store-paris"))
    assert lost.code == grpc.StatusCode.FAILED_PRECONDITION
    assert "claimed by another" in lost.message
    assert claim(shop, made, "store-lille") == won


def test_of_many_claims_at_the_same_time_one_wins(shop: Service) -> None:
    sku = shop.sku()
    made = offer(shop, order((sku, 3)))
    nodes = ["store-paris", "store-lille", "dc-lyon"] * 3
    answers = all_at_once([lambda node=node: claim(shop, made, node) for node in nodes])
    won = [a for a in answers if isinstance(a, sourcing_pb2.ClaimOfferResponse)]
    assert len(won) == 3  # the same node three times
    assert len({a.reservation_id for a in won}) == 1
    assert sum(shop.available(sku).values()) == 28 - 3


def test_in_turn_the_next_is_asked_when_one_declines(shop: Service) -> None:
    sku = shop.sku()
    asked = order((sku, 2), **IN_TURN)
    first = offer(shop, asked)
    assert first.mode == sourcing_pb2.OFFER_MODE_IN_TURN
    assert asked_nodes(first) == [["store-paris"]]
    second = offer(shop, asked, previous_offer_id=first.offer_id, declined_node_ids=["store-paris"])
    assert asked_nodes(second) == [["store-lille"]]
    assert shop.available(sku) == {"store-paris": 10, "store-lille": 6, "dc-lyon": 10}
    late = failure(lambda: claim(shop, first, "store-paris"))
    assert late.code == grpc.StatusCode.FAILED_PRECONDITION
    third = offer(
        shop, asked, previous_offer_id=second.offer_id, declined_node_ids=["store-paris", "store-lille"]
    )
    assert asked_nodes(third) == [["dc-lyon"]]
    nobody = offer(
        shop,
        asked,
        previous_offer_id=third.offer_id,
        declined_node_ids=["store-paris", "store-lille", "dc-lyon"],
    )
    assert (nobody.offer_id, len(nobody.offers)) == ("", 0)
    assert nobody.refusal.status == sourcing_pb2.DECISION_STATUS_UNSOURCEABLE
    assert shop.available(sku) == {"store-paris": 10, "store-lille": 8, "dc-lyon": 10}


def test_an_offer_ends_by_itself(shop: Service) -> None:
    sku = shop.sku()
    asked = order((sku, 2), **IN_TURN)
    first = offer(shop, asked)
    shop.clock.seconds += 300
    assert failure(lambda: claim(shop, first, "store-paris")).code == grpc.StatusCode.FAILED_PRECONDITION
    second = offer(shop, asked, previous_offer_id=first.offer_id, declined_node_ids=["store-paris"])
    assert asked_nodes(second) == [["store-lille"]]
    assert claim(shop, second, "store-lille").reservation_id


def test_what_others_have_is_not_offered(shop: Service) -> None:
    sku = shop.sku(paris=3, lille=2, lyon=1)
    made = offer(shop, order((sku, 1)))
    assert asked_nodes(made) == [["store-paris"], ["dc-lyon"]]  # Lille's two are safety stock
    scarce = offer(shop, order((sku, 2)))
    assert asked_nodes(scarce) == [["store-paris"]]
    assert offer(shop, order((sku, 1))).refusal.status == sourcing_pb2.DECISION_STATUS_UNSOURCEABLE


def test_a_retry_gets_the_first_offer(shop: Service) -> None:
    request = sourcing_pb2.OfferOrderRequest(request_id=new_id(), order=order((shop.sku(), 2)))
    made = shop.offers.OfferOrder(request)
    assert shop.offers.OfferOrder(request) == made
    request.order.lines[0].quantity = 3
    assert failure(lambda: shop.offers.OfferOrder(request)).code == grpc.StatusCode.ALREADY_EXISTS


def test_mistakes_are_named(shop: Service) -> None:
    wrong = sourcing_pb2.OfferOrderRequest(order=order(("nothing", 1)), declined_node_ids=["nowhere"])
    assert paths(failure(lambda: shop.offers.OfferOrder(wrong))) == [
        "request_id",
        "declined_node_ids[0]",
        "order.lines[0].sku_id",
    ]
    made = offer(shop, order((shop.sku(), 1)))
    nobody = failure(lambda: claim(shop, made, "store-nowhere"))
    assert paths(nobody) == ["node_id"]
    empty = failure(lambda: shop.offers.ClaimOffer(sourcing_pb2.ClaimOfferRequest(hold_seconds=-1)))
    assert paths(empty) == ["offer_id", "node_id", "hold_seconds"]
    unknown = sourcing_pb2.ClaimOfferRequest(offer_id="x:y", node_id="store-paris")
    assert failure(lambda: shop.offers.ClaimOffer(unknown)).code == grpc.StatusCode.NOT_FOUND
    follow = failure(lambda: offer(shop, order((shop.sku(), 1)), previous_offer_id="x:y"))
    assert follow.code == grpc.StatusCode.NOT_FOUND
