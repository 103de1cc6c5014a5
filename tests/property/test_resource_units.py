"""What is kept, let go and asked for again after rejections, against a model that looks at every unit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from router.domain import Destination, Exclusion, FromReceipt, Order, OrderLine, Pick
from router.resource import Refused, Resourcing, Sent, resource, violations
from router.rules.resource_model import ResourceRules

NOW = 1_750_000_000
NODES = ("A", "B")
PLACE = Destination(country="FR", latitude=48.0, longitude=2.0)


@dataclass
class Unit:
    """One unit of a shipment."""

    shipment: int
    node_id: str
    line_id: str
    sku_id: str
    source: int
    """0 on hand, an instant for a receipt, -1 backordered."""
    shipped: bool
    gone: bool = False


def orders() -> st.SearchStrategy[Order]:
    line = st.tuples(st.sampled_from("KLM"), st.integers(1, 6), st.sampled_from(["", "", "g", "h"]))
    return st.lists(line, min_size=1, max_size=4).map(
        lambda lines: Order(
            order_id="o",
            lines=tuple(
                OrderLine(line_id=f"{i}", sku_id=sku, quantity=n, together=group)
                for i, (sku, n, group) in enumerate(lines)
            ),
            destination=PLACE,
        )
    )


@st.composite
def shipments(draw: st.DrawFn, order: Order) -> tuple[Sent, ...]:
    """Some of the order, from anywhere in any way."""
    left = {line.line_id: line.quantity for line in order.lines}
    found = []
    for _ in range(draw(st.integers(1, 4))):
        picks = []
        for line in order.lines:
            quantity = draw(st.integers(0, left[line.line_id]))
            left[line.line_id] -= quantity
            later = draw(st.integers(0, quantity)) if draw(st.booleans()) else 0
            backordered = draw(st.integers(0, later))
            first = draw(st.integers(0, later - backordered))
            receipts = tuple(
                FromReceipt(expected_seconds=NOW + i, quantity=n)
                for i, n in enumerate((first, later - backordered - first), 1)
                if n
            )
            if quantity:
                picks.append(
                    Pick(
                        line_id=line.line_id,
                        sku_id=line.sku_id,
                        quantity=quantity,
                        receipts=receipts,
                        backordered_quantity=backordered,
                    )
                )
        if picks:
            node, shipped = draw(st.sampled_from(NODES)), draw(st.integers(0, 3)) == 0
            found.append(Sent(node_id=node, picks=tuple(picks), shipped=shipped))
    return tuple(found)


@st.composite
def rejections(draw: st.DrawFn, order: Order) -> Refused:
    line_id = draw(st.sampled_from(["", *(line.line_id for line in order.lines)]))
    return Refused(
        node_id=draw(st.sampled_from(NODES)),
        line_id=line_id,
        quantity=draw(st.integers(0, 3)) if line_id else 0,
        reason=draw(st.sampled_from(["NOT_FOUND", "DAMAGED", "BUSY"])),
        at_seconds=NOW - draw(st.sampled_from([0, 60, 3600])),
    )


def units_of(order: Order, sent: tuple[Sent, ...]) -> list[Unit]:
    """In the order in which they are let go."""
    found = []
    for i, shipment in enumerate(sent):
        for pick in shipment.picks:
            sources = [0] * pick.on_hand_quantity
            sources += [r.expected_seconds for r in pick.receipts for _ in range(r.quantity)]
            sources += [-1] * pick.backordered_quantity
            found += [
                Unit(i, shipment.node_id, pick.line_id, pick.sku_id, source, shipment.shipped)
                for source in sources
            ]
    return found


def let_go(order: Order, units: list[Unit], refused: list[Refused]) -> None:
    for refusal in refused:
        left = refusal.quantity or len(units)
        for unit in units:
            about = unit.node_id == refusal.node_id and refusal.line_id in ("", unit.line_id)
            if about and not unit.shipped and not unit.gone and left:
                unit.gone = True
                left -= 1
    group = {line.line_id: line.together for line in order.lines}
    gone = {(unit.shipment, group[unit.line_id]) for unit in units if unit.gone and group[unit.line_id]}
    for unit in units:
        unit.gone |= (unit.shipment, group[unit.line_id]) in gone


def counted(found: tuple[Sent, ...]) -> Counter[tuple[str, str, str, int]]:
    """Units by node, line, SKU and source."""
    units: Counter[tuple[str, str, str, int]] = Counter()
    for shipment in found:
        for pick in shipment.picks:
            key = (shipment.node_id, pick.line_id, pick.sku_id)
            units[*key, 0] += pick.on_hand_quantity
            units[*key, -1] += pick.backordered_quantity
            for receipt in pick.receipts:
                units[*key, receipt.expected_seconds] += receipt.quantity
    return +units


def check(
    order: Order, sent: tuple[Sent, ...], refused: list[Refused], rules: ResourceRules, found: Resourcing
) -> None:
    units = units_of(order, sent)
    let_go(order, units, refused)
    for gone, told in ((True, found.let_go), (False, found.kept)):
        expected = Counter((u.node_id, u.line_id, u.sku_id, u.source) for u in units if u.gone == gone)
        assert counted(told) == expected
    kept = Counter(unit.line_id for unit in units if not unit.gone)
    missing = {x.line_id: x.quantity - kept[x.line_id] for x in order.lines if x.quantity > kept[x.line_id]}
    assert (
        {x.line_id: x.quantity for x in found.remainder.lines} == missing if found.remainder else not missing
    )
    if found.remainder is not None:
        check_exclusions(order, refused, rules, found.remainder.exclusions)


def check_exclusions(
    order: Order, refused: list[Refused], rules: ResourceRules, told: tuple[Exclusion, ...]
) -> None:
    """Second by second around the ends: who is asked for what?"""
    ends = [r.at_seconds + 60 * rules.exclude_minutes for r in refused]
    for now in {NOW, *(end - 1 for end in ends), *ends}:
        for node_id in NODES:
            for line in order.lines:
                barred = any(
                    r.node_id == node_id
                    and now < r.at_seconds + 60 * rules.exclude_minutes
                    and (
                        rules.exclude == "node"
                        or not r.line_id
                        or line.sku_id in {x.sku_id for x in order.lines if x.line_id == r.line_id}
                    )
                    for r in refused
                )
                excluded = any(
                    e.node_id == node_id and e.sku_id in ("", line.sku_id) and now < (e.until_seconds or 0)
                    for e in told
                )
                assert excluded == barred or now < NOW


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_every_unit_goes_where_the_model_says(data: st.DataObject) -> None:
    order = data.draw(orders())
    sent = data.draw(shipments(order))
    refused = data.draw(st.lists(rejections(order), min_size=1, max_size=3))
    rules = ResourceRules(
        exclude_minutes=data.draw(st.sampled_from([0, 1, 30, 120])),
        exclude=data.draw(st.sampled_from(["sku", "node"])),
    )
    if [*violations(order, sent, refused, (), NOW)]:
        return
    check(order, sent, refused, rules, resource(order, sent, refused, (), rules, NOW))
