"""The state machine itself: deterministic, atomic, and fit to run on a part of the state. What its commands
mean to callers is in ``tests/contract``, which runs on every ledger."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import InvalidInput, RequestIdReused, SourcierError
from router.ledger import Hold, ReservationState, ReserveCode, ReserveRequest, ResolveCode, StockUpdate
from router.ledger_commands import (
    Command,
    Confirm,
    Expire,
    Release,
    Reserve,
    UpdateStock,
    fingerprint,
    merged,
)
from router.ledger_rows import MAX_UNITS, Row
from router.ledger_state import LedgerState, RememberedUpdate, apply, reservation_id_of, reservation_number

T0 = 1_000


def take(quantity: int, *, request_id: str = "", ttl_seconds: int = 10) -> Reserve:
    """One reservation of some units of A at N."""
    request = ReserveRequest(
        request_id=request_id,
        fingerprint="f",
        order_id="o",
        holds=(Hold(sku_id="A", node_id="N", quantity=quantity),),
        ttl_seconds=ttl_seconds,
    )
    return Reserve([request])


def put(on_hand: int, *, request_id: str = "", node_id: str = "N") -> UpdateStock:
    return UpdateStock(request_id, [StockUpdate(sku_id="A", node_id=node_id, on_hand=on_hand)])


def state_with(on_hand: int) -> LedgerState:
    state = LedgerState()
    apply(state, put(on_hand), T0)
    return state


def test_a_command_returns_its_outcome_and_the_changes_it_made() -> None:
    state = state_with(5)
    outcome, changes = apply(state, take(2), T0)
    assert outcome[0].code is ReserveCode.HELD
    assert changes == state.log[1:]
    assert [(change.version, change.available, change.delta) for change in changes] == [(2, 3, -2)]
    assert apply(state, Confirm("r-000000000001"), T0).changes == []
    assert state.rows == {"A": {"N": Row(on_hand=3, reserved=0, safety_stock=0)}}


def test_the_changes_of_a_command_include_those_of_the_expiry_before_it() -> None:
    state = state_with(5)
    apply(state, take(4), T0)
    outcome, changes = apply(state, take(5), T0 + 10)
    assert outcome[0].code is ReserveCode.HELD
    assert [(change.version, change.cause) for change in changes] == [(3, "expire"), (4, "reserve")]


def test_expire_counts_and_skips_what_was_resolved_otherwise() -> None:
    state = state_with(9)
    for ttl_seconds in (10, 20, 20, 20):
        apply(state, take(1, ttl_seconds=ttl_seconds), T0)
    apply(state, Release("r-000000000002"), T0)
    apply(state, Confirm("r-000000000003"), T0)
    assert apply(state, Expire(), T0 + 9).outcome == 0
    assert apply(state, Expire(), T0 + 10).outcome == 1
    assert apply(state, Expire(), T0 + 20).outcome == 1
    assert [state.reservations[reservation_id_of(n)].state for n in (1, 2, 3, 4)] == [
        ReservationState.EXPIRED,
        ReservationState.RELEASED,
        ReservationState.CONFIRMED,
        ReservationState.EXPIRED,
    ]
    assert state.timers == []


def test_a_clock_that_runs_backwards_brings_nothing_back() -> None:
    state = state_with(5)
    apply(state, take(5), T0)
    apply(state, Expire(), T0 + 10)
    assert apply(state, Confirm("r-000000000001"), T0).outcome.code is ResolveCode.ALREADY_EXPIRED


@pytest.mark.parametrize(
    ("command", "mistake"),
    [
        (Reserve([*take(1).requests, *take(0).requests]), InvalidInput),
        (take(1, ttl_seconds=0), InvalidInput),
        (UpdateStock("", [*put(1).updates, *put(-1).updates]), InvalidInput),
        (put(MAX_UNITS + 1), InvalidInput),
        (put(6, request_id="seen"), RequestIdReused),
    ],
)
def test_a_mistake_changes_nothing(command: Command, mistake: type[SourcierError]) -> None:
    state = state_with(5)
    apply(state, put(5, request_id="seen"), T0)
    before = deepcopy(state)
    with pytest.raises(mistake):
        apply(state, command, T0)
    assert state == before


def test_ids_and_versions_go_on_from_where_a_partial_state_says() -> None:
    """An adapter loads only what a command touches."""
    state = LedgerState(rows={"A": {"N": Row(5, 1, 0)}}, sequence=41, version=700)
    outcome, changes = apply(state, take(4), T0)
    assert outcome[0].reservation is not None
    assert outcome[0].reservation.reservation_id == "r-000000000042"
    assert [change.version for change in changes] == [701]
    assert (state.sequence, state.version) == (42, 701)


def test_a_failed_reserve_uses_up_no_number() -> None:
    state = state_with(1)
    apply(state, take(2), T0)
    outcome = apply(state, take(1), T0).outcome
    assert outcome[0].reservation is not None
    assert outcome[0].reservation.reservation_id == "r-000000000001"


def test_a_known_stock_request_needs_no_rows() -> None:
    """So an adapter does not load them."""
    command = UpdateStock("f", [StockUpdate(sku_id="A", node_id="N", on_hand=-5, relative=True)])
    state = LedgerState(updates={"f": RememberedUpdate(fingerprint(command.updates), 7)}, version=9)
    assert apply(state, command, T0) == (7, [])


def test_a_row_that_was_not_touched_is_the_same_object() -> None:
    """How an adapter tells which rows to store."""
    state = state_with(5)
    apply(state, put(5, node_id="M"), T0)
    touched, untouched = state.rows["A"]["N"], state.rows["A"]["M"]
    apply(state, take(1), T0)
    assert state.rows["A"]["N"] is not touched
    assert state.rows["A"]["M"] is untouched


def test_equal_rows_are_merged_in_order_of_first_appearance() -> None:
    holds = [
        Hold(sku_id=s, node_id=n, quantity=q) for s, n, q in (("B", "N", 1), ("A", "N", 2), ("B", "N", 4))
    ]
    assert list(merged(holds).items()) == [(("B", "N"), 5), (("A", "N"), 2)]


@given(st.integers(1, 10**17))
def test_numbers_and_ids_say_the_same(number: int) -> None:
    assert reservation_number(reservation_id_of(number)) == number


@given(st.one_of(st.text(), st.from_regex(r"r-[0-9]+", fullmatch=True)))
def test_only_an_id_as_it_is_written_has_a_number(text: str) -> None:
    number = reservation_number(text)
    assert number is None or reservation_id_of(number) == text


commands = st.one_of(
    st.builds(take, st.integers(1, 4), request_id=st.sampled_from(["", "q"]), ttl_seconds=st.integers(1, 30)),
    st.builds(put, st.integers(0, 9), request_id=st.sampled_from(["", "f"])),
    st.builds(Confirm, st.integers(1, 9).map(reservation_id_of)),
    st.builds(Release, st.integers(1, 9).map(reservation_id_of)),
    st.just(Expire()),
)


@given(st.lists(st.tuples(commands, st.integers(0, 12)), max_size=25))
def test_the_same_commands_at_the_same_times_lead_to_the_same_state(
    script: list[tuple[Command, int]],
) -> None:
    states = []
    for _ in range(2):
        state, now = LedgerState(), T0
        for command, pause_seconds in script:
            now += pause_seconds
            try:
                apply(state, command, now)
            except RequestIdReused:
                continue
        states.append(state)
    assert states[0] == states[1]
    assert [change.version for change in states[0].log] == list(range(1, states[0].version + 1))


@given(st.lists(st.tuples(commands, st.integers(0, 12)), max_size=25))
def test_units_are_never_promised_twice(script: list[tuple[Command, int]]) -> None:
    """Without a feed after the first, on_hand + what left = what came in, and nothing is ever short."""
    state, now = state_with(7), T0
    for command, pause_seconds in script:
        now += pause_seconds
        if not isinstance(command, UpdateStock):
            apply(state, command, now)
        by_state = dict.fromkeys(ReservationState, 0)
        for reservation in state.reservations.values():
            by_state[reservation.state] += sum(hold.quantity for hold in reservation.holds)
        row = state.rows["A"]["N"]
        assert row.on_hand == 7 - by_state[ReservationState.CONFIRMED]
        assert row.reserved == by_state[ReservationState.HELD]
        assert row.available >= 0
