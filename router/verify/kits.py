"""Orders of kits as orders of their components, as a plan serves them: docs/cost-model.md, "Kits"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from router.domain import LineFill, Order, OrderLine, Plan
from router.verify.facts import KitFacts, SkuFacts


def in_components(
    order: Order, plan: Plan, sku_of: Callable[[str], SkuFacts]
) -> tuple[Order, Plan, dict[str, int], list[str]]:
    """The order and the plan with lines of components in the place of kits, of so many kits as the plan
    sends; how many that are, by line; and what is wrong with them."""
    kits = {line.line_id: kit for line in order.lines if (kit := sku_of(line.sku_id).kit) is not None}
    if not kits:
        return order, plan, {}, []
    sent: Counter[tuple[str, str]] = Counter()
    for shipment in plan.shipments:
        for pick in shipment.picks:
            sent[pick.line_id, pick.sku_id] += pick.quantity
    counts: dict[str, int] = {}
    found: list[str] = []
    for line_id, kit in kits.items():
        units = {sku_id: n for (of, sku_id), n in sent.items() if of == line_id}
        wanted = dict(kit.components)
        counts[line_id] = min(units.get(sku_id, 0) // n for sku_id, n in wanted.items())
        right = {sku_id: n * counts[line_id] for sku_id, n in wanted.items() if counts[line_id]}
        if units != right:
            found.append(f"line {line_id!r}: {units} units of components are no whole kits")
    lines: list[OrderLine] = []
    for line in order.lines:
        kit = kits.get(line.line_id)
        lines += [line] if kit is None else _components(line, kit, counts[line.line_id])
    shipments = tuple(
        replace(
            s,
            picks=tuple(
                replace(p, line_id=_name(p.line_id, p.sku_id)) if p.line_id in kits else p for p in s.picks
            ),
        )
        for s in plan.shipments
    )
    return replace(order, lines=tuple(lines)), replace(plan, shipments=shipments), counts, found


def all_in_components(order: Order, sku_of: Callable[[str], SkuFacts]) -> Order:
    """The order with lines of components in the place of all its kits."""
    lines: list[OrderLine] = []
    for line in order.lines:
        kit = sku_of(line.sku_id).kit
        lines += [line] if kit is None else _components(line, kit, line.quantity)
    return replace(order, lines=tuple(lines))


def _components(line: OrderLine, kit: KitFacts, count: int) -> list[OrderLine]:
    together = line.together or ("" if kit.apart else f"kit {line.line_id}")
    return [
        replace(
            line,
            line_id=_name(line.line_id, sku_id),
            sku_id=sku_id,
            quantity=n * count,
            unit_value_cents=None,
            together=together,
            fill=LineFill.FILL_OR_KILL,
        )
        for sku_id, n in kit.components
        if count
    ]


def _name(line_id: str, sku_id: str) -> str:
    return f"{line_id}/{sku_id}"
