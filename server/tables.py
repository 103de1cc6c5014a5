"""Answers as tables for people. Every function takes wire messages, so that what came over the network and
what was decided in this process look the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from rich import box
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from server.api.sourcing.v1 import sourcing_pb2, stock_pb2

PARTS = (
    ("shipping", "shipping_cents"),
    ("handling", "handling_cents"),
    ("delay", "delay_cents"),
    ("split", "split_cents"),
    ("stock depth", "stock_depth_cents"),
    ("distance", "distance_cents"),
    ("priority", "node_priority_cents"),
    ("stock price", "stock_price_cents"),
    ("transfer", "transfer_cents"),
    ("lateness", "lateness_cents"),
    ("node load", "node_load_cents"),
    ("waiting", "waiting_cents"),
    ("duty", "duty_cents"),
    ("mistrust", "mistrust_cents"),
    ("purchase", "purchase_cents"),
    ("substitution", "substitution_cents"),
)
"""The parts of a cost, by heading and field."""
NODES_SHOWN = 3
"""Candidates shown per line of a decision, and nodes shown per reason."""
_PROVEN = {
    sourcing_pb2.DECISION_STATUS_PARTIAL: "no plan fills more units, and none that fills as many is cheaper,",
    sourcing_pb2.DECISION_STATUS_UNSOURCEABLE: "no plan exists",
}
_STYLES = {1: "bold green", 2: "bold yellow", 3: "bold red"}


def console_for(stderr: bool = False) -> Console:
    """Wide enough for the tables when the output is not a terminal."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = 140
    return console


def cents(amount: int) -> str:
    """1234 as 12.34."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100:,}.{abs(amount) % 100:02d}"


def moment(time: Timestamp, since: Timestamp | None = None) -> str:
    """UTC, to the minute, and how long after ``since``."""
    text = datetime.fromtimestamp(time.seconds, UTC).strftime("%a %Y-%m-%d %H:%M")
    if since is None or not since.seconds:
        return text
    hours = (time.seconds - since.seconds) // 3600
    return f"{text} (+{hours // 24}d {hours % 24}h)"


def kilometres(metres: int) -> str:
    return f"{metres / 1000:,.1f} km"


def decision_view(response: sourcing_pb2.SourceOrderResponse) -> RenderableType:
    """The plan, its cost, what is proven and what is held."""
    decision = response.decision
    parts: list[RenderableType] = [headline(decision)]
    if decision.HasField("plan"):
        parts.append(plan_table(decision.plan, decision.decide_time))
        parts += [onward_line(own) for own in decision.plan.deliveries if own.HasField("onward")]
        parts.append(cost_table([("plan", decision.plan)]))
    if decision.unfilled:
        parts.append(unfilled_table(decision.unfilled))
    parts.append(certificate_line(decision))
    if response.reservation_id:
        until = moment(response.hold_expire_time)
        parts.append(Text(f"held as {response.reservation_id} until {until} UTC", style="bold"))
    return Group(*parts)


def explanation_view(
    decision: sourcing_pb2.Decision, explanation: sourcing_pb2.Explanation
) -> RenderableType:
    """Everything there is to know about a decision: what was chosen, what else could have been, and why
    the rest could not."""
    parts: list[RenderableType] = [headline(decision)]
    if decision.HasField("plan"):
        plans = [("chosen", decision.plan)]
        plans += [(f"alternative {i}", plan) for i, plan in enumerate(decision.alternatives, 1)]
        parts += [plan_table(decision.plan, decision.decide_time), certificate_line(decision)]
        parts.append(cost_table(plans, title="Cost by part, and the cheapest plans that avoid a node of it"))
    else:
        parts.append(certificate_line(decision))
    if decision.unfilled:
        parts.append(unfilled_table(decision.unfilled))
    if len(decision.strategy_ids) > 1:
        text = f"\nNodes under the rules of strategy {explanation.strategy_id}, the last one tried:"
        parts.append(Text(text, style="bold"))
    for line in explanation.lines:
        parts += line_views(line, decision.decide_time, chosen=_nodes_of_line(decision.plan, line.line_id))
    if explanation.relaxations:
        parts.append(relaxation_table(explanation.relaxations))
    if explanation.stopped_by:
        parts.append(Text(f"cut short, so some of it may be missing: {explanation.stopped_by}", "yellow"))
    parts.append(versions_line(decision))
    return Group(*parts)


def ranking_view(response: sourcing_pb2.RankNodesResponse) -> RenderableType:
    """For each line all the candidates of the answer, of which the caller has said how many it wants."""
    parts: list[RenderableType] = [Text(f"strategy {response.strategy_id or '(none)'}", style="bold")]
    for line in response.lines:
        parts += line_views(line, None, shown=len(line.candidates))
    return Group(*parts)


def headline(decision: sourcing_pb2.Decision) -> RenderableType:
    """How the decision ended, in one line."""
    status = sourcing_pb2.DecisionStatus.Name(decision.status).removeprefix("DECISION_STATUS_")
    text = Text(f"{status}", style=_STYLES.get(decision.status, "bold"))
    text.append(f"  order {decision.order_id}", style="bold")
    if decision.HasField("plan"):
        plan = decision.plan
        text.append(f"  cost {cents(plan.cost.total_cents)}", style="bold")
        text.append(f"  shipments {len(plan.shipments)}")
        text.append(f"  arrives {moment(plan.promise_time, decision.decide_time)} UTC")
    text.append(f"\nstrategy {' > '.join(decision.strategy_ids) or '(none)'}", style="dim")
    text.append(f"   decision {decision.decision_id}", style="dim")
    return Panel(text, box=box.ROUNDED, expand=False)


def plan_table(plan: sourcing_pb2.Plan, decide_time: Timestamp) -> Table:
    """One row per shipment."""
    table = new_table("Shipments", ("node", "service", "goods"), ("parcels", "weight", "distance"))
    waits = _waits_column(table, plan.shipments)
    table.add_column("arrives (UTC)", no_wrap=True)
    table.add_column("cost", justify="right", style="bold")
    for shipment in plan.shipments:
        table.add_row(
            escape(shipment.node_id),
            escape(way_text(shipment)),
            "\n".join(map(goods_text, shipment.picks)),
            str(shipment.parcel_count),
            f"{shipment.weight_grams / 1000:,.3f} kg",
            kilometres(shipment.distance_m),
            *waits(shipment),
            moment(shipment.arrival_time, decide_time),
            cents(shipment.cost.total_cents),
        )
    return table


def onward_line(own: sourcing_pb2.DeliveryPlan) -> Text:
    """How a delivery goes on from its hub."""
    onward = own.onward
    which = f"delivery {own.delivery_id} " if own.delivery_id else ""
    ready, arrives = moment(onward.ready_time), moment(own.promise_time)
    how = f"put together at {onward.node_id}, ready {ready}, on by {onward.service_id}, arrives {arrives} UTC"
    return Text(f"{which}{how}")


def _waits_column(
    table: Table, rows: Sequence[sourcing_pb2.Shipment] | Sequence[sourcing_pb2.Candidate]
) -> Callable[[sourcing_pb2.Shipment | sourcing_pb2.Candidate], list[str]]:
    """Adds a column with what rows wait for, if any waits; a row's cell in it, none without the column."""
    if not any(row.HasField("supply_time") for row in rows):
        return lambda row: []
    table.add_column("waits until (UTC)", no_wrap=True)
    return lambda row: [moment(row.supply_time) if row.HasField("supply_time") else ""]


def goods_text(pick: sourcing_pb2.Pick) -> str:
    """``3 x tent (1)``, and below it the units that are not there yet."""
    rows = [f"{pick.quantity} x {escape(pick.sku_id)} [dim]({escape(pick.line_id)})[/]"]
    rows += [f"  [dim]{r.quantity} expected {moment(r.expected_time)}[/]" for r in pick.receipts]
    rows += [f"  [dim]{pick.backordered_quantity} backordered[/]"] if pick.backordered_quantity else []
    return "\n".join(rows)


def way_text(shipment: sourcing_pb2.Shipment) -> str:
    """``truck``, or with what an order states deliveries for: ``truck, ship to store: today``."""
    if not shipment.delivery_id:
        return shipment.service_id
    method = sourcing_pb2.DeliveryMethod.Name(shipment.delivery_method).removeprefix("DELIVERY_METHOD_")
    how = method.lower().replace("_", " ")
    return f"{shipment.service_id + ', ' if shipment.service_id else ''}{how}: {shipment.delivery_id}"


def cost_table(plans: Sequence[tuple[str, sourcing_pb2.Plan]], title: str = "Cost by part") -> Table:
    """One row per plan; parts that no plan has are left out."""
    shown = [(head, name) for head, name in PARTS if any(getattr(plan.cost, name) for _, plan in plans)]
    table = new_table(title, ("", "from"), tuple(head for head, _ in shown))
    table.add_column("total", justify="right", style="bold")
    table.add_column("more than chosen", justify="right")
    for number, (label, plan) in enumerate(plans):
        more = plan.cost.total_cents - plans[0][1].cost.total_cents
        table.add_row(
            label,
            escape(", ".join(dict.fromkeys(s.node_id for s in plan.shipments))),
            *(cents(getattr(plan.cost, name)) for _, name in shown),
            cents(plan.cost.total_cents),
            f"+{cents(more)}" if number else "",
        )
    if len(plans) == 1:
        table.columns.pop()
    return table


def certificate_line(decision: sourcing_pb2.Decision) -> Text:
    """What is proven of the answer, and what is not, in a sentence."""
    proof = decision.certificate
    how = sourcing_pb2.Certificate.Method.Name(proof.method)
    if proof.kind == sourcing_pb2.Certificate.EXACT:
        what = _PROVEN.get(decision.status, "no cheaper plan exists")
        return Text(f"proven: {what} under these rules and this stock ({how})", "green")
    how += f", stopped by {proof.stopped_by}" if proof.stopped_by else ""
    if decision.status == sourcing_pb2.DECISION_STATUS_UNSOURCEABLE:
        return Text(f"not proven: no plan was found, yet one may exist ({how})", "yellow")
    what = "not proven to be the cheapest: no plan"
    if decision.status == sourcing_pb2.DECISION_STATUS_PARTIAL:
        what = "not proven to be the best: no plan that fills as many units"
    saving = f"{proof.gap_ppm / 10_000:.4f} % of this one's cost"
    return Text(
        f"{what} costs less than {cents(proof.bound_cents)}, so at most {saving} could be saved ({how})",
        "yellow",
    )


def unfilled_table(unfilled: Iterable[sourcing_pb2.UnfilledLine]) -> Table:
    """Units that nobody ships."""
    table = new_table("Not sourced", ("line", "SKU"), ("units",))
    for line in unfilled:
        table.add_row(escape(line.line_id), escape(line.sku_id), str(line.quantity))
    return table


def line_views(
    line: sourcing_pb2.LineCandidates,
    decide_time: Timestamp | None,
    chosen: frozenset[str] = frozenset(),
    shown: int = NODES_SHOWN,
) -> list[RenderableType]:
    """The best candidates of a line with the parts of their cost, then the rejected ones by reason.

    shown: most candidates, and most nodes per reason.
    """
    title = f"Line {line.line_id}: {line.quantity} x {line.sku_id}"
    views: list[RenderableType] = [Text()]
    eligible = [c for c in line.candidates if not c.rejections]
    rejected = [c for c in line.candidates if c.rejections and not c.taken_quantity]
    in_part = [c for c in line.candidates if c.rejections and c.taken_quantity]
    count = f"{line.eligible_count} nodes may supply it whole, {line.rejected_count} with stock may not"
    if eligible:
        views.append(_candidate_table(f"{title}; {count}", eligible[:shown], decide_time, chosen))
        more = line.eligible_count - len(eligible[:shown])
        if more > 0:
            views.append(Text(f"and {more} more", style="dim"))
    else:
        views.append(Text(f"{title}; {count}", style="bold"))
    if in_part:
        views.append(_part_table(in_part))
    if rejected:
        views.append(_rejection_table(rejected, shown))
    return views


def _part_table(candidates: Sequence[sourcing_pb2.Candidate]) -> Table:
    """Nodes that send some of a line that they may not supply whole."""
    table = new_table("Sent in parts by", ("node",), ("units", "available", "distance"))
    for candidate in candidates:
        units = (str(candidate.taken_quantity), str(candidate.available))
        table.add_row(escape(candidate.node_id), *units, kilometres(candidate.distance_m), style="green")
    return table


def _candidate_table(
    title: str,
    candidates: Sequence[sourcing_pb2.Candidate],
    decide_time: Timestamp | None,
    chosen: frozenset[str],
) -> Table:
    shown = [(head, name) for head, name in PARTS if any(getattr(c.cost, name) for c in candidates)]
    table = new_table(title, ("#", "node", "service"), ("available", "distance"))
    waits = _waits_column(table, candidates)
    table.add_column("arrives (UTC)", no_wrap=True)
    for head, _ in shown:
        table.add_column(head, justify="right")
    table.add_column("cost alone", justify="right", style="bold")
    for number, candidate in enumerate(candidates, 1):
        is_chosen = candidate.node_id in chosen
        table.add_row(
            f"{number}{' *' if is_chosen else ''}",
            escape(candidate.node_id),
            escape(candidate.service_id),
            str(candidate.available),
            kilometres(candidate.distance_m),
            *waits(candidate),
            moment(candidate.arrival_time, decide_time),
            *(cents(getattr(candidate.cost, name)) for _, name in shown),
            cents(candidate.cost.total_cents),
            style="green" if is_chosen else None,
        )
    if chosen:
        table.caption = "* supplies the line in the plan"
    return table


def _rejection_table(candidates: Sequence[sourcing_pb2.Candidate], limit: int) -> Table:
    """One row per reason, rule and threshold; a node with several reasons stands under each."""
    groups: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for candidate in candidates:
        for reason in candidate.rejections:
            key = (reason.reason, reason.rule_name, reason.threshold)
            groups.setdefault(key, []).append((candidate.node_id, reason.value))
    table = new_table("Rejected", ("reason", "rule", "needed"), ("nodes",))
    table.add_column("found")
    for (reason_name, rule, threshold), found in sorted(groups.items(), key=lambda item: -len(item[1])):
        shown = ", ".join(f"{node}: {value}" if value else node for node, value in found[:limit])
        rest = f", and {len(found) - limit} more" if len(found) > limit else ""
        table.add_row(reason_name, escape(rule), escape(threshold), str(len(found)), escape(shown + rest))
    return table


def relaxation_table(relaxations: Iterable[sourcing_pb2.Relaxation]) -> Table:
    """What would help; each row is enough by itself."""
    table = new_table("What would make the order whole (each row by itself)", ("changes",), ())
    for relaxation in relaxations:
        table.add_row(escape("\n+ ".join(relaxation.changes)))
    return table


def versions_line(decision: sourcing_pb2.Decision) -> Text:
    """What the decision was made from."""
    versions = decision.versions
    text = f"rules {versions.rules_hash[:12]}  stock version {versions.stock_version}"
    return Text(f"{text}  engine {versions.engine_version}", style="dim")


def stock_table(response: stock_pb2.GetAvailabilityResponse) -> Table:
    """One row per node, and per receipt."""
    rows = response.availabilities
    has_receipts = any(row.HasField("expected_time") for row in rows)
    table = new_table(
        f"Stock at version {response.stock_version}",
        ("SKU", "node", "expected (UTC)") if has_receipts else ("SKU", "node"),
        ("on hand", "reserved", "safety stock", "available"),
    )
    for row in rows:
        units = (row.on_hand, row.reserved, row.safety_stock, row.available_to_promise)
        expected = [moment(row.expected_time) if row.HasField("expected_time") else ""]
        own = [escape(row.sku_id), escape(row.node_id), *(expected if has_receipts else ())]
        table.add_row(*own, *(f"{n:,}" for n in units))
    return table


def _nodes_of_line(plan: sourcing_pb2.Plan, line_id: str) -> frozenset[str]:
    return frozenset(s.node_id for s in plan.shipments if any(p.line_id == line_id for p in s.picks))


def new_table(title: str, texts: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(title=escape(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for head in texts:
        table.add_column(head, overflow="fold")
    for head in numbers:
        table.add_column(head, justify="right", no_wrap=True)
    return table
