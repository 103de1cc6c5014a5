"""Source again and hold: what nodes rejected is decided anew, and one reservation takes another's place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from router.day_holds import day_holds
from router.decide_deliveries import key_of
from router.domain import Certificate, CertificateKind, Decision, Method, Order, Status, Unfilled
from router.errors import InvalidInput
from router.ledger import DayHold, Reservation, ReservationState, ReserveRequest
from router.ledger_commands import merged
from router.node_rows import is_node_row
from router.resource import Resourcing, Sent
from router.snapshot import Snapshot
from router.sourcer import NO_PLAN, decide, versions_of
from server.calls import Stage, decided, stage
from server.convert import order_to_proto
from server.deciding import entry_of
from server.decision_log import named_after, private_copy
from server.guard import Call
from server.holding import Answer, holds_of
from server.replacing import days_of, not_held, settle
from server.snapshot_rows import RowUnits, add_to_rows
from server.world import World, probe


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAgain:
    """What is to be sourced again: ``found`` of an order and its shipments ``sent``, which ``reservation_id``
    holds. ledger_id, fingerprint: as in ``server.holding.Ask``. encode: the answer without the reservation,
    as the bytes that a retry gets; its decision is None when nothing is missing."""

    order: Order
    sent: tuple[Sent, ...]
    found: Resourcing
    reservation_id: str
    request_id: str
    ledger_id: str
    fingerprint: str
    hold_seconds: int
    encode: Callable[[Decision | None], bytes]


def quote_again(world: World, ask: AskAgain) -> bytes:
    """What would be answered; nothing is done. Raises NotFound, StateConflict, InvalidInput."""
    return _Try.of(world, ask).payload


def hold_again(world: World, ask: AskAgain, call: Call) -> Answer:
    """Decides and replaces the reservation. Raises as ``settle``, and InvalidInput."""
    known = probe(ask.ledger_id, ask.fingerprint)
    return settle(world, known, ask.request_id, lambda: _Try.of(world, ask), call)


@dataclass(frozen=True, slots=True)
class _Try:
    """One decision of what is missing. before: what the rows had more (or, negative, less) in the ledger than
    the decision saw."""

    ask: AskAgain
    decision: Decision | None
    snapshot: Snapshot
    before: tuple[RowUnits, ...]
    kept_days: tuple[DayHold, ...]

    @classmethod
    def of(cls, world: World, ask: AskAgain) -> _Try:
        """Raises NotFound, StateConflict, InvalidInput."""
        reservation = world.ledger.find(ask.reservation_id)
        if reservation is None or reservation.state is not ReservationState.HELD:
            raise not_held(ask.reservation_id, reservation)
        _check_held(ask.sent, reservation)
        sku_ids = ask.order.sku_ids
        private = world.read(lambda snapshot: private_copy(snapshot, sku_ids))
        stay = days_of(reservation, {sent.node_id for sent in ask.found.kept})
        kept = {day.hold for day in stay}
        days = (hold for hold in reservation.holds if is_node_row(hold.sku_id) and hold not in kept)
        freed = (*holds_of(ask.found.let_go), *days)
        rows = [RowUnits(hold.sku_id, hold.node_id, hold.quantity) for hold in freed]
        add_to_rows(private, rows)
        gone = list(_gone(private, ask.found))
        add_to_rows(private, gone)
        decision = _decided(world, ask.found, private)
        before = tuple(row._replace(units=-row.units) for row in (*rows, *gone))
        return cls(
            ask,
            decision and named_after(decision, before),
            private,
            before,
            stay,
        )

    @property
    def payload(self) -> bytes:
        return self.ask.encode(self.decision)

    @property
    def request(self) -> ReserveRequest:
        """What is kept, and the plan of the rest, in the place of the reservation."""
        ask, plan = self.ask, NO_PLAN if self.decision is None else self.decision.plan
        now_seconds = 0 if self.decision is None else self.decision.decided_at_seconds
        return ReserveRequest(
            request_id=ask.ledger_id,
            fingerprint=ask.fingerprint,
            order_id=ask.order.order_id,
            holds=(*holds_of(ask.found.kept), *holds_of(plan.shipments)),
            days=(*self.kept_days, *day_holds(plan, self.snapshot, now_seconds)),
            ttl_seconds=ask.hold_seconds,
            payload=self.payload,
            replaces=ask.reservation_id,
            corrections=ask.found.corrections,
        )

    def remember(self, world: World) -> None:
        """So that the decision can be explained."""
        if self.decision is None or self.ask.found.remainder is None or self.ask.found.is_exhausted:
            return
        order_bytes = order_to_proto(self.ask.found.remainder).SerializeToString(deterministic=True)
        world.decisions.remember(entry_of(self.decision, order_bytes, self.snapshot, self.before))


def _check_held(sent: Iterable[Sent], reservation: Reservation) -> None:
    """Are the shipments what the reservation holds?"""
    held = merged(reservation.holds)
    for (sku_id, place), units in merged(holds_of(sent)).items():
        if held.get((sku_id, place), 0) < units:
            text = f"have {units} of {sku_id!r} at {place!r}, held are {held.get((sku_id, place), 0)}"
            raise InvalidInput.at("shipments", text)


def _gone(snapshot: Snapshot, found: Resourcing) -> Iterable[RowUnits]:
    """What the corrections take away. What somebody holds is not in the snapshot."""
    for correction in found.corrections:
        sku = snapshot.catalogue.ids.find(correction.sku_id)
        node = snapshot.compiled.nodes.find(correction.node_id)
        there = max(0, snapshot.stock.get(sku, node) or 0) if min(sku, node) >= 0 else 0
        units = there if correction.gone_units is None else correction.gone_units
        yield RowUnits(correction.sku_id, correction.node_id, -units)


def _decided(world: World, found: Resourcing, snapshot: Snapshot) -> Decision | None:
    """Of what is missing; None when nothing is."""
    order, now_seconds = found.remainder, world.now_seconds()
    if order is None:
        return None
    if not found.is_exhausted:
        with stage(Stage.DECIDE):
            decision = decide(order, snapshot, now_seconds, world.search)
        decided(decision)
        return decision
    version = snapshot.stock.version
    return Decision(
        decision_id=key_of(order, now_seconds, version, snapshot.rules_hash),
        order_id=order.order_id,
        status=Status.UNSOURCEABLE,
        strategy_ids=(),
        plan=NO_PLAN,
        unfilled=tuple(
            Unfilled(line_id=line.line_id, sku_id=line.sku_id, quantity=line.quantity) for line in order.lines
        ),
        certificate=Certificate(
            kind=CertificateKind.BOUNDED, method=Method.SUBSET_DP, bound_cents=0, stopped_by="max_attempts"
        ),
        versions=versions_of(snapshot.rules_hash, version),
        decided_at_seconds=now_seconds,
    )
