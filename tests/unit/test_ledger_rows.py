"""Units of receipts that arrive, are cut or move: nothing is sold twice, nothing is forgotten."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from router.errors import InvalidInput
from router.ledger import Hold, ReservationState, ReserveRequest, StockUpdate
from router.ledger_commands import Command, Confirm, Expire, Release, Reserve, UpdateStock
from router.ledger_places import receipt_place, split_place
from router.ledger_rows import NO_STOCK, Row, lying
from router.ledger_state import LedgerState, apply, reservation_id_of

T0 = 1_000
PLACES = ("N", receipt_place("N", 10**9), receipt_place("N", 2 * 10**9), "M", receipt_place("M", 10**9))

holds = st.builds(
    Hold, sku_id=st.sampled_from("AB"), node_id=st.sampled_from(PLACES), quantity=st.integers(1, 4)
)


def asked(held: list[Hold], ttl_seconds: int) -> Reserve:
    request = ReserveRequest(
        request_id="", fingerprint="f", order_id="o", holds=tuple(held), ttl_seconds=ttl_seconds
    )
    return Reserve([request])


updates = st.builds(
    StockUpdate,
    sku_id=st.sampled_from("AB"),
    node_id=st.sampled_from(PLACES),
    on_hand=st.integers(0, 9) | st.integers(-4, 4),
    relative=st.booleans(),
    new_row_safety_stock=st.integers(0, 1),
)
ids = st.integers(1, 9).map(reservation_id_of)
commands = st.one_of(
    st.builds(asked, st.lists(holds, min_size=1, max_size=4), st.integers(1, 30)),
    st.lists(updates, min_size=1, max_size=6).map(lambda u: UpdateStock("", u)),
    st.builds(Confirm, ids),
    st.builds(Release, ids),
    st.just(Expire()),
)


def full() -> LedgerState:
    state = LedgerState()
    rows = [StockUpdate(sku_id=sku, node_id=place, on_hand=8) for sku in "AB" for place in PLACES]
    apply(state, UpdateStock("", rows), T0)
    return state


@given(st.lists(st.tuples(commands, st.integers(0, 12)), max_size=30))
def test_what_is_held_is_reserved_at_its_receipt_or_at_the_node(script: list[tuple[Command, int]]) -> None:
    state, now = full(), T0
    for command, pause_seconds in script:
        now += pause_seconds
        try:
            apply(state, command, now)
        except InvalidInput:
            continue
        held: Counter[tuple[str, str]] = Counter()
        for reservation in state.reservations.values():
            if reservation.state is ReservationState.HELD:
                for hold in reservation.holds:
                    held[hold.sku_id, split_place(hold.node_id)[0]] += hold.quantity
        reserved: Counter[tuple[str, str]] = Counter()
        for sku_id, rows in state.rows.items():
            for place, row in rows.items():
                node_id, expected_seconds = split_place(place)
                reserved[sku_id, node_id] += row.reserved
                assert min(row.on_hand, row.reserved) >= 0
                if expected_seconds is not None:
                    assert row.available >= row.safety_stock == 0
        assert +reserved == held


@given(st.lists(st.tuples(commands, st.integers(0, 12)), max_size=30))
def test_units_of_receipts_are_never_promised_twice(script: list[tuple[Command, int]]) -> None:
    """Without a feed after the first, what left and what is there are what came in."""
    state, now = full(), T0
    for command, pause_seconds in script:
        now += pause_seconds
        if not isinstance(command, UpdateStock):
            apply(state, command, now)
    sold: Counter[tuple[str, str]] = Counter()
    for reservation in state.reservations.values():
        if reservation.state is ReservationState.CONFIRMED:
            for hold in reservation.holds:
                sold[hold.sku_id, hold.node_id] += hold.quantity
    for sku_id, rows in state.rows.items():
        assert {place: row.on_hand + sold[sku_id, place] for place, row in rows.items()} == dict.fromkeys(
            PLACES, 8
        )


def test_units_lie_at_their_receipt_while_it_covers_them() -> None:
    rows = {("A", PLACES[1]): Row(5, 2, 0), ("A", PLACES[2]): Row(9, 9, 0), ("A", "N"): Row(0, 4, 0)}
    held = {("A", "N"): 1, ("A", PLACES[1]): 5, ("A", PLACES[2]): 3}
    found = lying(lambda sku, place: rows.get((sku, place), NO_STOCK), held)
    assert found == {("A", "N"): 4, ("A", PLACES[1]): 2, ("A", PLACES[2]): 3}
