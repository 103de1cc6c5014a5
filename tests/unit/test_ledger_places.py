"""Places of ledger rows: nodes, and the receipts that they expect."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from router.ledger_places import EARLIEST_SECONDS, LATEST_SECONDS, place_order, receipt_place, split_place

INSTANTS = st.integers(EARLIEST_SECONDS, LATEST_SECONDS)


def test_a_place_can_be_read() -> None:
    assert receipt_place("dc-lyon", 1_796_112_000) == "dc-lyon@2026-12-01T08:00:00Z"
    assert split_place("dc-lyon@2026-12-01T08:00:00Z") == ("dc-lyon", 1_796_112_000)


@given(st.text(min_size=1), INSTANTS)
@example("N@2026-12-01T08:00:00Z", EARLIEST_SECONDS)
def test_a_receipt_is_taken_apart_again(node_id: str, seconds: int) -> None:
    assert split_place(receipt_place(node_id, seconds)) == (node_id, seconds)


@given(st.text() | st.from_regex(r"N?@[0-9T:\-]{17,19}Z", fullmatch=True))
def test_whatever_else_is_a_node(place: str) -> None:
    node_id, seconds = split_place(place)
    assert place == (node_id if seconds is None else receipt_place(node_id, seconds))


@pytest.mark.parametrize(
    "node_id",
    [
        "",
        "N",
        "ZZ",
        "@2026-12-01T08:00:00Z",
        "N@2026-12-01T08:00:00",
        "N@2026-12-01 08:00:00Z",
        "N@2026-2-30T08:00:00ZZ",
        "N@2026-02-30T08:00:00Z",
        "N@1999-12-31T23:59:59Z",
        "N@2100-01-01T00:00:01Z",
        "N@\uff1202\uff16-12-01T08:00:00Z",
        "N@+026-12-01T08:00:00Z",
    ],
)
def test_names_that_are_no_receipts(node_id: str) -> None:
    assert split_place(node_id) == (node_id, None)


def test_a_node_comes_before_its_receipts() -> None:
    places = ["N10", receipt_place("N1", 2 * 10**9), receipt_place("N1", 10**9), "N1"]
    assert sorted(places, key=place_order) == places[::-1]
