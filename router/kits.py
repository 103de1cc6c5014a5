"""Kits: SKUs that are made of others (docs/cost-model.md, "Kits"). An order is decided as one for components,
and answered as one for kits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod

from router.catalogue import Catalogue, Kit
from router.domain import Delivery, LineFill, Order, OrderLine, Plan
from router.errors import Violation

Kits = Mapping[str, Kit]
"""By SKU id."""


def with_components(order: Order, kits: Kits) -> Order:
    """The order with the components of all its kits; itself if it has none."""
    if not any(line.sku_id in kits for line in order.lines):
        return order
    return replace(
        order, lines=tuple(x for line in order.lines for x in _components(line, kits, line.quantity))
    )


def kit_scenarios(order: Order, kits: Kits, most: int, *, partial: bool) -> Iterator[Order]:
    """The order with components of so many kits of each line as may be sent: all of them first. partial: some
    may be left out; with more ways than ``most`` to do so only whole lines may."""
    ordered = [line.quantity if line.sku_id in kits else 0 for line in order.lines]
    pairs = list(zip(ordered, (line.fill for line in order.lines), strict=True))
    least_of = [n if fill is LineFill.FILL_OR_KILL or not partial else 0 for n, fill in pairs]
    steps = [max(1, n) if fill is LineFill.WHOLE else 1 for n, fill in pairs]
    counts: list[Sequence[int]] = [
        range(n, least - 1, -step) for n, least, step in zip(ordered, least_of, steps, strict=True)
    ]
    if prod(map(len, counts)) > most:
        counts = [sorted({n, least}, reverse=True) for n, least in zip(ordered, least_of, strict=True)]
    if prod(map(len, counts)) > most:
        counts = [[n] for n in ordered]
    for sent in product(*counts):
        each = zip(order.lines, sent, strict=True)
        lines = tuple(x for line, count in each for x in _components(line, kits, count))
        if lines:
            yield replace(order, lines=lines, deliveries=_of_lines(order, lines))


def _of_lines(order: Order, lines: Sequence[OrderLine]) -> tuple[Delivery, ...]:
    """The deliveries that still have some."""
    named = {line.delivery_id for line in lines}
    several = len(order.deliveries) > 1
    return tuple(d for d in order.deliveries if d.delivery_id in named or not several)


def _components(line: OrderLine, kits: Kits, count: int) -> list[OrderLine]:
    """A line as it is decided: a line for each component, all of it or nothing; none for no kits."""
    kit = kits.get(line.sku_id)
    if kit is None:
        return [line]
    return [
        replace(
            line,
            line_id=f"{line.line_id}/{sku_id}",
            sku_id=sku_id,
            quantity=units * count,
            unit_value_cents=None,
            together=line.together or ("" if kit.apart else f"kit {line.line_id}"),
            fill=LineFill.FILL_OR_KILL,
            kit_line_id=line.line_id,
        )
        for sku_id, units in kit.components
        if count
    ]


def told_in_kits(plan: Plan, served: Order, order: Order) -> Plan:
    """A plan for an order with components as one for the lines of the order that was asked for."""
    asked = {line.line_id for line in order.lines}
    lines = {x.line_id: x.line_id if x.line_id in asked else x.kit_line_id for x in served.lines}
    shipments = tuple(
        replace(s, picks=tuple(replace(pick, line_id=lines[pick.line_id]) for pick in s.picks))
        for s in plan.shipments
    )
    return replace(plan, shipments=shipments)


def filled_units(order: Order, plan: Plan, kits: Kits) -> dict[str, int]:
    """By line what is sent of it: units, and of kits how many of them."""
    units: Counter[tuple[str, str]] = Counter()
    for shipment in plan.shipments:
        for pick in shipment.picks:
            units[pick.line_id, pick.sku_id] += pick.quantity
    found = {}
    for line in order.lines:
        kit = kits.get(line.sku_id)
        if kit is not None:
            found[line.line_id] = min(units[line.line_id, sku_id] // n for sku_id, n in kit.components)
        else:
            found[line.line_id] = sum(n for (line_id, _), n in units.items() if line_id == line.line_id)
    return found


def kit_violations(order: Order, catalogue: Catalogue) -> list[Violation]:
    """What lines say of kits that has no meaning."""
    found = []
    for i, line in enumerate(order.lines):
        for j, sku_id in enumerate(line.substitutes):
            if sku_id in catalogue.kits:
                path = f"order.lines[{i}].substitutes[{j}]"
                found.append(Violation(path, f"{sku_id!r} is a kit, which is no substitute"))
        if line.substitutes and line.sku_id in catalogue.kits:
            found.append(Violation(f"order.lines[{i}].substitutes", f"{line.sku_id!r} is a kit: it has none"))
    return found
