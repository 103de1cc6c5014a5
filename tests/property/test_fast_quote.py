"""A single quote, from bytes to bytes in one kernel, is the general way's, whatever bytes it is sent."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf.message import DecodeError

from router.errors import InvalidInput
from router.snapshot import Snapshot
from server.api.sourcing.v1 import sourcing_pb2
from server.fast_quote import MAX_QUOTE_BYTES, MAX_QUOTE_LINES, FastQuote
from server.guard import LocalCall
from server.services.sourcing import SourcingService
from tests.property.shopper import MAX_ORDERS, Shopper, busy_shop, damaged, served, shop
from tests.world_rules import PRICED, Features
from tests.worlds import NOW_SECONDS


def requests(seed: int, count: int) -> list[sourcing_pb2.SourceOrderRequest]:
    """Requests for quotes of drawn orders."""
    shopper = Shopper(seed, shop(seed, Features()))
    return [sourcing_pb2.SourceOrderRequest(order=shopper.order(i), validate_only=True) for i in range(count)]


@pytest.mark.parametrize("seed", range(10))
def test_answers_are_those_of_the_general_way(seed: int) -> None:
    assert check_answers(seed, shop(seed, Features())) > MAX_ORDERS


def test_so_they_are_where_units_have_prices() -> None:
    assert sum(check_answers(seed, shop(seed, PRICED)) for seed in range(6)) > 6 * MAX_ORDERS


def test_so_they_are_where_nodes_are_busy_or_off() -> None:
    answered = [check_answers(seed, busy_shop(seed)) for seed in range(6)]
    assert 0 < sum(answered) < sum(check_answers(seed, shop(seed, Features())) for seed in range(6))


def check_answers(seed: int, snapshot: Snapshot) -> int:
    """How many orders were answered, as the general way does."""
    world, other = served(snapshot), served(snapshot)
    quotes, general, answered = FastQuote(), SourcingService(other), 0
    for request in requests(seed, 5 * MAX_ORDERS):
        quoted = quotes.answer(request.SerializeToString(), world.snapshot, NOW_SECONDS)
        if quoted is None:
            continue
        answer = general.SourceOrder(request, LocalCall())
        assert isinstance(answer, sourcing_pb2.SourceOrderResponse)
        assert quoted.response == answer.SerializeToString()
        mine, theirs = quoted.recall(), other.decisions.get(answer.decision.decision_id)
        assert sourcing_pb2.Order.FromString(mine.order_bytes) == request.order
        assert (mine.decision_id, mine.plan_hash, mine.stock_version, mine.now_seconds, mine.rules) == (
            theirs.decision_id, theirs.plan_hash, theirs.stock_version, theirs.now_seconds, theirs.rules,
        )  # fmt: skip
        answered += 1
    return answered


@pytest.mark.parametrize("seed", range(4))
def test_damaged_bytes_are_never_read_otherwise(seed: int) -> None:
    world, rng = served(shop(seed, Features())), np.random.default_rng(200 + seed)
    quotes, general, answered = FastQuote(), SourcingService(served(shop(seed, Features()))), 0
    for request in requests(seed, 1_000):
        raw = damaged(request.SerializeToString(), rng)
        quoted = quotes.answer(raw, world.snapshot, NOW_SECONDS)
        if quoted is None:
            continue
        try:
            message = sourcing_pb2.SourceOrderRequest.FromString(raw)
            answer = general.SourceOrder(message, LocalCall())
        except (DecodeError, InvalidInput) as error:
            raise AssertionError(f"the general way refuses {raw!r}") from error
        assert isinstance(answer, sourcing_pb2.SourceOrderResponse)
        assert quoted.response == answer.SerializeToString()
        answered += 1
    assert answered > 8


def test_noise_is_never_read() -> None:
    quotes, rng = FastQuote(), np.random.default_rng(8)
    for size in range(300):
        assert quotes.answer(rng.bytes(size), shop(0), NOW_SECONDS) is None


def test_what_asks_for_more_than_a_quote_takes_the_general_way() -> None:
    quotes, snapshot = FastQuote(), shop(3, Features())
    plain = next(
        request
        for request in requests(3, 100)
        if quotes.answer(request.SerializeToString(), snapshot, NOW_SECONDS) is not None
    )
    held, explained, long, many = (sourcing_pb2.SourceOrderRequest() for _ in range(4))
    for other in (held, explained, long, many):
        other.CopyFrom(plain)
    held.validate_only, held.request_id = False, "r"
    explained.explain = True
    long.order.order_id = "x" * MAX_QUOTE_BYTES
    for i in range(MAX_QUOTE_LINES):
        many.order.lines.append(plain.order.lines[0])
        many.order.lines[-1].line_id, many.order.lines[-1].together = f"more-{i}", "a"
    for other in (held, explained, long, many):
        assert quotes.answer(other.SerializeToString(), snapshot, NOW_SECONDS) is None


def test_a_quote_can_be_explained_until_it_is_forgotten() -> None:
    service, explained = SourcingService(served(shop(1, Features()))), 0
    for request in requests(1, MAX_ORDERS):
        try:
            raw = service.SourceOrder(request.SerializeToString(), LocalCall())
        except InvalidInput:
            continue
        if not isinstance(raw, bytes):
            continue
        decision = sourcing_pb2.SourceOrderResponse.FromString(raw).decision
        ask = sourcing_pb2.ExplainDecisionRequest(decision_id=decision.decision_id)
        answer = service.ExplainDecision(ask, LocalCall())
        assert (answer.decision.plan, answer.decision.status) == (decision.plan, decision.status)
        explained += 1
    assert explained > MAX_ORDERS // 4
