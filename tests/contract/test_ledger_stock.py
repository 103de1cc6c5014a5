"""Stock, its log and its columns: what every ledger does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from router.errors import InvalidInput, RequestIdReused
from router.ledger import Change, Ledger, ReserveCode, ResolveCode, StockRow, StockUpdate
from tests.contract.ledger_tools import adjusted, all_changes, audit, held_id, hold, request, stock_of


def test_an_empty_ledger(ledger: Ledger) -> None:
    columns = ledger.columns()
    assert (columns.version, columns.sku_ids, columns.node_ids) == (0, [], [])
    assert [len(c) for c in (columns.sku_ix, columns.node_ix, columns.available)] == [0, 0, 0]
    assert (ledger.version(), ledger.changes(0), ledger.stock("A"), ledger.expire()) == (0, [], [], 0)


def test_set_adjust_and_keep_the_safety_stock(ledger: Ledger) -> None:
    assert ledger.update_stock("", [stock_of("A", "N2", 5), stock_of("A", "N1", 9, 4)]) == 2
    assert ledger.update_stock("", [adjusted("A", "N1", -3), adjusted("A", "N3", 2)]) == 4
    assert ledger.update_stock("", [stock_of("A", "N2", 5, 1)]) == 5
    assert ledger.stock("A") == [
        StockRow(sku_id="A", node_id="N1", on_hand=6, reserved=0, safety_stock=4),
        StockRow(sku_id="A", node_id="N2", on_hand=5, reserved=0, safety_stock=1),
        StockRow(sku_id="A", node_id="N3", on_hand=2, reserved=0, safety_stock=0),
    ]
    assert ledger.changes(4) == [
        Change(version=5, sku_id="A", node_id="N2", available=4, delta=-1, cause="stock")
    ]
    assert [row.node_id for row in ledger.stock("A", ["N3", "N9", "N1", "N1"])] == ["N1", "N3"]
    assert ledger.stock("A", []) == []
    audit(ledger, ["A"])


def test_only_a_new_row_takes_the_safety_stock_for_new_rows(ledger: Ledger) -> None:
    update = replace(stock_of("A", "N1", 9), new_row_safety_stock=4)
    ledger.update_stock("", [update])
    assert ledger.stock("A")[0].safety_stock == 4
    ledger.update_stock("", [replace(update, new_row_safety_stock=7)])
    assert ledger.stock("A")[0].safety_stock == 4
    ledger.update_stock("", [replace(update, node_id="N2", safety_stock=0)])
    assert ledger.stock("A")[1].safety_stock == 0
    ledger.update_stock("", [stock_of("A", "N3", 0), replace(update, node_id="N3", on_hand=0)])
    assert ledger.stock("A")[2].safety_stock == 0


def test_one_change_per_row_that_changed(ledger: Ledger) -> None:
    ledger.update_stock("", [stock_of("A", "N1", 5), stock_of("A", "N2", 5)])
    version = ledger.update_stock(
        "",
        [
            adjusted("A", "N2", 2),
            stock_of("A", "N1", 5),  # as it was
            adjusted("A", "N2", -4),  # builds on the first
            stock_of("A", "N3", 0),  # new, but nothing is there
            stock_of("A", "N4", 3, 3),  # new, but nothing is for sale
        ],
    )
    assert version == 3
    assert [(c.node_id, c.available, c.delta) for c in ledger.changes(2)] == [("N2", 3, -2)]
    assert [row.node_id for row in ledger.stock("A")] == ["N1", "N2", "N3", "N4"]
    audit(ledger, ["A"])


def test_the_feed_may_set_less_than_is_reserved(ledger: Ledger) -> None:
    ledger.update_stock("", [stock_of("A", "N1", 5)])
    first, second = (held_id(ledger.reserve(request(hold("A", "N1", 2)))) for _ in range(2))
    ledger.update_stock("", [stock_of("A", "N1", 1)])
    assert ledger.stock("A")[0].available == -3
    assert ledger.columns().available.tolist() == [-3]
    assert ledger.reserve(request(hold("A", "N1", 1))).shortages == (hold("A", "N1", 0),)
    # Two units go out where the feed saw one: none is left, and one of the missing ones is settled.
    assert ledger.confirm(first).code is ResolveCode.DONE
    assert (ledger.stock("A")[0].on_hand, ledger.stock("A")[0].available) == (0, -2)
    assert [(c.available, c.delta, c.cause) for c in ledger.changes(4)] == [(-2, 1, "confirm")]
    assert ledger.release(second).code is ResolveCode.DONE
    assert ledger.stock("A")[0].available == 0
    audit(ledger, ["A"])


def test_all_updates_or_none_and_everything_wrong_is_named(ledger: Ledger) -> None:
    ledger.update_stock("", [stock_of("A", "N1", 5)])
    with pytest.raises(InvalidInput) as raised:
        ledger.update_stock(
            "feed-1",
            [
                adjusted("A", "N1", -2),
                adjusted("A", "N1", -4),  # 3 are left
                stock_of("A", "N2", -1),
                stock_of("A", "N2", 10**9 + 1),
                stock_of("A", "N2", 1, -1),
                stock_of("", "N2", 1),
                stock_of("A", "é" * 65, 1),
                stock_of("A", "\ud800", 1),
                stock_of("A", "é" * 64, 1),
            ],
        )
    assert [violation.field for violation in raised.value.violations] == [
        "updates[1].on_hand",
        "updates[2].on_hand",
        "updates[3].on_hand",
        "updates[4].safety_stock",
        "updates[5].sku_id",
        "updates[6].node_id",
        "updates[7].node_id",
    ]
    assert [(row.node_id, row.on_hand) for row in ledger.stock("A")] == [("N1", 5)]
    assert ledger.version() == 1
    assert ledger.update_stock("feed-1", [stock_of("A", "N1", 6)]) == 2, "a mistake is not remembered"


def test_a_retried_feed_is_applied_once(ledger: Ledger) -> None:
    updates = [adjusted("A", "N1", 5), adjusted("B", "N1", 1)]
    assert ledger.update_stock("feed-1", updates) == 2
    ledger.update_stock("", [stock_of("A", "N1", 0)])
    assert ledger.update_stock("feed-1", updates) == 2
    assert ledger.version() == 3
    with pytest.raises(RequestIdReused) as raised:
        ledger.update_stock("feed-1", updates[:1])
    assert raised.value.metadata == {"request_id": "feed-1"}
    assert ledger.update_stock("", updates) == 5
    assert ledger.update_stock("", updates) == 7, "an empty request_id is never a retry"
    assert ledger.update_stock("feed-2", []) == 7


@pytest.mark.parametrize(
    "other",
    [
        StockUpdate(sku_id="A", node_id="N1", on_hand=6),
        StockUpdate(sku_id="A", node_id="N1", on_hand=5, relative=True),
        StockUpdate(sku_id="A", node_id="N1", on_hand=5, safety_stock=0),
        StockUpdate(sku_id="A", node_id="N1", on_hand=5, new_row_safety_stock=1),
        StockUpdate(sku_id="AN", node_id="1", on_hand=5),
    ],
)
def test_every_field_counts_as_content(ledger: Ledger, other: StockUpdate) -> None:
    ledger.update_stock("feed-1", [stock_of("A", "N1", 5)])
    with pytest.raises(RequestIdReused):
        ledger.update_stock("feed-1", [other])
    assert ledger.version() == 1


def test_request_ids_of_feeds_and_orders_do_not_meet(ledger: Ledger) -> None:
    ledger.update_stock("q", [stock_of("A", "N1", 5)])
    assert ledger.reserve(request(hold("A", "N1", 1), request_id="q")).code is ReserveCode.HELD


def test_changes_come_in_pages(ledger: Ledger) -> None:
    ledger.update_stock("", [stock_of("A", f"N{i}", i + 1) for i in range(7)])
    everything = all_changes(ledger)
    assert [change.version for change in everything] == [1, 2, 3, 4, 5, 6, 7]
    assert ledger.changes(0, 3) + ledger.changes(3, 3) + ledger.changes(6, 3) == everything
    assert ledger.changes(-5, 2) == everything[:2]
    assert (ledger.changes(7), ledger.changes(99), ledger.changes(0, 0), ledger.changes(0, -1)) == (
        [],
        [],
        [],
        [],
    )


def test_columns_are_sorted_and_small(ledger: Ledger) -> None:
    ledger.update_stock("", [stock_of("b", "N2", 4, 1), stock_of("é", "N1", 7), stock_of("B", "N2", 2)])
    ledger.update_stock("", [stock_of("b", "N1", 5), stock_of("b", "N10", 6)])
    columns = ledger.columns()
    assert (columns.sku_ids, columns.node_ids) == (["B", "b", "é"], ["N1", "N10", "N2"])
    assert columns.sku_ix.tolist() == [0, 1, 1, 1, 2]
    assert columns.node_ix.tolist() == [2, 0, 1, 2, 0]
    assert columns.available.tolist() == [2, 5, 6, 3, 7]
    assert {c.dtype for c in (columns.sku_ix, columns.node_ix, columns.available)} == {np.dtype(np.int32)}
    assert columns.version == 5


def test_the_largest_figures_fit(ledger: Ledger) -> None:
    most = 10**9
    ledger.update_stock("", [stock_of("A", "N1", most)])
    ledger.reserve(request(hold("A", "N1", most)))
    ledger.update_stock("", [stock_of("A", "N1", 0, most)])
    assert ledger.columns().available.tolist() == [-2 * most]


def test_ids_may_hold_any_text(ledger: Ledger) -> None:
    odd = ["'; DROP TABLE stock; --", "a\x00b", "a", " a", "日本", '"[1]"', "%"]
    ledger.update_stock("", [stock_of(text, text, i + 1) for i, text in enumerate(odd)])
    for i, text in enumerate(odd):
        assert [row.on_hand for row in ledger.stock(text, odd)] == [i + 1]
        outcome = ledger.reserve(request(hold(text, text, i + 1), request_id=text))
        assert outcome.code is ReserveCode.HELD
        assert outcome.reservation == ledger.find(held_id(outcome))
    audit(ledger, odd)
