"""Which original shipment each returned unit came from, and what of that shipment's carriage it carried.

The units of a shipment stand in the order of its picks. A returned line takes the units of its own order line
(or else of its SKU) in the order of the shipments; what came back before is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from router.errors import InvalidInput, Violation
from router.returns_domain import OriginalPick, OriginalShipment, RefundLine, ReturnItem


@dataclass(frozen=True, slots=True)
class Draw:
    """``units`` of a pick, from its unit ``first`` on; rows of item, shipment and pick."""

    item: int
    shipment: int
    pick: int
    first: int
    units: int


def draws(items: Sequence[ReturnItem], original: Sequence[OriginalShipment]) -> list[Draw]:
    """Where the units of each item came from, by item. Lines of the original order choose first.

    Raises InvalidInput naming every item that has more units than were sent.
    """
    sent_lines = {(p.line_id, p.sku_id) for shipment in original for p in shipment.picks}
    used: dict[tuple[int, int], int] = {}
    found: list[Draw] = []
    wrong: dict[int, Violation] = {}

    def take(ix: int, units: int) -> list[Draw]:
        item, taken = items[ix], []
        for s, shipment in enumerate(original):
            if item.original_node_id not in ("", shipment.node_id):
                continue
            for p, pick in enumerate(shipment.picks):
                own = (item.line_id, item.sku_id) in sent_lines
                if pick.sku_id != item.sku_id or (own and pick.line_id != item.line_id):
                    continue
                first = used.get((s, p), 0)
                count = min(units, pick.quantity - first)
                if count > 0:
                    used[s, p] = first + count
                    taken.append(Draw(ix, s, p, first, count))
                    units -= count
        return taken

    order = sorted(range(len(items)), key=lambda i: (items[i].line_id, items[i].sku_id) not in sent_lines)
    for ix in order:
        item = items[ix]
        before = sum(draw.units for draw in take(ix, item.returned_before))
        now = take(ix, item.quantity)
        sent = before + sum(draw.units for draw in now)
        if sent < item.returned_before + item.quantity:
            message = (
                f"{item.quantity} units of {item.sku_id!r} come back after {item.returned_before} earlier; "
                f"the original decision leaves {sent} for this line"
            )
            wrong[ix] = Violation(f"items[{ix}].quantity", message)
        found += now
    if wrong:
        raise InvalidInput([wrong[ix] for ix in sorted(wrong)])
    return sorted(found, key=lambda draw: (draw.item, draw.shipment, draw.pick))


def refund_lines(
    items: Sequence[ReturnItem],
    original: Sequence[OriginalShipment],
    drawn: Sequence[Draw],
    value_of: Callable[[OriginalPick], int],
) -> tuple[RefundLine, ...]:
    """One line per draw. ``value_of`` a pick: cents of one unit as it was sold."""
    return tuple(_refund_line(items[draw.item], original, draw, value_of) for draw in drawn)


def _refund_line(
    item: ReturnItem,
    original: Sequence[OriginalShipment],
    draw: Draw,
    value_of: Callable[[OriginalPick], int],
) -> RefundLine:
    shipment = original[draw.shipment]
    value = value_of(shipment.picks[draw.pick]) if item.unit_value_cents is None else item.unit_value_cents
    return RefundLine(
        line_id=item.line_id,
        sku_id=item.sku_id,
        quantity=draw.units,
        shipment_ix=draw.shipment,
        node_id=shipment.node_id,
        service_id=shipment.service_id,
        unit_value_cents=value,
        goods_cents=value * draw.units,
        shipping_cents=shipping_share(shipment, draw, value_of),
    )


def shipping_share(shipment: OriginalShipment, draw: Draw, value_of: Callable[[OriginalPick], int]) -> int:
    """The drawn units' part of what the shipment's carriage cost: by value, or by units where nothing has
    any. Each unit's share depends on its place in the shipment alone, so that all of them add up exactly."""
    values = [value_of(pick) for pick in shipment.picks]
    whole = sum(v * p.quantity for v, p in zip(values, shipment.picks, strict=True))
    if whole == 0:
        values = [1] * len(values)
        whole = sum(p.quantity for p in shipment.picks)
    before = sum(v * p.quantity for v, p in zip(values[: draw.pick], shipment.picks, strict=False))
    start = before + values[draw.pick] * draw.first
    stop = start + values[draw.pick] * draw.units
    return shipment.shipping_cents * stop // whole - shipment.shipping_cents * start // whole
