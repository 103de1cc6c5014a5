"""Sourcing again after a rejection: what is kept, what is let go, and what is to be decided anew
(docs/cost-model.md, "Sourcing again")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from router.domain import Exclusion, FromReceipt, Order, OrderLine, Pick
from router.errors import Violation
from router.ledger import Correction
from router.rules.resource_model import RejectionReason, ResourceRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A shipment of the plan that was held: what of it counts here. shipped: it has left."""

    node_id: str
    picks: tuple[Pick, ...]
    delivery_id: str = ""
    shipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A node's rejection: of a line, or (empty ``line_id``) of all it was to send; of so many units of it, or
    (0) of all."""

    node_id: str
    line_id: str = ""
    quantity: int = 0
    reason: RejectionReason = "OTHER"
    at_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resourcing:
    """kept, let_go: the shipments with what stays in them and with what does not; those without any are left
    out. remainder: None when nothing is missing. attempt: counts from 1."""

    kept: tuple[Sent, ...]
    let_go: tuple[Sent, ...]
    remainder: Order | None
    corrections: tuple[Correction, ...]
    attempt: int
    max_attempts: int

    @property
    def is_exhausted(self) -> bool:
        """Was it sourced again often enough?"""
        return self.attempt > self.max_attempts


def resource(
    order: Order,
    sent: Sequence[Sent],
    refused: Sequence[Refused],
    earlier: Sequence[Refused],
    rules: ResourceRules,
    now_seconds: int,
) -> Resourcing:
    """refused: what happened since the plan was made; earlier: before that. All must be right
    (``violations``)."""
    lost = [Counter[str]() for _ in sent]
    for refusal in refused:
        _lose(lost, sent, refusal)
    lines = {line.line_id: line for line in order.lines}
    for shipment, units in zip(sent, lost, strict=True):
        _lose_groups(units, shipment, lines)
    kept, let_go = [], []
    for shipment, units in zip(sent, lost, strict=True):
        stays, goes = _divided(shipment, units)
        kept += [stays] if stays.picks else []
        let_go += [goes] if goes.picks else []
    return Resourcing(
        kept=tuple(kept),
        let_go=tuple(let_go),
        remainder=_remainder(order, kept, _exclusions(order, (*earlier, *refused), rules, now_seconds)),
        corrections=_corrections(let_go, refused, rules),
        attempt=1 + len({refusal.at_seconds for refusal in earlier}),
        max_attempts=rules.max_attempts,
    )


def violations(
    order: Order,
    sent: Sequence[Sent],
    refused: Sequence[Refused],
    earlier: Sequence[Refused],
    now_seconds: int,
) -> Iterator[Violation]:
    """What is wrong with the parts of a request beside its order."""
    lines = {line.line_id: line for line in order.lines}
    planned: Counter[str] = Counter()
    there: Counter[tuple[str, str]] = Counter()
    for i, shipment in enumerate(sent):
        for j, pick in enumerate(shipment.picks):
            here = f"shipments[{i}].picks[{j}]"
            line = lines.get(pick.line_id)
            if line is None:
                yield Violation(f"{here}.line_id", f"no line {pick.line_id!r} in the order")
            elif line.sku_id != pick.sku_id:
                yield Violation(f"{here}.sku_id", f"{pick.sku_id!r} is not that of line {pick.line_id!r}")
            if pick.quantity < 1 or pick.on_hand_quantity < 0 or pick.backordered_quantity < 0:
                yield Violation(f"{here}.quantity", f"{pick.quantity} is not a possible number of units")
            planned[pick.line_id] += pick.quantity
            if not shipment.shipped:
                there[shipment.node_id, pick.line_id] += pick.quantity
                there[shipment.node_id, ""] += pick.quantity
    for line in order.lines:
        if planned[line.line_id] > line.quantity:
            text = f"{planned[line.line_id]} units of line {line.line_id!r}, ordered are {line.quantity}"
            yield Violation("shipments", text)
    if not refused:
        yield Violation("rejections", "must not be empty")
    for name, said in (("rejections", refused), ("earlier_rejections", earlier)):
        for i, refusal in enumerate(said):
            yield from _of_refusal(f"{name}[{i}]", refusal, lines, now_seconds)
            units = there[refusal.node_id, refusal.line_id]
            if name == "rejections" and (not units or refusal.quantity > units):
                whose = f"of line {refusal.line_id!r} " if refusal.line_id else ""
                text = f"{refusal.node_id!r} was to send {units} units {whose}that are not shipped"
                yield Violation(f"{name}[{i}].quantity", text)


def _of_refusal(
    here: str, refusal: Refused, lines: Mapping[str, OrderLine], now_seconds: int
) -> Iterator[Violation]:
    if refusal.line_id and refusal.line_id not in lines:
        yield Violation(f"{here}.line_id", f"no line {refusal.line_id!r} in the order")
    if refusal.quantity < 0 or (refusal.quantity and not refusal.line_id):
        text = "needs a line" if refusal.quantity > 0 else f"{refusal.quantity} is negative"
        yield Violation(f"{here}.quantity", text)
    if refusal.at_seconds > now_seconds:
        yield Violation(f"{here}.reject_time", "lies in the future")


def _lose(lost: Sequence[Counter[str]], sent: Sequence[Sent], refusal: Refused) -> None:
    """Marks rejected units, shipment after shipment, besides those that others have marked."""
    left = refusal.quantity
    for units, shipment in zip(lost, sent, strict=True):
        if shipment.shipped or shipment.node_id != refusal.node_id:
            continue
        for line_id, there in _units(shipment).items():
            if refusal.line_id in ("", line_id):
                free = there - units[line_id]
                gone = min(left, free) if refusal.quantity else free
                units[line_id] += gone
                left -= gone


def _lose_groups(units: Counter[str], shipment: Sent, lines: Mapping[str, OrderLine]) -> None:
    """What must travel together is let go together."""
    groups = {lines[line_id].together for line_id, gone in units.items() if gone} - {""}
    for line_id, there in _units(shipment).items():
        if lines[line_id].together in groups:
            units[line_id] = there


def _units(shipment: Sent) -> Counter[str]:
    """By line."""
    units: Counter[str] = Counter()
    for pick in shipment.picks:
        units[pick.line_id] += pick.quantity
    return units


def _divided(shipment: Sent, lost: Mapping[str, int]) -> tuple[Sent, Sent]:
    """The shipment with what stays, and with what goes: units that are there first, then what the node
    expects by time, backordered ones last."""
    left = dict(lost)
    stays, goes = [], []
    for pick in shipment.picks:
        gone = min(left.get(pick.line_id, 0), pick.quantity)
        left[pick.line_id] = left.get(pick.line_id, 0) - gone
        first, rest = _split(pick, gone)
        goes += [first] if first.quantity else []
        stays += [rest] if rest.quantity else []
    return replace(shipment, picks=tuple(stays)), replace(shipment, picks=tuple(goes))


def _split(pick: Pick, units: int) -> tuple[Pick, Pick]:
    """The first units of a pick, and the others."""
    left = units - min(units, pick.on_hand_quantity)
    first: list[FromReceipt] = []
    rest: list[FromReceipt] = []
    for receipt in pick.receipts:
        taken = min(left, receipt.quantity)
        left -= taken
        for parts, quantity in ((first, taken), (rest, receipt.quantity - taken)):
            if quantity:
                parts.append(FromReceipt(expected_seconds=receipt.expected_seconds, quantity=quantity))
    return (
        replace(pick, quantity=units, receipts=tuple(first), backordered_quantity=left),
        replace(
            pick,
            quantity=pick.quantity - units,
            receipts=tuple(rest),
            backordered_quantity=pick.backordered_quantity - left,
        ),
    )


def _remainder(order: Order, kept: Iterable[Sent], exclusions: tuple[Exclusion, ...]) -> Order | None:
    """The order less what is kept."""
    units: Counter[str] = Counter()
    for shipment in kept:
        units += _units(shipment)
    missing = {line.line_id: line.quantity - units[line.line_id] for line in order.lines}
    lines = tuple(
        replace(line, quantity=missing[line.line_id]) for line in order.lines if missing[line.line_id]
    )
    if not lines:
        return None
    named = {line.delivery_id for line in lines}
    deliveries = order.deliveries
    if len(deliveries) > 1:
        deliveries = tuple(delivery for delivery in deliveries if delivery.delivery_id in named)
    return replace(order, lines=lines, deliveries=deliveries, exclusions=exclusions)


def _exclusions(
    order: Order, refused: Iterable[Refused], rules: ResourceRules, now_seconds: int
) -> tuple[Exclusion, ...]:
    """Of the order, and those that rejections lead to while they last; the latest end of each."""
    skus = {line.line_id: line.sku_id for line in order.lines}
    until: dict[tuple[str, str], int] = {}
    for refusal in refused:
        end = refusal.at_seconds + 60 * rules.exclude_minutes
        about = [skus[refusal.line_id]] if refusal.line_id else sorted(set(skus.values()))
        for sku_id in [""] if rules.exclude == "node" else about:
            key = (refusal.node_id, sku_id)
            until[key] = max(end, until.get(key, end))
    return order.exclusions + tuple(
        Exclusion(node_id=node_id, sku_id=sku_id, until_seconds=end)
        for (node_id, sku_id), end in until.items()
        if end > now_seconds
    )


def _corrections(
    let_go: Sequence[Sent], refused: Iterable[Refused], rules: ResourceRules
) -> tuple[Correction, ...]:
    """What the reasons say of the stock of what was let go; ``set_zero`` outweighs ``subtract``."""
    units: Counter[tuple[str, str, str]] = Counter()
    for shipment in let_go:
        for pick in shipment.picks:
            units[shipment.node_id, pick.line_id, pick.sku_id] += pick.on_hand_quantity
    zero: dict[tuple[str, str], None] = {}
    gone: Counter[tuple[str, str]] = Counter()
    for refusal in refused:
        effect = rules.effect_of(refusal.reason)
        for (node_id, line_id, sku_id), there in units.items():
            if node_id != refusal.node_id or refusal.line_id not in ("", line_id):
                continue
            if effect == "set_zero":
                zero[node_id, sku_id] = None
            elif effect == "subtract":
                gone[node_id, sku_id] += min(refusal.quantity or there, there)
    corrections = [Correction(sku_id=s, node_id=n, gone_units=None) for n, s in zero]
    corrections += [
        Correction(sku_id=s, node_id=n, gone_units=count)
        for (n, s), count in gone.items()
        if (n, s) not in zero and count
    ]
    return tuple(corrections)
