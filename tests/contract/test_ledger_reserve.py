"""Holding stock and letting it go: what every ledger does."""

from __future__ import annotations

import pytest

from router.errors import InvalidInput
from router.ledger import (
    Ledger,
    Reservation,
    ReservationState,
    ReserveCode,
    ReserveOutcome,
    ResolveCode,
    StockRow,
)
from tests.contract.ledger_tools import (
    START,
    VirtualClock,
    all_changes,
    audit,
    held_id,
    hold,
    request,
    stock_of,
)


@pytest.fixture(autouse=True)
def some_stock(ledger: Ledger) -> None:
    """A at N1: 10, of which 2 are never sold; A at N2: 3; B at N1: 1."""
    ledger.update_stock("", [stock_of("A", "N1", 10, 2), stock_of("A", "N2", 3), stock_of("B", "N1", 1)])


def available(ledger: Ledger) -> dict[tuple[str, str], int]:
    return {(r.sku_id, r.node_id): r.available for sku_id in "AB" for r in ledger.stock(sku_id)}


def test_a_reserve_holds_every_unit_it_asks_for(ledger: Ledger) -> None:
    outcome = ledger.reserve(request(hold("A", "N1", 5), hold("B", "N1", 1), ttl_seconds=90))
    assert outcome == ReserveOutcome(
        code=ReserveCode.HELD,
        reservation=Reservation(
            reservation_id="r-000000000001",
            order_id="order",
            state=ReservationState.HELD,
            holds=(hold("A", "N1", 5), hold("B", "N1", 1)),
            created_at_seconds=START,
            expires_at_seconds=START + 90,
        ),
    )
    assert ledger.find("r-000000000001") == outcome.reservation
    assert ledger.stock("A", ["N1"]) == [
        StockRow(sku_id="A", node_id="N1", on_hand=10, reserved=5, safety_stock=2)
    ]
    assert [(c.sku_id, c.available, c.delta, c.cause) for c in ledger.changes(3)] == [
        ("A", 3, -5, "reserve"),
        ("B", 0, -1, "reserve"),
    ]
    audit(ledger, "AB")


def test_all_lines_or_none(ledger: Ledger) -> None:
    before = available(ledger)
    outcome = ledger.reserve(request(hold("A", "N1", 1), hold("B", "N1", 2), hold("A", "N2", 4)))
    assert outcome == ReserveOutcome(
        code=ReserveCode.SOLD_OUT, shortages=(hold("B", "N1", 1), hold("A", "N2", 3))
    )
    assert available(ledger) == before
    assert ledger.version() == 3


def test_safety_stock_is_never_held(ledger: Ledger) -> None:
    assert ledger.reserve(request(hold("A", "N1", 9))).shortages == (hold("A", "N1", 8),)
    assert ledger.reserve(request(hold("A", "N1", 8))).code is ReserveCode.HELD
    assert ledger.reserve(request(hold("A", "N1", 1))).shortages == (hold("A", "N1", 0),)


def test_equal_rows_of_one_request_add_up(ledger: Ledger) -> None:
    twice = (hold("A", "N2", 2), hold("B", "N1", 1), hold("A", "N2", 2))
    assert ledger.reserve(request(*twice)).shortages == (hold("A", "N2", 3),)
    outcome = ledger.reserve(request(hold("A", "N2", 2), hold("A", "N2", 1)))
    assert outcome.reservation is not None
    assert outcome.reservation.holds == (hold("A", "N2", 2), hold("A", "N2", 1))
    assert [(c.available, c.delta) for c in ledger.changes(3)] == [(0, -3)]
    ledger.release(outcome.reservation.reservation_id)
    assert available(ledger)["A", "N2"] == 3


@pytest.mark.parametrize("unknown", [hold("Z", "N1", 1), hold("A", "N9", 1), hold("B", "N2", 1)])
def test_a_row_nobody_ever_set_is_sold_out(ledger: Ledger, unknown: object) -> None:
    assert isinstance(unknown, type(hold("A", "N1", 1)))
    outcome = ledger.reserve(request(hold("A", "N1", 1), unknown))
    assert outcome.shortages == (hold(unknown.sku_id, unknown.node_id, 0),)


def test_a_retry_gets_the_first_answer_word_for_word(ledger: Ledger, clock: VirtualClock) -> None:
    asked = request(hold("B", "N1", 1), request_id="q", payload=b"\x00decision")
    first = ledger.reserve(asked)
    assert (first.replayed, first.payload) == (False, b"\x00decision")
    ledger.confirm(held_id(first))
    clock.now += 1_000
    again = ledger.reserve(request(hold("A", "N1", 7), request_id="q", payload=b"another"))
    assert again == ReserveOutcome(
        code=ReserveCode.HELD, reservation=first.reservation, replayed=True, payload=b"\x00decision"
    )
    found = ledger.find(held_id(first))
    assert found is not None
    assert found.state is ReservationState.CONFIRMED
    audit(ledger, "AB")


def test_the_same_id_with_other_content_is_refused(ledger: Ledger) -> None:
    ledger.reserve(request(hold("A", "N1", 1), request_id="q", fingerprint="one"))
    outcome = ledger.reserve(request(hold("A", "N1", 1), request_id="q", fingerprint="two"))
    assert outcome == ReserveOutcome(code=ReserveCode.ID_REUSED)
    assert available(ledger)["A", "N1"] == 7


def test_sold_out_is_not_remembered(ledger: Ledger) -> None:
    assert ledger.reserve(request(hold("B", "N1", 2), request_id="q")).code is ReserveCode.SOLD_OUT
    outcome = ledger.reserve(request(hold("A", "N1", 2), request_id="q", fingerprint="another plan"))
    assert (outcome.code, outcome.replayed) == (ReserveCode.HELD, False)


def test_without_a_request_id_nothing_is_a_retry(ledger: Ledger) -> None:
    first, second = (ledger.reserve(request(hold("A", "N1", 1))) for _ in range(2))
    assert held_id(first) != held_id(second)
    assert available(ledger)["A", "N1"] == 6


def test_many_are_decided_in_order_each_on_its_own(ledger: Ledger) -> None:
    outcomes = ledger.reserve_many(
        [
            request(hold("A", "N2", 2), request_id="q1"),
            request(hold("A", "N2", 2), request_id="q2"),
            request(hold("A", "N2", 2), request_id="q1"),
            request(hold("A", "N2", 1), request_id="q2"),
            request(hold("A", "N2", 1), request_id="q1", fingerprint="other"),
        ]
    )
    codes = [(outcome.code.name, outcome.replayed) for outcome in outcomes]
    assert codes == [
        ("HELD", False),
        ("SOLD_OUT", False),
        ("HELD", True),
        ("HELD", False),
        ("ID_REUSED", False),
    ]
    assert outcomes[1].shortages == (hold("A", "N2", 1),)
    assert available(ledger)["A", "N2"] == 0
    assert ledger.reserve_many([]) == []


def test_a_bad_request_is_refused_with_all_that_is_wrong_and_nothing_is_held(ledger: Ledger) -> None:
    good = request(hold("A", "N1", 1))
    bad = request(hold("A", "N1", 0), hold("A", "N1", -5), ttl_seconds=0)
    with pytest.raises(InvalidInput) as raised:
        ledger.reserve_many([good, bad, request(ttl_seconds=10**12)])
    assert [violation.field for violation in raised.value.violations] == [
        "requests[1].holds[0].quantity",
        "requests[1].holds[1].quantity",
        "requests[1].ttl_seconds",
        "requests[2].holds",
        "requests[2].ttl_seconds",
    ]
    assert (ledger.version(), ledger.find("r-000000000001")) == (3, None)


def test_quantities_beyond_every_integer_size_are_sold_out(ledger: Ledger) -> None:
    assert ledger.reserve(request(hold("A", "N1", 10**40))).shortages == (hold("A", "N1", 8),)


def test_confirmed_units_leave_for_good(ledger: Ledger, clock: VirtualClock) -> None:
    reservation_id = held_id(ledger.reserve(request(hold("A", "N1", 3))))
    version = ledger.version()
    outcome = ledger.confirm(reservation_id)
    assert outcome.code is ResolveCode.DONE
    assert outcome.reservation == ledger.find(reservation_id)
    assert outcome.reservation is not None
    assert outcome.reservation.state is ReservationState.CONFIRMED
    clock.now += 1_000
    assert ledger.stock("A", ["N1"]) == [
        StockRow(sku_id="A", node_id="N1", on_hand=7, reserved=0, safety_stock=2)
    ]
    assert ledger.version() == version, "what was held stays unavailable: nothing changed for followers"


def test_released_units_are_free_again(ledger: Ledger) -> None:
    reservation_id = held_id(ledger.reserve(request(hold("A", "N1", 3), hold("B", "N1", 1))))
    assert ledger.release(reservation_id).code is ResolveCode.DONE
    assert available(ledger) == {("A", "N1"): 8, ("A", "N2"): 3, ("B", "N1"): 1}
    assert [(c.sku_id, c.delta, c.cause) for c in ledger.changes(5)] == [
        ("A", 3, "release"),
        ("B", 1, "release"),
    ]


@pytest.mark.parametrize("first", ["confirm", "release", "expire"])
@pytest.mark.parametrize("second", ["confirm", "release"])
def test_a_reservation_is_resolved_once(ledger: Ledger, clock: VirtualClock, first: str, second: str) -> None:
    reservation_id = held_id(ledger.reserve(request(hold("A", "N1", 3))))
    if first == "expire":
        clock.now += 60
    else:
        assert getattr(ledger, first)(reservation_id).code is ResolveCode.DONE
    outcome = getattr(ledger, second)(reservation_id)
    code = {"confirm": "ALREADY_CONFIRMED", "release": "ALREADY_RELEASED", "expire": "ALREADY_EXPIRED"}
    assert outcome.code.name == code[first]
    assert outcome.reservation == ledger.find(reservation_id)
    audit(ledger, "AB")


@pytest.mark.parametrize(
    "no_id", ["", "r-", "r-000000000009", "r-1", "R-000000000001", "r-00000000000\u0661", "r-" + "9" * 40]
)
def test_what_does_not_exist_is_not_found(ledger: Ledger, no_id: str) -> None:
    ledger.reserve(request(hold("A", "N1", 1)))
    assert ledger.find(no_id) is None
    assert ledger.confirm(no_id).code is ResolveCode.NOT_FOUND
    assert ledger.release(no_id).reservation is None


def test_a_hold_is_over_exactly_at_its_deadline(ledger: Ledger, clock: VirtualClock) -> None:
    reservation_id = held_id(ledger.reserve(request(hold("A", "N1", 8), ttl_seconds=60)))
    clock.now = START + 59
    assert ledger.expire() == 0
    assert ledger.reserve(request(hold("A", "N1", 1))).code is ReserveCode.SOLD_OUT
    clock.now = START + 60
    assert ledger.expire() == 1
    assert ledger.expire() == 0
    found = ledger.find(reservation_id)
    assert found is not None
    assert found.state is ReservationState.EXPIRED
    assert [(c.available, c.delta, c.cause) for c in ledger.changes(4)] == [(8, 8, "expire")]


def test_confirm_after_the_deadline_is_refused(ledger: Ledger, clock: VirtualClock) -> None:
    in_time, too_late = (held_id(ledger.reserve(request(hold("A", "N1", 1)))) for _ in range(2))
    clock.now = START + 59
    assert ledger.confirm(in_time).code is ResolveCode.DONE
    clock.now = START + 60
    assert ledger.confirm(too_late).code is ResolveCode.ALREADY_EXPIRED
    assert available(ledger)["A", "N1"] == 7


def test_expired_units_are_there_for_the_very_next_call(ledger: Ledger, clock: VirtualClock) -> None:
    ledger.reserve(request(hold("B", "N1", 1)))
    clock.now += 60
    assert ledger.reserve(request(hold("B", "N1", 1))).code is ReserveCode.HELD
    causes = [c.cause for c in ledger.changes(3)]
    assert causes == ["reserve", "expire", "reserve"]


def test_expiry_goes_by_deadline_then_by_id(ledger: Ledger, clock: VirtualClock) -> None:
    for node_id, ttl_seconds in (("N1", 30), ("N2", 20), ("N1", 20)):
        ledger.reserve(request(hold("A", node_id, 1), ttl_seconds=ttl_seconds))
    clock.now += 30
    assert ledger.expire() == 3
    assert [(c.node_id, c.available) for c in ledger.changes(6)] == [("N2", 3), ("N1", 7), ("N1", 8)]


@pytest.mark.parametrize("read", ["find", "stock", "columns", "version", "changes"])
def test_readers_never_see_a_hold_that_is_over(ledger: Ledger, clock: VirtualClock, read: str) -> None:
    reservation_id = held_id(ledger.reserve(request(hold("A", "N2", 3))))
    clock.now += 60
    seen: object
    match read:
        case "find":
            found = ledger.find(reservation_id)
            seen = found is not None and found.state is ReservationState.EXPIRED
        case "stock":
            seen = [row.available for row in ledger.stock("A", ["N2"])] == [3]
        case "columns":
            seen = ledger.columns().available.tolist() == [8, 3, 1]
        case "version":
            seen = ledger.version() == 5
        case _:
            seen = [change.cause for change in ledger.changes(4)] == ["expire"]
    assert seen


def test_expiry_stays_when_the_command_after_it_is_a_mistake(ledger: Ledger, clock: VirtualClock) -> None:
    ledger.reserve(request(hold("B", "N1", 1)))
    clock.now += 60
    with pytest.raises(InvalidInput):
        ledger.update_stock("", [stock_of("B", "N1", -1)])
    assert [change.cause for change in all_changes(ledger)[-2:]] == ["reserve", "expire"]
    audit(ledger, "AB")
