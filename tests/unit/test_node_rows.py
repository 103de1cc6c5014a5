"""Names of the ledger's rows about nodes."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ledger_places import split_place
from router.network import LoadKind
from router.node_rows import BACKLOG_SKUS, LOAD_SKUS, OFF_SKU, day_place, is_node_row, split_day


def test_every_kind_of_load_has_its_rows() -> None:
    assert [f"#{kind.name.lower()}" for kind in LoadKind] == list(LOAD_SKUS)
    assert [f"{name}-backlog" for name in LOAD_SKUS] == list(BACKLOG_SKUS)
    names = [*LOAD_SKUS, *BACKLOG_SKUS, OFF_SKU]
    assert len(set(names)) == len(names)
    assert all(map(is_node_row, names))
    assert not is_node_row("orders#")


@given(st.text(min_size=1, max_size=20), st.dates())
def test_a_day_comes_back(node_id: str, day: date) -> None:
    place = day_place(node_id, day.toordinal())
    assert split_day(place) == (node_id, day.toordinal())
    assert split_place(place) == (place, None)  # no receipt


@pytest.mark.parametrize("place", ["N1", "N1@", "N1@2026-13-01", "N1@2026-12-1", "2026-12-01"])
def test_what_is_no_day_is_a_node(place: str) -> None:
    assert split_day(place) == (place, 0)
