"""The state of a node: asked for in words, shown to people."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from router.errors import InvalidInput, Violation
from router.network import LoadKind
from server.api.sourcing.v1 import node_pb2
from server.load.times import instant_of
from server.tables import moment, new_table


def state_request(
    node_id: str, off_until: str, *, on: bool, backlog: Sequence[str]
) -> node_pb2.SetNodeStateRequest:
    """A request with an id of its own. Raises InvalidInput by the names of the command's options."""
    found: list[Violation] = []
    request = node_pb2.SetNodeStateRequest(request_id=f"cli-{uuid.uuid4()}", node_id=node_id)
    if on and off_until:
        found.append(Violation("--on", "must not be given together with --off-until"))
    elif on:
        request.on = True
    elif off_until:
        try:
            request.off_until_time.seconds = instant_of(off_until)
        except ValueError as error:
            found.append(Violation("--off-until", str(error)))
    for text in backlog:
        name, _, quantity = text.partition("=")
        try:
            request.backlog.add(kind=_kind(name), quantity=int(quantity))
        except (KeyError, ValueError):
            found.append(Violation("--backlog", f"must be such as orders=5 or units=9, is {text!r}"))
    if found:
        raise InvalidInput(found)
    return request


def _kind(name: str) -> node_pb2.LoadKind.ValueType:
    return node_pb2.LoadKind.ValueType(LoadKind[name.upper()] + 1)


def node_view(state: node_pb2.NodeState) -> RenderableType:
    """On or off, and a row per day and kind of load."""
    off = state.HasField("off_until_time")
    head = f"{state.node_id} is " + (f"off until {moment(state.off_until_time)} UTC" if off else "on")
    backlog = ", ".join(f"{load.quantity:,} {_name(load.kind)}" for load in state.backlog if load.quantity)
    lines: list[RenderableType] = [Text(head, style="red" if off else "green")]
    if backlog:
        lines.append(Text(f"backlog: {backlog}"))
    if state.days:
        table = new_table("Room", ("date", "of"), ("capacity", "taken", "room"))
        for day in state.days:
            units = (day.capacity, day.taken_quantity, day.room)
            table.add_row(day.date, _name(day.kind), *(f"{n:,}" for n in units))
        lines.append(table)
    return Group(*lines)


def _name(kind: node_pb2.LoadKind.ValueType) -> str:
    return LoadKind(kind - 1).name.lower()
