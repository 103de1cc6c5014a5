"""Holds that may take the place of others: one attempt after the other until the ledger agrees."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from router.errors import NotFound, RequestIdReused, StateConflict, StockConflict
from router.ledger import DayHold, Hold, Reservation, ReserveCode, ReserveRequest
from router.node_rows import is_node_row, split_day
from server.calls import Stage, held, stage
from server.guard import Call, check_wanted
from server.holding import Answer
from server.status import left_texts
from server.world import World


class Attempt(Protocol):
    """Something decided, that is to be held. payload: the answer without the reservation."""

    @property
    def payload(self) -> bytes: ...

    @property
    def request(self) -> ReserveRequest | None:
        """None when there is nothing to hold, and nothing to give back."""
        ...

    def remember(self, world: World) -> None:
        """Once it is held."""
        ...


def settle(
    world: World, known: ReserveRequest, request_id: str, attempt_of: Callable[[], Attempt], call: Call
) -> Answer:
    """What ``known``, a probe, finds of an earlier call, or the first attempt that the ledger holds: anew
    when others took the stock in between, ``reserve_attempts`` times in all. request_id: the caller's.

    Raises NotFound, StateConflict, RequestIdReused, StockConflict, CallExpired, with nothing done.
    """
    before = answered(world, known, request_id)
    if isinstance(before, Answer):
        return before
    left: Iterable[Hold] = ()
    attempts = world.settings.reserve_attempts
    for rounds in range(1, attempts + 1):
        attempt = attempt_of()
        check_wanted(call)
        request = attempt.request
        answer = Answer(attempt.payload) if request is None else answered(world, request, request_id)
        if isinstance(answer, Answer):
            attempt.remember(world)
            held(rounds, rounds - 1)
            return answer
        left = answer
    held(attempts, attempts)
    raise StockConflict(
        f"others took what was chosen in each of {attempts} attempts, last only "
        f"{', '.join(left_texts(left))} left; nothing is done",
        metadata={"attempts": str(attempts)},
    )


def answered(world: World, request: ReserveRequest, request_id: str) -> Answer | tuple[Hold, ...]:
    """The ledger's answer, or what is left where there was too little. Raises RequestIdReused, NotFound,
    StateConflict."""
    with stage(Stage.RESERVE):
        outcome = world.ledger.reserve(request)
        world.follow()
    if outcome.code is ReserveCode.ID_REUSED:
        message = f"request_id {request_id!r} came before with other content"
        raise RequestIdReused(message, metadata={"request_id": request_id})
    if outcome.code is ReserveCode.NOT_HELD:
        raise not_held(request.replaces, outcome.reservation)
    if outcome.code is ReserveCode.HELD:
        return Answer(outcome.payload, outcome.reservation)
    return outcome.shortages


def not_held(reservation_id: str, reservation: Reservation | None) -> NotFound | StateConflict:
    """What is told of a reservation that was to be HELD."""
    metadata = {"reservation_id": reservation_id}
    if reservation is None:
        return NotFound(f"no reservation {reservation_id!r}", metadata=metadata)
    state = reservation.state.name
    return StateConflict(f"reservation {reservation_id!r} is {state}, not HELD", metadata=metadata)


def days_of(reservation: Reservation, node_ids: Iterable[str]) -> tuple[DayHold, ...]:
    """What a reservation takes of some nodes' days, to be kept by another one."""
    wanted = set(node_ids)
    return tuple(
        DayHold(hold=hold, capacity=0)
        for hold in reservation.holds
        if is_node_row(hold.sku_id) and split_day(hold.node_id)[0] in wanted
    )
