"""ReservationService over a real connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from server.api.sourcing.v1 import reservation_pb2
from server.status import Failure
from tests.e2e.service import Service, all_at_once, failure, hold, new_id, order, paths

HELD = reservation_pb2.RESERVATION_STATE_HELD
CONFIRMED = reservation_pb2.RESERVATION_STATE_CONFIRMED
RELEASED = reservation_pb2.RESERVATION_STATE_RELEASED
EXPIRED = reservation_pb2.RESERVATION_STATE_EXPIRED


def create(service: Service, *holds: Any, request_id: str = "", **more: Any) -> Any:
    request = reservation_pb2.CreateReservationRequest(
        request_id=request_id or new_id(), order_id="order", holds=holds, **more
    )
    return service.reservations.CreateReservation(request)


def confirm(service: Service, reservation_id: str) -> Any:
    request = reservation_pb2.ConfirmReservationRequest(reservation_id=reservation_id)
    return service.reservations.ConfirmReservation(request)


def release(service: Service, reservation_id: str) -> Any:
    request = reservation_pb2.ReleaseReservationRequest(reservation_id=reservation_id)
    return service.reservations.ReleaseReservation(request)


def get(service: Service, reservation_id: str) -> Any:
    request = reservation_pb2.GetReservationRequest(reservation_id=reservation_id)
    return service.reservations.GetReservation(request)


def test_held_then_confirmed(service: Service) -> None:
    sku = service.sku()
    held = create(service, hold(sku, "store-paris", 4), hold(sku, "dc-lyon", 1), hold_seconds=60)
    assert held.state == HELD
    assert held.expire_time.seconds - held.create_time.seconds == 60
    assert service.available(sku) == {"store-paris": 6, "store-lille": 8, "dc-lyon": 9}
    confirmed = confirm(service, held.reservation_id)
    assert confirmed.state == CONFIRMED
    assert confirm(service, held.reservation_id) == confirmed == get(service, held.reservation_id)
    # Sold units leave the building; what can be promised stays as it was while they were held.
    assert service.available(sku)["store-paris"] == 6


def test_held_then_released(service: Service) -> None:
    sku = service.sku()
    held = create(service, hold(sku, "store-paris", 4))
    assert service.available(sku)["store-paris"] == 6
    released = release(service, held.reservation_id)
    assert released.state == RELEASED
    assert release(service, held.reservation_id) == released
    assert service.available(sku)["store-paris"] == 10


def test_a_sourced_order_is_confirmed_and_released_by_its_reservation(service: Service) -> None:
    sku = service.sku()
    kept, given_back = service.reserve(order((sku, 1))), service.reserve(order((sku, 2)))
    assert service.available(sku)["store-paris"] == 7
    confirm(service, kept.reservation_id)
    release(service, given_back.reservation_id)
    assert service.available(sku)["store-paris"] == 9


def test_a_second_end_is_a_conflict_that_names_the_first(service: Service) -> None:
    sku = service.sku()
    sold, freed = (create(service, hold(sku, "dc-lyon", 1)).reservation_id for _ in range(2))
    confirm(service, sold)
    release(service, freed)
    for act, reservation_id, state in ((release, sold, "CONFIRMED"), (confirm, freed, "RELEASED")):
        found = failure(lambda act=act, reservation_id=reservation_id: act(service, reservation_id))
        assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RESERVATION_STATE")
        assert found.metadata["state"] == state


def test_a_hold_ends_by_itself(own_service: Service) -> None:
    sku = own_service.sku()
    by_order = own_service.reserve(order((sku, 1)), hold_seconds=30)
    held = create(own_service, hold(sku, "store-paris", 2), hold_seconds=31)
    own_service.clock.seconds += 30
    own_service.world.expire()
    assert own_service.available(sku)["store-paris"] == 8
    assert get(own_service, by_order.reservation_id).state == EXPIRED
    assert get(own_service, held.reservation_id).state == HELD
    own_service.clock.seconds += 1
    found = failure(lambda: confirm(own_service, held.reservation_id))
    assert found.metadata["state"] == "EXPIRED"
    assert own_service.available(sku)["store-paris"] == 10


def test_all_or_nothing(service: Service) -> None:
    sku = service.sku()
    holds = [hold(sku, "store-paris", 10), hold(sku, "store-lille", 9), hold(sku, "dc-lyon", 11)]
    found = failure(lambda: create(service, *holds))
    assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SOLD_OUT")
    assert "8 of" in found.message
    assert "10 of" in found.message
    assert found.metadata["shortage_count"] == "2"
    assert service.available(sku) == {"store-paris": 10, "store-lille": 8, "dc-lyon": 10}


def test_equal_rows_add_up(service: Service) -> None:
    sku = service.sku()
    assert failure(lambda: create(service, *[hold(sku, "dc-lyon", 6)] * 2)).reason == "SOLD_OUT"
    create(service, *[hold(sku, "dc-lyon", 5)] * 2)
    assert service.available(sku)["dc-lyon"] == 0


def test_a_retry_returns_the_first_answer(service: Service) -> None:
    sku, request_id = service.sku(), new_id()
    first = create(service, hold(sku, "dc-lyon", 10), request_id=request_id)
    assert create(service, hold(sku, "dc-lyon", 10), request_id=request_id) == first
    found = failure(lambda: create(service, hold(sku, "dc-lyon", 9), request_id=request_id))
    assert found.code is grpc.StatusCode.ALREADY_EXISTS
    assert service.available(sku)["dc-lyon"] == 0


def test_every_wrong_field_is_named(service: Service, nothing_held: Callable[[], None]) -> None:
    request = reservation_pb2.CreateReservationRequest(
        holds=[hold("what", "where", 0), hold("sku-000", "dc-lyon", 2**62)], hold_seconds=604_801
    )
    assert paths(failure(lambda: service.reservations.CreateReservation(request))) == [
        "request_id",
        "hold_seconds",
        "order_id",
        "holds[0].sku_id",
        "holds[0].node_id",
        "holds[0].quantity",
        "holds[1].quantity",
    ]
    assert paths(failure(lambda: create(service))) == ["holds"]
    assert paths(failure(lambda: create(service, *[hold("sku-000", "dc-lyon", 1)] * 1001))) == ["holds"]


@pytest.mark.parametrize("act", [confirm, release, get])
@pytest.mark.parametrize("reservation_id", ["r-000999999999", "nonsense", "r-" + "9" * 300])
def test_unknown_reservations(
    service: Service,
    nothing_held: Callable[[], None],
    act: Callable[[Service, str], Any],
    reservation_id: str,
) -> None:
    found: Failure = failure(lambda: act(service, reservation_id))
    assert found.code is grpc.StatusCode.NOT_FOUND
    assert paths(failure(lambda: act(service, ""))) == ["reservation_id"]


def test_the_last_units_are_sold_once(service: Service) -> None:
    """Eight threads, each buying one unit again and again; there are fewer units than attempts."""
    sku = service.sku(paris=10, lille=9, lyon=6)
    sellable = 10 + 7 + 6

    def buy() -> list[str]:
        answers = [service.reserve(order((sku, 1))) for _ in range(6)]
        return [a.reservation_id for a in answers if a.reservation_id]

    bought = all_at_once([buy] * 8)
    conflicts = [b for b in bought if isinstance(b, grpc.RpcError)]
    assert all(c.code() is grpc.StatusCode.ABORTED for c in conflicts)
    available = service.available(sku)
    assert min(available.values()) >= 0
    reservations = [r for b in bought if not isinstance(b, grpc.RpcError) for r in b]
    assert len(set(reservations)) == len(reservations)
    if not conflicts:
        assert len(reservations) == sellable
        assert set(available.values()) == {0}
    assert sum(row.reserved for row in service.world.ledger.stock(sku)) == sellable - sum(available.values())


def test_a_part_is_confirmed_and_the_rest_free_again(service: Service) -> None:
    sku = service.sku()
    held = create(service, hold(sku, "store-paris", 4), hold(sku, "dc-lyon", 1))

    def confirm_part(*part: Any) -> Any:
        request = reservation_pb2.ConfirmReservationRequest(reservation_id=held.reservation_id, part=part)
        return service.reservations.ConfirmReservation(request)

    found = failure(lambda: confirm_part(hold(sku, "store-paris", 3), hold(sku, "store-lille", 1)))
    assert (found.code, paths(found)) == (grpc.StatusCode.INVALID_ARGUMENT, ["part[1].quantity"])
    done = confirm_part(hold(sku, "store-paris", 3))
    assert (done.state, list(done.holds)) == (CONFIRMED, [hold(sku, "store-paris", 3)])
    assert service.available(sku) == {"store-paris": 7, "store-lille": 8, "dc-lyon": 10}
    assert confirm_part(hold(sku, "store-paris", 3)) == done == confirm(service, held.reservation_id)
    conflict = failure(lambda: confirm_part(hold(sku, "store-paris", 2)))
    assert (conflict.reason, conflict.metadata["state"]) == ("RESERVATION_STATE", "CONFIRMED")


def test_a_hold_is_extended_from_now_on(own_service: Service) -> None:
    held = create(own_service, hold("sku-001", "dc-lyon", 1), hold_seconds=60)
    own_service.clock.seconds += 50

    def extend(seconds: int) -> Any:
        request = reservation_pb2.ExtendReservationRequest(
            reservation_id=held.reservation_id, hold_seconds=seconds
        )
        return own_service.reservations.ExtendReservation(request)

    assert extend(100).expire_time.seconds == held.create_time.seconds + 150
    assert extend(0).expire_time.seconds == held.create_time.seconds + 50 + 600  # the server's default
    assert paths(failure(lambda: extend(-1))) == ["hold_seconds"]
    own_service.clock.seconds += 600
    found = failure(lambda: extend(60))
    assert (found.reason, found.metadata["state"]) == ("RESERVATION_STATE", "EXPIRED")
    unknown = reservation_pb2.ExtendReservationRequest(reservation_id="r-000000000999")
    assert failure(lambda: own_service.reservations.ExtendReservation(unknown)).reason == "NOT_FOUND"


def fallback(*holds: Any) -> Any:
    return reservation_pb2.HoldSet(holds=holds)


def test_what_is_not_there_is_held_elsewhere_in_the_same_step(service: Service) -> None:
    sku = service.sku()
    others = [fallback(hold(sku, "store-lille", 99)), fallback(hold(sku, "dc-lyon", 2))]
    held = create(service, hold(sku, "store-paris", 99), fallbacks=others)
    assert [(h.node_id, h.quantity) for h in held.holds] == [("dc-lyon", 2)]
    assert service.available(sku) == {"store-paris": 10, "store-lille": 8, "dc-lyon": 8}
    left = failure(lambda: create(service, hold(sku, "store-paris", 99), fallbacks=others[:1]))
    assert left.reason == "SOLD_OUT"


def test_wrong_fallbacks_are_named(service: Service) -> None:
    sku = service.sku()
    wrong = [fallback(hold(sku, "store-paris", 1)), fallback(hold(sku, "store-mars", 1)), fallback()]
    told = failure(lambda: create(service, hold(sku, "store-paris", 1), fallbacks=wrong))
    assert paths(told) == ["fallbacks[1].holds[0].node_id", "fallbacks[2].holds"]
    many = [fallback(hold(sku, "store-paris", 1))] * 21
    told = failure(lambda: create(service, hold(sku, "store-paris", 1), fallbacks=many))
    assert paths(told) == ["fallbacks"]
