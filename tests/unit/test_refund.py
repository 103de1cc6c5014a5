"""Which shipment returned units came from, and what of its carriage goes with them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import InvalidInput
from router.refund import draws, refund_lines
from router.returns_domain import OriginalPick, OriginalShipment, RefundLine, ReturnItem
from tests.return_shop import COSTS, asked, best, ranked, rules_of, with_nodes


def shipment(node_id: str, *picks: tuple[str, str, int, int], cents: int = 100) -> OriginalShipment:
    """picks: line, SKU, units, cents of one."""
    return OriginalShipment(
        node_id=node_id,
        service_id="out",
        shipping_cents=cents,
        picks=tuple(
            OriginalPick(line_id=line, sku_id=sku, quantity=units, unit_value_cents=value)
            for line, sku, units, value in picks
        ),
    )


def item(line: str, sku: str, units: int, **more: object) -> ReturnItem:
    return replace(ReturnItem(line_id=line, sku_id=sku, quantity=units), **more)


def refunds(items: list[ReturnItem], *original: OriginalShipment) -> tuple[RefundLine, ...]:
    return refund_lines(items, original, draws(items, original), lambda pick: pick.unit_value_cents or 0)


def taken(lines: tuple[RefundLine, ...]) -> list[tuple[str, int, int]]:
    """Line, shipment, units."""
    return [(line.line_id, line.shipment_ix, line.quantity) for line in lines]


def test_units_come_from_the_shipments_in_their_order() -> None:
    """Five were sent, two and three; four come back: two and two, as AbanteCart's issue 1275 asks for."""
    sent = (shipment("usa", ("1", "A", 2, 10)), shipment("canada", ("1", "A", 3, 10), cents=301))
    found = refunds([item("1", "A", 4)], *sent)
    assert [(line.node_id, line.quantity) for line in found] == [("usa", 2), ("canada", 2)]
    assert [(line.goods_cents, line.shipping_cents) for line in found] == [(20, 100), (20, 200)]


def test_units_may_go_back_to_each_node_that_sent_them() -> None:
    """Under follow_source each portion of the line goes home."""
    sent = (shipment("depot", ("1", "coat", 2, 10)), shipment("workshop", ("1", "coat", 3, 10)))
    plan = best(
        asked(item("1", "coat", 4), original=sent),
        rules_of(*COSTS, {"kind": "follow_source", "cents": 2_000}),
    )
    assert [(part.node_id, sum(u.quantity for u in part.units)) for part in plan.parts] == [
        ("depot", 2),
        ("workshop", 2),
    ]
    assert plan.cost.follow_source_cents == 8_000


def test_the_line_of_the_order_counts_before_the_sku() -> None:
    """Line 2 has its own pick; a line of another name takes what is left of the SKU."""
    sent = (shipment("a", ("1", "A", 1, 10), ("2", "A", 1, 99)),)
    assert taken(refunds([item("x", "A", 1), item("2", "A", 1)], *sent)) == [("x", 0, 1), ("2", 0, 1)]
    [line] = refunds([item("2", "A", 1)], *sent)
    assert (line.unit_value_cents, line.shipping_cents) == (99, 91)  # 109 in all; from 10 to 109: 100 - 9


def test_what_came_back_before_is_passed_over() -> None:
    sent = (shipment("a", ("1", "A", 2, 10)), shipment("b", ("1", "A", 3, 10)))
    assert taken(refunds([item("1", "A", 2, returned_before=1)], *sent)) == [("1", 0, 1), ("1", 1, 1)]
    assert taken(refunds([item("1", "A", 1, returned_before=4)], *sent)) == [("1", 1, 1)]


def test_a_stated_node_or_value_counts() -> None:
    sent = (shipment("a", ("1", "A", 2, 10)), shipment("b", ("1", "A", 3, 10)))
    [line] = refunds([item("1", "A", 2, original_node_id="b", unit_value_cents=7)], *sent)
    assert (line.shipment_ix, line.unit_value_cents, line.goods_cents) == (1, 7, 14)


def test_goods_without_value_share_by_units() -> None:
    sent = (shipment("a", ("1", "A", 1, 0), ("2", "B", 2, 0)),)
    assert [line.shipping_cents for line in refunds([item("1", "A", 1), item("2", "B", 2)], *sent)] == [
        33,
        67,
    ]


def test_more_than_was_sent_is_a_mistake_of_that_line() -> None:
    sent = (shipment("a", ("1", "A", 2, 10)),)
    with pytest.raises(InvalidInput) as raised:
        refunds([item("1", "A", 2, returned_before=1), item("2", "B", 1)], *sent)
    assert [v.field for v in raised.value.violations] == ["items[0].quantity", "items[1].quantity"]
    assert "leaves 2 for this line" in raised.value.violations[0].message
    with pytest.raises(InvalidInput):
        ranked(
            asked(item("1", "coat", 3), original=(shipment("depot", ("1", "coat", 2, 10)),)),
            rules_of(*COSTS),
            with_nodes(),
        )


@given(
    values=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 50)), min_size=1, max_size=4),
    cents=st.integers(0, 1_000),
    data=st.data(),
)
def test_shares_add_up_however_the_goods_come_back(
    values: list[tuple[int, int]], cents: int, data: st.DataObject
) -> None:
    picks = [(str(i), "A", units, value) for i, (units, value) in enumerate(values)]
    sent = shipment("a", *picks, cents=cents)
    total = 0
    back: Counter[str] = Counter()
    while rest := [(line, sku, units - back[line]) for line, sku, units, _ in picks if units > back[line]]:
        line, sku, left = data.draw(st.sampled_from(rest))
        units = data.draw(st.integers(1, left))
        [refund] = refunds([item(line, sku, units, returned_before=back[line])], sent)
        assert refund.quantity == units
        total += refund.shipping_cents
        back[line] += units
    assert total == cents
