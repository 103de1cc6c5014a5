"""Which units a return is made of, one by one: where each came from, its value, its share of the carriage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from router.returns_domain import OriginalPick, RefundLine, Return, ReturnItem
from router.verify.facts import SkuFacts


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of an original shipment. place: how many units of the shipment stand before it."""

    shipment_ix: int
    pick_ix: int
    place: int
    pick: OriginalPick


@dataclass(frozen=True, slots=True)
class Source:
    """Units of a line that one node sent (empty: not known) and that are worth the same each."""

    line_id: str
    node_id: str
    unit_value_cents: int


def units_of(request: Return) -> dict[str, list[Unit]]:
    """Line id -> its units in the original shipments, those that came back before left out."""
    left: list[Unit] = []
    for s, shipment in enumerate(request.original):
        place = 0
        for p, pick in enumerate(shipment.picks):
            left += [Unit(s, p, place + i, pick) for i in range(pick.quantity)]
            place += pick.quantity
    ordered = {(unit.pick.line_id, unit.pick.sku_id) for unit in left}

    def fits(item: ReturnItem, unit: Unit) -> bool:
        node_id = request.original[unit.shipment_ix].node_id
        own_line = (item.line_id, item.sku_id) in ordered
        return (
            unit.pick.sku_id == item.sku_id
            and item.original_node_id in ("", node_id)
            and (not own_line or unit.pick.line_id == item.line_id)
        )

    found: dict[str, list[Unit]] = {}
    of_order = [item for item in request.items if (item.line_id, item.sku_id) in ordered]
    for item in [*of_order, *(item for item in request.items if item not in of_order)]:
        own = [unit for unit in left if fits(item, unit)][: item.returned_before + item.quantity]
        left = [unit for unit in left if unit not in own]
        found[item.line_id] = own[item.returned_before :]
    return found


def sources_of(request: Return, sku_of: Callable[[str], SkuFacts]) -> Counter[Source]:
    """Units by source: each stays whole."""
    found: Counter[Source] = Counter()
    units = units_of(request) if request.original else {}
    for item in request.items:
        known = units.get(item.line_id, [])
        for unit in known:
            value = _value(item, unit.pick, sku_of)
            found[Source(item.line_id, request.original[unit.shipment_ix].node_id, value)] += 1
        if not request.original:
            stated = item.unit_value_cents
            value = sku_of(item.sku_id).unit_value_cents if stated is None else stated
            found[Source(item.line_id, item.original_node_id, value)] += item.quantity
    return found


def refund_complaints(
    request: Return, refunds: tuple[RefundLine, ...], sku_of: Callable[[str], SkuFacts]
) -> list[str]:
    """Refund lines are one for each line and pick, with the exact share of the carriage."""
    right: list[RefundLine] = []
    units = units_of(request) if request.original else {}
    for item in request.items:
        by_pick: dict[tuple[int, int], list[Unit]] = {}
        for unit in units.get(item.line_id, []):
            by_pick.setdefault((unit.shipment_ix, unit.pick_ix), []).append(unit)
        for (s, _), own in by_pick.items():
            shipment, value = request.original[s], _value(item, own[0].pick, sku_of)
            right.append(
                RefundLine(
                    line_id=item.line_id,
                    sku_id=item.sku_id,
                    quantity=len(own),
                    shipment_ix=s,
                    node_id=shipment.node_id,
                    service_id=shipment.service_id,
                    unit_value_cents=value,
                    goods_cents=value * len(own),
                    shipping_cents=sum(_share(request, unit, sku_of) for unit in own),
                )
            )
    return [] if list(refunds) == right else [f"refunds are {refunds}, should be {right}"]


def _value(item: ReturnItem, pick: OriginalPick, sku_of: Callable[[str], SkuFacts]) -> int:
    if item.unit_value_cents is not None:
        return item.unit_value_cents
    return _sold_for(pick, sku_of)


def _sold_for(pick: OriginalPick, sku_of: Callable[[str], SkuFacts]) -> int:
    return sku_of(pick.sku_id).unit_value_cents if pick.unit_value_cents is None else pick.unit_value_cents


def _share(request: Return, unit: Unit, sku_of: Callable[[str], SkuFacts]) -> int:
    """What of the shipment's carriage falls to one unit: the cents that its stretch of the value reaches."""
    shipment = request.original[unit.shipment_ix]
    values = [_sold_for(pick, sku_of) for pick in shipment.picks for _ in range(pick.quantity)]
    if not any(values):
        values = [1] * len(values)
    before, whole = sum(values[: unit.place]), sum(values)
    ends = (Fraction(at, whole) for at in (before, before + values[unit.place]))
    start, stop = (floor(shipment.shipping_cents * end) for end in ends)
    return stop - start
