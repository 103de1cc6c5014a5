"""Decide and hold: orders are decided on what is known, the ledger says whether that was still so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from router.day_holds import day_holds
from router.domain import Decision, Order, Shipment
from router.errors import RequestIdReused, StockConflict
from router.explanation import Explanation
from router.ledger import DayHold, Hold, Reservation, ReserveCode, ReserveOutcome, ReserveRequest
from router.ledger_places import receipt_place
from router.node_rows import is_node_row
from router.resource import Sent
from router.snapshot import Snapshot
from router.sourcer import decide
from server.calls import Stage, about, decided, held, stage
from server.deciding import decide_now, entry_of, explain
from server.decision_log import Remembered, named_after, private_copy
from server.guard import Call, check_wanted
from server.snapshot_rows import RowUnits, add_to_rows
from server.status import left_texts
from server.world import World, probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """An order to be decided, and held if it has a plan.

    order_bytes: its wire message. request_id: the caller's; ledger_id: the ledger's, which has one for every
    order of a call. fingerprint: of the content both stand for. encode: the answer without the reservation,
    as the bytes that a retry gets.
    """

    order: Order
    order_bytes: bytes
    request_id: str
    ledger_id: str
    fingerprint: str
    hold_seconds: int
    with_explanation: bool
    encode: Callable[[Decision, Explanation | None], bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """The encoded answer, and the reservation that goes with it, if any."""

    payload: bytes
    reservation: Reservation | None = None


class HoldRun:
    """Orders of one call, decided in turn and held together; those whose stock, or whose nodes' room, was
    taken by somebody else in between are decided anew, ``reserve_attempts`` attempts in all."""

    def __init__(self, world: World, asks: Sequence[Ask], call: Call) -> None:
        self._world = world
        self._asks = asks
        self._call = call
        self._answers: dict[int, Answer | Exception] = {}
        self._entries: dict[int, Remembered] = {}
        self._left: dict[int, Sequence[Hold]] = {}
        """What was left where an order found too little, the last time."""

    def run(self) -> list[Answer | Exception]:
        """One answer or error per order. Raises CallExpired, with nothing held since."""
        pending = list(range(len(self._asks)))
        attempts = self._world.settings.reserve_attempts
        rounds = conflicts = 0
        while pending and rounds < attempts:
            pending = self._round(pending)
            rounds += 1
            conflicts += len(pending)
        held(rounds, conflicts)
        for ix in pending:
            left = ", ".join(left_texts(self._left[ix]))
            self._answers[ix] = StockConflict(
                f"others took what was chosen in each of {attempts} attempts, last only {left} left; "
                "nothing is held",
                metadata={"attempts": str(attempts)},
            )
        return [self._answers[ix] for ix in range(len(self._asks))]

    def _round(self, pending: list[int]) -> list[int]:
        """Those that are still to be decided."""
        now_seconds = self._world.now_seconds()
        with stage(Stage.SNAPSHOT):
            view = _View.of(self._world, [self._asks[ix].order for ix in pending])
        requests = [self._request(ix, view, now_seconds) for ix in pending]
        check_wanted(self._call)
        with stage(Stage.RESERVE):
            outcomes = self._world.ledger.reserve_many(requests)
            self._world.follow()
        return [ix for ix, outcome in zip(pending, outcomes, strict=True) if not self._settled(ix, outcome)]

    def _request(self, ix: int, view: _View, now_seconds: int) -> ReserveRequest:
        """What to ask the ledger: the plan's stock; where there is nothing to hold only whether there was
        before, as a retry may come when the order's own stock is gone or its delivery deadline over."""
        ask = self._asks[ix]
        self._answers.pop(ix, None)
        try:
            explain_to = self._call if ask.with_explanation else None
            decision, explanation = view.decide(ask.order, now_seconds, explain_to)
        except Exception as error:  # it is this order's own and must not touch the others
            self._answers[ix] = error
            return probe(ask.ledger_id, ask.fingerprint)
        taken = view.taken_before(ask.order)
        decision = named_after(decision, taken)
        self._entries[ix] = entry_of(decision, ask.order_bytes, view.snapshot, taken)
        about(decision_id=decision.decision_id, order_id=ask.order.order_id)
        with stage(Stage.ENCODE):
            payload = ask.encode(decision, explanation)
        holds, days = holds_of(decision.plan.shipments), day_holds(decision.plan, view.snapshot, now_seconds)
        if not holds and not days:  # nothing is sourced, or all of it is backordered
            self._answers[ix] = Answer(payload)
            return probe(ask.ledger_id, ask.fingerprint)
        view.take(holds, days)
        return ReserveRequest(
            request_id=ask.ledger_id,
            fingerprint=ask.fingerprint,
            order_id=ask.order.order_id,
            holds=holds,
            days=days,
            ttl_seconds=ask.hold_seconds,
            payload=payload,
        )

    def _settled(self, ix: int, outcome: ReserveOutcome) -> bool:
        """False when the order is to be decided anew. A probe is always sold out unless the id was used."""
        entry = self._entries.pop(ix, None)
        match outcome.code:
            case ReserveCode.HELD:
                self._answers[ix] = Answer(outcome.payload, outcome.reservation)
            case ReserveCode.ID_REUSED:
                request_id = self._asks[ix].request_id
                message = f"request_id {request_id!r} came before with other content"
                self._answers[ix] = RequestIdReused(message, metadata={"request_id": request_id})
            case ReserveCode.SOLD_OUT if ix not in self._answers:
                self._left[ix] = outcome.shortages
                return False
        if entry is not None and not outcome.replayed and outcome.code is not ReserveCode.ID_REUSED:
            self._world.decisions.remember(entry)
        return True


def holds_of(shipments: Iterable[Shipment | Sent]) -> tuple[Hold, ...]:
    """One hold for each source of each pick: the node, and the receipts. What is backordered holds nothing:
    there is nothing yet."""
    return tuple(
        Hold(sku_id=pick.sku_id, node_id=place, quantity=quantity)
        for shipment in shipments
        for pick in shipment.picks
        for place, quantity in (
            (shipment.node_id, pick.on_hand_quantity),
            *((receipt_place(shipment.node_id, r.expected_seconds), r.quantity) for r in pick.receipts),
        )
        if quantity
    )


class _View:
    """Stock and nodes as the orders of one call see them: each without what the earlier ones take."""

    def __init__(self, world: World, snapshot: Snapshot, *, live: bool) -> None:
        self.snapshot = snapshot
        self._world = world
        self._live = live
        self._taken: dict[tuple[str, str], int] = {}

    @classmethod
    def of(cls, world: World, orders: Sequence[Order]) -> _View:
        """A single order needs no stock of its own."""
        if len(orders) == 1:
            return cls(world, world.snapshot, live=True)
        sku_ids = list({sku_id for order in orders for sku_id in order.sku_ids})
        return cls(world, world.read(lambda snapshot: private_copy(snapshot, sku_ids)), live=False)

    def decide(
        self, order: Order, now_seconds: int, explain_to: Call | None
    ) -> tuple[Decision, Explanation | None]:
        if self._live:
            made = decide_now(self._world, order, now_seconds, explain_to=explain_to)
            self.snapshot = made.snapshot
            return made.decision, made.explanation
        limits = self._world.search
        explanation = None
        with stage(Stage.DECIDE):
            if explain_to is not None:
                decision, explanation = explain(order, self.snapshot, now_seconds, limits, explain_to)
            else:
                decision = decide(order, self.snapshot, now_seconds, limits)
        decided(decision)
        return decision, explanation

    def take(self, holds: Sequence[Hold], days: Sequence[DayHold]) -> None:
        """What is held is gone for the orders after it."""
        if self._live:
            return
        rows = [(hold.sku_id, hold.node_id, hold.quantity) for hold in (*holds, *(d.hold for d in days))]
        add_to_rows(self.snapshot, (RowUnits(sku_id, place, -units) for sku_id, place, units in rows))
        for sku_id, place, units in rows:
            self._taken[sku_id, place] = self._taken.get((sku_id, place), 0) + units

    def taken_before(self, order: Order) -> tuple[RowUnits, ...]:
        """What earlier orders took of an order's SKUs, and of nodes' days."""
        skus = set(order.sku_ids)
        return tuple(
            RowUnits(*row, units)
            for row, units in self._taken.items()
            if row[0] in skus or is_node_row(row[0])
        )
