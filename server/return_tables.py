"""Rankings of returns as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from google.protobuf.timestamp_pb2 import Timestamp
from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from server.api.sourcing.v1 import returns_pb2
from server.tables import NODES_SHOWN, cents, kilometres, moment, new_table

PARTS = (
    ("shipping", "return_shipping_cents", 1),
    ("transfer", "transfer_cents", 1),
    ("handling", "return_handling_cents", 1),
    ("reconditioning", "reconditioning_cents", 1),
    ("split", "split_cents", 1),
    ("worth", "worth_cents", -1),
    ("stock need", "stock_need_cents", -1),
    ("follows source", "follow_source_cents", -1),
)
"""The parts of a cost, by heading and field, and whether they add to it or lower it."""


def returns_view(response: returns_pb2.RankReturnNodesResponse) -> RenderableType:
    """The best plan, the ranking, what is left out and why, and what a refund may follow."""
    parts: list[RenderableType] = [_headline(response)]
    if response.plans:
        parts.append(part_table(response.plans[0], response.decide_time))
        parts.append(ranking_table(response.plans))
    for entry in response.unplaced:
        parts.append(refusal_table(entry))
    if response.refunds:
        parts.append(refund_table(response.refunds))
    return Group(*parts)


def _headline(response: returns_pb2.RankReturnNodesResponse) -> RenderableType:
    if not response.plans:
        return Panel(Text("NO NODE ACCEPTS THIS", style="bold red"), box=box.ROUNDED, expand=False)
    plan = response.plans[0]
    left_out = sum(units.quantity for units in plan.unplaced)
    text = Text("PARTLY PLACED" if left_out else "PLACED", style="bold yellow" if left_out else "bold green")
    text.append(f"  cost {cents(plan.cost.total_cents)}", style="bold")
    text.append(f"  places {len(plan.parts)}")
    text.append("\nproven: no plan for as many units is cheaper under these rules", style="dim")
    return Panel(text, box=box.ROUNDED, expand=False)


def part_table(plan: returns_pb2.ReturnPlan, decide_time: Timestamp) -> Table:
    """One row per part."""
    table = new_table("Where it goes", ("node", "how", "goods"), ("parcels", "weight", "distance"))
    table.add_column("arrives (UTC)", no_wrap=True)
    table.add_column("cost", justify="right", style="bold")
    for part in plan.parts:
        table.add_row(
            escape(part.node_id),
            escape(_how(part)),
            "\n".join(_goods(units) for units in part.units),
            str(part.parcel_count),
            f"{part.weight_grams / 1000:,.3f} kg",
            kilometres(part.distance_m),
            moment(part.arrival_time, decide_time),
            cents(part.cost.total_cents),
        )
    return table


def _how(part: returns_pb2.ReturnPart) -> str:
    if part.method == returns_pb2.RETURN_METHOD_PARCEL:
        return f"parcel by {part.service_id}"
    if part.method == returns_pb2.RETURN_METHOD_DROP_OFF_TRANSFER:
        return f"dropped off at {part.drop_off_node_id}, on by {part.service_id}"
    return "dropped off"


def _goods(units: returns_pb2.ReturnedUnits) -> str:
    condition = returns_pb2.ReturnCondition.Name(units.condition).removeprefix("RETURN_CONDITION_").lower()
    text = f"{units.quantity} x {escape(units.sku_id)} [dim]({escape(units.line_id)})[/], {condition}"
    if units.reconditioned:
        text += ", reconditioned"
    return f"{text}, from {escape(units.original_node_id)}" if units.original_node_id else text


def ranking_table(plans: Sequence[returns_pb2.ReturnPlan]) -> Table:
    """One row per plan; parts of the cost that no plan has are left out."""
    shown = [part for part in PARTS if any(getattr(plan.cost, part[1]) for plan in plans)]
    table = new_table("Ranking", ("#", "goes to"), tuple(head for head, *_ in shown))
    table.add_column("total", justify="right", style="bold")
    for number, plan in enumerate(plans, 1):
        table.add_row(
            str(number),
            escape("; ".join(f"{part.node_id} ({_how(part)})" for part in plan.parts)),
            *(cents(sign * getattr(plan.cost, name)) for _, name, sign in shown),
            cents(plan.cost.total_cents),
        )
    return table


def refusal_table(entry: returns_pb2.UnplacedReturn) -> Table:
    """One row per reason, rule and threshold; a node with several reasons stands under each."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for node in entry.nodes:
        for reason in node.rejections:
            key = (reason.reason, reason.rule_name, reason.threshold)
            groups.setdefault(key, []).append(f"{node.node_id}: {reason.value}")
    title = f"Line {entry.units.line_id}: {entry.units.quantity} x {entry.units.sku_id} is placed nowhere"
    table = new_table(title, ("reason", "rule", "needed"), ("nodes",))
    table.add_column("found")
    for (reason_name, rule, threshold), found in sorted(groups.items(), key=lambda item: -len(item[1])):
        rest = f", and {len(found) - NODES_SHOWN} more" if len(found) > NODES_SHOWN else ""
        shown = ", ".join(found[:NODES_SHOWN]) + rest
        table.add_row(reason_name, escape(rule), escape(threshold), str(len(found)), escape(shown))
    return table


def refund_table(lines: Iterable[returns_pb2.RefundLine]) -> Table:
    """One row per returned line and original pick."""
    table = new_table(
        "What a refund may follow", ("line", "SKU", "sent by"), ("units", "each", "goods", "shipping")
    )
    for line in lines:
        table.add_row(
            escape(line.line_id),
            escape(line.sku_id),
            escape(f"{line.node_id} by {line.service_id}" if line.service_id else line.node_id),
            str(line.quantity),
            cents(line.unit_value_cents),
            cents(line.goods_cents),
            cents(line.shipping_cents),
        )
    return table
