"""SourcingService: parse, decide, hold, encode. How the hold is made is in ``server.holding``."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from google.protobuf.message import Message

from router.domain import Decision, Order
from router.errors import InvalidInput, Violation
from router.explanation import Explanation
from router.ledger import Reservation
from router.order_checks import order_violations
from router.orders import name_violations
from router.rank import rank
from router.resource import resource, violations
from router.sourcer import ENGINE_VERSION
from server.api.sourcing.v1 import sourcing_pb2, sourcing_pb2_grpc
from server.calls import Stage, about, decided_quickly, stage
from server.convert import envelope_violations, parse_order, parse_order_bytes, timestamp
from server.convert_decision import decision_to_proto
from server.convert_resource import parse_refused, parse_sent, resourcing_to_proto
from server.deciding import explain_again, quote
from server.explained import explained_to_proto, line_candidates_to_proto
from server.fast_batch import Batch, FastBatch
from server.fast_quote import FastQuote
from server.guard import Call, decoded, reported, takes_bytes
from server.holding import Answer, Ask, HoldRun
from server.promise_desk import PromiseDesk
from server.resourcing import AskAgain, hold_again, quote_again
from server.status import TooManyExplanations
from server.turns import aside
from server.world import World

DEFAULT_NODES_PER_LINE = 20
MAX_NODES_PER_LINE = 10_000


class SourcingService(sourcing_pb2_grpc.SourcingServiceServicer):
    """Raises what ``server.status`` has in its table; ``server.guard`` turns that into a status."""

    def __init__(self, world: World, max_explaining: int = 1) -> None:
        """``max_explaining``: explanations under way at the same time; they take long."""
        self._world = world
        self._max_explaining = max_explaining
        self._turns = threading.BoundedSemaphore(max_explaining)
        self._quote = FastQuote()
        self._promise = PromiseDesk()
        self._fast = FastBatch(world.settings.max_orders_per_call)

    @takes_bytes
    def SourceOrder(  # type: ignore[override]  # noqa: N802 (a hold is answered with the bytes kept for retries)
        self, request: sourcing_pb2.SourceOrderRequest | bytes, context: Call
    ) -> sourcing_pb2.SourceOrderResponse | bytes:
        now_seconds = self._world.now_seconds()
        if isinstance(request, bytes):
            request_bytes = request
            quoted = self._world.read(lambda s: self._quote.answer(request_bytes, s, now_seconds))
            if quoted is not None:
                self._world.decisions.remember(quoted)
                decided_quickly("quote", (quoted.status,))
                about(decision_id=quoted.decision_id, order_id=lambda: _order_id(request_bytes))
                return quoted.response
            request = decoded(sourcing_pb2.SourceOrderRequest.FromString, request)
        held = not request.validate_only
        found = envelope_violations(request.request_id, request.hold_seconds, held=held)
        order = self._parsed(request, found, now_seconds)
        order_bytes = request.order.SerializeToString(deterministic=True)
        if not held:
            with self._turn(wanted=request.explain):
                explain_to = context if request.explain else None
                answer = quote(self._world, order, order_bytes, now_seconds, explain_to=explain_to)
            with stage(Stage.ENCODE):
                return _response(answer.decision, answer.explanation)
        ask = Ask(
            order=order,
            order_bytes=order_bytes,
            request_id=request.request_id,
            ledger_id=f"order:{request.request_id}",
            fingerprint=_fingerprint(_without_id(request)),
            hold_seconds=request.hold_seconds or self._world.settings.hold_of(order),
            with_explanation=request.explain,
            encode=_response_bytes,
        )
        with self._turn(wanted=request.explain):
            [outcome] = HoldRun(self._world, [ask], context).run()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome.payload + _hold_bytes(outcome.reservation)

    @takes_bytes
    def SourceOrders(  # type: ignore[override]  # noqa: N802 (quotes go from bytes to bytes)
        self, request: sourcing_pb2.SourceOrdersRequest | bytes, context: Call
    ) -> sourcing_pb2.SourceOrdersResponse | bytes:
        if isinstance(request, bytes):
            batch = self._decided(request)
            if batch is not None:
                return batch.encoded(self._quoted)
            request = decoded(sourcing_pb2.SourceOrdersRequest.FromString, request)
        limit = self._world.settings.max_orders_per_call
        found = envelope_violations(request.request_id, request.hold_seconds, held=not request.validate_only)
        if len(request.orders) > limit:
            text = f"{len(request.orders)} entries, at most {limit}"
            raise InvalidInput([*found, Violation("orders", text)])
        if found:
            raise InvalidInput(found + self._violations_of_all(request.orders))
        if request.validate_only:
            results = [self._quoted(order) for order in request.orders]
        else:
            results = self._held(request, context)
        return sourcing_pb2.SourceOrdersResponse(results=results)

    def prepare(self) -> None:
        """For the next minute; to be called once a second."""
        self._promise.prepare(self._world.snapshot, self._world.now_seconds())

    @takes_bytes
    def GetPromise(  # type: ignore[override]  # noqa: N802
        self, request: sourcing_pb2.GetPromiseRequest | bytes, context: Call
    ) -> sourcing_pb2.GetPromiseResponse | bytes:
        if isinstance(request, bytes):
            request = decoded(sourcing_pb2.GetPromiseRequest.FromString, request)
        asked, now_seconds = request, self._world.now_seconds()
        return self._world.read(lambda snapshot: self._promise.answer(asked, snapshot, now_seconds))

    def ResourceOrder(  # noqa: N802
        self, request: sourcing_pb2.ResourceOrderRequest, context: Call
    ) -> sourcing_pb2.ResourceOrderResponse:
        ask = self._asked_again(request, self._world.now_seconds())
        if request.validate_only:
            return sourcing_pb2.ResourceOrderResponse.FromString(quote_again(self._world, ask))
        answer = hold_again(self._world, ask, context)
        response = sourcing_pb2.ResourceOrderResponse.FromString(answer.payload)
        if answer.reservation is not None:
            response.reservation_id = answer.reservation.reservation_id
            if answer.reservation.holds:
                response.hold_expire_time.CopyFrom(timestamp(answer.reservation.expires_at_seconds))
        return response

    def _asked_again(self, request: sourcing_pb2.ResourceOrderRequest, now_seconds: int) -> AskAgain:
        """Raises InvalidInput with everything that is wrong with the request."""
        found = envelope_violations(request.request_id, request.hold_seconds, held=not request.validate_only)
        if not request.reservation_id:
            found.append(Violation("reservation_id", "must not be empty"))
        sent = parse_sent(request, found)
        refused = parse_refused(request.rejections, "rejections", found)
        earlier = parse_refused(request.earlier_rejections, "earlier_rejections", found)
        order = self._parsed(request, found, now_seconds)
        found += order_violations(order, now_seconds) + self._check(order)
        found += violations(order, sent, refused, earlier, now_seconds)
        known = self._world.snapshot.compiled.nodes
        for i, refusal in enumerate(earlier):
            if known.find(refusal.node_id) < 0:
                path = f"earlier_rejections[{i}].node_id"
                found.append(Violation(path, f"unknown node {refusal.node_id!r}"))
        if found:
            raise InvalidInput(found)
        rules = self._world.snapshot.rules.profile_of(order.sourcing_profile).resource
        again = resource(order, sent, refused, earlier, rules, now_seconds)
        content = sourcing_pb2.ResourceOrderRequest()
        content.CopyFrom(request)
        content.ClearField("request_id")
        return AskAgain(
            order=order,
            sent=sent,
            found=again,
            reservation_id=request.reservation_id,
            request_id=request.request_id,
            ledger_id=f"again:{request.request_id}",
            fingerprint=_fingerprint(content),
            hold_seconds=request.hold_seconds or self._world.settings.hold_of(order),
            encode=lambda decision: resourcing_to_proto(again, decision).SerializeToString(),
        )

    def _check(self, order: Order) -> list[Violation]:
        snapshot = self._world.snapshot
        return name_violations(order, snapshot.network, snapshot.compiled, snapshot.catalogue)

    def _parsed(
        self,
        request: sourcing_pb2.SourceOrderRequest
        | sourcing_pb2.RankNodesRequest
        | sourcing_pb2.ResourceOrderRequest,
        found: list[Violation],
        now_seconds: int,
    ) -> Order:
        """The order of a request. Raises InvalidInput with ``found``, which is wrong around it, and all that
        is wrong with it."""
        if not request.HasField("order"):
            raise InvalidInput([*found, Violation("order", "is missing")])
        if found:
            raise InvalidInput(found + self._violations_of(request.order, now_seconds))
        about(order_id=request.order.order_id)
        with stage(Stage.DECODE):
            return parse_order(request.order, now_seconds, self._check)

    def _violations_of(self, message: sourcing_pb2.Order, now_seconds: int) -> list[Violation]:
        """Everything wrong with an order."""
        try:
            order = parse_order(message, now_seconds, self._check)
        except InvalidInput as error:
            return list(error.violations)
        return order_violations(order, now_seconds) + self._check(order)

    def _violations_of_all(self, orders: Sequence[sourcing_pb2.Order]) -> list[Violation]:
        """What is wrong with the orders of a call that is refused as a whole."""
        now_seconds = self._world.now_seconds()
        return [
            Violation(f"orders[{ix}]{violation.field.removeprefix('order')}", violation.message)
            for ix, message in enumerate(orders)
            for violation in self._violations_of(message, now_seconds)
        ]

    def _decided(self, request_bytes: bytes) -> Batch | None:
        """Decides and remembers what it can of a request for quotes; None when that is nothing."""
        now_seconds = self._world.now_seconds()
        with aside():
            batch = self._world.read(lambda snapshot: self._fast.decide(request_bytes, snapshot, now_seconds))
        if batch is not None:
            self._world.decisions.remember_quotes(batch.quotes)
            decided_quickly("batch", batch.quotes.statuses())
        return batch

    def _quoted(self, message: sourcing_pb2.Order) -> sourcing_pb2.SourceOrdersResult:
        now_seconds = self._world.now_seconds()
        try:
            order = parse_order(message, now_seconds, self._check)
            order_bytes = message.SerializeToString()
            decided = quote(self._world, order, order_bytes, now_seconds)
        except Exception as error:
            return _failed(error)
        return sourcing_pb2.SourceOrdersResult(decision=decision_to_proto(decided.decision))

    def _held(
        self, request: sourcing_pb2.SourceOrdersRequest, context: Call
    ) -> list[sourcing_pb2.SourceOrdersResult]:
        """Orders that cannot be read get their error; the others are decided and held as one group."""
        results: dict[int, sourcing_pb2.SourceOrdersResult] = {}
        asks: dict[int, Ask] = {}
        first_use: dict[str, int] = {}
        for ix, message in enumerate(request.orders):
            try:
                order = parse_order(message, self._world.now_seconds(), self._check)
                _check_first_use(first_use, order, ix)
            except InvalidInput as error:
                results[ix] = _failed(error)
            else:
                asks[ix] = self._ask(request, message, order)
        outcomes = HoldRun(self._world, list(asks.values()), context).run()
        results.update(zip(asks, map(_result, outcomes), strict=True))
        return [results[ix] for ix in range(len(request.orders))]

    def _ask(
        self, request: sourcing_pb2.SourceOrdersRequest, message: sourcing_pb2.Order, order: Order
    ) -> Ask:
        batch_id = request.request_id
        return Ask(
            order=order,
            order_bytes=message.SerializeToString(),
            request_id=batch_id,
            ledger_id=f"orders:{len(batch_id)}:{batch_id}:{order.order_id}",
            fingerprint=_fingerprint(message) + f":{request.hold_seconds}",
            hold_seconds=request.hold_seconds or self._world.settings.hold_of(order),
            with_explanation=False,
            encode=_result_bytes,
        )

    def RankNodes(  # noqa: N802
        self, request: sourcing_pb2.RankNodesRequest, context: Call
    ) -> sourcing_pb2.RankNodesResponse:
        now_seconds = self._world.now_seconds()
        count = request.max_nodes_per_line or DEFAULT_NODES_PER_LINE
        found = []
        if not 1 <= count <= MAX_NODES_PER_LINE:
            message = f"{count} is not within 1..{MAX_NODES_PER_LINE}"
            found.append(Violation("max_nodes_per_line", message))
        order = self._parsed(request, found, now_seconds)
        snapshot = self._world.snapshot
        ranking = rank(
            order, snapshot, now_seconds, max_per_line=count, include_rejected=request.include_rejected
        )
        return sourcing_pb2.RankNodesResponse(
            lines=[line_candidates_to_proto(line) for line in ranking.lines],
            versions=sourcing_pb2.Versions(
                rules_hash=snapshot.rules_hash,
                stock_version=snapshot.stock.version,
                engine_version=ENGINE_VERSION,
            ),
            strategy_id=ranking.strategy_id,
        )

    def ExplainDecision(  # noqa: N802
        self, request: sourcing_pb2.ExplainDecisionRequest, context: Call
    ) -> sourcing_pb2.ExplainDecisionResponse:
        if not request.decision_id:
            raise InvalidInput.at("decision_id", "must not be empty")
        about(decision_id=request.decision_id)
        with self._turn(wanted=True):
            decision, explanation = explain_again(
                self._world, request.decision_id, parse_order_bytes, context
            )
        return sourcing_pb2.ExplainDecisionResponse(
            decision=decision_to_proto(decision), explanation=explained_to_proto(explanation)
        )

    @contextmanager
    def _turn(self, *, wanted: bool) -> Iterator[None]:
        """One of the explanations that may be under way, if one is wanted: nobody waits for a turn, since
        that would take up a thread too. Raises TooManyExplanations."""
        if wanted and not self._turns.acquire(blocking=False):
            raise TooManyExplanations(self._max_explaining)
        try:
            yield
        finally:
            if wanted:
                self._turns.release()


def _order_id(request_bytes: bytes) -> str:
    return sourcing_pb2.SourceOrderRequest.FromString(request_bytes).order.order_id


def _check_first_use(first_use: dict[str, int], order: Order, ix: int) -> None:
    """Within a call the order id tells the holds apart."""
    first = first_use.setdefault(order.order_id, ix)
    if first != ix:
        raise InvalidInput.at("order.order_id", f"{order.order_id!r} is also orders[{first}]")


def _fingerprint(content: Message) -> str:
    """A digest of the content that a request_id stands for."""
    return hashlib.sha256(content.SerializeToString(deterministic=True)).hexdigest()


def _without_id(request: sourcing_pb2.SourceOrderRequest) -> sourcing_pb2.SourceOrderRequest:
    content = sourcing_pb2.SourceOrderRequest()
    content.CopyFrom(request)
    content.ClearField("request_id")
    return content


def _response(decision: Decision, explanation: Explanation | None) -> sourcing_pb2.SourceOrderResponse:
    return sourcing_pb2.SourceOrderResponse(
        decision=decision_to_proto(decision),
        explanation=None if explanation is None else explained_to_proto(explanation),
    )


def _response_bytes(decision: Decision, explanation: Explanation | None) -> bytes:
    return _response(decision, explanation).SerializeToString()


def _result_bytes(decision: Decision, explanation: Explanation | None) -> bytes:
    return sourcing_pb2.SourceOrdersResult(decision=decision_to_proto(decision)).SerializeToString()


def _hold_bytes(reservation: Reservation | None) -> bytes:
    """The reservation's fields of a SourceOrderResponse, and of a SourceOrdersResult, which has the same.

    They follow the decision's bytes, which is how protobuf merges messages: the ledger keeps the decision as
    it was sent, before the reservation had an id.
    """
    if reservation is None:
        return b""
    return sourcing_pb2.SourceOrdersResult(
        reservation_id=reservation.reservation_id,
        hold_expire_time=timestamp(reservation.expires_at_seconds),
    ).SerializeToString()


def _result(outcome: Answer | Exception) -> sourcing_pb2.SourceOrdersResult:
    if isinstance(outcome, Exception):
        return _failed(outcome)
    return sourcing_pb2.SourceOrdersResult.FromString(outcome.payload + _hold_bytes(outcome.reservation))


def _failed(error: Exception) -> sourcing_pb2.SourceOrdersResult:
    return sourcing_pb2.SourceOrdersResult(error=reported(error, "SourceOrders"))
