"""Feeds: what comes again or too late is counted and left out, row by row."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from router.errors import InvalidInput
from router.ledger import FeedOutcome, Ledger, StockUpdate
from tests.contract.ledger_tools import adjusted, all_changes, audit, stock_of


def nth(sequence: int, update: StockUpdate) -> StockUpdate:
    return replace(update, sequence=sequence)


def on_hand(ledger: Ledger, sku_id: str) -> dict[str, int]:
    return {row.node_id: row.on_hand for row in ledger.stock(sku_id)}


def test_of_each_row_the_last_word_counts(ledger: Ledger) -> None:
    first = [
        nth(5, stock_of("A", "N1", 10)),
        nth(5, stock_of("A", "N2", 20)),
        nth(6, stock_of("A", "N1", 11)),
    ]
    assert ledger.feed("wms", first) == FeedOutcome(version=2)
    assert on_hand(ledger, "A") == {"N1": 11, "N2": 20}
    assert ledger.feed("wms", first) == FeedOutcome(version=2, late_count=1, duplicate_count=2)
    late = [nth(4, stock_of("A", "N2", 99)), nth(7, stock_of("A", "N1", 12)), nth(1, stock_of("B", "N1", 3))]
    assert ledger.feed("wms", late) == FeedOutcome(version=4, late_count=1)
    assert on_hand(ledger, "A") == {"N1": 12, "N2": 20}
    assert {change.reference for change in all_changes(ledger)} == {"wms"}


def test_feeds_count_by_themselves(ledger: Ledger) -> None:
    assert ledger.feed("shop", [nth(9, stock_of("A", "N1", 10))]).version == 1
    assert ledger.feed("wms", [nth(1, stock_of("A", "N1", 4))]) == FeedOutcome(version=2)
    assert on_hand(ledger, "A") == {"N1": 4}


def test_changes_are_added_once(ledger: Ledger) -> None:
    ledger.feed("tills", [nth(1, adjusted("A", "N1", 10))])
    sold = [nth(2, adjusted("A", "N1", -3)), nth(3, adjusted("A", "N1", -1))]
    for again in (0, 2, 2):
        assert ledger.feed("tills", sold[:2]).duplicate_count + ledger.feed("tills", []).late_count <= again
    assert on_hand(ledger, "A") == {"N1": 6}


def test_a_call_that_is_refused_brought_nothing(ledger: Ledger) -> None:
    ledger.feed("tills", [nth(1, adjusted("A", "N1", 1))])
    with pytest.raises(InvalidInput) as refused:
        ledger.feed("tills", [nth(1, adjusted("A", "N1", 1)), nth(2, adjusted("A", "N1", -5))])
    assert [violation.field for violation in refused.value.violations] == ["updates[1].on_hand"]
    assert ledger.feed("tills", [nth(2, adjusted("A", "N1", -1))]) == FeedOutcome(version=2)
    assert on_hand(ledger, "A") == {"N1": 0}


@pytest.mark.parametrize("seed", range(3))
def test_a_feed_that_is_shuffled_and_repeated_ends_at_the_same_stock(ledger: Ledger, seed: int) -> None:
    rng = random.Random(seed)
    rows = [(sku, node) for sku in "ABC" for node in ("N1", "N2")]
    news = [nth(n, stock_of(*row, rng.randrange(50))) for row in rows for n in range(1, 9)]
    last = {(u.sku_id, u.node_id): u.on_hand for u in news}
    sent = [rng.choice(news) for _ in range(30)] + news
    rng.shuffle(sent)
    ignored = brought = 0
    while sent:
        call = [sent.pop() for _ in range(min(len(sent), rng.randrange(1, 9)))]
        outcome = ledger.feed("wms", call)
        ignored += outcome.late_count + outcome.duplicate_count
        brought += len(call)
    assert {(sku, node): units for sku in "ABC" for node, units in on_hand(ledger, sku).items()} == last
    assert 30 <= ignored <= brought - len(rows)
    audit(ledger, list("ABC"))
