"""Orders that were sourced again, as tables for people."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from server.api.sourcing.v1 import sourcing_pb2
from server.tables import decision_view, goods_text, moment, new_table


def resourcing_view(response: sourcing_pb2.ResourceOrderResponse) -> RenderableType:
    """What stays, what was decided anew and without whom, and how the stock was corrected."""
    attempts = f"sourced again for the {_ordinal(response.attempt)} time, {response.max_attempts} allowed"
    parts: list[RenderableType] = [Text(attempts, style="bold")]
    if response.kept:
        parts.append(kept_table(response.kept))
    if response.HasField("decision"):
        decided = sourcing_pb2.SourceOrderResponse(
            decision=response.decision, reservation_id=response.reservation_id
        )
        if response.HasField("hold_expire_time"):
            decided.hold_expire_time.CopyFrom(response.hold_expire_time)
        parts.append(decision_view(decided))
    if response.remainder.exclusions:
        parts.append(exclusion_table(response.remainder.exclusions))
    if response.corrections:
        parts.append(correction_table(response.corrections))
    return Group(*parts)


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


def kept_table(kept: Iterable[sourcing_pb2.KeptShipment]) -> Table:
    """One row per shipment of which something stays."""
    table = new_table("What stays", ("node", "delivery", "goods", "shipped"), ())
    for sent in kept:
        goods = "\n".join(goods_text(pick) for pick in sent.picks)
        table.add_row(escape(sent.node_id), escape(sent.delivery_id), goods, "yes" if sent.shipped else "no")
    return table


def exclusion_table(exclusions: Iterable[sourcing_pb2.Exclusion]) -> Table:
    """One row per node, or node and SKU, that is not asked."""
    table = new_table("Not asked", ("node", "SKU", "until (UTC)"), ())
    for excluded in exclusions:
        until = moment(excluded.until_time) if excluded.HasField("until_time") else "ever"
        table.add_row(escape(excluded.node_id), escape(excluded.sku_id) or "any", until)
    return table


def correction_table(corrections: Iterable[sourcing_pb2.StockCorrection]) -> Table:
    """One row per corrected stock row."""
    table = new_table("Stock corrected", ("node", "SKU", "gone"), ())
    for correction in corrections:
        gone = f"{correction.gone_units} units" if correction.HasField("gone_units") else "all not held"
        table.add_row(escape(correction.node_id), escape(correction.sku_id), gone)
    return table
