"""Orders offered to nodes, which accept them or do not: the stock of every offer is held until one is
claimed, declined or too old."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from router.day_holds import day_holds
from router.domain import Decision, Exclusion, Order, Status
from router.errors import InvalidInput, NotFound, StateConflict
from router.ledger import Reservation, ReservationState, ReserveCode, ReserveRequest
from router.rules.resource_model import OfferRules
from router.snapshot import Snapshot
from router.sourcer import decide
from server.api.sourcing.v1 import sourcing_pb2
from server.calls import Stage, decided, stage
from server.convert import order_to_proto
from server.convert_decision import decision_to_proto
from server.convert_resource import sent_of_plan
from server.deciding import entry_of
from server.decision_log import named_after, private_copy
from server.guard import Call, check_wanted
from server.holding import Answer, holds_of
from server.replacing import days_of, not_held, settle
from server.snapshot_rows import RowUnits, add_to_rows
from server.world import World, probe


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOffers:
    """order: to be offered, its exclusions with those who declined. previous_id: the offer it follows, if
    any. ledger_id, fingerprint: as in ``server.holding.Ask``."""

    order: Order
    rules: OfferRules
    previous_id: str
    request_id: str
    fingerprint: str

    @property
    def offer_id(self) -> str:
        """Names the offers of this call."""
        return f"{self.fingerprint}:{self.request_id}"


def make_offers(world: World, ask: AskOffers, call: Call) -> Answer:
    """Holds what is offered. The answer's reservation is None when there is nobody to offer to, and nothing
    was held before. Raises as ``settle``, and InvalidInput."""
    previous = None if not ask.previous_id else _offered(world, ask.previous_id).reservation
    known = probe(_ledger_id(ask.offer_id), ask.fingerprint)
    return settle(world, known, ask.request_id, lambda: _Offers.of(world, ask, previous), call)


def claim(world: World, offer_id: str, node_id: str, hold_seconds: int, call: Call) -> Answer:
    """The first node that claims gets the order; the stock of the other offers is free again. Raises
    NotFound, InvalidInput, StateConflict, CallExpired."""
    known = _offered(world, offer_id)
    offers = sourcing_pb2.OfferOrderResponse.FromString(known.payload).offers
    chosen = next((offer for offer in offers if node_id in offer.node_ids), None)
    reservation = known.reservation
    if chosen is None or reservation is None:
        raise InvalidInput.at("node_id", f"nothing was offered to {node_id!r}")
    check_wanted(call)
    response = sourcing_pb2.ClaimOfferResponse(decision=chosen.decision)
    outcome = world.ledger.reserve(
        ReserveRequest(
            request_id=f"claim:{offer_id}",
            fingerprint=node_id,
            order_id=reservation.order_id,
            holds=holds_of(sent_of_plan(chosen.decision.plan)),
            days=days_of(reservation, chosen.node_ids),
            ttl_seconds=hold_seconds or world.settings.hold_seconds,
            payload=response.SerializeToString(),
            replaces=reservation.reservation_id,
        )
    )
    world.follow()
    if outcome.code is ReserveCode.ID_REUSED:
        raise StateConflict(
            f"offer {offer_id!r} was claimed by another node", metadata={"offer_id": offer_id}
        )
    if outcome.code is not ReserveCode.HELD:
        raise not_held(reservation.reservation_id, outcome.reservation)
    return Answer(outcome.payload, outcome.reservation)


def _ledger_id(offer_id: str) -> str:
    return f"offer:{offer_id.partition(':')[2]}"


def _offered(world: World, offer_id: str) -> Answer:
    """What was offered. Raises NotFound."""
    outcome = world.ledger.reserve(probe(_ledger_id(offer_id), offer_id.partition(":")[0]))
    if outcome.code is not ReserveCode.HELD:
        raise NotFound(f"no offer {offer_id!r}", metadata={"offer_id": offer_id})
    return Answer(outcome.payload, outcome.reservation)


@dataclass(frozen=True, slots=True)
class _Offers:
    """Who gets an offer. replaced: the reservation of the offers before, if it is still held; before: what
    it makes the rows have less in the ledger than the decisions saw."""

    ask: AskOffers
    made: list[tuple[Order, Decision]]
    refused: Decision
    snapshot: Snapshot
    replaced: Reservation | None
    before: tuple[RowUnits, ...]

    @classmethod
    def of(cls, world: World, ask: AskOffers, previous: Reservation | None) -> _Offers:
        """Decides without those who have declined or been asked until nobody is left. Raises InvalidInput."""
        held = world.ledger.find(previous.reservation_id) if previous is not None else None
        replaced = held if held is not None and held.state is ReservationState.HELD else None
        private = world.read(lambda snapshot: private_copy(snapshot, ask.order.sku_ids))
        freed = [RowUnits(h.sku_id, h.node_id, h.quantity) for h in (replaced.holds if replaced else ())]
        add_to_rows(private, freed)
        before = tuple(row._replace(units=-row.units) for row in freed)
        found = list(_decisions(world, ask, private))
        made = [(order, named_after(d, before)) for order, d in found if d.plan.shipments]
        return cls(ask, made, found[-1][1], private, replaced, before)

    @property
    def payload(self) -> bytes:
        """The answer without the reservation."""
        return sourcing_pb2.OfferOrderResponse(
            offer_id=self.ask.offer_id if self.made else "",
            mode=sourcing_pb2.OfferMode.Value(f"OFFER_MODE_{self.ask.rules.mode.upper()}"),
            offers=[
                sourcing_pb2.Offer(
                    node_ids=dict.fromkeys(s.node_id for s in decision.plan.shipments),
                    decision=decision_to_proto(decision),
                )
                for _, decision in self.made
            ],
            refusal=None if self.made else decision_to_proto(self.refused),
        ).SerializeToString()

    @property
    def request(self) -> ReserveRequest | None:
        if not self.made and self.replaced is None:
            return None
        plans = [decision.plan for _, decision in self.made]
        return ReserveRequest(
            request_id=_ledger_id(self.ask.offer_id),
            fingerprint=self.ask.fingerprint,
            order_id=self.ask.order.order_id,
            holds=tuple(hold for plan in plans for hold in holds_of(plan.shipments)),
            days=tuple(
                day
                for plan in plans
                for day in day_holds(plan, self.snapshot, self.refused.decided_at_seconds)
            ),
            ttl_seconds=60 * self.ask.rules.answer_minutes,
            payload=self.payload,
            replaces=self.replaced.reservation_id if self.replaced is not None else "",
        )

    def remember(self, world: World) -> None:
        """So that the decisions can be explained."""
        for order, decision in self.made:
            order_bytes = order_to_proto(order).SerializeToString(deterministic=True)
            world.decisions.remember(entry_of(decision, order_bytes, self.snapshot, self.before))


def _decisions(world: World, ask: AskOffers, snapshot: Snapshot) -> Iterator[tuple[Order, Decision]]:
    """One after the other, each without the nodes of those before; as many as are to be asked, and none that
    sends less than the first. At least one."""
    order, now_seconds = ask.order, world.now_seconds()
    first: Status | None = None
    for _ in range(ask.rules.at_most if ask.rules.mode == "at_once" else 1):
        with stage(Stage.DECIDE):
            decision = decide(order, snapshot, now_seconds, world.search)
        decided(decision)
        first = first or decision.status
        if decision.status is not first:
            return
        yield order, decision
        asked = dict.fromkeys(shipment.node_id for shipment in decision.plan.shipments)
        order = replace(order, exclusions=(*order.exclusions, *(Exclusion(node_id=n) for n in asked)))
