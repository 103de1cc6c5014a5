"""Orders of each kind and a product page as tables: what was asked, what came out, when it is there in local
time, what it costs, and why it comes from there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp
from rich import box
from rich.markup import escape
from rich.table import Table

from bench.kinds import HOME, STORE, Customer, Sourced
from router.domain import DeliveryMethod
from server.api.sourcing.v1 import sourcing_pb2
from server.tables import PARTS, cents, kilometres

LOCAL = ZoneInfo("Europe/Paris")
REASONS_SHOWN = 3


def kinds_table(found: Iterable[Sourced]) -> Table:
    """One row per delivery."""
    table = _table("One decision of each kind", "asked", "answer", "there (Paris)", "EUR", "why from there")
    for sourced in found:
        for number, delivery_id in enumerate(sourced.kind.places):
            table.add_row(*_row(sourced, delivery_id, is_first=number == 0))
        table.add_section()
    return table


def promise_table(customer: Customer, answer: sourcing_pb2.GetPromiseResponse) -> Table:
    """One row per method."""
    what = f"{customer.quantity} x {customer.sku_ids[0]} for {customer.place.name}"
    title = f"A product page before any order (GetPromise): {what}, at the earliest"
    table = _table(title, "delivery", "method", "from", "by", "there (Paris)", "units there")
    names = {int(method): method.name for method in DeliveryMethod}
    places = (customer.home.postal_code, customer.store.node_id, customer.point.point_id)
    for promise in answer.promises:
        table.add_row(
            escape(places[promise.delivery_ix]),
            names[promise.delivery_method],
            escape(promise.node_id),
            escape(promise.service_id or "own stock"),
            local(promise.earliest_time, answer.decide_time),
            str(promise.available),
        )
    return table


def local(time: Timestamp, since: Timestamp) -> str:
    """In Paris, to the minute, and how long after ``since``."""
    hours = (time.seconds - since.seconds) // 3600
    return f"{datetime.fromtimestamp(time.seconds, LOCAL):%a %d %b %H:%M} (+{hours // 24}d {hours % 24}h)"


def _row(sourced: Sourced, delivery_id: str, *, is_first: bool) -> Iterator[str]:
    """The cells of one delivery."""
    decision = sourced.answer.decision
    [shipment] = [s for s in decision.plan.shipments if s.delivery_id == delivery_id]
    [delivery] = [d for d in decision.plan.deliveries if d.delivery_id == delivery_id]
    [line] = [li for li in sourced.ranking.lines if li.line_id == shipment.picks[0].line_id]
    yield _asked(sourced, delivery_id, line, is_first=is_first)
    method = DeliveryMethod(shipment.delivery_method).name
    away = f", {kilometres(shipment.distance_m)}" if shipment.distance_m else ""
    way = f" by {escape(shipment.service_id)}" if shipment.service_id else ", own stock"
    answer = f"{escape(shipment.node_id)}{away}\n{method}{way}"
    if is_first:
        held = datetime.fromtimestamp(sourced.answer.hold_expire_time.seconds, LOCAL)
        answer += f"\n[dim]held until {held:%H:%M}[/]"
    yield answer
    yield local(delivery.promise_time, decision.decide_time).replace(" (", "\n(")
    yield _cost(delivery.cost)
    yield "\n".join(why(shipment.node_id, line))


def _asked(sourced: Sourced, delivery_id: str, line: sourcing_pb2.LineCandidates, *, is_first: bool) -> str:
    """``ship from store`` and what the customer said."""
    customer, order = sourced.customer, sourced.order
    home = f"home in {customer.home.postal_code} {customer.place.name}"
    place = {HOME: home, STORE: customer.store.node_id}.get(delivery_id, customer.point.name)
    where = order.sales_channel.name
    if order.selling_node_id and order.selling_node_id != place:
        where += f" in {order.selling_node_id}"
    head = f"[bold]{escape(sourced.kind.title)}[/] [dim]{escape(where)}[/]\n" if is_first else ""
    only = f", {sourced.kind.method.name} only" if sourced.kind.method else ""
    return f"{head}{line.quantity} x {escape(line.sku_id)} to {escape(place + only)}"


def _cost(cost: sourcing_pb2.Cost) -> str:
    """``9.15`` and the parts that make it."""
    parts = (f"{cents(getattr(cost, name))} {head}" for head, name in PARTS if getattr(cost, name))
    return f"[bold]{cents(cost.total_cents)}[/]\n" + "\n".join(parts)


def why(node_id: str, line: sourcing_pb2.LineCandidates) -> Iterator[str]:
    """The next best node for the line alone, and what became of nearer ones."""
    chosen = next(c for c in line.candidates if c.node_id == node_id)
    others = [c for c in line.candidates if not c.rejections and c.node_id != node_id]
    if others:
        best = others[0]
        more = best.cost.total_cents - chosen.cost.total_cents
        by = escape(best.service_id or "own stock")
        yield f"next best {escape(best.node_id)} by {by}: {cents(more)} more"
    else:
        yield "no other node can"
    nearer = [c for c in line.candidates if c.distance_m < chosen.distance_m]
    dearer = sum(not c.rejections for c in nearer)
    if dearer:
        yield f"{dearer} nearer {'costs' if dearer == 1 else 'cost'} more"
    yield from _against([c for c in nearer if c.rejections], "nearer")
    if not nearer and not others:
        yield from _against([c for c in line.candidates if c.rejections], "others")


def _against(rejected: list[sourcing_pb2.Candidate], which: str) -> Iterator[str]:
    """``12 nearer cannot: 9 INSUFFICIENT_STOCK, 3 store-closed``."""
    if not rejected:
        return
    reasons = Counter(r.rule_name or r.reason for c in rejected for r in c.rejections[:1])
    shown = [f"{count} {escape(reason)}" for reason, count in reasons.most_common(REASONS_SHOWN)]
    yield f"{len(rejected)} {which} cannot: {', '.join(shown)}"


def _table(title: str, *headings: str) -> Table:
    table = Table(
        title=escape(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
