"""The throughput path answers as the general way does, whatever bytes it is sent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from google.protobuf.message import DecodeError

from router.errors import InvalidInput
from router.kernels.types import MAX_GROUPS, OrderArrays
from router.orders import groups_of, order_arrays
from router.snapshot import Snapshot
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import parse_order
from server.fast_batch import Batch, FastBatch
from server.guard import LocalCall
from server.services.sourcing import SourcingService
from tests.property.shopper import MAX_ORDERS, Shopper, busy_shop, damaged, served, shop
from tests.world_rules import Features
from tests.worlds import NOW_SECONDS

OF_ORDER = frozenset({"sku_ix", "quantity", "unit_value_cents", "group", "alone"})
Draw = Callable[..., object]


def slice_of(columns: OrderArrays, b: int) -> OrderArrays:
    """One order's columns."""
    lines = slice(int(columns.line_start[b]), int(columns.line_start[b + 1]))
    picked = {
        name: column[lines] if name in OF_ORDER else column[b : b + 1]
        for name, column in columns._asdict().items()
    }
    return OrderArrays(**{**picked, "line_start": np.array([0, lines.stop - lines.start])})


def expected(message: sourcing_pb2.Order, snapshot: Snapshot) -> OrderArrays | None:
    """An order's columns by the general way, None for one that is wrong."""
    try:
        order = parse_order(message, NOW_SECONDS)
        return order_arrays([order], snapshot.compiled, snapshot.catalogue, NOW_SECONDS)
    except InvalidInput:
        return None


def is_plain(message: sourcing_pb2.Order) -> bool:
    """Is the kernel meant to read this order, which is right?"""
    order = parse_order(message, NOW_SECONDS)
    texts = [order.order_id, order.customer_segment, order.sourcing_profile, order.destination.postal_code]
    texts += [text for line in order.lines for text in (line.line_id, line.sku_id, line.together)]
    return (
        all(map(str.isascii, texts))
        and len(set(groups_of(order))) <= MAX_GROUPS
        and not (order.states_fill or order.exclusions)
    )


def check_columns(batch: Batch, request: sourcing_pb2.SourceOrdersRequest, snapshot: Snapshot) -> int:
    """Every plain order reads as it does in general; returns how many there are."""
    assert request.validate_only
    assert len(request.orders) == len(batch.parsed.row)
    for row, message in zip(batch.parsed.row.tolist(), request.orders, strict=True):
        if row < 0:
            continue
        wanted = expected(message, snapshot)
        assert wanted is not None, message
        for name, column, want in zip(OrderArrays._fields, slice_of(batch.orders, row), wanted, strict=True):
            assert column.tobytes() == want.astype(column.dtype).tobytes(), name
            assert getattr(batch.orders, name).dtype == want.dtype, name
    return len(batch.orders.country)


@pytest.mark.parametrize("seed", range(12))
def test_columns_are_those_of_the_general_way(seed: int) -> None:
    snapshot = shop(seed)
    shopper = Shopper(seed, snapshot)
    fast, plain = FastBatch(MAX_ORDERS), 0
    for _ in range(8):
        request = shopper.request(30)
        batch = fast.decide(request.SerializeToString(), snapshot, NOW_SECONDS)
        if batch is None:
            envelope = (
                request.validate_only,
                request.hold_seconds in (0, 60),
                request.request_id in ("", "r"),
            )
            assert not all(envelope)
            continue
        plain += check_columns(batch, request, snapshot)
        for row, message in zip(batch.parsed.row.tolist(), request.orders, strict=True):
            if row < 0:  # nothing that is right is left out without a reason
                assert expected(message, snapshot) is None or not is_plain(message)
    assert plain > 50


@pytest.mark.parametrize("seed", range(10))
def test_answers_are_those_of_the_general_way(seed: int) -> None:
    check_answers(seed, shop(seed, Features()))


@pytest.mark.parametrize("seed", range(10))
def test_so_they_are_where_nodes_are_busy_or_off(seed: int) -> None:
    check_answers(seed, busy_shop(seed))


def check_answers(seed: int, snapshot: Snapshot) -> None:
    world, other = served(snapshot), served(snapshot)
    request = Shopper(seed, snapshot).request(MAX_ORDERS)
    request.validate_only, request.hold_seconds, request.request_id = True, 0, ""
    general = SourcingService(other).SourceOrders(request, LocalCall())
    fast = SourcingService(world).SourceOrders(request.SerializeToString(), LocalCall())
    assert isinstance(fast, bytes)
    assert isinstance(general, sourcing_pb2.SourceOrdersResponse)
    answers = sourcing_pb2.SourceOrdersResponse.FromString(fast)
    assert list(answers.results) == list(general.results)
    assert answers.SerializeToString() == fast
    for message, result in zip(request.orders, answers.results, strict=True):
        if not result.HasField("error"):
            mine = world.decisions.get(result.decision.decision_id)
            theirs = other.decisions.get(result.decision.decision_id)
            if message.order_id != "o":  # orders that mean the same by the same id are one
                assert sourcing_pb2.Order.FromString(mine.order_bytes) == message
            assert (mine.plan_hash, mine.stock_version, mine.now_seconds, mine.rules, mine.compiled) == (
                theirs.plan_hash, theirs.stock_version, theirs.now_seconds, theirs.rules, theirs.compiled,
            )  # fmt: skip


def test_a_decision_of_a_batch_can_be_explained() -> None:
    service = SourcingService(served(shop(1)))
    request = Shopper(1, shop(1)).request(MAX_ORDERS)
    request.validate_only, request.hold_seconds, request.request_id = True, 0, ""
    raw = service.SourceOrders(request.SerializeToString(), LocalCall())
    assert isinstance(raw, bytes)
    decisions = [r.decision for r in sourcing_pb2.SourceOrdersResponse.FromString(raw).results]
    explained = 0
    for decision in decisions:
        if decision.decision_id:
            ask = sourcing_pb2.ExplainDecisionRequest(decision_id=decision.decision_id)
            answer = service.ExplainDecision(ask, LocalCall())
            assert answer.explanation.lines
            assert (answer.decision.plan, answer.decision.status) == (decision.plan, decision.status)
            explained += 1
    assert explained > MAX_ORDERS // 2


@pytest.mark.parametrize("seed", range(6))
def test_damaged_bytes_are_never_read_otherwise(seed: int) -> None:
    snapshot = shop(seed)
    shopper, rng = Shopper(seed, snapshot), np.random.default_rng(100 + seed)
    fast, plain, refused = FastBatch(MAX_ORDERS), 0, 0
    for _ in range(400):
        request = sourcing_pb2.SourceOrdersRequest(
            orders=[shopper.order(i) for i in range(int(rng.integers(2, 6)))], validate_only=True
        )
        raw = damaged(request.SerializeToString(), rng)
        batch = fast.decide(raw, snapshot, NOW_SECONDS)
        try:
            message = sourcing_pb2.SourceOrdersRequest.FromString(raw)
        except DecodeError:
            assert batch is None
            refused += 1
            continue
        if batch is not None:
            plain += check_columns(batch, message, snapshot)
    assert plain > 30
    assert refused > 50


def test_noise_is_never_read() -> None:
    snapshot, rng = shop(0), np.random.default_rng(7)
    fast = FastBatch(MAX_ORDERS)
    for size in range(300):
        assert fast.decide(rng.bytes(size), snapshot, NOW_SECONDS) is None


def test_fields_in_any_order_and_numbers_longer_than_needed() -> None:
    """Legal, if unusual: what another encoder may send."""
    snapshot = shop(0)
    request = sourcing_pb2.SourceOrdersRequest(orders=[Shopper(3, snapshot).order(1)], validate_only=True)
    [order] = request.orders
    parts = [sourcing_pb2.Order(lines=[line]).SerializeToString() for line in order.lines]
    parts += [
        sourcing_pb2.Order(destination=order.destination).SerializeToString(),
        sourcing_pb2.Order(order_id=order.order_id).SerializeToString(),
        sourcing_pb2.Order(customer_segment="gold").SerializeToString(),
    ]
    content = b"".join(reversed(parts))
    assert len(content) < 128
    raw = b"\x18\x81\x80\x00\x12" + bytes([len(content) | 0x80, 0x80, 0x00]) + content
    batch = FastBatch(MAX_ORDERS).decide(raw, snapshot, NOW_SECONDS)
    assert batch is not None
    assert check_columns(batch, sourcing_pb2.SourceOrdersRequest.FromString(raw), snapshot) == 1
