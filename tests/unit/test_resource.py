"""Sourcing again: attempts, corrections, groups and what is wrong with a request, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.domain import Delivery, Destination, Exclusion, Order, OrderLine, Pick
from router.ledger import Correction
from router.resource import Refused, Sent, resource, violations
from router.rules.resource_model import ResourceRules

NOW = 1_750_000_000
HOME = Destination(country="FR", latitude=48.0, longitude=2.0)
ORDER = Order(
    order_id="o",
    lines=(
        OrderLine(line_id="1", sku_id="K", quantity=3),
        OrderLine(line_id="2", sku_id="L", quantity=1),
    ),
    destination=HOME,
)


def pick(line_id: str, sku_id: str, quantity: int) -> Pick:
    return Pick(line_id=line_id, sku_id=sku_id, quantity=quantity)


SENT = (
    Sent(node_id="A", picks=(pick("1", "K", 2), pick("2", "L", 1))),
    Sent(node_id="B", picks=(pick("1", "K", 1),)),
)
NOT_THERE = Refused(node_id="A", line_id="1", quantity=1, reason="NOT_FOUND", at_seconds=NOW - 60)


def test_one_unit_of_a_line_is_not_there() -> None:
    found = resource(ORDER, SENT, [NOT_THERE], [], ResourceRules(), NOW)
    assert found.let_go == (Sent(node_id="A", picks=(pick("1", "K", 1),)),)
    assert found.kept == (Sent(node_id="A", picks=(pick("1", "K", 1), pick("2", "L", 1))), SENT[1])
    assert found.remainder == replace(
        ORDER,
        lines=(replace(ORDER.lines[0], quantity=1),),
        exclusions=(Exclusion(node_id="A", sku_id="K", until_seconds=NOW - 60 + 7200),),
    )
    assert found.corrections == (Correction(sku_id="K", node_id="A", gone_units=None),)
    assert (found.attempt, found.max_attempts, found.is_exhausted) == (1, 3, False)


def test_what_is_shipped_stays() -> None:
    sent = (replace(SENT[0], shipped=True), SENT[1])
    everything = Refused(node_id="B", reason="TIMEOUT", at_seconds=NOW)
    found = resource(ORDER, sent, [everything], [], ResourceRules(exclude="node"), NOW)
    assert found.kept == (sent[0],)
    assert found.corrections == ()
    assert found.remainder is not None
    assert found.remainder.exclusions == (Exclusion(node_id="B", until_seconds=NOW + 7200),)


def test_a_group_is_let_go_together() -> None:
    lines = tuple(replace(line, together="set") for line in ORDER.lines)
    found = resource(replace(ORDER, lines=lines), SENT, [NOT_THERE], [], ResourceRules(), NOW)
    assert found.kept == (SENT[1],)
    # The others of the group are there: only of the rejected SKU is there no more.
    assert found.corrections == (Correction(sku_id="K", node_id="A", gone_units=None),)


@pytest.mark.parametrize(
    ("reason", "reasons", "gone"),
    [
        ("DAMAGED", {}, [1]),
        ("BUSY", {}, []),
        ("OTHER", {"OTHER": "set_zero"}, [None]),
        ("NOT_FOUND", {"NOT_FOUND": "none"}, []),
    ],
)
def test_the_reason_corrects_the_stock(reason: str, reasons: dict[str, str], gone: list[int | None]) -> None:
    rules = ResourceRules.model_validate({"reasons": reasons})
    refusal = Refused(node_id="A", line_id="1", quantity=1, reason=reason, at_seconds=NOW)  # type: ignore[arg-type]
    found = resource(ORDER, SENT, [refusal], [], rules, NOW)
    assert [correction.gone_units for correction in found.corrections] == gone


def test_damaged_units_add_up_and_an_empty_shelf_outweighs_them() -> None:
    damaged = replace(NOT_THERE, reason="DAMAGED")
    found = resource(ORDER, SENT, [damaged, damaged], [], ResourceRules(), NOW)
    assert found.corrections == (Correction(sku_id="K", node_id="A", gone_units=2),)
    found = resource(ORDER, SENT, [damaged, NOT_THERE], [], ResourceRules(), NOW)
    assert found.corrections == (Correction(sku_id="K", node_id="A", gone_units=None),)


def test_attempts_are_counted_by_their_times() -> None:
    earlier = [replace(NOT_THERE, at_seconds=NOW - s) for s in (900, 900, 800)]
    assert resource(ORDER, SENT, [NOT_THERE], earlier, ResourceRules(), NOW).attempt == 3
    rules = ResourceRules(max_attempts=2)
    assert resource(ORDER, SENT, [NOT_THERE], earlier, rules, NOW).is_exhausted


def test_earlier_rejections_exclude_until_they_are_old() -> None:
    earlier = [Refused(node_id="C", line_id="1", at_seconds=NOW - age) for age in (7200, 7199)]
    found = resource(ORDER, SENT, [NOT_THERE], earlier, ResourceRules(), NOW)
    assert found.remainder is not None
    assert found.remainder.exclusions[0] == Exclusion(node_id="C", sku_id="K", until_seconds=NOW + 1)


def test_deliveries_without_lines_are_left_out() -> None:
    deliveries = tuple(Delivery(delivery_id=name, destination=HOME) for name in "ab")
    lines = (replace(ORDER.lines[0], delivery_id="a"), replace(ORDER.lines[1], delivery_id="b"))
    order = replace(ORDER, lines=lines, deliveries=deliveries)
    found = resource(order, SENT, [NOT_THERE], [], ResourceRules(), NOW)
    assert found.remainder is not None
    assert found.remainder.deliveries == deliveries[:1]


@pytest.mark.parametrize(
    ("sent", "refused", "expected"),
    [
        ((), (), ["rejections: must not be empty"]),
        (
            (replace(SENT[0], picks=(pick("9", "K", 1), pick("2", "K", 0))),),
            (Refused(node_id="A", line_id="2", at_seconds=NOW),),
            [
                "shipments[0].picks[0].line_id: no line '9' in the order",
                "shipments[0].picks[1].sku_id: 'K' is not that of line '2'",
                "shipments[0].picks[1].quantity: 0 is not a possible number of units",
                "rejections[0].quantity: 'A' was to send 0 units of line '2' that are not shipped",
            ],
        ),
        (
            (*SENT, SENT[1]),
            (NOT_THERE,),
            ["shipments: 4 units of line '1', ordered are 3"],
        ),
        (
            SENT,
            (
                Refused(node_id="A", quantity=1, at_seconds=NOW),
                Refused(node_id="A", line_id="1", quantity=3, at_seconds=NOW),
                Refused(node_id="A", line_id="7", quantity=-1, at_seconds=NOW + 1),
            ),
            [
                "rejections[0].quantity: needs a line",
                "rejections[1].quantity: 'A' was to send 2 units of line '1' that are not shipped",
                "rejections[2].line_id: no line '7' in the order",
                "rejections[2].quantity: -1 is negative",
                "rejections[2].reject_time: lies in the future",
                "rejections[2].quantity: 'A' was to send 0 units of line '7' that are not shipped",
            ],
        ),
    ],
)
def test_what_is_wrong_is_named(
    sent: tuple[Sent, ...], refused: tuple[Refused, ...], expected: list[str]
) -> None:
    assert [str(violation) for violation in violations(ORDER, sent, refused, (), NOW)] == expected
